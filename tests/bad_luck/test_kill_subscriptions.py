"""kill -9 of the worker and of the database while subscribers are told: nothing is lost, each patient's events stay in order, and
what comes twice carries the same number."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from real_house import BUILT, House, free_port, house, until

pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="the FHIR definitions are not built: make build")
QUICK = {
    "LONGBIEN_OUTSIDE_HOSTS": "127.0.0.1", "LONGBIEN_SUBSCRIPTION_SECONDS": "2", "LONGBIEN_SUBSCRIPTION_FIRST_WAIT": "0.1",
    "LONGBIEN_SUBSCRIPTION_LONGEST_WAIT": "0.5", "LONGBIEN_SUBSCRIPTION_TRIES": "1000",
}  # fmt: skip
PATIENTS = 4


@pytest.fixture
def running(data_folder: Path) -> Iterator[House]:
    with house(data_folder / "d", **QUICK) as made:
        yield made


@pytest.fixture
def listener(data_folder: Path) -> Iterator[tuple[str, Path]]:
    port, path = free_port(), data_folder / "told"
    path.touch()
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("listener.py")), str(port), str(path)])
    yield f"http://127.0.0.1:{port}/hook", path
    process.kill()
    process.wait()


async def _writer(client: httpx.AsyncClient, patient: str, acknowledged: list[str], stop: asyncio.Event) -> None:
    """Values 1, 2, 3, one after the other; each is repeated under its own id until it is acknowledged."""
    value = 0
    while not stop.is_set():
        value += 1
        id = f"{patient}-{value}"
        resource = {
            "resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"}, "valueInteger": value,
            "subject": {"reference": f"Patient/{patient}"},
        }  # fmt: skip
        while True:
            try:
                answer = await client.put(f"/fhir/Observation/{id}", json=resource)
                if answer.status_code in (200, 201):
                    break
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
        acknowledged.append(id)
        await asyncio.sleep(0.1)


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_subscribers_are_told_everything_in_order(running: House, listener: tuple[str, Path]) -> None:
    url, path = listener
    headers = {"Authorization": f"Bearer {running.token('subscriber')}"}
    async with httpx.AsyncClient(base_url=running.address, headers=headers, timeout=20) as client:
        for n in range(PATIENTS):
            assert (await client.put(f"/fhir/Patient/k{n}", json={"resourceType": "Patient", "id": f"k{n}"})).status_code == 201
        asked = {
            "resourceType": "Subscription", "id": "s", "status": "requested", "reason": "t", "criteria": "Observation?status=final",
            "channel": {"type": "rest-hook", "endpoint": url, "payload": "application/fhir+json"},
        }  # fmt: skip
        assert (await client.put("/fhir/Subscription/s", json=asked)).status_code == 201
        acknowledged: list[str] = []
        stop = asyncio.Event()
        writers = [asyncio.create_task(_writer(client, f"k{n}", acknowledged, stop)) for n in range(PATIENTS)]
        for victim in ("worker", "postmaster", "worker", "backend"):
            before = len(told(path))

            async def more(before: int = before) -> bool:
                return len(told(path)) > before + 5

            await until(more, f"nothing is told: {running.said()}", 40)
            pids = running.pids(victim)
            assert pids, victim
            os.kill(random.choice(pids), signal.SIGKILL)
        await asyncio.sleep(0.5)
        stop.set()
        await asyncio.gather(*writers)

        async def all_told() -> bool:
            return {t["id"] for t in told(path)} >= set(acknowledged)

        await until(all_told, "what was acknowledged was not told", 40)
    _in_order(told(path), acknowledged)


def _in_order(found: list[dict[str, Any]], acknowledged: list[str]) -> None:
    numbers: dict[tuple[str, str], set[int]] = defaultdict(set)
    first: dict[int, dict[str, Any]] = {}
    for one in found:
        numbers[one["id"], one["version"]].add(one["event"])
        first.setdefault(one["event"], one)
    assert all(len(n) == 1 for n in numbers.values()), "one version, one number"
    assert sorted(first) == list(range(1, len(first) + 1)), "no number is left out"
    by_patient: dict[str, list[int]] = defaultdict(list)
    for one in first.values():
        if one["version"] == "1":  # a write that was repeated after its answer got lost makes another version
            by_patient[one["patient"]].append(one["value"])
    assert all(values == sorted(values) for values in by_patient.values()), "in order"
    assert len(acknowledged) > 20
