"""The import as a whole: units to worker processes, marks of how far it came, rejects kept, progress told."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from longbien.base import clock, log
from longbien.base.errors import StorageFull, Unavailable
from longbien.base.sql import queries
from longbien.fhir import json as fhir_json
from longbien.record import codec
from longbien.record.change import References
from longbien.record.engine import Engine
from longbien.record.scope import Scope

from .source import Source, Unit, sources, units
from .unit import Reject, read
from .worker import Outcome, Stop, begin, work

Q = queries(__file__, "sql/import.sql")
_log = log.get(__name__)
MARK_EVERY = 5.0
"""Seconds between marks: what a killed import may have to do again (and will find unchanged)."""


@dataclass
class Summary:
    """Counts in resources, over all sources; `rejects` is the file of what was refused (None when nothing was)."""

    sources: int = 0
    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejects: Path | None = None
    resumed: list[str] = field(default_factory=list)


Progress = Callable[[str, int, int, int], None]
"""Called with (file name, bytes read, bytes in all, resources so far)."""


@dataclass
class Import:
    """url: the application's database. folder: where rejects files go. workers: processes (default: one a core)."""

    url: str
    scope: Scope
    folder: Path
    references: References = "trust"
    workers: int = field(default_factory=lambda: max(1, os.cpu_count() or 1))
    progress: Progress = lambda name, read, size, resources: None

    def run(self, paths: list[Path]) -> Summary:
        """Import everything under `paths`. Raises Invalid (nothing there, damaged file), StorageFull, Unavailable; what was done
        until then stays and is not done again."""
        found = sources(paths)
        summary = Summary(sources=len(found))
        with asyncio.Runner() as runner:
            engine = runner.run(Engine.open(self.url, services=False))
            try:
                if not engine.codec.trained:
                    runner.run(engine.train(_sample(found)))
                with self._pool() as pool:
                    for source in found:
                        _OneSource(self, runner, engine, pool, source, summary).run()
                runner.run(engine.db.execute("SELECT record_analyze()"))
            finally:
                runner.run(engine.close())
        return summary

    def _pool(self) -> ProcessPoolExecutor:
        why = f"import {clock.instant(clock.now())}"
        return ProcessPoolExecutor(
            self.workers, multiprocessing.get_context("spawn"), begin, (self.url, self.scope, self.references, why)
        )


def _sample(found: list[Source]) -> list[bytes]:
    """Typical bodies to train the first dictionary on: from the beginning of the first sources."""
    bodies: list[bytes] = []
    for source in found[:20]:
        for unit in units(source):
            for group in read(unit.line, unit.lines)[0]:
                bodies += [fhir_json.dumps(c.resource) for c in group.changes if hasattr(c, "resource")]
            if len(bodies) >= codec.SAMPLES:
                return bodies
    return bodies


class _OneSource:
    def __init__(
        self, plan: Import, runner: asyncio.Runner, engine: Engine, pool: ProcessPoolExecutor, source: Source, into: Summary
    ):
        self.plan, self.runner, self.engine, self.pool, self.source, self.summary = plan, runner, engine, pool, source, into
        self.key = source.fingerprint()
        row = runner.run(engine.db.fetchrow(Q.begin, self.key, source.path.name))
        assert row is not None
        self.done: int = row["done"]
        self.counts: list[int] = [row["accepted"], row["unchanged"], row["rejected"]]
        self.finished: dict[int, Outcome] = {}
        self.marked = clock.now()
        self.look = 5_000
        self.out: IO[str] | None = None
        if self.done:
            into.resumed.append(source.path.name)

    def run(self) -> None:
        try:
            self._run()
        except BrokenProcessPool:
            raise Unavailable("A worker of the import was killed. Start the import again: it goes on where it was.") from None
        except Stop as stop:
            kind = StorageFull if stop.full else Unavailable
            raise kind(f"The import stopped: {stop.text} Start it again later: it goes on where it was.") from None
        finally:
            try:
                self._mark()
            finally:
                if self.out:
                    self.out.close()
        self.runner.run(self.engine.db.execute(Q.finish, self.key))
        self.summary.accepted += self.counts[0]
        self.summary.unchanged += self.counts[1]
        self.summary.rejected += self.counts[2]

    def _run(self) -> None:
        """Never more than three units a worker under way, so memory does not depend on the file's size."""
        flying: set[Future[Outcome]] = set()
        try:
            for unit in self._todo():
                flying.add(self.pool.submit(work, unit, self.engine.codec.newest))
                if len(flying) >= 3 * self.plan.workers:
                    flying = self._collect(flying, FIRST_COMPLETED)
        finally:
            while flying:
                flying = self._collect(flying, FIRST_COMPLETED)

    def _todo(self) -> Iterator[Unit]:
        for unit in units(self.source):
            if unit.number >= self.done:
                yield unit

    def _collect(self, flying: set[Future[Outcome]], when: str) -> set[Future[Outcome]]:
        ready, rest = wait(flying, return_when=when)
        for future in ready:
            outcome = future.result()
            self.finished[outcome.number] = outcome
            self._keep(outcome.rejects)
            self.plan.progress(self.source.path.name, outcome.position, self.source.size, self._so_far())
        if (clock.now() - self.marked).total_seconds() >= MARK_EVERY:
            self._mark()
        if self._so_far() >= self.look:  # what is stored has other references and a meta: the first sample is not quite typical
            self.look = max(8 * self.look, self._so_far())
            self.runner.run(self.engine.retrain())
        return rest

    def _so_far(self) -> int:
        return sum(self.counts[:2]) + sum(o.accepted + o.unchanged for o in self.finished.values())

    def _mark(self) -> None:
        """Move the mark over all units that are finished without a gap."""
        while (outcome := self.finished.pop(self.done, None)) is not None:
            self.done += 1
            self.counts[0] += outcome.accepted
            self.counts[1] += outcome.unchanged
            self.counts[2] += len(outcome.rejects)
        if self.out:
            self.out.flush()
            os.fsync(self.out.fileno())
        self.runner.run(self.engine.db.execute(Q.mark, self.key, self.done, *self.counts))
        self.marked = clock.now()

    def _keep(self, rejects: list[Reject]) -> None:
        for reject in rejects:
            if self.out is None:
                self.summary.rejects = self.summary.rejects or _rejects_file(self.plan.folder, clock.now())
                self.out = self.summary.rejects.open("a", encoding="utf-8")
                self.summary.rejects.chmod(0o600)  # it holds what the record would have held
            self.out.write(json.dumps(_as_json(self.source, reject), ensure_ascii=False, default=str) + "\n")


def _rejects_file(folder: Path, at: datetime) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"rejects-{clock.local(at):%Y%m%d-%H%M%S}-{os.getpid()}.ndjson"


def _as_json(source: Source, reject: Reject) -> dict[str, Any]:
    reasons = [{"code": i.code, "text": i.text, "expression": i.expression} for i in reject.issues[:20]]
    resource = reject.resource
    if isinstance(resource, dict | list):
        resource = json.loads(fhir_json.dumps(resource)) if isinstance(resource, dict) else str(resource)
    return {"source": source.path.name, "line": reject.line, "entry": reject.entry, "reasons": reasons, "resource": resource}
