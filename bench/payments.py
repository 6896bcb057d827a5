"""Bank notifications: fifty a second through the signed door, each from there to its bill in the ledger and the record. The web
processes, the worker, the database and the bank share the machine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from statistics import quantiles
from typing import Any

import httpx
import psutil

from longbien.base import clock, ids
from longbien.billing.money import bills, proof
from longbien.demo import facilities
from longbien.record.change import Create, Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.wire import bank_notice
from longbien.wire.bank_notice import Movement
from place import machine, options, place, say
from read import ready, serving

RATE, WITHIN = 50.0, 1.0
SECRET = "b" * 40
BIN, ACCOUNT, FACILITY = "970415", "113366668888", "bv-sn"


async def billed(url: str, n: int) -> list[tuple[str, int]]:
    """(reference, amount) of n bills of as many patients."""
    engine = await Engine.open(url, services=False)
    engine.guards["Invoice"] = bills.guard
    store = Store(engine, system("bench"))
    await store.commit([Update(r) for r in facilities.resources()], Manner(references="trust", checked=True, summarise=True))
    await engine.db.execute(bills.Q.new_account, FACILITY, BIN, ACCOUNT, "BENH VIEN")
    made = []
    for i in range(n):
        patient = {"resourceType": "Patient", "id": ids.new_id(), "name": [{"text": "Nguyễn Thị Na"}]}
        one: dict[str, Any] = {
            "resourceType": "Invoice", "id": ids.new_id(), "status": "issued", "subject": {"reference": f"Patient/{patient['id']}"},
            "identifier": [{"system": bills.NUMBERS, "value": f"B-{i}"}], "issuer": {"reference": f"Organization/{FACILITY}"},
            "totalNet": {"value": 100_000 + i, "currency": "VND"}, "date": clock.instant(clock.now()),
        }  # fmt: skip
        await store.commit([Create(patient, id=patient["id"]), Create(one, id=one["id"])])
        _, request = await bills.current(engine, one["id"])
        assert request is not None
        made.append((request.reference, request.amount))
    await engine.close()
    return made


async def tell(port: int, url: str, made: list[tuple[str, int]]) -> tuple[list[float], float]:
    """Seconds from sending each to its being settled as everybody sees it, and how many a second were sent."""
    engine = await Engine.open(url, services=False)
    sent: dict[str, float] = {}
    seen: dict[str, float] = {}

    async def one(http: httpx.AsyncClient, n: int, reference: str, amount: int) -> None:
        ref = f"FT{n:08d}"
        body = bank_notice.write([Movement(BIN, ACCOUNT, ref, amount, clock.now(), reference)])
        stamp = str(int(clock.now().timestamp()))
        headers = {"x-bank-timestamp": stamp, "x-bank-signature": bank_notice.signature(SECRET, stamp, body)}
        sent[ref] = time.perf_counter()
        answer = await http.post(f"http://127.0.0.1:{port}/bank/longbien/notices", content=body, headers=headers)
        answer.raise_for_status()

    async def look() -> None:
        last = 0
        sql = """SELECT o.notice, n.bank_ref FROM bank_outcome o JOIN bank_notice n ON n.number = o.notice
                 WHERE o.kind = 'paid' AND o.notice > $1"""
        while len(seen) < len(made):
            for r in await engine.db.fetch(sql, max(0, last - 500)):
                seen.setdefault(r["bank_ref"], time.perf_counter())
                last = max(last, r["notice"])
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=20)) as http:
        begun, tasks = time.perf_counter(), []
        for n, what in enumerate(made):
            await asyncio.sleep(max(0.0, begun + n / RATE - time.perf_counter()))
            tasks.append(asyncio.create_task(one(http, n, *what)))
        await asyncio.gather(*tasks)
        rate = len(made) / (time.perf_counter() - begun)
    await asyncio.wait_for(looking, 120)
    said = await proof.proof(engine, FACILITY, clock.local(clock.now()).date())
    print("money, bills and ledger " + ("agree to the dong" if said.holds else "DO NOT AGREE"), flush=True)
    await engine.close()
    return [seen[r] - sent[r] for r in sent], rate


def processor(postmaster: int) -> float:
    """Processor seconds so far of the web processes, the worker and the database."""
    roots = [*psutil.Process().children(recursive=True), psutil.Process(postmaster), *psutil.Process(postmaster).children()]
    total = 0.0
    for one in {p.pid: p for p in roots}.values():
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system
    return total


def main() -> None:
    given = options(seconds=(int, 30, "how long the bank tells"), workers=(int, 1, "web processes"))
    os.environ["LONGBIEN_BANK_SECRET"] = SECRET
    print(machine(), flush=True)
    with place() as here:
        made = asyncio.run(billed(here.app, int(RATE * given.seconds)))
        worker = subprocess.Popen(
            [sys.executable, "-m", "longbien.cli", "worker"], env={**os.environ, "LONGBIEN_DATABASE_URL": here.app}
        )
        try:
            with serving(here.app, given.workers) as port:
                ready(port)
                time.sleep(2)
                before = processor(here.server.pid or 0)
                took, rate = asyncio.run(tell(port, here.app, made))
                used = processor(here.server.pid or 0) - before
        finally:
            worker.terminate()
            worker.wait(20)
    say("processor time of the house a notification", used / len(made) * 1000, "ms", 2 / RATE * 1000, at_most=True)
    cuts = quantiles(took, n=100)
    say("notifications taken", rate, "a second", RATE * 0.98)
    say("from the door to the bill, median", cuts[49] * 1000, "ms", WITHIN * 1000, at_most=True)
    say("p99", cuts[98] * 1000, "ms", WITHIN * 1000, at_most=True)
    say("the slowest", max(took) * 1000, "ms", WITHIN * 1000, at_most=True)


if __name__ == "__main__":
    main()
