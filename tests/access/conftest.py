"""A door with cheap passwords, on the module's own database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from at_the_door import CHEAP

from longbien.access.door import Door
from longbien.record.engine import Engine


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(engine: Engine) -> AsyncIterator[Door]:
    made = Door(engine, CHEAP)
    yield made
    await made.close()
