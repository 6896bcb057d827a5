"""What ends by itself: a number with its visit, and at night what the day left open."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import person
from longbien.base import clock, ids
from longbien.fhir import json
from longbien.reception import actions, booking, closing, tickets
from longbien.reception.actions import Wanted
from longbien.record.change import Update

YESTERDAY = datetime(2026, 11, 29, 9, tzinfo=clock.HANOI)
NIGHT = datetime(2026, 11, 30, 0, 20, tzinfo=clock.HANOI)


async def comes(h: SimpleNamespace, room: str, now: datetime = YESTERDAY) -> Any:
    wanted = Wanted(ids.new_id(), h.place.room(room))
    return await actions.register(h.store(), h.finding(), h.who(), h.place, person(ids.new_id()), [], wanted, now)


async def state(h: SimpleNamespace, task: str) -> str:
    return str((await h.engine.db.fetchrow(tickets.Q.one, task))["state"])


async def encounter(h: SimpleNamespace, id_: str) -> dict[str, Any]:
    return json.loads((await h.house.read("Encounter", id_)).body)


@pytest.mark.asyncio(loop_scope="session")
async def test_the_number_of_a_finished_visit_is_done_and_twice_is_once(hospital: SimpleNamespace) -> None:
    h = hospital
    given = await comes(h, "sn-tm-pk")
    visit = {**await encounter(h, given.encounter), "status": "finished"}
    await h.house.commit([Update(visit)])
    for _ in range(2):
        await closing.visit_over(h.house, visit)
    assert await state(h, given.task) == "done"


@pytest.mark.asyncio(loop_scope="session")
async def test_at_night_the_days_queues_end_and_nobody_is_called_tomorrow(hospital: SimpleNamespace) -> None:
    h, room = hospital, hospital.place.room("sn-noi-pk")
    inside, waiting, fresh = await comes(h, room.id), await comes(h, room.id), await comes(h, room.id, NIGHT)
    await actions.move(h.store(), h.who(), room, inside.task, "enter", YESTERDAY + timedelta(hours=1))
    work = closing.Closing(h.engine)
    await work.close(NIGHT)
    assert [await state(h, x.task) for x in (inside, waiting, fresh)] == ["done", "left", "waiting"]
    assert (await encounter(h, inside.encounter))["status"] == "in-progress"  # the clinic ends it
    assert (await encounter(h, waiting.encounter))["status"] == "cancelled"
    assert await work.close(NIGHT) == (0, 0)


@pytest.mark.asyncio(loop_scope="session")
async def test_an_appointment_that_nobody_came_to_is_a_noshow(hospital: SimpleNamespace) -> None:
    h, room = hospital, hospital.place.room("sn-hh-pk")
    given = await comes(h, room.id)
    monday = datetime(2026, 12, 7, 9, tzinfo=clock.HANOI)
    wanted = booking.Asked(room, monday, ids.new_id(), 15, 1)
    id_ = await booking.book(h.store(), given.patient, wanted, YESTERDAY)
    work = closing.Closing(h.engine)
    await work.close(monday + timedelta(hours=3))
    assert b'"booked"' in (await h.house.read("Appointment", id_)).body
    await work.close(monday + timedelta(days=1))
    assert b'"noshow"' in (await h.house.read("Appointment", id_)).body


def test_the_day_is_closed_after_midnight_also_at_the_years_end() -> None:
    late = datetime(2026, 12, 31, 23, 59, tzinfo=clock.HANOI)
    assert closing.next_close(late) == datetime(2027, 1, 1, 0, 20, tzinfo=clock.HANOI)
    assert closing.next_close(NIGHT) == NIGHT + timedelta(days=1)
