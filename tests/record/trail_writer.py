"""A process of its own that writes trail lines until it is killed: `python trail_writer.py URL ACTOR`. Prints a number for
every batch of lines after it is durable."""

from __future__ import annotations

import asyncio
import sys

from longbien.base.db import Database
from longbien.record import trail
from longbien.record.scope import Scope


async def write(url: str, actor: int) -> None:
    db = await Database.open(url)
    own = trail.Trail(db)
    own.start()
    scope = Scope(actor, "writer", "TREAT", "writing")
    done = 0

    async def one(n: int) -> None:
        nonlocal done
        while True:
            await own.write([trail.line(scope, "read", rid=n, why=f"{actor} {n}")] * (1 + n % 3))
            done += 1 + n % 3
            print(done, flush=True)

    await asyncio.gather(*(one(n) for n in range(6)))


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], int(sys.argv[2])))
