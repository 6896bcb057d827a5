"""A signed form as a paper: a Composition with a section for each part of the form, for the records room to print. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from ...base import clock
from ...base.words import Words
from .extract import Signing, _author, own_id
from .filling import Filled, Node
from .tree import Resource
from .values import shown

PAPER = "https://longbien.org/fhir/CodeSystem/paper"
FORM = "https://longbien.org/fhir/StructureDefinition/paper-form"
"""Extension of the Composition: the canonical of the form that it was made of; its printed layout is that form's."""
NAMES = {"record": "Bệnh án", "consent-form": "Giấy cam kết"}


def lines(nodes: Sequence[Node], w: Words) -> list[tuple[str, str]]:
    """(label, what was answered) of every answer below, with a heading's words before those of its own parts."""
    out: list[tuple[str, str]] = []
    for n in nodes:
        if not n.on or n.item.hidden or n.item.shown in ("points", "thresholds"):
            continue
        label = f"{n.item.prefix} {n.item.text.of(w.lang)}".strip()
        if n.answers:
            out.append((label, "; ".join(t for a in n.answers if (t := shown(a, n.item, w)))))
        below = lines(n.children, w)
        if n.item.type == "group" and below and label:
            out.append((label if n.of == 1 else f"{label} {n.number + 1}", ""))
        out += below
    return out


def _div(nodes: Sequence[Node], w: Words) -> str:
    parts = []
    for label, text in lines(nodes, w):
        body = Markup("<br/>").join(escape(x) for x in text.split("\n"))
        head = f"<b>{escape(label)}</b>" if label else ""
        parts.append(f"<p>{head}{': ' if label and text else ''}{body}</p>")
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(parts)}</div>'


def composition(filled: Filled, signing: Signing, code: str, facility: str, w: Words) -> Resource:
    """The paper of this form. code: of the house's papers; facility: id of the organisation, "" unknown."""
    form, writer = filled.form, signing.writer
    sections: list[dict[str, Any]] = []
    for n in filled.nodes:
        if not n.on or n.item.shown == "thresholds":
            continue
        inner = n.children if n.item.type == "group" else [n]
        if not lines(inner, w):
            continue
        title = f"{n.item.prefix} {n.item.text.vi}".strip() or form.title.vi
        if n.of > 1:
            title = f"{title} {n.number + 1}"
        section: dict[str, Any] = {"title": title, "text": {"status": "generated", "div": _div(inner, w)}}
        if n.item.codes:
            section["code"] = {"coding": [dict(c) for c in n.item.codes]}
        sections.append(section)
    source = {"reference": f"QuestionnaireResponse/{signing.id}"}
    if sections:
        sections[0]["entry"] = [source]
    out: Resource = {
        "resourceType": "Composition",
        "id": own_id(signing.id, "paper"),
        "extension": [{"url": FORM, "valueCanonical": form.canonical}],
        "status": "amended" if signing.amends else "final",
        "type": {"coding": [{"system": PAPER, "code": code, "display": NAMES[code]}], "text": form.title.vi},
        "subject": {"reference": f"Patient/{writer.patient}"},
        "date": clock.instant(signing.now),
        "author": [_author(writer)],
        "title": form.title.vi,
        "section": sections,
    }
    if writer.encounter:
        out["encounter"] = {"reference": f"Encounter/{writer.encounter}"}
    if facility:
        out["custodian"] = {"reference": f"Organization/{facility}"}
    return out
