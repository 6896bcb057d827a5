"""Jobs: once, later, again, at least once; with several workers and failures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from longbien.base import clock, jobs
from longbien.base.db import Database
from longbien.base.jobs import Handler, Workers, enqueue
from longbien.record.engine import Engine


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.db


@asynccontextmanager
async def working(db: Database, handlers: Mapping[str, Handler], n: int = 1, **more: Any) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(Workers(db, handlers, **more).run(stop)) for _ in range(n)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)


async def until(true: Any) -> None:
    for _ in range(400):
        if await true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen within 20 s")


async def left(db: Database, queue: str) -> int:
    return int(await db.fetchval("SELECT count(*) FROM job WHERE queue = $1", queue))


async def test_each_is_done_once_by_one_of_several(db: Database) -> None:
    done: Counter[int] = Counter()

    async def handle(payload: Mapping[str, Any]) -> None:
        done[payload["n"]] += 1

    for n in range(60):
        await enqueue(db, "many", {"n": n})

    async def empty() -> bool:
        return await left(db, "many") == 0

    async with working(db, {"many": handle}, 3):
        await until(empty)
    assert done == Counter(range(60))


async def test_it_exists_only_if_its_transaction_does(db: Database) -> None:
    with pytest.raises(RuntimeError):
        async with db.transaction() as connection:
            await enqueue(connection, "undone")
            raise RuntimeError
    assert await left(db, "undone") == 0


async def test_the_same_key_waits_once(db: Database) -> None:
    assert await enqueue(db, "keyed", key="k") is not None
    assert await enqueue(db, "keyed", key="k") is None
    assert await left(db, "keyed") == 1


async def test_later_means_later_and_again_means_again(db: Database) -> None:
    ran: list[datetime] = []

    async def handle(payload: Mapping[str, Any]) -> datetime | None:
        ran.append(clock.now())
        return clock.now() + timedelta(seconds=0.3) if len(ran) < 3 else None

    due = clock.now() + timedelta(seconds=0.5)
    await enqueue(db, "later", run_at=due)

    async def empty() -> bool:
        return await left(db, "later") == 0

    async with working(db, {"later": handle}):
        await until(empty)
    assert len(ran) == 3
    assert ran[0] >= due
    assert ran[1] - ran[0] >= timedelta(seconds=0.3)


async def test_one_that_fails_is_tried_again_then_kept_with_its_reason(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ATTEMPTS", 2)
    tries = 0

    async def handle(payload: Mapping[str, Any]) -> None:
        nonlocal tries
        tries += 1
        raise ValueError("the gateway said no")

    number = await enqueue(db, "failing")
    assert number is not None

    async def dead() -> bool:
        return bool(await db.fetchval("SELECT dead IS NOT NULL FROM job WHERE id = $1", number))

    async with working(db, {"failing": handle}):
        await until(dead)
    assert tries == 2
    assert await db.fetchval("SELECT error FROM job WHERE id = $1", number) == "ValueError: the gateway said no"
    await jobs.revive(db, number)
    assert not await dead()


async def test_a_dead_workers_job_goes_to_the_next(db: Database) -> None:
    done = asyncio.Event()

    async def handle(payload: Mapping[str, Any]) -> None:
        done.set()

    await enqueue(db, "orphan")
    taken = await db.fetch(jobs.Q.claim, ["orphan"], 1, 0.5)  # by a worker that is then killed
    assert len(taken) == 1
    async with working(db, {"orphan": handle}):
        await asyncio.wait_for(done.wait(), 10)
