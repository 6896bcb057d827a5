"""Standing in: for some hours or days somebody sees the patients of a colleague (a delegation) or of a department (night duty)
beside their own. It passes on whose records, never what may be done with them: that stays what one's own role may. Every
beginning and end is a trail line, and all concerned see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from longbien.base import clock
from longbien.base.db import Row
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine

from . import facility
from .actor import Actor
from .lines import by
from .roles import ARRANGE, COVER, ROLES
from .settings import AccessSettings

Q = queries(__file__, "sql/cover.sql")
MOST = 20
"""That one person stands in for at a time."""
SHOWN_DAYS = 30
"""How long what is over is still shown."""


class Wanted(NamedTuple):
    """Who stands in (`account`), for a colleague (`person`) or for a department of the facility of who arranges it."""

    account: int
    begins: datetime
    until: datetime
    reason: str
    person: int | None = None
    department: str | None = None


async def give(engine: Engine, maker: Actor, wanted: Wanted, *, settings: AccessSettings) -> int:
    """Let somebody stand in; gives the number. One's own patients everybody with patients may pass on; for others, and for a
    department, a head or an administrator of that facility arranges it; nobody for themselves. Raises Forbidden, Invalid,
    NotFound, Conflict."""
    said = " ".join(wanted.reason.replace("\0", "").split())
    _check(wanted, said, settings)
    to = await _clinician(engine, wanted.account)
    organization = await _of(engine, maker, wanted)
    if to["number"] == maker.number or to["number"] == wanted.person:
        raise Forbidden("Nobody makes themselves stand in: somebody else arranges it.")
    if await engine.db.fetchval(Q.running, wanted.account) >= MOST:
        raise Conflict(f"They stand in for {MOST} already.", code="too-costly")
    number: int = await engine.db.fetchval(
        Q.new, wanted.account, organization, wanted.department, wanted.person, wanted.begins, wanted.until, said, maker.number
    )
    whom = f"account {wanted.person}" if wanted.person is not None else f"department {wanted.department}"
    span = f"from {clock.instant(wanted.begins)} until {clock.instant(wanted.until)}"
    await _note(engine, maker, f"cover {number}: account {wanted.account} stands in for {whom} {span}: {said}")
    return number


async def end(engine: Engine, by_whom: Actor, number: int) -> None:
    """Before its time; in force everywhere within a second. Whoever is concerned may: who stands in, for whom, who arranged it, and
    who arranges such things at the facility. Raises NotFound (also for what is not theirs), Conflict (it is over)."""
    row = await engine.db.fetchrow(Q.one, number)
    mine = row is not None and by_whom.number in (row["account"], row["person"], row["made_by"])
    if row is None or not (mine or _arranges(by_whom, row["organization"])):
        raise NotFound(f"There is no cover {number} of yours.")
    if row["ended"] is not None or row["until"] <= clock.now() or await engine.db.fetchval(Q.end, number, by_whom.number) is None:
        raise Conflict("This is over already.")
    await _note(engine, by_whom, f"cover {number} ended: account {row['account']}")


async def of(engine: Engine, actor: Actor) -> Sequence[Row]:
    """What concerns the actor: standing in, being stood in for, or arranged by them; the newest first."""
    return await engine.db.fetch(Q.listed, actor.number, None, SHOWN_DAYS)


async def at(engine: Engine, actor: Actor) -> Sequence[Row]:
    """All of the actor's facility, for who arranges there. Raises Forbidden."""
    if actor.organization is None or not _arranges(actor, actor.organization):
        raise Forbidden(f"{actor.name} does not arrange who stands in for whom.")
    return await engine.db.fetch(Q.listed, None, actor.organization, SHOWN_DAYS)


def _check(wanted: Wanted, said: str, settings: AccessSettings) -> None:
    if not 3 <= len(said) <= 500:
        raise Invalid("Say in 3 to 500 characters why somebody stands in.", code="value")
    if (wanted.person is None) == (wanted.department is None):
        raise Invalid("Say for whom: one colleague, or one department.", code="value")
    longest = timedelta(days=settings.cover_days)
    if wanted.until <= wanted.begins or wanted.until <= clock.now() or wanted.until - wanted.begins > longest:
        raise Invalid(f"It ends after it begins, in the future, and lasts {settings.cover_days} days at most.", code="value")
    if wanted.begins > clock.now() + timedelta(days=366):
        raise Invalid("It begins within a year.", code="value")


async def _clinician(engine: Engine, number: int) -> Row:
    row = await engine.db.fetchrow("SELECT number, role, organization, department, disabled FROM account WHERE number = $1", number)
    role = ROLES.get(row["role"]) if row is not None else None
    if row is None or row["disabled"] is not None or role is None or role.name not in COVER.roles:
        raise Invalid("Only a doctor, a nurse or a head of department with an open account stands in.", code="value")
    return row


async def _of(engine: Engine, maker: Actor, wanted: Wanted) -> str:
    """The facility whose patients these are."""
    if wanted.person is not None:
        whose = await _clinician(engine, wanted.person)
        own = wanted.person == maker.number and maker.may(COVER)
        if whose["organization"] and (own or _arranges(maker, whose["organization"])):
            return str(whose["organization"])
    elif maker.organization is not None and _arranges(maker, maker.organization):
        if wanted.department in await facility.departments(engine, maker.organization):
            return maker.organization
        raise Invalid(f"{(wanted.department or '')[:64]!r} is no department of this facility.", code="value")
    await _refused(engine, maker, wanted)
    raise Forbidden(f"{maker.name} may not arrange that: a head of department or an administrator of the facility does.")


def _arranges(actor: Actor, organization: str) -> bool:
    return actor.may(ARRANGE) and actor.organization == organization


async def _refused(engine: Engine, maker: Actor, wanted: Wanted) -> None:
    scope = by(maker.number, address=maker.address, org=maker.org)
    why = f"cover by account {wanted.account}"
    await engine.trail.write([trail.line(scope, "refused", outcome=trail.REFUSED, why=why)])


async def _note(engine: Engine, actor: Actor, why: str) -> None:
    await engine.trail.write([trail.line(by(actor.number, address=actor.address, org=actor.org), "account", why=why)])
