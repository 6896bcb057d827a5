"""Bulk export: asked for, made by the background worker's own handler, fetched; whole, scoped, expiring."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from longbien.access import later
from longbien.access.tokens import create_token
from longbien.app import App, create_app
from longbien.base.blobs import Blobs
from longbien.record import export
from longbien.record.change import Create, Update
from longbien.record.inside import inside
from longbien.record.scope import Scope, system
from longbien.record.store import Store

BASE = "http://hanoi.test"
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def folder_of_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(record_urls: tuple[str, str], folder_of_data: Path) -> AsyncIterator[App]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGBIEN_DATA", str(folder_of_data))
        made = create_app(record_urls[1])
        async with made.router.lifespan_context(made):
            yield made


def blobs(folder: Path) -> Blobs:
    return Blobs(folder / "blobs" / "export")


async def work(app: App, folder: Path) -> None:
    """What the worker does with the jobs that wait."""
    engine = app.state.engine
    handler = export.job(engine, blobs(folder), 1.0, partial(later.again, app.state.door))
    for row in await engine.db.fetch("SELECT id, payload FROM job WHERE queue = $1 AND dead IS NULL", export.QUEUE):
        while await handler(json.loads(row["payload"])) is not None:
            pass
        await engine.db.execute("DELETE FROM job WHERE id = $1", row["id"])


async def make(app: App, client: httpx.AsyncClient, folder: Path, path: str) -> tuple[str, dict[str, Any]]:
    """Where its state is asked for, and the manifest."""
    answer = await client.get(f"/fhir/{path}", headers=ASYNC)
    assert answer.status_code == 202, answer.text
    place = answer.headers["content-location"].removeprefix(BASE)
    waiting = await client.get(place)
    assert waiting.status_code == 202 and waiting.headers["x-progress"] and int(waiting.headers["retry-after"]) > 0
    await work(app, folder)
    done = await client.get(place)
    assert done.status_code == 200 and done.headers["content-type"] == "application/json" and done.headers["expires"]
    return place, done.json()


async def lines(client: httpx.AsyncClient, manifest: dict[str, Any], kind: str = "output") -> list[dict[str, Any]]:
    found = []
    for one in manifest.get(kind, ()):
        answer = await client.get(one["url"].removeprefix(BASE), headers={"Accept": "application/fhir+ndjson"})
        assert answer.status_code == 200 and answer.headers["content-type"] == "application/fhir+ndjson"
        assert int(answer.headers["content-length"]) == len(answer.content)
        own = [json.loads(line) for line in answer.text.splitlines()]
        assert len(own) == one["count"] and {r["resourceType"] for r in own} == {one["type"]}
        found += own
    return found


def names(resources: list[dict[str, Any]]) -> set[str]:
    return {f"{r['resourceType']}/{r['id']}" for r in resources}


async def put(client: httpx.AsyncClient, resource: dict[str, Any]) -> None:
    answer = await client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert answer.status_code in (200, 201), answer.text


async def fill(client: httpx.AsyncClient) -> None:
    await put(client, {"resourceType": "Organization", "id": "ex-hospital", "name": "Bệnh viện"})
    for one in ("ex-1", "ex-2"):
        await put(client, {"resourceType": "Patient", "id": one, "gender": "male"})
        for status in ("final", "preliminary"):
            await put(client, {
                "resourceType": "Observation", "id": f"{one}-{status}", "status": status, "code": {"text": "Kali"},
                "subject": {"reference": f"Patient/{one}"},
            })  # fmt: skip
    group = {"resourceType": "Group", "id": "ex-group", "type": "person", "actual": True}
    await put(client, group | {"member": [{"entity": {"reference": "Patient/ex-2"}}]})


OF_2 = {"Patient/ex-2", "Observation/ex-2-final", "Observation/ex-2-preliminary"}
OF_ALL = OF_2 | {name.replace("ex-2", "ex-1") for name in OF_2}


async def test_the_whole_record_some_types_patients_and_a_group(app: App, client: httpx.AsyncClient, folder_of_data: Path) -> None:
    await fill(client)
    _, manifest = await make(app, client, folder_of_data, "$export")
    assert manifest["requiresAccessToken"] is True and manifest["request"] == f"{BASE}/fhir/$export"
    found = await lines(client, manifest)
    assert names(found) == OF_ALL | {"Organization/ex-hospital", "Group/ex-group"}
    for one in found:
        assert one == (await client.get(f"/fhir/{one['resourceType']}/{one['id']}")).json()
    for path, expected in (
        ("$export?_type=Patient,Group", {"Patient/ex-1", "Patient/ex-2", "Group/ex-group"}),
        ("Patient/$export", OF_ALL | {"Group/ex-group"}),  # a Group is in its members' compartments
        ("Group/ex-group/$export", OF_2 | {"Group/ex-group"}),
        ("Patient/$export?patient=Patient/ex-1&_type=Observation", {"Observation/ex-1-final", "Observation/ex-1-preliminary"}),
        (
            "$export?_type=Observation&_typeFilter=Observation%3Fstatus%3Dfinal",
            {"Observation/ex-1-final", "Observation/ex-2-final"},
        ),
        ("$export?_since=2099-01-01", set()),
    ):
        _, manifest = await make(app, client, folder_of_data, path)
        assert names(await lines(client, manifest)) == expected, path


async def test_it_is_the_record_as_it_was_when_it_was_asked_for(app: App, client: httpx.AsyncClient, folder_of_data: Path) -> None:
    await fill(client)
    before = (await client.get("/fhir/Patient/ex-1")).json()
    answer = await client.get("/fhir/$export?_type=Patient", headers=ASYNC)
    place = answer.headers["content-location"].removeprefix(BASE)
    await put(client, before | {"gender": "other"})
    await put(client, {"resourceType": "Patient", "id": "ex-late"})
    assert (await client.delete("/fhir/Patient/ex-late")).status_code in (200, 204)
    await work(app, folder_of_data)
    found = await lines(client, (await client.get(place)).json())
    assert [p for p in found if p["id"] == "ex-1"] == [before] and "Patient/ex-late" not in names(found)
    _, manifest = await make(
        app, client, folder_of_data, f"$export?_type=Patient&_since={before['meta']['lastUpdated']}".replace("+", "%2B")
    )
    deleted = await lines(client, manifest, "deleted")
    assert {e["request"]["url"] for b in deleted for e in b["entry"]} == {"Patient/ex-late"}


async def test_parts_go_on_where_a_worker_died(
    app: App, client: httpx.AsyncClient, folder_of_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(client)
    monkeypatch.setattr(export, "CHUNK", 2)
    monkeypatch.setattr(export, "PART_ROWS", 2)
    kept, calls = export._keep, 0

    async def dies(*args: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("the power went")
        return await kept(*args)

    monkeypatch.setattr(export, "_keep", dies)
    answer = await client.get("/fhir/Patient/$export", headers=ASYNC)
    with pytest.raises(RuntimeError):
        await work(app, folder_of_data)
    half = await client.get(answer.headers["content-location"].removeprefix(BASE))
    assert half.status_code == 202 and half.headers["x-progress"].endswith("%, 2 resources")
    await work(app, folder_of_data)
    manifest = (await client.get(answer.headers["content-location"].removeprefix(BASE))).json()
    found = await lines(client, manifest)
    assert names(found) >= OF_ALL and len(found) == len(names(found))


async def test_only_who_asked_sees_it_and_it_can_be_taken_away(app: App, client: httpx.AsyncClient, folder_of_data: Path) -> None:
    await fill(client)
    place, manifest = await make(app, client, folder_of_data, "$export?_type=Patient")
    url = manifest["output"][0]["url"].removeprefix(BASE)
    token = await create_token(app.state.engine, "another machine")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=headers) as other:
        assert (await other.get(place)).status_code == 404 and (await other.get(url)).status_code == 404
        assert (await other.delete(place)).status_code == 404
    narrow = await create_token(app.state.engine, "rest tests", "system/Observation.read")  # the same machine, less allowed
    headers = {"Authorization": f"Bearer {narrow}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=headers) as less:
        assert (await less.get(url)).status_code == 403
        assert (await less.get("/fhir/$export?_type=Patient", headers=ASYNC)).status_code == 403
    assert (await client.delete(place)).status_code == 202
    assert (await client.get(place)).status_code == 404 and (await client.get(url)).status_code == 404
    await app.state.engine.db.execute("UPDATE export SET expires = now() - interval '1 hour'")
    await export.cleaner(app.state.engine, blobs(folder_of_data))({})
    assert not [p for p in blobs(folder_of_data).folder.rglob("*") if p.is_file()]


async def test_a_disabled_machine_gets_no_more(app: App, folder_of_data: Path) -> None:
    token = await create_token(app.state.engine, "gone machine")
    headers = {"Authorization": f"Bearer {token}", **ASYNC}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=headers) as gone:
        assert (await gone.get("/fhir/$export")).status_code == 202
    db = app.state.engine.db
    await db.execute("UPDATE account SET disabled = now() WHERE login = 'machine:gone-machine'")
    await work(app, folder_of_data)
    row = await db.fetchrow("SELECT state, files FROM export ORDER BY cut DESC LIMIT 1")
    assert row["state"] == "failed" and row["files"] == "[]"


async def test_whose_records_left_is_in_the_trail(app: App, client: httpx.AsyncClient, folder_of_data: Path) -> None:
    await fill(client)
    _, manifest = await make(app, client, folder_of_data, "$export?_type=Observation")
    await lines(client, manifest)
    rows = await app.state.engine.db.fetch("SELECT pat, n, why FROM audit WHERE kind = 10 ORDER BY seq DESC LIMIT 4")
    assert sum(r["n"] for r in rows if r["pat"] is not None) == 4
    assert any("fetched, 4 Observation" in r["why"] for r in rows)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("$export?_type=Nothing", 400),
        ("$export?_since=yesterday", 400),
        ("$export?_outputFormat=text/csv", 400),
        ("$export?_elements=id", 400),
        ("$export?_typeFilter=Observation", 400),
        ("$export?_typeFilter=Observation%3Fcolour%3Dred", 400),
        ("$export?_typeFilter=Observation%3F_sort%3Ddate", 400),
        ("$export?_type=Patient&_typeFilter=Observation%3Fstatus%3Dfinal", 400),
        ("$export?patient=Patient/ex-1", 400),
        ("Patient/$export?patient=nobody", 400),
        ("Group/none/$export", 404),
        ("Observation/$export", 404),
        ("$export-status", 400),
        ("$export-status?_id=none", 404),
        ("$export-file?_id=none&_file=0", 404),
    ],
)
async def test_wrong_questions(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.get(f"/fhir/{path}", headers=ASYNC)
    assert answer.status_code == status and answer.json()["resourceType"] == "OperationOutcome"
    assert (await client.get("/fhir/$export")).status_code == 400


async def test_what_was_being_written_is_in_this_export_or_in_the_next(
    app: App, client: httpx.AsyncClient, folder_of_data: Path
) -> None:
    await fill(client)
    state = (await client.get("/fhir/Patient/ex-1")).json() | {"active": True}
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        async with inside(Store(app.state.engine, system("test"))) as within:
            await within.commit([Update(state), Create({"resourceType": "Patient"}, id="ex-slow")])
            started.set()
            await go_on.wait()

    writing = asyncio.create_task(slowly())
    await started.wait()
    asked = await client.get("/fhir/$export?_type=Patient", headers=ASYNC)
    await asyncio.sleep(0.01)
    go_on.set()
    await writing  # it is there now, and its time lies before the question
    await work(app, folder_of_data)
    manifest = (await client.get(asked.headers["content-location"].removeprefix(BASE))).json()
    first = {p["id"]: p for p in await lines(client, manifest)}
    assert "ex-slow" not in first and "active" not in first["ex-1"], "not half of it"
    since = manifest["transactionTime"]
    _, manifest = await make(app, client, folder_of_data, f"$export?_type=Patient&_since={since}")
    second = {p["id"]: p for p in await lines(client, manifest)}
    assert "ex-slow" in second and second["ex-1"]["active"] is True


async def test_what_is_rare_is_looked_for_in_windows(
    app: App, client: httpx.AsyncClient, folder_of_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(client)
    monkeypatch.setattr(export, "WINDOW", 3)
    _, manifest = await make(app, client, folder_of_data, "$export?_type=Group")
    assert names(await lines(client, manifest)) == {"Group/ex-group"}


async def test_one_machine_has_so_many_under_way(app: App, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 0)
    answer = await client.get("/fhir/$export", headers=ASYNC)
    assert answer.status_code == 429 and answer.headers["retry-after"] == "60"


async def test_who_sees_less_by_now_gets_no_more_than_that(app: App, client: httpx.AsyncClient, folder_of_data: Path) -> None:
    """The work goes on in the name of an account that may have another role since it asked."""
    await fill(client)
    engine = app.state.engine
    answer = await client.get("/fhir/$export?_type=Patient", headers=ASYNC)

    async def less(said: Any, reason: str) -> Scope:
        return Scope(0, "less", "TREAT", reason, reads=None)

    (row,) = await engine.db.fetch("SELECT id, payload FROM job WHERE queue = $1 AND dead IS NULL", export.QUEUE)
    assert await export.job(engine, blobs(folder_of_data), 1.0, less)(json.loads(row["payload"])) is None
    await engine.db.execute("DELETE FROM job WHERE id = $1", row["id"])
    assert (await client.get(answer.headers["content-location"].removeprefix(BASE))).json()["output"] == []
