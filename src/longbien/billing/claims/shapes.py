"""A claim as it stands in the record: one `Claim` a visit, whose rows lie among the blobs by their hash. Pure.

Claim `claim-{encounter}`: identifier MA_LK, meta.tag the state (CodeSystem claim-state) and, where it is insured, the month that it
belongs to (claim-month), billablePeriod the visit, total T_TONGCHI_BV; extension `claim`: visit, rows (hash), day, month, insured,
insurer (T_BHTT), stops, warnings, answer, line (its row of 01/BH, JSON); extension
`claim-correction` for each field that an officer corrected: table, row, field, was, value, why, by, at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from longbien.base.ids import key64
from longbien.fhir import systems as s
from longbien.wire.claims_xml import Claim, Fault, Row

Resource = dict[str, Any]
State = Literal["mend", "ready", "waiting", "sent", "refused"]
STATES: tuple[State, ...] = ("mend", "ready", "waiting", "refused", "sent")
STATE = s.BASE + "/CodeSystem/claim-state"
MONTH = s.BASE + "/CodeSystem/claim-month"
LINK = s.BASE + "/sid/claim"
EXT = s.BASE + "/StructureDefinition/claim"
EXT_CORRECTION = s.BASE + "/StructureDefinition/claim-correction"
TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"
PRIORITY = "http://terminology.hl7.org/CodeSystem/processpriority"
ERROR = s.BASE + "/CodeSystem/claim-answer"
NOT_INSURED = "9"
"""MA_DOITUONG_KCB of who pays alone: their claim goes to the axis only, XML1 and XML8 of it."""


@dataclass(frozen=True)
class Correction:
    """row: counted from 1. was: what stood there; where that has changed since, the correction is not applied."""

    table: str
    row: int
    field: str
    was: str
    value: str
    why: str
    by: str
    at: str


@dataclass(frozen=True)
class Kept:
    """A Claim, read. rows: hash. day: that the rows were checked for."""

    id: str
    version: int
    link: str
    state: State
    patient: str
    name: str
    visit: str
    rows: str
    facility: str
    begin: str
    end: str
    month: str
    insured: bool
    total: Decimal
    insurer: Decimal
    stops: int
    warnings: int
    answer: str
    line: str
    corrections: Sequence[Correction]
    resource: Resource


def claim_id(encounter: str) -> str:
    """At most 64 letters: an id of a visit that is longer than 58 is told apart by its key."""
    return f"claim-{encounter}" if len(encounter) <= 58 else f"claim-{key64(encounter):x}"


def _parts(extension: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for part in extension.get("extension") or ():
        out[str(part.get("url"))] = next((v for k, v in part.items() if k.startswith("value")), "")
    return out


def of(resource: Resource, version: int = 0) -> Kept:
    """Raises nothing: what is not there is empty."""
    known = next((_parts(x) for x in resource.get("extension") or () if x.get("url") == EXT), {})
    tags = (t.get("code") for t in (resource.get("meta") or {}).get("tag") or () if t.get("system") == STATE)
    told = set(tags)
    state: State = next((x for x in STATES if x in told), "mend")
    period = resource.get("billablePeriod") or {}
    patient = resource.get("patient") or {}
    return Kept(
        str(resource.get("id") or ""), version, next((str(i.get("value")) for i in resource.get("identifier") or ()), ""), state,
        str(patient.get("reference") or "").rpartition("/")[2], str(patient.get("display") or ""),
        str((known.get("visit") or {}).get("reference") or "").rpartition("/")[2] if isinstance(known.get("visit"), dict) else "",
        str(known.get("rows") or ""), str(known.get("facility") or ""), str(period.get("start") or ""),
        str(period.get("end") or ""),
        str(known.get("month") or ""), bool(known.get("insured")), Decimal(str((resource.get("total") or {}).get("value") or 0)),
        Decimal(str(known.get("insurer") or 0)), int(known.get("stops") or 0), int(known.get("warnings") or 0),
        str(known.get("answer") or ""), str(known.get("line") or ""),
        [_correction(_parts(x)) for x in resource.get("extension") or () if x.get("url") == EXT_CORRECTION], resource,
    )  # fmt: skip


def _correction(said: Mapping[str, Any]) -> Correction:
    def text(name: str) -> str:
        return str(said.get(name) or "")

    return Correction(
        text("table"), int(said.get("row") or 0), text("field"), text("was"), text("value"), text("why"), text("by"), text("at")
    )


def written(correction: Correction) -> Resource:
    """An empty text is left out: FHIR has none."""
    texts = {n: getattr(correction, n) for n in ("table", "field", "was", "value", "why", "by", "at")}
    parts: list[Resource] = [{"url": n, "valueString": v} for n, v in texts.items() if v]
    return {"url": EXT_CORRECTION, "extension": [*parts, {"url": "row", "valueInteger": correction.row}]}


def corrected(claim: Claim, corrections: Iterable[Correction]) -> tuple[Claim, list[Correction]]:
    """(the claim with what an officer corrected, the corrections that no longer meet what they corrected). The given stays."""
    out: Claim = {t: [dict(r) for r in rows] for t, rows in claim.items()}
    left: list[Correction] = []
    for one in corrections:
        rows = out.get(one.table, [])
        if one.row > len(rows) or rows[one.row - 1].get(one.field, "") not in (one.was, one.value):
            left.append(one)
            continue
        rows[one.row - 1][one.field] = one.value
    return out, left


def resource(
    encounter: Resource, claim: Claim, faults: Sequence[Fault], digest: str, created: str, *, name: str,
    state: State, corrections: Sequence[Correction] = (), answer: str = "", day: date, line: str = "",
) -> Resource:  # fmt: skip
    """The Claim of a visit. encounter: the Encounter; claim: its rows, corrected."""
    head: Row = (claim.get("XML1") or [{}])[0]
    told: list[Resource] = [
        {"url": "visit", "valueReference": {"reference": f"Encounter/{encounter['id']}"}},
        {"url": "rows", "valueString": digest},
        {"url": "day", "valueDate": day.isoformat()},
        {"url": "insured", "valueBoolean": is_insured(head)},
        {"url": "insurer", "valueDecimal": _amount(head, "T_BHTT")},
        {"url": "stops", "valueInteger": sum(f.level == "stop" for f in faults)},
        {"url": "warnings", "valueInteger": sum(f.level == "warn" for f in faults)},
    ]
    month = f"{head.get('NAM_QT', '')}-{head.get('THANG_QT', '').zfill(2)}"
    month = month if len(month) == 7 else ""
    texts = {"facility": head.get("MA_CSKCB", ""), "month": month, "answer": answer[:1000], "line": line}
    told += [{"url": n, "valueString": v} for n, v in texts.items() if v]
    card = head.get("MA_THE_BHYT", "")
    made: Resource = {
        "resourceType": "Claim",
        "id": claim_id(str(encounter["id"])),
        "meta": {"tag": _tags(state, month if is_insured(head) else "")},
        "extension": [{"url": EXT, "extension": told}, *map(written, corrections)],
        "identifier": [{"system": LINK, "value": head.get("MA_LK", "") or str(encounter["id"])}],
        "status": "active",
        "type": {"coding": [{"system": TYPE, "code": "institutional"}]},
        "use": "claim",
        "patient": {**(encounter.get("subject") or {}), **({"display": name} if name else {})},
        "created": created,
        "provider": encounter.get("serviceProvider") or {"display": head.get("MA_CSKCB", "") or "?"},
        "priority": {"coding": [{"system": PRIORITY, "code": "normal"}]},
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": card or "self-pay"}}],
        "total": {"value": _amount(head, "T_TONGCHI_BV"), "currency": "VND"},
    }
    if encounter.get("period"):
        made["billablePeriod"] = {k: v for k, v in encounter["period"].items() if k in ("start", "end")}
    return made


def _tags(state: State, month: str) -> list[Resource]:
    return [{"system": STATE, "code": state}, *([{"system": MONTH, "code": month}] if month else [])]


def _amount(head: Row, name: str) -> Decimal:
    try:
        found = Decimal(head.get(name) or "0")
    except ArithmeticError:
        return Decimal("0.00")
    return found if found.is_finite() else Decimal("0.00")


def is_insured(head: Row) -> bool:
    return head.get("MA_DOITUONG_KCB", "") != NOT_INSURED and bool(head.get("MA_THE_BHYT"))


def sent(claim: Claim) -> Claim:
    """What leaves the house of it: of who pays alone XML1 and XML8."""
    if is_insured((claim.get("XML1") or [{}])[0]):
        return claim
    return {t: rows for t, rows in claim.items() if t in ("XML1", "XML8")}


def with_state(claim: Resource, state: State, answer: str = "") -> Resource:
    """The same Claim in another state, with what was answered last."""
    month = next((str(t.get("code")) for t in (claim.get("meta") or {}).get("tag") or () if t.get("system") == MONTH), "")
    out = {**claim, "meta": {"tag": _tags(state, month)}}
    extensions = []
    for x in claim.get("extension") or ():
        if x.get("url") == EXT:
            parts = [p for p in x.get("extension") or () if p.get("url") != "answer"]
            x = {"url": EXT, "extension": parts + ([{"url": "answer", "valueString": answer[:1000]}] if answer else [])}
        extensions.append(x)
    out["extension"] = extensions
    return out
