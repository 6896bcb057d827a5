"""commit(changes): the one door for every write. In order: validate (the standard, then profiles), authorise, version, index,
history, audit, outbox, all in one transaction. The version log is the outbox (outbox.py), so history and outbox are one row."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from longbien.base import clock, ids
from longbien.base.db import Connection, Database
from longbien.base.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    Issue,
    LongbienError,
    NotFound,
    Outdated,
    Overtaken,
    PreconditionFailed,
)
from longbien.fhir import json as fhir_json
from longbien.fhir import references
from longbien.fhir.validate import validate

from . import directives, full_text, index, parameters, people, profiles, ties, trail
from .change import ANY, Change, Create, Delete, Guarded, Manner, Stored, Update
from .engine import Engine
from .live import News
from .scope import Op, RowSQL, Scope
from .search import keys, registry
from .types import number, type_name

CREATE, UPDATE, DELETE = 1, 2, 3
AGAIN = 12
"""How often a commit is tried: what is indexed may have changed since this process read it, or somebody else may have written the
same resource between our look and our writing. The next look sees what he wrote: without a condition it is replaced, a condition
that holds no more is 412. Who is overtaken was overtaken by one that is done: twelve at once always all come through."""
PAUSE = 0.01
"""Seconds, at most, before it is tried again: those who met do not meet again."""
WORDS = 400_000
"""Words that an engine remembers to be in table `word`."""
BREATH = 50
"""Resources between two turns of the event loop."""
_SEARCH = re.compile(r"([A-Z][A-Za-z]{1,63})\?")
"""Patient?identifier=..., which a transaction has resolved by now. http://hl7.org/fhir/R4/http.html#trules"""
_OP: dict[int, Op] = {CREATE: "create", UPDATE: "update", DELETE: "delete"}
_CURRENT = "SELECT h.rid, h.upd, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.rid = ANY($1::bigint[])"
_ENCOUNTERS = """SELECT h.id, coalesce(h.org, (SELECT min(c.org) FROM care c WHERE c.rid = h.rid)) AS org
                 FROM head h WHERE h.id = ANY($1::text[]) AND h.type = $2"""
_COMMIT = """SELECT record_commit($1::head[], $2::head[], $3::ver_in[], $4::str[], $5::ix_date[], $6::ix_qty[], $7::code2[],
                                  $8::care[], $9::audit_in[]), record_refs($10::bigint[], $11::ref[]),
                   record_indexed($12::bigint)"""
_PARAMETERS = "record_parameters({}::bigint, {}::text[], {}::jsonb)"
_WHOSE = "SELECT pat, rid FROM head WHERE id = $1 AND type = $2"
_TIES = "record_ties({}::bigint[], {}::tie[])"
_FULL_TEXT = "record_words({}::bigint[], {}::bigint[], {}::text[], {}::bigint[], {}::text[])"
_PROFILES = "record_profiles({}::bigint[], {}::text[])"
_CONSENTS = "record_consents({}::bigint[], {}::directive[])"
_WALLS = "record_walls({}::bigint[], {}::wall[])"
_WORDS = """INSERT INTO word SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[]) AS w(key, p, norm) ORDER BY key
            ON CONFLICT DO NOTHING"""


@dataclass
class Draft:
    """One change on its way through the stages."""

    type: str
    id: str
    resource: dict[str, Any] | None
    change: Change
    position: int
    rid: int = 0
    version: int = 1
    op: int = CREATE
    pat: int | None = None
    was_pat: int | None = None
    sens: int = 0
    org: int | None = None
    body: bytes = b""
    indexed: index.Indexed | None = None
    notes: tuple[Issue, ...] = ()


async def commit(
    engine: Engine, scope: Scope, changes: Sequence[Change], manner: Manner = Manner(), *, connection: Connection | None = None
) -> list[Stored]:
    """Do all of `changes` or none. Gives one Stored for each, in order.

    connection: run inside the caller's transaction (then live news is the caller's to send: `announce`).
    Raises Invalid (422 with every issue), Forbidden, NotFound, Gone, Conflict, PreconditionFailed, Unavailable, StorageFull."""
    if not changes:
        return []
    engine.disk.must_have_room()
    drafts = _drafts(changes)
    if not manner.checked:
        _validate(drafts)
    notes = await profiles.check(engine, connection or engine.db, [d.resource for d in drafts if d.resource is not None])
    for left in reversed(range(AGAIN)):
        try:
            _told(drafts, notes)
            return await _attempt(engine, scope, drafts, manner, connection)
        except (Outdated, Overtaken) as why:
            if engine.within or connection is not None or not left:
                raise  # the caller's transaction is lost
            if isinstance(why, Outdated):
                await parameters.fresh(engine.db)
            else:
                await asyncio.sleep(random.uniform(0, PAUSE))  # noqa: S311
            drafts = _drafts(changes)
    raise AssertionError


def _told(drafts: list[Draft], notes: dict[int, list[Issue]]) -> None:
    """Each what is to be said of it, known by the very resource that was judged."""
    for d in drafts if notes else ():
        d.notes = tuple(notes.get(id(d.resource), ()))


def _drafts(changes: Sequence[Change]) -> list[Draft]:
    drafts = [_draft(change, n) for n, change in enumerate(changes)]
    _no_twice(drafts)
    return drafts


async def _attempt(
    engine: Engine, scope: Scope, drafts: list[Draft], manner: Manner, connection: Connection | None
) -> list[Stored]:
    refusals: list[trail.Line] = []
    try:
        await _authorise_types(connection or engine.db, scope, drafts, refusals)
        if connection is not None:
            return await _write(engine, scope, drafts, manner, connection, refusals)
        guarded = any(d.type in engine.guards for d in drafts)  # what a guard writes goes in together with the change
        async with engine.db.transaction() if guarded else engine.db.connection() as own:
            stored = await _write(engine, scope, drafts, manner, own, refusals)
    except LongbienError:
        if refusals:  # after the connection is given back: the trail may be waiting for one
            await engine.trail.write(refusals)
        raise
    announce(engine, stored)
    return stored


def announce(engine: Engine, stored: Sequence[Stored]) -> None:
    """Tell live listeners what was committed."""
    engine.live.tell(News(s.pat, s.type, s.id, s.version) for s in stored if s.pat is not None and s.changed)


async def _write(
    engine: Engine, scope: Scope, drafts: list[Draft], manner: Manner, connection: Connection, refusals: list[trail.Line]
) -> list[Stored]:
    now = clock.now()
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    links = _links(drafts, manner.coming) if manner.references == "check" else {}
    there = await _look(scope, drafts, links, connection)
    await _version(engine, drafts, there, connection, refusals, scope)
    for d in drafts:
        if not scope.may(_OP[d.op], d.type):
            await _may_not(connection, scope, d, refusals)
    for d in drafts:
        if (guard := engine.guards.get(d.type)) is not None:
            d.resource = await guard(engine, scope, Guarded(d.type, d.id, d.rid, d.version, d.resource), connection)
    stamp = registry.current.stamp
    await _index(drafts, now)
    await _made_at(scope, drafts, connection)
    same = await _unchanged(engine, drafts, connection) if manner.skip_unchanged else {}
    todo = [d for d in drafts if d.position not in same]
    await _authorise_rows(scope, todo, connection, refusals)
    _same_patient(scope, todo, refusals)
    _references(_links(todo, manner.coming) if same and links else links, there)
    if todo:
        lines = [*_lines(scope, todo, manner), *await _care(scope, todo, connection, refusals)]
        values = [*_rows(engine, todo, now), *_side_rows(todo), lines, *_links_of(todo), stamp]
        await write_words(engine, [d.indexed for d in todo if d.indexed])
        await _put(connection, values, todo, stamp)
    return [same.get(d.position) or _stored(d, now) for d in drafts]


async def _put(connection: Connection, values: list[Any], drafts: list[Draft], stamp: int) -> None:
    """The one statement that writes, with what some types bring besides."""
    sql = _COMMIT

    def also(call: str, *more: Any) -> str:
        values.extend(more)
        return ", " + call.format(*(f"${n}" for n in range(len(values) - len(more) + 1, len(values) + 1)))

    patients = [d for d in drafts if d.type == "Patient"]
    if patients:
        made = people.rows((d.rid, d.pat or 0, d.resource) for d in patients if d.resource is not None)
        sql += also(people.PUT, [d.rid for d in patients], made.people, made.numbers)
    defined = [d for d in drafts if d.type == "SearchParameter"]
    if defined and (change := parameters.change([(d.id, d.resource) for d in defined])):
        sql += also(_PARAMETERS, stamp, change.gone, change.begun)
    tied = [d for d in drafts if d.type in ties.KINDS]
    if tied:
        again = [d.rid for d in tied if d.version > 1]
        made_of = [row for d in tied if d.resource is not None for row in ties.rows(d.rid, d.pat, d.resource)]
        if again or made_of:
            sql += also(_TIES, again, made_of)
    if any(keep := full_text.wanted()):
        texts = full_text.rows([(d.rid, d.resource) for d in drafts if d.resource is not None], keep)
        again = [d.rid for d in drafts if d.version > 1]
        if again or texts[0] or texts[2]:
            sql += also(_FULL_TEXT, again, *texts)
    structures = [d for d in drafts if d.type == profiles.TYPE]
    if structures:
        sql += also(_PROFILES, [d.rid for d in structures], [profiles.usable(d.resource) for d in structures])
    for call, rids, said in said_of_access([(d.rid, d.type, d.pat, d.resource) for d in drafts]):
        sql += also(call, rids, said)
    await connection.execute(sql, *values)


def said_of_access(
    written: Iterable[tuple[int, str, int | None, dict[str, Any] | None]],
) -> list[tuple[str, list[int], list[Any]]]:
    """(call, rids, rows) for the tables that rules of access ask: what Consents say, and whose record has a wall around it.
    written: (rid, type, patient key, resource or None)."""
    consents: tuple[list[int], list[Any]] = ([], [])
    walls: tuple[list[int], list[Any]] = ([], [])
    for rid, type_, pat, resource in written:
        if type_ == "Consent":
            consents[0].append(rid)
            consents[1].extend((rid, pat, *d) for d in (directives.directives(resource) if resource and pat is not None else ()))
        elif type_ in ("Patient", "Person"):
            walls[0].append(rid)
            walls[1].extend((rid, *w) for w in (directives.walls(resource) if resource else ()))
    return [(call, *rows) for call, rows in ((_CONSENTS, consents), (_WALLS, walls)) if rows[0]]


def _stored(d: Draft, now: datetime) -> Stored:
    return Stored(d.type, d.id, d.version, now, d.body, d.op == DELETE, d.rid, d.pat, d.op == CREATE, notes=d.notes)


def _draft(change: Change, position: int) -> Draft:
    if isinstance(change, Delete):
        return Draft(change.type, change.id, None, change, position, op=DELETE)
    resource = change.resource
    type_ = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(type_, str) or number(type_) is None:
        raise Invalid(f"resourceType {type_!r} is not an R4 resource type.", code="structure")
    if isinstance(change, Create):
        id_ = change.id or ids.new_id()
    else:
        id_ = resource.get("id", "")
    if not isinstance(id_, str) or not ids.FHIR_ID.match(id_):
        raise Invalid(f"{type_}.id {str(id_)[:80]!r} must be 1 to 64 letters, digits, '-' or '.'.", code="value")
    return Draft(type_, id_, resource, change, position)


def _no_twice(drafts: list[Draft]) -> None:
    seen: set[tuple[str, str]] = set()
    for d in drafts:
        if (d.type, d.id) in seen:
            raise Invalid(f"{d.type}/{d.id} stands twice in one transaction.", code="invariant")
        seen.add((d.type, d.id))


def _validate(drafts: list[Draft]) -> None:
    wrong: list[Issue] = []
    for d in drafts:
        if d.resource is not None:
            wrong += [i for i in validate(d.resource) if i.severity in ("error", "fatal")]
    if wrong:
        raise Invalid(f"The resource is not valid: {wrong[0].text}", issues=wrong[:200], status=422)


def _refusal(scope: Scope, d: Draft, pat: int | None, rid: int | None = None) -> trail.Line:
    why = f"{scope.reason}: {_OP[d.op]}".removeprefix(": ")
    return trail.line(scope, "refused", pat=pat, rid=rid, type=number(d.type), outcome=trail.REFUSED, why=why)


async def _authorise_types(db: Database | Connection, scope: Scope, drafts: list[Draft], refusals: list[trail.Line]) -> None:
    """By type, before anything is looked up. A PUT may create or replace, so it is asked once more when that is known
    (_version)."""
    for d in drafts:
        asked: tuple[Op, ...] = (
            ("delete",) if d.op == DELETE else ("create",) if isinstance(d.change, Create) else ("create", "update")
        )
        if not any(scope.may(op, d.type) for op in asked):
            await _may_not(db, scope, d, refusals)


async def _may_not(db: Database | Connection, scope: Scope, d: Draft, refusals: list[trail.Line]) -> NoReturn:
    """The line names whose record it was, where there is such a resource: the patient shall see who tried."""
    there = None if isinstance(d.change, Create) else await db.fetchrow(_WHOSE, d.id, number(d.type))
    refusals.append(_refusal(scope, d, there["pat"] if there else None, there["rid"] if there else None))
    verb = _OP[d.op] if scope.may_write(d.type) else "write"
    raise Forbidden(f"{scope.label} may not {verb} {d.type}.")


def _links(drafts: list[Draft], coming: frozenset[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What the changes refer to on this server and do not bring along: (type, id) -> where it is said first."""
    here = {(d.type, d.id) for d in drafts if d.op != DELETE} | coming
    wanted: dict[tuple[str, str], str] = {}
    for d in drafts:
        if d.resource is None:
            continue
        for _, _, target, expression in references.each(d.resource):
            found = references.literal(target)
            if found and not found[0] and number(found[1]) and (found[1], found[2]) not in here:
                wanted.setdefault((found[1], found[2]), expression)
            elif found is None and "?" in target and (m := _SEARCH.match(target)) and number(m[1]):
                text = f"{target[:100]!r} is a search; as a reference it has a meaning in a transaction only."
                raise Invalid(text, issues=[Issue("error", "business-rule", text, expression)], status=422)
    return wanted


async def _look(
    scope: Scope, drafts: list[Draft], links: dict[tuple[str, str], str], connection: Connection
) -> dict[tuple[str, str], Any]:
    """The rows of what is to be changed and of what is referred to, with whether the scope allows them: one round trip."""
    wanted = [(d.type, d.id) for d in drafts if not isinstance(d.change, Create) or d.change.id]
    wanted += links
    if not wanted:
        return {}
    args: list[Any] = [[i for _, i in wanted], list({number(t) for t, _ in wanted})]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    allowed = scope.where(RowSQL.of("h"), bind)
    sql = f"""SELECT h.rid, h.ver, h.deleted, h.pat, h.type, h.id, h.sens, h.org, {allowed} AS allowed FROM head h
              WHERE h.id = ANY($1::text[]) AND h.type = ANY($2::smallint[])"""  # noqa: S608 - parts are the scope's own SQL
    return {(type_name(r["type"]), r["id"]): r for r in await connection.fetch(sql, *args)}


async def _version(
    engine: Engine, drafts: list[Draft], there: dict[tuple[str, str], Any], connection: Connection, refusals: list[trail.Line],
    scope: Scope,
) -> None:  # fmt: skip
    """Decide create or update and the version by what is there; check If-Match."""
    fresh: list[Draft] = []
    for d in drafts:
        row = there.get((d.type, d.id))
        if row is None:
            _check_absent(d)
            fresh.append(d)
            continue
        if not row["allowed"]:
            refusals.append(_refusal(scope, d, row["pat"], row["rid"]))
            _check_absent(d)  # what is hidden answers as what is not there
            raise NotFound(f"{d.type}/{d.id} is not known.")
        if isinstance(d.change, Create):
            raise Conflict(f"{d.type}/{d.id} already exists.", code="duplicate")
        _check_match(d, row)
        d.rid, d.version, d.was_pat = row["rid"], row["ver"] + 1, row["pat"]
        d.sens, d.org = row["sens"], row["org"]
        if d.op != DELETE:
            d.op = CREATE if row["deleted"] else UPDATE
        d.pat = row["pat"]
    for d, rid in zip(fresh, await engine.rids(len(fresh), connection), strict=True):
        d.rid = rid


def _check_absent(d: Draft) -> None:
    if isinstance(d.change, Delete):
        raise NotFound(f"{d.type}/{d.id} is not known.")
    if isinstance(d.change, Update) and d.change.if_match is not None:
        which = "version" if d.change.if_match == ANY else f"version {d.change.if_match}"
        raise PreconditionFailed(f"{d.type}/{d.id} does not exist, so it has no {which}.")


def _check_match(d: Draft, row: Any) -> None:
    change = d.change
    if isinstance(change, Update) and change.only_new and not row["deleted"]:
        raise PreconditionFailed(f"{d.type}/{d.id} already exists.")
    if isinstance(change, Update) and change.if_match == ANY and row["deleted"]:
        raise PreconditionFailed(f"{d.type}/{d.id} was deleted, so it has no current version.")
    if isinstance(change, Update | Delete) and change.if_match not in (None, ANY, row["ver"]):
        raise PreconditionFailed(f"{d.type}/{d.id} is at version {row['ver']}, not {change.if_match}.")
    if isinstance(change, Delete) and row["deleted"]:
        raise Gone(f"{d.type}/{d.id} is already deleted.")


def _stamped(resource: dict[str, Any], version: int, updated: datetime) -> dict[str, Any]:
    """The resource as it is kept: type, id and meta in front, meta with this version and time, the rest as it came."""
    meta = {"versionId": str(version), "lastUpdated": clock.instant(updated)}
    given = resource.get("meta")
    if isinstance(given, dict):
        meta |= {k: v for k, v in given.items() if k not in ("versionId", "lastUpdated")}
    first = {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta}
    return first | {k: v for k, v in resource.items() if k not in first}


async def _index(drafts: list[Draft], now: datetime) -> None:
    """Give each its final body and index rows."""
    for n, d in enumerate(drafts, 1):
        if n % BREATH == 0:
            await asyncio.sleep(0)  # a transaction of ten thousand must not make everybody else wait
        if d.resource is None:
            continue
        final = _stamped(d.resource | {"id": d.id}, d.version, now)
        d.resource = final
        d.body = fhir_json.dumps(final)
        d.indexed = index.rows(final)
        d.pat = d.indexed.pat
        d.sens |= d.indexed.sens


async def _made_at(scope: Scope, drafts: list[Draft], connection: Connection) -> None:
    """The facility that each is made at: the writer's own; of who works nowhere (an import) what the resource names, else that of
    its encounter. Once known it stays."""
    later: dict[str, list[Draft]] = {}
    for d in drafts:
        if d.org is None and d.indexed is not None:
            d.org = scope.org if scope.org is not None else d.indexed.org
            if d.org is None and d.resource is not None and (encounter := index.encounter_of(d.resource)):
                later.setdefault(encounter, []).append(d)
    if not later:
        return
    known = {d.id: d.org for d in drafts if d.type == "Encounter"}
    asked = [id_ for id_ in later if id_ not in known]
    if asked:
        known |= await made_at(connection, asked)
    for id_, ds in later.items():
        for d in ds:
            d.org = known.get(id_)


async def made_at(db: Connection | Database, encounters: Sequence[str]) -> dict[str, int | None]:
    """The facilities of these encounters (ids)."""
    return {r["id"]: r["org"] for r in await db.fetch(_ENCOUNTERS, list(encounters), number("Encounter"))}


async def _unchanged(engine: Engine, drafts: list[Draft], connection: Connection) -> dict[int, Stored]:
    """Of the updates, those whose content is what lies there already (all but versionId and lastUpdated), by position."""
    updates = {d.rid: d for d in drafts if d.op == UPDATE}
    if not updates:
        return {}
    found: dict[int, Stored] = {}
    for row in await connection.fetch(_CURRENT, list(updates)):
        d = updates[row["rid"]]
        there = await engine.unpack(row["body"])
        if d.resource is not None and fhir_json.dumps(_stamped(d.resource, d.version - 1, row["upd"])) == there:
            found[d.position] = Stored(d.type, d.id, d.version - 1, row["upd"], there, False, d.rid, d.pat, changed=False)
    return found


async def _care(scope: Scope, drafts: list[Draft], connection: Connection, refusals: list[trail.Line]) -> list[trail.Line]:
    """Who writes an Encounter, a referral or an appointment opens the record to a facility's staff. Where it was not open to them
    before, the scope must allow that (`begins`), and the record says so in a line of its own."""
    asked = {(d.pat, org) for d in drafts if d.indexed for org, _, _ in d.indexed.cares if d.pat is not None}
    if scope.unlimited or not asked:
        return []
    args: list[Any] = [[p for p, _ in asked], [o for _, o in asked]]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    may = "true" if scope.begins is None else scope.begins.sql(RowSQL("w.pat", f"{number('Patient')}::smallint"), bind)
    sql = f"""SELECT w.pat, w.org, {may} AS may FROM unnest($1::bigint[], $2::bigint[]) AS w(pat, org) WHERE NOT EXISTS
              (SELECT 1 FROM care c WHERE c.pat = w.pat AND c.org = w.org AND c.hi > now())"""  # noqa: S608 - the scope's own SQL
    fresh = {(r["pat"], r["org"]): r["may"] for r in await connection.fetch(sql, *args)}
    begun = {d.pat for d in drafts if d.type == "Patient" and d.version == 1}
    lines: list[trail.Line] = []
    for d in drafts:
        orgs = {org for org, _, _ in d.indexed.cares} if d.indexed else set()
        new = [org for org in orgs if (d.pat, org) in fresh]
        if not new:
            continue
        if d.pat not in begun and not all(fresh[d.pat, org] for org in new):
            refusals.append(_refusal(scope, d, d.pat))
            raise Forbidden(f"{scope.label} may not put this patient under a facility's care: reception or a nurse registers them.")
        lines.append(trail.line(scope, "care", pat=d.pat, rid=d.rid, ver=d.version, type=number(d.type), n=len(new)))
    return lines


def _same_patient(scope: Scope, drafts: list[Draft], refusals: list[trail.Line]) -> None:
    """A resource stays in the record it was begun in: its earlier versions speak of that patient. Only who may see every record
    (a machine that imports or merges) moves one."""
    if scope.unlimited:
        return
    for d in drafts:
        if _moved(d):
            refusals += [_refusal(scope, d, d.was_pat, d.rid), _refusal(scope, d, d.pat, d.rid)]
            text = f"{d.type}/{d.id} is about another patient. Mark it as entered in error, and write a new one."
            raise Invalid(text, code="business-rule", status=422)


def _moved(d: Draft) -> bool:
    return d.was_pat is not None and d.was_pat != d.pat


async def _authorise_rows(scope: Scope, drafts: list[Draft], connection: Connection, refusals: list[trail.Line]) -> None:
    """Nobody writes into a record that the scope does not open (the row as it will be; as it was: _version). Of a patient who is
    not there (and is not begun in this very commit) it is the same no."""
    if scope.unlimited:
        return
    wanted = list({_place(d) for d in drafts})
    begun = [d.pat for d in drafts if d.type == "Patient" and d.op != DELETE]
    args: list[Any] = [begun, *(list(column) for column in zip(*wanted, strict=True))]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    row = RowSQL("w.pat", "w.type", sens="w.sens", org="w.org")
    sql = f"""SELECT w.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::bigint[]) AS w(pat, type, sens, org)
              WHERE NOT coalesce({scope.where(row, bind)}, false)
                 OR NOT (w.pat IS NULL OR w.pat = ANY($1::bigint[]) OR EXISTS (SELECT 1 FROM head k WHERE k.pat = w.pat))"""  # noqa: S608
    refused = await connection.fetch(sql, *args)
    if refused:
        hidden = {tuple(r) for r in refused}
        refusals += [_refusal(scope, d, d.pat) for d in drafts if _place(d) in hidden]
        raise Forbidden(f"{scope.label} may not write {type_name(refused[0]['type'])} into this record.")


def _place(d: Draft) -> tuple[int | None, int | None, int, int | None]:
    """What a rule asks of a row that is about to be written."""
    return d.pat, number(d.type), d.sens, d.org


def _references(links: dict[tuple[str, str], str], there: dict[tuple[str, str], Any]) -> None:
    """Literal references to this server must point to something (or to another change of the same commit) that the writer may
    see: otherwise a reference would tell whether a hidden resource exists."""
    missing = []
    for (type_, id_), expression in links.items():
        row = there.get((type_, id_))
        if row is None or row["deleted"] or not row["allowed"]:
            missing.append(Issue("error", "not-found", f"{type_}/{id_} is not known.", expression))
    if missing:
        raise Invalid(f"A reference points to nothing: {missing[0].text}", issues=missing, status=422)


def _rows(engine: Engine, drafts: list[Draft], now: datetime) -> tuple[list[Any], list[Any], list[Any]]:
    fresh: list[Any] = []
    changed: list[Any] = []
    vers: list[Any] = []
    for d in drafts:
        (fresh if d.version == 1 else changed).append(head_row(d, now))
        vers.append((d.rid, now, d.version, d.op, engine.codec.pack(d.body) if d.body else b""))
    return fresh, changed, vers


def head_row(d: Draft, at: datetime) -> tuple[Any, ...]:
    """The row of head, in the order of its columns."""
    x, t = d.indexed, number(d.type)
    if x is None:
        return (d.rid, d.pat, None, index.EARLIEST, index.LATEST, at, None, d.version, t, True, d.id, [], d.sens, d.org)
    return (d.rid, x.pat, x.code, x.dlo, x.dhi, at, x.val, d.version, t, False, d.id, x.terms, d.sens, d.org)


def _side_rows(drafts: list[Draft]) -> index.Sides:
    sides: index.Sides = ([], [], [], [], [])
    for d in drafts:
        if d.indexed is not None:
            for into, made in zip(sides, index.side_rows(d.rid, d.indexed), strict=True):
                into += made
    return sides


def _links_of(drafts: list[Draft]) -> tuple[list[int], list[Any]]:
    """Whose rows of ref are made anew, and the rows."""
    refs = [(d.rid, p, type_, keys.packed_id(id_)) for d in drafts if d.indexed for p, type_, id_ in d.indexed.refs]
    return [d.rid for d in drafts if d.version > 1], refs


async def write_words(engine: Engine, rows: Iterable[index.Indexed]) -> None:
    """Words that may not be in table `word` yet, in a transaction of their own: they are there before the resource is, two commits
    with the same new word do not wait for each other's end, and what is too much harms nobody."""
    engine = engine.home
    new: dict[int, tuple[int, str]] = {}
    for x in rows:
        new |= keys.unknown(x.terms, engine.words)
    if new:
        listed = sorted((k, p, norm) for k, (p, norm) in new.items())
        await engine.db.execute(_WORDS, *(list(column) for column in zip(*listed, strict=True)))
        if len(engine.words) + len(new) > WORDS:
            engine.words.clear()
        engine.words.update(new)


def _lines(scope: Scope, drafts: list[Draft], manner: Manner) -> list[trail.Line]:
    if not manner.summarise:
        return [
            trail.line(scope, _OP[d.op], pat=pat, rid=d.rid, ver=d.version, type=number(d.type), why=manner.why)
            for d in drafts
            for pat in ((d.pat, d.was_pat) if _moved(d) else (d.pat,))  # moved: told in both records
        ]
    counts: dict[int | None, int] = {}
    for d in drafts:
        counts[d.pat] = counts.get(d.pat, 0) + 1
    return [trail.line(scope, "import", pat=p, n=n, why=manner.why) for p, n in counts.items()]
