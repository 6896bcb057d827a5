"""The bill of a long stay: 30 days, 1,500 charges, opened by a cashier. Milliseconds in the server for the page by group, for one
group with its lines, and for reading and judging alone; the bar is 100 ms for the page (p95)."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx

from longbien.access.accounts import NewAccount, create
from longbien.app import create_app
from longbien.base import clock
from longbien.billing.charges import bills, shapes, tariff
from longbien.billing.charges.shapes import Cause
from longbien.demo import facilities, prices
from longbien.fhir import systems as s
from longbien.record.change import Manner, Update
from longbien.record.recall import Recall
from longbien.record.scope import system
from longbien.record.store import Store
from place import machine, place, say

BAR = 100.0
BASE = "http://bench.test"
PASSWORD = "mưa rào tháng bảy"
WHO, STAY, HOSPITAL = "bench-nb", "bench-dt", "bv-sn"
MANNER = Manner(references="trust", checked=True, summarise=True)


def stay(now: Any, days: int) -> list[dict[str, Any]]:
    begin = now - timedelta(days=days)
    period = {"start": clock.instant(begin), "end": clock.instant(now)}
    return [
        {"resourceType": "Patient", "id": WHO, "name": [{"text": "Nguyễn Văn Dài"}], "gender": "male", "birthDate": "1950-02-01"},
        {"resourceType": "Coverage", "id": "bench-the", "status": "active", "subscriberId": "HT3010123456789", "network": "99001",
         "beneficiary": {"reference": f"Patient/{WHO}"}, "period": {"start": "2020-01-01", "end": "2035-12-31"},
         "payor": [{"display": "BHXH"}]},
        {"resourceType": "Encounter", "id": STAY, "status": "finished", "class": {"system": s.ACT_CODE, "code": "IMP"},
         "subject": {"reference": f"Patient/{WHO}"}, "period": period,
         "serviceProvider": {"reference": f"Organization/{HOSPITAL}"},
         "location": [{"location": {"reference": "Location/sn-tm-g01"}, "status": "completed", "period": period}]},
    ]  # fmt: skip


def charges(now: Any, days: int, lines: int) -> list[dict[str, Any]]:
    """So many charges over the stay: drugs, tests, pictures, minor procedures, and the bed of each day."""
    listed = [p for p in prices.prices() if p.kind in ("drug", "lab", "imaging")]
    beds = next(p for p in prices.prices() if p.code == "G03")
    out = []
    for n in range(lines):
        p = beds if n < days else listed[(n * 37) % len(listed)]
        at = now - timedelta(days=days) + timedelta(minutes=n * days * 1440 / lines)
        cause = Cause(f"bench/{n}", p.kind, p.code, p.name, at, Decimal(1 + n % 3), doctor={"reference": "Practitioner/bs-minh"})
        out.append(shapes.charge_item(cause, 1, WHO, STAY, p, now))
    return out


async def measured(url: str, days: int, lines: int, times: int) -> None:
    app = create_app(url)
    async with app.router.lifespan_context(app):
        store, now = Store(app.state.engine, system("bench")), clock.now()
        ground = [*facilities.resources(), *(tariff.definition(p) for p in prices.prices()), *stay(now, days)]
        for at in range(0, len(ground), 500):
            await store.commit([Update(r) for r in ground[at : at + 500]], MANNER)
        made = charges(now, days, lines)
        for at in range(0, len(made), 500):
            await store.commit([Update(r) for r in made[at : at + 500]], MANNER)
        await store.engine.db.execute("SELECT record_analyze()")
        account = NewAccount("bench", "Thu Ngân", "cashier", "tn-thao", HOSPITAL)
        await create(app.state.engine, app.state.door.hasher, None, account, PASSWORD)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers={"Origin": BASE})
        await client.post("/sign-in", data={"name": "bench", "password": PASSWORD})
        page = f"/patients/{WHO}/bill?encounter={STAY}"

        async def fresh(path: str) -> httpx.Response:
            app.state.engine.recall = Recall()
            return await client.get(path)

        for what, bar, ask in (
            ("page by group", BAR, lambda: client.get(page)),
            ("page, drugs opened (100 lines drawn)", BAR, lambda: client.get(f"{page}&open=4")),
            ("page by day", BAR, lambda: client.get(f"{page}&by=day")),
            ("reading and judging alone", BAR, lambda: bills.bill(store, STAY)),
            ("page by group, first opened in this process", BAR, lambda: fresh(page)),
        ):
            took, busy = [], []
            for n in range(times + 3):
                began, used = time.perf_counter(), time.process_time()
                answer: Any = await ask()  # type: ignore[no-untyped-call]
                if n >= 3:
                    took.append((time.perf_counter() - began) * 1000)
                    busy.append((time.process_time() - used) * 1000)
                assert getattr(answer, "status_code", 200) == 200
            took.sort()
            middle = statistics.median(took)
            print(f"{what}: p50 {middle:.0f} ms, of it this process busy {statistics.median(busy):.0f} ms", end="; ")
            say(f"{what}, p95", took[int(len(took) * 0.95) - 1], "ms", bar, at_most=True)
        await client.aclose()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--lines", type=int, default=1500)
    parser.add_argument("--times", type=int, default=40)
    given = parser.parse_args()
    print(machine())
    with place() as here:
        asyncio.run(measured(here.app, given.days, given.lines, given.times))


if __name__ == "__main__":
    main()
