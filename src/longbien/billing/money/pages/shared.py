"""What every page of the desk carries: where it is, how many exceptions wait, the shift that is open."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from longbien.base.errors import Invalid, LongbienError, NotFound
from longbien.base.words import mark
from longbien.record.store import Store
from longbien.web.page import Call
from longbien.web.pages.frame import place_names

from ..shifts import Q, Shift, current

#: Refusals that a page shows beside its form, by what was refused (errors' texts are for logs and machines).
REFUSED = {
    "This bill owes less than that by now.": mark("This bill owes less than that by now: somebody else has taken money for it."),
    "This shift is closed: open another.": mark("This shift is closed: open another."),
    "This already exists.": mark("This was booked already."),
    "There is not so much to give back.": mark("There is not so much to give back."),
    "There is not so much cash in this drawer.": mark("There is not so much cash in this drawer."),
    "A second person approves what one has asked for.": mark("A second person approves what one has asked for."),
    "This refund was answered already.": mark("This refund was answered already."),
    "This refund cannot be paid in cash now.": mark("This refund cannot be paid in cash now."),
    "Say why the money is given back.": mark("Say why the money is given back."),
    "Say why not.": mark("Say why not."),
    "Choose the bank.": mark("Choose the bank."),
    "An account number has 4 to 19 letters or digits.": mark("An account number has 4 to 19 letters or digits."),
    "Whose account is it?": mark("Whose account is it?"),
    "The retrieval number (RRN) has 4 to 12 letters or digits.": mark("The retrieval number (RRN) has 4 to 12 letters or digits."),
    "The approval code has 4 to 8 letters or digits.": mark("The approval code has 4 to 8 letters or digits."),
    "Of the card's number only the last four digits are kept.": mark("Of the card's number only the last four digits are kept."),
    "The count differs from the ledger: say why.": mark("The count differs from the ledger: say why."),
    "This cashier has a shift open already.": mark("A shift is open already."),
    "This shift is closed already.": mark("This shift is closed already."),
    "A float is a whole number of dong.": mark("An amount is a whole number of dong."),
    "A deposit is a whole number of dong.": mark("An amount is a whole number of dong."),
    "A refund is a whole number of dong.": mark("An amount is a whole number of dong."),
    "An amount is a whole number of dong.": mark("An amount is a whole number of dong."),
    "A count of notes is a number for each of them.": mark("A count is a number of notes for each value."),
    "Somebody else has dealt with this already.": mark("Somebody else has dealt with this already."),
    "There is no such bill here.": mark("There is no such bill here."),
    "This bill is paid.": mark("This bill is paid."),
    "This is no refund that waits for exactly that amount.": mark("This is no refund that waits for exactly that amount."),
    "A second person has to look at a statement: not who put it in.": mark(
        "A second person has to look at a statement: not who put it in."
    ),
    "Somebody has decided about this statement already.": mark("Somebody has decided about this statement already."),
    "For which visit shall it be kept?": mark("For which visit shall it be kept?"),
}


def said(call: Call, error: LongbienError) -> str:
    """What was refused, in the reader's words."""
    known = REFUSED.get(error.text)
    return call.w(known) if known else call.w("This did not work: %(why)s", why=error.text)


def facility(call: Call) -> str:
    """The facility of who is signed in. Raises NotFound."""
    if not call.actor.organization:
        raise NotFound("This account works at no facility.")
    return call.actor.organization


async def facility_name(call: Call) -> str:
    place = facility(call)
    await place_names(call, {place})
    return str(call.request.app.state.places.get(place, ""))


def store(call: Call, reason: str) -> Store:
    return Store(call.engine, call.scope(reason))


async def shift(call: Call) -> Shift | None:
    return await current(call.engine.db, call.actor.number)


async def show(call: Call, template: str, nav: str, status: int = 200, **context: Any) -> Response:
    waiting = await call.engine.db.fetchval(Q.exceptions_count, facility(call))
    return call.html(f"billing/money/{template}", status, nav=nav, waiting=waiting, **context)


def dong(call: Call, name: str, default: int | None = None) -> int:
    """An amount as people type it: 1.284.500, 1,284,500, 1284500 đ. Raises Invalid."""
    typed = call.field(name, 40)
    if not typed and default is not None:
        return default
    digits = "".join(c for c in typed.removesuffix("đ") if c not in " .,\u00a0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 13):
        raise Invalid("An amount is a whole number of dong.", code=name, status=422)
    return int(digits)
