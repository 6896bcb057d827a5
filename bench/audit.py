"""What the trail costs: reads by id with and without their durable line, and the seal.

    PYTHONPATH=src python bench/audit.py [SECONDS]

Starts its own durable PostgreSQL (fsync on) in a temporary folder. Ratios are what to compare; the machine's own limits (commits
a second of one connection, reads without any line) are measured in the same run."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from longbien.access.door import Door
from longbien.access.settings import AccessSettings
from longbien.access.tokens import create_token
from longbien.base.migrate import migrate
from longbien.base.postgres import Embedded
from longbien.record import trail
from longbien.record.change import Create
from longbien.record.engine import Engine
from longbien.record.scope import Scope, system
from longbien.record.store import Store

READERS = 32


async def rate(work: Callable[[], Awaitable[object]], seconds: float, readers: int = READERS) -> tuple[float, float]:
    """(a second, p95 in ms) of `work` by so many at once."""
    end = time.perf_counter() + seconds
    took: list[float] = []

    async def one() -> None:
        while (started := time.perf_counter()) < end:
            await work()
            took.append(time.perf_counter() - started)

    await asyncio.gather(*(one() for _ in range(readers)))
    took.sort()
    return len(took) / seconds, took[int(len(took) * 0.95)] * 1000


class Silent(trail.Trail):
    """A trail that writes nothing: what reading would cost without one."""

    async def write(self, lines: object) -> None:
        return None


def say(what: str, found: tuple[float, float], than: float | None = None) -> None:
    ratio = "" if than is None else f"   {found[0] / than:6.2f} x"
    print(f"{what:56} {found[0]:9.0f} /s   p95 {found[1]:6.2f} ms{ratio}")


async def measure(url: str, seconds: float) -> None:
    engine = await Engine.open(url)
    door = Door(engine, AccessSettings())
    everything = Store(engine, system("bench"))
    ids = [f"p{n}" for n in range(500)]
    await everything.commit([Create({"resourceType": "Patient", "id": i}, id=i) for i in ids])
    n = 0

    def turn() -> str:
        nonlocal n
        n += 1
        return ids[n % len(ids)]

    one_line = "INSERT INTO audit (actor, action, kind) VALUES (0, 'R', 0)"
    commits = await rate(lambda: engine.db.execute(one_line), seconds, 1)
    say("limit: commits of one line, one connection", commits)
    token = await create_token(engine, "bench")
    request = {"type": "http", "method": "GET", "scheme": "http", "client": ("127.0.0.1", 1),
               "headers": [(b"host", b"x"), (b"authorization", f"Bearer {token}".encode())]}  # fmt: skip
    say("who is this: door.actor by token", await rate(lambda: door.actor(request), seconds))
    loud = engine.trail
    engine.trail = Silent(engine.db)
    without = await rate(lambda: everything.read("Patient", turn()), seconds)
    say("reads without a trail", without)
    engine.trail = loud
    before = await engine.db.fetchrow("SELECT count(*) AS n, count(DISTINCT xid) AS x FROM audit")
    with_ = await rate(lambda: everything.read("Patient", turn()), seconds)
    after = await engine.db.fetchrow("SELECT count(*) AS n, count(DISTINCT xid) AS x FROM audit")
    say("reads, each with a durable line", with_, without[0])
    say("  the same with a commit each: at most", (commits[0], 1000 / commits[0]), without[0])
    print(f"  lines in one commit: {(after['n'] - before['n']) / max(after['x'] - before['x'], 1):.1f}")
    lone = await rate(lambda: everything.read("Patient", turn()), seconds, 1)
    say("reads, each with a durable line, one reader", lone)

    async def through() -> None:
        await (await door.store(request)).read("Patient", turn())

    say("door and read, each with a durable line", await rate(through, seconds), without[0])
    scope = Scope(1, "bench", "TREAT", "bench")
    for _ in range(50):
        await engine.trail.write([trail.line(scope, "read", pat=1, rid=1, why="care at bv-sn")] * 4000)
    started = time.perf_counter()
    blocks = 0
    while await trail.seal(engine.db) is not None:
        blocks += 1
    sealed = time.perf_counter() - started
    total = await engine.db.fetchval("SELECT count(*) FROM audit")
    started = time.perf_counter()
    wrong = await trail.verify(engine.db)
    checked = time.perf_counter() - started
    size = await engine.db.fetchval("SELECT pg_total_relation_size('audit')")
    print(f"seal: {blocks} blocks left over in {sealed:.2f} s")
    print(f"verify: {total} lines in {checked:.2f} s ({total / checked:.0f} /s): {wrong or 'intact'}")
    print(f"the trail's size: {size / total:.0f} bytes a line, indexes included")
    await door.close()
    await engine.close()


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with tempfile.TemporaryDirectory(prefix="lb-") as folder, Embedded(Path(folder)) as server:
        server.create_database("bench")
        asyncio.run(migrate(server.url("postgres", "bench"), "longbien_app", server.password("longbien_app")))
        asyncio.run(measure(server.url("longbien_app", "bench"), seconds))


if __name__ == "__main__":
    main()
