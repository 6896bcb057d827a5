"""Requests that are answered later: a row that says how far it is, a job that does it, a folder for its files.

    await ask(db, "import", account=, token=, url=, asked={...})     # -> id; the job's queue is "bulk.import"
    row = await one(db, id); await progress(db, id, "3 of 4 files"); await finish(db, id, result)

http://hl7.org/fhir/R4/async.html"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from . import clock, ids, jobs
from .db import Database
from .place import Place
from .sql import queries

Q = queries(__file__, "sql/background.sql")
KEPT = timedelta(days=7)
"""After which a request and its files are forgotten."""


class Asked(NamedTuple):
    """state: waiting, running, done, failed, cancelled."""

    id: str
    kind: str
    account: int
    token: int | None
    url: str
    asked: dict[str, Any]
    state: str
    progress: str
    result: dict[str, Any] | None
    error: str | None
    made: Any
    finished: Any

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


def folder(id: str) -> Path:
    """Where its files lie. `id` is one of ours: letters, digits, '-'."""
    if not ids.FHIR_ID.match(id) or "." in id:
        raise ValueError(id)
    return Place.read().folder / "async" / id


async def ask(
    db: Database, kind: str, *, account: int, token: int | None, url: str, asked: Mapping[str, Any], id: str | None = None
) -> str:
    """Put it in line; gives its id (`id`: one that was made before, for its folder)."""
    made = id or ids.new_id()
    async with db.transaction() as connection:
        await connection.execute(Q.ask, made, kind, account, token, url, json.dumps(asked))
        await jobs.enqueue(connection, f"bulk.{kind}", {"id": made}, key=made)
    return made


async def one(db: Database, id: str) -> Asked | None:
    row = await db.fetchrow(Q.one, id)
    if row is None:
        return None
    fields = dict(row)
    read = {k: json.loads(fields[k]) if fields[k] else None for k in ("asked", "result")}
    return Asked(**fields | read)


async def progress(db: Database, id: str, text: str) -> bool:
    """How far it is; False when it was cancelled meanwhile."""
    return await db.fetchval(Q.progress, id, text) is not None


async def finish(db: Database, id: str, result: Mapping[str, Any]) -> None:
    await db.execute(Q.finish, id, json.dumps(result))


async def fail(db: Database, id: str, error: str) -> None:
    await db.execute(Q.fail, id, error[:1000])


async def cancel(db: Database, id: str) -> None:
    """Stops it where it is, if it still runs; what it has done stays."""
    await db.execute(Q.cancel, id)


async def clean(db: Database) -> None:
    for row in await db.fetch(Q.old, clock.now() - KEPT):
        shutil.rmtree(folder(row["id"]), ignore_errors=True)
        await db.execute(Q.forget, row["id"])
