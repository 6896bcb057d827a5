"""The warrant of a department's own job: work that nobody asks for (a reminder that is due). It names what it reads and creates,
and is audited as the house itself."""

from __future__ import annotations

from dataclasses import replace

from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store


def store(
    engine: Engine,
    reason: str,
    *,
    reads: frozenset[str],
    creates: frozenset[str] = frozenset(),
    updates: frozenset[str] = frozenset(),
    asked_by: tuple[int, str] = (0, "system"),
) -> Store:
    """A store of the house that may read, create and update these types, and nothing else. asked_by: number and name of the account
    whose sending the house works off, so that the trail names it."""
    writes = creates | updates
    own = replace(system(reason), reads=reads, writes=writes, creates=creates, updates=updates, deletes=frozenset())
    return Store(engine, replace(own, actor=asked_by[0], label=asked_by[1]))
