"""The importer's own processes index by this house's search parameters, also by one stored while they are at work."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from longbien.importer.run import Import
from longbien.record import reindex
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

URL = "http://hanoi.example/fhir"


def parameter(code: str) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter", "id": code, "url": f"{URL}/SearchParameter/{code}", "name": code, "status": "active",
        "description": code, "code": code, "base": ["Patient"], "type": "string",
        "expression": f"Patient.extension.where(url = '{URL}/{code}').value as string",
    }  # fmt: skip


def person(n: int) -> dict[str, Any]:
    extensions = [{"url": f"{URL}/{code}", "valueString": f"Họ {n}"} for code in ("clan", "late")]
    return {"resourceType": "Patient", "id": f"p{n}", "extension": extensions}


async def passes(engine: Engine) -> None:
    while await engine.db.fetchval(reindex.Q.waiting):
        if not await reindex.step(engine):
            await asyncio.sleep(0.02)


async def count(engine: Engine, code: str) -> int | None:
    return (await Store(engine, system("t")).search("Patient", [(code, "ho"), ("_summary", "count")], handling="strict")).total


async def test_imported_resources_are_found_by_it(engine: Engine, record_urls: tuple[str, str], tmp_path: Path) -> None:
    store = Store(engine, system("t"))
    await store.commit([Update(parameter("clan"))])
    await passes(engine)
    source = tmp_path / "people.ndjson"
    source.write_text("".join(json.dumps(person(n), ensure_ascii=False) + "\n" for n in range(3000)), encoding="utf-8")
    seen = asyncio.Event()
    loop = asyncio.get_running_loop()

    def progress(name: str, read: int, size: int, resources: int) -> None:
        loop.call_soon_threadsafe(seen.set)

    importing = asyncio.create_task(
        asyncio.to_thread(Import(record_urls[1], system("import"), tmp_path, workers=1, progress=progress).run, [source])
    )
    waiting = asyncio.create_task(seen.wait())
    await asyncio.wait({importing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    await store.commit([Update(parameter("late"))])
    summary = await importing
    waiting.cancel()
    assert (summary.accepted, summary.rejected) == (3000, 0)
    assert await count(engine, "clan") == 3000
    await passes(engine)
    assert await count(engine, "late") == 3000
