"""The card of billing's money."""

from __future__ import annotations

from longbien.base.department import Nav, Panel
from longbien.base.words import mark

from ..card import Part
from . import bills, door, einvoice, notices, panels, paying, polling
from .pages.routes import ROUTES
from .permissions import BOOKS, TAKE

CARD = Part(
    routes=[*door.ROUTES, *ROUTES],
    nav=[
        Nav("/cashier", mark("Cashier"), TAKE, "cashier"),
        Nav("/cashier/exceptions", mark("Exceptions"), TAKE, "exceptions"),
        Nav("/cashier/refunds", mark("Refunds"), TAKE, "refunds"),
        Nav("/cashier/shift", mark("Shift"), TAKE, "shift"),
        Nav("/cashier/day", mark("End of day"), BOOKS, "day"),
    ],
    panels=[Panel("me", "billing/money/me_card.html", panels.to_pay)],
    guards={"Invoice": bills.guard},
    jobs={
        notices.QUEUE: notices.job,
        notices.SWEEP: notices.sweeper,
        bills.SETTLE: paying.settler,
        polling.QUEUE: polling.job,
        einvoice.QUEUE: einvoice.job,
    },
    always=frozenset({notices.SWEEP, polling.QUEUE, einvoice.QUEUE}),
)
