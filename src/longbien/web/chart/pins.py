"""Marks on the axis for visits, images and notes. Where they crowd they are gathered into one mark with a count: nothing is
drawn over, nothing is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pin:
    """One mark: `count` things between `first` and `last`, at `x` percent. `label` is the common label of all (or "" when they
    differ), `ids` their ids (at most 40 for links), `new` if any came since the last look."""

    x: float
    label: str
    count: int
    first: datetime
    last: datetime
    ids: tuple[str, ...]
    new: bool = False
    title: str = ""


Item = tuple[datetime, str, str, str | Callable[[], str]]
"""(time, id, short label, title or what makes it: most items share a pin, which has none)"""


def _title(item: Item) -> str:
    return item[3] if isinstance(item[3], str) else item[3]()


def gather(
    items: Sequence[Item], xs: Callable[[Sequence[datetime]], list[float]], gap: float, look: datetime | None = None
) -> list[Pin]:
    """Items in time order become pins at least `gap` percent apart. New and old things never share a pin: what is new is
    seen as new."""
    out: list[Pin] = []
    group: list[Item] = []
    places = xs([i[0] for i in items])
    begin = now = 0.0

    def close() -> None:
        if not group:
            return
        labels = {g[2] for g in group}
        middle = (begin + now) / 2
        fresh = look is not None and group[-1][0] > look
        out.append(
            Pin(
                round(middle, 2),
                group[0][2] if len(labels) == 1 else "",
                len(group),
                group[0][0],
                group[-1][0],
                tuple(g[1] for g in group[:40]),
                fresh,
                _title(group[0]) if len(group) == 1 else "",
            )
        )
        group.clear()

    for item, here in zip(items, places, strict=True):
        if group:
            crosses = look is not None and group[-1][0] <= look < item[0]
            if crosses or here - begin >= gap:
                close()
        if not group:
            begin = here
        now = here
        group.append(item)
    close()
    return out


def spread(pins: Sequence[Pin], room: float, walls: Sequence[float] = ()) -> list[Pin]:
    """The same marks, none nearer than `room` percent to the next and none over the left end of a bar (`walls`): they give way
    to the left, the latest first, and stop at the axis' beginning."""
    out: list[Pin] = []
    limit = 100.0
    for pin in reversed(pins):
        x = min(pin.x, limit)
        wall = next((w for w in walls if w - room * 0.55 < x < w + room * 0.8), None)
        if wall is not None:
            x = wall - room * 0.6
        x = max(round(x, 2), 0.0)
        limit = x - room
        out.append(replace(pin, x=x))
    return out[::-1]
