"""(actor, purpose) -> Scope: the only place where a warrant is made for somebody. What no table allows is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from longbien.base.db import Database
from longbien.base.errors import Forbidden
from longbien.base.ids import patient_key
from longbien.record import ties
from longbien.record.index import org_key
from longbien.record.scope import Everything, Nothing, Rows, RowSQL, Scope
from longbien.record.sensitive import BY_CODE
from longbien.record.types import number

from .actor import Actor
from .consent_rows import ConsentedRows, WalledRows, WithheldRows, categories_of, reader
from .narrow import narrowed
from .roles import ANSWER, BREAK_GLASS, FIND, ME, REGISTER, RIGHTS, ROLES, Right, Role
from .rows import (
    Both,
    CareRows,
    CarerRows,
    IdentityRows,
    MinorRows,
    NewRows,
    OpenRows,
    Ordered,
    OwnRows,
    PurposeRows,
    RestrictedRows,
    Rule,
    TieRows,
)
from .settings import AccessSettings

PATIENT = "Patient"
BROKEN = 2
"""The strength of a broken glass among stated purposes (purpose.py)."""
MINORS_OWN = BY_CODE["adolescent"].bit
_SAID = ("own", "carer", "care", "cover", "purpose")
"""Reasons that the trail names where nobody has looked which one it was."""
STUB = ("Patient", "Task", "Communication", "Provenance", "Consent")
"""Of a restricted record, what the office that answers its patient goes on seeing."""


def rules(actor: Actor, role: Role, settings: AccessSettings, purpose: str | None = None) -> tuple[Rule, ...]:
    """The rules for this actor, in order; the first that holds for a row decides. `purpose`: by default the role's first."""
    found = [Rule("open", "open", OpenRows())]
    reading = reader(actor, purpose or role.purposes[0], settings)
    if role.rows in ("care", "order", "care-ever"):
        if actor.may(BREAK_GLASS):
            found.append(Rule("open", "emergency", PurposeRows(actor.number, BROKEN)))
        found.append(Rule("close", "restricted", RestrictedRows(STUB if actor.may(ANSWER) else ())))
        found.append(Rule("close", "withheld", WithheldRows(reading)))
        if role.clinical:
            found.append(Rule("open", "purpose", PurposeRows(actor.number)))
        found.append(Rule("close", "wall", WalledRows(actor.organization)))
    if role.rows == "cared":
        found.append(Rule("close", "minor", MinorRows(MINORS_OWN, patient_key(actor.patient) if actor.patient else None)))
    if role.rows in ("own", "cared"):
        if actor.patient is not None:
            found.append(Rule("open", "own", OwnRows(patient_key(actor.patient))))
        if role.rows == "cared":
            found.append(Rule("open", "carer", CarerRows(actor.number)))
    if role.rows in ("care", "order", "care-ever"):
        if actor.org is not None:
            found.append(Rule("open", "care", _care(actor, role, actor.org, settings)))
        if role.personal:
            found += [
                Rule("open", "cover", Both(CareRows(c.org, settings.care_days), TieRows(c.ends, settings.care_days)), str(c.number))
                for c in actor.reach.covers
            ]
        if role.clinical:
            found.append(Rule("open", "consent", ConsentedRows(reading)))
        if PATIENT in role.types("c"):
            found.append(Rule("open", "new", NewRows()))
    return tuple(found)


@lru_cache(maxsize=4096)
def ordered_rules(actor: Actor, settings: AccessSettings, purpose: str | None = None) -> Ordered:
    """The same for everything that one actor asks, until something about them changes."""
    role = actor.known_role
    return Ordered(rules(actor, role, settings, purpose)) if role is not None else Ordered(())


def _care(actor: Actor, role: Role, org: int, settings: AccessSettings) -> Rows:
    """Patients under care at the facility, or where a department was asked by its own name (a referral to it); of these those whom
    the role's work, or a strict facility, leaves."""
    days = None if role.rows == "care-ever" else settings.care_days
    care = CareRows(org, days, org_key(actor.department) if actor.department else None)
    if role.work is not None:
        return Both(care, TieRows((ties.work(role.work), *actor.own_ends), days))
    if role.personal and actor.reach.strict:
        return Both(care, TieRows(actor.reach.ends, days))
    return care


@cache
def _types(role: str, purpose: str) -> dict[Right, frozenset[str]]:
    return {right: ROLES[role].types(right, purpose) for right in RIGHTS}


def scope(actor: Actor, purpose: str | None = None, *, settings: AccessSettings, reason: str | None = None) -> Scope:
    """What `actor` may do now. `purpose`: an HL7 v3 PurposeOfUse code, by default the first of the role's. `reason`: what the
    trail shall say, by default which rules apply. Raises Forbidden for a purpose that the role does not have."""
    made = _scope(actor, actor.address, purpose, settings)
    if reason is None:
        return made
    return replace(made, reason=_named(actor, reason), purpose="ETREAT" if reason.startswith("emergency") else made.purpose)


@lru_cache(maxsize=4096)
def _scope(actor: Actor, address: str | None, purpose: str | None, settings: AccessSettings) -> Scope:
    """Worked out once for what one actor asks from one place, until something about them changes. `address` is part of no actor's
    likeness, so it stands beside."""
    role = actor.known_role
    if role is None:
        return Scope(actor.number, actor.name, "", f"no role {actor.role[:40]!r}", Nothing(), actor.org, address=address)
    chosen = purpose or role.purposes[0]
    if chosen not in role.purposes:
        raise Forbidden(f"{role.en} may not act for purpose {chosen[:20]!r}.")
    if role.rows == "everything":
        if actor.held is None:
            return Scope(actor.number, actor.name, chosen, "a machine without a token", Nothing(), actor.org, address=address)
        whole = Scope(actor.number, actor.name, chosen, f"token of {actor.login}", Everything(), actor.org,
                      None, None, address, token=actor.token)  # fmt: skip
        return narrowed(whole, actor.held, None)
    ordered = ordered_rules(actor, settings, chosen)
    has = {r.reason for r in ordered.rules}
    named = [said for said in _SAID if said in has]
    may = _types(role.name, chosen)
    said = _named(actor, f"{role.name}: {'/'.join(named)}".removesuffix(": "))
    told = withheld(actor, role, settings, chosen) if actor.app is None else None
    own = Scope(
        actor.number, actor.name, chosen, said, ordered, actor.org, may["r"], may["c"] | may["u"] | may["d"], address,
        _begins(actor, settings), token=actor.token, creates=may["c"], updates=may["u"], deletes=may["d"], withheld=told,
    )  # fmt: skip
    if actor.app is None:
        return own
    if actor.held is None:  # an app without a scope may do nothing
        return Scope(actor.number, actor.name, chosen, own.reason, Nothing(), actor.org, address=address)
    patient = patient_key(actor.app.patient) if actor.app.patient else None
    return narrowed(replace(own, label=f"{actor.app.name}, for {actor.name},"), actor.held, patient)


def _named(actor: Actor, reason: str) -> str:
    """The trail names the person (the line's actor) and the app that acts for them."""
    return reason if actor.app is None else f"app {actor.app.client_id}: {reason}"


def withheld(actor: Actor, role: Role, settings: AccessSettings, purpose: str) -> Rows | None:
    """Rows that consent keeps from the actor and of which they may be told that there are some (never which)."""
    if role.rows not in ("care", "order", "care-ever"):
        return None
    told = categories_of(settings.withheld_told)
    hidden = Rule("open", "withheld", WithheldRows(reader(actor, purpose, settings), told))
    if not actor.may(BREAK_GLASS):
        return Ordered((hidden,))
    return Ordered((Rule("close", "emergency", PurposeRows(actor.number, BROKEN)), hidden))


def _begins(actor: Actor, settings: AccessSettings) -> Rows | None:
    """A stated purpose lasts some hours. Who opened a record by one may not turn it into care at a facility: then it would stay
    open, and to everybody there. Who receives patients may; others where their own facility cares for the patient already."""
    if actor.may(REGISTER):
        return None
    return CareRows(actor.org, settings.care_days) if actor.org is not None else Nothing()


def finding(actor: Actor, *, settings: AccessSettings) -> Scope:
    """A scope that may only search and read Patient, of the whole city: to find the person in front of one's desk before a
    record may be opened by a stated purpose. Show name, birth date, ward and the number asked for; never more."""
    if not actor.may(FIND):
        raise Forbidden(f"{actor.name} may not look for people in the whole city.")
    own = scope(actor, settings=settings, reason="finding a person")
    return replace(own, rows=Ordered((Rule("open", "find", IdentityRows()),)), reads=frozenset({PATIENT}), writes=frozenset())


async def deciding(db: Database, actor: Actor, patient_id: str, *, settings: AccessSettings) -> Rule | None:
    """The rule that decides about this patient's record as a whole; None where none does (then nothing opens it)."""
    role = actor.known_role
    if role is None:
        return None
    if role.rows == "everything":
        return Rule("open", "everything", Everything())
    ordered = ordered_rules(actor, settings)
    args: list[Any] = [patient_key(patient_id), number(PATIENT)]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    position = ordered.deciding(RowSQL("$1::bigint", "$2::smallint"), bind)
    found = await db.fetchval(f"SELECT {position}", *args)
    return None if found is None else ordered.rules[found]


async def why(db: Database, actor: Actor, patient_id: str, *, settings: AccessSettings) -> str | None:
    """Which rule opens this patient's record to `actor`: 'own', 'carer', 'care', 'cover <number>', 'purpose', 'new' (nobody knows
    the patient yet) or 'everything'; None when nothing does."""
    rule = await deciding(db, actor, patient_id, settings=settings)
    if rule is None or rule.effect == "close":
        return None
    return f"{rule.reason} {rule.note}".strip()


def asking(actor: Actor, *, settings: AccessSettings, reason: str) -> Scope:
    """To file what a patient asks for (a request to the records office): their own scope, and a Task may be written in the records
    that it opens. For the actions that make such Tasks whole, never for what a client sends."""
    if not actor.may(ME):
        raise Forbidden(f"{actor.name} is no patient.")
    return replace(scope(actor, settings=settings, reason=reason), writes=frozenset({"Task"}), creates=None)
