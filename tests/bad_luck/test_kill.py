"""kill -9 of every kind of process, again and again, while clients write: nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from load import Load, faults

from real_house import BUILT, House, house

pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="the FHIR definitions are not built: make build")
BACK_WITHIN = 15.0
"""Seconds from a kill until a client's request is served again."""


@pytest.fixture
def running(data_folder: Path) -> Iterator[House]:
    with house(data_folder / "d") as made:
        yield made


@pytest.mark.parametrize(
    "victims",
    [
        ["web", "backend", "web", "worker", "backend"],
        ["postmaster", "checkpointer", "postmaster", "walwriter"],
        ["up", "postmaster", "up"],
    ],
    ids=["web and backend", "database", "up itself"],
)
async def test_nothing_acknowledged_is_lost(running: House, victims: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("LONGBIEN_TEST_SEED") or time.time())
    chance = random.Random(seed)
    load = Load(running, running.token("load"), seed)
    outages: list[float] = []
    async with load:
        await asyncio.sleep(1.5)
        for victim in victims:
            await asyncio.sleep(chance.uniform(0.3, 1.5))
            pids = running.pids(victim)
            assert pids, f"no process {victim}"
            os.kill(chance.choice(pids), signal.SIGKILL)
            killed = time.monotonic()
            if victim == "up":
                await asyncio.to_thread(running.process.wait, 10)  # type: ignore[union-attr]
                await asyncio.to_thread(running.start)
            outages.append(await _served_again(load, killed, f"{victim} was killed"))
        await asyncio.sleep(1)
    found = await faults(running, load)
    with capsys.disabled():
        print(
            f"\n  {'+'.join(victims)}: {load.ledger.writes} versions and {sum(load.ledger.reads.values())} reads acknowledged, "
            f"answers {dict(load.ledger.answers)}, served again after "
            f"{', '.join(f'{s:.1f}' for s in outages)} s, longest answer {load.ledger.longest:.1f} s"
        )
    assert not found, f"seed {seed}: " + "\n".join(found[:20]) + running.said()
    assert load.ledger.writes > 100


async def _served_again(load: Load, killed: float, why: str) -> float:
    """Seconds until a request succeeded a little after the kill (what was on its way already does not count)."""
    end = killed + BACK_WITHIN
    while load.ledger.last_good < killed + 0.3:
        assert time.monotonic() < end, f"{why}: not served again within {BACK_WITHIN:.0f} s: {load.ledger}{load.house.said()}"
        await asyncio.sleep(0.02)
    return load.ledger.last_good - killed
