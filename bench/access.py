"""What asking who may costs: the same reads and searches by a doctor's and a nurse's session and by a system token; and the trail.

The machine is shared, so the three take turns in short rounds, each time in another order, and what is compared is the processor
time that the web process and the database took for a request, beside the time on the clock; the median of the rounds' ratios
counts. Measured in the demo city, whose patients have care, ties and statistics as a hospital's have."""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from audit import Silent
from chart import Browser
from longbien.access.tokens import create_token
from longbien.demo import city as demo
from longbien.record.engine import Engine
from longbien.record.index import org_key
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.record.types import number, type_name
from place import Place, machine, options, place
from read import ready, serving

BAR, BAR_TRAIL = 1.15, 1.20
SEARCHES = (
    "Observation?patient={p}&_count=20",
    "Observation?patient={p}&code=http://loinc.org|2160-0&_sort=-date&_count=5",
    "Condition?patient={p}",
    "MedicationRequest?patient={p}&status=active",
    "Encounter?patient={p}&_sort=-date&_include=Encounter:practitioner",
    "DiagnosticReport?patient={p}&_include=DiagnosticReport:result&_count=10",
)


class Cost(NamedTuple):
    """Of one request: milliseconds of the processor (web process and database), and on the clock with eight under way."""

    cpu: float
    wall: float


class Meter:
    """Processor time of the web processes and of everything that the database runs."""

    def __init__(self, here: Place):
        (pid_file,) = here.folder.rglob("postmaster.pid")
        self._database = psutil.Process(int(pid_file.read_text().split()[0]))
        self._web = [p for p in psutil.Process().children(recursive=True) if "serve" in p.cmdline()]

    def seconds(self) -> float:
        total = 0.0
        for p in [*self._web, self._database, *self._database.children(recursive=True)]:
            try:
                t = p.cpu_times()
            except psutil.Error:
                continue
            total += t.user + t.system
        return total


async def _send(port: int, head: str, paths: list[str], connections: int) -> None:
    """Every path once; raises where an answer is not 200."""
    waiting = list(paths)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            path = waiting.pop()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"{path}: {answer.splitlines()[0]!r}")
            length = re.search(rb"(?i)content-length: (\d+)", answer)
            await reader.readexactly(int(length[1]) if length else 0)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))


def measured(meter: Meter, work: Callable[[], Coroutine[Any, Any, None]], n: int) -> Cost:
    before, began = meter.seconds(), time.perf_counter()
    asyncio.run(work())
    wall = time.perf_counter() - began
    return Cost((meter.seconds() - before) / n * 1000, wall / n * 1000)


async def known(url: str, most: int = 400) -> tuple[str, list[str], list[str]]:
    """(a system token, patients under care at the doctor's hospital, resources of theirs to read)."""
    engine = await Engine.open(url, services=False)
    rows = await engine.db.fetch(
        "SELECT p.id, p.pat FROM head p WHERE p.type = $2 AND EXISTS (SELECT FROM care c WHERE c.pat = p.pat AND c.org = $1 "
        "AND c.hi > now() - interval '60 days' AND c.lo < now()) ORDER BY p.rid LIMIT $3",
        org_key("bv-sn"), number("Patient"), most,
    )  # fmt: skip
    reads = await engine.db.fetch(
        "SELECT h.type, h.id FROM head h WHERE h.pat = ANY($1::bigint[]) AND h.type = ANY($2::smallint[]) AND NOT h.deleted "
        "AND h.sens = 0 "
        "ORDER BY h.rid % 997, h.rid LIMIT 4000",
        [r["pat"] for r in rows], [number(t) for t in ("Observation", "Condition", "Encounter", "MedicationRequest")],
    )  # fmt: skip
    token = await create_token(engine, "bench")
    await engine.close()
    return token, [r["id"] for r in rows], [f"/fhir/{type_name(r['type'])}/{r['id']}" for r in reads]


def compare(title: str, port: int, meter: Meter, who: dict[str, str], paths: list[str], rounds: int, each: int) -> float:
    """who: name -> header. The first of `who` is what the others are compared with; gives its milliseconds of processor."""
    base = next(iter(who))
    chance = random.Random(4)
    for head in who.values():
        asyncio.run(_send(port, head, paths[:each], 8))
    costs: dict[str, list[Cost]] = {name: [] for name in who}
    for _ in range(rounds):
        chosen = chance.sample(paths, min(each, len(paths)))
        for name in chance.sample(list(who), len(who)):
            costs[name].append(measured(meter, partial(_send, port, who[name], chosen, 8), len(chosen)))
    middle = {name: Cost(*(statistics.median(c[i] for c in found) for i in (0, 1))) for name, found in costs.items()}
    print(f"{title}: {base} {middle[base].cpu:.2f} ms of processor, {middle[base].wall:.2f} ms a request, eight at once")
    for name in who:
        if name != base:
            cpu, wall = (statistics.median(c[i] / b[i] for c, b in zip(costs[name], costs[base], strict=True)) for i in (0, 1))
            verdict = "meets" if cpu <= BAR else "MISSES"
            print(f"  {name:12} {cpu:5.2f} x the processor, {wall:5.2f} x the clock: {verdict} the bar of {BAR:.2f}", flush=True)
    return middle[base].cpu


async def _read(store: Store, ids: Iterator[str]) -> None:
    for id_ in ids:
        await store.read("Observation", id_)


async def trail_cost(url: str, meter: Meter, rounds: int, each: int, whole: float) -> None:
    """Reads in this process, with their durable line and without, 32 at once, in turns. whole: milliseconds of processor that a
    read takes with everything around it, of which the line is a part."""
    engine = await Engine.open(url, services=False)
    loud, store = engine.trail, Store(engine, system("bench"))
    ids = [r["id"] for r in await engine.db.fetch("SELECT id FROM head WHERE type = $1 LIMIT 2000", number("Observation"))]
    mine = psutil.Process()
    ratios: list[tuple[float, float]] = []
    lines: list[float] = []
    for n in range(rounds + 2):
        found: dict[bool, tuple[float, float]] = {}
        for silent in (True, False) if n % 2 else (False, True):
            engine.trail = Silent(engine.db) if silent else loud
            before, began = meter.seconds() + sum(mine.cpu_times()[:2]), time.perf_counter()
            turn = iter(random.Random(n).choices(ids, k=each))
            await asyncio.gather(*(_read(store, turn) for _ in range(32)))
            found[silent] = (meter.seconds() + sum(mine.cpu_times()[:2]) - before, time.perf_counter() - began)
        if n >= 2:
            lines.append((found[False][0] - found[True][0]) / each * 1000)
            ratios.append((found[False][0] / found[True][0], found[False][1] / found[True][1]))
    engine.trail = loud
    await engine.close()
    cpu, wall = (statistics.median(r[i] for r in ratios) for i in (0, 1))
    line = statistics.median(lines)
    share = whole / (whole - line)
    verdict = "meets" if share <= BAR_TRAIL else "MISSES"
    print(f"durable trail, 32 readers: {line:.3f} ms of processor a line: {cpu:.2f} x the store's part, {wall:.2f} x its clock")
    print(f"  of a whole request: {share:.2f} x the processor: {verdict} the bar of {BAR_TRAIL:.2f}")


def main() -> None:
    given = options(
        patients=(int, 3000, "people in the demo city"),
        rounds=(int, 25, "rounds"),
        each=(int, 160, "requests a round"),
        keep=(Path, None, "a folder for the record, kept and used again"),
    )
    print(machine())
    with place(given.keep) as here:
        if not (here.folder / "city.done").exists():
            demo.fill(here.app, patients=given.patients, seed=1)
            (here.folder / "city.done").touch()
        token, patients, reads = asyncio.run(known(here.app))
        print(f"{len(patients)} patients under care at the hospital of those who ask")
        with serving(here.app, 1) as port:
            ready(port)
            who = {"system token": f"Authorization: Bearer {token}"}
            for name, login in (("a doctor", demo.LOGINS[0]), ("a nurse", demo.LOGINS[1])):
                browser = Browser(port)
                browser.sign_in(login.name, demo.PASSWORD)
                who[name] = f"Cookie: {browser.cookie}"
            meter = Meter(here)
            whole = compare("read", port, meter, who, reads, given.rounds, given.each)
            searches = [f"/fhir/{s.format(p=p)}" for p in patients for s in SEARCHES]
            compare("search", port, meter, who, searches, given.rounds, given.each // 2)
            asyncio.run(trail_cost(here.app, meter, given.rounds, given.each * 10, whole))


if __name__ == "__main__":
    main()
