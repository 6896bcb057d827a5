"""Claims on their way: signed, put in line, handed in until the place has answered, the answer written into the record.

What is in line lies in table claim_sending; whatever dies in between, the next worker sends the same bytes again: at the places
they are the same claim, by its MA_LK. Down for two days is a long line, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from longbien.base import clock, log
from longbien.base.errors import Invalid, LongbienError, NotFound, Unavailable
from longbien.base.outside import Outside
from longbien.base.sql import queries
from longbien.base.words import mark
from longbien.fhir import json
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.inside import inside
from longbien.record.store import Store
from longbien.wire.claims_xml import Claim, check, write

from . import keeping, making, shapes
from .gateways import Answer, Axis, Gateway, Kind, NotReached, Portal
from .sealing import Seal, seal
from .settings import Account, ClaimsSettings, accounts
from .shapes import Kept, State

Q = queries(__file__, "sql/claims.sql")
QUEUE = "billing.claims.send"
AT_ONCE = 8
EVERY = timedelta(seconds=2)
IDLE = timedelta(minutes=5)
LONGEST = timedelta(hours=1)
CHECK_AFTER = timedelta(minutes=10)
_log = log.get(__name__)
Gateways = Callable[[str], Mapping[str, Gateway]]
"""Claim code of a facility -> the places that it sends to, by name."""


class Places:
    """The places of every facility that the settings name, opened once a process."""

    def __init__(self, settings: ClaimsSettings, outside: Outside):
        self.settings, self.outside = settings, outside
        self.accounts = accounts(settings)
        self._open: dict[str, Mapping[str, Gateway]] = {}

    def __call__(self, facility: str) -> Mapping[str, Gateway]:
        if facility not in self._open and facility in self.accounts:
            self._open[facility] = dict(self._of(self.accounts[facility]))
        return self._open.get(facility, {})

    def _of(self, account: Account) -> list[tuple[str, Gateway]]:
        s, out = self.settings, list[tuple[str, Gateway]]()
        if account.portal:
            out.append(("portal", Portal(self.outside, s.portal, account.portal, account.code, seconds=s.seconds)))
        if account.axis:
            out.append(("axis", Axis(self.outside, s.axis, s.axis_login, account.axis, account.code, seconds=s.seconds)))
        return out


def seal_of(settings: ClaimsSettings, facility: str) -> Seal | None:
    """The facility's key; None where none is set: then what it sends is not signed. Raises Unavailable."""
    account = accounts(settings).get(facility)
    return seal(account.key, account.key_password) if account and account.key else None


def ways(settings: ClaimsSettings, claim: Kept) -> list[str]:
    """Where this claim goes: an insured one to the portal and the axis, one of who pays alone to the axis."""
    account = accounts(settings).get(claim.facility)
    if account is None:
        return []
    return [*(["portal"] if account.portal and claim.insured else []), *(["axis"] if account.axis else [])]


# ---- into the line ---------------------------------------------------------------------------------------------------


async def send(store: Store, claim: Kept, *, settings: ClaimsSettings | None = None) -> Kept:
    """Sign the claim as it lies here and put it in line for its places. Raises Invalid: it has faults that stop it, or the facility
    has no place to send to; Unavailable: its key cannot be opened."""
    settings = settings or ClaimsSettings.read()
    if claim.stops:
        raise Invalid(mark("The claim still has faults that must be mended first."))
    to = ways(settings, claim)
    if not to:
        raise Invalid(mark("No gateway is set up for this facility: nothing was sent."))
    rows = shapes.sent(await keeping.rows(claim.rows))
    day = clock.local(clock.now()).date()
    data = await asyncio.to_thread(_signed, rows, day, claim.facility, settings)
    digest = await keeping.keep(data)
    made = shapes.with_state(claim.resource, "waiting")
    async with inside(store) as within:  # on its way and in line, or neither
        stored = (await within.commit([Update(made, if_match=claim.version)]))[0]
        await put_in_line(within.engine, claim.id, claim.facility, to, "3176", digest)
    return shapes.of(made, stored.version)


def _signed(rows: Any, day: date, facility: str, settings: ClaimsSettings) -> bytes:
    data = write(rows, day, facility=facility, order="annex" if settings.annex else "sender")
    key = seal_of(settings, facility)
    return key.on(data) if key else data


async def check_in(engine: Engine, visit: str, rows: Claim) -> bool:
    """Put a visit's check-in (XML0) in line for the portal; False while it has faults (nothing was ordered yet). Who is not
    insured, and a facility that does not send, has none: True, done."""
    head = rows["XML0"][0]
    settings, day = ClaimsSettings.read(), clock.local(clock.now()).date()
    account = accounts(settings).get(head.get("MA_CSKCB", ""))
    if not shapes.is_insured(head) or account is None or account.portal is None:
        return True
    if any(f.level == "stop" for f in check(rows, day)):
        return False
    data = await asyncio.to_thread(_signed, rows, day, account.code, settings)
    await put_in_line(engine, check_in_id(visit), account.code, ["portal"], "0", await keeping.keep(data))
    return True


def check_in_id(visit: str) -> str:
    return f"check-in-{visit}"


async def put_in_line(engine: Engine, claim: str, facility: str, to: list[str], kind: Kind, digest: str) -> None:
    async with engine.db.transaction() as connection:
        for place in to:
            await connection.execute(Q.replace, claim, place, kind, digest)
            await connection.execute(Q.send, claim, facility, place, kind, digest)


# ---- out of the line -------------------------------------------------------------------------------------------------


class Sender:
    """Takes what is due out of the line and hands it in. `house`: a store that may write Claim and ClaimResponse."""

    def __init__(self, engine: Engine, gateways: Gateways, house: Store):
        self.engine, self.gateways, self.house = engine, gateways, house

    async def round(self, now: datetime) -> int:
        """What is due, once; gives how many were taken out."""
        rows = await self.engine.db.fetch(Q.take, AT_ONCE, now)
        await asyncio.gather(*(self._guarded(row, now) for row in rows))
        return len(rows)

    async def _guarded(self, row: Any, now: datetime) -> None:
        try:
            await self._one(row, now)
        except LongbienError as why:  # the disk or the record is away: it waits ten minutes, then it is due again
            _log.warning("claim sending %s: %s", row["number"], type(why).__name__)
        except Exception as why:  # one that cannot be written holds no other up
            log.incident(_log, why)

    async def _one(self, row: Any, now: datetime) -> None:
        place = self.gateways(row["facility"]).get(row["gateway"])
        if place is None:
            await self.engine.db.execute(Q.again, row["number"], now + LONGEST, "no sign-in is set up", None)
            return
        data = await keeping.content(row["digest"])
        try:
            answer = await place.send(data, row["kind"])
        except NotReached as why:
            await self.engine.db.execute(Q.again, row["number"], now + wait(row["tries"]), why.text[:300], None)
            return
        if answer.later or not answer.code:
            await self.engine.db.execute(Q.again, row["number"], now + wait(row["tries"]), "their fault", answer.code[:20])
            return
        await self._answered(row, answer)

    async def _answered(self, row: Any, answer: Answer) -> None:
        """The record first, the line after: who dies between them sends once more, and writes the same ClaimResponse. The claim's
        state last, when the line says all; who dies before it leaves that to `settle_left`."""
        of_a_claim = row["kind"] == "3176"
        if of_a_claim:
            await self.note(row, answer)
        state = "taken" if answer.taken else "refused"
        await self.engine.db.execute(Q.done, row["number"], state, answer.code[:20], answer.transaction[:100], not of_a_claim)
        if of_a_claim:
            await self._settle(row["claim"])
            await self.engine.db.execute(Q.noted, row["number"])

    async def settle_left(self, now: datetime) -> int:
        """Claims whose answer is here and whose state was not written: a worker died in between."""
        rows = await self.engine.db.fetch(Q.unsettled, now - timedelta(minutes=1))
        for row in rows:
            try:
                await self._settle(row["claim"])
            except Unavailable:
                raise
            except Exception as why:  # the others are settled all the same; this one is tried again
                log.incident(_log, why)
                continue
            await self.engine.db.execute(Q.noted, row["number"])
        return len(rows)

    async def check(self, now: datetime) -> int:
        """Ask the axis once what became of what it took ten minutes ago; gives of how many."""
        rows = await self.engine.db.fetch(Q.unchecked, AT_ONCE, now - CHECK_AFTER)
        for row in rows:
            place = self.gateways(row["facility"]).get(row["gateway"])
            try:
                answer = await place.status(row["transaction"]) if place else None
            except NotReached:
                await self.engine.db.execute(Q.unchecked_again, row["number"])
                continue
            if answer and answer.code and not answer.taken and not answer.later and answer.code != "404":
                await self._answered(row, answer)
        return len(rows)

    async def note(self, row: Any, answer: Answer) -> None:
        """The answer as a ClaimResponse, once for each sending."""
        claim = await making.find(self.house, row["claim"])
        made = response(claim, f"cr-{row['number']}", row["gateway"], answer)
        await self.house.commit([Update(made)])

    async def _settle(self, claim: str) -> None:
        """The claim's state out of its newest sendings, with the reason of the newest refusal among them."""

        async def act() -> None:
            kept = await making.find(self.house, claim)
            latest = await self.engine.db.fetch(Q.latest, claim)
            state = _of([r["state"] for r in latest])
            refusals = {f"cr-{r['number']}" for r in latest if r["state"] == "refused"}
            told = [a for a in await responses(self.house, claim) if a.get("id") in refusals] if refusals else []
            said = str(told[0].get("disposition") or "")[:1000] if told else ""
            if kept.state in ("mend", "ready") or (kept.state, kept.answer) == (state, said):
                return  # it was made anew meanwhile: what it becomes next is another sending's
            await self.house.commit([Update(shapes.with_state(kept.resource, state, said), if_match=kept.version)])

        await making.retry(act)


def _of(states: list[str]) -> State:
    if "refused" in states:
        return "refused"
    return "waiting" if "waiting" in states else "sent"


def wait(tries: int) -> timedelta:
    """4 s, 8 s, 16 s ... one hour at most."""
    return min(LONGEST, timedelta(seconds=2 ** min(tries + 1, 12)))


def reason(answer: Answer) -> str:
    """Why it was refused, in the place's own words, with its number where it says no more."""
    words = "; ".join(str(d.get("moTa") or d.get("maLoi") or "") for d in answer.details)
    return answer.text or words or answer.code


def response(claim: Kept, id_: str, place: str, answer: Answer) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "ClaimResponse",
        "id": id_,
        "status": "active",
        "type": claim.resource["type"],
        "use": "claim",
        "patient": claim.resource["patient"],
        "created": clock.instant(clock.now()),
        "insurer": {"display": place},
        "request": {"reference": f"Claim/{claim.id}"},
        "outcome": "complete" if answer.taken else "error",
    }
    if said := (answer.text if answer.taken else reason(answer)):
        made["disposition"] = said[:2000]
    if answer.transaction:
        made["preAuthRef"] = answer.transaction
    if not answer.taken:
        made["error"] = [_error(d, answer) for d in answer.details] or [_error({}, answer)]
    return made


def _error(said: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    code = str(said.get("maLoi") or answer.code or "?").strip()
    place = " ".join(str(said.get(k) or "") for k in ("bang", "stt", "truong")).strip()
    text = ": ".join(x for x in (place, str(said.get("moTa") or answer.text or code)) if x)
    return {"code": {"coding": [{"system": shapes.ERROR, "code": code}], "text": text[:1000]}}


async def responses(store: Store, claim: str) -> list[dict[str, Any]]:
    """Every answer about a claim, newest first."""
    found = await store.search("ClaimResponse", [("request", f"Claim/{claim}"), ("_sort", "-created"), ("_count", "50")])
    return [json.loads(e.body, strict=False) for e in found.matches]


def job(engine: Engine) -> Any:
    """The job that hands in, again and again. Where no facility sends, it looks seldom."""
    settings = ClaimsSettings.read()
    sender = Sender(engine, Places(settings, Outside()), making.house(engine))

    async def hand_in(payload: Mapping[str, Any]) -> datetime:
        if settings.accounts is None:
            return clock.now() + IDLE
        while await sender.round(clock.now()) == AT_ONCE:
            continue
        await sender.check(clock.now())
        await sender.settle_left(clock.now())
        return clock.now() + EVERY

    return hand_in


async def history(engine: Engine, claim: Kept) -> list[Any]:
    """Every version that was sent of a claim, and its visit's check-in, newest first."""
    return list(await engine.db.fetch(Q.history, [claim.id, check_in_id(claim.visit)]))


async def sent_bytes(engine: Engine, claim: Kept, number: int) -> bytes:
    """What was sent, as it was sent. Raises NotFound, also for another claim's."""
    row = await engine.db.fetchrow(Q.one, number)
    if row is None or row["claim"] not in (claim.id, check_in_id(claim.visit)):
        raise NotFound("There is no such version.")
    return await keeping.content(row["digest"])
