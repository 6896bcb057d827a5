"""The outbox: every version once it has settled, in order, none missed."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import asyncpg

from longbien.base.db import Database
from longbien.record import outbox
from longbien.record.change import Create, Delete, Update
from longbien.record.engine import Engine
from longbien.record.outbox import START, Cursor, VersionEvent
from longbien.record.scope import system
from longbien.record.store import Store


def store(engine: Engine) -> Store:
    return Store(engine, system("test"))


async def drain(db: Database, at: Cursor, limit: int = 100) -> tuple[list[VersionEvent], Cursor]:
    found: list[VersionEvent] = []
    while True:
        events, at = await outbox.read(db, at, limit)
        found += events
        if not events:
            return found, at


def organization(id: str, name: str = "X") -> dict[str, Any]:
    return {"resourceType": "Organization", "id": id, "name": name}


async def test_every_version_comes_once_and_in_the_order_of_its_resource(engine: Engine) -> None:
    _, at = await drain(engine.db, START)
    s = store(engine)
    await s.commit([Update(organization("o1")), Update(organization("o2"))])
    await s.commit([Update(organization("o1", "Y"))])
    await s.commit([Delete("Organization", "o2")])
    events, after = await drain(engine.db, at, 2)
    assert [(e.id, e.ver, e.op) for e in events] == [
        ("o1", 1, "create"),
        ("o2", 1, "create"),
        ("o1", 2, "update"),
        ("o2", 2, "delete"),
    ]
    assert {e.type for e in events} == {"Organization"} and len({e.xid for e in events}) == 3
    assert await drain(engine.db, after) == ([], after) or (await drain(engine.db, after))[0] == []


async def test_a_slow_writer_is_not_overtaken(engine: Engine, record_urls: tuple[str, str]) -> None:
    """A reader that looked past the slow one would never see it."""
    _, at = await drain(engine.db, START)
    slow = await asyncpg.connect(record_urls[1])
    hanging = slow.transaction()
    await hanging.start()
    await slow.execute("SELECT this_xid()")
    await store(engine).commit([Update(organization("quick"))])
    early, at = await drain(engine.db, at)
    assert early == []
    await hanging.commit()
    await slow.close()
    late, at = await drain(engine.db, at)
    assert [e.id for e in late] == ["quick"]


async def test_readers_beside_many_writers_miss_nothing(engine: Engine) -> None:
    _, at = await drain(engine.db, START)
    chance = random.Random(1)
    made: set[tuple[str, int]] = set()
    busy = True

    async def writer(n: int) -> None:
        for k in range(12):
            stored = await store(engine).commit([Create(organization("x")) for _ in range(chance.randint(1, 4))])
            stored += await store(engine).commit([Update(organization(f"w{n}", str(k)))])
            made.update((s.id, s.version) for s in stored)

    seen: list[VersionEvent] = []

    async def reader() -> None:
        nonlocal at
        while True:
            was_busy = busy
            events, at = await outbox.read(engine.db, at, 7)
            seen.extend(events)
            if not events and not was_busy:
                return
            await asyncio.sleep(0)

    reading = asyncio.create_task(reader())
    await asyncio.gather(*(writer(n) for n in range(6)))
    await asyncio.sleep(0.1)  # the last audit batch of a writer may still run
    busy = False
    await asyncio.wait_for(reading, 30)
    assert {(e.id, e.ver) for e in seen} == made and len(seen) == len(made)
    assert [(e.xid, e.rid, e.ver) for e in seen] == sorted((e.xid, e.rid, e.ver) for e in seen)


async def test_a_place_is_kept_and_never_goes_back(engine: Engine) -> None:
    assert await outbox.cursor(engine.db, "reactions") == START
    await outbox.keep(engine.db, "reactions", Cursor(5, 2, 1))
    await outbox.keep(engine.db, "reactions", Cursor(4, 9, 9))
    await outbox.keep(engine.db, "other", Cursor(1, 1, 1))
    assert await outbox.cursor(engine.db, "reactions") == Cursor(5, 2, 1)


async def test_a_long_stretch_without_versions_is_passed_over(engine: Engine) -> None:
    _, at = await drain(engine.db, START)
    for _ in range(30):
        await engine.db.execute("SELECT this_xid()")
    events, after = await outbox.read(engine.db, at)
    assert events == [] and after.xid > at.xid
    await store(engine).commit([Update(organization("after the stretch".replace(" ", "-")))])
    events, _ = await drain(engine.db, after)
    assert [e.id for e in events] == ["after-the-stretch"]
