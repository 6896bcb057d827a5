"""Fields that say who the patient is: the same in every table of a claim. Pure."""

from __future__ import annotations

from longbien.fhir import systems as s

from . import spell
from .case import EXT_OCCUPATION, Case, Resource, code_of, extension, identifier, name_of
from .table import Make, visit

VIETNAM = "000"
"""MA_QUOCTICH of Vietnam in circular 07/2016/TT-BCA, annex 2, as hospitals write it (the list itself was not at hand)."""
NATIONALITY = "http://hl7.org/fhir/StructureDefinition/patient-nationality"
PROVINCE = "01"
KINH = "01"


def phone(case: Case) -> str:
    own = next((t.get("value") for t in case.patient.get("telecom") or () if t.get("system") == "phone"), "")
    kin = (t.get("value") for r in case.relatives for t in r.get("telecom") or () if t.get("system") == "phone")
    return "".join(c for c in str(own or next(kin, "")) if c.isdigit())[:15]


def nationality(case: Case) -> str:
    for part in extension(case.patient, NATIONALITY).get("extension") or ():
        if code := code_of(part.get("valueCodeableConcept")):
            return VIETNAM if code in ("VN", "VNM") else code
    return VIETNAM


def ethnicity(case: Case) -> str:
    return str((extension(case.patient, s.EXT_ETHNICITY).get("valueCoding") or {}).get("code") or KINH)


def occupation(case: Case) -> str:
    """ "00": none, or nobody has asked (decision 34/2020, level 2)."""
    return str((extension(case.patient, EXT_OCCUPATION).get("valueCoding") or {}).get("code") or "00")


def address(case: Case) -> str:
    a = case.address
    said = a.get("text") or ", ".join(filter(None, (*(a.get("line") or ()), a.get("district"), a.get("city"))))
    return spell.text(said or "Không rõ", 1024)


def province(case: Case) -> str:
    return PROVINCE if case.ward or fold_hanoi(case.address) else ""


def fold_hanoi(address: Resource) -> bool:
    return "hà nội" in str(address.get("city") or address.get("text") or "").lower()


def number(case: Case) -> str:
    """MA_BN: the person's number in the house, else the record's own id."""
    return identifier(case.patient, s.PATIENT_NUMBER) or str(case.patient.get("id") or "")


def cards(case: Case) -> list[Resource]:
    return case.cards


def card_number(card: Resource) -> str:
    return str(card.get("subscriberId") or next((i.get("value") for i in card.get("identifier") or ()), "") or "")


def social(case: Case) -> str:
    """MA_BHXH: the ten digits at the end of a card's number."""
    card = card_number(case.cover)
    return identifier(case.patient, s.SOCIAL_INSURANCE_NUMBER) or (card[-10:] if len(card) in (10, 15) else "")


WHO: dict[str, Make] = {
    "HO_TEN": visit(lambda c: spell.text(name_of(c.patient), 255)),
    "SO_CCCD": visit(lambda c: c.citizen),
    "NGAY_SINH": visit(lambda c: c.birth),
    "GIOI_TINH": visit(lambda c: c.sex),
    "DIA_CHI": visit(address),
}
WHERE: dict[str, Make] = {"MATINH_CU_TRU": visit(province), "MAXA_CU_TRU": visit(lambda c: c.ward)}
ORIGIN: dict[str, Make] = {
    "MA_QUOCTICH": visit(nationality), "MA_DANTOC": visit(ethnicity), "MA_NGHE_NGHIEP": visit(occupation)
}  # fmt: skip
CARD: dict[str, Make] = {
    "MA_THE_BHYT": visit(lambda c: spell.listed(map(card_number, cards(c)))),
    "MA_DKBD": visit(lambda c: spell.listed(str(x.get("network") or "") for x in cards(c))),
    "GT_THE_TU": visit(lambda c: spell.listed(spell.day((x.get("period") or {}).get("start")) for x in cards(c))),
    "GT_THE_DEN": visit(lambda c: spell.listed(spell.day((x.get("period") or {}).get("end")) for x in cards(c))),
}
LINK: dict[str, Make] = {"MA_LK": visit(lambda c: c.number)}
DISTRICT = "districts ended on 1 July 2025; addresses are ward and province"
