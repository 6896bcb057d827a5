"""Reads by id through HTTP, with authorisation and durable audit: requests a second under wrk, beside what the same machine does by
primary key without all that. `--workers` web processes share the machine with wrk and the database."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from longbien.access.tokens import create_token
from longbien.base import ids
from longbien.commands.supervise import listeners
from longbien.fhir import json as fhir_json
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.record.types import number
from place import commit_limit, machine, options, pgbench_limit, place, say

BAR, P95 = 3000, 20.0
_BY_KEY = "SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.id = $1 AND h.type = $2"


def observation(n: int, patient: str) -> dict[str, Any]:
    """About 900 bytes, as a laboratory result is."""
    return {
        "resourceType": "Observation",
        "id": ids.new_id(),
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium [Moles/volume] in Serum or Plasma"}],
            "text": "Kali máu",
        },
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}T08:24:00+07:00",
        "valueQuantity": {"value": 3 + n % 30 / 10, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        "referenceRange": [{"low": {"value": 3.5, "unit": "mmol/L"}, "high": {"value": 5.1, "unit": "mmol/L"}}],
    }


async def fill(url: str, resources: int) -> tuple[str, list[str]]:
    """(a token, paths to read)."""
    engine = await Engine.open(url, services=False)
    store = Store(engine, system("bench"))
    manner = Manner(references="trust", checked=True, summarise=True)
    people = [ids.new_id() for _ in range(resources // 100)]
    await store.commit([Update({"resourceType": "Patient", "id": p, "gender": "female"}) for p in people], manner)
    made = [observation(n, people[n % len(people)]) for n in range(resources)]
    await engine.train([fhir_json.dumps(o) for o in made[:2000]])
    for at in range(0, len(made), 1000):
        await store.commit([Update(o) for o in made[at : at + 1000]], manner)
    token = await create_token(engine, "bench")
    await engine.close()
    return token, [f"/fhir/Observation/{o['id']}" for o in made]


UNLIMITED = {f"LONGBIEN_RATE_{who}": "1000000" for who in ("TOKEN", "SESSION", "ADDRESS")}
"""Limits that nobody reaches, but that are counted as ever."""


@contextmanager
def serving(url: str, workers: int) -> Iterator[int]:
    """Web processes as `longbien web` starts them; gives the port."""
    sockets = listeners("127.0.0.1", 0, workers)
    children = []
    for one in sockets:
        fd = one.detach()
        os.set_inheritable(fd, True)
        command = [sys.executable, "-m", "longbien.cli", "serve", str(fd)]
        children.append(subprocess.Popen(command, env={**os.environ, "LONGBIEN_DATABASE_URL": url, **UNLIMITED}, pass_fds=[fd]))
        port = socket.fromfd(fd, socket.AF_INET, socket.SOCK_STREAM).getsockname()[1]
    try:
        yield port
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(10)


def ready(port: int) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def wrk(port: int, token: str, paths: list[str], connections: int, seconds: int, folder: Path) -> dict[str, float]:
    """requests a second, p50 and p95 in milliseconds, errors."""
    script = folder / "read.lua"
    chosen = random.Random(1).sample(paths, min(5000, len(paths)))
    listed = ",\n".join(json.dumps(p) for p in chosen)
    script.write_text(
        f"local paths = {{{listed}}}\nlocal n = math.random(#paths)\n"
        "request = function() n = n % #paths + 1; return wrk.format('GET', paths[n]) end\n"
        "done = function(s, l, r) print(string.format('RESULT %d %d %f %f %d', s.requests, s.duration, "
        "l:percentile(50) / 1000, l:percentile(95) / 1000, "
        "s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout)) end\n"
    )
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "-s",
        str(script),
        "-H",
        f"Authorization: Bearer {token}",
        f"http://127.0.0.1:{port}",
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) (\d+)", out)
    if found is None:
        raise SystemExit(out)
    n, micros, p50, p95, errors = (float(x) for x in found.groups())
    return {"n": n, "rate": n / micros * 1e6, "p50": p50, "p95": p95, "errors": errors}


def own_client(port: int, token: str, paths: list[str], connections: int, seconds: int, folder: Path) -> dict[str, float]:
    """As `wrk`, by bare sockets of asyncio in this process."""
    took: list[float] = []
    errors = 0

    async def one(chance: random.Random, until: float) -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.perf_counter()) < until:
            head = f"GET {chance.choice(paths)} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
            writer.write(head.encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", answer)
            if length is None or not answer.startswith(b"HTTP/1.1 200"):
                errors += 1
            await reader.readexactly(int(length[1]) if length else 0)
            took.append((time.perf_counter() - began) * 1000)
        writer.close()

    async def run() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(one(random.Random(n), until) for n in range(connections)))

    began = time.perf_counter()
    asyncio.run(run())
    rate = len(took) / (time.perf_counter() - began)
    took.sort()
    return {"n": len(took), "rate": rate, "p50": took[len(took) // 2], "p95": took[int(len(took) * 0.95)], "errors": errors}


def _by_key(url: str, keys: list[str], seconds: float) -> int:
    async def run() -> int:
        pool = await asyncpg.create_pool(url, min_size=8, max_size=8)
        until, n, type_ = time.perf_counter() + seconds, 0, number("Observation")

        async def one() -> None:
            nonlocal n
            r = random.Random()
            async with pool.acquire() as connection:
                while time.perf_counter() < until:
                    await connection.fetchval(_BY_KEY, r.choice(keys), type_)
                    n += 1

        await asyncio.gather(*(one() for _ in range(8)))
        await pool.close()
        return n

    return asyncio.run(run())


def key_limit(url: str, paths: list[str], seconds: float = 4.0, processes: int = 2) -> float:
    """The same row by primary key over bare connections, from two processes: what the database and its driver give at most."""
    keys = [p.rpartition("/")[2] for p in paths[:5000]]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return sum(pool.starmap(_by_key, [(url, keys, seconds)] * processes)) / seconds


async def audited(url: str) -> int:
    connection = await asyncpg.connect(url)
    n: int = await connection.fetchval("SELECT count(*) FROM audit WHERE kind = 0")
    await connection.close()
    return n


def main() -> None:
    load = wrk
    if shutil.which("wrk") is None:
        print("wrk is missing (apt-get install wrk): an own client in Python loads the server; it takes more of the machine itself")
        load = own_client
    given = options(
        workers=(int, 2, "web processes"),
        seconds=(int, 10, "length of a run"),
        connections=(int, 32, "connections of wrk"),
        resources=(int, 20_000, "resources in the record"),
    )
    print(machine())
    with place() as here:
        token, paths = asyncio.run(fill(here.app, given.resources))
        commits = asyncio.run(commit_limit(here.owner))
        print(f"machine: {pgbench_limit(here):,.0f} bodies/s by primary key (pgbench), {commits:,.0f} single-row commits/s")
        limit = key_limit(here.app, paths)
        with serving(here.app, given.workers) as port:
            ready(port)
            load(port, token, paths, given.connections, 3, here.folder)
            before = asyncio.run(audited(here.owner))
            found = load(port, token, paths, given.connections, given.seconds, here.folder)
            lines = asyncio.run(audited(here.owner)) - before
        if found["errors"]:
            raise SystemExit(f"{found['errors']:.0f} requests failed: no figure")
        if lines < found["n"]:
            raise SystemExit(f"{found['n']:.0f} reads but only {lines} lines in the trail: no figure")
        say("read", found["rate"], "reads/s", BAR, limit=limit)
        say("read, 95 % within", found["p95"], "ms", P95, at_most=True)
        print(f"half within {found['p50']:.1f} ms; {found['n']:.0f} reads, {lines} trail lines; {given.workers} web processes")


if __name__ == "__main__":
    main()
