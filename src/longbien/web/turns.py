"""Whose turn it is among those who wait for a room: the one rule of the reception's queue, its board and the doctor's list. Pure.

Two of those ahead (A: law 15/2023/QH15 on examination and treatment, article 3; C: come to their appointment), then one of the
others (B), so that nobody is overtaken without end; whoever is early for an appointment stands behind everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

PRIORITY, ORDINARY, BOOKED = "A", "B", "C"
"""Letters of the numbers: seen first, in the order of coming, by appointment."""
FIRST = frozenset({PRIORITY, BOOKED})
AHEAD = 2
"""So many of those ahead are called before one of the others."""
T = TypeVar("T")


def line(
    here: Iterable[T], recent: Sequence[str], now: datetime, *, letter: Callable[[T], str], turn: Callable[[T], datetime]
) -> list[T]:  # fmt: skip
    """`here`: who waits, in the order of their turns. `recent`: letters of those called last, the newest first. `letter`, `turn`:
    of one who waits: the number's letter, and since when it is their turn (of an appointment: its time)."""
    waiting = list(here)
    early = [x for x in waiting if letter(x) == BOOKED and turn(x) > now]
    ahead = [x for x in waiting if letter(x) in FIRST and x not in early]
    others = [x for x in waiting if letter(x) not in FIRST]
    run = next((n for n, code in enumerate(recent) if code not in FIRST), len(recent))
    out: list[T] = []
    while ahead or others:
        if ahead and (run < AHEAD or not others):
            out.append(ahead.pop(0))
            run += 1
        else:
            out.append(others.pop(0))
            run = 0
    return out + early
