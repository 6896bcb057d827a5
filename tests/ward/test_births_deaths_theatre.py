"""Births, deaths and operations on a real database."""

# ruff: noqa: E501 - a resource on a line stays on it
from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from stays import HERE, a_stay, house, read, store_of, writer

from longbien.base import clock
from longbien.base.errors import Conflict
from longbien.fhir import json
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.ward import death_actions, newborn_actions, theatre_actions
from longbien.ward.death_rules import Cause, Death
from longbien.ward.discharge_actions import take_back
from longbien.ward.discharge_read import stable
from longbien.ward.newborn_rules import Birth
from longbien.ward.theatre_rules import BY_KEY, Booking, Note

pytestmark = pytest.mark.asyncio(loop_scope="session")
ROOM = "stay-theatre"


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def place(engine: Engine) -> None:
    await house(engine)
    await store_of(engine).commit([Update({"resourceType": "Location", "id": ROOM, "name": "Phòng mổ 1"})])


async def got(engine: Engine, type_: str, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await store_of(engine).read(type_, id_)).body)
    return found


# --- birth


async def test_a_birth_begins_a_record_that_leads_to_the_mothers_and_back(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "mai", now - timedelta(hours=9))
    b = Birth(now - timedelta(hours=1), "female", 3250, 50, 34, 39, 2, "normal", {1: 8, 5: 9})
    id_ = await newborn_actions.record(store_of(engine), await read(engine, "mai"), b, writer("mai"), now)
    child, mother = await got(engine, "Patient", id_), await got(engine, "Patient", "mai")
    assert child["identifier"][0]["use"] == "temp" and child["name"][0]["text"] == "CB Trần Văn mai" and child["gender"] == "female"
    hers, theirs = mother["link"][0]["other"]["reference"], child["link"][0]["other"]["reference"]
    assert hers == theirs, "one RelatedPerson stands for the child among the mother's people"
    assert (await got(engine, *hers.split("/")))["patient"]["reference"] == "Patient/mai"
    visit = await store_of(engine).search("Encounter", [("part-of", "Encounter/mai-e")])
    assert json.loads(visit.entries[0].body)["subject"]["reference"] == f"Patient/{id_}"
    seen = await store_of(engine).search("Observation", [("subject", f"Patient/{id_}")])
    values = {o["code"]["coding"][0]["code"]: o for e in seen.entries for o in [json.loads(e.body)]}
    assert str(values["29463-7"]["valueQuantity"]["value"]) == "3.25" and values["9274-2"]["valueInteger"] == 9


async def test_a_birth_sent_twice_is_one_child_and_twins_are_two(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "hoa", now - timedelta(hours=9))
    first, second = Birth(now, "male", 2400, weeks=36, order=1, of=2), Birth(now, "male", 2300, weeks=36, order=2, of=2)
    one = await newborn_actions.record(store_of(engine), await read(engine, "hoa"), first, writer("hoa"), now)
    assert one == await newborn_actions.record(store_of(engine), await read(engine, "hoa"), first, writer("hoa"), now)
    two = await newborn_actions.record(store_of(engine), await read(engine, "hoa"), second, writer("hoa"), now)
    assert one != two and len((await got(engine, "Patient", "hoa"))["link"]) == 2
    assert (await got(engine, "Patient", two))["multipleBirthInteger"] == 2


async def test_a_birth_by_mistake_is_taken_back(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "lan", now - timedelta(hours=9))
    id_ = await newborn_actions.record(
        store_of(engine), await read(engine, "lan"), Birth(now, "male", 3000, weeks=38), writer("lan"), now
    )
    await take_back(store_of(engine), stable("pv", "lan-e/1", newborn_actions.CODE), now, timedelta(hours=2), "late")
    assert (await got(engine, "Patient", id_))["active"] is False and "link" not in await got(engine, "Patient", "lan")


async def test_a_child_born_dead_is_told_of_in_the_mothers_record_only(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "tam", now - timedelta(hours=9))
    b = Birth(now, "male", 900, weeks=26, alive=False)
    assert await newborn_actions.record(store_of(engine), await read(engine, "tam"), b, writer("tam"), now) == ""
    codes = [c["code"]["coding"][0]["code"] for c in (await read(engine, "tam")).mine("Condition")]
    assert "Z37.1" in codes


# --- death


async def test_a_death_ends_the_visit_and_calls_off_what_lay_ahead(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "an", now - timedelta(days=2))
    later = {
        "resourceType": "Appointment", "id": "an-a", "status": "booked", "start": clock.instant(now + timedelta(days=9)),
        "end": clock.instant(now + timedelta(days=9, hours=1)), "participant": [{"actor": {"reference": "Patient/an"}, "status": "accepted"}],
    }  # fmt: skip
    await store_of(engine).commit([Update(later)])
    d = Death(now, chain=[Cause("a", "J96.0", "Suy hô hấp", 2, "hour"), Cause("b", "J18.9", "Viêm phổi", 5, "day")])
    k = await death_actions.known(store_of(engine), "an", HERE)
    assert await death_actions.record(store_of(engine), k, d, "Bệnh viện Thử", writer("an"), now)
    assert (await got(engine, "Patient", "an"))["deceasedDateTime"]
    e = await got(engine, "Encounter", "an-e")
    assert e["status"] == "finished" and e["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "exp"
    assert e["extension"][0]["valueCoding"]["code"] == "5"
    assert (await got(engine, "Appointment", "an-a"))["status"] == "cancelled"
    assert (await got(engine, "MedicationRequest", "an-m1"))["status"] == "stopped"
    assert (await got(engine, "ServiceRequest", "an-s"))["status"] == "active", "a result may still tell something"
    paper = await got(engine, "Composition", stable("death", "an"))
    assert "Viêm phổi (J18.9)" in json.dumps(paper).decode() and paper["status"] == "preliminary"
    assert [x["code"]["coding"][0]["code"] for x in paper["section"]] == ["died", "place", "cause"], (
        "the notice says no more than its form"
    )
    told = await got(engine, "Observation", stable("cm", "an"))
    assert told["component"][0]["valueBoolean"] is False and told["component"][1]["valueString"] == "Sau 24 giờ"
    again = await death_actions.known(store_of(engine), "an", HERE)
    assert not await death_actions.record(store_of(engine), again, d, "x", writer("an"), now), "twice is once"
    await death_actions.undo(store_of(engine), "an", now)
    assert "deceasedDateTime" not in await got(engine, "Patient", "an")
    assert (await got(engine, "Encounter", "an-e"))["status"] == "in-progress"
    assert (await got(engine, "Appointment", "an-a"))["status"] == "booked"
    assert (await got(engine, "MedicationRequest", "an-m1"))["status"] == "active"


async def test_two_who_record_one_death_record_it_once(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "bach", now - timedelta(days=2))
    d = Death(now, chain=[Cause("a", "I21.9", "Nhồi máu cơ tim")])
    k1, k2 = await death_actions.known(store_of(engine), "bach", HERE), await death_actions.known(store_of(engine), "bach", HERE)
    done = await asyncio.gather(
        death_actions.record(store_of(engine), k1, d, "x", writer("bach", "a"), now),
        death_actions.record(store_of(engine), k2, d, "x", writer("bach", "b"), now),
    )
    assert sorted(done) == [False, True]


# --- theatre


def booking(hours: float, minutes: int = 60) -> Booking:
    return Booking(
        "Cắt ruột thừa",
        ROOM,
        clock.now() + timedelta(hours=hours),
        minutes,
        "stay-doctor-a",
        "stay-doctor-b",
        before="Viêm ruột thừa",
    )


async def book(engine: Engine, patient: str, once: str, b: Booking) -> str:
    names = {"stay-doctor-a": "BS. a", "stay-doctor-b": "BS. b"}
    return await theatre_actions.book(store_of(engine), b, once, "", "Phòng mổ 1", names, writer(patient), clock.now())


async def test_a_theatre_holds_one_operation_at_a_time_whoever_is_first(engine: Engine) -> None:
    await a_stay(engine, "op1", clock.now() - timedelta(days=1))
    await a_stay(engine, "op2", clock.now() - timedelta(days=1))
    done = await asyncio.gather(
        book(engine, "op1", "o1", booking(2)), book(engine, "op2", "o2", booking(2.5)), return_exceptions=True
    )
    assert sorted(isinstance(x, Conflict) for x in done) == [False, True]
    await book(engine, "op2", "o3", booking(4))
    with pytest.raises(Conflict):
        await book(engine, "op1", "o4", booking(3.5, 45))


async def test_the_same_form_twice_is_one_operation(engine: Engine) -> None:
    await a_stay(engine, "op3", clock.now() - timedelta(days=1))
    assert await book(engine, "op3", "o5", booking(20)) == await book(engine, "op3", "o5", booking(20))


async def test_three_pauses_then_the_note_closes_order_and_list(engine: Engine) -> None:
    now = clock.now()
    await a_stay(engine, "op4", now - timedelta(days=1))
    id_ = await book(engine, "op4", "o6", booking(-3))
    store, w = store_of(engine), writer("op4")
    for step in ("sign-in", "time-out", "sign-out"):
        op = await theatre_actions.operation(store, id_)
        assert op is not None
        await theatre_actions.check(store, op, step, {a.key: "yes" for a in BY_KEY[step].asks}, {}, w, now)
    op = await theatre_actions.operation(store, id_)
    assert op is not None and op.done == {"sign-in", "time-out", "sign-out"}
    texts = dict.fromkeys(
        ("before", "after", "method", "steps", "drain", "packing", "drain_out", "stitches_out", "other", "complications", "blood"),
        "x",
    )
    await theatre_actions.write(store, op, Note(now - timedelta(hours=3), now - timedelta(hours=2), "1", "2", texts), w)
    op = await theatre_actions.operation(store, id_)
    assert op is not None and op.procedure is not None and op.note is not None and op.order is not None
    assert (op.appointment["status"], op.order["status"], op.procedure["status"]) == ("fulfilled", "completed", "completed")
    assert [s["code"]["coding"][0]["code"] for s in op.note["section"]][:4] == ["when", "before", "after", "method"]


async def test_an_operation_moves_only_to_where_there_is_room(engine: Engine) -> None:
    await a_stay(engine, "op5", clock.now() - timedelta(days=1))
    await book(engine, "op5", "o7", booking(30))
    second = await theatre_actions.operation(store_of(engine), await book(engine, "op5", "o8", booking(32)))
    assert second is not None
    with pytest.raises(Conflict):
        await theatre_actions.move(store_of(engine), second, clock.now() + timedelta(hours=30.5), ROOM, "Phòng mổ 1")
    await theatre_actions.move(store_of(engine), second, clock.now() + timedelta(hours=31.1), ROOM, "Phòng mổ 1")
