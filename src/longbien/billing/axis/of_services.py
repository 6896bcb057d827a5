"""XML3 -> what was done (Procedure) and XML4 -> what was found (Observation, DiagnosticReport). Pure.

Examinations, beds, supplies and transport are amounts and no facts of a record: they stand in the ExplanationOfBenefit alone."""

from __future__ import annotations

from longbien.fhir import systems as s

from . import shape
from .of_visit import Made
from .shape import Resource, Row, coding, concept, kept, known_as, listed, moment, number, staff, without_empty

PROCEDURES = frozenset(("8", "9", "18"))
IMAGES = frozenset(("2", "3"))
SNOMED = "http://snomed.info/sct"
KEPT = ("MA_NHOM", "MA_MAY", "PP_VO_CAM", "VI_TRI_TH_DVKT", "NGAY_KQ", "MA_KHOA", "MA_BENH_YHCT", "MA_BENH")


def procedures(m: Made, rows: list[Row], head: Row) -> None:
    """Operations and procedures; an ICD-9-CM code of XML1 that no row has stands by itself."""
    told: set[str] = set()
    for n, row in enumerate(rows, 1):
        if row.get("MA_NHOM", "").strip() not in PROCEDURES:
            continue
        international = listed(row.get("MA_PTTT_QT", ""))
        told |= set(international)
        code = known_as(m.known, ("service",), shape.CLAIM_CODE, row.get("MA_DICH_VU", ""), row.get("TEN_DICH_VU", ""))
        _procedure(m, f"p{n}", code, international, row)
    for n, known_code in enumerate(listed(head.get("MA_PTTT_QT", "")), 1):
        if known_code not in told:
            _procedure(m, f"px{n}", {}, [known_code], {"NGAY_TH_YL": head.get("NGAY_VAO", "")})


def _procedure(m: Made, suffix: str, code: Resource, international: list[str], row: Row) -> None:
    own: list[Resource] = list(code.get("coding", ()))
    have = {(c["system"], c["code"]) for c in own}
    more = [coding(s.ICD9CM_PROCEDURES, c) for c in international]
    whole = without_empty({**code, "coding": [*own, *(c for c in more if (c["system"], c["code"]) not in have)]})
    m.new(
        "Procedure", suffix, extension=kept(row, *KEPT), status="completed",
        category={"coding": [coding(SNOMED, "387713003", "Surgical procedure")]}, code=whole or {"text": "–"}, subject=m.subject,
        encounter={"reference": f"Encounter/{m.encounter}"},
        performedDateTime=moment(row.get("NGAY_TH_YL", "")) or moment(row.get("NGAY_YL", "")),
        performer=[{"actor": x} for x in staff(row.get("NGUOI_THUC_HIEN", ""))],
    )  # fmt: skip


# ---- results


def results(m: Made, rows: list[Row], services: list[Row]) -> None:
    """Indices as Observations, those of one service and moment under one report; a row without an index is a report by itself."""
    names = {r.get("MA_DICH_VU", "").strip(): (r.get("TEN_DICH_VU", ""), r.get("MA_NHOM", "").strip()) for r in services}
    reports: dict[tuple[str, str], list[Resource]] = {}
    for n, row in enumerate(rows, 1):
        at = row.get("NGAY_KQ", "").strip()
        service = row.get("MA_DICH_VU", "").strip()
        if not (row.get("GIA_TRI", "").strip() or row.get("MA_CHI_SO", "").strip()):
            _report(m, f"i{n}", service, names.get(service, (row.get("TEN_CHI_SO", ""), "2")), at, [], row)
            continue
        reports.setdefault((service, at), []).append(_observation(m, f"o{n}", row))
    for n, ((service, at), found) in enumerate(reports.items(), 1):
        if len(found) == 1 and service in {str(c.get("code")) for c in found[0]["code"].get("coding", ())}:
            continue  # a test by itself: its report would say the same once more
        named = names.get(service, (found[0]["code"].get("text", "") if len(found) == 1 else service, "1"))
        _report(m, f"d{n}", service, named, at, found, {})


def _observation(m: Made, suffix: str, row: Row) -> Resource:
    value, unit = row.get("GIA_TRI", "").strip(), row.get("DON_VI_DO", "").strip()
    exact = number(value) if unit or number(value) is not None else None
    said: Resource = {}
    if exact is not None:
        said["valueQuantity"] = without_empty({"value": exact, "unit": unit})
    elif value[:2] in ("<=", ">=") or value[:1] in ("<", ">"):
        sign = value[:2] if value[1:2] == "=" else value[:1]
        rest = number(value[len(sign) :])
        said = (
            {"valueQuantity": without_empty({"value": rest, "comparator": sign, "unit": unit})}
            if rest is not None
            else {"valueString": value}
        )
    elif value:
        said["valueString"] = value
    else:
        said["dataAbsentReason"] = {"coding": [coding(s.HL7 + "data-absent-reason", "temp-unknown", "Temporarily Unknown")]}
    if "valueQuantity" not in said and unit:
        said["extension"] = kept(row, "DON_VI_DO")
    return m.new(
        "Observation", suffix, status="final" if value else "registered",
        category=[{"coding": [coding(s.OBSERVATION_CATEGORY, "laboratory", "Laboratory")]}],
        code=_named(m, row),
        subject=m.subject, encounter={"reference": f"Encounter/{m.encounter}"}, effectiveDateTime=moment(row.get("NGAY_KQ", "")),
        performer=staff(row.get("MA_BS_DOC_KQ", "")), **said,
    )  # fmt: skip


def _named(m: Made, row: Row) -> Resource:
    index, name = row.get("MA_CHI_SO", ""), row.get("TEN_CHI_SO", "")
    return known_as(m.known, ("lab", "imaging"), shape.INDEX, index, name) or {"text": "–"}


def _report(m: Made, suffix: str, service: str, named: tuple[str, str], at: str, found: list[Resource], row: Row) -> None:
    image = named[1] in IMAGES and not found
    section = ("RAD", "Radiology") if image else ("LAB", "Laboratory")
    told = [x.strip() for x in (row.get("MO_TA", ""), row.get("KET_LUAN", "")) if x.strip()]
    conclusion = f"{told[0]} Kết luận: {told[1]}" if len(told) == 2 else "".join(told)
    m.new(
        "DiagnosticReport", suffix, extension=kept(row, "MO_TA", "KET_LUAN", "TEN_CHI_SO"), status="final",
        category=[{"coding": [coding(s.DIAGNOSTIC_SECTION, *section)]}],
        code=known_as(m.known, ("lab", "imaging", "service"), shape.CLAIM_CODE, service, named[0]) or concept("", "", "Kết quả"),
        subject=m.subject, encounter={"reference": f"Encounter/{m.encounter}"}, effectiveDateTime=moment(at), issued=_instant(at),
        result=[{"reference": f"Observation/{o['id']}"} for o in found], resultsInterpreter=staff(row.get("MA_BS_DOC_KQ", "")),
        conclusion=conclusion,
    )  # fmt: skip


def _instant(at: str) -> str:
    found = moment(at)
    return found if "T" in found else ""
