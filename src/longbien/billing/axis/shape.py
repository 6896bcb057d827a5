"""How resources made of a claim are put together: codes, moments, references. Pure.

What is not known is left out, never guessed. A code that a hospital's own system sent keeps the claim's code system; the house's
own coding stands beside it where the catalogue knows the code (`Known`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from longbien.base.clock import HANOI
from longbien.fhir import systems as s

Resource = dict[str, Any]
Row = Mapping[str, str]
Known = Mapping[tuple[str, str], Resource]
"""(kind, code) -> the house's CodeableConcept: kind drug, lab, imaging, service."""

OWN = "https://longbien.org/fhir"
CLAIM_CODE = f"{OWN}/CodeSystem/claim-code"
"""MA_DICH_VU, MA_THUOC, MA_VAT_TU: the shared code lists of the ministry, or what a facility sends in their place."""
INDEX = f"{OWN}/CodeSystem/claim-index"  # MA_CHI_SO
GROUP = f"{OWN}/CodeSystem/claim-group"  # MA_NHOM
KIND = f"{OWN}/CodeSystem/claim-visit-kind"  # MA_LOAI_KCB
DEPARTMENT = f"{OWN}/CodeSystem/claim-department"  # MA_KHOA
ROUTE = f"{OWN}/CodeSystem/claim-route"  # DUONG_DUNG
AMOUNT = f"{OWN}/CodeSystem/share"
NATIONALITY = f"{OWN}/CodeSystem/claim-nationality"  # MA_QUOCTICH
OCCUPATION = s.BASE + "/CodeSystem/occupation"
EXT_OCCUPATION = s.BASE + "/StructureDefinition/occupation"
EXT_LINE = s.BASE + "/StructureDefinition/insurance-line"
LINES = s.BASE + "/CodeSystem/insurance-line"
EXT_RESULT = s.BASE + "/StructureDefinition/treatment-result"
RESULTS = s.BASE + "/CodeSystem/treatment-result"
LEAVING = s.BASE + "/CodeSystem/discharge-kind"
PAPER = f"{OWN}/CodeSystem/paper"
PAPER_FIELD = f"{OWN}/CodeSystem/paper-field"
CLAIM_LINK = f"{OWN}/sid/claim-link"  # MA_LK
TAG = f"{OWN}/CodeSystem/origin"
EXT_FIELDS = f"{OWN}/StructureDefinition/claim-field"
"""A field of the claim that R4 has no place for, as it was sent: url `name` and `value`."""
_CODE = re.compile(r"[^\s]+( [^\s]+)*\Z")


def moment(text: str) -> str:
    """yyyymmddHHMM or yyyymmdd as a FHIR dateTime; parts that are zero are not known. "" for what is no moment."""
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) not in (8, 12):
        return ""
    year, month, day = digits[:4], digits[4:6], digits[6:8]
    try:
        if month == "00":
            return year if datetime(int(year), 1, 1) else ""
        if day == "00":
            return f"{year}-{month}" if datetime(int(year), int(month), 1) else ""
        clock = digits[8:] or "0000"
        found = datetime(int(year), int(month), int(day), int(clock[:2]), int(clock[2:]), tzinfo=HANOI)
    except ValueError:
        return ""
    return found.isoformat(timespec="seconds") if len(digits) == 12 else f"{year}-{month}-{day}"


def birth(text: str) -> str:
    """As far as the day."""
    return moment(text[:8])


def number(text: str) -> Decimal | int | None:
    """Exactly as sent; None for what is no number."""
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found) >= Decimal(10) ** 18 or -found.as_tuple().exponent > 12:  # type: ignore[operator]
        return None
    return int(found) if "." not in text and "E" not in text.upper() else found


def coding(system: str, code: str, display: str = "") -> Resource:
    out = {"system": system, "code": " ".join(code.split())}
    return {**out, "display": display} if display else out


def concept(system: str, code: str, text: str = "") -> Resource:
    """A CodeableConcept; with a code, words, or both; {} with neither."""
    out: Resource = {}
    if code.strip():
        out["coding"] = [coding(system, code)]
    if text.strip():
        out["text"] = text.strip()
    return out


def known_as(known: Known, kinds: tuple[str, ...], system: str, code: str, text: str) -> Resource:
    """The claim's code, and beside it what the catalogue calls it."""
    out = concept(system, code, text)
    for kind in kinds:
        if house := known.get((kind, code.strip())):
            return {"coding": [*house.get("coding", ()), *out.get("coding", ())], "text": text.strip() or house.get("text", "")}
    return out


def staff(licences: str) -> list[Resource]:
    """References to people by their practice licence: several with ";" between."""
    return [
        {"identifier": {"system": s.PRACTICE_LICENCE, "value": x.strip()}, "display": x.strip()}
        for x in licences.split(";")
        if x.strip()
    ]


def listed(text: str) -> list[str]:
    return [x.strip() for x in text.split(";") if x.strip()]


def without_empty(resource: Resource) -> Resource:
    return {k: v for k, v in resource.items() if v not in ("", None, [], {})}


def kept(row: Row, *names: str) -> list[Resource]:
    """Fields that R4 has no place for, as extensions."""
    return [
        {"url": EXT_FIELDS, "extension": [{"url": "name", "valueString": n}, {"url": "value", "valueString": row[n].strip()}]}
        for n in names
        if row.get(n, "").strip()
    ]


def field_of(resource: Mapping[str, Any], name: str) -> str:
    """What `kept` kept."""
    for x in resource.get("extension") or ():
        parts = (
            {p.get("url"): str(p.get("valueString") or "") for p in x.get("extension") or ()} if x.get("url") == EXT_FIELDS else {}
        )
        if parts.get("name") == name:
            return parts.get("value", "")
    return ""
