"""Reading the trail: who saw this patient, what did this member of staff do. Asking is itself a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from longbien.base.errors import Forbidden, NotFound
from longbien.base.ids import FHIR_ID, patient_key
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.scope import RowSQL, Scope
from longbien.record.types import number, type_name

from .actor import Actor
from .lines import by
from .roles import WHAT_DID

Q = queries(__file__, "sql/trail.sql")
LARGEST = 500
_OUTCOME = {trail.SUCCESS: "success", trail.REFUSED: "refused", trail.FAILED: "failed"}
_NOBODY = {0: "Longbien", -1: "nobody signed in"}


class Seen(NamedTuple):
    """One thing done. what: a kind of record.trail.KINDS. type, id: the resource, where it was one. n: how many resources it stands
    for. organization: id of the actor's facility, facility its name. patient: id, where a patient was concerned."""

    seq: int
    at: datetime
    actor: int
    name: str
    role: str | None
    organization: str | None
    facility: str | None
    what: str
    type: str | None
    id: str | None
    version: int | None
    outcome: str
    purpose: str
    why: str
    address: str | None
    n: int
    patient: str | None


class Narrow(NamedTuple):
    """Which lines of those: all conditions together, None: any. begin and end: the half-open span of time. kinds: of
    record.trail.KINDS; purposes: codes of record.trail.PURPOSES; outcomes: success, refused, failed. Raises nothing: a word that is
    none of these finds nothing."""

    begin: datetime | None = None
    end: datetime | None = None
    kinds: tuple[str, ...] | None = None
    purposes: tuple[str, ...] | None = None
    outcomes: tuple[str, ...] | None = None


ANY = Narrow()


class SeenPage(NamedTuple):
    """next: give it as `before` for the page after this one; None on the last."""

    lines: list[Seen]
    next: int | None


async def who_saw(
    engine: Engine, scope: Scope, patient_id: str, *, before: int | None = None, count: int = 50, narrow: Narrow = ANY
) -> SeenPage:
    """Everything done to one patient's record, newest first. Whoever may open the record may see this (pages ask WHO_SAW first).
    Raises NotFound for a patient that the scope does not open. Audited."""
    pat = patient_key(patient_id)
    args: list[Any] = [pat, number("Patient")]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    sql = Q.patient.replace("{allowed}", scope.where(RowSQL.of("h"), bind))
    row = await engine.db.fetchrow(sql, *args) if FHIR_ID.match(patient_id) else None
    if row is None or not row["allowed"] or not scope.may_read("Patient"):
        if row is not None:
            await engine.trail.write([trail.line(scope, "refused", pat=pat, rid=row["rid"], outcome=trail.REFUSED, why="who saw")])
        raise NotFound(f"Patient/{patient_id[:64]} is not known.")
    page = await _page(engine, [("a.pat = {}", pat)], before, count, narrow, scope)
    await engine.trail.write([trail.line(scope, "trail", pat=pat, rid=row["rid"], type=number("Patient"), n=len(page.lines))])
    return page


async def what_did(
    engine: Engine, asking: Actor, account: int, *, before: int | None = None, count: int = 50, narrow: Narrow = ANY
) -> SeenPage:
    """What one account did, newest first. One's own, or a colleague's of the same facility with permission WHAT_DID.
    Raises Forbidden. Audited."""
    if asking.number != account and not await _colleague(engine, asking, account):
        await engine.trail.write([_asked(asking, account, outcome=trail.REFUSED)])
        raise Forbidden(f"{asking.name} may not see what others did.")
    page = await _page(engine, [("a.actor = {}", account)], before, count, narrow)
    await engine.trail.write([_asked(asking, account, n=len(page.lines))])
    return page


class Colleague(NamedTuple):
    """A member of staff of one's own facility. department: id of an Organization."""

    number: int
    name: str
    role: str
    department: str | None


async def house_saw(
    engine: Engine, asking: Actor, patient_id: str, *, before: int | None = None, count: int = 50, narrow: Narrow = ANY
) -> tuple[dict[str, Any] | None, SeenPage]:
    """For who answers for a facility (WHAT_DID), without opening the record: (Patient as it is, lines). All lines of a patient whom
    the facility ever cared for; of others what its own staff did, and no Patient where that is nothing. Raises Forbidden.
    Audited."""
    pat = patient_key(patient_id)
    scope = by(asking.number, address=asking.address, org=asking.org)
    if not asking.may(WHAT_DID) or asking.org is None:
        await engine.trail.write([trail.line(scope, "refused", pat=pat, outcome=trail.REFUSED, why="who saw")])
        raise Forbidden(f"{asking.name} may not see what others did.")
    row = await engine.db.fetchrow(Q.house_patient, pat, number("Patient"), asking.org) if FHIR_ID.match(patient_id) else None
    terms: list[tuple[str, Any]] = [("a.pat = {}", pat)]
    if row is None or not row["cared"]:
        terms.append(("a.org = {}", asking.org))
    page = await _page(engine, terms, before, count, narrow)
    await engine.trail.write([trail.line(scope, "trail", pat=pat, type=number("Patient"), n=len(page.lines), why="who saw")])
    known = row is not None and (row["cared"] or bool(page.lines))
    return (json.loads(await engine.unpack(row["body"])) if known and row is not None else None), page


async def colleagues(engine: Engine, asking: Actor, text: str = "") -> list[Colleague]:
    """Staff of one's own facility, by a part of the name or the login. Raises Forbidden."""
    if not asking.may(WHAT_DID) or asking.organization is None:
        raise Forbidden(f"{asking.name} may not see what others did.")
    return [Colleague(*r) for r in await engine.db.fetch(Q.colleagues, asking.organization, text)]


async def colleague(engine: Engine, asking: Actor, account: int) -> Colleague | None:
    """One of them, None: nobody of one's own facility."""
    row = await engine.db.fetchrow(Q.colleague, account, asking.organization)
    return Colleague(*row) if row else None


async def patients(engine: Engine, ids: set[str]) -> dict[str, dict[str, Any]]:
    """Patient resources by id, for the lines that name them: only what a caller has a line about."""
    rows = await engine.db.fetch(Q.organizations, list(ids)[:LARGEST], number("Patient")) if ids else []
    bodies = await engine.unpack_all([r["body"] for r in rows])
    return {r["id"]: json.loads(body) for r, body in zip(rows, bodies, strict=True)}


async def exported(engine: Engine, asking: Actor, what: str, n: int, *, patient_id: str | None = None) -> None:
    """The line of an export of the trail."""
    scope = by(asking.number, address=asking.address, org=asking.org)
    pat = patient_key(patient_id) if patient_id is not None else None
    await engine.trail.write([trail.line(scope, "export", pat=pat, n=n, why=f"trail: {what}")])


async def _colleague(engine: Engine, asking: Actor, account: int) -> bool:
    if not asking.may(WHAT_DID) or asking.organization is None:
        return False
    works_at = await engine.db.fetchval("SELECT organization FROM account WHERE number = $1", account)
    return bool(works_at == asking.organization)


def _asked(asking: Actor, account: int, *, outcome: int = trail.SUCCESS, n: int = 0) -> trail.Line:
    scope = by(asking.number, address=asking.address, org=asking.org)
    return trail.line(scope, "trail", outcome=outcome, n=n, why=f"what account {account} did")


async def _page(
    engine: Engine, terms: list[tuple[str, Any]], before: int | None, count: int, narrow: Narrow, scope: Scope | None = None
) -> SeenPage:  # fmt: skip
    """scope: whose; a line about a resource is told to who may see the resource."""
    most = max(1, min(count, LARGEST))
    args: list[Any] = [most + 1, number("Patient")]
    asked = []
    for text, value in (*terms, ("a.seq < {}", 2**63 - 1 if before is None else before), *_narrowed(narrow)):
        args.append(value)
        asked.append(text.format(f"${len(args)}"))

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    if scope is not None and not scope.unlimited:
        of = "(SELECT x.{} FROM head x WHERE x.rid = a.rid)"
        row = RowSQL(
            "a.pat", "coalesce(a.type, 0::smallint)", "a.rid", f"coalesce({of.format('sens')}, 0::smallint)", of.format("org")
        )
        asked.append(f"(a.rid IS NULL OR {scope.where(row, bind)})")
    rows = list(await engine.db.fetch(Q.lines.replace("{terms}", " AND ".join(asked)), *args, search=True))
    more, rows = len(rows) > most, rows[:most]
    names = await _facilities(engine, {r["organization"] for r in rows if r["organization"]})
    return SeenPage([_seen(r, names) for r in rows], rows[-1]["seq"] if more else None)


def _narrowed(narrow: Narrow) -> list[tuple[str, Any]]:
    words = {v: k for k, v in _OUTCOME.items()}
    terms: list[tuple[str, Any]] = []
    if narrow.begin is not None:
        terms.append(("a.at >= {}", narrow.begin))
    if narrow.end is not None:
        terms.append(("a.at < {}", narrow.end))
    if narrow.kinds is not None:
        terms.append(("a.kind = ANY({}::smallint[])", [trail.KINDS.index(k) for k in narrow.kinds if k in trail.KINDS]))
    if narrow.purposes is not None:
        found = [trail.PURPOSES.index(p) for p in narrow.purposes if p in trail.PURPOSES]
        terms.append(("a.purpose = ANY({}::smallint[])", found))
    if narrow.outcomes is not None:
        terms.append(("a.outcome = ANY({}::smallint[])", [words[o] for o in narrow.outcomes if o in words]))
    return terms


def _seen(r: Any, names: dict[str, str]) -> Seen:
    organization = r["organization"]
    return Seen(
        seq=r["seq"],
        at=r["at"],
        actor=r["actor"],
        name=r["name"] or _NOBODY.get(r["actor"], f"account {r['actor']}"),
        role=r["role"],
        organization=organization,
        facility=names.get(organization) if organization else None,
        what=trail.KINDS[r["kind"]],
        type=type_name(r["type"]) if r["type"] else None,
        id=r["id"],
        version=r["ver"],
        outcome=_OUTCOME.get(r["outcome"], "failed"),
        purpose=trail.PURPOSES[r["purpose"]],
        why=r["why"] or "",
        address=r["addr"],
        n=r["n"],
        patient=r["patient"],
    )


async def _facilities(engine: Engine, ids: set[str]) -> dict[str, str]:
    """Names of organisations: about no patient, so anybody's to see."""
    if not ids:
        return {}
    rows: Sequence[Any] = await engine.db.fetch(Q.organizations, list(ids), number("Organization"))
    bodies = await engine.unpack_all([r["body"] for r in rows])
    found = ((r["id"], json.loads(body).get("name")) for r, body in zip(rows, bodies, strict=True))
    return {id_: name for id_, name in found if isinstance(name, str)}
