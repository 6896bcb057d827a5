"""A full disk: writes are refused with a clear error while reading (and its audit) goes on; with room again all goes on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio

from longbien.record.trail import KINDS
from real_house import BUILT, House, house

pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="the FHIR definitions are not built: make build")
MEGABYTE = 1 << 20
SIZE, RESERVE = 420, 96
"""Megabytes."""


@pytest.fixture
def small_disk() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lb-"))
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=0755", "longbien-test", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        folder.rmdir()
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


@pytest.fixture
def running(small_disk: Path) -> Iterator[House]:
    with house(small_disk / "d", LONGBIEN_DISK_RESERVE=str(RESERVE)) as made:
        yield made


@pytest_asyncio.fixture
async def client(running: House) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {running.token('disk')}"}
    async with httpx.AsyncClient(base_url=running.address + "/fhir/", headers=headers, timeout=30) as made:
        yield made


def free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def fill(folder: Path, leave: int) -> Path:
    """A file that leaves so many bytes free."""
    ballast = folder / "ballast"
    with ballast.open("ab") as f:
        while (more := free(folder) - leave) > 0:
            try:
                f.write(b"\0" * min(more, MEGABYTE))
                f.flush()
            except OSError:
                break
    return ballast


async def audited_reads(running: House, id_: str) -> int:
    connection = await asyncpg.connect(running.database_url())
    try:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM audit a JOIN head h USING (rid) WHERE h.id = $1 AND a.kind = $2", id_, KINDS.index("read")
        )
        return count
    finally:
        await connection.close()


async def status_within(client: httpx.AsyncClient, status: int, seconds: float, body: dict[str, object]) -> httpx.Response:
    end = time.monotonic() + seconds
    while True:
        answer = await client.post("Patient", json=body)
        if answer.status_code == status:
            return answer
        assert time.monotonic() < end, f"{answer.status_code} {answer.text}"
        assert answer.status_code in (201, 503, 507), answer.text
        await asyncio.sleep(0.2)


async def test_below_the_reserve_writes_are_refused_and_reading_goes_on_audited(
    running: House, client: httpx.AsyncClient, small_disk: Path
) -> None:
    patient: dict[str, object] = {"resourceType": "Patient", "name": [{"text": "Nguyễn Văn Đầy"}]}
    made = await client.post("Patient", json=patient)
    assert made.status_code == 201, made.text
    id_ = made.json()["id"]

    ballast = fill(small_disk, (RESERVE - 4) * MEGABYTE)
    refused = await status_within(client, 507, 5, patient)
    issue = refused.json()["issue"][0]
    assert refused.json()["resourceType"] == "OperationOutcome" and issue["code"] == "no-store"
    assert "disk" in issue["details"]["text"]
    bundle = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{"resource": patient, "request": {"method": "POST", "url": "Patient"}}],
    }  # fmt: skip
    for answer in (
        await client.post("", json=bundle),
        await client.put(f"Patient/{id_}", json={**patient, "id": id_}),
        await client.delete(f"Patient/{id_}"),
    ):
        assert answer.status_code == 507, answer.text
    batch = (await client.post("", json={**bundle, "type": "batch"})).json()
    assert [e["response"]["status"][:3] for e in batch["entry"]] == ["507"]

    before = await audited_reads(running, id_)
    for _ in range(300):
        assert (await client.get(f"Patient/{id_}")).status_code == 200
    assert (await client.get("Patient", params={"name": "nguyen"})).json()["entry"]
    assert await audited_reads(running, id_) == before + 300
    assert (await client.get(f"{running.address}/readyz")).status_code == 200

    ballast.unlink()
    await status_within(client, 201, 5, patient)
    assert not await running.trail_faults()


async def test_a_disk_full_to_the_last_byte_loses_nothing_and_heals(
    running: House, client: httpx.AsyncClient, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody else fills what was left. Now nothing can be answered, because nothing can be audited; that is said, and passes."""
    patient: dict[str, object] = {"resourceType": "Patient", "name": [{"text": "Nguyễn Văn Đầy " * 100}]}
    made = (await client.post("Patient", json=patient)).json()
    ballast = fill(small_disk, 0)
    statuses: dict[int, int] = {}
    good = 0
    end = time.monotonic() + 30
    while not statuses.keys() - {200} and time.monotonic() < end:  # until the log's last piece is used up
        long_lines = [client.get("Patient", params={"name": os.urandom(450).hex()}) for _ in range(24)]
        read, *searches = await asyncio.gather(client.get(f"Patient/{made['id']}"), *long_lines)
        good += read.status_code == 200
        for answer in (read, *searches):
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        fill(small_disk, 0)
    assert statuses.keys() <= {200, 503, 507} and statuses.keys() & {503, 507}, statuses
    with capsys.disabled():
        print(f"\n  answers while the last byte was taken: {statuses}")
    ballast.unlink()
    again = await status_within(client, 201, 20, patient)
    for _ in range(50):  # each kept connection of the pool finds out for itself that its server was restarted
        if (await client.get(f"Patient/{made['id']}")).status_code != 503:
            break
        await asyncio.sleep(0.2)
    assert (await client.get(f"Patient/{made['id']}")).json() == made
    assert (await client.get(f"Patient/{again.json()['id']}")).status_code == 200
    assert await audited_reads(running, made["id"]) >= good
    assert not await running.trail_faults()
