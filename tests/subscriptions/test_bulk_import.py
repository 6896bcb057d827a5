"""$import, from the kick-off to the errors, with the real jobs and the importer's real processes."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from callers import machine
from receiver import receiver

from longbien.access.door import Door
from longbien.app import App
from longbien.base import jobs
from longbien.base.outside import Outside, OutsideSettings
from longbien.importer.bulk import Bulk
from longbien.record.engine import Engine

NDJSON = {"Content-Type": "application/fhir+ndjson"}


def lines(*resources: Any) -> bytes:
    return b"".join(r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in resources)


def patients(start: int, n: int) -> list[dict[str, Any]]:
    return [{"resourceType": "Patient", "id": f"imp-{k}", "gender": "female"} for k in range(start, start + n)]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def working(app: App, record_urls: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("data")
        patch.setenv("LONGBIEN_DATA", str(folder))
        engine = await Engine.open(record_urls[1], services=False)
        door = Door(engine)
        bulk = Bulk(engine, door, record_urls[1], Outside(OutsideSettings(hosts="127.0.0.0/8")), 10_000_000)
        stop = asyncio.Event()
        running = asyncio.create_task(jobs.Workers(engine.db, {"bulk.import": bulk.job}).run(stop))
        yield folder
        stop.set()
        await running
        await bulk.close()
        await door.close()
        await engine.close()


async def over(client: httpx.AsyncClient, kicked: httpx.Response, seconds: float = 60) -> httpx.Response:
    assert kicked.status_code == 202, kicked.text
    where = kicked.headers["content-location"]
    async with asyncio.timeout(seconds):
        while (answer := await client.get(where)).status_code == 202:
            assert answer.headers["x-progress"]
            await asyncio.sleep(0.1)
    return answer


async def test_a_body_of_ndjson_is_imported_and_what_is_refused_comes_back(client: httpx.AsyncClient) -> None:
    body = lines(*patients(0, 20), b"{broken\n", {"resourceType": "Patient", "id": "imp-bad", "gender": "F"})
    done = await over(client, await client.post("/fhir/$import", content=body, headers=NDJSON))
    assert done.status_code == 200, done.text
    manifest = done.json()
    assert manifest["output"] == [{"type": "Resource", "count": 20}]
    assert manifest["error"][0]["count"] == 2
    errors = await client.get(manifest["error"][0]["url"])
    found = [json.loads(line) for line in errors.text.splitlines()]
    assert [o["resourceType"] for o in found] == ["OperationOutcome"] * 2
    assert any("Line 21" in json.dumps(o) for o in found) and any("Line 22" in json.dumps(o) for o in found)
    assert (await client.get("/fhir/Patient/imp-19")).status_code == 200
    packed = await client.post(
        "/fhir/$import", content=gzip.compress(lines(*patients(20, 5))), headers=NDJSON | {"Content-Encoding": "gzip"}
    )
    assert (await over(client, packed)).json()["output"][0]["count"] == 5


async def test_files_are_fetched_from_where_they_are_said_to_be(client: httpx.AsyncClient) -> None:
    with receiver() as r:
        r.body = lines(*patients(100, 30))
        asked = {"resourceType": "Parameters", "parameter": [
            {"name": "inputFormat", "valueCode": "application/fhir+ndjson"},
            {"name": "input", "part": [{"name": "type", "valueCode": "Patient"}, {"name": "url", "valueUri": r.url}]},
        ]}  # fmt: skip
        manifest = (await over(client, await client.post("/fhir/$import", json=asked))).json()
        assert manifest["output"] == [{"type": "Patient", "count": 30, "inputUrl": r.url}] and manifest["error"] == []
        r.answer = lambda call: 404
        failed = await over(client, await client.post("/fhir/$import", json=asked))
        assert failed.status_code == 422 and "404" in failed.text


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ([], 400),
        ([{"name": "input", "part": [{"name": "type", "valueCode": "Patient"}]}], 400),
        ([{"name": "input", "valueString": "x"}], 400),
        ([{"name": "input", "part": [{"name": "url", "valueUri": "http://10.0.0.1/"}]}], 400),
        ([{"name": "inputFormat", "valueCode": "csv"}], 400),
    ],
)  # fmt: skip
async def test_a_wrong_import_is_refused(client: httpx.AsyncClient, given: Any, status: int) -> None:
    answer = await client.post("/fhir/$import", json={"resourceType": "Parameters", "parameter": given})
    assert answer.status_code == status and answer.json()["resourceType"] == "OperationOutcome", answer.text


async def test_only_who_asked_is_told_and_may_stop_it(app: App, client: httpx.AsyncClient) -> None:
    kicked = await client.post("/fhir/$import", content=lines(*patients(200, 1)), headers=NDJSON)
    where = kicked.headers["content-location"]
    async with await machine(app, "curious") as other:
        assert (await other.get(where)).status_code == 404
        assert (await other.delete(where)).status_code == 404
    assert (await client.delete(where)).status_code == 202
    assert (await over(client, kicked)).status_code in (200, 410)
    for bad in ("", "?_id=../x", "?_id=nobody"):
        assert (await client.get(f"/fhir/$import-status{bad}")).status_code == 404
    empty = await client.post("/fhir/$import", content=b"", headers=NDJSON)
    assert empty.status_code == 400
    file = await client.get(where.replace("$import-status", "$import-file") + "&_file=../../x")
    assert file.status_code == 404
