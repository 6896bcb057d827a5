"""The starter catalogue into a record that is no demo: what can be ordered, its codes, ranges, drugs. No people, no prices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from longbien.base.progress import Progress
from longbien.orders import catalogue
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.write import commit

from . import catalogues, orderables

Resource = dict[str, Any]
_SCOPE = system("the starter catalogue")
_MANNER = Manner(references="trust", summarise=True, skip_unchanged=True, why="the starter catalogue")
STEP = 500


def resources() -> Iterator[Resource]:
    yield from catalogues.code_systems()
    yield from catalogues.value_sets()
    yield from catalogues.observation_definitions()
    yield from catalogues.medications()
    yield from orderables.resources()


async def missing(engine: Engine, given: list[Resource]) -> list[Resource]:
    """Of these, without the definitions of orders that are there already: what was edited stays as it was edited."""
    there = await catalogue.there(engine)
    return [r for r in given if (r["resourceType"], r["id"]) not in there]


def fill(url: str) -> int:
    """Write what is missing. Gives the number of resources written; tells its progress."""
    return asyncio.run(_fill(url))


async def _fill(url: str) -> int:
    engine = await Engine.open(url, services=False)
    try:
        wanted = await missing(engine, list(resources()))
        written = 0
        with Progress("catalogue", total=len(wanted)) as bar:
            for at in range(0, len(wanted), STEP):
                stored = await commit(engine, _SCOPE, [Update(r) for r in wanted[at : at + STEP]], _MANNER)
                written += sum(s.changed for s in stored)
                bar.set(min(at + STEP, len(wanted)))
        return written
    finally:
        await engine.close()
