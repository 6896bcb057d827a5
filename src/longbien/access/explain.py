"""Why may somebody see a patient's record, or one resource of it, or why not: the rule that decides, what it rests on, and what
would open the record. It asks the very rules that stand in every statement, one by one; nothing here decides anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from longbien.base.db import Row
from longbien.base.errors import Invalid, NotFound
from longbien.base.ids import FHIR_ID, patient_key
from longbien.base.sql import queries
from longbien.base.words import mark
from longbien.record import ties, trail
from longbien.record.engine import Engine
from longbien.record.index import org_key
from longbien.record.scope import RowSQL
from longbien.record.types import number, type_name

from . import accounts, policy
from .actor import Actor
from .door import actor_now
from .lines import by
from .purpose import stated
from .roles import ROLES, STATE_PURPOSE, Role
from .rows import Ordered, Rule
from .settings import AccessSettings

Q = queries(__file__, "sql/explain.sql")

SAYS = {
    "account": mark("The account is disabled: nobody may sign in with it."),
    "role": mark("The role is in no table, so it may do nothing."),
    "type": mark("The role may not read %(type)s."),
    "reads": mark("The role may read %(type)s."),
    "nobody": mark("There is no such patient, or none of the rules of this role opens the record."),
    "everything": mark("A system's token: its scope decides, no row is hidden."),
    "open": mark("It is about no patient, and such things are open to all staff."),
    "own": mark("It is their own record."),
    "carer": mark("They are a carer of this patient, and what that rests on still holds."),
    "care": mark("The patient is under care at the facility, or was not long ago."),
    "cover": mark("They stand in for a colleague or a department that has to do with the patient."),
    "purpose": mark("They have stated a purpose that still runs."),
    "new": mark("Nobody knows this patient yet: the role may begin the record."),
    "consent": mark("The patient has agreed to it."),
    "emergency": mark("They have broken the glass, and the time is not over."),
    "withheld": mark("The patient's consent, or the law on sensitive data, keeps it from them."),
    "wall": mark("It is a record behind an extra wall (a member of staff, a person in public life)."),
    "restricted": mark("The record is restricted at the patient's request: kept, and used for nothing else."),
    "minor": mark("It is something of a young person that is theirs alone."),
}
"""By the reason of the rule that decides. A rule that is not here is named as it is."""
OPENS = {
    "enable": mark("An administrator of the facility enables the account."),
    "role-change": mark("Another role: an administrator of the facility gives it, where the work is another."),
    "care-begins": mark("An encounter, appointment, referral or care team here: reception or a nurse registers it."),
    "work": mark("An order, a prescription or a sample for this service (%(work)s)."),
    "department": mark("The facility is strict: a place of their department, or a colleague there, in the patient's stay."),
    "cover": mark("A head of department or an administrator lets them stand in for the department or the colleague."),
    "purpose": mark("They state a purpose themselves, for some hours; it is written down."),
    "glass": mark("In an emergency they break the glass; it is reviewed and the patient is told."),
    "consent": mark("The patient agrees."),
}


class Source(NamedTuple):
    """What a rule rests on: a resource (type/id) from lo until hi, or something of the door's own (what, number)."""

    what: str
    lo: datetime | None
    hi: datetime | None
    said: str = ""


class Answer(NamedTuple):
    """allowed: may read it. rule: the reason of the rule that decides, a key of SAYS where known. says, opens: (message, values)
    to be translated. sources: newest first. row: whether the question was about one resource."""

    actor: Actor | None
    login: str
    name: str
    role: str
    allowed: bool
    rule: str
    says: list[tuple[str, dict[str, str]]]
    sources: list[Source]
    opens: list[tuple[str, dict[str, str]]]


async def why(
    engine: Engine, asker: Actor | None, login: str, patient: str, resource: str | None = None, *, settings: AccessSettings,
    sources: bool = True,
) -> Answer:  # fmt: skip
    """May the account `login` read this patient's record, or "Type/id" of it (or a type alone)? asker None: the command line.
    Whoever asks leaves a line in the patient's record. sources False: without what it rests on, for who may not see the record
    themselves. Raises NotFound for the account, Invalid for what is no id."""
    if not FHIR_ID.match(patient):
        raise Invalid(f"{patient[:64]!r} is no patient's id.", code="value")
    account = await accounts.by_login(engine.db, login.strip().lower())
    if account is None:
        raise NotFound(f"There is no account {login[:100]!r}.")
    await _note(engine, asker, account["number"], patient, resource)
    actor = await actor_now(engine, account["number"])
    role = ROLES.get(account["role"])
    if account["disabled"] or actor is None:
        return _answer(account, None, "account", opens=[(OPENS["enable"], {})])
    if role is None:
        return _answer(account, actor, "role", opens=[(OPENS["role-change"], {})])
    return await _decided(engine, account, actor, role, patient, resource, settings, sources)


async def _decided(
    engine: Engine, account: Row, actor: Actor, role: Role, patient: str, resource: str | None, settings: AccessSettings,
    sources: bool,
) -> Answer:  # fmt: skip
    type_, _, id_ = (resource or "Patient").partition("/")
    if number(type_) is None or (id_ and not FHIR_ID.match(id_)):
        raise Invalid(f"{(resource or '')[:100]!r} is neither Type nor Type/id.", code="value")
    scope = policy.scope(actor, settings=settings)
    if not scope.may_read(type_) and not any(type_ in role.types("r", p) for p in role.purposes):
        return _answer(account, actor, "type", {"type": type_}, opens=[(OPENS["role-change"], {})])
    if role.rows == "everything":
        return _answer(account, actor, "everything", allowed=True)
    rule = await _deciding(engine, policy.ordered_rules(actor, settings), patient, type_, id_)
    if rule is None or rule.effect == "close" or rule.reason == "new":
        reason = "nobody" if rule is None or rule.reason == "new" else rule.reason
        found = await _over(engine, actor, patient) if sources and rule is None else []
        return _answer(account, actor, reason, sources=found, opens=_opens(actor, role, rule))
    found = await _sources(engine, actor, role, rule, patient, settings) if sources else []
    return _answer(account, actor, rule.reason, {}, True, found, type_=type_ if resource else None)


def _answer(
    account: Row, actor: Actor | None, rule: str, values: dict[str, str] | None = None, allowed: bool = False,
    sources: Sequence[Source] = (), opens: Sequence[tuple[str, dict[str, str]]] = (), type_: str | None = None,
) -> Answer:  # fmt: skip
    says = [(SAYS.get(rule, rule), values or {})]
    if type_ is not None:
        says.insert(0, (SAYS["reads"], {"type": type_}))
    return Answer(
        actor, account["login"], account["name"], account["role"], allowed, rule, says, list(sources), list(opens)
    )  # fmt: skip


async def _deciding(engine: Engine, ordered: Ordered, patient: str, type_: str, id_: str) -> Rule | None:
    """The first rule that holds: for the row itself where one is named and is this patient's, else for the record as a whole."""
    args: list[Any] = [patient_key(patient), number(type_), id_]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    used = "$1::bigint IS NOT NULL AND $2::smallint IS NOT NULL AND $3::text IS NOT NULL"
    if id_:
        position = ordered.deciding(RowSQL.of("h"), bind)
        sql = f"SELECT {position} FROM head h WHERE h.id = $3 AND h.type = $2 AND h.pat = $1"  # noqa: S608 - the scope's own SQL
    else:
        position = ordered.deciding(RowSQL("$1::bigint", "$2::smallint"), bind)
        sql = f"SELECT {position} WHERE {used}"
    found = await engine.db.fetchval(sql, *args)
    return None if found is None else ordered.rules[found]


def _orgs(actor: Actor) -> list[int]:
    return [org_key(o) for o in (actor.organization, actor.department) if o]


async def _sources(
    engine: Engine, actor: Actor, role: Role, rule: Rule, patient: str, settings: AccessSettings
) -> list[Source]:  # fmt: skip
    pat, days = patient_key(patient), None if role.rows == "care-ever" else settings.care_days
    found: list[Source] = []
    if rule.reason == "care":
        found = _named(await engine.db.fetch(Q.care, pat, _orgs(actor), days))
        ends = (ties.work(role.work), *actor.own_ends) if role.work else actor.reach.ends if actor.reach.strict else ()
        if ends:
            found += [s for s in _named(await engine.db.fetch(Q.ties, pat, ends, days)) if s not in found]
    elif rule.reason == "cover":
        row = await engine.db.fetchrow(Q.cover, int(rule.note))
        found = [Source(f"cover {rule.note}", row["begins"], row["until"], row["reason"])] if row else []
        cover = next((c for c in actor.reach.covers if str(c.number) == rule.note), None)
        if cover is not None:
            found += _named(await engine.db.fetch(Q.ties, pat, cover.ends, days))
    elif rule.reason in ("purpose", "emergency"):
        grant = await stated(engine, actor, patient)
        found = [Source(f"purpose {grant.number}", grant.begins, grant.until, grant.reason)] if grant else []
    return found


async def _over(engine: Engine, actor: Actor, patient: str) -> list[Source]:
    """The last care there was, which is over."""
    return _named(await engine.db.fetch(Q.elsewhere, patient_key(patient), _orgs(actor)))


def _named(rows: Sequence[Row]) -> list[Source]:
    return [Source(f"{type_name(r['type'])}/{r['id']}", _real(r["lo"]), _real(r["hi"])) for r in rows]


def _real(at: datetime) -> datetime | None:
    """None for the ends of time."""
    return at if at.tzinfo is not None and 1 < at.year < 9000 else None


def _opens(actor: Actor, role: Role, rule: Rule | None) -> list[tuple[str, dict[str, str]]]:
    """What would open it, the everyday way first."""
    if rule is not None and rule.effect == "close":
        names = ["consent", *(["glass"] if actor.may(STATE_PURPOSE) else [])]
    elif role.rows in ("open", "everything"):
        names = ["role-change"]
    elif role.rows in ("own", "cared"):
        names = ["consent"]
    else:
        names = ["care-begins"]
        names += ["work"] if role.work else []
        names += ["department", "cover"] if role.personal and actor.reach.strict else []
        names += ["purpose"] if actor.may(STATE_PURPOSE) else []
    return [(OPENS[n], {"work": role.work or ""} if n == "work" else {}) for n in names]


async def _note(engine: Engine, asker: Actor | None, account: int, patient: str, resource: str | None) -> None:
    """The question is a line in the patient's record: it tells something about them."""
    scope = by(asker.number if asker else 0, address=asker.address if asker else None, org=asker.org if asker else None)
    about = f" ({resource})" if resource else ""
    line = trail.line(scope, "account", pat=patient_key(patient), why=f"asked what account {account} may see here{about}"[:400])
    await engine.trail.write([line])
