"""What happens by itself: a visit that ends has a claim; claims that were missed are made later; those without a fault
may be sent by setting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from longbien.base import clock, jobs, log
from longbien.base.errors import LongbienError, NotFound
from longbien.base.words import parse_instant
from longbien.record.engine import Engine
from longbien.record.store import Store

from . import compose, making, sending, shapes
from .settings import ClaimsSettings

MAKE, SWEEP, CHECK_IN = "billing.claims.make", "billing.claims.sweep", "billing.claims.check-in"
SETTLES = timedelta(minutes=2)
"""Charges of the last things done are still being written when a visit ends: the claim is made a little later."""
BACK = timedelta(days=7)
CHECK_IN_EVERY, CHECK_IN_UNTIL = timedelta(minutes=10), timedelta(hours=24)
"""A check-in names the first thing that was ordered: it is tried again until there is one, a day at most."""
EVERY = timedelta(hours=1)
BATCH = 200
AT_ONCE = 1000
"""Claims that one turn of the sweep makes: it ends well before its lease does, and goes on a second later."""
_log = log.get(__name__)


composed = compose.claim
"""The rows of a visit out of its record, with its bill as it stands."""


async def claim_of_ended_visit(store: Any, encounter: dict[str, Any]) -> None:
    """A reaction to a finished visit: its claim is put in line to be made, once a visit."""
    key = f"claim {encounter['id']}"
    await jobs.enqueue(store.engine.db, MAKE, {"visit": str(encounter["id"])}, key=key, run_at=clock.now() + SETTLES)


def make_job(engine: Engine) -> Any:
    async def make(payload: Mapping[str, Any]) -> None:
        await made(engine, str(payload["visit"]))

    return make


async def made(engine: Engine, visit: str) -> None:
    """Make the claim of a visit, and send it where that is set to go by itself. A visit that is no more has none."""
    store = making.house(engine)
    try:
        kept, _ = await making.make(store, visit, composed)
    except NotFound:
        return
    if ClaimsSettings.read().automatic and kept.state == "ready" and sending.ways(ClaimsSettings.read(), kept):
        await sending.send(store, kept)


async def check_in_of_arrived_visit(store: Any, encounter: dict[str, Any]) -> None:
    """A reaction to somebody who has come: their check-in (XML0) is put in line, once a visit."""
    if ClaimsSettings.read().accounts is None:
        return
    payload = {"visit": str(encounter["id"]), "until": clock.instant(clock.now() + CHECK_IN_UNTIL)}
    await jobs.enqueue(store.engine.db, CHECK_IN, payload, key=f"check-in {encounter['id']}")


def check_in_job(engine: Engine) -> Any:
    async def check_in(payload: Mapping[str, Any]) -> datetime | None:
        store, visit = making.house(engine), str(payload["visit"])
        try:
            rows = compose.check_in(await compose.case_of(store, visit))
        except NotFound:
            return None
        if await sending.check_in(engine, visit, rows) or clock.now() > parse_instant(str(payload["until"])):
            return None
        return clock.now() + CHECK_IN_EVERY

    return check_in


def sweep_job(engine: Engine) -> Any:
    """Finished visits of the last days without a claim: what was missed, and what was there before this house made claims."""

    async def sweep(payload: Mapping[str, Any]) -> datetime:
        visits = await missing(making.house(engine), clock.now() - BACK)
        failed = 0
        for visit in visits[:AT_ONCE]:
            try:
                await made(engine, visit)
            except LongbienError as why:
                failed += 1
                _log.warning("claim of a visit was not made: %s", type(why).__name__)
        more = len(visits) > AT_ONCE and failed < AT_ONCE // 2
        return clock.now() + (timedelta(seconds=1) if more else EVERY)

    return sweep


async def missing(store: Store, since: datetime) -> list[str]:
    """Ids of visits that ended since and have no Claim."""
    asked = [
        ("status", "finished"),
        ("date", f"ge{clock.local(since).date().isoformat()}"),
        ("_count", str(BATCH)),
        ("_elements", "id"),
    ]
    out: list[str] = []
    while asked:
        found = await store.search("Encounter", asked)
        visits = [e.id for e in found.matches]
        if visits:
            there = await store.search("Claim", [("_id", ",".join(map(shapes.claim_id, visits))), ("_count", str(BATCH))])
            known = {e.id for e in there.matches}
            out += [v for v in visits if shapes.claim_id(v) not in known]
        asked = list(found.next_params or ())
    return out
