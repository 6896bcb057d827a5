"""The card of billing's money."""

from __future__ import annotations

from ..card import Part
from . import bills, door, notices, paying, polling

CARD = Part(
    routes=door.ROUTES,
    guards={"Invoice": bills.guard},
    jobs={
        notices.QUEUE: notices.job,
        notices.SWEEP: notices.sweeper,
        bills.SETTLE: paying.settler,
        polling.QUEUE: polling.job,
    },
    always=frozenset({notices.SWEEP, polling.QUEUE}),
)
