"""Does it stay as quick when the record grows? The same questions, one at a time, about the same patients among 100,000 resources
and among `--resources` (10 million): the 95th percentile of each, and by how much it grew. The bar is half as much again.

Both records are filled alike: part of the 617 lives, copies of them by SQL up to the size, then the patients that are asked about,
by the ordinary door: the small ones of bench/fhir.py, one with hundreds of encounters (the chart), one of 100,000 observations."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import lzma
from pathlib import Path

import asyncpg

import fhir
from chart import Browser, measure
from city import clone_up_to, write
from fhir import CODES, LOINC, Client, Known, searches
from import_lives import LIVES
from longbien.access.tokens import create_token
from longbien.base import clock
from longbien.demo import city as demo
from longbien.demo import population
from longbien.importer.run import Import
from longbien.record.engine import Engine
from longbien.record.scope import system
from place import Place, machine, options, place
from read import observation, ready, serving

SMALL = 100_000
LIVES_TAKEN = 230
BAR = 1.5
HOT = "hot-patient"


def fill(here: Place, resources: int, hot: int) -> str:
    """Everything but the small patients, which need the server. Gives the id of the patient whose chart is opened."""
    heavy = population.heaviest(1, population.demo_day(clock.now()))
    demo.fill(here.app, patients=0, seed=1)
    part = here.folder / "lives.ndjson"
    with lzma.open(LIVES) as lives, part.open("wb") as out:
        out.writelines(itertools.islice(lives, LIVES_TAKEN))
    Import(here.app, system("bench"), here.folder / "rejects").run([part])
    asyncio.run(clone_up_to(here, resources))
    asyncio.run(write(here.app, iter([heavy])))
    many = (
        [{"resourceType": "Patient", "id": HOT}],
        *([observation(n + k, HOT) for k in range(1000)] for n in range(0, hot, 1000)),
    )
    asyncio.run(write(here.app, iter(many)))
    return str(heavy[0]["id"])


def questions(known: Known) -> dict[str, list[str]]:
    """Beside those of bench/fhir.py: what has no cliff at any size."""
    ids = ",".join(known.observations[:1000])
    return {
        **searches(known),
        "$everything": [f"Patient/{p}/$everything" for p in known.patients[500:600]],
        "1,000 values": [f"Observation?_id={ids}&_count=20"],
        "estimated count": [f"Observation?_total=estimate&_count=1&code={LOINC}%7C8302-2"],
        "hot patient, newest": [f"Observation?patient={HOT}&_count=20"],
        "hot patient, a code": [f"Observation?patient={HOT}&code={LOINC}%7C2823-3&_count=20"],
        "hot patient, none of it": [f"Observation?patient={HOT}&code={LOINC}%7C{CODES[1]}&_count=20"],
    }


def deep(client: Client, pages: int) -> str:
    """The address of a page far behind the first: walked to in strides of 1,000, then asked in twenties."""
    url = "Observation?_count=1000&_elements=id"
    for _ in range(pages * 20 // 1000):
        _, _, page = client.ask("GET", url)
        following = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
        if following is None:
            break
        url = following.split("/fhir/", 1)[1]
    return url.replace("_count=1000", "_count=20").replace("_elements=id&", "")


def ask(port: int, token: str, paths: list[str], times: int) -> float:
    """The 95th percentile of one request after the other on one connection, in milliseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    way = itertools.cycle(paths)

    def one() -> None:
        connection.request("GET", "/fhir/" + next(way), headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {content[:500].decode()}")

    measure(one, 20)
    took = measure(one, times)
    connection.close()
    return took[int(len(took) * 0.95)]


def run(keep: Path | None, resources: int, times: int, hot: int, pages: int) -> dict[str, float]:
    """The 95th percentiles with a record of this size."""
    found: dict[str, float] = {}
    with place(keep) as here:
        patient = fill(here, resources, hot)
        token = asyncio.run(_token(here))
        with serving(here.app, 2) as port:
            ready(port)
            known = fhir.fill(here, port, token)
            asyncio.run(_settle(here))
            count = here.server.psql("SELECT count(*) FROM head", "longbien").strip()
            size = here.server.psql("SELECT pg_size_pretty(pg_database_size('longbien'))", "longbien").strip()
            print(f"{int(count):,} resources, {size}", flush=True)
            for name, paths in questions(known).items():
                found[name] = ask(port, token, paths, times)
            found[f"page {pages:,}"] = ask(port, token, [deep(Client(port, token), pages)], times)
            found["chart"] = _chart(port, patient, times // 3)
    return found


def _chart(port: int, patient: str, times: int) -> float:
    browser = Browser(port)
    browser.sign_in(demo.LOGINS[0].name, demo.PASSWORD)
    browser.open(patient)

    def one() -> None:
        status, _, content = browser.ask("GET", f"/patients/{patient}")
        if status != 200:
            raise SystemExit(f"the chart: {status}, {len(content)} bytes: no figure")

    one()
    took = measure(one, times)
    return took[int(len(took) * 0.95)]


async def _token(here: Place) -> str:
    engine = await Engine.open(here.app, services=False)
    token = await create_token(engine, "bench")
    await engine.close()
    return token


async def _settle(here: Place) -> None:
    """What a night does to a database that was filled in minutes."""
    owner = await asyncpg.connect(here.owner, command_timeout=1800)
    await owner.execute("VACUUM ANALYZE")
    await owner.execute("CHECKPOINT")
    await owner.close()


def main() -> None:
    given = options(
        resources=(int, 10_000_000, "resources in the large record"),
        times=(int, 200, "how often each is asked"),
        hot=(int, 100_000, "observations of the hot patient"),
        pages=(int, 10_000, "how far behind the first the deep page lies"),
    )
    print(machine())
    if not LIVES.exists():
        raise SystemExit("the 617 lives are not beside the checkout (LONGBIEN_SHARED): no figure")
    small = run(None, SMALL, given.times, given.hot, given.pages)
    large = run(None, given.resources, given.times, given.hot, given.pages)
    print(json.dumps({"small": small, "large": large}))
    for name, before in small.items():
        _say(name, before, large[name])


def _say(name: str, before: float, now: float) -> None:
    verdict = "meets" if now <= before * BAR else "MISSES"
    print(
        f"{name}: 95 % within {before:.1f} ms, then {now:.1f} ms: {now / before:.2f} times, {verdict} the bar of {BAR}", flush=True
    )


if __name__ == "__main__":
    main()
