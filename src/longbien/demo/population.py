"""The people of the demo city. `person(i, seed, today)` needs nothing but its arguments: ranges can be made by many processes.

The present is 08:20 in the morning of `today` (Hanoi time): nothing generated lies after it but plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from longbien.base import clock
from longbien.demo import (
    acute,
    admissions,
    at_home,
    burdened,
    claim_facts,
    clinic_today,
    family,
    papers,
    people,
    slots,
    ward_stories,
    ward_today,
)
from longbien.demo.body import Body
from longbien.demo.chance import Chance
from longbien.demo.chronic import YEARS_OF_RECORD, Clinic, draw, give
from longbien.demo.illnesses import ILLNESSES
from longbien.demo.life import Life
from longbien.demo.people import Person
from longbien.demo.shapes import at
from longbien.fhir import systems as s

Resource = dict[str, Any]


def demo_day(now: datetime) -> date:
    """The `today` to give: the local date, or the day before while it is not yet 08:20 (nothing must lie in the future)."""
    local = clock.local(now)
    return local.date() if (local.hour, local.minute) >= (8, 20) else local.date() - timedelta(days=1)


def generate(n: int, seed: int, today: date) -> Iterator[list[Resource]]:
    """One list of resources for each of `n` people: the Patient first."""
    for i in range(n):
        yield person(i, seed, today)


def who(i: int, seed: int, today: date) -> Person:
    """The person behind number `i`: some are namesakes of the person before them, so that search has something to tell apart."""
    part, k = slots.part(i)
    if part == slots.WARD:
        w = ward_stories.WARD[k]
        fixed: dict[str, Any] = {"name": w.name, "sex": w.sex, "age": w.age}
        if k == 0:
            fixed.update(birth=date(today.year - 71 - (today < date(today.year, 3, 14)), 3, 14), object="HT")
        return people.make(i, seed, today, **fixed)
    chance = Chance(seed, "part", i)
    if part == slots.BURDENED:
        return people.make(i, seed, today, age=chance.randint(66, 84))
    if (part, k) in at_home.KNOWN:
        return people.make(i, seed, today, **at_home.KNOWN[part, k])
    if part == slots.CLINIC:
        return people.make(i, seed, today, age=chance.randint(42, 83))
    if part == slots.ELSEWHERE:
        return people.make(i, seed, today, age=chance.randint(35, 80))
    if part == slots.INPATIENT:
        dept = slots.other_beds()[k].department
        if dept == "NHI":
            return people.make(i, seed, today, age=chance.randint(1, 9))
        if dept == "SAN":
            return people.make(i, seed, today, age=chance.randint(23, 34), sex="F")
        return people.make(i, seed, today, age=chance.randint(45, 84))
    made = people.make(i, seed, today)
    if i % 97 in (41, 42) and slots.part(i - 1)[0] == slots.PLAIN:
        return people.twin(made, who(i - 1, seed, today))
    return made


def person(i: int, seed: int, today: date) -> list[Resource]:
    """Every resource of person `i`. The same arguments give the same resources, byte for byte."""
    who_is = who(i, seed, today)
    chance = Chance(seed, "life", i)
    life = Life(who_is, today, chance, Body(chance, who_is.sex, who_is.birth))
    life.body.today = today
    life.out.extend(people.resources(who_is, today))
    part, k = slots.part(i)
    _allergies(life, part, k)
    family.childhood(life)
    family.covid_and_flu(life)
    if part == slots.BURDENED:
        (burdened.dialysis_life if k % 2 == 0 else burdened.frail_life)(life)
        claim_facts.complete(life)
        return life.out
    until = _illnesses(life, part, k)
    _history(life, until)
    if part == slots.WARD:
        ward_today.stay(life, k)
        life.settle(at(today, 8, 20))
        papers.write(life, ward_stories.WARD[k], at(today, 8, 20))
    elif part == slots.INPATIENT:
        clinic_today.inpatient(life, slots.other_beds()[k])
    elif part in (slots.CLINIC, slots.ELSEWHERE):
        clinic_today.outpatient(life, k, part == slots.CLINIC)
    if (part, k) == at_home.LUA:
        at_home.lua(life)
    claim_facts.complete(life)
    return life.out


def heaviest(seed: int, today: date) -> list[Resource]:
    """One life for measuring the chart: more than 700 encounters, about 10,000 observations. Nobody of `generate`."""
    number = 999_999
    who_is = people.make(number, seed, today, age=74, object="HT")
    chance = Chance(seed, "life", number)
    life = Life(who_is, today, chance, Body(chance, who_is.sex, who_is.birth))
    life.body.today = today
    life.out.extend(people.resources(who_is, today))
    burdened.dialysis_life(life, hourly=True)
    return life.out


def _illnesses(life: Life, part: str, k: int) -> date:
    """Draw or fix the lasting illnesses; gives the day on which the ordinary history ends."""
    if part == slots.WARD:
        story = ward_stories.WARD[k]
        for icd, years in story.lasting:
            give(life, icd, years)
        if k == 0:
            life.problem("N18.3", "Bệnh thận mạn giai đoạn 3a", life.today - timedelta(days=1240))
            life.body.kidney_now, life.body.kidney_slope = 52.0, 4.0
            life.body.height_adult, life.body.bmi = 164.0, 23.4
            life.body.place["HGB"] = -27.0
        return ward_today.admitted_on(story, life.today)
    if part == slots.CLINIC:
        give(life, "I10")
        if (part, k) == at_home.LUA:
            give(life, "E11.9", 8.0)
        if life.chance.happens(0.35):
            give(life, life.chance.choice(("I48", "I25.9", "I50.9")))
    if part == slots.INPATIENT and (bed := slots.other_beds()[k]).department != "SAN":
        stay = clinic_today.choose_stay(life, bed)
        if stay.after and life.age(life.today) >= 40:
            give(life, stay.after)
    draw(life)
    return life.today - timedelta(days=14) if part == slots.INPATIENT else life.today


def _written_choice(life: Life) -> int | None:
    part, k = slots.part(life.person.i)
    return ward_stories.WARD[k].choice if part == slots.WARD else None


def _history(life: Life, until: date) -> None:
    """Clinic visits, short illnesses, admissions and pregnancies, in the order of their days."""
    begin = max(life.person.birth + timedelta(days=20), life.today - timedelta(days=round(YEARS_OF_RECORD * 365.25)))
    events: list[tuple[date, Callable[[], None]]] = []
    clinic = Clinic(life, until, choice=_written_choice(life))
    if any(c in ILLNESSES for c in life.problems):
        events += [(day, lambda d=day: clinic.hold(d)) for day in clinic.days()]  # type: ignore[misc]
    events += [(d, lambda d=d, x=x: acute.be_ill(life, d, x)) for d, x in acute.schedule(life, begin, until) if d < until]  # type: ignore[misc]
    events += [(d, lambda d=d, x=x: admissions.be_admitted(life, d, x)) for d, x in admissions.stays(life, begin, until)]  # type: ignore[misc]
    if life.person.sex == "F" and 19 <= life.age(life.today) <= 47:
        for order, due in enumerate(family.births(life), 1):
            events.append((due - timedelta(days=220), lambda due=due, order=order: family.pregnancy(life, due, order)))  # type: ignore[misc]
    for _, happen in sorted(events, key=lambda e: e[0]):
        happen()
    if clinic.last:
        life.settle(clinic.last.start)


_ALLERGIES = (
    (30, "medication", "Penicillin", "mày đay toàn thân", {"system": s.ATC, "code": "J01C", "display": "Penicillins"}),
    (
        12,
        "medication",
        "Cephalosporin",
        "phát ban",
        {"system": s.ATC, "code": "J01D", "display": "Other beta-lactam antibacterials"},
    ),
    (
        16,
        "medication",
        "Aspirin, NSAID",
        "phù mi mắt, khó thở",
        {"system": s.ATC, "code": "M01A", "display": "Antiinflammatory products, non-steroids"},
    ),
    (
        8,
        "medication",
        "Thuốc cản quang iod",
        "nổi mề đay",
        {"system": s.ATC, "code": "V08A", "display": "X-ray contrast media, iodinated"},
    ),
    (22, "food", "Tôm, cua", "mày đay", {"system": s.ALLERGEN, "code": "crustacean", "display": "Tôm, cua"}),
    (6, "food", "Lạc", "ngứa họng, mày đay", {"system": s.ALLERGEN, "code": "peanut", "display": "Lạc"}),
    (6, "environment", "Phấn hoa", "hắt hơi, chảy mũi", {"system": s.ALLERGEN, "code": "pollen", "display": "Phấn hoa"}),
)


def _allergies(life: Life, part: str, k: int) -> None:
    chance = life.chance
    penicillin, shrimp = _ALLERGIES[0], _ALLERGIES[4]
    if part == slots.WARD and k == 0:
        life.allergy("medication", "Penicillin", "phản vệ độ II", code=penicillin[4], severe=True, when=date(2019, 5, 21))
        life.allergy(
            "food",
            "Tôm",
            "mày đay, người bệnh kể",
            code=shrimp[4],
            severe=False,
            when=date(2022, 3, 8),
            sure=("unconfirmed", "Unconfirmed"),
        )
        return
    if not chance.happens(0.11):
        return
    day = life.today - timedelta(days=chance.randint(200, min(4000, max(201, (life.today - life.person.birth).days))))
    _, kind, text, reaction, code = chance.weighted([(a, a[0]) for a in _ALLERGIES])
    life.allergy(kind, text, reaction, code=code, severe=chance.happens(0.2), when=max(day, life.person.birth))
