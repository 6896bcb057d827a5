"""Many clients on the same resources at two web processes, while processes are killed with -9: held against a model of one record
that does one thing at a time. No update is lost, versions are dense, the history is complete, a transaction is whole or not at all,
what was acknowledged is found by the very next search at the other process, of many conditional creates one creates."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rivals import Rivals, Seen, Told, faults, inexplicable

from real_house import BUILT, House, house

pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="the FHIR definitions are not built: make build")
SECONDS = float(os.environ.get("LONGBIEN_RIVAL_SECONDS", "14"))
"""How long the clients go on; set it for a long run. Somebody is killed about every three seconds."""
VICTIMS = ("web", "postmaster", "web", "backend")
BACK_WITHIN = 15.0


@pytest.fixture
def running(data_folder: Path) -> Iterator[House]:
    with house(data_folder / "d", LONGBIEN_WORKERS="2") as made:
        yield made


async def test_rivals_at_two_processes_agree_with_one_record(running: House, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("LONGBIEN_TEST_SEED") or time.time())
    chance = random.Random(seed)
    rivals = Rivals(running, running.token("rivals"), seed)
    begun = time.monotonic()
    killed = 0
    try:
        while (gone := time.monotonic() - begun) < SECONDS or (gone < 3 * SECONDS and not enough(rivals, killed)):
            await asyncio.sleep(chance.uniform(1.5, 3))
            victim = VICTIMS[killed % len(VICTIMS)]
            if pids := running.pids(victim):
                os.kill(chance.choice(pids), signal.SIGKILL)
                killed += 1
                await _served_again(rivals, victim)
        await asyncio.sleep(1)
    finally:
        await rivals.stop()
    found = await faults(rivals)
    done = sum(t.outcome == "done" for t in rivals.told)
    with capsys.disabled():
        print(
            f"\n  {done} of {len(rivals.told)} writes done, {sum(t.outcome == 'unknown' for t in rivals.told)} unknown, "
            f"{len(rivals.seen)} looks ({rivals.across} at the other process right after a write), {len(rivals.keys)} keys, "
            f"{killed} killed, answers {dict(rivals.answers)}"
        )
    assert not found, f"seed {seed}, {len(found)} faults:\n" + "\n".join(found[:20]) + running.said()
    assert enough(rivals, killed), "too little was done to say anything"


def enough(rivals: Rivals, killed: int) -> bool:
    """Whether it was tried in earnest; on a loaded machine that takes longer."""
    done = sum(t.outcome == "done" for t in rivals.told)
    return killed >= 3 and done > 100 and rivals.across > 50 and rivals.answers["PUT 412"] > 0


def pretended(told: list[Told], seen: list[Seen]) -> Rivals:
    rivals = Rivals.__new__(Rivals)
    rivals.ids, rivals.told, rivals.seen = ["a", "b"], told, seen
    return rivals


def wrote(mark: str, begun: float, versions: dict[int, int], **more: Any) -> Told:
    given: dict[str, Any] = {"deletes": False, "at": tuple(versions), "match": {}, "ended": begun + 1, "outcome": "done"} | more
    return Told(mark, begun=begun, versions=versions, **given)


FIRST, SECOND = wrote("1", 0, {0: 1}), wrote("2", 5, {0: 2})


@pytest.mark.parametrize(
    ("told", "seen", "histories", "complaint"),
    [
        ([FIRST, SECOND], [Seen("read", 0, 7, 8, 2, "2")], [["1", "2"], []], None),
        ([FIRST, wrote("2", 5, {}, at=(0,), outcome="unknown")], [], [["1"], []], None),
        ([FIRST, wrote("2", 5, {}, at=(0,), outcome="unknown")], [], [["1", "2"], []], None),
        ([FIRST, SECOND], [], [["1"], []], "acknowledged, but not there"),
        ([FIRST, SECOND], [], [["2", "1"], []], "acknowledged, but not there"),
        ([FIRST, wrote("2", 5, {}, at=(0,), outcome="refused")], [], [["1", "2"], []], "of a write that was refused"),
        ([FIRST], [], [["1", "x"], []], "of a write that was refused"),
        ([FIRST], [], [["1", "1"], []], "done twice"),
        ([FIRST, SECOND, wrote("3", 9, {0: 3}, match={0: 1})], [], [["1", "2", "3"], []], "an update was lost"),
        ([wrote("1", 5, {0: 1}), wrote("2", 0, {0: 2})], [], [["1", "2"], []], "not after the one acknowledged before"),
        ([FIRST, SECOND], [Seen("search", 0, 7, 8, 1, "1")], [["1", "2"], []], "an old version was seen"),
        ([FIRST, SECOND], [Seen("search", 0, 7, 8, None, None)], [["1", "2"], []], "not found, though"),
        ([FIRST, SECOND], [Seen("read", 0, 2, 3, 2, "2")], [["1", "2"], []], "seen before it was written"),
        ([FIRST], [Seen("read", 0, 2, 3, 2, "9")], [["1"], []], "seen, but not there"),
        ([wrote("1", 0, {0: 1, 1: 1})], [], [["1"], []], "half a transaction"),
        ([FIRST], [], [["1", None], []], "1 deletions are there, 0 were acknowledged"),
        ([FIRST, wrote("2", 5, {0: 2}, deletes=True)], [], [["1"], []], "0 deletions are there, 1 were acknowledged"),
    ],
)
def test_the_model_sees_what_is_wrong(told: list[Told], seen: list[Seen], histories: list[Any], complaint: str | None) -> None:
    found = inexplicable(pretended(told, seen), histories)
    assert any(complaint in text for text in found) if complaint else not found, found


async def _served_again(rivals: Rivals, victim: str) -> None:
    killed = time.monotonic()
    while rivals.last_good < killed + 0.2:
        assert time.monotonic() < killed + BACK_WITHIN, f"not served again after {victim} was killed: {rivals.answers}"
        await asyncio.sleep(0.02)
