"""The receiving side of the city's axis: files of ten claims a second that are read, held against the tables, sealed on the disk
and answered; and claims a second that the worker then takes in. Five visits of six are out-patients (4 drugs, 5 services),
one a stay (25 drugs, 40 services). The bar: 50 files a second received."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import time
from pathlib import Path

import httpx
from starlette.applications import Starlette

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from claim_rows import DAY, a_claim
from longbien.access.door import Door
from longbien.billing.axis import senders
from longbien.billing.axis.gateway import ROUTES
from longbien.billing.axis.taking import take_file
from longbien.fhir import systems as s
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.wire.claims_xml import Claim, envelope
from place import machine, options, place, say

CODE, TEN, BAR = "01901", 10, 50.0


def visit(n: int) -> Claim:
    link = f"{CODE}.SN{n:012}"
    made = a_claim(link, drugs=25, services=40, stay=6) if n % 6 == 0 else a_claim(link, drugs=4, services=5)
    made["XML1"][0] |= {"SO_CCCD": f"0011{n % 4000:08}", "MA_THE_BHYT": "", "MA_DKBD": "", "GT_THE_TU": "", "GT_THE_DEN": ""}
    return made


def file(n: int) -> str:
    return base64.b64encode(envelope([visit(n * TEN + k) for k in range(TEN)], DAY, CODE)).decode()


async def measure(url: str, files: int, at_once: int, taken: int) -> None:
    engine = await Engine.open(url)
    place_ = {"resourceType": "Organization", "id": "bv", "name": "BV", "identifier": [{"system": s.FACILITY_CODE, "value": CODE}]}
    await Store(engine, system("bench")).commit([Update(place_)], Manner())
    secret = await senders.make(engine, "bench", CODE)
    app = Starlette(routes=ROUTES)
    app.state.door = Door(engine)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bench", timeout=600) as web:
        body = {"username": "bench", "password": secret, "code": CODE}
        token = (await web.post("/api/auth/token/take", json=body)).json()["apiKey"]["accessToken"]
        sent = [[file(n) for n in range(first, min(first + at_once, files))] for first in range(0, files, at_once)]
        print(
            f"{files} files of {TEN} claims, {sum(len(t) for x in sent for t in x) * 3 // 4 / files / 1000:.0f} kB each", flush=True
        )
        began, spent = time.perf_counter(), time.process_time()
        for part in sent:
            answer = await web.post(
                "/api/kcb/xml/qd3176/guiHoSoXml", headers={"Authorization": f"Bearer {token}"},
                json={"loaiHoSo": "3176", "maTinh": "HN", "maCSKCB": CODE, "files": part},
            )  # fmt: skip
            assert answer.json()["totalFailed"] == 0, answer.text[:400]
        wall, each = time.perf_counter() - began, (time.process_time() - spent) / files
        print(f"{1000 * each:.1f} ms of processor a file: {2 / each:.0f} a second on two cores that do nothing else", flush=True)
        say("files of ten claims received by one process", files / wall, "a second", BAR)
    numbers = [r["number"] for r in await engine.db.fetch("SELECT number FROM axis_file ORDER BY number LIMIT $1", taken)]
    began, spent = time.perf_counter(), time.process_time()
    for n in numbers:
        await take_file(engine, n)
    wall, each = time.perf_counter() - began, (time.process_time() - spent) / (len(numbers) * TEN)
    rows = await engine.db.fetchval("SELECT count(*) FROM head")
    print(f"taken in by one worker: {len(numbers) * TEN / wall:.1f} claims, {rows / wall:.0f} resources a second", flush=True)
    print(f"{1000 * each:.0f} ms of processor a claim, the database's own beside it")
    await engine.close()


def main() -> None:
    given = options(files=(int, 200, "files sent"), at_once=(int, 50, "files in one sending"), taken=(int, 20, "files taken in"))
    print(machine())
    with place() as here:
        os.environ["LONGBIEN_DATA"] = str(here.folder / "data")
        asyncio.run(measure(here.app, given.files, given.at_once, given.taken))


if __name__ == "__main__":
    main()
