"""A process without pages tells those that have some: what background work writes is seen by who looks at it."""

from __future__ import annotations

import asyncio

import pytest

from longbien.base.ids import patient_key
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.live import News
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_engine_that_listens_to_nobody_still_tells(engine: Engine, record_urls: tuple[str, str]) -> None:
    heard: asyncio.Queue[News] = asyncio.Queue()
    done = engine.live.listen(patient_key("live-bg"), heard.put_nowait)
    behind = await Engine.open(record_urls[1], services=False)
    behind.live.start(hears=False)
    try:
        for name in ("Lụa", "Lụa Đinh"):
            await Store(behind, system("test")).commit(
                [Update({"resourceType": "Patient", "id": "live-bg", "name": [{"text": name}]})]
            )
        assert (await asyncio.wait_for(heard.get(), 15)).type == "Patient"
    finally:
        done()
        await behind.close()
