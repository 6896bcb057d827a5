"""kill -9 in the middle of a pass: started again it goes on where it was, and ends complete."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import Any

from longbien.base.progress import Progress
from longbien.commands.reindex import again
from longbien.record import reindex
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

N = 1500
SLOWLY = """
import asyncio, sys
from longbien.base.progress import Progress
from longbien.commands.reindex import again
from longbien.record import reindex
reindex.BATCH = 20
asyncio.run(again(sys.argv[1], [], True, Progress("t")))
"""
PARAMETER: dict[str, Any] = {
    "resourceType": "SearchParameter", "id": "sort", "url": "http://x.example/SearchParameter/sort", "name": "sort",
    "status": "active", "description": "x", "code": "nick", "base": ["Patient"], "type": "string",
    "expression": "Patient.name.where(use = 'nickname').text",
}  # fmt: skip


async def test_it_goes_on_where_it_was(engine: Engine, record_urls: tuple[str, str]) -> None:
    store = Store(engine, system("t"))
    people = [{"resourceType": "Patient", "id": f"k{n}", "name": [{"use": "nickname", "text": f"Tí {n}"}]} for n in range(N)]
    await store.commit([Update(p) for p in people], Manner(checked=True, summarise=True))
    await store.commit([Update(PARAMETER)])
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, record_urls[1]], env=os.environ | {"LONGBIEN_LOG": "ERROR"})
    done = 0
    for _ in range(600):
        done = sum(p.done for p in await reindex.progress(engine))
        if done:
            break
        await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    done = sum(p.done for p in await reindex.progress(engine))
    assert 0 < done < N, "killed in the middle"
    with Progress("t") as bar:
        looked, changed = await again(record_urls[1], [], True, bar)
    assert (looked, changed) == (N, N), "each was gone over once"
    found = await store.search("Patient", [("nick", "ti"), ("_summary", "count")], handling="strict")
    assert found.total == N
