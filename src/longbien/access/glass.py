"""Breaking the glass: in an emergency a clinician opens a withheld or foreign record at once, saying why. It lasts some hours, the
patient is told in the same transaction, and somebody of the facility reviews it. The same mechanism as a stated purpose, stronger
(purpose.py): it opens before any refusal is asked (rows.py)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from longbien.base import clock
from longbien.base.errors import Forbidden, Invalid, NotFound
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.base.words import words
from longbien.fhir import json as fhir_json
from longbien.fhir.systems import NOTICE
from longbien.record import trail, write
from longbien.record.change import Create, Manner
from longbien.record.engine import Engine
from longbien.record.life import named
from longbien.record.scope import Scope, system
from longbien.record.sensitive import CONFIDENTIALITY
from longbien.record.types import number

from . import purpose
from .actor import Actor
from .policy import scope
from .purpose import Grant
from .roles import BREAK_GLASS, REVIEW_GLASS
from .settings import AccessSettings

Q = queries(__file__, "sql/glass.sql")
CATEGORIES = ("unresponsive", "allergy-or-drugs", "consent-by-word", "other")
"""Why: the patient cannot answer; allergies or drugs must be known; they agree by word before a witness; something else."""
VERDICTS = ("accept", "ask", "report")
SHORTEST = timedelta(minutes=15)
QUEUE = 200


class Said(NamedTuple):
    """One thing said about an opening: a reviewer's accept, ask or report, or the breaker's answer."""

    verdict: str
    text: str
    at: datetime
    name: str


class Opening(NamedTuple):
    """One broken glass. patient: the id. seen: how many reads of that record it led to. ended: before its time, or None."""

    number: int
    account: int
    name: str
    role: str
    department: str | None
    category: str
    reason: str
    begins: datetime
    until: datetime
    ended: datetime | None
    patient: str | None
    seen: int
    said: tuple[Said, ...]

    @property
    def settled(self) -> bool:
        return any(s.verdict in ("accept", "report") for s in self.said)

    @property
    def asked(self) -> bool:
        """Whether a question waits for the breaker's answer."""
        last = [s.verdict for s in self.said if s.verdict in ("ask", "answer")]
        return bool(last) and last[-1] == "ask" and not self.settled


async def break_glass(
    engine: Engine, actor: Actor, patient_id: str, category: str, reason: str, *, settings: AccessSettings,
    hours: float | None = None,
) -> Grant:  # fmt: skip
    """Open the whole record to `actor`, at once, for `hours` (at most settings.glass_hours). The trail line is durable before the
    grant is; the patient's notice is written together with it. Raises Forbidden (no clinical duty), Invalid (no reason, category or
    time), NotFound."""
    if not actor.may(BREAK_GLASS):
        raise Forbidden(f"{actor.name} has no clinical duty and may not open a record in an emergency.")
    if category not in CATEGORIES:
        raise Invalid(f"Say which kind of emergency: {', '.join(CATEGORIES)}.", code="value")
    lasting = timedelta(hours=settings.glass_hours if hours is None else hours)
    if not SHORTEST <= lasting <= timedelta(hours=settings.glass_hours):
        raise Invalid(f"It may last from 15 minutes to {settings.glass_hours:g} hours.", code="value")
    said = purpose.own_words(reason)
    own = replace(scope(actor, settings=settings, reason=said), purpose="ETREAT")
    pat, rid = await purpose.known(engine, patient_id)
    await engine.trail.write([trail.line(own, "glass", pat=pat, rid=rid, type=number("Patient"), why=f"{category}: {said}")])
    place = await _place(engine, actor.organization)
    async with engine.db.transaction() as connection:
        row = await connection.fetchrow(Q.new, actor.number, pat, said, lasting.total_seconds(), category, actor.org)
        notice = _notice(actor, patient_id, place, said, row["until"])
        stored = await write.commit(
            engine, _house(actor), [Create(notice)], Manner(references="trust", checked=True), connection=connection
        )
    write.announce(engine, stored)
    return Grant(row["number"], "ETREAT", said, row["begins"], row["until"], 2)


def _house(actor: Actor) -> Scope:
    """The house tells the patient, in its own name, at the facility of who broke the glass."""
    return replace(system("told the patient of an emergency opening"), org=actor.org)


def _notice(actor: Actor, patient_id: str, place: str, reason: str, until: datetime) -> dict[str, Any]:
    """In the patient's language. Restricted: it is for them and for the facility, not for every other one."""
    now = clock.now()
    vi = words("vi")
    text = (
        f"{actor.name}{f' ({place})' if place else ''} đã mở khẩn cấp hồ sơ của ông/bà lúc {vi.time(now)} ngày {vi.date(now)}, "
        f"đến {vi.time(until)} ngày {vi.date(until)}. Lý do: “{reason}”. Người có trách nhiệm của bệnh viện sẽ xem lại việc này. "
        "Ông/bà có thể xem ai đã đọc những gì trong mục “Ai đã xem”."
    )
    made: dict[str, Any] = {
        "resourceType": "Communication", "status": "completed",
        "meta": {"security": [{"system": CONFIDENTIALITY, "code": "R", "display": "restricted"}]},
        "category": [{"coding": [NOTICE]}],
        "topic": {"text": "Mở khẩn cấp hồ sơ"},
        "subject": {"reference": f"Patient/{patient_id}"},
        "recipient": [{"reference": f"Patient/{patient_id}"}],
        "sent": clock.instant(now),
        "payload": [{"contentString": text}],
    }  # fmt: skip
    if actor.organization:
        made["sender"] = {"reference": f"Organization/{actor.organization}", **({"display": place} if place else {})}
    return made


async def _place(engine: Engine, organization: str | None) -> str:
    bodies = await named(engine, "Organization", [organization]) if organization else {}
    return str(fhir_json.loads(next(iter(bodies.values())), strict=False).get("name") or "") if bodies else ""


async def running(engine: Engine, actor: Actor, patient_id: str) -> Grant | None:
    """The glass that this actor has broken for this patient and that still lasts."""
    grant = await purpose.stated(engine, actor, patient_id)
    return grant if grant is not None and grant.strength == 2 else None


async def end(engine: Engine, actor: Actor, patient_id: str, *, settings: AccessSettings) -> None:
    """Before its time. Whatever this actor has stated for this patient ends with it."""
    pat = patient_key(patient_id)
    await engine.db.execute(purpose.Q.purpose_end, actor.number, pat)
    await engine.trail.write([trail.line(scope(actor, settings=settings), "glass", pat=pat, why="ended before its time")])


async def queue(engine: Engine, actor: Actor) -> list[Opening]:
    """What waits for a reviewer of the actor's facility, newest first; never one's own. Raises Forbidden."""
    if not actor.may(REVIEW_GLASS) or actor.org is None:
        raise Forbidden(f"{actor.name} does not review what colleagues opened.")
    rows = await engine.db.fetch(Q.openings, None, actor.org, None, actor.number, True, QUEUE)
    return [_opening(r) for r in rows]


async def mine(engine: Engine, actor: Actor) -> list[Opening]:
    """What the actor opened, newest first."""
    return [_opening(r) for r in await engine.db.fetch(Q.openings, None, None, actor.number, None, False, QUEUE)]


async def review(engine: Engine, actor: Actor, opening: int, verdict: str, text: str, *, settings: AccessSettings) -> None:
    """A reviewer accepts, asks or reports. Raises Forbidden, NotFound (also for another facility's), Invalid."""
    if verdict not in VERDICTS:
        raise Invalid(f"Say {', '.join(VERDICTS)}.", code="value")
    said = " ".join(text.replace("\0", "").split())[:1000]
    if verdict != "accept" and not said:
        raise Invalid("Say what you ask, or why it is reported.", code="value")
    found = {o.number: o for o in await queue(engine, actor)}
    if opening not in found:
        raise NotFound("There is no such opening to be reviewed.")
    await _say(engine, actor, opening, verdict, said, settings)


async def answer(engine: Engine, actor: Actor, opening: int, text: str, *, settings: AccessSettings) -> None:
    """The one who opened answers a reviewer's question. Raises NotFound, Invalid."""
    said = " ".join(text.replace("\0", "").split())[:1000]
    if not said:
        raise Invalid("An answer needs words.", code="value")
    if not any(o.number == opening and o.asked for o in await mine(engine, actor)):
        raise NotFound("Nobody asks about that.")
    await _say(engine, actor, opening, "answer", said, settings)


async def _say(engine: Engine, actor: Actor, opening: int, verdict: str, text: str, settings: AccessSettings) -> None:
    pat = await engine.db.fetchval(Q.pat, opening)
    why = f"{verdict} of emergency opening {opening}"
    await engine.trail.write([trail.line(scope(actor, settings=settings), "review", pat=pat, why=why)])
    await engine.db.execute(Q.say, opening, actor.number, verdict, text)


class Statistics(NamedTuple):
    """Of one facility in `days` days. late: waiting for over a day. median_seconds: from opening to verdict."""

    days: int
    openings: int
    people: int
    patients: int
    accepted: int
    reported: int
    waiting: int
    late: int
    median_seconds: float | None
    by_category: tuple[tuple[str, int], ...]


async def statistics(engine: Engine, actor: Actor, days: int = 30) -> Statistics:
    """Raises Forbidden."""
    if not actor.may(REVIEW_GLASS) or actor.org is None:
        raise Forbidden(f"{actor.name} does not review what colleagues opened.")
    row = await engine.db.fetchrow(Q.statistics, actor.org, days)
    assert row is not None
    kinds = await engine.db.fetch(Q.by_category, actor.org, days)
    return Statistics(days=days, **dict(row), by_category=tuple((r["category"], r["n"]) for r in kinds))


def _opening(row: Any) -> Opening:
    fields = dict(row)
    said = json.loads(fields.pop("said"))
    return Opening(**fields, said=tuple(Said(v, t, datetime.fromisoformat(at), name) for v, t, at, name in said))
