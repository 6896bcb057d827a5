"""Too much of everything, through real sockets: a bounded time, a 4xx or the work done, and nobody else is held up for long."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from real_house import BUILT, House, house

pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="the FHIR definitions are not built: make build")
MEGABYTE = 1 << 20
PATIENT: dict[str, Any] = {"resourceType": "Patient", "name": [{"text": "Hoàng Thị Nhiều"}]}
JSON = {"Content-Type": "application/fhir+json"}
OTHERS_WAIT = 10.0
"""Seconds that a small read may take at worst while a process works on something huge."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(Path(tmp_path_factory.mktemp("b")) / "d") as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(running: House) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {running.token('bounds')}"}
    limits = httpx.Limits(max_connections=500)
    async with httpx.AsyncClient(base_url=running.address, headers=headers, timeout=60, limits=limits) as made:
        yield made


def outcome(answer: httpx.Response, *statuses: int) -> str:
    assert answer.status_code in statuses, f"{answer.status_code} {answer.text[:300]}"
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", answer.text[:300]
    return str(body["issue"][0]["details"]["text"])


def memory(running: House) -> int:
    """Bytes that the largest web process has used at most."""
    peaks = []
    for pid in running.pids("web"):
        text = Path(f"/proc/{pid}/status").read_text()
        peaks.append(int(text.split("VmHWM:")[1].split()[0]) * 1024)
    return max(peaks)


async def while_others_read(client: httpx.AsyncClient, work: Any) -> tuple[Any, float, float]:
    """(what the work gave, its seconds, the longest that a small read beside it took)."""
    made = (await client.post("/fhir/Patient", json=PATIENT)).json()
    done = asyncio.Event()
    longest = 0.0

    async def read() -> None:
        nonlocal longest
        while not done.is_set():
            begun = time.monotonic()
            answer = await client.get(f"/fhir/Patient/{made['id']}")
            assert answer.status_code == 200, answer.text
            longest = max(longest, time.monotonic() - begun)
            await asyncio.sleep(0.02)

    reading = asyncio.gather(*(read() for _ in range(3)))
    begun = time.monotonic()
    try:
        found = await work
    finally:
        took = time.monotonic() - begun
        done.set()
        await reading
    return found, took, longest


async def test_fifty_megabytes_are_taken_and_beyond_the_limit_they_are_413(
    running: House, client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    # one scan of 50 MB, as base64
    pages = b"JVBERi0x" + b"JVBE" * (50 * MEGABYTE // 4)  # "%PDF-1" and more
    large = b'{"resourceType":"Binary","contentType":"application/pdf","data":"' + pages + b'"}'
    answer, took, others = await while_others_read(client, client.post("/fhir/Binary", content=large, headers=JSON))
    said = f"\n  50 MB body: {answer.status_code} after {took:.1f} s, others waited {others:.1f} s"
    assert answer.status_code in (201, 413), answer.text[:300]
    assert took < 40 and others < OTHERS_WAIT
    if answer.status_code == 201:
        back = await client.get(f"/fhir/Binary/{answer.json()['id']}", headers={"Accept": "application/fhir+json"})
        assert back.status_code == 200 and len(back.content) > 50 * MEGABYTE
    begun = time.monotonic()
    outcome(await client.post("/fhir/Binary", content=large + large, headers=JSON), 413)
    assert time.monotonic() - begun < 5  # refused by its stated length

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(90):
            yield b" " * MEGABYTE

    outcome(await client.post("/fhir/Patient", content=endless(), headers=JSON), 413)
    many = await asyncio.gather(*(client.post("/fhir/Patient", content=b" " * 50 * MEGABYTE, headers=JSON) for _ in range(8)))
    for one in many:
        outcome(one, 400)
    with capsys.disabled():
        print(f"{said}; peak memory of a web process {memory(running) / MEGABYTE:.0f} MB")
    assert memory(running) < 1500 * MEGABYTE


def bundle(type: str, n: int) -> bytes:
    entry = {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}
    return json.dumps({"resourceType": "Bundle", "type": type, "entry": [entry] * n}).encode()


@pytest.mark.parametrize("type", ["transaction", "batch"])
async def test_ten_thousand_entries_in_bounded_time(
    client: httpx.AsyncClient, type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = client.post("/fhir", content=bundle(type, 10_000), headers=JSON, timeout=170)
    answer, took, others = await while_others_read(client, sent)
    with capsys.disabled():
        print(f"\n  {type} of 10,000: {answer.status_code} after {took:.1f} s, others waited {others:.1f} s")
    assert answer.status_code == 200, answer.text[:300]
    statuses = Counter(e["response"]["status"] for e in answer.json()["entry"])
    assert statuses == {"201 Created": 10_000}
    assert took < 120 and others < OTHERS_WAIT
    outcome(await client.post("/fhir", content=bundle(type, 20_001), headers=JSON), 413)


async def test_deep_and_wide_json(client: httpx.AsyncClient) -> None:
    begun = time.monotonic()
    for depth in (60, 99, 101, 100_000):
        deep = b'{"extension":[' * depth + b"{}" + b"]}" * depth
        outcome(
            await client.post("/fhir/Patient", content=b'{"resourceType":"Patient","x":' + deep + b"}", headers=JSON), 400, 413, 422
        )
        outcome(await client.post("/fhir/Patient", content=b"[" * depth, headers=JSON), 400)
    wide: list[dict[str, Any]] = [
        {"name": [{"text": "a"}] * 100_000},
        {"identifier": [{"system": "http://x", "value": str(n)} for n in range(100_000)]},
        {"name": [{"given": ["a"] * 100_000}]},
        {"extension": [{"url": "http://x", "valueString": "a"}] * 100_000},
        {"name": [{"text": "Trần " * 1_000_000}]},
        {"nonsense": [{}] * 100_000},
    ]
    for more in wide:
        one = time.monotonic()
        answer, _, others = await while_others_read(
            client, client.post("/fhir/Patient", content=json.dumps(PATIENT | more).encode(), headers=JSON, timeout=60)
        )
        took = time.monotonic() - one
        assert answer.status_code in (201, 400, 413, 422), f"{next(iter(more))}: {answer.status_code} {answer.text[:300]}"
        assert took < 30 and others < OTHERS_WAIT, f"{next(iter(more))}: {took:.1f} s, others {others:.1f} s"
    assert time.monotonic() - begun < 120


async def test_many_at_once_are_served_in_turn(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json=PATIENT)).json()
    id_ = made["id"]
    jobs = []
    for n in range(100):
        jobs += [client.get(f"/fhir/Patient/{id_}"), client.post("/fhir/Patient", json=PATIENT)]
        jobs += [client.get("/fhir/Patient?name=hoang&_count=3")] if n % 2 else []
        jobs += [client.post("/fhir", content=bundle("transaction", 15), headers=JSON)] if n % 2 else []
        jobs += (
            [client.post("/fhir/Patient", json=PATIENT, headers={"If-None-Exist": f"identifier=urn:x|{n % 3}"})] if n % 2 else []
        )
    begun = time.monotonic()
    answers = await asyncio.gather(*jobs)
    says = Counter(a.status_code for a in answers)
    assert says.keys() <= {200, 201, 503} and says[200] + says[201] > len(jobs) * 0.9, says
    assert time.monotonic() - begun < 40
    assert (await client.get(f"/fhir/Patient/{id_}")).status_code == 200


async def test_with_every_connection_taken_who_waits_gets_503_and_then_all_is_well(
    running: House, client: httpx.AsyncClient
) -> None:
    """Locks hold all connections of both processes; the patience of ten seconds ends for everybody behind them."""
    ids = [(await client.post("/fhir/Patient", json=PATIENT)).json()["id"] for _ in range(30)]
    holder = await asyncpg.connect(running.database_url())
    try:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("SELECT 1 FROM head WHERE id = ANY($1) FOR UPDATE", ids)
        begun = time.monotonic()
        writes = [asyncio.create_task(client.put(f"/fhir/Patient/{i}", json=PATIENT | {"id": i})) for i in ids]
        await asyncio.sleep(1)
        reads = await asyncio.gather(*(client.get(f"/fhir/Patient/{ids[0]}") for _ in range(20)))
        assert time.monotonic() - begun < 20
        says = Counter(a.status_code for a in reads)
        assert says.keys() <= {200, 503}, says
        await transaction.rollback()
        answers = await asyncio.wait_for(asyncio.gather(*writes), 30)
        assert Counter(a.status_code for a in answers).keys() <= {200, 503}
    finally:
        await holder.close()
    again = await asyncio.gather(*(client.get(f"/fhir/Patient/{i}") for i in ids * 3))
    assert {a.status_code for a in again} == {200}


async def test_half_requests_hold_up_nobody(running: House, client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json=PATIENT)).json()
    token = client.headers["Authorization"].encode()
    beginnings = [
        b"", b"GET /fhir/Pat", b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nX-Slow: a",
        b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nAuthorization: " + token + b"\r\nContent-Type: application/fhir+json\r\n"
        b"Content-Length: 50000000\r\n\r\n{",
        b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nAuthorization: " + token + b"\r\nContent-Type: application/fhir+json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"",
    ]  # fmt: skip
    writers = []
    try:
        for n in range(300):
            _, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(beginnings[n % len(beginnings)])
            writers.append(writer)
        begun = time.monotonic()
        for _ in range(20):
            answers = await asyncio.gather(*(client.get(f"/fhir/Patient/{made['id']}") for _ in range(5)))
            assert {a.status_code for a in answers} == {200}
        assert (await client.post("/fhir/Patient", json=PATIENT)).status_code == 201
        # an honest large request too: the half ones hold the places for large bodies
        honest = b'{"resourceType":"Patient","name":[{"text":"' + b"a" * 900_000 + b'"}],"x":"' + b"b" * 5 * MEGABYTE + b'"}'
        outcome(await client.post("/fhir/Patient", content=honest, headers=JSON), 400, 413, 422)
        assert time.monotonic() - begun < 20
    finally:
        for writer in writers:
            writer.close()
    assert (await client.get(f"/fhir/Patient/{made['id']}")).status_code == 200
