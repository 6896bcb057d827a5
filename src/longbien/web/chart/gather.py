"""From what the record gives for one patient (record.life) to the chart's typed inputs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec

from ...access.rights import request
from ...fhir.systems import EXT_EXPECTED_DISCHARGE
from ...record.life import Column, Lived
from . import record as r
from .measures import LOINC

#: Resource types that the chart reads besides Patient and Observation.
TYPES = (
    "Encounter", "Condition", "AllergyIntolerance", "MedicationRequest", "MedicationStatement", "Composition",
    "DocumentReference", "ClinicalImpression", "DiagnosticReport", "ImagingStudy", "ServiceRequest", "Coverage", "CareTeam", "Task",
    "Flag",
)  # fmt: skip
ACKNOWLEDGE = "acknowledge-result"
IMAGING = {"RAD", "IMG", "imaging", "LP29684-5", "RUS", "CT", "NMR", "CUS", "363679005"}
LAB = {"LAB", "laboratory", "HM", "CH", "MB", "SR", "LP29693-6", "108252007"}

_SHARE = re.compile(r"\d{1,3}\s?%")
_decode = msgspec.json.Decoder().decode


def read_all(bodies: Iterable[bytes]) -> list[dict[str, Any]]:
    return [_decode(b) for b in bodies]


def places_asked(met: Iterable[Encounter]) -> set[str]:
    """Ids of organisations that the visits name without a display."""
    providers = (e.serviceProvider for e in met)
    return {p.reference.rsplit("/", 1)[-1].removeprefix("urn:uuid:") for p in providers if p and p.reference and not p.display}


def gather(lived: Lived, met: Iterable[Encounter], places: Mapping[str, str], lang: str) -> r.Life:
    """`met`: the visits, decoded. `places`: names of organisations by id."""

    def each(type_: str) -> list[dict[str, Any]]:
        return read_all(lived.bodies.get(type_, ()))

    reports = each("DiagnosticReport")
    imaging = [x for x in reports if _categories(x) & IMAGING]
    told = [x for x in reports if not _categories(x) & (IMAGING | LAB) and (x.get("conclusion") or x.get("presentedForm"))]
    pictures = _pictures(each("ImagingStudy"), imaging, lang)
    notes = [n for t in ("Composition", "DocumentReference", "ClinicalImpression") for x in each(t) if (n := r.note(x, lang))]
    answered = {r.reference_id(b) for x in reports for b in x.get("basedOn") or ()}
    tasks = each("Task")
    return r.Life(
        r.person(_decode(lived.patient)),
        [v for x in met if (v := visit(x, places, lang))],
        [d for t in ("MedicationRequest", "MedicationStatement") for x in each(t) if (d := r.drug(x, places, lang))],
        notes + [n for x in told if (n := r.note(x, lang))],
        pictures,
        [p for x in each("Condition") if (p := r.problem(x, lang))],
        [a for x in each("AllergyIntolerance") if (a := r.allergy(x, lang))],
        [s for c in lived.columns if (s := series(c, lang))],
        [q for x in each("ServiceRequest") if x.get("id") not in answered and (q := r.pending(x, lang))],
        [coverage(x) for x in each("Coverage") if x.get("status") == "active"],
        [(r.uncoded(p.get("role"), lang), str(r.first(p, "member", "display") or "")) for x in each("CareTeam") for p in x.get("participant") or () if r.first(p, "member", "display")],  # noqa: E501
        acknowledged(tasks),
        alerts=[f for x in each("Flag") if (f := r.alert(x, lang))],
        corrections=[t.text for x in tasks if (t := request.read(x)) and t.kind == "correct" and t.open],
    )  # fmt: skip


def _pictures(studies: list[dict[str, Any]], reports: list[dict[str, Any]], lang: str) -> list[r.Image]:
    """One mark for a study and its report; the mark leads to what can be read. A report names its study; where it does not, the
    one of the same day is meant."""
    by_study = {r.reference_id(s): x for x in reports for s in x.get("imagingStudy") or ()}
    loose: dict[date, dict[str, Any]] = {}
    for x in reports:
        if not x.get("imagingStudy") and (time := r.moment(x.get("effectiveDateTime") or x.get("issued"))):
            loose.setdefault(time.date(), x)
    found: list[r.Image] = []
    told: set[str] = set()
    for x in studies:
        one = r.image(x, lang)
        if one is None:
            continue
        report = by_study.get(one.id) or loose.get(one.time.date())
        if report is not None:
            told.add(str(report.get("id")))
            one = replace(one, type="DiagnosticReport", id=str(report.get("id")), updated=r.updated(report))
        found.append(replace(one, read=report is not None))
    return found + [i for x in reports if x.get("id") not in told and (i := r.image(x, lang))]


def acknowledged(tasks: Iterable[Mapping[str, Any]]) -> dict[str, r.Taken]:
    """Who took note of which result: the first to do so. A Task taken back (entered-in-error) says nothing."""
    found: dict[str, r.Taken] = {}
    for t in sorted(tasks, key=lambda t: str(t.get("authoredOn") or ""), reverse=True):
        if r.code_of(t.get("code")) == ACKNOWLEDGE and t.get("status") == "completed":
            who = str(r.first(t, "owner", "display") or "")
            found[r.reference_id(t.get("focus"))] = r.Taken(who, r.moment(t.get("authoredOn")), str(t.get("id") or ""))
    return found


def _categories(x: Mapping[str, Any]) -> set[str]:
    return {str(c.get("code")) for k in x.get("category") or () for c in k.get("coding") or ()}


def coverage(x: Mapping[str, Any]) -> tuple[str, str, str]:
    """(level and share paid where the card says them, else its name; number; valid to)."""
    level = next((str(c.get("value") or "") for c in x.get("class") or () if c.get("value")), "")
    share = _SHARE.search(str(r.first(x, "class", "name") or ""))
    name = r.concept(x.get("type")) or str(r.first(x, "payor", "display") or "")
    said = " · ".join(p for p in (level, share[0].replace(" ", "") if share else "") if p)
    return said or name, str(x.get("subscriberId") or ""), str(r.first(x, "period", "end") or "")[:10]


def _coding(code: Any, lang: str = "vi") -> tuple[str, str, str]:
    """(system, code, name): LOINC where there is one, else the first."""
    codings = [c for c in (code or {}).get("coding") or () if c.get("code")]
    chosen = next((c for c in codings if c.get("system") == LOINC), codings[0] if codings else None)
    text = str((code or {}).get("text") or "")
    if chosen is None:
        return "", text, text
    name = r.concept(code, lang) if lang != "vi" else text or str(chosen.get("display") or chosen["code"])
    return str(chosen.get("system") or ""), str(chosen["code"]), name


def _number(value: Any) -> float | None:
    try:
        return float(value) if value is not None else None
    except (TypeError, ValueError):
        return None


def _range(x: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return _number(r.first(x, "referenceRange", "low", "value")), _number(r.first(x, "referenceRange", "high", "value"))


def series(c: Column, lang: str) -> r.Series | None:
    """A column in the unit of its latest result. The index holds canonical units (g for kg, mmol/L for umol/L): the latest body
    says by how much they differ. Fahrenheit, which differs by an offset, is shown as Celsius."""
    x = _decode(c.sample)
    if c.part is not None:
        x = x["component"][c.part]
    quantity = x.get("valueQuantity") or {}
    shown, stored = _number(quantity.get("value")), c.values[-1]
    unit = str(quantity.get("code") or quantity.get("unit") or "")
    low, high = _range(x)
    values = c.values
    if unit == "[degF]":
        unit, low, high = "Cel", None, None
    elif shown is not None and stored and shown != stored:
        values = _times(values, shown / stored)
    system, code, name = _coding(x.get("code"), lang)
    n = len(c.times) - len(c.ids)
    updated = [*c.times[: len(c.times) - len(c.updated)], *c.updated] if c.part is None else []
    return r.Series(system, code, unit, c.times, values, [""] * n + c.ids, updated, name, low, high)


def _times(values: list[float], factor: float) -> list[float]:
    """To ten digits of the largest, which takes back what the conversion blurred."""
    largest = max(abs(v) for v in values) * abs(factor)
    digits = 10 - math.ceil(math.log10(largest)) if largest else 10
    return [round(v * factor, digits) for v in values]


class _Period(msgspec.Struct, gc=False):
    start: str = ""
    end: str = ""


class _Coding(msgspec.Struct, gc=False):
    system: str = ""
    code: str = ""
    display: str = ""


class _Concept(msgspec.Struct, gc=False):
    coding: list[_Coding] = []
    text: str = ""


class _Reference(msgspec.Struct, gc=False):
    reference: str = ""
    display: str = ""


class _Location(msgspec.Struct, gc=False):
    location: _Reference
    status: str = ""


class _Extension(msgspec.Struct, gc=False):
    url: str = ""
    valueDate: str = ""  # noqa: N815 - the standard's name


class Encounter(msgspec.Struct, gc=False, rename={"kind": "class"}):
    """What the chart reads of an Encounter: to decode the rest too, and to look for it in dicts, costs five times as much."""

    id: str = ""
    status: str = ""
    kind: _Coding | None = None
    period: _Period | None = None
    serviceProvider: _Reference | None = None  # noqa: N815 - the standard's name
    type: list[_Concept] = []
    reasonCode: list[_Concept] = []  # noqa: N815
    serviceType: _Concept | None = None  # noqa: N815
    location: list[_Location] = []
    extension: list[_Extension] = []


_encounter = msgspec.json.Decoder(Encounter).decode


def encounters(bodies: Iterable[bytes]) -> list[Encounter]:
    """A shape that no Encounter has (the store validates; what came in before may differ) is left out."""
    found = []
    for body in bodies:
        try:
            found.append(_encounter(body))
        except msgspec.ValidationError:
            continue
    return found


def _said(concepts: list[_Concept], lang: str) -> str:
    """As record.concept."""
    if not concepts:
        return ""
    one = concepts[0]
    if one.text and lang != "en":
        return one.text
    if names := getattr(lang, "names", None):
        for c in one.coding:
            if name := names.get((c.system, c.code)):
                return str(name)
    display = code = ""
    for c in one.coding:
        display = display or c.display
        code = code or c.code
    return display or one.text or code


def visit(x: Encounter, places: Mapping[str, str], lang: str) -> r.Visit | None:
    """As record.visit."""
    start = r.moment(x.period.start) if x.period else None
    if start is None or x.period is None or x.status in ("cancelled", "entered-in-error"):
        return None
    provider = x.serviceProvider
    place = provider.reference.rsplit("/", 1)[-1].removeprefix("urn:uuid:") if provider else ""
    name = places.get(place) or (provider.display if provider else "") or place
    return r.Visit(
        x.id,
        start,
        r.moment(x.period.end),
        x.kind.code if x.kind else "",
        x.status,
        place,
        name,
        _said(x.type, lang) or _said(x.reasonCode, lang),
        _said([x.serviceType], lang) if x.serviceType else "",
        r.where_now((spot.status, spot.location.display) for spot in x.location),
        next((e.valueDate for e in x.extension if e.url == EXT_EXPECTED_DISCHARGE), ""),
    )
