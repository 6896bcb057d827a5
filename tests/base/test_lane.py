"""Single statements by the lane: shared, waited for, mended."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from longbien.base.db import Database, DbSettings
from longbien.base.errors import Unavailable


async def opened(url: str, **more: float) -> Database:
    return await Database.open(url, DbSettings(pool=4, search_pool=1, **more))  # type: ignore[arg-type]


async def test_many_share_a_few_connections_and_transactions_have_theirs(database_url: str) -> None:
    db = await opened(database_url)
    pids = await asyncio.gather(*(db.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.005)") for _ in range(40)))
    assert len(set(pids)) <= 2
    async with db.transaction() as one, db.transaction() as two:
        assert await one.fetchval("SELECT 1") == await two.fetchval("SELECT 1") == await db.fetchval("SELECT 1")
    await db.close()


async def test_who_waits_too_long_is_told(database_url: str) -> None:
    db = await opened(database_url, acquire_timeout=0.2)
    busy = [asyncio.create_task(db.fetchval("SELECT pg_sleep(1)")) for _ in range(2)]
    await asyncio.sleep(0.1)
    with pytest.raises(Unavailable):
        await db.fetchval("SELECT 1")
    await asyncio.gather(*busy)
    assert await db.fetchval("SELECT 1") == 1
    await db.close()


async def test_a_fault_a_cancellation_and_a_lost_connection_are_mended(database_url: str) -> None:
    db = await opened(database_url)
    for _ in range(5):
        with pytest.raises(asyncpg.PostgresError):
            await db.fetchval("SELECT 1 / 0 FROM nowhere")
    for _ in range(5):
        slow = asyncio.create_task(db.fetchval("SELECT pg_sleep(30)"))
        await asyncio.sleep(0.02)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
    assert await db.fetchval("SELECT 1") == 1
    killer = await asyncpg.connect(database_url)
    await killer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await asyncio.sleep(0.2)  # the loss is noticed: the next statement goes by a fresh connection and nobody is told
    assert await db.fetchval("SELECT 1") == 1
    pids = await asyncio.gather(*(db.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.01)") for _ in range(20)))
    assert len(set(pids)) == 2, "both places are in use again"
    assert await asyncio.gather(*(db.fetchval("SELECT 1") for _ in range(20))) == [1] * 20
    await killer.close()
    await asyncio.wait_for(db.close(), 4)


async def test_waiting_ones_who_are_cancelled_take_nothing_with_them(database_url: str) -> None:
    db = await opened(database_url)
    busy = [asyncio.create_task(db.fetchval("SELECT pg_sleep(0.3)")) for _ in range(2)]
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(db.fetchval("SELECT 1")) for _ in range(10)]
    await asyncio.sleep(0.05)
    for task in waiting[::2]:
        task.cancel()
    assert [r for r in await asyncio.gather(*waiting, return_exceptions=True) if r == 1] == [1] * 5
    await asyncio.gather(*busy)
    assert await asyncio.gather(*(db.fetchval("SELECT 1") for _ in range(20))) == [1] * 20
    await asyncio.wait_for(db.close(), 4)


async def test_connections_that_the_server_ended_while_they_lay_idle_cost_nobody_anything(database_url: str) -> None:
    db = await opened(database_url, acquire_timeout=2)
    killer = await asyncpg.connect(database_url)
    for _ in range(3):
        await asyncio.gather(*(db.fetchval("SELECT 1") for _ in range(10)))
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await asyncio.sleep(0.2)  # the driver hears of it, and the pool takes them back
        assert await asyncio.gather(*(db.fetchval("SELECT 1") for _ in range(10))) == [1] * 10
    await killer.close()
    await db.close()
