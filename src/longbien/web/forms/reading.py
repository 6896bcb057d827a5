"""A filled form as it is read: parts with lines, who signed it, what was copied, why it was amended. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ...base.words import Words
from .actions import COPIED
from .catalogue import packaged
from .tree import Form, Item, Resource, walk
from .values import shown
from .view import when

Line = SimpleNamespace
"""label, text, points, copied, depth, head."""


def author(r: Mapping[str, Any]) -> str:
    return str((r.get("author") or {}).get("display") or "")


def form_of(canonical: str) -> Form | None:
    """The house's form with this canonical."""
    url = canonical.partition("|")[0]
    return next((f for f in packaged().values() if f.url == url), None)


def row(r: Resource, w: Words) -> SimpleNamespace:
    """A response as a line of a list."""
    form = form_of(str(r.get("questionnaire") or ""))
    status = str(r.get("status"))
    said = {"in-progress": w("unfinished"), "completed": w("signed"), "amended": w("amended")}
    return SimpleNamespace(
        id=str(r["id"]),
        form=form.id if form else "",
        at=when(r.get("authored")),
        who=author(r),
        title=form.title.of(w.lang) if form else str(r.get("questionnaire") or w("Form")),
        status=status,
        state=said.get(status, status),
        result=_result(r, form, w),
    )


def _result(r: Resource, form: Form | None, w: Words) -> str:
    """A score's sum and what it means."""
    if form is None or form.kind != "score":
        return ""
    found: dict[str, str] = {}
    for item in walk(form.items):
        if item.shown in ("total", "meaning"):
            for answer in _answers(r.get("item") or [], item.id):
                found.setdefault(item.shown, shown(answer, item, w))
    return " · ".join(found[k] for k in ("total", "meaning") if k in found)


def _answers(items: Sequence[Resource], link: str) -> list[Mapping[str, Any]]:
    out: list[Mapping[str, Any]] = []
    for i in items:
        if i.get("linkId") == link:
            out += i.get("answer") or []
        out += _answers(i.get("item") or [], link)
    return out


def by_form(form: Form, response: Resource, w: Words) -> list[SimpleNamespace]:
    """A response by its form: parts with their lines; what was not answered is left out."""
    out = []
    for item in form.items:
        for given in (i for i in response.get("item") or () if i.get("linkId") == item.id):
            group = item.type == "group"
            lines = _lines(item.items if group else [item], given.get("item") or [] if group else [given], w, 0)
            if lines:
                out.append(SimpleNamespace(title=f"{item.prefix} {item.text.of(w.lang)}".strip(), lines=lines))
    return out


def _lines(items: Sequence[Item], given: Sequence[Resource], w: Words, depth: int) -> list[Line]:
    out: list[Line] = []
    for item in items:
        for one in (i for i in given if i.get("linkId") == item.id):
            label = f"{item.prefix} {item.text.of(w.lang)}".strip()
            if item.type == "group":
                below = _lines(item.items, one.get("item") or [], w, depth + 1)
                if below and label:
                    out.append(Line(label=label, text="", points="", copied=False, depth=depth, head=True))
                out += below
                continue
            answers = one.get("answer") or []
            out.append(_line(label, answers, item, w, depth))
            inner = [c for c in item.items if c.shown != "points"]
            out += _lines(inner, [i for a in answers for i in a.get("item") or ()], w, depth + 1)
    return out


def _line(label: str, answers: Sequence[Resource], item: Item, w: Words, depth: int) -> Line:
    text = "; ".join(t for a in answers if (t := shown(a, item, w)))
    copied = any(e.get("url") == COPIED for a in answers for e in a.get("extension") or ())
    return Line(label=label, text=text, points=_points(item, answers), copied=copied, depth=depth, head=False)


def _points(item: Item, answers: Sequence[Resource]) -> str:
    """What an answer was worth: by the calculated item below it, or its own weight."""
    below = [c for a in answers for c in a.get("item") or () if str(c.get("linkId")).endswith(".points")]
    worked = [v["valueInteger"] for c in below for v in c.get("answer") or () if "valueInteger" in v]
    if worked:
        return str(worked[0])
    codes = {(a.get("valueCoding") or {}).get("code") for a in answers}
    chosen = (c.points for c in item.choices if c.value.get("valueCoding", {}).get("code") in codes)
    return next((str(p) for p in chosen if p is not None), "")


def plain(items: Sequence[Resource]) -> list[SimpleNamespace]:
    """A response whose form is not known here: its own words."""
    lines = list(_plain(items, 0))
    return [SimpleNamespace(title="", lines=lines)] if lines else []


def _plain(items: Sequence[Resource], depth: int) -> list[Line]:
    out: list[Line] = []
    for i in items:
        values = [v for a in i.get("answer") or () for k, v in a.items() if k.startswith("value")]
        text = "; ".join(str(v.get("display") or v.get("value") or v) if isinstance(v, dict) else str(v) for v in values)
        label = str(i.get("text") or i.get("linkId"))
        out.append(Line(label=label, text=text, points="", copied=False, depth=depth, head=not text))
        out += _plain([*(i.get("item") or ()), *(x for a in i.get("answer") or () for x in a.get("item") or ())], depth + 1)
    return out


def reasons(found: Sequence[Resource]) -> list[SimpleNamespace]:
    """Provenances as lines: when, who, why."""
    return [
        SimpleNamespace(
            at=when(p.get("recorded")),
            text="; ".join(str(r.get("text") or "") for r in p.get("reason") or ()),
            who=next((str(a["who"].get("display") or "") for a in p.get("agent") or () if a.get("who")), ""),
        )
        for p in found
    ]
