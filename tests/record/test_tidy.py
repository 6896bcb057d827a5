"""Terms that wait outside their index are sorted in, and found all the while."""

from __future__ import annotations

from longbien.record.change import Create
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.record.tidy import tidy


async def test_what_waits_outside_the_index_is_sorted_in(engine: Engine) -> None:
    store = Store(engine, system("test"))
    one = {"resourceType": "Patient", "identifier": [{"system": "urn:tidy", "value": "T1"}]}
    await tidy(engine.db)
    await store.commit([Create(one)])

    async def found() -> int:
        return len((await store.search("Patient", [("identifier", "urn:tidy|T1")])).entries)

    assert await found() == 1
    assert await tidy(engine.db) > 0
    assert await tidy(engine.db) == 0
    assert await found() == 1
