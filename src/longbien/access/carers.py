"""Carers: who may see another person's record because they care for them. A grant rests on a resource of the patient's own record
(a child's RelatedPerson, an adult's Consent) and ends with it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from longbien.base import clock
from longbien.base.db import Database
from longbien.base.errors import Forbidden, Invalid, NotFound
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.base.words import parse_instant
from longbien.fhir import extract, json
from longbien.record import trail
from longbien.record.change import Stored
from longbien.record.engine import Engine
from longbien.record.scope import Scope
from longbien.record.store import Store
from longbien.record.types import number, type_name

from .actor import Actor
from .roles import CARERS
from .rows import VOID_BASIS

Q = queries(__file__, "sql/access.sql")
OF_AGE = 18
"""Years (Civil Code 91/2015/QH13, article 20)."""
LONGEST = timedelta(days=366)
"""An adult's consent that names no end is asked for again after this."""
BASES = frozenset({"RelatedPerson", "Consent"})


class Cared(NamedTuple):
    """patient: id of the Patient. basis: ("RelatedPerson" or "Consent", id)."""

    patient: str
    basis: tuple[str, str]
    until: datetime


def comes_of_age(birth: str) -> date:
    """The day on which somebody born on this FHIR date is of age; where only a year or month is known, its first day counts: what
    is not known must not prolong anybody's reach. Raises ValueError."""
    born = parse_instant(birth).date()
    day = 28 if (born.month, born.day) == (2, 29) else born.day
    return date(born.year + OF_AGE, born.month, day)


def ends(basis: dict[str, Any], patient: dict[str, Any], now: datetime) -> datetime:
    """Until when a RelatedPerson or a Consent opens the record. Raises Invalid: an adult's record opens by their own consent only;
    what is not active opens nothing."""
    birth = patient.get("birthDate")
    if basis["resourceType"] == "RelatedPerson":
        if basis.get("active") is False:
            raise Invalid("This relative is marked as inactive.", code="business-rule")
        if not birth:
            raise Invalid("The patient's birth date is not known: whether they are a child cannot be told.", code="business-rule")
        until = parse_instant(comes_of_age(birth).isoformat())
        if until <= now:
            raise Invalid("The patient is of age: a carer needs the patient's own consent.", code="business-rule")
        end = (basis.get("period") or {}).get("end")
    else:
        if basis.get("status") != "active":
            raise Invalid("This consent is not active.", code="business-rule")
        until = now + LONGEST
        end = ((basis.get("provision") or {}).get("period") or {}).get("end")
    if end:
        until = min(until, parse_instant(end) + (timedelta(days=1) if len(end) == 10 else timedelta()))
    if until <= now:
        raise Invalid("What this rests on has ended.", code="business-rule")
    return until


async def grant(engine: Engine, scope: Scope, by: Actor | None, account: int, type_: str, id_: str) -> Cared:
    """Let a carer's account see the patient whose RelatedPerson or Consent `type_`/`id_` is. `by` None: the command line or the
    demo. `scope`: of whoever does it; it must open the record. Raises Forbidden, Invalid, NotFound. Audited before it holds."""
    if by is not None and not by.may(CARERS):
        raise Forbidden(f"{by.name} may not say who cares for a patient.")
    if type_ not in BASES:
        raise Invalid("A carer's grant rests on a RelatedPerson or a Consent.", code="value")
    found = await engine.db.fetchrow("SELECT role, kind, disabled FROM account WHERE number = $1", account)
    if found is None or found["role"] != "carer" or found["disabled"]:
        raise NotFound(f"There is no live account {account} of a carer.")
    stored, patient, until = await check(Store(engine, scope), type_, id_)
    pat = patient_key(patient)
    line = trail.line(
        scope, "account", pat=pat, rid=stored.rid, type=number(type_), why=f"account {account} is a carer until {until:%Y-%m-%d}"
    )
    await engine.trail.write([line])
    await engine.db.fetchval(Q.carer_new, account, pat, patient, stored.rid, until, by.number if by else 0)
    return Cared(patient, (type_, id_), until)


async def check(store: Store, type_: str, id_: str) -> tuple[Stored, str, datetime]:
    """What a grant would rest on: (the resource, the patient's id, until when). Raises Invalid, NotFound."""
    stored = await store.read(type_, id_)
    basis = json.loads(stored.body)
    ids = extract.patient_ids(basis)
    if len(ids) != 1:
        raise Invalid("It names no one patient.", code="value")
    patient = json.loads((await store.read("Patient", ids[0])).body)
    return stored, ids[0], ends(basis, patient, clock.now())


async def end(engine: Engine, scope: Scope, by: Actor | None, account: int, patient_id: str) -> None:
    """Take it away, everywhere at once. Raises Forbidden."""
    if by is not None and not by.may(CARERS):
        raise Forbidden(f"{by.name} may not say who cares for a patient.")
    pat = patient_key(patient_id)
    await engine.trail.write([trail.line(scope, "account", pat=pat, why=f"account {account} is no carer any more")])
    await engine.db.execute(Q.carer_end, account, pat, by.number if by else 0)


async def of(db: Database, actor: Actor) -> list[Cared]:
    """Whom this account cares for now. Ids only: their names come from the record, through a scope."""
    if actor.role != "carer":
        return []
    rows = await db.fetch(Q.carer_of, actor.number, list(VOID_BASIS))
    return [Cared(r["patient"], (type_name(r["type"]), r["basis"]), r["until"]) for r in rows]
