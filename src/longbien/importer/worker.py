"""A worker process of the import: takes units, commits their groups, gives back counts and rejects."""

from __future__ import annotations

import asyncio
import random
import signal
from dataclasses import dataclass, field
from typing import Any

from longbien.base import garbage, log
from longbien.base.errors import Conflict, Issue, LongbienError, StorageFull, Unavailable
from longbien.record.change import Create, Manner, References, Update
from longbien.record.engine import Engine
from longbien.record.scope import Scope
from longbien.record.write import commit

from .source import Unit
from .unit import Group, Reject, read

PATIENCE = 120
"""Seconds to wait for a database that is away before the import stops."""


@dataclass
class Outcome:
    """What became of one unit, in resources."""

    number: int
    position: int
    accepted: int = 0
    unchanged: int = 0
    rejects: list[Reject] = field(default_factory=list)


class _Worker:
    """One per process; the engine lives as long as the process."""

    def __init__(self, url: str, scope: Scope, references: References, why: str):
        self.runner = asyncio.Runner()
        self.scope = scope
        self.manner = Manner(references=references, checked=True, why=why, summarise=True, skip_unchanged=True)
        self.engine = self.runner.run(Engine.open(url, services=False))

    def do(self, unit: Unit, dictionary: int) -> Outcome:
        return self.runner.run(self._do(unit, dictionary))

    async def _do(self, unit: Unit, dictionary: int) -> Outcome:
        await self.engine.pack_with(dictionary)
        groups, rejects = read(unit.line, unit.lines)
        outcome = Outcome(unit.number, unit.position, rejects=rejects)
        for group in groups:
            await self._group(group, outcome)
        return outcome

    async def _group(self, group: Group, outcome: Outcome) -> None:
        try:
            await self._commit(group, outcome)
        except (StorageFull, Unavailable):
            raise
        except LongbienError as refused:
            if group.whole or len(group.changes) == 1:
                outcome.rejects += [Reject(group.line, None, list(refused.issues), _content(c)) for c in group.changes]
                return
            half = len(group.changes) // 2  # one bad one must not refuse its neighbours
            for part in (group.changes[:half], group.changes[half:]):
                await self._group(Group(group.line, part), outcome)

    async def _commit(self, group: Group, outcome: Outcome) -> None:
        waited = 0.0
        for attempt in range(1_000_000):
            try:
                stored = await commit(self.engine, self.scope, group.changes, self.manner)
            except Conflict:
                if attempt >= 8:
                    raise
                await asyncio.sleep(random.random() * 0.05 * (attempt + 1))  # noqa: S311 - spreads retries, no secret
            except Unavailable:
                if waited >= PATIENCE:
                    raise
                await asyncio.sleep(1)
                waited += 1
            else:
                changed = sum(s.changed for s in stored)
                outcome.accepted += changed
                outcome.unchanged += len(stored) - changed
                return


def _content(change: Any) -> Any:
    return change.resource if isinstance(change, Create | Update) else {"resourceType": change.type, "id": change.id}


_worker: _Worker | None = None


def begin(url: str, scope: Scope, references: References, why: str) -> None:
    """Called once in each worker process. Ctrl-C is the parent's business."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log.set_up()
    _worker = _Worker(url, scope, references, why)
    garbage.settle()


def work(unit: Unit, dictionary: int) -> Outcome:
    """Process one unit in a worker process, packing with this dictionary (0: its own). Raises StorageFull or Unavailable
    when the import has to stop."""
    assert _worker is not None
    try:
        return _worker.do(unit, dictionary)
    except (StorageFull, Unavailable) as stop:
        raise Stop(stop.text, isinstance(stop, StorageFull)) from None


class Stop(Exception):
    """Travels between processes: the import cannot go on."""

    def __init__(self, text: str, full: bool):
        super().__init__(text, full)
        self.text = text
        self.full = full

    def issue(self) -> Issue:
        return Issue("error", "no-store" if self.full else "transient", self.text)
