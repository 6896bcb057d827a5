"""The database is away, or says nothing: a clear 503 within the set patience, and recovery by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from real_house import BUILT, House, a_doctor, house, until

pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="the FHIR definitions are not built: make build")
STATEMENT, LINE = 3.0, 4.0
"""Seconds: LONGBIEN_STATEMENT_TIMEOUT and LONGBIEN_ACQUIRE_TIMEOUT of this house."""
PATIENCE = STATEMENT + 5 + LINE + 3
"""Seconds after which everybody has an answer: the statement, the silence, the wait in line, and a slow machine."""
POOLS = 2 * (8 + 6)
PATIENT: dict[str, Any] = {"resourceType": "Patient", "name": [{"text": "Phạm Thị Vắng"}]}


@pytest.fixture
def running(data_folder: Path) -> Iterator[House]:
    with house(data_folder / "d", LONGBIEN_STATEMENT_TIMEOUT=str(STATEMENT), LONGBIEN_ACQUIRE_TIMEOUT=str(LINE)) as made:
        yield made


@pytest_asyncio.fixture
async def client(running: House) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {running.token('gone')}"}
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=running.address, headers=headers, timeout=60, limits=limits) as made:
        yield made


@pytest_asyncio.fixture
async def browser(running: House) -> AsyncIterator[httpx.AsyncClient]:
    """Without the token: comes with a cookie."""
    async with httpx.AsyncClient(base_url=running.address, timeout=60) as made:
        yield made


@contextlib.contextmanager
def nobody_restarts(running: House) -> Iterator[None]:
    """`up` is held still, so that a killed database stays away."""
    assert running.process is not None
    os.kill(running.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(running.process.pid, signal.SIGCONT)


def says_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, f"{answer.status_code} {answer.text[:300]}"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["resourceType"] == "OperationOutcome" and answer.json()["issue"][0]["code"] == "transient"


async def all_well(client: httpx.AsyncClient, id_: str) -> bool:
    answers = await asyncio.gather(*(client.get(f"/fhir/Patient/{id_}") for _ in range(60)))
    return {a.status_code for a in answers} == {200}


async def connections(running: House) -> int:
    connection = await asyncpg.connect(running.server.superuser_url)
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'longbien'")
        return count
    finally:
        await connection.close()


def bundle(type: str) -> dict[str, Any]:
    return {
        "resourceType": "Bundle", "type": type, "entry": [{"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}],
    }  # fmt: skip


async def test_without_a_database_everything_says_503_at_once_and_comes_back(
    running: House, client: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    id_ = (await client.post("/fhir/Patient", json=PATIENT)).json()["id"]
    web = sorted(running.pids("web"))
    for _ in range(3):
        with nobody_restarts(running):
            os.kill(running.pids("postmaster")[0], signal.SIGKILL)
            await asyncio.sleep(1.2)  # who came in within the last second is still remembered
            begun = time.monotonic()
            answers = await asyncio.gather(
                *(client.get(f"/fhir/Patient/{id_}") for _ in range(40)),
                client.get("/fhir/Patient?name=pham"), client.get(f"/fhir/Patient/{id_}/_history"),
                client.post("/fhir/Patient", json=PATIENT), client.post("/fhir", json=bundle("transaction")),
                client.post("/fhir", json=bundle("batch")), client.post("/fhir", content=b"not even JSON"),
                client.put(f"/fhir/Patient/{id_}", json={**PATIENT, "id": id_}), client.delete(f"/fhir/Patient/{id_}"),
            )  # fmt: skip
            assert time.monotonic() - begun < LINE + 2
            for answer in answers:
                says_unavailable(answer)
            assert (await client.get("/healthz")).status_code == 200
            assert (await client.get("/readyz")).status_code == 503
            for path in ("/today", "/", "/sign-in", f"/patients/{id_}"):
                page = await browser.get(path, headers={"Cookie": "longbien=abc"})
                assert page.status_code == 503 and page.headers["retry-after"] and "text/html" in page.headers["content-type"]
                assert "<h1" in page.text and "Traceback" not in page.text
        await until(lambda: all_well(client, id_), "everything answering again", 20)
    assert sorted(running.pids("web")) == web
    assert (await client.post("/fhir", json=bundle("transaction"))).status_code == 200
    assert await connections(running) <= POOLS + 8  # the worker has a few of its own
    assert not await running.trail_faults()


async def test_a_database_that_says_nothing_is_given_up_after_the_set_time(running: House, client: httpx.AsyncClient) -> None:
    """Every process of the server is held still, as by a machine that swaps itself to death or a line cut in silence."""
    id_ = (await client.post("/fhir/Patient", json=PATIENT)).json()["id"]
    still = [running.pids("postmaster")[0], *running.pids("backend")]
    for pid in still:
        os.kill(pid, signal.SIGSTOP)
    try:

        async def timed(method: str, path: str, **more: Any) -> float:
            begun = time.monotonic()
            says_unavailable(await client.request(method, path, **more))
            return time.monotonic() - begun

        took = await asyncio.gather(
            *(timed("GET", f"/fhir/Patient/{id_}") for _ in range(30)), timed("GET", "/fhir/Patient?name=pham"),
            *(timed("POST", "/fhir/Patient", json=PATIENT) for _ in range(10)), timed("POST", "/fhir", json=bundle("transaction")),
        )  # fmt: skip
    finally:
        for pid in still:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    assert max(took) < PATIENCE, sorted(took)[-5:]
    await until(lambda: all_well(client, id_), "everything answering again", 20)
    assert await connections(running) <= POOLS + 8


async def test_a_statement_that_takes_too_long_is_ended_and_said(running: House, client: httpx.AsyncClient) -> None:
    """Somebody holds a lock; who waits for it is told after the set time, and the connection is good for the next."""
    id_ = (await client.post("/fhir/Patient", json=PATIENT)).json()["id"]
    holder = await asyncpg.connect(running.database_url())
    try:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("SELECT 1 FROM head WHERE id = $1 FOR UPDATE", id_)
        begun = time.monotonic()
        answers = await asyncio.gather(
            *(client.put(f"/fhir/Patient/{id_}", json={**PATIENT, "id": id_}) for _ in range(12)),
        )
        took = time.monotonic() - begun
        says = Counter(a.status_code for a in answers)
        assert says == {503: 12} and STATEMENT - 0.5 < took < PATIENCE, (says, took)
        await transaction.rollback()
    finally:
        await holder.close()
    assert (await client.put(f"/fhir/Patient/{id_}", json={**PATIENT, "id": id_})).status_code == 200
    assert await all_well(client, id_)


async def test_who_listens_at_an_open_chart_hears_again(
    running: House, client: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    id_ = (await client.post("/fhir/Patient", json=PATIENT)).json()["id"]
    cookie = await a_doctor(running, id_)
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def listen() -> None:
        async with browser.stream("GET", f"/patients/{id_}/live", headers={"Cookie": cookie}) as stream:
            assert stream.status_code == 200, await stream.aread()
            async for line in stream.aiter_lines():
                await heard.put(line)

    listening = asyncio.create_task(listen())
    try:
        assert (await asyncio.wait_for(heard.get(), 10)).startswith("retry")
        await changed(client, id_)
        await news(heard, f"data: Patient/{id_}", 10)
        os.kill(running.pids("postmaster")[0], signal.SIGKILL)
        await news(heard, "data: /", 20)  # something may have been missed: look again
        await until(lambda: all_well(client, id_), "everything answering again", 20)
        await changed(client, id_)
        await news(heard, f"data: Patient/{id_}", 10)
        assert not listening.done()
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


async def changed(client: httpx.AsyncClient, id_: str) -> None:
    body = {**PATIENT, "id": id_, "birthDate": f"19{secrets.randbelow(90) + 10}-01-01"}
    assert (await client.put(f"/fhir/Patient/{id_}", json=body)).status_code == 200


async def news(heard: asyncio.Queue[str], wanted: str, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while await heard.get() != wanted:
            continue
