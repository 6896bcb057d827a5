"""A second web process, as far as the door is concerned: reads "<cookie> <patient>" lines, says who that is and what opens."""

from __future__ import annotations

import asyncio
import sys

from at_the_door import CHEAP, request

from longbien.access.door import Door
from longbien.base.errors import LongbienError
from longbien.record.engine import Engine


async def main(url: str) -> None:
    engine = await Engine.open(url, services=False)
    door = Door(engine, CHEAP)
    loop = asyncio.get_running_loop()
    while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        cookie, patient = line.split(" ")
        try:
            actor = await door.actor(request(cookie=cookie))
            await (await door.store_for(actor)).read("Patient", patient)
            said = f"{actor.role} opens"
        except LongbienError as error:
            said = type(error).__name__
        sys.stdout.write(said + "\n")
        sys.stdout.flush()
    await door.close()
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
