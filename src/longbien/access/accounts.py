"""Accounts: made, changed and disabled, never removed (the trail points to them). Every change is a trail line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from longbien.base.db import Database, Row
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine

from . import facility, passwords, sessions
from .actor import Actor
from .lines import by
from .passwords import Hasher
from .roles import ACCOUNTS, CARERS, MACHINES, PATIENTS, ROLES

Q = queries(__file__, "sql/access.sql")
S = queries(__file__, "sql/sign_in.sql")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,99}\Z")


class NewAccount(NamedTuple):
    """A person who may sign in. Ids are of Practitioner and Organization; `patient`: of the Patient whose own account this is."""

    login: str
    name: str
    role: str
    practitioner: str | None = None
    organization: str | None = None
    department: str | None = None
    patient: str | None = None


class DemoAccount(Protocol):
    """What demo.facilities calls an account."""

    @property
    def login(self) -> str: ...
    @property
    def display(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def practitioner_id(self) -> str: ...
    @property
    def organization_id(self) -> str: ...
    @property
    def department_id(self) -> str: ...
    @property
    def patient_id(self) -> str: ...


def _checked(account: NewAccount) -> NewAccount:
    if not _LOGIN.match(account.login):
        raise Invalid(f"Login {account.login[:40]!r}: 2 to 100 of a-z, 0-9, '.', '_', '-', '@'.", code="value")
    if account.role not in ROLES or account.role in MACHINES:
        raise Invalid(f"There is no role {account.role[:40]!r} for a person.", code="value")
    name = " ".join(account.name.split())
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise Invalid("An account needs a name of 1 to 200 characters.", code="value")
    if account.role == "patient" and not account.patient:
        raise Invalid("A patient's account names the Patient whose it is.", code="required")
    return account._replace(name=name)


async def ensure(engine: Engine, hasher: Hasher, demo: Sequence[DemoAccount], password: str) -> int:
    """The demo's people, all with one password (hashed once: they share a salt, and everybody knows it anyway). Who is there
    already keeps their password. Gives how many there are. Raises Conflict where there are other people's accounts."""
    if await engine.db.fetchval(Q.people_of_no_demo):
        raise Conflict("There are accounts here that are no demo's: the demo's, whose password everybody knows, are not added.")
    wanted = [
        _checked(
            NewAccount(
                d.login,
                d.display,
                d.role,
                d.practitioner_id or None,
                d.organization_id or None,
                d.department_id or None,
                d.patient_id or None,
            )
        )
        for d in demo
    ]
    if not wanted:
        return 0
    columns = [list(column) for column in zip(*wanted, strict=True)]
    await engine.db.execute(Q.account_ensure, *columns, await hasher.hash(password))
    await engine.trail.write([trail.line(by(0), "account", n=len(wanted), why=f"{len(wanted)} demo accounts")])
    return len(wanted)


async def create(engine: Engine, hasher: Hasher, admin: Actor | None, account: NewAccount, password: str | None = None) -> int:
    """A new account; gives its number. `admin` None: the command line. Raises Forbidden, Invalid, Conflict (the login is taken)."""
    _may(admin, account.role)
    a = _checked(account)
    foreign = admin is not None and admin.organization is not None and a.organization != admin.organization
    if foreign and a.role not in PATIENTS:
        assert admin is not None
        raise Forbidden(f"{admin.name} makes accounts of the own facility only.")
    stored = None
    if password is not None:
        passwords.check(password, a.login, a.name)
        stored = await hasher.hash(password)
    if await by_login(engine.db, a.login):
        raise Conflict(f"There is an account {a.login!r} already.", code="duplicate")
    number: int = await engine.db.fetchval(
        Q.account_new, a.login, "person", a.name, a.role, a.practitioner, a.organization, a.department, a.patient, stored
    )
    await _note(engine, admin, f"account {number} ({a.role}) made")
    return number


async def disable(engine: Engine, admin: Actor | None, number: int) -> None:
    """Ends all its sessions and tokens, everywhere within a second. Raises Forbidden, NotFound."""
    await theirs(engine, admin, number)
    await engine.db.execute("UPDATE account SET disabled = now() WHERE number = $1 AND disabled IS NULL", number)
    await sessions.end_all(engine.db, number)
    await _note(engine, admin, f"account {number} disabled")


async def enable(engine: Engine, admin: Actor | None, number: int) -> None:
    await theirs(engine, admin, number)
    await engine.db.execute("UPDATE account SET disabled = NULL, enabled = now() WHERE number = $1", number)
    await _note(engine, admin, f"account {number} enabled")


async def disable_idle(engine: Engine, days: int) -> list[int]:
    """Staff who have not come in for so many days (TCVN 14423); gives their numbers. 0: nobody."""
    if days <= 0:
        return []
    numbers = [row["number"] for row in await engine.db.fetch(S.idle_disable, days * 86400, sorted(PATIENTS))]
    why = f"disabled: no sign-in for {days} days"
    if numbers:
        await engine.trail.write([trail.line(by(0), "account", why=f"account {n} {why}") for n in numbers])
    return numbers


async def set_role(engine: Engine, admin: Actor | None, number: int, role: str) -> None:
    """Takes effect everywhere within a second. Raises Forbidden, Invalid, NotFound."""
    _may(admin)
    if role not in ROLES or role in MACHINES:
        raise Invalid(f"There is no role {role[:40]!r} for a person.", code="value")
    await theirs(engine, admin, number, person=True)
    await engine.db.execute("UPDATE account SET role = $2 WHERE number = $1", number, role)
    await _note(engine, admin, f"account {number} is now {role}")


async def move(engine: Engine, admin: Actor | None, number: int, department: str | None) -> None:
    """To another department of the same facility (None: to none); within a second everywhere. Raises as set_role does."""
    row = await theirs(engine, admin, number, person=True)
    known = await facility.departments(engine, row["organization"]) if row["organization"] else {}
    if department is not None and department not in known:
        raise Invalid(f"{department[:64]!r} is no department of this facility.", code="value")
    await engine.db.execute("UPDATE account SET department = $2 WHERE number = $1", number, department)
    await _note(engine, admin, f"account {number} moved to {department or 'no department'}")


async def reset_password(engine: Engine, hasher: Hasher, admin: Actor | None, number: int, password: str) -> None:
    """Somebody forgot theirs. Ends their sessions."""
    row = await theirs(engine, admin, number, person=True)
    passwords.check(password, row["login"], row["name"])
    await _store_password(engine.db, number, await hasher.hash(password))
    await sessions.end_all(engine.db, number)
    await _note(engine, admin, f"password of account {number} reset")


async def choose_password(engine: Engine, hasher: Hasher, actor: Actor, new: str, *, keep_session: str | None = None) -> None:
    """One's own, by whoever has just shown who they are. Ends one's other sessions. Raises Invalid (it is no good)."""
    passwords.check(new, actor.login, actor.name)
    await _store_password(engine.db, actor.number, await hasher.hash(new))
    await sessions.end_all(engine.db, actor.number, keep_session)
    await _note(engine, actor, f"password of account {actor.number} changed by its owner")


async def by_login(db: Database, login: str) -> Row | None:
    return await db.fetchrow(Q.account_by_login, login)


async def listed(db: Database, *, organization: str | None = None, count: int = 200, after: str = "") -> Sequence[Row]:
    """Accounts by login, of one facility (None: of all): number, login, kind, name, role, organization, department, disabled,
    signed_in, covers (how many they stand in for now)."""
    return await db.fetch(Q.account_list, organization, after, min(count, 1000))


async def _store_password(db: Database, number: int, stored: str) -> None:
    await db.execute("UPDATE account SET password = $2 WHERE number = $1", number, stored)


def _may(admin: Actor | None, role: str = "") -> None:
    """Staff's accounts are the administrator's; those of patients and carers the desk's too."""
    if admin is not None and not admin.may(ACCOUNTS) and not (role in PATIENTS and admin.may(CARERS)):
        raise Forbidden(f"{admin.name} may not manage accounts.")


async def theirs(engine: Engine, admin: Actor | None, number: int, *, person: bool = False) -> Row:
    """The account, where `admin` may change it: one of the own facility (who works at none is the city's administrator), never the
    own one. Another facility's answers as one that is not there, and the attempt leaves a line."""
    _may(admin)
    row = await engine.db.fetchrow("SELECT * FROM account WHERE number = $1 AND (kind = 'person' OR NOT $2)", number, person)
    if row is not None and admin is not None:
        if row["number"] == admin.number:
            raise Forbidden("Nobody changes their own account here.")
        if admin.organization is not None and row["organization"] != admin.organization:
            scope = by(admin.number, address=admin.address, org=admin.org)
            why = f"account {number} of another facility"
            await engine.trail.write([trail.line(scope, "refused", outcome=trail.REFUSED, why=why)])
            row = None
    if row is None:
        raise NotFound(f"There is no account {number}{' of a person' if person else ''}.")
    return row


async def _note(engine: Engine, admin: Actor | None, why: str) -> None:
    scope = by(admin.number if admin else 0, address=admin.address if admin else None, org=admin.org if admin else None)
    await engine.trail.write([trail.line(scope, "account", why=why)])
