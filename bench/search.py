"""Finding a patient among 100,000 as people search: the page of results for a signed-in doctor, over a mix of questions."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from urllib.parse import quote

import asyncpg

from chart import Browser
from city import patients, write
from longbien.base import clock
from longbien.base.fold import fold
from longbien.demo import city as demo
from longbien.demo import people as persons
from longbien.demo import population
from longbien.record.engine import Engine
from place import Place, machine, options, place, say
from read import ready, serving

BAR = 30.0


def fill(here: Place, people: int) -> None:
    """`people` Patients of the demo's generator through the ordinary door, and the demo's logins."""
    if (here.folder / "people.done").exists():
        return
    demo.fill(here.app, patients=0, seed=1)
    began = time.perf_counter()
    n = asyncio.run(write(here.app, patients(people, 1, population.demo_day(clock.now()))))
    asyncio.run(_settle(here.app))
    print(f"{n:,} Patients in {time.perf_counter() - began:.0f} s", flush=True)
    (here.folder / "people.done").touch()


async def _settle(url: str) -> None:
    engine = await Engine.open(url, services=False)
    await engine.db.execute("SELECT record_analyze()")
    await engine.close()


def questions(people: int, each: int) -> dict[str, list[str]]:
    """By kind: the questions. Made of people who are there, so that each finds somebody."""
    chance = random.Random(20)
    today = population.demo_day(clock.now())
    made: dict[str, list[str]] = {}

    def add(kind: str, text: str) -> None:
        made.setdefault(kind, []).append(text)

    for _ in range(each):
        who = next(iter(persons.resources(population.who(chance.randrange(people), 1, today), today)))
        name = str(who["name"][0]["text"])
        words = name.split()
        year = str(who["birthDate"])[:4]
        numbers = [str(i["value"]) for i in who.get("identifier", ())]
        phones = [str(t["value"]) for t in who.get("telecom", ()) if t.get("system") == "phone"]
        add("as written, with tones", name)
        add("without tones", fold(name))
        add("in another order", " ".join(reversed(fold(name).split())))
        add("two words, half typed", f"{fold(words[0])[:2]} {fold(words[-1])[:3]}")
        add("one common word", fold(words[0]))
        add("given name and year", f"{fold(words[-1])} {year}")
        add("name and year", f"{fold(name)} {year}")
        add("a typing slip", _slip(fold(name), chance))
        add("nobody", f"zq{chance.randrange(1000)} {fold(words[-1])}")
        if numbers:
            add("a citizen ID or card", numbers[0])
            add("the last digits of a number", numbers[0][-6:])
        if phones:
            add("a telephone", phones[0])
    return made


def _slip(text: str, chance: random.Random) -> str:
    """One letter of the longest word left out, doubled or swapped with its neighbour."""
    words = text.split()
    at = max(range(len(words)), key=lambda n: len(words[n]))
    w = words[at]
    n = chance.randrange(1, max(2, len(w) - 1))
    words[at] = chance.choice((w[:n] + w[n + 1 :], w[:n] + w[n] + w[n:], w[:n] + w[n + 1 : n + 2] + w[n] + w[n + 2 :]))
    return " ".join(words)


async def floor(url: str) -> float:
    """Milliseconds of one empty statement: the round trip."""
    connection = await asyncpg.connect(url)
    began = time.perf_counter()
    for _ in range(500):
        await connection.fetchval("SELECT 1")
    took = (time.perf_counter() - began) / 500 * 1000
    await connection.close()
    return took


def main() -> None:
    given = options(
        people=(int, 100_000, "patients in the record"),
        each=(int, 60, "questions of each kind"),
        keep=(Path, None, "a folder for the record, kept and used again"),
    )
    print(machine())
    with place(given.keep) as here:
        fill(here, given.people)
        with serving(here.app, 2) as port:
            ready(port)
            browser = Browser(port)
            browser.sign_in(demo.LOGINS[0].name, demo.PASSWORD)
            asked = questions(given.people, given.each)
            everything: list[float] = []
            for kind in asked:  # the vocabulary is read once a process, plans are made
                for text in asked[kind][:5]:
                    browser.ask("GET", f"/search?q={quote(text)}")
            rows = []
            for kind, texts in asked.items():
                took = []
                for text in texts:
                    began = time.perf_counter()
                    status, _, _ = browser.ask("GET", f"/search?q={quote(text)}")
                    took.append((time.perf_counter() - began) * 1000)
                    if status != 200:
                        raise SystemExit(f"{text}: {status}")
                took.sort()
                everything += took
                rows.append((kind, took[len(took) // 2], took[int(len(took) * 0.95)]))
        trip = asyncio.run(floor(here.app))
        everything.sort()
        say("patient search, 95 % within", everything[int(len(everything) * 0.95)], "ms", BAR, at_most=True)
        print(
            f"half within {everything[len(everything) // 2]:.1f} ms, {len(everything)} questions; an empty statement: {trip:.2f} ms"
        )
        for kind, half, most in rows:
            print(f"  {kind:32} half within {half:6.1f} ms, 95 % within {most:6.1f} ms")


if __name__ == "__main__":
    main()
