"""The people: same seed same city, numbers that obey their rules, references that lead somewhere, values within their ranges."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from longbien.base.ids import FHIR_ID
from longbien.demo import chronic, facilities, people, population, slots
from longbien.demo.starter import band, by, rows
from longbien.demo.timeline import lines
from longbien.fhir import json as fhir_json
from longbien.fhir import systems as s

Resource = dict[str, Any]
# The city of conftest.py.
SEED, TODAY = 7, date(2026, 11, 23)
City = list[list[Resource]]


def kind(resources: list[Resource], name: str) -> list[Resource]:
    return [r for r in resources if r["resourceType"] == name]


def local(o: Resource, system: str) -> str:
    return next((c["code"] for c in o["code"]["coding"] if c["system"] == system), "")


def identifier(patient: Resource, system: str) -> str | None:
    return next((i["value"] for i in patient["identifier"] if i["system"] == system), None)


@pytest.mark.parametrize("i", [0, 3, 75, 225, 12_345])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_person(i: int) -> None:
    once = b"\n".join(map(fhir_json.dumps, population.person(i, SEED, TODAY)))
    assert once == b"\n".join(map(fhir_json.dumps, population.person(i, SEED, TODAY)))
    assert once != b"\n".join(map(fhir_json.dumps, population.person(i, SEED + 1, TODAY)))


def test_a_person_does_not_depend_on_how_many_there_are(city: City) -> None:
    assert list(population.generate(12, SEED, TODAY)) == city[:12]


def test_ids_are_legal_and_unique(everything: list[Resource], fixed: list[Resource]) -> None:
    keys = Counter((r["resourceType"], r["id"]) for r in [*everything, *fixed])
    assert all(FHIR_ID.match(i) for _, i in keys)
    assert keys.most_common(1)[0][1] == 1


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for v in value.values():
            yield from _references(v)
    elif isinstance(value, list):
        for v in value:
            yield from _references(v)


def test_every_reference_leads_to_this_person_or_to_the_fixed_city(city: City, fixed: list[Resource]) -> None:
    ground = {f"{r['resourceType']}/{r['id']}" for r in fixed}
    assert not {x for r in fixed for x in _references(r)} - ground
    for person in city:
        own = {f"{r['resourceType']}/{r['id']}" for r in person}
        assert not {x for r in person for x in _references(r)} - own - ground


def test_citizen_ids_agree_with_sex_year_and_province_and_are_nobody_elses(everything: list[Resource]) -> None:
    provinces = {r["code3"] for r in rows("birth_provinces")}
    found = []
    for p in kind(everything, "Patient"):
        number = identifier(p, s.CITIZEN_ID)
        if number is None:
            continue
        year = int(p["birthDate"][:4])
        assert re.fullmatch(r"\d{12}", number)
        assert number[:3] in provinces
        assert int(number[3]) == (year // 100 - 19) * 2 + (p["gender"] == "female")
        assert int(number[4:6]) == year % 100
        found.append(number)
    assert len(found) > 270
    assert len(set(found)) == len(found)


def test_six_digits_of_citizen_ids_do_not_repeat_in_a_hundred_thousand() -> None:
    tails = {(i * 618_033 + SEED * 7_919) % 1_000_000 for i in range(100_000)}
    assert len(tails) == 100_000
    assert len({(i * 61_803_399 + SEED * 104_729) % 100_000_000 for i in range(100_000)}) == 100_000


@pytest.mark.parametrize(
    ("sex", "birth", "expected"),
    [
        ("M", date(1955, 3, 14), "001055"),
        ("F", date(1999, 12, 31), "001199"),
        ("M", date(2020, 1, 1), "001220"),
        ("F", date(2001, 5, 5), "001301"),
    ],
)
def test_the_fourth_digit_tells_century_and_sex(sex: str, birth: date, expected: str) -> None:
    assert people.citizen_id("001", sex, birth, 42) == expected + "000042"


def test_insurance_cards_have_fifteen_characters_and_their_objects_level(everything: list[Resource]) -> None:
    cards = {i["value"] for p in kind(everything, "Patient") for i in p["identifier"] if i["system"] == s.INSURANCE_NUMBER}
    assert len(cards) > 260
    for card in cards:
        assert re.fullmatch(r"[A-Z]{2}[1-5]01\d{10}", card)
        assert by("insurance_objects")[card[:2]]["usual_benefit_level"] == card[2]
    assert {c["subscriberId"] for c in kind(everything, "Coverage")} == cards


def test_children_under_six_have_a_childs_card_and_a_carer(city: City) -> None:
    for person in city:
        born = person[0]["birthDate"]
        if len(born) == 10 and (TODAY - date.fromisoformat(born)).days < 5 * 365:
            assert (identifier(person[0], s.INSURANCE_NUMBER) or "").startswith("TE1")
    children = [p for p in city if len(p[0]["birthDate"]) == 10 and (TODAY - date.fromisoformat(p[0]["birthDate"])).days < 15 * 365]
    assert sum(bool(kind(p, "RelatedPerson")) for p in children) > 0.9 * len(children)


def test_phones_have_mobile_prefixes(everything: list[Resource]) -> None:
    prefixes = {r["prefix"] for r in rows("mobile_prefixes")}
    phones = [t["value"] for p in kind(everything, "Patient") for t in p.get("telecom", ())]
    assert len(phones) > 180
    assert all(re.fullmatch(r"0\d{9}", t) and t[:3] in prefixes for t in phones)


def test_all_text_is_nfc_and_names_are_whole(everything: list[Resource]) -> None:
    for p in kind(everything, "Patient"):
        name = p["name"][0]
        assert name["text"] == " ".join([name["family"], *name["given"]])
    text = b"".join(map(fhir_json.dumps, everything)).decode()
    assert unicodedata.is_normalized("NFC", text)


def test_addresses_are_of_the_126_wards_and_some_are_old(everything: list[Resource]) -> None:
    wards = {r["name"] for r in rows("wards_hanoi")}
    patients = kind(everything, "Patient")
    assert {p["address"][0]["district"] for p in patients} <= wards
    assert len({p["address"][0]["district"] for p in patients}) > 80
    assert 20 < sum(len(p["address"]) == 2 for p in patients) < 100


def test_namesakes_exist() -> None:
    pairs = [(population.who(i - 1, SEED, TODAY), population.who(i, SEED, TODAY)) for i in range(2000) if i % 97 == 41]
    near = [
        (a, b) for a, b in pairs if a.name.split()[:-1] == b.name.split()[:-1] and a.birth.year == b.birth.year and a.sex == b.sex
    ]
    assert len(near) >= 15
    assert all(a.citizen_id != b.citizen_id for a, b in near if a.citizen_id)


def test_the_crowd_has_the_shape_of_the_pyramid() -> None:
    ages = [population.who(i, SEED, TODAY).age(TODAY) for i in range(1000, 4000)]
    assert 0.20 < sum(a < 15 for a in ages) / 3000 < 0.28
    assert 0.06 < sum(a >= 65 for a in ages) / 3000 < 0.11
    families = Counter(population.who(i, SEED, TODAY).name.split()[0] for i in range(1000, 2000))
    assert families.most_common(1)[0][0] == "Nguyễn"
    assert 0.38 < families["Nguyễn"] / 1000 < 0.52
    assert chronic.share("E11.9", 70, "F") == pytest.approx(0.18)
    assert chronic.share("N40", 70, "F") == 0


# --- histories


def test_numbers_agree_with_their_reference_range_and_interpretation(city: City) -> None:
    seen: Counter[str] = Counter()
    for person in city:
        sex = "M" if person[0]["gender"] == "male" else "F"
        for o in kind(person, "Observation"):
            if "referenceRange" not in o:
                continue
            value, code = o["valueQuantity"]["value"], o["interpretation"][0]["coding"][0]["code"]
            low, high = (o["referenceRange"][0].get(k, {}).get("value") for k in ("low", "high"))
            if code in ("H", "HH"):
                assert high is None or value > high
            elif code in ("L", "LL"):
                assert low is None or value < low
            else:
                assert (low is None or value >= low) and (high is None or value <= high)
            test = local(o, s.LAB)
            found = next(b for b in (band(test, sex, d) for d in range(0, 36_000, 5)) if b)
            assert found.low_text.count(".") <= 1 and o["valueQuantity"]["code"] == by("labs")[test]["ucum"]
            seen[code] += 1
    assert seen["HH"] >= 1
    assert seen["N"] > seen["H"] > seen["HH"]


def test_critical_limits_are_critical_themselves() -> None:
    potassium = band("K", "M", 71 * 365)
    assert potassium is not None
    assert [potassium.interpret(v) for v in (2.8, 2.9, 4.0, 5.1, 6.1, 6.2)] == ["LL", "L", "N", "H", "H", "HH"]


def test_nothing_but_plans_lies_after_this_morning(everything: list[Resource]) -> None:
    now = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)  # 08:20 in Hanoi
    for r in everything:
        for key in ("effectiveDateTime", "issued", "authoredOn", "started", "occurrenceDateTime"):
            if key in r:
                assert datetime.fromisoformat(r[key]) <= now, (r["resourceType"], key, r[key])
        if r["resourceType"] == "Encounter" and r["status"] != "planned":
            assert datetime.fromisoformat(r["period"]["start"]) <= now
            assert ("end" in r["period"]) == (r["status"] == "finished")
            assert datetime.fromisoformat(r["period"].get("end", r["period"]["start"])) <= now


def test_nothing_happens_before_birth_and_encounters_end_after_they_begin(city: City) -> None:
    for person in city:
        born = person[0]["birthDate"]
        for e in kind(person, "Encounter"):
            assert e["period"]["start"] >= born
            assert "end" not in e["period"] or e["period"]["start"] <= e["period"]["end"]


def test_nobody_visits_a_clinic_from_a_hospital_bed(city: City) -> None:
    for person in city:
        encounters = kind(person, "Encounter")
        stays = [e["period"] for e in encounters if e["class"]["code"] == "IMP" and "end" in e["period"]]
        for e in encounters:
            if e["serviceType"]["text"] in ("Khoa Phụ sản", "Khoa Sản", "Phòng tiêm chủng") or e["class"]["code"] != "AMB":
                continue
            assert not any(
                p["start"] < e["period"]["start"] < p["end"] for p in stays if p["start"][:10] < e["period"]["start"][:10]
            )


def test_no_line_of_drugs_runs_for_a_century(everything: list[Resource]) -> None:
    limit = (TODAY + timedelta(days=200)).isoformat()
    for m in kind(everything, "MedicationRequest"):
        span = m["dispenseRequest"]["validityPeriod"]
        assert span["start"] <= span["end"] < limit
        assert (m["status"] == "active") == (span["end"][:10] > TODAY.isoformat()) or m["status"] == "stopped", m


@pytest.mark.parametrize("k", range(4))
def test_the_burdened_have_more_than_500_encounters(k: int) -> None:
    life = population.person(75 + 150 * k, SEED, TODAY)
    days = [e["period"]["start"][:10] for e in kind(life, "Encounter")]
    assert len(days) >= 500
    assert (date.fromisoformat(max(days)) - date.fromisoformat(min(days))).days > 5 * 365


def test_the_heaviest_life_is_heavy_enough_to_measure_with() -> None:
    life = population.heaviest(SEED, TODAY)
    assert len(kind(life, "Encounter")) >= 700
    assert len(kind(life, "Observation")) >= 10_000
    assert len({r["id"] for r in life}) == len(life)


# --- this morning


def test_the_ward_of_the_demo_doctor_this_morning(everything: list[Resource]) -> None:
    open_stays = [e for e in kind(everything, "Encounter") if e["status"] == "in-progress" and e["class"]["code"] == "IMP"]
    beds = [x["location"]["reference"] for e in open_stays for x in e["location"] if x["status"] == "active"]
    assert len(beds) == len(open_stays) == len(set(beds)) == 32
    mine = [e for e in open_stays if e["participant"][0]["individual"]["reference"] == "Practitioner/bs-minh"]
    assert len(mine) >= 14
    assert all(x["location"]["reference"].startswith("Location/sn-tm-g") for e in mine for x in e["location"])


def test_beds_stay_distinct_in_a_hundred_thousand() -> None:
    beds = slots.other_beds()
    taken = [k for i in range(100_000) for part, k in [slots.part(i)] if part == slots.INPATIENT]
    assert len(taken) == len(set(taken)) == len(beds) == len({b.id for b in beds})
    cast = {b.id for b in facilities.beds("SN", "TM")[: slots.CAST_BEDS]}
    assert not cast & {b.id for b in beds}


def test_the_clinic_of_the_demo_doctor_today(everything: list[Resource]) -> None:
    def minh(r: Resource) -> bool:
        return any(p.get("actor", {}).get("reference") == "Practitioner/bs-minh" for p in r["participant"])

    booked = [a for a in kind(everything, "Appointment") if minh(a) and a["start"].startswith(TODAY.isoformat())]
    assert len(booked) == len({a["start"] for a in booked}) == 22
    assert {a["status"] for a in booked} == {"fulfilled", "arrived", "booked"}


def test_the_man_in_bed_twelve(city: City) -> None:
    life = city[0]
    assert life[0]["name"][0]["text"] == "Nguyễn Văn Thưởng"
    assert life[0]["birthDate"] == "1955-03-14"
    potassium = [o for o in kind(life, "Observation") if local(o, s.LAB) == "K"][-1]
    assert str(potassium["valueQuantity"]["value"]) == "6.2"
    assert potassium["interpretation"][0]["coding"][0]["code"] == "HH"
    assert potassium["issued"] == "2026-11-23T06:10:00+07:00"
    overdue = [
        o
        for o in kind(life, "ServiceRequest")
        if o["status"] == "active" and o.get("occurrencePeriod", {}).get("end", "9") < "2026-11-23T08:20"
    ]
    assert [o["code"]["text"] for o in overdue] == ["Cấy máu"]
    codes = {c["code"]["coding"][0]["code"] for c in kind(life, "Condition")}
    assert {"I50.0", "I48", "N18.3", "E11.9", "I10"} <= codes
    taken = Counter(
        m["medicationCodeableConcept"]["coding"][0]["code"] for m in kind(life, "MedicationRequest") if m["status"] == "active"
    )
    assert taken["apix5"] == 1 and taken["furo40"] == 1 and not taken["losar50"] and not taken["kcl600"] and not taken["aceno"]
    allergies = {a["code"]["text"] for a in kind(life, "AllergyIntolerance")}
    assert allergies == {"Penicillin", "Tôm"}


ANTICOAGULANTS = {"apix5", "rivaro20", "aceno", "warf", "dabi110"}


def test_nobody_takes_two_anticoagulants_or_two_renin_blockers(city: City) -> None:
    for person in city:
        active = Counter(
            m["medicationCodeableConcept"]["coding"][0]["code"]
            for m in kind(person, "MedicationRequest")
            if m["status"] == "active"
        )
        atc = [by("drugs")[code]["atc"] for code in active.elements()]
        assert sum(active[x] for x in ANTICOAGULANTS) <= 1, (person[0]["name"], active)
        assert sum(a.startswith("C09") for a in atc) <= 1, (person[0]["name"], active)


def test_nobody_allergic_to_penicillin_is_given_one_afterwards(city: City) -> None:
    checked = 0
    for person in [*city, *(population.person(i, SEED, TODAY) for i in range(400, 700))]:
        if not any(a["code"]["text"] == "Penicillin" for a in kind(person, "AllergyIntolerance")):
            continue
        checked += 1
        drugs = [by("drugs")[m["medicationCodeableConcept"]["coding"][0]["code"]]["atc"] for m in kind(person, "MedicationRequest")]
        assert not [d for d in drugs if d.startswith("J01C")]
    assert checked >= 5


def test_a_child_is_given_one_dose_not_the_words_by_weight(city: City) -> None:
    texts = [m["dosageInstruction"][0]["text"] for m in kind([r for p in city for r in p], "MedicationRequest")]
    assert len(texts) > 2000
    assert not [x for x in texts if "theo cân nặng" in x]


def test_the_demo_day_is_yesterday_until_the_morning_has_come() -> None:
    assert population.demo_day(datetime(2026, 11, 23, 1, 19, tzinfo=UTC)) == date(2026, 11, 22)
    assert population.demo_day(datetime(2026, 11, 23, 1, 20, tzinfo=UTC)) == TODAY
    assert population.demo_day(datetime(2026, 11, 23, 18, 0, tzinfo=UTC)) == TODAY


def test_a_life_can_be_read_as_text(city: City) -> None:
    text = "\n".join(lines(city[0]))
    assert "K+ 6.2 HH" in text
    assert "Nội tim mạch" in text


def test_the_size_of_the_city(city: City) -> None:
    mean = sum(map(len, city)) / len(city)
    assert 100 < mean < 220
