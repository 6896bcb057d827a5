"""A hospital's mixed day: clerks, doctors and nurses at work at the same time, each a loop of what they do and a pause to think.
What each kind of request takes, and that nothing fails.

The demo city, filled up so that the facility's day has 600 outpatients. The clients share the two cores with the server and the
database, so the figures hold their work too."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from longbien.base import clock
from longbien.demo import city as demo
from longbien.demo import facilities
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from place import Place, machine, options, place, say
from read import ready, serving

BARS = {"chart": 150.0, "search": 50.0, "worklist": 150.0, "beds": 100.0, "vitals": 60.0}
HEAVY, LIGHT = 150_000, 30_000
"""Bytes on the wire: a first load without images, a page after it."""
VISITS = 600
FACILITY = "bv-sn"
SHARES = {"doctor": 0.4, "nurse": 0.4, "clerk": 0.2}
WORDS = ("nguyen van", "tran thi", "le", "pham thu", "hoang", "hùng 19", "lan", "do kim", "vu van h", "dang")


def fill(here: Place, people: int) -> None:
    if (here.folder / "day.done").exists():
        return
    demo.fill(here.app, patients=people, seed=1)
    asyncio.run(_crowd(here.app))
    (here.folder / "day.done").touch()


async def _crowd(url: str) -> None:
    """Outpatients of today at the facility, up to VISITS, from the people who are there."""
    engine = await Engine.open(url, services=False)
    house = Store(engine, system("bench"))
    found = await house.search("Patient", [("_count", "1000"), ("_elements", "id")])
    people = [e.id for e in found.entries]
    start = clock.local(clock.now()).replace(hour=7, minute=0, second=0, microsecond=0)
    states = ("planned", "arrived", "in-progress", "finished")
    changes = [Update(_visit(n, people[n % len(people)], start + timedelta(minutes=n), states[n % 4])) for n in range(VISITS)]
    for n in range(0, VISITS, 200):
        await house.commit(changes[n : n + 200], Manner(references="trust", checked=True))
    await engine.db.execute("SELECT record_analyze()")
    await engine.close()


def _visit(n: int, patient: str, at: Any, status: str) -> dict[str, Any]:
    ends = {"end": clock.instant(at + timedelta(minutes=20))} if status == "finished" else {}
    return {
        "resourceType": "Encounter", "id": f"day-{n}", "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"}, "serviceProvider": {"reference": f"Organization/{FACILITY}"},
        "period": {"start": clock.instant(at), **ends}, "reasonCode": [{"text": "Khám"}],
    }  # fmt: skip


@dataclass
class Book:
    """Milliseconds by kind, bytes on the wire by kind, what went wrong."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    sent: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    on: bool = False


class Person:
    """Somebody at a screen. Those of one account share its session, each with a connection of their own."""

    def __init__(self, client: httpx.AsyncClient, book: Book, chance: random.Random):
        self.client, self.book, self.chance = client, book, chance
        self.charts: list[str] = []
        self.rows: list[dict[str, str]] = []

    async def ask(self, kind: str, path: str, form: dict[str, str] | None = None, *, fine: tuple[int, ...] = (200,)) -> str:
        began = time.perf_counter()
        try:
            headers = {"X-Part": "1"} if form is not None else {}
            answer = await self.client.request("POST" if form is not None else "GET", path, data=form, headers=headers)
        except httpx.HTTPError as why:
            self.book.wrong.append(f"{kind}: {type(why).__name__}")
            return ""
        if self.book.on:
            self.book.took[kind].append((time.perf_counter() - began) * 1000)
            self.book.sent[kind] = max(self.book.sent.get(kind, 0), answer.num_bytes_downloaded)
            if answer.status_code not in fine:
                self.book.wrong.append(f"{kind} {path.split('?')[0]}: {answer.status_code}")
        return answer.text

    async def learn(self) -> None:
        """Whose charts are at hand, and the rows of the ward's grid."""
        page = await self.ask("", "/today")
        self.charts = sorted(set(re.findall(r'href="(/patients/[A-Za-z0-9.-]+)"', page)))
        grid = await self.ask("", "/ward/vitals")
        csrf = re.search(r'name="csrf" value="([^"]+)"', grid)
        slot = re.search(r'name="slot" value="([^"]+)"', grid)
        if csrf and slot:
            patients = re.findall(r'name="patient" value="([^"]+)"', grid)
            self.rows = [{"csrf": csrf[1], "slot": slot[1], "patient": p, "again": "1"} for p in dict.fromkeys(patients)]

    async def chart(self) -> None:
        if self.charts:
            await self.ask("chart", self.chance.choice(self.charts))

    async def section(self) -> None:
        if self.charts:
            await self.ask(
                "section", self.chance.choice(self.charts) + "/" + self.chance.choice(("labs", "notes", "drugs", "orders"))
            )

    async def find(self) -> None:
        await self.ask("search", f"/search?q={self.chance.choice(WORDS)}")

    async def worklist(self) -> None:
        await self.ask("worklist", "/today")

    async def clinic(self) -> None:
        await self.ask("clinic", "/clinic")

    async def order(self) -> None:
        await self.ask("order box", f"/orders/search?q={self.chance.choice(('para', 'cong thuc mau', 'x quang', 'amox', 'kali'))}")

    async def beds(self) -> None:
        await self.ask("beds", "/ward")

    async def grid(self) -> None:
        await self.ask("grid", "/ward/vitals")

    async def round(self) -> None:
        await self.ask("drugs", "/ward/mar")

    async def vitals(self) -> None:
        if self.rows:
            c = self.chance
            values = {"pulse": str(c.randint(60, 110)), "temperature": f"36,{c.randint(1, 9)}", "spo2": str(c.randint(93, 99))}
            values |= {"systolic": str(c.randint(105, 150)), "diastolic": str(c.randint(60, 90)), "breaths": str(c.randint(14, 22))}
            await self.ask("vitals", "/ward/vitals", {**c.choice(self.rows), **values}, fine=(200, 204))

    async def desk(self) -> None:
        await self.ask("desk", "/reception")

    async def appointments(self) -> None:
        await self.ask("appointments", "/appointments")


Act = Callable[[Person], Awaitable[None]]
WORK: dict[str, tuple[tuple[Act, int], ...]] = {
    "doctor": ((Person.chart, 40), (Person.section, 15), (Person.worklist, 15), (Person.order, 20), (Person.clinic, 10)),
    "nurse": ((Person.beds, 35), (Person.vitals, 30), (Person.grid, 10), (Person.round, 10), (Person.chart, 15)),
    "clerk": ((Person.find, 60), (Person.desk, 20), (Person.worklist, 10), (Person.appointments, 10)),
}


async def signed_in(base: str, role: str) -> dict[str, str]:
    login = next(a.login for a in facilities.accounts() if a.role == role and a.organization_id == FACILITY)
    async with client(base, {}) as browser:
        answer = await browser.post("/sign-in", data={"name": login, "password": demo.PASSWORD})
        if answer.status_code != 303:
            raise SystemExit(f"sign-in of {login} failed: {answer.status_code}")
        return dict(browser.cookies)


def client(base: str, cookies: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base, cookies=cookies, headers={"Origin": base}, timeout=60, verify=False)


async def work(person: Person, role: str, pause: float, stop: asyncio.Event) -> None:
    acts, weights = zip(*WORK[role], strict=True)
    await asyncio.sleep(person.chance.random() * pause)
    while not stop.is_set():
        await person.chance.choices(acts, weights)[0](person)
        await asyncio.sleep(person.chance.uniform(0.5, 1.5) * pause)


async def day(port: int, users: int, seconds: float, pause: float) -> Book:
    base, book, stop = f"http://127.0.0.1:{port}", Book(), asyncio.Event()
    people: list[tuple[Person, str]] = []
    for role, share in SHARES.items():
        cookies = await signed_in(base, role)
        known = Person(client(base, cookies), book, random.Random(role))
        await known.learn()
        for n in range(max(1, round(users * share))):
            person = Person(client(base, cookies), book, random.Random(f"{role}{n}"))
            person.charts, person.rows = known.charts, known.rows
            people.append((person, role))
    async with asyncio.TaskGroup() as group:
        for person, role in people:
            group.create_task(work(person, role, pause, stop))
        await asyncio.sleep(1.5 * pause)  # plans are made, vocabularies read
        book.on = True
        await asyncio.sleep(seconds)
        book.on = False
        stop.set()
    for person, _ in people:
        await person.client.aclose()
    return book


def main() -> None:
    given = options(
        users=(int, 200, "people at work"),
        seconds=(float, 60.0, "how long"),
        pause=(float, 8.0, "seconds that a person thinks, on average"),
        people=(int, 300, "patients of the demo city"),
        keep=(Path, None, "a folder for the record, kept and used again"),
    )
    print(machine())
    with place(given.keep) as here:
        fill(here, given.people)
        with serving(here.app, 2) as port:
            ready(port)
            book = asyncio.run(day(port, given.users, given.seconds, given.pause))
    asked = sum(len(t) for t in book.took.values())
    print(f"{given.users} people, {asked:,} requests in {given.seconds:.0f} s ({asked / given.seconds:.0f}/s)")
    for kind, took in sorted(book.took.items()):
        took.sort()
        half, most = took[len(took) // 2], took[int(len(took) * 0.95)]
        print(f"  {kind:14}{len(took):6,} times, half within {half:6.1f} ms, 95 % within {most:6.1f} ms, {book.sent[kind]:,} bytes")
    for kind, bar in BARS.items():
        took = book.took.get(kind, [])
        if not took:
            raise SystemExit(f"{kind} was never asked: no figure")
        say(f"{kind}, 95 % within", took[int(len(took) * 0.95)], "ms", bar, at_most=True)
    say("the largest page, on the wire", max(book.sent.values()), "bytes", HEAVY, at_most=True)
    print(f"errors: {len(book.wrong)}" + "".join(f"\n  {w}" for w in sorted(set(book.wrong))[:10]))


if __name__ == "__main__":
    main()
