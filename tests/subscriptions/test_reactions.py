"""Departments' reactions: after commit, once for each version that matches, tried again when they fail, begun from now on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from longbien.base.department import Department, when
from longbien.base.jobs import Workers
from longbien.record.change import Create, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.subscriptions.reactions import QUEUE, Reactions

Resource = dict[str, Any]


def patient(name: str, active: bool) -> Resource:
    return {"resourceType": "Patient", "id": name, "active": active}


@asynccontextmanager
async def following(engine: Engine, room: Department) -> AsyncIterator[None]:
    stop = asyncio.Event()
    made = Reactions(engine, Store(engine, system("test")), [room])
    await made.step()
    tasks = [asyncio.create_task(made.run(stop)), asyncio.create_task(Workers(engine.db, {QUEUE: made.job}).run(stop))]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def until(true: Any) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)


async def test_each_version_that_matches_is_reacted_to_and_what_stood_before_is_not(engine: Engine) -> None:
    seen: list[tuple[str, str]] = []

    async def note(store: Store, resource: Resource) -> None:
        seen.append((resource["id"], resource["meta"]["versionId"]))

    house = Store(engine, system("test"))
    await house.commit([Create(patient("before", True), id="before")])
    async with following(engine, Department("room", "Room", reactions=[when("Patient?active=true", note)])):
        await house.commit([Create(patient("one", True), id="one")])
        await house.commit([Create(patient("two", False), id="two")])
        await house.commit([Update(patient("two", True))])
        await until(lambda: len(seen) >= 2)
    assert sorted(seen) == [("one", "1"), ("two", "2")]


async def test_a_reaction_that_fails_is_tried_again_and_may_write(engine: Engine) -> None:
    tries: list[int] = []

    async def answer(store: Store, resource: Resource) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("the first time fails")
        flag = {
            "resourceType": "Basic",
            "id": f"r-{resource['id']}",
            "code": {"text": "x"},
            "subject": {"reference": "Patient/again"},
        }
        await store.commit([Create(flag, id=flag["id"])])

    house = Store(engine, system("test"))
    async with following(engine, Department("second", "Room", reactions=[when("Patient?gender=female", answer)])):
        await house.commit([Create({**patient("again", True), "gender": "female"}, id="again")])
        await until(lambda: len(tries) >= 2)
    found = await house.read("Basic", "r-again")
    assert found.version == 1


async def test_two_workers_do_it_once(engine: Engine) -> None:
    seen: list[str] = []

    async def note(store: Store, resource: Resource) -> None:
        seen.append(resource["id"])

    room = Department("third", "Room", reactions=[when("Patient?gender=male", note)])
    house = Store(engine, system("test"))
    async with following(engine, room), following(engine, room):
        for i in range(20):
            await house.commit([Create({**patient(f"m{i}", True), "gender": "male"}, id=f"m{i}")])
        await until(lambda: len(set(seen)) == 20)
        await asyncio.sleep(0.3)
    assert len(seen) == 20
