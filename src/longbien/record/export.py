"""Bulk export: the record, or the part of it that was asked for, as it was at one moment, into NDJSON files.

One pass over the rows in the order in which they came, a part after the other. The moment is a cut through the log of versions:
what transactions below it wrote counts, so a transaction is in the export whole or not at all. A part's files are whole blobs
before the export knows of them, and where it goes on is kept in the same statement: a worker that dies in the middle costs one
part's work and leaves no half file. Each version is the newest one that was there at the cut, so what is written meanwhile does
not blur it. Bodies are unpacked and written; they are not parsed. https://hl7.org/fhir/uv/bulkdata/STU2/export.html"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from longbien.base import clock, ids, jobs
from longbien.base.blobs import Blobs
from longbien.base.errors import Forbidden, Invalid, LongbienError, NotFound, TooMany, Unavailable
from longbien.base.ids import patient_key
from longbien.base.sql import queries

from . import trail
from .engine import Engine
from .scope import RowSQL, Scope
from .search.compile import Compiler
from .search.keys import compartment_key
from .search.parse import parse
from .search.statement import Statement
from .types import number, type_name

Q = queries(__file__, "sql/export.sql")
QUEUE, CLEAN = "record.export", "record.export-clean"
CHUNK = 4000
"""Rows that are fetched at once."""
WINDOW = 200_000
"""Row numbers that one statement looks over, so that looking for what is rare ends before the statement's time is up."""
AT_ONCE = 20
"""Exports that one machine may have under way."""
PART_BYTES, PART_ROWS = 64 << 20, 250_000
"""What a part may hold: its files lie in memory until they are kept."""
SECONDS = 200
"""How long a job works before it lets others have a turn: below its lease."""
CLEAN_EVERY = timedelta(minutes=5)
MOST_PATIENTS = 20_000


@dataclass(frozen=True)
class Asked:
    """level: 'system', 'patient' (only what is in somebody's record) or 'group'. patients: ids, for a group or a chosen few; None:
    all. types: () for all. filters: per type, searches of which one must hold. request: the address that was asked."""

    level: str
    request: str
    types: tuple[str, ...] = ()
    since: str | None = None
    patients: tuple[str, ...] | None = None
    filters: tuple[tuple[str, str], ...] = ()


@dataclass
class Part:
    """What is gathered before it is kept."""

    after: int
    rows: int = 0
    size: int = 0
    lines: dict[tuple[str, str], list[bytes]] = field(default_factory=lambda: defaultdict(list))
    people: Counter[int] = field(default_factory=Counter)

    def add(self, kind: str, type_: str, line: bytes) -> None:
        self.lines[kind, type_].append(line)
        self.size += len(line) + 1

    @property
    def full(self) -> bool:
        return self.size >= PART_BYTES or self.rows >= PART_ROWS


async def begin(engine: Engine, scope: Scope, asked: Asked) -> str:
    """Put an export in line; gives its id. Raises Invalid for filters that are no searches, TooMany."""
    await _where(engine, scope, asked, Statement())
    if await engine.db.fetchval(Q.under_way, scope.actor) >= AT_ONCE:
        raise TooMany(f"{AT_ONCE} of your exports are under way: wait for one, or cancel one.", 60)
    id_ = ids.new_id()
    async with engine.db.transaction() as connection:
        await connection.execute(Q.new, id_, scope.actor, json.dumps(remembered(scope)), json.dumps(vars(asked)))
        await jobs.enqueue(connection, QUEUE, {"id": id_}, key=id_)
    await engine.trail.write([trail.line(scope, "export", n=0, why=f"asked: {asked.request}")])
    return id_


def remembered(scope: Scope) -> dict[str, Any]:
    """Of who asked, what it takes to make their scope anew."""
    return {"actor": scope.actor, "token": scope.token, "purpose": scope.purpose}


async def look(engine: Engine, scope: Scope, id_: str) -> Any:
    """The export's row, for who asked for it. Raises NotFound; Unavailable when the work was given up."""
    row = await engine.db.fetchrow(Q.of_actor, id_, scope.actor)
    if row is None:
        raise NotFound("This export is not known, was cancelled, or its files have expired.")
    if row["dead"] is not None and row["state"] in ("waiting", "running"):
        raise Unavailable("The export could not be made: its work was given up after several attempts. Ask for it anew.", 600)
    return row


async def cancel(engine: Engine, scope: Scope, id_: str) -> None:
    """Stop it, and let its files be cleared away. Raises NotFound."""
    if await engine.db.fetchval(Q.cancel, id_, scope.actor) is None:
        raise NotFound("This export is not known.")
    await engine.trail.write([trail.line(scope, "export", n=0, why=f"cancelled: export {id_}")])


Again = Callable[[Mapping[str, Any], str], Awaitable[Scope]]
"""Makes a scope of what `remembered` gave and a reason; access does. Raises Forbidden where it may no longer be."""


def job(engine: Engine, blobs: Blobs, hours: float, again: Again) -> Callable[[Mapping[str, Any]], Awaitable[datetime | None]]:
    """The handler of QUEUE."""

    async def run(payload: Mapping[str, Any]) -> datetime | None:
        row = await engine.db.fetchrow(Q.begin, payload["id"])
        if row is None:
            return None
        try:
            scope = await again(json.loads(row["scope"]), f"export {row['id']}")
            finished = await _run(engine, blobs, scope, row)
        except (Invalid, Forbidden) as why:
            await engine.db.execute(Q.failed, row["id"], why.text)
            return None
        if finished:
            await engine.db.execute(Q.done, row["id"], hours)
            return None
        return clock.now()

    return run


def cleaner(engine: Engine, blobs: Blobs) -> Callable[[Mapping[str, Any]], Awaitable[datetime]]:
    """The handler of CLEAN: exports that are over go, and their files that no other export has."""

    async def clean(payload: Mapping[str, Any]) -> datetime:
        over = await engine.db.fetch(Q.over)
        digests = {f["digest"] for row in over for f in json.loads(row["files"])}
        if digests:
            kept = {r["digest"] for r in await engine.db.fetch(Q.kept, sorted(digests))}
            for digest in digests - kept:
                await blobs.delete(digest)
        return clock.now() + CLEAN_EVERY

    return clean


def asked_of(row: Any) -> Asked:
    said = json.loads(row["asked"])
    return Asked(
        said["level"], said["request"], tuple(said["types"]), said["since"],
        None if said["patients"] is None else tuple(said["patients"]), tuple((t, f) for t, f in said["filters"]),
    )  # fmt: skip


async def _run(engine: Engine, blobs: Blobs, scope: Scope, row: Any) -> bool:
    """Parts until all is there (True) or the time is up."""
    until = clock.now() + timedelta(seconds=SECONDS)
    asked, after = asked_of(row), row["after"]
    while clock.now() < until:
        part = Part(after)
        ended = False
        while not part.full and not ended:
            ended = await _gather(engine, scope, asked, row["xid"], row["top"], part)
        if not await _keep(engine, blobs, scope, row["id"], part):
            return True  # cancelled: `done` then finds nothing to be done
        after = part.after
        if ended:
            return True
    return False


async def _gather(engine: Engine, scope: Scope, asked: Asked, cut: int, top: int, part: Part) -> bool:
    """One chunk of rows into the part. True when there is nothing behind it."""
    upto = top if asked.patients is not None else min(top, part.after + WINDOW)
    s = Statement()
    s.bind(part.after), s.bind(cut), s.bind(upto)
    where = await _where(engine, scope, asked, s)
    sql = Q.chunk.replace("{where}", where).replace("{chunk}", str(CHUNK))
    rows = await engine.db.fetch(sql, *s.args, search=True)
    since = datetime.fromisoformat(asked.since) if asked.since else None
    wanted = [r for r in rows if r["op"] is not None and (since is None or r["upd"] >= since)]
    there = [r for r in wanted if r["body"]]
    for r, body in zip(there, await engine.unpack_all([r["body"] for r in there]), strict=True):
        part.add("output", type_name(r["type"]), body)
        if r["pat"] is not None:
            part.people[r["pat"]] += 1
    if since is not None:
        for r in wanted:
            if not r["body"]:
                part.add("deleted", "Bundle", _deletion(type_name(r["type"]), r["id"]))
    part.rows += len(rows)
    part.after = rows[-1]["rid"] if len(rows) == CHUNK else upto
    return part.after >= top


def _deletion(type_: str, id_: str) -> bytes:
    entry = {"request": {"method": "DELETE", "url": f"{type_}/{id_}"}}
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}, separators=(",", ":")).encode()


async def _keep(engine: Engine, blobs: Blobs, scope: Scope, id_: str, part: Part) -> bool:
    """The part's files, the trail's lines, then the part itself. False: the export was cancelled, the files are not needed."""
    files = []
    for (kind, type_), lines in sorted(part.lines.items()):
        content = b"\n".join(lines) + b"\n"
        digest = await blobs.put(content)
        files.append({"kind": kind, "type": type_, "digest": digest, "count": len(lines), "bytes": len(content)})
    line = trail.line(scope, "export", n=0)
    people = list(part.people.items())
    for at in range(0, len(people), trail.LARGEST_BATCH):
        await engine.trail.write_of(line, dict(people[at : at + trail.LARGEST_BATCH]))
    if await engine.db.fetchval(Q.part, id_, part.after, part.rows, json.dumps(files)) is not None:
        return True
    for file in files:
        if not await engine.db.fetch(Q.kept, [file["digest"]]):
            await blobs.delete(str(file["digest"]))
    return False


async def _where(engine: Engine, scope: Scope, asked: Asked, s: Statement) -> str:
    """The condition on rows `h` of head. Raises Invalid for a filter that is no search of its type."""
    parts = []
    types = [t for t in asked.types if scope.may_search(t)] if asked.types else None
    if types is None and (every := scope.searchable) is not None:
        types = sorted(every)
    if types is not None:
        parts.append(f"h.type = ANY({s.bind([number(t) for t in types])}::smallint[])")
    if asked.since:
        parts.append(f"h.upd >= {s.bind(datetime.fromisoformat(asked.since))}::timestamptz")
    if asked.patients is not None:
        keys, also = [patient_key(p) for p in asked.patients], [compartment_key(p) for p in asked.patients]
        parts.append(f"(h.pat = ANY({s.bind(keys)}::int8[]) OR h.terms && {s.bind(also)}::int8[])")
    elif asked.level != "system":
        parts.append("h.pat IS NOT NULL")
    if not scope.unlimited:  # whoever asked may see less by now
        parts.append(scope.where(RowSQL.of("h"), s.bind))
    compiler = Compiler(engine, scope)
    by_type: dict[str, list[str]] = defaultdict(list)
    for type_, search in asked.filters:
        by_type[type_].append(search)
    for type_, searches in by_type.items():
        any_of = [await _filter(compiler, type_, search, s) for search in searches]
        parts.append(f"(h.type <> {number(type_)} OR ({' OR '.join(any_of)}))")
    return " AND ".join(parts) or "true"


async def _filter(compiler: Compiler, type_: str, search: str, s: Statement) -> str:
    try:
        query = parse(type_, parse_qsl(search, keep_blank_values=True), "strict")
    except LongbienError as why:
        raise Invalid(f"_typeFilter {type_}?{search[:200]}: {why.text}", code="value") from None
    if query.sort or query.include or query.revinclude or query.summary or query.elements or query.cursor:
        raise Invalid(f"_typeFilter {type_}?{search[:200]}: only conditions can stand in a filter.", code="value")
    return f"({await compiler.rows_sql(type_, [*query.asks, *query.has], 'h', s)})"


async def fetched(engine: Engine, scope: Scope, id_: str, n: int, file: Mapping[str, Any]) -> None:
    """A file is about to leave: say so in the trail. (Whose records are in it was said when it was made.)"""
    why = f"export {id_}: file {n} fetched, {file['count']} {file['type']}"
    await engine.trail.write([trail.line(scope, "export", n=0, why=why)])
