"""A record that fills by hand gets its dictionary from the background work, and every process can read what was packed with it."""

from __future__ import annotations

import asyncio

from longbien.app import work
from longbien.record import codec
from longbien.record.change import Create, Manner
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.write import commit


async def test_the_dictionary_is_made_once_there_is_enough(engine: Engine, record_urls: tuple[str, str]) -> None:
    scope, manner = system("test"), Manner(checked=True, references="trust")
    early = [Create({"resourceType": "Patient", "name": [{"text": f"Nguyễn Thị {n}"}]}) for n in range(5000)]
    await commit(engine, scope, early, manner)
    stop = asyncio.Event()
    background = asyncio.create_task(work(record_urls[1], stop))
    for _ in range(400):
        if await engine.db.fetchval("SELECT count(*) FROM zdict"):
            break
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(background, 20)
    other = await Engine.open(record_urls[1], services=False)
    try:
        assert other.codec.trained
        body = b'{"resourceType":"Patient","id":"x","name":[{"text":"Nguy\xe1\xbb\x85n Th\xe1\xbb\x8b 77"}]}'
        frame = other.codec.pack(body)
        assert other.codec.dictionary_of(frame) != 0
        assert not engine.codec.knows(other.codec.dictionary_of(frame))
        assert await engine.unpack(frame) == body, "a process that was open before learns it when it meets it"
        assert len(frame) < len(codec.Codec().pack(body))
    finally:
        await other.close()
