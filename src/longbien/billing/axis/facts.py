"""What a claim holds as coded facts, said of its rows and of the resources made of them: both must be the same. Pure.

A fact is a tuple of texts: its kind, then its parts. FACTS says which fields of which table make one, and where the same stands in
FHIR. Free words (courses, advice) are facts of papers only, field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from longbien.fhir import systems as s

from . import of_amounts, of_visit, shape
from .of_notes import PAPERS
from .of_services import PROCEDURES
from .shape import Resource, Row, field_of, listed, moment

Fact = tuple[str, ...]
Claim = Mapping[str, Sequence[Row]]


class Kind(NamedTuple):
    """One kind of fact. table, fields: where it stands in the claim. rows: row -> facts; found: resource -> facts."""

    name: str
    table: str
    fields: tuple[str, ...]
    type: str
    rows: Callable[[Row], Iterator[tuple[str, ...]]]
    found: Callable[[Resource], Iterator[tuple[str, ...]]]


def of_rows(claim: Claim) -> set[Fact]:
    """Every coded fact of a claim."""
    return {(k.name, *f) for k in FACTS for row in claim.get(k.table, ()) for f in k.rows(row) if any(f)}


def of_resources(resources: Sequence[Resource]) -> set[Fact]:
    """Every coded fact of what was made of it."""
    return {(k.name, *f) for r in resources for k in FACTS if r["resourceType"] == k.type for f in k.found(r) if any(f)}


# ---- forms that are compared


def exact(value: Any) -> str:
    """A number without zeros at its end; what is no number stays."""
    found = value if isinstance(value, Decimal) else shape.number(str(value)) if value not in (None, "") else None
    if found is None:
        return ""
    said = f"{Decimal(found):f}"
    return (said.rstrip("0").rstrip(".") if "." in said else said) or "0"


def at(text: Any) -> str:
    """A moment as far as minutes, whichever way it is written."""
    said = str(text or "")
    return (moment(said) or said)[:16] if said.isdigit() else said[:16]


def code(concept: Any, *systems: str) -> str:
    codings = (concept or {}).get("coding") or ()
    return next((str(c.get("code") or "") for w in systems for c in codings if c.get("system") == w), "")


def spaced(text: Any) -> str:
    return " ".join(str(text or "").split())


def identifier(r: Resource, system: str) -> str:
    return next((str(i.get("value")) for i in r.get("identifier") or () if i.get("system") == system), "")


def ext(r: Resource, url: str) -> Resource:
    return next((x for x in r.get("extension") or () if x.get("url") == url), {})


def licences(refs: Sequence[Resource]) -> str:
    return ";".join(str((x.get("identifier") or {}).get("value") or "") for x in refs)


def fields(row: Row, *names: str) -> tuple[str, ...]:
    return tuple(spaced(row.get(n, "")) for n in names)


# ---- the person (of the Patient that a claim would make)


def _person_row(row: Row) -> Iterator[tuple[str, ...]]:
    sex = of_visit.GENDERS.get(row.get("GIOI_TINH", "").strip(), "unknown")
    yield (
        spaced(row.get("HO_TEN")),
        shape.birth(row.get("NGAY_SINH", "")),
        sex,
        *fields(row, "SO_CCCD", "MA_DANTOC", "MA_NGHE_NGHIEP", "MAXA_CU_TRU", "DIEN_THOAI"),
    )


def _person(r: Resource) -> Iterator[tuple[str, ...]]:
    number = next((n for system in (s.CITIZEN_ID, s.OLD_CITIZEN_ID, s.PASSPORT) if (n := identifier(r, system))), "")
    ward = ext(next(iter(r.get("address") or ()), {}), s.EXT_WARD).get("valueCoding") or {}
    group, work = (ext(r, url).get("valueCoding") or {} for url in (s.EXT_ETHNICITY, shape.EXT_OCCUPATION))
    phone = next((str(t.get("value")) for t in r.get("telecom") or ()), "")
    name = next((str(n.get("text")) for n in r.get("name") or ()), "")
    yield (
        name,
        str(r.get("birthDate") or ""),
        str(r.get("gender")),
        number,
        *(spaced(c.get("code")) for c in (group, work, ward)),
        phone,
    )


# ---- cards, visit, diagnoses


def _cards_row(row: Row) -> Iterator[tuple[str, ...]]:
    places, begins, ends = (listed(row.get(n, "")) for n in ("MA_DKBD", "GT_THE_TU", "GT_THE_DEN"))
    for n, card in enumerate(listed(row.get("MA_THE_BHYT", ""))):
        yield card, *(x[n] if n < len(x) else "" for x in (places, [moment(b) for b in begins], [moment(e) for e in ends]))


def _cards(r: Resource) -> Iterator[tuple[str, ...]]:
    period = r.get("period") or {}
    yield str(r.get("subscriberId")), str(r.get("network") or ""), str(period.get("start") or ""), str(period.get("end") or "")


def _visit_row(row: Row) -> Iterator[tuple[str, ...]]:
    yield (spaced(row.get("MA_LK")), at(row.get("NGAY_VAO")), at(row.get("NGAY_RA")),
           *fields(row, "MA_LOAI_KCB", "MA_DOITUONG_KCB", "KET_QUA_DTRI", "MA_LOAI_RV", "MA_NOI_DI", "MA_NOI_DEN"))  # fmt: skip


def _visit(r: Resource) -> Iterator[tuple[str, ...]]:
    period, hospital = r.get("period") or {}, r.get("hospitalization") or {}
    line = next((x.get("valueCoding") or {} for x in ext(r, shape.EXT_LINE).get("extension") or () if x.get("url") == "line"), {})
    places = (spaced(((hospital.get(k) or {}).get("identifier") or {}).get("value")) for k in ("origin", "destination"))
    kind = code(next(iter(r.get("type") or ()), {}), shape.KIND)
    result = spaced((ext(r, shape.EXT_RESULT).get("valueCoding") or {}).get("code"))
    leaving = code(hospital.get("dischargeDisposition"), shape.LEAVING)
    yield (
        identifier(r, shape.CLAIM_LINK),
        at(period.get("start")),
        at(period.get("end")),
        kind,
        spaced(line.get("code")),
        result,
        leaving,
        *places,
    )


def _kept_row(row: Row) -> Iterator[tuple[str, ...]]:
    for name in of_visit.KEPT:
        if value := row.get(name, "").strip():
            yield name, spaced(value)


def _kept(r: Resource) -> Iterator[tuple[str, ...]]:
    for name in of_visit.KEPT:
        if value := field_of(r, name):
            yield name, spaced(value)


def _icd_row(row: Row) -> Iterator[tuple[str, ...]]:
    for c in (row.get("MA_BENH_CHINH", "").strip(), *listed(row.get("MA_BENH_KT", ""))):
        if c:
            yield (c,)


def _icd(r: Resource) -> Iterator[tuple[str, ...]]:
    yield (code(r.get("code"), s.ICD10_VN),)


# ---- drugs, procedures, results


def _drug_row(row: Row) -> Iterator[tuple[str, ...]]:
    yield (spaced(row.get("MA_THUOC")), spaced(row.get("TEN_THUOC")), exact(row.get("SO_LUONG")), at(row.get("NGAY_YL")),
           *fields(row, "DUONG_DUNG", "LIEU_DUNG", "SO_DANG_KY"))  # fmt: skip


def _drug(r: Resource) -> Iterator[tuple[str, ...]]:
    drug: Resource = r.get("medicationCodeableConcept") or {}
    quantity = ((r.get("dispenseRequest") or {}).get("quantity") or {}).get("value")
    dosage: Resource = next(iter(r.get("dosageInstruction") or ()), {})
    name = "" if drug.get("text") == "–" else spaced(drug.get("text"))
    yield (code(drug, shape.CLAIM_CODE), name, exact(quantity), at(r.get("authoredOn")), code(dosage.get("route"), shape.ROUTE),
           spaced(field_of(r, "LIEU_DUNG")), spaced(field_of(r, "SO_DANG_KY")))  # fmt: skip


def _procedure_row(row: Row) -> Iterator[tuple[str, ...]]:
    if row.get("MA_NHOM", "").strip() in PROCEDURES:
        done = at(row.get("NGAY_TH_YL")) or at(row.get("NGAY_YL"))
        yield spaced(row.get("MA_DICH_VU")), done, *fields(row, "MA_NHOM", "PP_VO_CAM")


def _procedure(r: Resource) -> Iterator[tuple[str, ...]]:
    if field_of(r, "MA_NHOM"):
        done = at(r.get("performedDateTime"))
        yield code(r.get("code"), shape.CLAIM_CODE), done, spaced(field_of(r, "MA_NHOM")), spaced(field_of(r, "PP_VO_CAM"))


def _icd9_row(row: Row) -> Iterator[tuple[str, ...]]:
    for c in listed(row.get("MA_PTTT_QT", "")):
        yield (c,)


def _icd9_line(row: Row) -> Iterator[tuple[str, ...]]:
    if row.get("MA_NHOM", "").strip() in PROCEDURES:
        yield from _icd9_row(row)


def _icd9(r: Resource) -> Iterator[tuple[str, ...]]:
    for c in (r.get("code") or {}).get("coding") or ():
        if c.get("system") == s.ICD9CM_PROCEDURES:
            yield (str(c["code"]),)


def _index_row(row: Row) -> Iterator[tuple[str, ...]]:
    value, unit = spaced(row.get("GIA_TRI")), spaced(row.get("DON_VI_DO"))
    if value or row.get("MA_CHI_SO", "").strip():
        yield spaced(row.get("MA_CHI_SO")), _measured(value), unit, at(row.get("NGAY_KQ"))


def _measured(value: str) -> str:
    sign = value[:2] if value[:2] in ("<=", ">=") else value[:1] if value[:1] in ("<", ">") else ""
    rest = value[len(sign) :]
    return f"{sign}{exact(rest)}" if shape.number(rest) is not None else value


def _index(r: Resource) -> Iterator[tuple[str, ...]]:
    if not any(c.get("code") == "laboratory" for x in r.get("category") or () for c in x.get("coding") or ()):
        return
    q: Resource = r.get("valueQuantity") or {}
    value = f"{q.get('comparator') or ''}{exact(q.get('value'))}" if q else spaced(r.get("valueString"))
    unit = spaced(q.get("unit") or field_of(r, "DON_VI_DO"))
    yield code(r.get("code"), shape.INDEX), value, unit, at(r.get("effectiveDateTime"))


def _told_row(row: Row) -> Iterator[tuple[str, ...]]:
    if not (row.get("GIA_TRI", "").strip() or row.get("MA_CHI_SO", "").strip()):
        yield spaced(row.get("MA_DICH_VU")), at(row.get("NGAY_KQ")), *fields(row, "MO_TA", "KET_LUAN")


def _told(r: Resource) -> Iterator[tuple[str, ...]]:
    if not r.get("result"):
        said = (spaced(field_of(r, n)) for n in ("MO_TA", "KET_LUAN"))
        yield code(r.get("code"), shape.CLAIM_CODE), at(r.get("effectiveDateTime")), *said


def _weight_row(name: str) -> Callable[[Row], Iterator[tuple[str, ...]]]:
    def found(row: Row) -> Iterator[tuple[str, ...]]:
        value = shape.number(row.get(name, ""))
        if value is not None and 0 < value < 1000:
            yield (exact(value),)

    return found


def _weight(loinc: str) -> Callable[[Resource], Iterator[tuple[str, ...]]]:
    def found(r: Resource) -> Iterator[tuple[str, ...]]:
        if code(r.get("code"), s.LOINC) == loinc:
            yield (exact((r.get("valueQuantity") or {}).get("value")),)

    return found


# ---- notes, papers


def _note_row(row: Row) -> Iterator[tuple[str, ...]]:
    if any(row.get(n, "").strip() for n in ("DIEN_BIEN_LS", "GIAI_DOAN_BENH", "HOI_CHAN", "PHAU_THUAT")):
        yield at(row.get("THOI_DIEM_DBLS")), ";".join(listed(row.get("NGUOI_THUC_HIEN", "")))


def _note(r: Resource) -> Iterator[tuple[str, ...]]:
    if code(r.get("type"), s.LOINC) == "11506-3":
        yield at(r.get("date")), licences([a for a in r.get("author") or () if a.get("identifier")])


def _paper_row(table: str) -> Callable[[Row], Iterator[tuple[str, ...]]]:
    def found(row: Row) -> Iterator[tuple[str, ...]]:
        for name, value in row.items():
            if value.strip() and name not in ("MA_LK", "STT"):
                yield table, name, spaced(value)

    return found


def _paper(table: str) -> Callable[[Resource], Iterator[tuple[str, ...]]]:
    def found(r: Resource) -> Iterator[tuple[str, ...]]:
        if code(r.get("type"), shape.PAPER) == PAPERS[table][0]:
            for part in r.get("section") or ():
                yield table, code(part.get("code"), shape.PAPER_FIELD), spaced(_text(part))

    return found


def _text(part: Resource) -> str:
    said = str((part.get("text") or {}).get("div") or "").replace("</p>", "\n")
    while "<" in said and ">" in said:
        begin, _, rest = said.partition("<")
        said = begin + rest.partition(">")[2]
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        said = said.replace(entity, letter)
    return said


# ---- amounts


def _line_row(row: Row) -> Iterator[tuple[str, ...]]:
    what = next((spaced(row[c]) for c in of_amounts.CODES if row.get(c, "").strip()), "")
    for field, share in (of_amounts.SHARES | of_amounts.RATES).items():
        if shape.number(row.get(field, "")) is not None:
            yield what, exact(row.get("SO_LUONG")), spaced(row.get("MA_NHOM")), share, exact(row[field])


def _line(r: Resource) -> Iterator[tuple[str, ...]]:
    for x in r.get("item") or ():
        what, group = code(x.get("productOrService"), shape.CLAIM_CODE), code(x.get("category"), shape.GROUP)
        for judged in x.get("adjudication") or ():
            value = (judged.get("amount") or {}).get("value", judged.get("value"))
            yield (
                what,
                exact((x.get("quantity") or {}).get("value")),
                group,
                code(judged.get("category"), shape.AMOUNT),
                exact(value),
            )


def _total_row(row: Row) -> Iterator[tuple[str, ...]]:
    for field, share in of_amounts.TOTALS.items():
        if shape.number(row.get(field, "")) is not None:
            yield share, exact(row[field])


def _total(r: Resource) -> Iterator[tuple[str, ...]]:
    for x in r.get("total") or ():
        yield code(x.get("category"), shape.AMOUNT), exact((x.get("amount") or {}).get("value"))


FACTS: tuple[Kind, ...] = (
    Kind("person", "XML1",
         ("HO_TEN", "NGAY_SINH", "GIOI_TINH", "SO_CCCD", "MA_DANTOC", "MA_NGHE_NGHIEP", "MAXA_CU_TRU", "DIEN_THOAI"),
         "Patient", _person_row, _person),
    Kind("card", "XML1", ("MA_THE_BHYT", "MA_DKBD", "GT_THE_TU", "GT_THE_DEN"), "Coverage", _cards_row, _cards),
    Kind("visit", "XML1", ("MA_LK", "NGAY_VAO", "NGAY_RA", "MA_LOAI_KCB", "MA_DOITUONG_KCB", "KET_QUA_DTRI", "MA_LOAI_RV",
         "MA_NOI_DI", "MA_NOI_DEN"), "Encounter", _visit_row, _visit),
    Kind("told", "XML1", of_visit.KEPT, "Encounter", _kept_row, _kept),
    Kind("disease", "XML1", ("MA_BENH_CHINH", "MA_BENH_KT"), "Condition", _icd_row, _icd),
    Kind("weight", "XML1", ("CAN_NANG",), "Observation", _weight_row("CAN_NANG"), _weight("29463-7")),
    Kind("height", "XML1", ("DU_PHONG",), "Observation", _weight_row("DU_PHONG"), _weight("8302-2")),
    Kind("total", "XML1", tuple(of_amounts.TOTALS), "ExplanationOfBenefit", _total_row, _total),
    Kind("drug", "XML2", ("MA_THUOC", "TEN_THUOC", "SO_LUONG", "NGAY_YL", "DUONG_DUNG", "LIEU_DUNG", "SO_DANG_KY"),
         "MedicationRequest", _drug_row, _drug),
    Kind("procedure", "XML3", ("MA_DICH_VU", "NGAY_TH_YL", "MA_NHOM", "PP_VO_CAM"), "Procedure", _procedure_row, _procedure),
    Kind("operation", "XML1", ("MA_PTTT_QT",), "Procedure", _icd9_row, _icd9),
    Kind("operation", "XML3", ("MA_PTTT_QT",), "Procedure", _icd9_line, _icd9),
    Kind("index", "XML4", ("MA_CHI_SO", "GIA_TRI", "DON_VI_DO", "NGAY_KQ"), "Observation", _index_row, _index),
    Kind("report", "XML4", ("MA_DICH_VU", "NGAY_KQ", "MO_TA", "KET_LUAN"), "DiagnosticReport", _told_row, _told),
    Kind("note", "XML5", ("THOI_DIEM_DBLS", "NGUOI_THUC_HIEN"), "Composition", _note_row, _note),
    Kind("amount", "XML2", (*of_amounts.SHARES, *of_amounts.RATES), "ExplanationOfBenefit", _line_row, _line),
    Kind("amount", "XML3", (*of_amounts.SHARES, *of_amounts.RATES), "ExplanationOfBenefit", _line_row, _line),
    *(Kind("paper", table, ("*",), "Composition", _paper_row(table), _paper(table)) for table in PAPERS),
)  # fmt: skip
"""The table of coded facts."""
