"""The day's list: what in the trail asks for a word, with reasons (anomaly_rules.py), and what reviewers said about it.

Made once a day for the day before, by the job `audit.anomalies`; making it again changes nothing that was said. Work is bounded by
the day, not by the trail: its lines are found by the index of time, each person's by the index of actors, some people at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from longbien.base import clock
from longbien.base.errors import Forbidden, Invalid, NotFound
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.fhir import json as fhir_json
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.types import number

from . import anomaly_rules as rules
from .actor import Actor
from .lines import by
from .relations import PERSONAL, Asked, relations
from .roles import ANOMALIES, PATIENTS

Q = queries(__file__, "sql/anomalies.sql")
TOGETHER = 100
"""People whose day is looked at in one go."""
STATES = ("open", "explained", "reported")
QUEUE = "audit.anomalies"
_AT = time(1, 30)
"""When the day before is looked at, in Hanoi."""


class Anomaly(NamedTuple):
    """One entry. reasons: code -> facts. patient: id, name as the record has it; None where it is about the whole day."""

    number: int
    day: date
    account: int
    name: str
    role: str
    at: datetime
    items: int
    weight: int
    reasons: dict[str, dict[str, Any]]
    state: str
    words: str | None
    reviewed: datetime | None
    reviewer: str | None
    patient: str | None
    patient_name: str | None


def following(now: datetime) -> datetime:
    """When the next list is made."""
    local = clock.local(now)
    next_ = datetime.combine(local.date(), _AT, local.tzinfo)
    return next_ if next_ > local else next_ + timedelta(days=1)


def yesterday(now: datetime) -> date:
    return clock.local(now).date() - timedelta(days=1)


async def make(engine: Engine, day: date) -> int:
    """The list of one day; gives how many entries it has."""
    begin = datetime.combine(day, time(), clock.HANOI)
    end = begin + timedelta(days=1)
    span = (await engine.db.fetch(Q.stretch, begin, end, search=True))[0]
    if span["low"] is None:
        return 0
    accounts = sorted(r["account"] for r in await engine.db.fetch(Q.days, day, begin, end, sorted(PATIENTS), search=True))
    entries: dict[tuple[int, int | None], list[Any]] = {}
    for v in await engine.db.fetch(Q.volumes, day, search=True):
        reasons = rules.volume(v["patients"], v["days"], v["mean"], v["deviation"], v["role_days"], v["high"])
        reasons |= rules.searches(v["searches"], v["patients"])
        if reasons:
            entries[v["account"], None] = [v["org"], begin, v["items"], reasons]
    for n in range(0, len(accounts), TOGETHER):
        some = accounts[n : n + TOGETHER]
        pairs = await engine.db.fetch(Q.pairs, some, begin, end, span["low"], span["high"], search=True)
        for p, reasons in await _judged(engine, some, pairs, begin, end):
            entries[p["account"], p["pat"]] = [p["org"], p["at"], p["items"], reasons]
    for (account, pat), (org, at, items, reasons) in entries.items():
        args = (day, account, org, pat, at, items, rules.weight(reasons), json.dumps(reasons))
        await engine.db.execute(Q.put, *args)
    return len(entries)


async def _judged(engine: Engine, accounts: list[int], pairs: Sequence[Any], begin: datetime,
                  end: datetime) -> list[tuple[Any, rules.Reasons]]:  # fmt: skip
    ties = await relations(engine, [Asked(p["account"], p["pat"], p["at"]) for p in pairs])
    on_duty = {
        p["account"] for p, t in zip(pairs, ties, strict=True) if "cover" in t or (p["night"] and p["wrote"] and set(t) & PERSONAL)
    }
    stated = {(g["account"], g["pat"]) for g in await engine.db.fetch(Q.glasses, accounts, begin, end)}
    wanted = [(p, t) for p, t in zip(pairs, ties, strict=True) if not set(t) & rules.NAMED]
    pats = sorted({p["pat"] for p, _ in wanted})
    staff = await _staff(engine, accounts)
    patients, relatives = await _people(engine, pats)
    working = await _working(engine, patients)
    walled = await _walled(engine, pats)
    found = []
    for p, t in wanted:
        role, organization, me = staff[p["account"]]
        patient = patients.get(p["pat"])
        works_here = patient is not None and working.get(patient.patient or "") == organization and organization is not None
        kin = rules.kin(me, patient, relatives.get(p["pat"], []), works_here=works_here) if patient else {}
        own = patient is not None and me.patient is not None and me.patient == patient.patient
        at = f"{clock.local(p['night_at']):%H:%M}" if p["night_at"] else None
        reasons = {} if own else rules.pair(
            role, t, items=p["items"], night=p["night"], night_at=at, on_duty=p["account"] in on_duty,
            stated=(p["account"], p["pat"]) in stated, walled=p["pat"] in walled, kin=kin,
        )  # fmt: skip
        if reasons:
            found.append((p, reasons))
    return found


async def _staff(engine: Engine, accounts: list[int]) -> dict[int, tuple[str, str | None, rules.Self]]:
    rows = await engine.db.fetch(Q.staff, accounts, number("Practitioner"))
    bodies = await engine.unpack_all([r["body"] for r in rows if r["body"]])
    given = iter(bodies)
    return {
        r["number"]: (
            r["role"], r["organization"],
            rules.selves(fhir_json.loads(next(given)) if r["body"] else None, r["name"], r["patient"]),
        )
        for r in rows
    }  # fmt: skip


async def _people(engine: Engine, pats: list[int]) -> tuple[dict[int, rules.Self], dict[int, list[rules.Self]]]:
    patients: dict[int, rules.Self] = {}
    relatives: dict[int, list[rules.Self]] = {}
    types = [number("Patient"), number("RelatedPerson")]
    for n in range(0, len(pats), 1000):
        rows = await engine.db.fetch(Q.bodies, pats[n : n + 1000], types)
        for r, body in zip(rows, await engine.unpack_all([r["body"] for r in rows]), strict=True):
            resource = fhir_json.loads(body)
            if r["type"] == types[0]:
                patients[r["pat"]] = rules.selves(resource, patient=r["id"])
                for contact in resource.get("contact") or ():
                    name = contact.get("name")
                    told = {**contact, "name": [name] if isinstance(name, Mapping) else []}
                    relatives.setdefault(r["pat"], []).append(rules.selves(told))
            else:
                relatives.setdefault(r["pat"], []).append(rules.selves(resource))
    return patients, relatives


async def _working(engine: Engine, patients: Mapping[int, rules.Self]) -> dict[str, str | None]:
    ids = [p.patient for p in patients.values() if p.patient]
    return {r["patient"]: r["organization"] for r in await engine.db.fetch(Q.colleagues, ids)} if ids else {}


async def _walled(engine: Engine, pats: list[int]) -> set[int]:
    """Records with a wall around them, where this house has walls."""
    if not pats or not await engine.db.fetchval("SELECT to_regclass('wall') IS NOT NULL"):
        return set()
    return {r["pat"] for r in await engine.db.fetch(Q.walls, pats)}


# -- the list ----------------------------------------------------------------------------------------------------------


async def listed(
    engine: Engine, actor: Actor, *, state: str | None = None, patient: str | None = None, count: int = 200
) -> list[Anomaly]:
    """Of the actor's facility, newest first. Raises Forbidden. Audited, each patient who is named."""
    _may(actor)
    rows = await engine.db.fetch(Q.list, actor.org, state, patient_key(patient) if patient else None, count)
    bodies = iter(await engine.unpack_all([r["body"] for r in rows if r["body"]]))
    found = []
    for r in rows:
        name = rules.full_name(fhir_json.loads(next(bodies))) if r["body"] else None
        found.append(Anomaly(
            r["number"], r["day"], r["account"], r["name"], r["role"], r["at"], r["items"], r["weight"], json.loads(r["reasons"]),
            r["state"], r["words"], r["reviewed"], r["reviewer"], r["patient"], name,
        ))  # fmt: skip
    scope = by(actor.number, address=actor.address, org=actor.org, reason="anomalies")
    pats = sorted({r["pat"] for r in rows if r["pat"] is not None})
    await engine.trail.write([trail.line(scope, "trail", pat=p) for p in pats] or [trail.line(scope, "trail", n=0)])
    return found


async def waiting(engine: Engine, actor: Actor) -> int:
    """How many nobody has said anything about yet."""
    return int(await engine.db.fetchval(Q.waiting, actor.org) or 0) if actor.may(ANOMALIES) and actor.org is not None else 0


async def review(engine: Engine, actor: Actor, which: int, state: str, words: str) -> None:
    """What a reviewer says: explained, reported, or open again. Raises Forbidden (of one's own too), NotFound, Invalid.
    Audited."""
    _may(actor)
    if state not in STATES:
        raise Invalid(f"state: one of {', '.join(STATES)}.")
    if not 3 <= len(words) <= 1000:
        raise Invalid("words: say why, in 3 to 1,000 characters.")
    row = await engine.db.fetchrow(Q.one, which)
    if row is None or row["org"] != actor.org:
        raise NotFound(f"There is no entry {which}.")
    scope = by(actor.number, address=actor.address, org=actor.org)
    if row["account"] == actor.number:
        await engine.trail.write([trail.line(scope, "refused", pat=row["pat"], outcome=trail.REFUSED, why=f"own entry {which}")])
        raise Forbidden("Nobody reviews what they did themselves.")
    await engine.db.execute(Q.review, which, actor.number, state, words)
    await engine.trail.write([trail.line(scope, "trail", pat=row["pat"], why=f"entry {which}: {state}")])


def _may(actor: Actor) -> None:
    if not actor.may(ANOMALIES) or actor.org is None:
        raise Forbidden(f"{actor.name} may not see what in the trail asks for a word.")
