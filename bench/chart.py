"""The chart of the heaviest patient in a large record: one request of a signed-in doctor, its time and its bytes on the wire."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import shutil
import statistics
import time
import urllib.parse
from pathlib import Path
from typing import Any

import asyncpg

from city import clone_up_to, write
from import_lives import LIVES
from longbien.base import clock
from longbien.base.ids import patient_key
from longbien.demo import city as demo
from longbien.demo import population
from longbien.importer.run import Import
from longbien.record.scope import system
from place import Place, machine, options, place, say
from read import ready, serving

BAR, BYTES = 100.0, 150_000


def fill(here: Place, resources: int) -> str:
    """The demo's hospitals and logins, the lives and their copies, and the one patient; gives the patient's id."""
    heavy = population.heaviest(1, population.demo_day(clock.now()))
    there = here.folder / "heavy.id"
    if there.exists():
        return there.read_text()
    demo.fill(here.app, patients=0, seed=1)
    if LIVES.exists():
        Import(here.app, system("bench"), here.folder / "rejects").run([LIVES])
    else:
        demo.fill(here.app, patients=300, seed=1)
    asyncio.run(clone_up_to(here, resources))
    n = asyncio.run(write(here.app, iter([heavy])))
    kinds = [r["resourceType"] for r in heavy]
    print(
        f"the patient: {kinds.count('Encounter')} encounters, {kinds.count('Observation'):,} observations, {n:,} resources in all"
    )
    patient = str(heavy[0]["id"])
    there.write_text(patient)
    return patient


class Browser:
    """One kept connection, the session's cookie, gzip."""

    def __init__(self, port: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookie = ""

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        headers = {"Accept-Encoding": "gzip", "Cookie": self.cookie, "Accept-Language": "vi"}
        body = None
        if form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
            body = urllib.parse.urlencode(form)
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        cookies = [v.split(";")[0] for k, v in answer.getheaders() if k.lower() == "set-cookie"]
        self.cookie = "; ".join(cookies) or self.cookie
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, content

    def sign_in(self, name: str, password: str) -> None:
        status, headers, _ = self.ask("POST", "/sign-in", {"name": name, "password": password})
        if status != 303 or "set-cookie" not in headers:
            raise SystemExit(f"sign-in failed: {status}")

    def open(self, patient: str) -> None:
        """The right to the record: by care, else a purpose stated in words."""
        status, _, content = self.ask("GET", f"/patients/{patient}")
        if status == 403:
            page = _plain(content)
            csrf = page.split('name="csrf" value="')[1].split('"')[0]
            form = {"csrf": csrf, "purpose": "TREAT", "reason": "Đo tốc độ mở bệnh án, người bệnh mẫu"}
            status, _, _ = self.ask("POST", f"/patients/{patient}/purpose", form)
            if status != 303:
                raise SystemExit(f"the purpose was refused: {status}")


def _plain(content: bytes) -> str:
    return (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode()


def measure(ask: Any, times: int) -> list[float]:
    """Milliseconds of each, ascending."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)


async def key_read(url: str, patient: str) -> float:
    """Milliseconds of one read of the patient's row by key: what one round trip costs here."""
    connection = await asyncpg.connect(url)
    sql = "SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.pat = $1 AND h.type = 103"
    took = []
    for _ in range(200):
        began = time.perf_counter()
        await connection.fetchval(sql, patient_key(patient))
        took.append((time.perf_counter() - began) * 1000)
    await connection.close()
    return statistics.median(took)


def main() -> None:
    given = options(
        resources=(int, 2_000_000, "resources in the record"),
        times=(int, 200, "how often the chart is opened"),
        keep=(Path, None, "a folder for the record, kept and used again"),
    )
    print(machine())
    with place(given.keep) as here:
        patient = fill(here, given.resources)
        free = shutil.disk_usage(here.folder).free >> 30
        size = here.server.psql("SELECT pg_size_pretty(pg_database_size('longbien'))", "longbien")
        count = here.server.psql("SELECT count(*) FROM head", "longbien")
        print(f"{int(count):,} resources, {size.strip()} of database, {free} GB of disk left")
        with serving(here.app, 2) as port:
            ready(port)
            browser = Browser(port)
            browser.sign_in(demo.LOGINS[0].name, demo.PASSWORD)
            browser.open(patient)
            status, headers, content = browser.ask("GET", f"/patients/{patient}")
            if status != 200 or headers.get("content-encoding") != "gzip":
                raise SystemExit(f"the chart was not opened as expected: {status}, {headers}")

            def look() -> None:
                status, _, _ = browser.ask("GET", f"/patients/{patient}")
                if status != 200:
                    raise SystemExit(f"the chart: {status}")

            measure(look, 10)
            took = measure(look, given.times)
            page = _plain(content)
        if "polyline" not in page and "<path" not in page:
            raise SystemExit("the chart came without its curves: no figure")
        trip = asyncio.run(key_read(here.app, patient))
        say("chart, 95 % within", took[int(len(took) * 0.95)], "ms", BAR, at_most=True)
        half = took[len(took) // 2]
        print(f"half within {half:.1f} ms, slowest {took[-1]:.1f} ms; {half / trip:.0f} times a read by key ({trip:.2f} ms)")
        say("chart, on the wire", len(content), "bytes", BYTES, at_most=True)
        print(f"{len(page.encode()):,} bytes of HTML before gzip")


if __name__ == "__main__":
    main()
