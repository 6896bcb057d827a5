"""What ends by itself: the number of a visit that is over, and at night the day's queues and the appointments nobody came to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from ..access import housework
from ..base import clock, log
from ..base.errors import LongbienError
from ..fhir import json
from ..record.change import Change, Update
from ..record.engine import Engine
from ..record.store import Store
from . import rules, shapes, tickets
from .shapes import TASKS, TICKET, Author, Resource

QUEUE = "reception.close"
AT = time(0, 20)
"""Shortly after midnight on Hanoi's clock."""
READS = frozenset({"Task", "Encounter", "Appointment"})
OPEN = ("waiting", "called", "inside", "missed")
MOST = 500
HOUSE = Author("", "Longbien", "")
_log = log.get(__name__)


async def visit_over(store: Any, encounter: Resource) -> None:
    """A reaction: the visit is finished or cancelled, so its number is done, or left where it was never called."""
    asked = [("focus", f"Encounter/{encounter['id']}"), ("code", f"{TASKS}|{TICKET}"), ("_count", "20")]
    changes: list[Change] = []
    for entry in (await store.search("Task", asked)).matches:
        body = json.loads(entry.body)
        state = rules.OF_TASK.get(str(body.get("status")), "")
        if state in OPEN:
            to = "done" if encounter.get("status") == "finished" and state != "missed" else "left"
            changes.append(Update(shapes.ticket_in(body, to, HOUSE, clock.now()), if_match=entry.version))
    if changes:
        await store.commit(changes)


def next_close(now: datetime) -> datetime:
    """When the day is closed next."""
    here = clock.local(now)
    at = datetime.combine(here.date(), AT, clock.HANOI)
    return at if at > here else at + timedelta(days=1)


class Closing:
    """The night's work."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.store: Store = housework.store(engine, "closing the day's queues", reads=READS, updates=READS)

    async def close(self, now: datetime) -> tuple[int, int]:
        """(numbers ended, appointments marked as not kept) of the days before today."""
        today = clock.local(now).date()
        rows = await self.engine.db.fetch(tickets.Q.unended, today, list(OPEN), MOST)
        numbers = sum([await self._number(row, now) for row in rows])
        return numbers, await self._missed(now)

    async def _number(self, row: Any, now: datetime) -> bool:
        """Who was inside was seen; who was never called has left, and with the number the visit that never began."""
        try:
            there = await self.store.read("Task", row["task"])
            body = json.loads(there.body)
            state = rules.OF_TASK.get(str(body.get("status")), "")
            if state not in OPEN:
                await self.engine.db.execute(tickets.Q.put, *tickets.row_of(body))  # the table lagged behind the record
                return False
            to = "done" if state == "inside" else "left"
            changes: list[Change] = [Update(shapes.ticket_in(body, to, HOUSE, now), if_match=there.version)]
            if to == "left":
                visit = await self.store.read("Encounter", str(body["focus"]["reference"]).rpartition("/")[2])
                encounter = json.loads(visit.body)
                if encounter.get("status") == "arrived":
                    changes.append(Update(shapes.with_status(encounter, "cancelled", now), if_match=visit.version))
            await self.store.commit(changes)
        except LongbienError as why:  # tomorrow again
            _log.warning("closing %s: %s", row["task"], why.text)
            return False
        return True

    async def _missed(self, now: datetime) -> int:
        """Appointments with an hour whose day is over and that nobody came to: noshow."""
        midnight = datetime.combine(clock.local(now).date(), time(0), clock.HANOI)
        asked = [
            ("status", "booked"),
            ("date", f"lt{clock.instant(midnight)}"),
            ("date", f"ge{clock.instant(midnight - timedelta(days=14))}"),
            ("_count", str(MOST)),
        ]
        n = 0
        for entry in (await self.store.search("Appointment", asked)).matches:
            body = json.loads(entry.body)
            if body.get("slot"):
                try:
                    await self.store.commit([Update({**body, "status": "noshow"}, if_match=entry.version)])
                    n += 1
                except LongbienError as why:
                    _log.warning("closing an appointment: %s", why.text)
        return n


def job(engine: Engine) -> Any:
    closing = Closing(engine)

    async def close(payload: Mapping[str, Any]) -> datetime:
        await closing.close(clock.now())
        return next_close(clock.now())

    return close
