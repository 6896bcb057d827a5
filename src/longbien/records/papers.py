"""Which legal papers there are and what each shows: a Composition and what it stands on -> the lines of a page. Pure; the papers
are data (tables/papers.csv, tables/rows.csv), each with its circular. What is on paper is Vietnamese, whoever reads the screen.

A paper is a Composition whose type carries a code of CODES; its words stand in sections, found by code, by title or by order; who
the patient is and when they came is read from the record when the page is made."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

from longbien.base import clock
from longbien.base.fold import fold
from longbien.base.words import parse_instant, words
from longbien.fhir import systems as s
from longbien.web.forms import printed
from longbien.web.forms.tree import Form

from . import official

CODES = "https://longbien.org/fhir/CodeSystem/paper"
TABLES = Path(__file__).parent / "tables"
MOTTO = ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc")
CONVERTED = "Bản giấy chuyển đổi từ hồ sơ bệnh án điện tử"
"""The words of a printed copy (see ../shared law notes: TT 13/2025/TT-BYT)."""
EMPTY = "…" * 12
Resource = Mapping[str, Any]


class Block(NamedTuple):
    """Where somebody signs. party: person (who treats), head (of a department), organisation, patient (or who stands for them).
    optional: the paper is whole without it."""

    key: str
    label: str
    party: str
    optional: bool = False


class Row(NamedTuple):
    row: str
    label: str
    kind: str
    match: tuple[str, ...]


@dataclass(frozen=True)
class Paper:
    """A kind of paper. layout: lines (a form to be filled in) or blocks (headings with text under them)."""

    code: str
    title: str
    title_en: str
    mark: str
    law: str
    layout: str
    blocks: tuple[Block, ...]
    rows: tuple[Row, ...] = ()

    def name(self, lang: str) -> str:
        return self.title if lang == "vi" else self.title_en


def _read(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


@cache
def kinds() -> dict[str, Paper]:
    """code -> paper, in the order of the table."""
    rows: dict[str, list[Row]] = {}
    for r in _read("rows.csv"):
        rows.setdefault(r["paper"], []).append(Row(r["row"], r["label"], r["kind"], tuple(r["match"].split())))
    out = {}
    for r in _read("papers.csv"):
        blocks = tuple(_block(part) for part in r["signers"].split(";"))
        made = Paper(r["code"], r["title"], r["title_en"], r["mark"], r["law"], r["layout"], blocks, tuple(rows.get(r["code"], ())))
        out[made.code] = made
    return out


def _block(text: str) -> Block:
    key, label, party = text.split("=")
    return Block(key, label, party.removesuffix("?"), party.endswith("?"))


def kind_of(composition: Resource) -> Paper | None:
    """Which paper a Composition is; None for a note that is none. An official record is signed by whom its form names."""
    codings = (composition.get("type") or {}).get("coding") or ()
    kind = next((k for c in codings if c.get("system") == CODES and (k := kinds().get(str(c.get("code"))))), None)
    return _official(kind, composition) if kind is not None and kind.code == "record" else kind


def _official(kind: Paper, composition: Resource) -> Paper:
    form = official.form_of(composition)
    if form is None:
        return replace(kind, blocks=tuple(b for b in kind.blocks if not b.optional))
    wanted, own = dict(official.signers(form, composition)), {b.key: b for b in kind.blocks}
    blocks = tuple(own[k]._replace(label=label or own[k].label, optional=False) for k, label in wanted.items())
    return replace(kind, title=form.title.vi, title_en=form.title.en, mark=f"MS: {printed.number(form)}", blocks=blocks)


@dataclass
class Sources:
    """What a page is made of. Lists are of the visit that the Composition is about, newest last."""

    composition: Resource
    patient: Resource = field(default_factory=dict)
    encounter: Resource = field(default_factory=dict)
    facility: Resource = field(default_factory=dict)
    parent: str = ""
    conditions: Sequence[Resource] = ()
    coverage: Resource = field(default_factory=dict)
    relative: Resource = field(default_factory=dict)
    drugs: Sequence[Resource] = ()
    notes: Sequence[Resource] = ()
    weight: str = ""
    form: Form | None = None
    response: Resource = field(default_factory=dict)
    """Of a record or a consent: the form that it was made of, and what was filled in."""


# ---- small readings -------------------------------------------------------------------------------------------------


def identifier(resource: Resource, system: str) -> str:
    return next((str(i.get("value") or "") for i in resource.get("identifier") or () if i.get("system") == system), "")


def name_of(patient: Resource) -> str:
    names = patient.get("name") or [{}]
    best = next((n for n in names if n.get("use") == "official"), names[0])
    return str(best.get("text") or " ".join([str(best.get("family") or ""), *(best.get("given") or ())])).strip()


def paragraphs(div: str) -> list[str]:
    """The text of a narrative, a paragraph a line; nothing of its markup."""
    text = re.sub(r"<(?:/p|/li|/div|/tr|br\s*/?|/h[1-6])\s*>", "\n", div)
    text = re.sub(r"</t[dh]>", "  ", text)
    text = unescape(re.sub(r"<[^>]*>", "", text))
    return [" ".join(line.split()) for line in text.split("\n") if line.strip()]


def slug(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", fold(text)))


def moment(text: str | None) -> str:
    """An instant as forms write it: 08 giờ 05 phút, ngày 16 tháng 11 năm 2026."""
    if not text:
        return ""
    if len(text) <= 10:
        return day(text)
    at = clock.local(parse_instant(text))
    return f"{at:%H} giờ {at:%M} phút, ngày {at:%d} tháng {at:%m} năm {at:%Y}"


def day(text: str | None) -> str:
    """A FHIR date as 14/03/1955; a year or a month stay what they are."""
    if not text:
        return ""
    parts = str(text)[:10].split("-")
    return "/".join(reversed(parts))


def diagnoses(sources: Sources) -> str:
    """The visit's diagnoses with their ICD-10 codes, the main one first. "" when it names none."""
    by_id = {str(c.get("id")): c for c in sources.conditions}
    named = sorted(sources.encounter.get("diagnosis") or (), key=lambda d: d.get("rank") or 99)
    out = []
    for d in named:
        reference = d.get("condition") or {}
        c = by_id.get(str(reference.get("reference") or "").rpartition("/")[2])
        out.append(_condition(c) if c else str(reference.get("display") or ""))
    if not out:
        out = [_condition(c) for c in sources.conditions]
    out = list(dict.fromkeys(x for x in out if x))
    if not out:
        return ""
    return out[0] + (". Kèm theo: " + ", ".join(x[0].lower() + x[1:] for x in out[1:]) if out[1:] else "")


def _condition(c: Resource) -> str:
    code = c.get("code") or {}
    icd: Resource = next((x for x in code.get("coding") or () if x.get("system") in (s.ICD10_VN, s.ICD10)), {})
    name = str(code.get("text") or icd.get("display") or "")
    return f"{name} ({icd['code']})" if icd.get("code") and name else name


# ---- the fields that forms share ------------------------------------------------------------------------------------


def _age(sources: Sources) -> str:
    born, at = str(sources.patient.get("birthDate") or ""), _made(sources)
    return words("vi").age(born, clock.local(at).date()) if born else ""


def _made(sources: Sources) -> datetime:
    return parse_instant(str(sources.composition.get("date") or clock.instant(clock.now())))


def _birth(sources: Sources) -> str:
    born = day(sources.patient.get("birthDate"))
    return f"{born} ({_age(sources)})" if born else ""


def _period(sources: Sources, end: str) -> str:
    return moment((sources.encounter.get("period") or {}).get(end))


def _days(sources: Sources) -> str:
    period = sources.encounter.get("period") or {}
    if not period.get("start") or not period.get("end"):
        return ""
    a, b = (clock.local(parse_instant(period[k])).date() for k in ("start", "end"))
    return str(max(1, (b - a).days + 1))


def _bed(sources: Sources) -> str:
    places = [x.get("location", {}).get("display") for x in sources.encounter.get("location") or ()]
    return next((str(p) for p in reversed(places) if p), "")


def _address(sources: Sources) -> str:
    found: Resource = next(iter(sources.patient.get("address") or ()), {})
    return str(found.get("text") or ", ".join([*(found.get("line") or ()), found.get("district", ""), found.get("city", "")]))


def _phone(sources: Sources) -> str:
    return next((str(t.get("value")) for t in sources.patient.get("telecom") or () if t.get("system") == "phone"), "")


def _coding(sources: Sources, url: str) -> str:
    found: Resource = next((x for x in sources.patient.get("extension") or () if x.get("url") == url), {})
    return str((found.get("valueCoding") or {}).get("display") or (found.get("valueCodeableConcept") or {}).get("text") or "")


def _relative(sources: Sources) -> str:
    r = sources.relative
    phone = next((str(t.get("value")) for t in r.get("telecom") or () if t.get("system") == "phone"), "")
    return ", ".join(x for x in (name_of(r) if r.get("name") else "", phone) if x)


def _disposition(sources: Sources) -> str:
    return str(((sources.encounter.get("hospitalization") or {}).get("dischargeDisposition") or {}).get("text") or "")


def _source(sources: Sources) -> str:
    return str(((sources.encounter.get("hospitalization") or {}).get("admitSource") or {}).get("text") or "")


FIELDS: dict[str, Callable[[Sources], str]] = {
    "name": lambda x: name_of(x.patient).upper(),
    "birth": _birth,
    "age": _age,
    "sex": lambda x: words("vi").sex(str(x.patient.get("gender") or "")),
    "ethnicity": lambda x: _coding(x, s.EXT_ETHNICITY),
    "occupation": lambda x: _coding(x, s.BASE + "/StructureDefinition/occupation"),
    "citizen": lambda x: identifier(x.patient, s.CITIZEN_ID),
    "insurance": lambda x: str(x.coverage.get("subscriberId") or identifier(x.patient, s.INSURANCE_NUMBER)),
    "insurance_until": lambda x: day((x.coverage.get("period") or {}).get("end")),
    "social": lambda x: identifier(x.patient, s.SOCIAL_INSURANCE_NUMBER),
    "address": _address,
    "phone": _phone,
    "relative": _relative,
    "admitted": lambda x: _period(x, "start"),
    "discharged": lambda x: _period(x, "end"),
    "department": lambda x: str((x.encounter.get("serviceType") or {}).get("text") or ""),
    "bed": _bed,
    "days": _days,
    "way": _disposition,
    "source": _source,
    "weight": lambda x: x.weight,
}


# ---- sections -------------------------------------------------------------------------------------------------------


class Section(NamedTuple):
    title: str
    keys: frozenset[str]
    lines: tuple[str, ...]
    entries: tuple[str, ...]


def sections(composition: Resource) -> list[Section]:
    """The Composition's sections, those inside others after them."""
    out: list[Section] = []

    def walk(listed: Sequence[Resource]) -> None:
        for one in listed or ():
            title = str(one.get("title") or "")
            codes = {str(c.get("code") or "").lower() for c in (one.get("code") or {}).get("coding") or ()}
            lines = tuple(paragraphs(str((one.get("text") or {}).get("div") or "")))
            entries = tuple(str(e.get("reference") or "") for e in one.get("entry") or ())
            out.append(Section(title, frozenset(codes | {slug(title)}), lines, entries))
            walk(one.get("section") or ())

    walk(composition.get("section") or ())
    return out


def _taken(row: Row, left: list[Section]) -> Section | None:
    """The section that a row of the form asks for, taken out of those left."""
    for wanted in (row.row, slug(row.label), *row.match):
        for n, one in enumerate(left):
            if wanted in one.keys:
                return left.pop(n)
    return None


def lines(sources: Sources) -> list[dict[str, Any]]:
    """What stands between the paper's head and its signatures, for the template: a list of {k: line | pair | boxes | block |
    heading | drugs | table, ...}. Every section is shown, also one that the form has no place for."""
    kind = kind_of(sources.composition)
    if kind is None:
        raise ValueError("no paper")
    if sources.form is not None and sources.response and kind.code == "record":
        return printed.lines(sources.form, sources.response, [b.key for b in kind.blocks])
    left, out = sections(sources.composition), list[dict[str, Any]]()
    for row in kind.rows:
        out += _line(kind, row, sources, left, out)
    for one in left:
        if one.lines:
            out.append({"k": "block", "title": one.title, "lines": list(one.lines)})
    return out


def _line(kind: Paper, row: Row, sources: Sources, left: list[Section], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if row.kind == "heading":
        return [{"k": "heading", "text": row.label}]
    if row.kind == "sheet":
        return [_sheet(sources, left)]
    if row.kind == "drugs":
        return [_drugs(row, sources, left)]
    if row.kind == "section":
        found = _taken(row, left)
        text = list(found.lines) if found else []
        if not text and row.row == "diagnosis" and (said := diagnoses(sources)):
            text = [said]
        if not text:
            return (
                []
                if row.row in ("parents", "transport", "again")
                else [{"k": "line", "label": row.label, "text": "", "strong": False}]
            )
        if len(text) > 4 or (kind.layout == "blocks" and row.row not in ("diagnosis", "reason", "outcome")):
            return [{"k": "block", "title": row.label, "lines": text}]
        return [{"k": "line", "label": row.label, "text": "\n".join(text), "strong": False}]
    value = FIELDS[row.row](sources)
    if row.kind == "boxes":
        return [{"k": "boxes", "label": row.label, "text": value}]
    cell = {"label": row.label, "text": value, "strong": row.row == "name"}
    if row.kind == "beside" and before and before[-1]["k"] in ("line", "pair"):
        last = before.pop()
        cells = last["cells"] if last["k"] == "pair" else [{k: last[k] for k in ("label", "text", "strong")}]
        return [{"k": "pair", "cells": [*cells, cell]}]
    return [{"k": "line", **cell}]


def _drugs(row: Row, sources: Sources, left: list[Section]) -> dict[str, Any]:
    """A prescription's drugs: what the section refers to, else what its text says."""
    found = _taken(Row(row.row, row.label, "section", ("drugs", "medications", "thuoc", "thuoc-dieu-tri")), left)
    wanted = {e.rpartition("/")[2] for e in (found.entries if found else ())}
    drugs = [d for d in sources.drugs if str(d.get("id")) in wanted] if wanted else []
    rows = [[_drug_name(d), _amount(d), _usage(d)] for d in drugs]
    return {"k": "drugs", "label": row.label, "rows": rows, "lines": list(found.lines) if found and not rows else []}


def _drug_name(d: Resource) -> str:
    concept = d.get("medicationCodeableConcept") or {}
    shown = (d.get("medicationReference") or {}).get("display")
    return str(concept.get("text") or next((c.get("display") for c in concept.get("coding") or ()), "") or shown or "")


def _amount(d: Resource) -> str:
    q = (d.get("dispenseRequest") or {}).get("quantity") or {}
    return f"{q['value']} {q.get('unit') or ''}".strip() if q.get("value") is not None else ""


def _usage(d: Resource) -> str:
    return "; ".join(str(i.get("text") or "") for i in d.get("dosageInstruction") or () if i.get("text"))


def drug_line(d: Resource) -> str:
    """A drug on one line: what, how much, how."""
    return ", ".join(x for x in (_drug_name(d), _amount(d), _usage(d)) if x)


ORDERS = frozenset(("plan", "orders", "18776-5", "huong-xu-tri", "y-lenh", "chi-dinh", "dieu-tri", "xu-tri"))


def _sheet(sources: Sources, left: list[Section]) -> dict[str, Any]:
    """The treatment sheet's table: time, course (SOAP), orders. One row for each note of the visit, else for the Composition
    itself."""
    rows = [_entry(note, sections(note)) for note in sources.notes]
    if not rows:
        rows = [_entry(sources.composition, left)]
        left.clear()
    return {"k": "table", "head": ["Ngày, giờ", "Diễn biến bệnh", "Chỉ định"], "rows": rows, "widths": [2, 5, 4]}


def _entry(note: Resource, parts: Sequence[Section]) -> list[str]:
    at = clock.local(parse_instant(str(note.get("date") or clock.instant(clock.now()))))
    course = [f"{p.title}: {' '.join(p.lines)}" for p in parts if p.lines and not p.keys & ORDERS]
    orders = [line for p in parts if p.keys & ORDERS for line in p.lines]
    who = ", ".join(str(a.get("display") or "") for a in note.get("author") or ())
    return [f"{at:%d/%m/%Y}\n{at:%H:%M}", "\n".join([*course, *([f"({who})"] if who else [])]), "\n".join(orders)]


# ---- the whole page -------------------------------------------------------------------------------------------------


def page(sources: Sources) -> dict[str, Any]:
    """The page's data but for signatures and what stands below them."""
    kind = kind_of(sources.composition)
    if kind is None:
        raise ValueError("no paper")
    made = clock.local(_made(sources))
    facility = str(sources.facility.get("name") or (sources.composition.get("custodian") or {}).get("display") or "")
    department = FIELDS["department"](sources)
    seat: Resource = next(iter(sources.facility.get("address") or ()), {})
    town = seat.get("city") or "Hà Nội"
    return {
        "title": kind.title.upper(),
        "mark": kind.mark,
        "law": kind.law,
        "parent": (sources.parent or "Sở Y tế Hà Nội").upper(),
        "facility": facility.upper(),
        "department": department,
        "bed": _bed(sources),
        "head": "form" if sources.form is not None and sources.response and kind.code == "record" else "paper",
        "motto": list(MOTTO),
        "archive": identifier(sources.encounter, s.ENCOUNTER_NUMBER),
        "number": identifier(sources.patient, s.PATIENT_NUMBER),
        "lines": lines(sources),
        "place": f"{town}, ngày {made:%d} tháng {made:%m} năm {made:%Y}",
        "date": [made.year, made.month, made.day, made.hour, made.minute, made.second],
        "lang": "vi",
    }


def content_hash_parts(composition: Resource) -> dict[str, Any]:
    """What of a Composition a signature speaks of: everything but its version, its status and who attested it."""
    return {k: v for k, v in composition.items() if k not in ("meta", "status", "attester", "text")}


ADDENDUM_REASON = s.BASE + "/StructureDefinition/addendum-reason"


def addendum_reason(resource: Resource) -> str:
    """Why something was added after its record was closed; "" where it says nothing."""
    found = (x.get("valueString") for x in resource.get("extension") or () if x.get("url") == ADDENDUM_REASON)
    return next((str(x).strip() for x in found if x), "")
