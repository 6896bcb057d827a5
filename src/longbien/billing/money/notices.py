"""Bank notifications: kept as they came before anybody reads them (durable before the bank is thanked), read into movements by the
bank's own numbers, and each movement decided once, in one transaction with its entry. Whoever dies on the way leaves it to the
next."""

from __future__ import annotations

import hashlib
import json as plain_json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from longbien.base import clock, jobs, log
from longbien.base.errors import Conflict, Invalid, LongbienError, Unavailable
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.record.engine import Engine
from longbien.record.inside import inside, lock
from longbien.record.store import Store
from longbien.wire import bank_notice, bank_statement
from longbien.wire.bank_notice import Movement

from . import bills, desk, layouts, matching, paying, reference
from .ledger import Entry, Line, balance, bill_key, notice_key, post, visit_key
from .matching import Asked, Decision
from .paying import Taken

Q = queries(__file__, "sql/notices.sql")
QUEUE, SWEEP = "money.reconcile", "money.sweep"
EVERY = timedelta(seconds=20)
AT_ONCE = 200
_log = log.get(__name__)

#: Forms of deliveries, and what reads each. A statement's form says more: see `statement_form`.
FORMS: dict[str, Callable[[bytes], list[Movement]]] = {"longbien": bank_notice.read}


async def deliver(engine: Engine, bank: str, way: str, form: str, body: bytes, by: int = 0) -> int | None:
    """Keep what came and have it read: both or neither. Its number, None where the very same was delivered before. What somebody
    put in by hand (way file) is read when a second person has released it."""
    digest = hashlib.sha256(form.encode() + b"\0" + body).digest()
    async with engine.db.transaction() as connection:
        number: int | None = await connection.fetchval(Q.deliver, bank, way, form, body, digest, by)
        if number is not None and way != "file":
            await jobs.enqueue(connection, QUEUE, {"delivery": number})
    return number


class Held(NamedTuple):
    """A statement that waits for a second person: what is in it, and who put it in."""

    number: int
    maker: int
    name: str
    at: datetime
    movements: list[Movement]

    @property
    def into(self) -> int:
        return sum(m.amount for m in self.movements if m.amount > 0)


async def held(engine: Engine, accounts: Sequence[int]) -> list[Held]:
    """Statements of these of our accounts that nobody but their maker has seen."""
    rows = await engine.db.fetch(Q.held, [f"file {n}" for n in accounts])
    return [Held(r["number"], r["made_by"], r["maker"] or "", r["received"], parse(r["form"], bytes(r["body"]))) for r in rows]


async def release(engine: Engine, number: int, by: int, taken: bool) -> None:
    """A second person believes a statement, which is read then, or does not. Raises Conflict: somebody has said so already, or it
    is one's own."""
    if await engine.db.fetchval(Q.maker, number) == by:  # the table's own constraint holds it whoever asks
        raise Conflict("A second person has to look at a statement: not who put it in.")
    if await engine.db.fetchval(Q.release, number, by, taken) is None:
        raise Conflict("Somebody has decided about this statement already.")
    if taken:
        await work(engine, number)


def statement_form(kind: str, bin: str, account: str, layout: str = "") -> str:
    return "statement " + plain_json.dumps({"kind": kind, "bin": bin, "account": account, "layout": layout})


def parse(form: str, body: bytes) -> list[Movement]:
    """Raises Invalid."""
    if form.startswith("statement "):
        said = plain_json.loads(form.removeprefix("statement "))
        columns = layouts.layouts().get(said["layout"])
        return bank_statement.read(said["kind"], body, said["bin"], said["account"], columns)
    if form not in FORMS:
        raise Invalid(f"Nobody reads {form[:20]!r}.", code="not-supported")
    return FORMS[form](body)


async def work(engine: Engine, delivery: int) -> None:
    """Read one delivery, decide what it brought."""
    row = await engine.db.fetchrow(Q.delivery, delivery)
    if row is None:
        return
    if row["error"] is None:
        await read(engine, row)
    for r in await engine.db.fetch(Q.of_delivery, delivery):
        await reconcile(engine, r["number"])


async def read(engine: Engine, row: Any) -> None:
    """What cannot be read stays with its reason, for a person."""
    try:
        found, error = parse(row["form"], bytes(row["body"])), ""
    except LongbienError as why:
        found, error = [], why.text[:500]
        _log.warning("bank delivery %s cannot be read", row["number"])
    async with engine.db.transaction() as connection:
        fresh = await connection.fetch(Q.put, row["number"], *_columns(found)) if found else []
        await connection.execute(Q.read, row["number"], len(found), len(fresh), error)


def _columns(found: Sequence[Movement]) -> list[list[Any]]:
    return [[getattr(m, n) for m in found] for n in ("bin", "account", "ref", "amount", "at", "text", "payer")]


async def reconcile(engine: Engine, number: int) -> str:
    """Decide one movement; gives the kind of its outcome. Asked again, it says what was decided."""
    house = paying.house(engine, f"bank notice {number}")
    async with inside(house) as within:
        db = within.engine.db
        await lock(within, [notice_key(number)])
        row: Any = await db.fetchrow(Q.one, number)
        if row["kind"] is not None:
            return str(row["kind"])
        facility = await db.fetchval(bills.Q.facility_of_account, row["bin"], row["account"])
        if row["amount"] < 0:
            return await _out(within, row, facility or "")
        if facility is None:
            return await _kept(within, row, "", Decision("foreign-account", held=row["amount"]))
        return await _in(within, row, facility)


async def _in(within: Store, row: Any, facility: str) -> str:
    found = [r for r in reference.find(row["text"]) if r.startswith(reference.PAYMENT)]
    requests = {r["reference"]: r for r in await within.engine.db.fetch(bills.Q.by_reference, found)} if found else {}
    decision, bill = await _decide(within, row["amount"], found, requests, facility)
    request = requests.get(decision.reference)  # another facility's is unknown here
    return await _kept(within, row, facility, decision, request if request and request["facility"] == facility else None, bill)


async def _decide(
    within: Store, amount: int, found: list[str], requests: Mapping[str, Any], facility: str
) -> tuple[Decision, bills.Bill | None]:
    """With every bill that is named held: what is decided here is still so when it is booked."""
    db = within.engine.db
    ours = {k: r for k, r in requests.items() if r["facility"] == facility}
    await lock(within, [bill_key(r["invoice"]) if r["invoice"] else visit_key(r["encounter"]) for r in ours.values()])
    fresh = {r["reference"]: r for r in await db.fetch(bills.Q.by_reference, list(ours))} if ours else {}
    of = {k: await bills.one(db, r["invoice"]) for k, r in fresh.items() if r["invoice"]}
    asked = {
        k: Asked(k, r["purpose"], r["amount"], b.owed if (b := of.get(k)) else 0, r["how"], b is not None and b.ended is not None)
        for k, r in fresh.items()
    }
    decision = matching.decide(amount, found, asked)
    return decision, of.get(decision.reference)


async def _kept(within: Store, row: Any, facility: str, d: Decision, request: Any = None, bill: bills.Bill | None = None) -> str:
    """Book the whole movement as decided, with its outcome."""
    now, n = clock.now(), str(row["number"])
    came = Line("bank", f"{row['bin']}/{row['account']}", row["amount"])
    key, cause = f"bank/{row['bin']}/{row['account']}/{row['bank_ref']}", f"notice/{n}"
    held = (Line("suspense", n, -d.held),) if d.held else ()
    if d.bill and bill is not None:
        taken = Taken(d.bill, "transfer", key, cause, (came,), held, reference=d.reference, note=row["bank_ref"])
        entry = await paying.take(within, bill, taken, now)
    else:
        kept = (Line("deposit", request["encounter"], -d.deposit),) if d.deposit else ()
        kind = "deposit-transfer" if d.deposit else "held"
        entry = await post(within.engine.db, Entry(key, kind, cause, facility, (came, *kept, *held), note=row["bank_ref"]), now)
        if d.deposit:
            await within.engine.db.execute(bills.Q.end_request, d.reference, "paid", entry)
            await desk.use_deposit(within, request["encounter"], 0, now)
        if bill is not None:
            await _hint(within, bill.invoice)
    invoice = request["invoice"] if request else None
    await within.engine.db.execute(Q.outcome, row["number"], facility, d.kind, d.reference, invoice, entry)
    return d.kind


async def _hint(within: Store, invoice: str) -> None:
    """The pages that wait for this bill's money hear that something came, though it did not settle it."""
    body = json.loads((await within.read("Invoice", invoice)).body)
    paying.told(within, str((body.get("subject") or {}).get("reference") or "").rpartition("/")[2], invoice)


async def _out(within: Store, row: Any, facility: str) -> str:
    """Money that went out: a refund of ours by its reference and amount, or somebody has to say."""
    db, n = within.engine.db, str(row["number"])
    found = [r for r in reference.find(row["text"]) if r.startswith(reference.REFUND)]
    refunds = await db.fetch(Q.refund_of, found) if found else []
    went = Line("bank", f"{row['bin']}/{row['account']}", row["amount"])
    key, cause = f"bank/{row['bin']}/{row['account']}/{row['bank_ref']}", f"notice/{n}"
    good = [r for r in refunds if r["approved"] and r["paid"] is None and r["amount"] == -row["amount"] and r["way"] == "transfer"]
    if len(good) == 1 and len(refunds) == 1:
        line = Line("refund", str(good[0]["number"]), -row["amount"])
        entry = await post(db, Entry(key, "refund-transfer", cause, facility, (line, went), note=row["bank_ref"]), clock.now())
        await db.execute(Q.refund_paid, good[0]["number"], entry)
        kind = "refund"
    else:
        line = Line("outgoing", n, -row["amount"])
        entry = await post(db, Entry(key, "outgoing", cause, facility, (line, went), note=row["bank_ref"]), clock.now())
        kind = "out-unknown"
    await db.execute(Q.outcome, row["number"], facility, kind, found[0] if found else "", None, entry)
    return kind


async def match_later(engine: Engine, number: int) -> bool:
    """Money that came before its bill was there, now that it is: settled as it would have been."""
    house = paying.house(engine, f"bank notice {number}, matched later")
    async with inside(house) as within:
        db, now = within.engine.db, clock.now()
        await lock(within, [notice_key(number)])
        row: Any = await db.fetchrow(Q.one, number)
        left = -await balance(db, "suspense", str(number))
        facility = await db.fetchval(bills.Q.facility_of_account, row["bin"], row["account"])
        found = [r for r in reference.find(row["text"]) if r.startswith(reference.PAYMENT)]
        requests = {r["reference"]: r for r in await db.fetch(bills.Q.by_reference, found)}
        if left != row["amount"] or not requests:
            return False
        d, bill = await _decide(within, left, found, requests, facility)
        held = Line("suspense", str(number), left - d.held)
        if d.bill and bill is not None:
            taken = Taken(
                d.bill,
                "transfer",
                f"notice/{number}/later",
                f"notice/{number}",
                (held,),
                reference=d.reference,
                kind="payment-held",
            )
            entry = await paying.take(within, bill, taken, now)
        elif d.deposit:
            lines = (held, Line("deposit", requests[d.reference]["encounter"], -d.deposit))
            entry = await post(db, Entry(f"notice/{number}/later", "deposit-held", f"notice/{number}", facility, lines), now)
            await db.execute(bills.Q.end_request, d.reference, "paid", entry)
            await desk.use_deposit(within, requests[d.reference]["encounter"], 0, now)
        else:
            return False
        await db.execute(Q.resolution, number, "later", requests[d.reference]["invoice"], entry, None, 0, "")
        return True


async def sweep(engine: Engine) -> int:
    """What was left behind, and what came too early. Gives how many were looked at. One that cannot be done holds no other up."""
    acts: tuple[tuple[str, Callable[[Engine, int], Awaitable[Any]]], ...] = (
        (Q.unread, work), (Q.undecided, reconcile), (Q.known_later, match_later),
    )  # fmt: skip
    done = 0
    for query, act in acts:
        for r in await engine.db.fetch(query, AT_ONCE):
            await _alone(engine, act, r[0])
            done += 1
    return done


async def _alone(engine: Engine, act: Callable[[Engine, int], Awaitable[Any]], number: int) -> None:
    try:
        await act(engine, number)
    except Unavailable:  # the house is away: the next round
        raise
    except Exception as why:
        log.incident(_log, why)


def job(engine: Engine) -> Any:
    async def run(payload: Mapping[str, Any]) -> None:
        await work(engine, int(payload["delivery"]))

    return run


def sweeper(engine: Engine) -> Any:
    async def run(payload: Mapping[str, Any]) -> datetime:
        await sweep(engine)
        return clock.now() + EVERY

    return run
