"""What the desk does, on a real record: visits and numbers in one transaction, two desks at once, midnight."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import person
from longbien.base import clock, ids
from longbien.base.errors import LongbienError, NotFound
from longbien.fhir import json
from longbien.reception import actions, tickets
from longbien.reception.actions import InLine, Moved, SamePerson, Wanted
from longbien.reception.cover import Cover
from longbien.record.change import Create

pytestmark = pytest.mark.asyncio(loop_scope="session")


def at(day: int, hour: int, minute: int = 0, second: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=clock.HANOI)


async def comes(h: SimpleNamespace, room: str, now: datetime, *, login: str = "tn.lan", patient: Any = None, **more: Any) -> Any:
    p = patient or person(ids.new_id())
    wanted = Wanted(ids.new_id(), h.place.room(room), **more)
    return await actions.register(h.store(login), h.finding(login), h.who(login), h.place, p, [], wanted, now)


async def test_a_first_visit_is_patient_visit_and_number_in_one(hospital: SimpleNamespace) -> None:
    h = hospital
    card = Cover("HT3010123456789", 3, date(2026, 1, 1), date(2026, 12, 31), "99001")
    given = await comes(
        h, "sn-tm-pk", at(30, 8), patient=person("first-1", number="001180000001"), cover=card, line="1.1", reason="Đau ngực"
    )
    assert given.label == "B01"
    visit = json.loads((await h.store().read("Encounter", given.encounter)).body)
    assert (visit["status"], visit["serviceProvider"]["reference"]) == ("arrived", "Organization/bv-sn")
    assert visit["location"][0]["location"]["reference"] == "Location/sn-tm-pk"
    task = json.loads((await h.store().read("Task", given.task)).body)
    assert task["groupIdentifier"]["value"] == "sn-tm-pk.2026-11-30"
    cards = await h.store().search("Coverage", [("beneficiary", "Patient/first-1")])
    assert json.loads(cards.entries[0].body)["period"]["end"] == "2026-12-31"
    who = json.loads((await h.store().read("Patient", "first-1")).body)
    assert any(i["value"].startswith("SN") for i in who["identifier"])


async def test_the_record_is_open_to_the_clinic_from_then_on(hospital: SimpleNamespace) -> None:
    h = hospital
    given = await comes(h, "sn-tm-pk", at(30, 8, 1))
    assert (await h.store("bs.minh").read("Patient", given.patient)).id == given.patient


async def test_the_same_form_sent_twice_gives_one_number(hospital: SimpleNamespace) -> None:
    h = hospital
    wanted = Wanted(ids.new_id(), h.place.room("sn-noi-pk"))
    p = person("twice-1", number="001180000002")
    first = await actions.register(h.store(), h.finding(), h.who(), h.place, p, [], wanted, at(30, 8))
    again = await actions.register(h.store(), h.finding(), h.who(), h.place, p, [], wanted, at(30, 8, 1))
    assert first == again
    with pytest.raises(InLine) as there:
        await actions.receive(h.store(), h.who(), h.place, "twice-1", Wanted(ids.new_id(), h.place.room("sn-noi-pk")), at(30, 8, 2))
    assert there.value.task == first.task


async def test_two_desks_register_one_number_and_the_second_is_shown_the_first(hospital: SimpleNamespace) -> None:
    h = hospital

    async def desk(id_: str, login: str) -> Any:
        try:
            return await comes(h, "sn-tm-pk", at(30, 9), login=login, patient=person(id_, number="001180000777"))
        except SamePerson as same:
            return same

    for _ in range(3):
        pair = await asyncio.gather(desk("race-a", "tn.lan"), desk("race-b", "dd.ha"))
        losers = [x for x in pair if isinstance(x, SamePerson)]
        winners = [x for x in pair if not isinstance(x, LongbienError)]
        if winners:
            assert len(winners) == len(losers) == 1 and losers[0].patient == winners[0].patient
            first = winners[0].patient
        assert {x.patient for x in losers} == {first}
    city = await h.finding().search("Patient", [("identifier", "001180000777")])
    assert len(city.matches) == 1


async def test_numbers_of_a_room_and_day_are_given_once_at_twelve_desks(hospital: SimpleNamespace) -> None:
    h = hospital
    given = await asyncio.gather(*(comes(h, "sn-mat-pk", at(30, 9)) for _ in range(12)))
    assert sorted(g.label for g in given) == [f"B{n:02d}" for n in range(1, 13)]


async def test_a_number_that_was_given_is_refused_whoever_writes_it(hospital: SimpleNamespace) -> None:
    h = hospital
    given = await comes(h, "sn-tmh-pk", at(30, 9))
    task = json.loads((await h.house.read("Task", given.task)).body)
    with pytest.raises(LongbienError) as no:
        await h.house.commit([Create({**task, "id": "forged-ticket"}, id="forged-ticket")])
    assert no.value.status == 409


async def test_after_midnight_and_at_the_years_end_numbers_begin_anew(hospital: SimpleNamespace) -> None:
    h = hospital
    last = await comes(h, "sn-cxk-pk", at(31, 23, 59, 59, month=12))
    first = await comes(h, "sn-cxk-pk", at(1, 0, 0, 0, month=1, year=2027))
    rows = await h.engine.db.fetch("SELECT day, letter, number FROM reception_ticket WHERE place = 'sn-cxk-pk' ORDER BY day")
    assert [(r["day"], r["number"]) for r in rows] == [(date(2026, 12, 31), 1), (date(2027, 1, 1), 1)]
    visits = [json.loads((await h.house.read("Encounter", g.encounter)).body)["identifier"][0]["value"] for g in (last, first)]
    assert visits[0].startswith("SN261231") and visits[1].startswith("SN270101")


async def test_priority_goes_first_but_starves_nobody_and_two_callers_get_two_numbers(hospital: SimpleNamespace) -> None:
    h, room = hospital, hospital.place.room("sn-th-pk")
    for n in range(3):
        await comes(h, "sn-th-pk", at(30, 8, n))
    for n in range(3):
        await comes(h, "sn-th-pk", at(30, 8, 10 + n), priority="from-75")
    one, two = await asyncio.gather(
        *(actions.call_next(h.store("bs.minh"), h.who("bs.minh"), room, at(30, 8, 20)) for _ in range(2))
    )
    assert {one.label, two.label} == {"A01", "A02"}
    third = await actions.call_next(h.store("bs.minh"), h.who("bs.minh"), room, at(30, 8, 25))
    assert third.label == "B01"


async def test_a_missed_number_stands_aside_and_comes_back_behind_two(hospital: SimpleNamespace) -> None:
    h, room = hospital, hospital.place.room("sn-hh-pk")
    given = [await comes(h, "sn-hh-pk", at(30, 8, n)) for n in range(5)]
    who, store = h.who("dd.ha"), h.store("dd.ha")
    first = await actions.call_next(store, who, room, at(30, 9))
    assert first and first.label == "B01"
    await actions.move(store, who, room, first.task, "miss", at(30, 9, 2))
    with pytest.raises(Moved):
        await actions.move(store, who, room, first.task, "finish", at(30, 9, 2))
    await actions.move(store, who, room, first.task, "back", at(30, 9, 3))
    line = await actions.waiting(store, room, at(30, 9, 4))
    assert [t.label for t in line] == ["B02", "B03", "B01", "B04", "B05"]
    assert given[0].task == first.task


async def test_entering_begins_the_visit_and_done_calls_the_next(hospital: SimpleNamespace) -> None:
    h, room = hospital, hospital.place.room("sn-than-pk")
    a, b = [await comes(h, "sn-than-pk", at(30, 8, n)) for n in range(2)]
    store, who = h.store("bs.minh"), h.who("bs.minh")
    await actions.call_next(store, who, room, at(30, 9))
    await actions.move(store, who, room, a.task, "enter", at(30, 9, 1))
    visit = json.loads((await store.read("Encounter", a.encounter)).body)
    assert visit["status"] == "in-progress" and [s["status"] for s in visit["statusHistory"]] == ["arrived", "in-progress"]
    nxt = await actions.call_next(store, who, room, at(30, 9, 12), finish=a.task)
    assert nxt and nxt.task == b.task
    assert (await h.engine.db.fetchrow(tickets.Q.one, a.task))["state"] == "done"


async def test_a_transfer_ends_one_number_and_begins_another_without_losing_the_turn(hospital: SimpleNamespace) -> None:
    h = hospital
    room, other = h.place.room("sn-ngoai-pk"), h.place.room("sn-ctch-pk")
    moved = await comes(h, "sn-ngoai-pk", at(30, 8))
    later = await comes(h, "sn-ctch-pk", at(30, 8, 30))
    again = await actions.transfer(h.store(), h.who(), room, moved.task, other, once := ids.new_id(), at(30, 8, 40))
    assert again == await actions.transfer(h.store(), h.who(), room, moved.task, other, once, at(30, 8, 41))
    line = await actions.waiting(h.store(), other, at(30, 8, 45))
    assert [t.task for t in line] == [again.task, later.task]
    visit = json.loads((await h.store().read("Encounter", moved.encounter)).body)
    assert [(p["location"]["reference"], p["status"]) for p in visit["location"]] == [
        ("Location/sn-ngoai-pk", "completed"), ("Location/sn-ctch-pk", "active"),
    ]  # fmt: skip
    assert visit["serviceType"]["coding"][0]["code"] == "CTCH"


async def test_another_hospitals_clerk_moves_no_number_here(hospital: SimpleNamespace) -> None:
    h = hospital
    given = await comes(h, "sn-nhi-pk", at(30, 8))
    with pytest.raises(NotFound):
        await actions.move(h.store("tn.mai"), h.who("tn.mai"), h.place.room("sn-nhi-pk"), given.task, "call", at(30, 9))


async def test_an_appointment_is_kept_with_the_visit(hospital: SimpleNamespace) -> None:
    h = hospital
    first = await comes(h, "sn-san-pk", at(29, 8))
    start = at(30, 9, 30)
    booked = {
        "resourceType": "Appointment", "id": "keep-1", "status": "booked", "start": clock.instant(start),
        "end": clock.instant(start + timedelta(minutes=8)),
        "participant": [{"actor": {"reference": f"Patient/{first.patient}"}, "status": "accepted"}],
    }  # fmt: skip
    await h.store().commit([Create(booked, id="keep-1")])
    wanted = Wanted(ids.new_id(), h.place.room("sn-san-pk"), appointment="keep-1", booked=start)
    given = await actions.receive(h.store(), h.who(), h.place, first.patient, wanted, at(30, 9, 20))
    assert given.label == "C01"
    assert json.loads((await h.store().read("Appointment", "keep-1")).body)["status"] == "arrived"
