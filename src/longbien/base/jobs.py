"""Jobs: work that is done once, later, or again and again, at least once, by whichever worker process is free.

    await enqueue(connection, "sessions.clean", key="the only one")     # in the caller's transaction
    await Workers(db, {"sessions.clean": clean}).run(stop)

A handler takes the payload and must be idempotent: a worker that dies leaves its job to the next one when the lease is over. It
gives None (done) or the moment to run again. PostgreSQL's SKIP LOCKED shares the work out, NOTIFY wakes sleepers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from . import clock, log
from .db import Connection, Database
from .errors import LongbienError
from .sql import queries

Q = queries(__file__, "sql/jobs.sql")
_log = log.get(__name__)
CHANNEL = "longbien_job"
LEASE = 300.0
"""Seconds after which a job that was taken and not finished goes to somebody else."""
ATTEMPTS = 10
NAP = 15.0
"""Seconds to sleep at most: a notice can be missed while the connection is being made again."""

Handler = Callable[[Mapping[str, Any]], Awaitable[datetime | None]]


async def enqueue(
    at: Connection | Database,
    queue: str,
    payload: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
    run_at: datetime | None = None,
) -> int | None:
    """Put a job in line, inside the transaction of the connection `at`; gives its number, or None when one with this key waits."""
    row = await at.fetchrow(Q.enqueue, queue, key, json.dumps(payload or {}), run_at)
    return row["id"] if row else None


async def revive(db: Database, job: int) -> None:
    """Start a job again that was given up."""
    await db.execute(Q.revive, job)


class Workers:
    """`handlers`: queue -> handler. `at_once`: jobs under way together in this process."""

    def __init__(self, db: Database, handlers: Mapping[str, Handler], *, at_once: int = 4, lease: float = LEASE):
        self.db = db
        self.handlers = handlers
        self.at_once = at_once
        self.lease = lease
        self._wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. What is under way then is finished first. A database that is away is waited for."""
        listening = asyncio.create_task(self._listen())
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    if await self._round():
                        continue
                    nap = await self._nap()
                except LongbienError as why:
                    _log.warning("jobs: %s", why.text)
                    nap = 2.0
                try:
                    await asyncio.wait_for(self._wake.wait(), nap)
                except TimeoutError:
                    continue
        finally:
            for task in (listening, stopping):
                task.cancel()
            await asyncio.gather(listening, stopping, return_exceptions=True)

    async def _round(self) -> int:
        """Claim and do what is due; gives how many."""
        jobs = await self.db.fetch(Q.claim, list(self.handlers), self.at_once, self.lease)
        await asyncio.gather(*(self._do(job) for job in jobs))
        return len(jobs)

    async def _do(self, job: Any) -> None:
        try:
            async with asyncio.timeout(self.lease * 0.9):
                again = await self.handlers[job["queue"]](json.loads(job["payload"]))
        except Exception as why:
            _log.warning("job %s of %s failed, attempt %s: %s", job["id"], job["queue"], job["attempts"], type(why).__name__)
            await self.db.execute(Q.failed, job["id"], f"{type(why).__name__}: {why}"[:1000], ATTEMPTS)
            return
        if again is None:
            await self.db.execute(Q.done, job["id"])
        else:
            await self.db.execute(Q.again, job["id"], again)

    async def _nap(self) -> float:
        due: datetime | None = await self.db.fetchval(Q.next_due, list(self.handlers))
        if due is None:
            return NAP
        return min(NAP, max(0.0, (due - clock.now()).total_seconds()) + 0.005)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _listen(self) -> None:
        def heard(*_: Any) -> None:
            self._wake.set()

        while True:
            try:
                async with self.db.connection() as connection:
                    await connection.add_listener(CHANNEL, heard)
                    try:
                        while not connection.is_closed():
                            await asyncio.sleep(1)
                    finally:
                        if not connection.is_closed():
                            await connection.remove_listener(CHANNEL, heard)
            except LongbienError as why:
                _log.warning("jobs: no notices at the moment: %s", why.text)
            await asyncio.sleep(1)
