"""The registration form: fields as typed -> resources, or what is wrong with which field. Pure.

Three kinds: an ordinary patient; a newborn, who has a number of the house's own until the birth is registered; an unidentified
emergency patient, who has one until somebody knows who it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ..base.words import NAMELESS, mark
from ..fhir import systems as s
from ..wire import insurance_card
from . import addresses, cover, identity, rules, shapes, tables
from .addresses import Place
from .cards import Cards
from .cover import Cover

ORDINARY, NEWBORN, UNIDENTIFIED = "", "newborn", "unidentified"
KINDS = (ORDINARY, NEWBORN, UNIDENTIFIED)
GROWN = 16
"""Below this age somebody who cares for the patient is asked for."""
NEWBORN_DAYS = 28
EXT_OCCUPATION = s.BASE + "/StructureDefinition/occupation"
OCCUPATION = s.BASE + "/CodeSystem/occupation"
FIELDS = (
    "name",
    "birth",
    "sex",
    "citizen_id",
    "old_citizen_id",
    "passport",
    "telephone",
    "house",
    "ward",
    "old_address",
    "ethnicity",
    "occupation",
    "carer_name",
    "carer_telephone",
    "carer_relation",
    "card",
    "card_begins",
    "card_ends",
    "card_place",
    "age",
    "reason",
)
SEXES = (("female", mark("Female")), ("male", mark("Male")), ("other", mark("Other sex")))
Resource = dict[str, Any]


@dataclass
class Draft:
    """What the form became. faults, doubts: by field, marked messages; doubts do not keep from going on. asked: the Patient as far
    as it is known, for looking who is like it."""

    patient: Resource = field(default_factory=dict)
    others: list[Resource] = field(default_factory=list)
    cover: Cover | None = None
    faults: dict[str, str] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    birth: str = ""


def of_cards(cards: Cards) -> dict[str, str]:
    """The form as the scanned cards fill it in: the citizen card says who it is, the insurance card only what is missing."""
    values: dict[str, str] = {}
    if (i := cards.insurance) is not None:
        values |= {"name": identity.name_of(i.name), "birth": _shown(i.birth), "sex": i.sex or ""}
        values |= _of_place(addresses.read(i.address))
        values |= {"card": insurance_card.grouped(i.number), "card_place": i.facility or ""}
        values |= {k: v.strftime("%d/%m/%Y") for k, v in (("card_begins", i.begins), ("card_ends", i.ends)) if v}
    if (c := cards.citizen) is not None:
        values |= {"name": identity.name_of(c.name), "birth": _shown(c.birth), "sex": c.sex or values.get("sex", "")}
        values |= {"citizen_id": c.number, "old_citizen_id": c.old_number or "", **_of_place(addresses.read(c.residence))}
    return values


def _shown(birth: str | None) -> str:
    return "/".join(reversed(birth.split("-"))) if birth else ""


def _of_place(place: Place) -> dict[str, str]:
    return {"house": place.house, "ward": addresses.shown(place.ward), "old_address": place.old}


def choices(values: Mapping[str, str]) -> list[str]:
    """Wards that the old address may be today, for the clerk to choose from."""
    old = values.get("old_address", "")
    return [addresses.shown(c) for c in addresses.read(old).choices] if old else []


def read(values: Mapping[str, str], kind: str, id_: str, now: datetime, today: date) -> Draft:
    """id_: of the Patient to be. now, today: this moment and its day on Hanoi's clock."""
    out = Draft(patient={"resourceType": "Patient", "id": id_, "active": True, "identifier": []})
    _who(values, kind, today, out)
    _numbers(values, out)
    _where(values, out)
    _carer(values, kind, today, id_, out)
    _insurance(values, out)
    p = out.patient
    group = values.get("ethnicity", "")
    extensions = []
    if group in tables.ethnic_groups():
        coding = {"system": s.ETHNICITY, "code": group, "display": tables.ethnic_groups()[group]}
        extensions.append({"url": s.EXT_ETHNICITY, "valueCoding": coding})
    work = values.get("occupation", "")
    if work in tables.occupations():
        coding = {"system": OCCUPATION, "code": work, "display": tables.occupations()[work]}
        extensions.append({"url": EXT_OCCUPATION, "valueCoding": coding})
    if extensions:
        p["extension"] = extensions
    if kind != UNIDENTIFIED:
        p["communication"] = [{"language": {"coding": [{"system": s.LANGUAGE, "code": "vi"}]}, "preferred": True}]
    return out


def _who(values: Mapping[str, str], kind: str, today: date, out: Draft) -> None:
    p, name = out.patient, identity.name_of(values.get("name", ""))
    sex = values.get("sex", "")
    if sex in ("male", "female", "other", "unknown"):
        p["gender"] = sex
    elif kind == UNIDENTIFIED:
        p["gender"] = "unknown"
    else:
        out.faults["sex"] = mark("Say the sex.")
    if kind == UNIDENTIFIED:
        _unknown(values, name, today, out)
        return
    if not name:
        out.faults["name"] = mark("Say the name.")
    elif len(name) > identity.LONGEST_NAME:
        out.faults["name"] = mark("A name has at most 200 letters. Shorten it as the paper does.")
    elif any(c.isdigit() for c in name):
        out.doubts["name"] = mark("There is a digit in the name. Is it right?")
    elif len(name.split()) < 2:
        out.doubts["name"] = mark("Only one word. Is the family name missing?")
    if name and "name" not in out.faults:
        p["name"] = [identity.human_name(name, "temp" if kind == NEWBORN else "official")]
    born = identity.birth(values.get("birth", ""), today)
    if not born:
        wrong = mark("Say the birth date: 17/06/1958, or only 1958.")
        out.faults["birth"] = wrong if born == "" else mark("A day that has passed, for example 17/06/1958, or only 1958.")
        return
    out.birth = p["birthDate"] = born
    if kind == NEWBORN and (len(born) < 10 or (today - date.fromisoformat(born)).days > NEWBORN_DAYS):
        out.faults["birth"] = mark("A newborn is at most 28 days old; give the whole date.")


def _unknown(values: Mapping[str, str], name: str, today: date, out: Draft) -> None:
    """Somebody who cannot say who they are: what can be seen stands for the name."""
    age = values.get("age", "").strip()
    if age and not (age.isdigit() and int(age) <= identity.OLDEST):
        out.faults["age"] = mark("The age in years, as it looks: for example 40.")
        return
    sex = {"male": "nam", "female": "nữ"}.get(out.patient["gender"], "")
    said = ", ".join(x for x in (NAMELESS, sex, f"khoảng {age} tuổi" if age else "", name) if x)
    out.patient["name"] = [{"use": "anonymous", "text": said}]
    if age:
        out.birth = out.patient["birthDate"] = str(today.year - int(age))


def _numbers(values: Mapping[str, str], out: Draft) -> None:
    ids: list[Resource] = out.patient["identifier"]
    number = "".join(values.get("citizen_id", "").split())
    if number:
        wrong, doubts = identity.citizen_faults(number, out.birth, str(out.patient.get("gender") or ""))
        if wrong:
            out.faults["citizen_id"] = wrong
        else:
            ids.append(identity.identifier("citizen", number))
            if doubts:
                out.doubts["citizen_id"] = doubts[0]
    for field_, code, fault in (
        ("old_citizen_id", "old-citizen", identity.old_number_fault),
        ("passport", "passport", identity.passport_fault),
    ):
        given = "".join(values.get(field_, "").split()).upper()
        if not given:
            continue
        if wrong := fault(given):
            out.faults[field_] = wrong
        else:
            ids.append(identity.identifier(code, given, "old" if code == "old-citizen" else "official"))
    telephone = values.get("telephone", "")
    if wrong := identity.telephone_fault(telephone):
        out.faults["telephone"] = wrong
    elif found := identity.telephone(telephone):
        out.patient["telecom"] = [{"system": "phone", "value": found, "use": "mobile", "rank": 1}]


def _where(values: Mapping[str, str], out: Draft) -> None:
    ward = values.get("ward", "").strip()
    code = addresses.named(ward) if ward else ""
    if ward and not code:
        out.faults["ward"] = mark("Choose a ward or commune from the list, with its province.")
    house = " ".join(values.get("house", "").split())[: addresses.MOST]
    made = addresses.resource(Place(house, code, " ".join(values.get("old_address", "").split())[: addresses.MOST]))
    if made:
        out.patient["address"] = made


def _carer(values: Mapping[str, str], kind: str, today: date, id_: str, out: Draft) -> None:
    name = identity.name_of(values.get("carer_name", ""))[: identity.LONGEST_NAME]
    telephone, relation = values.get("carer_telephone", ""), values.get("carer_relation", "")
    if wrong := identity.telephone_fault(telephone):
        out.faults["carer_telephone"] = wrong
    years = rules.age(out.birth, today) if out.birth else None
    if not name:
        if kind == NEWBORN:
            out.faults["carer_name"] = mark("Say the mother’s name.")
        elif kind == ORDINARY and years is not None and years < GROWN:
            out.faults["carer_name"] = mark("Below 16 years: say who cares for the child.")
        elif telephone.strip():
            out.faults["carer_name"] = mark("Whose telephone is it?")
        return
    known = relation if relation in shapes.RELATION_NAMES else "MTH" if kind == NEWBORN else "FAMMEMB"
    out.others.append(shapes.carer(f"{id_}-r", id_, identity.human_name(name), identity.telephone(telephone) or "", known))


def _insurance(values: Mapping[str, str], out: Draft) -> None:
    text = values.get("card", "").strip()
    if not text:
        return
    try:
        object_, level, social = insurance_card.number(text)
    except ValueError as why:
        out.faults["card"] = str(why)
        return
    number = "".join(c for c in text.upper() if c.isalnum())
    days: dict[str, date | None] = {}
    for key in ("card_begins", "card_ends"):
        given = values.get(key, "").strip()
        days[key] = _day(given)
        if given and days[key] is None:
            out.faults[key] = mark("A date, for example 31/12/2026.")
    begins, ends = days["card_begins"], days["card_ends"]
    if begins and ends and ends < begins:
        out.faults["card_ends"] = mark("The end lies before the beginning.")
    place = "".join(c for c in values.get("card_place", "") if c.isalnum()).upper()[:5]
    if place and len(place) != 5:
        out.faults["card_place"] = mark("The code of the place has five characters.")
    out.cover = Cover(number, level, begins, ends, place)
    if object_ and object_ not in tables.objects():
        out.doubts["card"] = mark("These two letters are no known group of insured.")
    ids: list[Resource] = out.patient["identifier"]
    if len(number) == 15:
        ids.append(identity.identifier("insurance", number))
    ids.append(identity.identifier("social", social, "secondary"))


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%d/%m/%Y").date()
    except ValueError:
        return None


def temporary(kind: str, mark_: str, day: date, n: int) -> Resource:
    """The house's own number of somebody who has none yet. Newborns: until the birth is registered, within 60 days."""
    if kind == NEWBORN:
        made = identity.identifier("newborn", f"SS{mark_}{day:%y%m%d}{n:03d}", "temp")
        made["period"] = {"start": day.isoformat(), "end": (day + identity.TEMPORARY).isoformat()}
        return made
    made = identity.identifier("unidentified", f"KR{mark_}{day:%y%m%d}{n:03d}", "temp")
    made["period"] = {"start": day.isoformat()}
    return made


def priority(draft: Draft, today: date) -> str | None:
    return rules.priority_by_age(draft.birth, today) if draft.birth else None


def line(draft: Draft, facility: str, today: date, *, emergency: bool = False) -> str | None:
    return cover.line(draft.cover, facility, today, emergency=emergency)
