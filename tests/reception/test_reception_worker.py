"""The reception's reactions, followed by the worker as in a running house: the outbox fills, a number ends with its visit, and
numbers that were brought in without asking are known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import person
from longbien.base import clock, ids
from longbien.base.jobs import Workers
from longbien.fhir import json
from longbien.reception import actions, booking
from longbien.reception.actions import Wanted
from longbien.reception.department import RECEPTION
from longbien.record.change import Create, Update
from longbien.subscriptions.reactions import QUEUE, Reactions

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def following(h: SimpleNamespace) -> AsyncIterator[None]:
    stop = asyncio.Event()
    made = Reactions(h.engine, h.house, [RECEPTION])
    while await made.step():
        continue
    tasks = [asyncio.create_task(made.run(stop)), asyncio.create_task(Workers(h.engine.db, {QUEUE: made.job}).run(stop))]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def until(h: SimpleNamespace, sql: str, *args: Any) -> None:
    async with asyncio.timeout(30):
        while not await h.engine.db.fetchval(sql, *args):
            await asyncio.sleep(0.05)


async def test_the_worker_fills_the_outbox_and_ends_numbers_and_learns_brought_in_ones(hospital: SimpleNamespace) -> None:
    h, now = hospital, clock.now()
    async with following(h):
        wanted = Wanted(ids.new_id(), h.place.room("sn-tm-pk"))
        given = await actions.register(h.store(), h.finding(), h.who(), h.place, person(ids.new_id()), [], wanted, now)
        day = clock.local(now) + timedelta(days=7)
        while day.weekday() > 4:
            day += timedelta(days=1)
        start = day.replace(hour=9, minute=0, second=0, microsecond=0)
        id_ = await booking.book(h.store(), given.patient, booking.Asked(h.place.room("sn-tm-pk"), start, ids.new_id(), 15, 1), now)
        await until(h, "SELECT 1 FROM reception_reminder WHERE appointment = $1 AND state = 'waiting'", id_)
        visit = json.loads((await h.house.read("Encounter", given.encounter)).body)
        await h.house.commit([Update({**visit, "status": "finished"})])
        await until(h, "SELECT 1 FROM reception_ticket WHERE task = $1 AND state = 'done'", given.task)
        task = json.loads((await h.house.read("Task", given.task)).body)
        guard = h.engine.guards.pop("Task")  # as an import does, which asks nobody
        try:
            number = [{**task["identifier"][0], "value": task["identifier"][0]["value"].rpartition(".")[0] + ".B77"}]
            brought = {**task, "id": "brought-in", "status": "requested", "identifier": number}
            await h.house.commit([Create(brought, id="brought-in")])
        finally:
            h.engine.guards["Task"] = guard
        await until(h, "SELECT 1 FROM reception_ticket WHERE task = 'brought-in' AND number = 77")
