"""History of a type and of the whole record, and the parameters of all histories. tests/record/test_history.py: whose rows."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import httpx
import pytest_asyncio

from longbien.base import clock


def says(answer: httpx.Response, status: int, code: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert code is None or answer.json()["issue"][0]["code"] == code, answer.text


async def pages(client: httpx.AsyncClient, url: str) -> list[list[dict[str, Any]]]:
    found = []
    next_: str | None = url
    while next_:
        answer = await client.get(next_)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["resourceType"] == "Bundle" and page["type"] == "history"
        found.append(page.get("entry", []))
        next_ = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    return found


def told(entries: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """(method, Type/id, version)"""
    shown = []
    for e in entries:
        of = e["fullUrl"].removeprefix("http://hanoi.test/fhir/")
        shown.append((e["request"]["method"], of, e["response"]["etag"][3:-1]))
        assert ("resource" in e) == (e["request"]["method"] != "DELETE") and e["response"]["lastModified"]
    return shown


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def written(client: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    """What was done, in order."""
    done: list[tuple[str, str, str]] = []

    async def put(type: str, n: int) -> None:
        body = {"resourceType": type, "id": f"h-{n}"} | ({"code": {"text": "x"}} if type == "Basic" else {})
        answer = await client.put(f"/fhir/{type}/h-{n}", json=body)
        method = "POST" if answer.status_code == 201 else "PUT"
        done.append((method, f"{type}/h-{n}", answer.json()["meta"]["versionId"]))
        await asyncio.sleep(0.002)

    for n in range(6):
        await put("Basic", n)
    await put("Patient", 1)
    await put("Basic", 2)
    gone = await client.delete("/fhir/Basic/h-3")
    done.append(("DELETE", "Basic/h-3", gone.headers["etag"][3:-1]))
    await asyncio.sleep(0.002)
    await put("Patient", 1)
    await put("Basic", 3)
    return done


async def test_a_types_history_is_newest_first_with_deletions(client: httpx.AsyncClient, written: list[Any]) -> None:
    (page,) = await pages(client, "/fhir/Basic/_history")
    assert told(page) == [w for w in reversed(written) if w[1].startswith("Basic")]


async def test_the_systems_history_has_every_type(client: httpx.AsyncClient, written: list[Any]) -> None:
    (page,) = await pages(client, "/fhir/_history")
    assert told(page) == list(reversed(written))
    head = await client.head("/fhir/_history")
    assert head.status_code == 200 and head.content == b""


async def test_pages_hold_every_version_once_while_others_write(client: httpx.AsyncClient, written: list[Any]) -> None:
    for url, of in (("/fhir/_history?_count=3", ""), ("/fhir/Basic/_history?_count=2", "Basic")):
        seen: list[tuple[str, str, str]] = []
        next_: str | None = url
        while next_:
            page = (await client.get(next_)).json()
            assert len(page["entry"]) <= 3
            seen += told(page["entry"])
            next_ = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
            await client.post("/fhir/Account", json={"resourceType": "Account", "status": "active"})
        assert [s for s in seen if not s[1].startswith("Account")] == [w for w in reversed(written) if w[1].startswith(of)]


async def test_since_and_at(client: httpx.AsyncClient, written: list[Any]) -> None:
    (page,) = await pages(client, "/fhir/Basic/_history")
    times = [e["response"]["lastModified"] for e in page]
    (newer,) = await pages(client, f"/fhir/Basic/_history?_since={times[2].replace('+', '%2B')}")
    assert told(newer) == told(page)[:3]
    assert await pages(client, "/fhir/Basic/_history?_since=2999-01-01T00:00:00Z") == [[]]
    (then,) = await pages(client, f"/fhir/Basic/_history?_at={times[3].replace('+', '%2B')}")
    assert told(then) == told(page)[3:], "the first six, each the current one then"
    day = clock.local(datetime.fromisoformat(times[0])).date()  # a date without a zone is one of Hanoi
    (today,) = await pages(client, f"/fhir/Basic/_history?_at={day}")
    assert told(today) == told(page)
    (now,) = await pages(client, f"/fhir/Basic/_history?_at={times[0].replace('+', '%2B')}")
    assert told(now)[:2] == [("POST", "Basic/h-3", "3"), ("PUT", "Basic/h-2", "2")]
    assert told(now)[2:] == [("POST", f"Basic/h-{n}", "1") for n in (5, 4, 1, 0)]
    assert await pages(client, "/fhir/Basic/_history?_at=1999") == [[]]


async def test_since_and_at_of_one_resource(client: httpx.AsyncClient, written: list[Any]) -> None:
    (page,) = await pages(client, "/fhir/Basic/h-3/_history")
    assert [t[0] for t in told(page)] == ["POST", "DELETE", "POST"]
    first, gone, back = (e["response"]["lastModified"].replace("+", "%2B") for e in reversed(page))
    for asked, versions in (
        (f"_since={gone}", ["3", "2"]), (f"_at={first}", ["1"]), (f"_at={gone}", ["2"]), (f"_at={back}", ["3"]), ("_at=2001", []),
    ):  # fmt: skip
        (found,) = await pages(client, f"/fhir/Basic/h-3/_history?{asked}")
        assert [t[2] for t in told(found)] == versions, asked
    assert await pages(client, "/fhir/Basic/h-3/_history?_since=2999-01-01T00:00:00Z") == [[]]
    says(await client.get("/fhir/Basic/never-was/_history?_since=2999-01-01T00:00:00Z"), 404)
    says(await client.get("/fhir/Basic/h-3/_history?_summary=count&_at=2001"), 400, "not-supported")


async def test_many_versions_of_one_moment_are_paged_through(client: httpx.AsyncClient) -> None:
    entries = [
        {"resource": {"resourceType": "Group", "type": "person", "actual": False}, "request": {"method": "POST", "url": "Group"}}
    ]
    made = await client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries * 25})
    assert made.status_code == 200
    found = await pages(client, "/fhir/Group/_history?_count=4")
    assert [len(p) for p in found] == [4] * 6 + [1]
    assert len({t for p in found for t in told(p)}) == 25


async def test_what_has_no_meaning_is_refused(client: httpx.AsyncClient) -> None:
    for at in ("/fhir/Basic/h-3/_history", "/fhir/Basic/_history", "/fhir/_history"):
        for asked in ("_since=tomorrow", "_since=2026-13-45", "_count=-1", "_count=x", "_at=ge2020", "_at=", "_below=x", "_below=-",
                      "_count=1&_count=2", "_since=2020&_since=2021", "_at=2020&_at=2021"):  # fmt: skip
            says(await client.get(f"{at}?{asked}"), 400)
        says(await client.get(f"{at}?_list=List/1"), 400, "not-supported")
        says(await client.get(f"{at}?colour=red", headers={"Prefer": "handling=strict"}), 400, "not-supported")
        assert (await client.get(f"{at}?colour=red")).status_code == 200
        says(await client.post(at, json={}), 405)
    for at in ("/fhir/Basic/_history", "/fhir/_history"):
        says(await client.get(f"{at}?_summary=count"), 400, "not-supported")
        says(await client.get(f"{at}?_below=999999999999999999-1-1"), 400)
    says(await client.get("/fhir/Nonsense/_history"), 404)
    says(await client.get("/fhir/AuditEvent/_history"), 404)
    says(await client.get("/fhir/Parameters/_history"), 404)
