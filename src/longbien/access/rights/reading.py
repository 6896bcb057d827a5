"""A whole record as a person reads it: resources made into the lines of a paper copy, in Vietnamese. Pure; what cannot be read is
left to the FHIR part of the copy, which has everything."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any

from longbien.base import clock
from longbien.base.words import parse_instant, words

Resource = Mapping[str, Any]
W = words("vi")
_TAG = re.compile(r"<[^<>]*>")
NAMES = {
    "Patient": "thông tin cá nhân",
    "Encounter": "lần khám, nằm viện",
    "Condition": "chẩn đoán",
    "Observation": "kết quả, chỉ số",
    "DiagnosticReport": "phiếu kết quả",
    "MedicationRequest": "đơn thuốc",
    "MedicationAdministration": "lần dùng thuốc",
    "MedicationDispense": "lần cấp thuốc",
    "AllergyIntolerance": "dị ứng",
    "Composition": "ghi chép của bác sĩ, điều dưỡng",
    "DocumentReference": "tài liệu",
    "ImagingStudy": "lần chụp chiếu",
    "Procedure": "thủ thuật, phẫu thuật",
    "Immunization": "lần tiêm",
    "ServiceRequest": "chỉ định",
    "Coverage": "thẻ bảo hiểm",
    "Appointment": "lịch hẹn",
    "Communication": "thông báo",
    "Task": "yêu cầu, công việc",
    "RelatedPerson": "người thân",
    "Consent": "sự đồng ý",
    "Flag": "cảnh báo",
    "CareTeam": "nhóm chăm sóc",
    "Provenance": "dấu vết sửa đổi",
}
"""What kinds of resources are called in the summary of a copy."""


def concept(value: Any) -> str:
    """A CodeableConcept in words."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return ""
    shown = next((str(c["display"]) for c in value.get("coding") or () if c.get("display")), "")
    code = next((str(c["code"]) for c in value.get("coding") or () if c.get("code")), "")
    return str(value.get("text") or shown or code)


def when(text: Any) -> str:
    """A FHIR date or moment as dd/mm/yyyy, with the clock where it has one."""
    if not isinstance(text, str) or not text:
        return ""
    try:
        moment = clock.local(parse_instant(text))
        return W.date(text) if len(text) <= 10 else f"{moment:%d/%m/%Y %H:%M}"
    except ValueError:
        return ""


def _display(reference: Any) -> str:
    return str((reference or {}).get("display") or "") if isinstance(reference, dict) else ""


def _value(r: Resource) -> str:
    q = r.get("valueQuantity")
    if isinstance(q, dict) and q.get("value") is not None:
        return f"{W.number(q['value'])} {q.get('unit') or ''}".strip()
    if r.get("component"):
        return "; ".join(f"{concept(c.get('code'))} {_value(c)}".strip() for c in r["component"])
    return str(r.get("valueString") or concept(r.get("valueCodeableConcept")) or "")


def _usual(r: Resource) -> str:
    limits = (r.get("referenceRange") or [{}])[0]
    low, high = ((limits.get(side) or {}).get("value") for side in ("low", "high"))
    if low is not None and high is not None:
        return f"{W.number(low)} – {W.number(high)}"
    return f"≤ {W.number(high)}" if high is not None else f"≥ {W.number(low)}" if low is not None else str(limits.get("text") or "")


def _mark(r: Resource) -> str:
    codes = {c.get("code") for i in r.get("interpretation") or () for c in i.get("coding") or ()}
    return "▲" if codes & {"H", "HH"} else "▼" if codes & {"L", "LL"} else "!" if codes & {"A", "AA", "POS"} else ""


def bare(html: Any) -> str:
    return " ".join(unescape(_TAG.sub(" ", str(html or ""))).split())


def _good(r: Resource) -> bool:
    return r.get("status") != "entered-in-error" and concept(r.get("verificationStatus")) != "entered-in-error"


def identity(p: Resource) -> list[tuple[str, str]]:
    name = (p.get("name") or [{}])[0]
    rows = [
        ("Họ và tên", str(name.get("text") or "")),
        ("Ngày sinh", when(p.get("birthDate"))),
        ("Giới tính", W.sex(p.get("gender"))),
        ("Địa chỉ", str((p.get("address") or [{}])[0].get("text") or "")),
        ("Điện thoại", next((str(t.get("value")) for t in p.get("telecom") or () if t.get("system") == "phone"), "")),
    ]
    rows += [(concept(i.get("type")) or "Mã số", str(i.get("value") or "")) for i in p.get("identifier") or ()]
    return [(k, v) for k, v in rows if v]


def lines(resources: Iterable[Resource]) -> dict[str, Any]:
    """The data of record.typ: identity, short lists, visits with their notes, values by day; how many of each kind there are."""
    kinds: dict[str, list[Resource]] = defaultdict(list)
    for r in resources:
        kinds[str(r.get("resourceType"))].append(r)
    good = {k: [r for r in rs if _good(r)] for k, rs in kinds.items()}

    def listed(kind: str, key: str, make: Any) -> list[list[str]]:
        rows = sorted(good.get(kind, ()), key=lambda r: str(r.get(key) or ""), reverse=True)
        return [row for r in rows if any(row := make(r))]

    return {
        "identity": [list(x) for x in identity((kinds.get("Patient") or [{}])[0])],
        "allergies": listed("AllergyIntolerance", "recordedDate", lambda r: [
            concept(r.get("code")), concept(((r.get("reaction") or [{}])[0]).get("manifestation")),
            when(r.get("recordedDate"))]),
        "problems": listed("Condition", "recordedDate", lambda r: [
            concept(r.get("code")), _state(r), when(r.get("onsetDateTime") or r.get("recordedDate"))]),
        "drugs": listed("MedicationRequest", "authoredOn", lambda r: [
            concept(r.get("medicationCodeableConcept")) or _display(r.get("medicationReference")),
            "; ".join(str(d.get("text") or "") for d in r.get("dosageInstruction") or ()),
            when(r.get("authoredOn"))[:10], _display(r.get("requester")), _TAKEN.get(str(r.get("status")), "")]),
        "visits": listed("Encounter", "period", lambda r: [
            when((r.get("period") or {}).get("start")), when((r.get("period") or {}).get("end")),
            _display(r.get("serviceProvider")),
            concept(r.get("serviceType")), concept(r.get("reasonCode")),
            "; ".join(_display(d.get("condition")) for d in r.get("diagnosis") or ())]),
        "notes": listed("Composition", "date", lambda r: [
            when(r.get("date")), str(r.get("title") or concept(r.get("type"))), _display((r.get("author") or [{}])[0]),
            "\n".join(f"{s.get('title') or ''}: {bare((s.get('text') or {}).get('div'))}" for s in r.get("section") or ())]),
        "reports": listed("DiagnosticReport", "effectiveDateTime", lambda r: [
            when(r.get("effectiveDateTime")), concept(r.get("code")), str(r["conclusion"])] if r.get("conclusion") else []),
        "procedures": listed("Procedure", "performedDateTime", lambda r: [
            when((r.get("performedPeriod") or {}).get("start") or r.get("performedDateTime")), concept(r.get("code"))]),
        "vaccines": listed("Immunization", "occurrenceDateTime", lambda r: [
            when(r.get("occurrenceDateTime"))[:10], concept(r.get("vaccineCode"))]),
        "days": _days(good.get("Observation", ())),
        "counts": [[NAMES.get(k, k), n] for k, n in Counter({k: len(v) for k, v in kinds.items()}).most_common()],
    }  # fmt: skip


def _state(r: Resource) -> str:
    codes = [str(c.get("code")) for c in (r.get("clinicalStatus") or {}).get("coding") or ()]
    return next((_STATES[c] for c in codes if c in _STATES), concept(r.get("clinicalStatus")))


_STATES = {"active": "đang có", "recurrence": "tái phát", "relapse": "tái phát", "inactive": "tạm yên", "resolved": "đã khỏi"}
_TAKEN = {"active": "đang dùng", "completed": "đã xong", "stopped": "đã ngừng", "cancelled": "đã huỷ", "on-hold": "tạm ngừng"}


def _days(observations: Iterable[Resource]) -> list[dict[str, Any]]:
    """Values by day, newest first: name, value, mark, usual limits."""
    days: dict[str, list[list[str]]] = defaultdict(list)
    for r in sorted(observations, key=lambda r: str(r.get("effectiveDateTime") or ""), reverse=True):
        at, value = when(r.get("effectiveDateTime")), _value(r)
        if at and value:
            days[at[:10]].append([at[11:], concept(r.get("code")), value, _mark(r), _usual(r)])
    return [{"day": day, "rows": rows} for day, rows in days.items()]
