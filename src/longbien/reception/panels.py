"""What the reception puts on others' pages: that a record was joined into another one; to patients their number of today."""

from __future__ import annotations

from typing import Any

from ..base.ids import patient_key
from ..record.life import named
from ..web.page import Call
from . import actions, joining, lobby, tickets
from .pages.queue import of_directory


async def joined(call: Call, shell: Any) -> dict[str, Any] | None:
    """The chart's strip, of a record that does not stand any more."""
    id_ = shell["person"].id
    rows = await call.engine.db.fetch(joining.Q.of_patient, id_)
    after = next((r["survivor"] for r in rows if r["merged"] == id_), None)
    return {"after": after} if after else None


async def today(call: Call, shell: Any) -> dict[str, Any] | None:
    """A patient's own home: the number that waits, how many go before and about how long."""
    rows = await call.engine.db.fetch(tickets.Q.of_patient, patient_key(shell["whom"].person.id), actions.today(call.now))
    row = next((r for r in rows if r["state"] in ("waiting", "called", "missed")), None)
    if row is None or not await named(call.engine, "Location", [row["place"]]):
        return None
    room = await of_directory(call, row["place"])
    queue = (await lobby.queues(call.engine, [room], call.now))[room.id]
    return {
        "ticket": tickets.ticket(row),
        "room": room,
        "before": queue.before(row["task"]),
        "minutes": queue.wait_of(row["task"]),
    }
