"""The background half of $import: fetch the files, import each by the importer's own engine, say what came of it line by line.

A worker that dies leaves its job to the next, which goes on where the marks of the import are."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from longbien.access.door import Door
from longbien.base import background, clock, log
from longbien.base.background import Asked
from longbien.base.errors import Forbidden, Issue, LongbienError, TooLarge, Unavailable
from longbien.base.ids import key64
from longbien.base.outside import Outside
from longbien.fhir import json as fhir_json
from longbien.fhir.outcome import outcome
from longbien.record.engine import Engine
from longbien.record.scope import Scope

from .run import Import, Summary

_log = log.get(__name__)
SECONDS = 60.0
"""That a server may be silent while a file is fetched from it."""
LINES = 5000
"""Outcomes in one file of errors."""
LOOK = timedelta(seconds=2)


class Cancelled(LongbienError):
    pass


class Bulk:
    """One per worker process. `url`: the application's database; `most`: bytes of one file."""

    def __init__(self, engine: Engine, door: Door, url: str, outside: Outside, most: int, workers: int = 1):
        self.engine, self.door, self.url, self.outside, self.most, self.workers = engine, door, url, outside, most, workers
        self._running: dict[str, asyncio.Task[None]] = {}

    async def job(self, payload: Mapping[str, Any]) -> datetime | None:
        """Looks after one import: begins it, or sees that it runs. Gives when to look again, None once it is over."""
        id = payload["id"]
        found = await background.one(self.engine.db, id)
        if found is None or found.over:
            return None
        task = self._running.get(id)
        if task is None or task.done():
            self._running = {k: t for k, t in self._running.items() if not t.done()}
            self._running[id] = asyncio.create_task(self._run(found))
        return clock.now() + LOOK

    async def close(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _run(self, found: Asked) -> None:
        try:
            async with self._alone(found.id) as mine:
                if mine:
                    await self._import(found)
        except Cancelled:
            return
        except (Unavailable, asyncio.CancelledError) as why:
            _log.warning("import %s is interrupted (%s); it goes on later", found.id, type(why).__name__)
        except LongbienError as why:
            await background.fail(self.engine.db, found.id, why.text)
        except Exception as why:
            number = log.incident(_log, why)
            await background.fail(self.engine.db, found.id, f"Something went wrong here. Incident {number}.")

    @asynccontextmanager
    async def _alone(self, id: str) -> AsyncIterator[bool]:
        """Whether no other process does it: a lock that dies with its holder."""
        async with self.engine.db.connection() as connection:
            mine = await connection.fetchval("SELECT pg_try_advisory_lock($1)", key64(f"import {id}"))
            try:
                yield mine
            finally:
                if mine and not connection.is_closed():
                    await connection.execute("SELECT pg_advisory_unlock($1)", key64(f"import {id}"))

    async def _import(self, found: Asked) -> None:
        actor = await self.door.again(found.account, found.token)
        if actor is None:
            raise Forbidden("The account or token that asked for this import has ended.")
        scope = self.door.scope(actor, reason=f"$import {found.id}")
        if not scope.unlimited:
            raise Forbidden(f"{scope.label} may not import any more.")
        inputs = found.asked["inputs"]
        output, errors = [], []
        for n, one in enumerate(inputs, 1):
            await self._say(found.id, f"file {n} of {len(inputs)}: fetching")
            path = await self._file(found.id, n, one)
            await self._say(found.id, f"file {n} of {len(inputs)}: importing")
            summary = await self._one(found.id, scope, path, f"file {n} of {len(inputs)}")
            name = {"inputUrl": one["url"]} if one["url"] else {}
            output.append({"type": one["type"] or "Resource", "count": summary.accepted + summary.unchanged, **name})
            made = await asyncio.to_thread(_errors, background.folder(found.id), n, summary.rejects)
            files = f"{found.asked['base']}/$import-file?_id={found.id}&_file="
            errors += [{"type": "OperationOutcome", "count": count, "url": files + file, **name} for file, count in made]
        result = {"transactionTime": clock.instant(found.made), "request": found.url, "requiresAccessToken": True}
        await background.finish(self.engine.db, found.id, {**result, "output": output, "error": errors})

    async def _say(self, id: str, text: str) -> None:
        if not await background.progress(self.engine.db, id, text):
            raise Cancelled("cancelled")

    async def _file(self, id: str, n: int, one: Mapping[str, str]) -> Path:
        """The input on this disk. Raises Unavailable, Refused, TooLarge, and LongbienError for an answer that is no file."""
        folder = background.folder(id)
        if one.get("file"):
            return folder / one["file"]
        path = folder / f"input-{n}.ndjson"
        if await asyncio.to_thread(path.is_file):
            return path
        await asyncio.to_thread(folder.mkdir, 0o700, True, True)
        aside, size = folder / f"input-{n}.part", 0
        asked = [("Accept", "application/fhir+ndjson, application/ndjson"), ("User-Agent", "Longbien")]
        try:
            async with self.outside.stream("GET", one["url"], asked, seconds=SECONDS) as (status, _, chunks):
                if status != 200:
                    raise LongbienError(f"Input {n} could not be fetched: the server answered {status}.")
                with aside.open("wb") as out:
                    async for chunk in chunks:
                        size += len(chunk)
                        if size > self.most:
                            raise TooLarge(f"Input {n} has over {self.most:,} bytes.")
                        self.engine.disk.must_have_room()
                        await asyncio.to_thread(out.write, chunk)
        except Unavailable as why:
            raise LongbienError(f"Input {n} could not be fetched: {why.text}") from None
        await asyncio.to_thread(aside.rename, path)
        return path

    async def _one(self, id: str, scope: Scope, path: Path, where: str) -> Summary:
        """One file, in a thread (the importer has processes of its own), told of while it goes."""
        stop, seen = threading.Event(), [0]

        def progress(name: str, read: int, size: int, resources: int) -> None:
            seen[0] = resources
            if stop.is_set():
                raise Cancelled("cancelled")

        work = Import(self.url, scope, background.folder(id) / "rejects", workers=self.workers, progress=progress)
        running = asyncio.ensure_future(asyncio.to_thread(work.run, [path]))
        try:
            while not running.done():
                await asyncio.wait([running], timeout=1)
                if not await background.progress(self.engine.db, id, f"{where}: {seen[0]:,} resources"):
                    stop.set()
            return await running
        finally:
            stop.set()
            await asyncio.gather(running, return_exceptions=True)


def _errors(folder: Path, n: int, rejects: Path | None) -> list[tuple[str, int]]:
    """The rejects of input n as files of OperationOutcomes: (name, how many)."""
    if rejects is None:
        return []
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    made: list[tuple[str, int]] = []
    with rejects.open("rb") as lines:
        while batch := list(islice(lines, LINES)):
            name = f"errors-{n}-{len(made) + 1}.ndjson"
            (out / name).write_bytes(b"".join(_outcome(json.loads(line)) + b"\n" for line in batch))
            made.append((name, len(batch)))
    return made


def _outcome(reject: dict[str, Any]) -> bytes:
    place = f"Line {reject['line']}" + ("" if reject["entry"] is None else f", entry {reject['entry']}")
    issues = [Issue("error", r["code"], f"{place}: {r['text']}", r["expression"]) for r in reject["reasons"]]
    return fhir_json.dumps(outcome(issues))
