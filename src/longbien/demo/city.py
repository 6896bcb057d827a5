"""The demo city into the record: catalogues, hospitals, staff with their logins, then the people, by one process a core."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from longbien.access import accounts
from longbien.access.passwords import Hasher
from longbien.access.settings import AccessSettings
from longbien.base import clock, garbage
from longbien.base.progress import Progress
from longbien.billing.charges import guards as bills
from longbien.billing.money import bills as money
from longbien.fhir import json as fhir_json
from longbien.reception import tickets
from longbien.record import codec
from longbien.record.change import Manner, Update, both
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.write import commit
from longbien.wire.vietqr import plain

from . import at_home, catalogues, facilities, population, prices, starting
from .charging import charging
from .checking import checked

PASSWORD = "cau-long-bien-1902"  # noqa: S105 - of the demo, printed at every start
CHUNK = 20
"""People a worker makes at a time."""
_SCOPE = system("the demo city")
_MANNER = Manner(references="trust", summarise=True, skip_unchanged=True, why="the demo city")


class Login(NamedTuple):
    """A demo login as it is shown: on the terminal and on the sign-in page."""

    name: str
    password: str
    role: str


LOGINS = (
    Login("bs.minh", PASSWORD, "bác sĩ tim mạch · cardiologist"),
    Login("dd.ha", PASSWORD, "điều dưỡng · nurse"),
    Login("tn.lan", PASSWORD, "tiếp đón · reception clerk"),
    Login("tn.thao", PASSWORD, "thu ngân · cashier"),
    Login("bh.yen", PASSWORD, "bảo hiểm y tế · insurance officer"),
    Login("gd.hung", PASSWORD, "giám đốc · director"),
    Login("nb.lua", PASSWORD, "người bệnh · a patient"),
    Login("nn.bao", PASSWORD, "mẹ bé Bảo · a child’s mother"),
)


def fill(url: str, *, patients: int, seed: int, today: date | None = None, workers: int | None = None) -> int:
    """Write the demo city; what is there already stays as it is. Gives the number of resources written; tells its progress."""
    day = today or population.demo_day(clock.now())
    written = asyncio.run(_ground(url, seed, day))
    starts = range(0, patients, CHUNK)
    with Progress("people", total=patients) as bar, _pool(url, workers) as pool:
        jobs = {pool.submit(_people, seed, day, at, min(at + CHUNK, patients)): at for at in starts}
        for job in as_completed(jobs):
            written += job.result()
            bar.add(min(CHUNK, patients - jobs[job]), f"{written:,} resources")
    asyncio.run(_patients(url, seed, day, patients))
    asyncio.run(_settle(url))
    return written


def _pool(url: str, workers: int | None) -> ProcessPoolExecutor:
    count = workers or max(1, os.cpu_count() or 1)
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin, (url,))


async def _ground(url: str, seed: int, day: date) -> int:
    """Everything but the people: catalogues, hospitals, accounts; and the dictionary that bodies are packed with."""
    engine = await Engine.open(url, services=False)
    try:
        if not engine.codec.trained:
            await engine.train([fhir_json.dumps(r) for r in islice(_sample(seed, day), codec.SAMPLES)])
        written = 0
        resources = await starting.missing(engine, [*catalogues.resources(), *facilities.resources(), *prices.resources()])
        with Progress("catalogues and hospitals", total=len(resources)) as bar:
            for at in range(0, len(resources), 500):
                written += await _write(engine, resources[at : at + 500])
                bar.set(min(at + 500, len(resources)))
        for f in facilities.FACILITIES:  # no bank takes such an account number: nobody who scans the demo's code loses money
            await engine.db.execute(money.Q.new_account, f.id, "970415", f"DEMO{f.mark}0001", plain(f.name).upper())
        await accounts.ensure(engine, Hasher(AccessSettings.read()), facilities.accounts(), PASSWORD)
        return written
    finally:
        await engine.close()


def _sample(seed: int, day: date) -> Iterator[dict[str, Any]]:
    for i in range(0, 400, 7):
        yield from population.person(i, seed, day)


async def _write(engine: Engine, resources: list[dict[str, Any]]) -> int:
    stored = await commit(engine, _SCOPE, [Update(r) for r in resources], _MANNER)
    return sum(s.changed for s in stored)


async def _patients(url: str, seed: int, day: date, patients: int) -> None:
    """A patient and a child's mother who may sign in, where these people are among those made."""
    engine = await Engine.open(url, services=True)
    try:
        await at_home.sign_ups(engine, Hasher(AccessSettings.read()), _SCOPE, seed, day, patients, PASSWORD)
    finally:
        await engine.close()


async def _settle(url: str) -> None:
    """Let the planner see what is there."""
    engine = await Engine.open(url, services=False)
    try:
        await engine.db.execute("SELECT record_analyze()")
    finally:
        await engine.close()


class _Worker(NamedTuple):
    runner: asyncio.Runner
    engine: Engine


_worker: _Worker | None = None


def _begin(url: str) -> None:
    """Once in every worker process."""
    global _worker
    runner = asyncio.Runner()
    _worker = _Worker(runner, runner.run(Engine.open(url, services=False)))
    _worker.engine.guards["Task"] = tickets.guard  # the numbers of today's queues
    _worker.engine.guards["Invoice"] = both(bills.guard, money.guard)  # what is counted of the bills, and their ledger
    _worker.engine.guards["Encounter"] = bills.stays  # and of the stays that ended
    garbage.settle()


def _whole(i: int, seed: int, day: date) -> list[dict[str, Any]]:
    """A person's whole life, what its last weeks cost, and what the insurance's rules found in them."""
    life = population.person(i, seed, day)
    return [*life, *charging(life, day), *checked(life, day)]


def _people(seed: int, day: date, first: int, last: int) -> int:
    """People `first` up to (not with) `last`, each with the whole life in one commit."""
    if _worker is None:
        sys.exit("a worker of the demo was started without its beginning")

    async def all_of_them(engine: Engine) -> int:
        return sum([await _write(engine, _whole(i, seed, day)) for i in range(first, last)])

    return _worker.runner.run(all_of_them(_worker.engine))
