"""Who reaches whom by name: a strict facility, an order for one's work, standing in; and whether there was any relation."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import Any

import pytest
from at_the_door import CHEAP, request, signed_in

from longbien.access import accounts, cover, facility, purpose, relations
from longbien.access.cover import Wanted
from longbien.access.door import Door
from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid, LongbienError, NotFound
from longbien.base.ids import patient_key
from longbien.record.change import Create, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.search.keys import param_key
from longbien.record.store import Store
from longbien.record.types import number


def ref(text: str) -> dict[str, str]:
    return {"reference": text}


def stay(patient: str, house: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "status": "in-progress", "subject": ref(f"Patient/{patient}"),
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "period": {"start": clock.instant(clock.now() - timedelta(days=3))},
        "serviceProvider": ref(f"Organization/{house}"), **more,
    }  # fmt: skip


def order(patient: str, code: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": ref(f"Patient/{patient}"),
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": code}]}],
        "authoredOn": clock.instant(clock.now()), **more,
    }  # fmt: skip


class House:
    """A facility with two departments (tim, noi), a bed in each, a patient in each bed, and one who is nobody's in particular."""

    def __init__(self) -> None:
        self.id = "h" + secrets.token_hex(3)
        self.department = {name: f"{self.id}-{name}" for name in ("tim", "noi")}
        self.patient = {name: f"{self.id}-p-{name}" for name in ("tim", "noi", "none")}

    async def build(self, engine: Engine) -> House:
        made: list[dict[str, Any]] = [{"resourceType": "Organization", "id": self.id, "name": self.id}]
        for name, id_ in self.department.items():
            made.append({"resourceType": "Organization", "id": id_, "name": name, "partOf": ref(f"Organization/{self.id}")})
            made.append({"resourceType": "Location", "id": f"{id_}-g", "managingOrganization": ref(f"Organization/{id_}")})
        for name, patient in self.patient.items():
            made.append({"resourceType": "Patient", "id": patient})
            place = {"location": [{"location": ref(f"Location/{self.department[name]}-g")}]} if name in self.department else {}
            made.append({**stay(patient, self.id, **place), "id": f"{patient}-e"})
        await Store(engine, system("a house")).commit([Update(r) for r in made])
        return self


@pytest.fixture
async def house(engine: Engine) -> House:
    return await House().build(engine)


async def staff(door: Door, house: House, role: str, department: str | None = None) -> tuple[Any, str]:
    who = f"bs-{secrets.token_hex(4)}"
    await Store(door.engine, system("staff")).commit([Update({"resourceType": "Practitioner", "id": who})])
    at = house.department[department] if department else None
    return await signed_in(door, role, house.id, department=at, practitioner=who)


async def sees(door: Door, cookie: str, patient: str) -> bool:
    try:
        await (await door.store(request(cookie=cookie))).read("Patient", patient)
    except NotFound:
        return False
    return True


async def seen(door: Door, cookie: str, house: House) -> set[str]:
    await asyncio.sleep(1.01)  # what is known of a session is a second old at most
    return {name for name, patient in house.patient.items() if await sees(door, cookie, patient)}


async def test_the_whole_house_by_default_and_ones_department_where_the_facility_is_strict(door: Door, house: House) -> None:
    engine = door.engine
    doctor, cookie = await staff(door, house, "doctor", "tim")
    _, clerk = await staff(door, house, "clerk")
    assert await seen(door, cookie, house) == {"tim", "noi", "none"}
    await facility.set_strict(engine, None, house.id, True)
    assert await seen(door, cookie, house) == {"tim"}
    assert await seen(door, clerk, house) == {"tim", "noi", "none"}, "reception receives everybody"
    colleague, _ = await staff(door, house, "doctor", "tim")
    everything = Store(engine, system("by name"))
    named = stay(house.patient["none"], house.id, participant=[{"individual": ref(f"Practitioner/{colleague.practitioner}")}])
    await everything.commit([Create(named)])
    assert await seen(door, cookie, house) == {"tim", "none"}, "a colleague of the department sees them"
    await everything.commit([Create(order(house.patient["noi"], "x", performer=[ref(f"Practitioner/{doctor.practitioner}")]))])
    assert await seen(door, cookie, house) == {"tim", "noi", "none"}, "asked for by name"
    await facility.set_strict(engine, None, house.id, False)


async def test_a_strict_doctor_opens_another_wards_record_by_a_stated_purpose(door: Door, house: House) -> None:
    await facility.set_strict(door.engine, None, house.id, True)
    _, cookie = await staff(door, house, "doctor", "noi")
    assert await seen(door, cookie, house) == {"noi"}
    actor = await door.actor(request(cookie=cookie))
    assert await door.why(actor, house.patient["tim"]) is None
    await purpose.state_purpose(door.engine, actor, house.patient["tim"], "TREAT", "hội chẩn khẩn ở khoa tim", settings=CHEAP)
    assert await sees(door, cookie, house.patient["tim"])


@pytest.mark.parametrize(
    ("role", "makes"),
    [
        ("laboratory", lambda p: order(p, "108252007")),
        ("imaging", lambda p: order(p, "363679005")),
        ("pharmacist", lambda p: {
            "resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": ref(f"Patient/{p}"),
            "medicationCodeableConcept": {"text": "x"}, "authoredOn": clock.instant(clock.now())}),
    ],
)  # fmt: skip
async def test_a_service_sees_who_has_an_order_for_it(door: Door, house: House, role: str, makes: Any) -> None:
    _, cookie = await staff(door, house, role)
    assert await seen(door, cookie, house) == set()
    other = order(house.patient["noi"], "363679005" if role == "laboratory" else "108252007")
    await Store(door.engine, system("orders")).commit([Create(makes(house.patient["tim"])), Create(other)])
    assert await seen(door, cookie, house) == {"tim"}
    elsewhere = await House().build(door.engine)
    await Store(door.engine, system("orders")).commit([Create(makes(elsewhere.patient["tim"]))])
    assert await seen(door, cookie, elsewhere) == set(), "an order at another facility opens nothing"


async def test_a_referral_to_a_department_opens_the_record_to_it(door: Door, house: House) -> None:
    elsewhere = await House().build(door.engine)
    _, cookie = await staff(door, house, "doctor", "tim")
    assert await seen(door, cookie, elsewhere) == set()
    to = ref(f"Organization/{house.department['tim']}")
    await Store(door.engine, system("referral")).commit([Create(order(elsewhere.patient["noi"], "x", performer=[to]))])
    assert await seen(door, cookie, elsewhere) == {"noi"}


def tonight(account: int, **more: Any) -> Wanted:
    now = clock.now()
    return Wanted(account, now - timedelta(minutes=1), now + timedelta(hours=12), "trực đêm", **more)


async def test_standing_in_for_a_department_and_for_a_colleague_lasts_until_it_ends(door: Door, house: House) -> None:
    engine = door.engine
    await facility.set_strict(engine, None, house.id, True)
    doctor, cookie = await staff(door, house, "doctor", "tim")
    head, _ = await staff(door, house, "head", "noi")
    assert await seen(door, cookie, house) == {"tim"}
    given = await cover.give(engine, head, tonight(doctor.number, department=house.department["noi"]), settings=CHEAP)
    assert await seen(door, cookie, house) == {"tim", "noi"}
    now = await door.actor(request(cookie=cookie))
    assert await door.why(now, house.patient["noi"]) == f"cover {given}"
    for one in (doctor, head):
        assert [c["number"] for c in await cover.of(engine, one)] == [given]
    assert [c["number"] for c in await cover.at(engine, head)] == [given]
    await cover.end(engine, doctor, given)
    assert await seen(door, cookie, house) == {"tim"}
    with pytest.raises(Conflict):
        await cover.end(engine, head, given)
    own, _ = await staff(door, house, "nurse", "noi")
    passed = await cover.give(engine, own, tonight(doctor.number, person=own.number), settings=CHEAP)
    assert await seen(door, cookie, house) == {"tim", "noi"}
    await cover.end(engine, own, passed)
    lines = await engine.db.fetch("SELECT why FROM audit WHERE why LIKE $1 ORDER BY seq", f"cover {given}%")
    assert len(lines) == 2 and "trực đêm" in lines[0]["why"]


async def test_a_cover_opens_another_facilitys_patients_only_as_far_as_it_says(door: Door, house: House) -> None:
    elsewhere = await House().build(door.engine)
    doctor, cookie = await staff(door, house, "doctor", "tim")
    head, _ = await staff(door, elsewhere, "head", "noi")
    await cover.give(door.engine, head, tonight(doctor.number, department=elsewhere.department["noi"]), settings=CHEAP)
    assert await seen(door, cookie, elsewhere) == {"noi"}
    store = await door.store(request(cookie=cookie))
    with pytest.raises(LongbienError):  # to write an encounter there would open the record to one's own house
        await store.commit([Create(stay(elsewhere.patient["noi"], house.id))])


async def test_nobody_helps_themselves_to_a_cover(door: Door, house: House) -> None:
    engine = door.engine
    elsewhere = await House().build(engine)
    doctor, _ = await staff(door, house, "doctor", "tim")
    head, _ = await staff(door, house, "head", "tim")
    it, _ = await staff(door, house, "it")
    foreign, _ = await staff(door, elsewhere, "head", "tim")
    clerk, _ = await staff(door, house, "clerk")
    noi = house.department["noi"]
    before = await engine.db.fetchval("SELECT count(*) FROM cover")
    for maker, wanted, error in (
        (doctor, tonight(doctor.number, department=noi), Forbidden),  # not one's to arrange
        (head, tonight(head.number, department=noi), Forbidden),  # nobody for themselves
        (doctor, tonight(doctor.number, person=head.number), Forbidden),  # a colleague's patients, taken
        (doctor, tonight(head.number, person=head.number), Forbidden),
        (foreign, tonight(doctor.number, person=doctor.number), Forbidden),  # another facility's
        (foreign, tonight(doctor.number, department=noi), Invalid),
        (clerk, tonight(doctor.number, department=noi), Forbidden),
        (it, tonight(clerk.number, department=noi), Invalid),  # who has no patients stands in for nobody
        (head, tonight(doctor.number, department="no-such"), Invalid),
        (head, tonight(doctor.number), Invalid),
        (head, tonight(2_000_000, department=noi), Invalid),
        (head, tonight(doctor.number, department=noi)._replace(reason=" "), Invalid),
        (head, tonight(doctor.number, department=noi)._replace(until=clock.now() + timedelta(days=99)), Invalid),
        (head, tonight(doctor.number, department=noi)._replace(until=clock.now() - timedelta(days=1)), Invalid),
    ):
        with pytest.raises(error):
            await cover.give(engine, maker, wanted, settings=CHEAP)
    assert await engine.db.fetchval("SELECT count(*) FROM cover") == before
    given = await cover.give(engine, it, tonight(doctor.number, department=noi), settings=CHEAP)
    for stranger in (foreign, clerk):
        with pytest.raises(NotFound):
            await cover.end(engine, stranger, given)
    with pytest.raises(Forbidden):
        await cover.at(engine, doctor)


async def test_an_administrator_changes_the_accounts_of_the_own_facility_only(door: Door, house: House) -> None:
    engine = door.engine
    it, _ = await staff(door, house, "it")
    mine, cookie = await staff(door, house, "doctor", "tim")
    theirs, _ = await signed_in(door, "doctor", "bv-khac")
    for change in (
        lambda n: accounts.disable(engine, it, n),
        lambda n: accounts.enable(engine, it, n),
        lambda n: accounts.set_role(engine, it, n, "nurse"),
        lambda n: accounts.move(engine, it, n, None),
        lambda n: accounts.reset_password(engine, door.hasher, it, n, "một mật khẩu khác hẳn"),
    ):
        with pytest.raises(NotFound):
            await change(theirs.number)
        with pytest.raises(Forbidden):
            await change(it.number)
    refused = await engine.db.fetch("SELECT why FROM audit WHERE actor = $1 AND outcome = 4", it.number)
    assert len(refused) == 5
    with pytest.raises(Invalid):
        await accounts.move(engine, it, mine.number, "sn-khac")
    await accounts.move(engine, it, mine.number, house.department["noi"])
    await asyncio.sleep(1.01)
    assert (await door.actor(request(cookie=cookie))).department == house.department["noi"]
    assert {a["login"] for a in await accounts.listed(engine.db, organization=house.id)} == {it.login, mine.login}


async def test_what_somebody_had_to_do_with_a_patient(door: Door, house: House) -> None:
    engine = door.engine
    doctor, _ = await staff(door, house, "doctor", "tim")
    lab, _ = await staff(door, house, "laboratory")
    stranger, _ = await signed_in(door, "doctor", "bv-khac")
    other, _ = await staff(door, house, "doctor", "noi")
    patient, now = patient_key(house.patient["tim"]), clock.now()
    assert await relations.relation(engine, doctor, patient, now) == ["care", "department"]
    assert await relations.relation(engine, other, patient, now) == ["care"]
    assert await relations.relation(engine, stranger.number, patient, now) == []
    mine = order(house.patient["tim"], "108252007", requester=ref(f"Practitioner/{doctor.practitioner}"))
    await Store(engine, system("order")).commit([Create(mine)])
    assert await relations.relation(engine, doctor, patient, now) == ["care", "department", "order"]
    assert await relations.relation(engine, lab, patient, now) == ["care", "work"]
    await purpose.state_purpose(engine, stranger, house.patient["tim"], "TREAT", "hội chẩn qua điện thoại", settings=CHEAP)
    head, _ = await staff(door, house, "head", "tim")
    await cover.give(engine, head, tonight(other.number, department=house.department["tim"]), settings=CHEAP)
    asked = [relations.Asked(a.number, patient, clock.now()) for a in (stranger, other, doctor)]
    asked.append(relations.Asked(doctor.number, patient, clock.now() - timedelta(days=400)))
    asked.append(relations.Asked(2_000_000, patient, clock.now()))
    assert await relations.relations(engine, asked) == [["purpose"], ["care", "cover"], ["care", "department", "order"], [], []]
    assert await relations.relations(engine, []) == []


def test_the_numbers_in_the_migration_are_the_houses() -> None:
    assert param_key("PractitionerRole.practitioner") == 656793306 and param_key("Location.organization") == 370808918
    assert number("Practitioner") == 108 and number("Organization") == 100
