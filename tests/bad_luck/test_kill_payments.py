"""kill -9 of worker, web process and database while a bank tells of payments, most of them twice: none is lost, none is booked
twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from longbien.base import clock, ids
from longbien.billing.money import bills, proof
from longbien.demo import facilities
from longbien.record.change import Create, Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.wire import bank_notice
from longbien.wire.bank_notice import Movement
from real_house import BUILT, House, house, until

pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="the FHIR definitions are not built: make build")
SECRET = "mưa phùn trên mái ngói phố cổ tháng hai"
BIN, ACCOUNT, FACILITY = "970415", "113366668888", "bv-sn"
BILLS = 120


@pytest.fixture
def running(data_folder: Path) -> Iterator[House]:
    with house(data_folder / "d", LONGBIEN_BANK_SECRET=SECRET) as made:
        yield made


async def billed(engine: Engine) -> dict[str, tuple[str, int]]:
    """invoice -> (reference, amount)."""
    engine.guards["Invoice"] = bills.guard
    store = Store(engine, system("test"))
    await store.commit([Update(r) for r in facilities.resources()], Manner(references="trust", checked=True, summarise=True))
    await engine.db.execute(bills.Q.new_account, FACILITY, BIN, ACCOUNT, "BENH VIEN")
    patient = {"resourceType": "Patient", "id": "p", "name": [{"text": "Nguyễn Thị Na"}]}
    await store.commit([Create(patient, id="p")])
    made = {}
    for n in range(BILLS):
        one: dict[str, Any] = {
            "resourceType": "Invoice", "id": ids.new_id(), "status": "issued", "subject": {"reference": "Patient/p"},
            "identifier": [{"system": bills.NUMBERS, "value": f"K-{n}"}], "issuer": {"reference": f"Organization/{FACILITY}"},
            "totalNet": {"value": 1000 + n, "currency": "VND"}, "date": clock.instant(clock.now()),
        }  # fmt: skip
        await store.commit([Create(one, id=one["id"])])
        _, request = await bills.current(engine, one["id"])
        assert request is not None
        made[one["id"]] = (request.reference, 1000 + n)
    return made


async def tell(running: House, reference: str, amount: int, ref: str) -> None:
    """As a bank does: again and again until it is thanked."""
    async with httpx.AsyncClient(timeout=5) as http:
        while True:
            body = bank_notice.write([Movement(BIN, ACCOUNT, ref, amount, clock.now(), reference)])
            stamp = str(int(clock.now().timestamp()))
            headers = {"x-bank-timestamp": stamp, "x-bank-signature": bank_notice.signature(SECRET, stamp, body)}
            try:
                answer = await http.post(f"{running.address}/bank/longbien/notices", content=body, headers=headers)
                assert answer.status_code != 401
                if answer.status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)


async def test_no_payment_is_lost_and_none_is_booked_twice(running: House, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(int(os.environ.get("LONGBIEN_TEST_SEED") or time.time()))
    engine = await Engine.open(running.database_url(), services=False)
    made = await billed(engine)
    await engine.close()

    async def one(n: int, reference: str, amount: int) -> None:
        await asyncio.sleep(n * 0.06)
        for _ in range(2 if n % 3 else 1):
            await tell(running, reference, amount, f"FT{n:06d}")

    telling = [asyncio.create_task(one(n, *what)) for n, what in enumerate(made.values())]
    for victim in ("worker", "web", "worker", "postmaster", "worker", "backend", "worker"):
        await asyncio.sleep(chance.uniform(0.5, 1.2))
        for pid in running.pids(victim)[:1]:
            os.kill(pid, signal.SIGKILL)
    await asyncio.gather(*telling)
    engine = await Engine.open(running.database_url(), services=False)
    try:

        async def all_decided() -> bool:
            return bool(await engine.db.fetchval("SELECT count(*) = $1 FROM bank_outcome", BILLS))

        await until(all_decided, "every movement is decided", 90)
        kinds = await engine.db.fetch("SELECT kind, count(*) AS n FROM bank_outcome GROUP BY kind")
        assert {r["kind"]: r["n"] for r in kinds} == {"paid": BILLS}
        twice = "SELECT count(*) FROM money_line WHERE account = 'receivable' AND amount < 0"
        assert await engine.db.fetchval(twice) == BILLS
        said = await proof.proof(engine, FACILITY, clock.local(clock.now()).date())
        assert said.holds, [(x.key, x.one, x.other) for x in said.lines if not x.holds]
        deliveries = await engine.db.fetchval("SELECT count(*) FROM bank_delivery")
    finally:
        await engine.close()
    with capsys.disabled():
        print(f"\n  {BILLS} payments in {deliveries} deliveries through seven kills: each booked once")
