"""Everything of a patient, of an encounter, of all patients: pages in the order in which resources came, each with what its
resources refer to outside the record (staff, facilities, drugs).

A page is two statements: the compartment's rows by the patient's key, bodies and all, and what they name. References are found in
the stored bytes themselves, so that those which no search parameter covers are followed too; bodies are not parsed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from longbien.base.errors import Gone, Issue, NotFound
from longbien.base.sql import queries
from longbien.fhir import definitions

from . import trail
from .engine import Engine
from .page import Entry, Page
from .scope import Bind, RowSQL, Scope
from .search.keys import compartment_key, param_key
from .search.params.dates import EARLIEST
from .search.run import entries
from .types import number

Q = queries(__file__, "sql/everything.sql")
PATIENT, ENCOUNTER = "Patient", "Encounter"
WITHHELD = "Part of this patient's record is withheld: the patient does not share it with you, or has not been asked."
COUNT, MOST = 500, 2000
ROUNDS = 3
"""How far references are followed outside the record: a role, its practitioner, the practitioner's organisation."""
_NAMED = re.compile(rb'"reference":"([A-Z][A-Za-z]{2,60})/([A-Za-z0-9\-.]{1,64})(?:/_history/[0-9]+)?"')
"""Stored bodies are written without spaces, and a quotation mark inside a text is escaped: this finds references only."""


@dataclass(frozen=True)
class Asked:
    """types: only these (all where empty), also of what is referred to. since: changed at or after it. start, end: of care, half
    open; what has no date of care is always there. below: go on after this rid (-1: from the beginning)."""

    types: tuple[str, ...] = ()
    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    count: int = COUNT
    after: int = -1


@cache
def _points_to_encounter() -> list[int]:
    """Keys of the parameters by which resources belong to an encounter."""
    return sorted(
        param_key(f"{type_}.{code}")
        for type_ in definitions.types()
        for code, p in definitions.search_params(type_).items()
        if p.kind == "reference" and ENCOUNTER in p.targets and code in ("encounter", "context", "part-of")
    )


def _more(scope: Scope, asked: Asked, bind: Bind) -> str:
    parts = []
    wanted = _readable(scope, asked.types)
    if wanted is not None:
        parts.append(f"h.type = ANY({bind([number(t) for t in wanted])}::smallint[])")
    if asked.since is not None:
        parts.append(f"h.upd >= {bind(asked.since)}")
    if asked.start is not None:
        at = bind(asked.start)
        parts.append(f"(h.dlo = {bind(EARLIEST)} OR h.dhi > {at} OR h.dlo >= {at})")
    if asked.end is not None:
        parts.append(f"h.dlo < {bind(asked.end)}")
    if not scope.unlimited:
        parts.append(scope.where(RowSQL.of("h"), bind))
    return " AND ".join(parts) or "true"


def _readable(scope: Scope, types: tuple[str, ...]) -> list[str] | None:
    """The types that may come at all; None: every type."""
    reads = scope.searchable
    if reads is None:
        return list(types) or None
    return [t for t in types or sorted(reads) if t in reads]


async def _fetch(engine: Engine, scope: Scope, sql: str, args: list[Any], asked: Asked) -> list[Any]:
    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    return list(await engine.db.fetch(sql.replace("{more}", _more(scope, asked, bind)), *args))


async def everything(
    engine: Engine, scope: Scope, type_: str, id_: str | None, asked: Asked, base_url: str, why: str
) -> tuple[Page, int | None]:
    """One page, and the rid to go on after (None: this was the last). Raises NotFound, Gone."""
    page = Page(None, base_url=base_url)
    own = await _own(engine, scope, type_, id_) if id_ is not None else None
    rows = await _rows(engine, scope, type_, own, asked)
    more = len(rows) > asked.count
    rows = rows[: asked.count]
    if own is not None and asked.after < 0 and _wanted(scope, asked, own, type_):
        page.entries += await entries(engine, [own], "match")
    page.entries += await entries(engine, rows, "match")
    if own is not None and type_ == PATIENT:
        await _say_withheld(engine, scope, own, page)
    await _name(engine, scope, page, asked, own["pat"] if own is not None and type_ == ENCOUNTER else None)
    people: Counter[int | None] = Counter(e.pat for e in page.entries if e.pat is not None)
    nobody = trail.line(scope, "operation", n=0, type=number(type_), why=why)
    if own is not None:
        people.setdefault(own["pat"], 0)
    await engine.trail.write_of(nobody, people)
    return page, rows[-1]["rid"] if more else None


async def _say_withheld(engine: Engine, scope: Scope, own: Any, page: Page) -> None:
    """That the patient keeps something back, where that may be told: never what, and whatever was asked for."""
    if scope.withheld is None or not scope.reads:
        return
    args: list[Any] = [own["pat"], [number(t) for t in scope.reads]]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    sql = Q.withheld.replace("{withheld}", scope.withheld.sql(RowSQL.of("h")._replace(pat="$1::bigint"), bind))
    if await engine.db.fetchval(sql, *args):
        page.issues.append(Issue("information", "suppressed", WITHHELD))


async def _own(engine: Engine, scope: Scope, type_: str, id_: str) -> Any:
    """The patient or the encounter itself. What the scope hides is answered as what is not there."""
    args: list[Any] = [id_, number(type_)]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    row = await engine.db.fetchrow(Q.one.replace("{allowed}", scope.where(RowSQL.of("h"), bind)), *args)
    if row is None or not row["allowed"]:
        pat, rid = (row["pat"], row["rid"]) if row is not None else (None, None)
        why = f"{scope.reason}: {type_}/{id_}".removeprefix(": ")
        line = trail.line(scope, "refused", pat=pat, rid=rid, type=number(type_), outcome=trail.REFUSED, n=0, why=why)
        await engine.trail.write([line])
        raise NotFound(f"{type_}/{id_} is not known.")
    if row["deleted"]:
        raise Gone(f"{type_}/{id_} was deleted.")
    return row


def _wanted(scope: Scope, asked: Asked, own: Any, type_: str) -> bool:
    readable = _readable(scope, asked.types)
    return (readable is None or type_ in readable) and (asked.since is None or own["upd"] >= asked.since)


async def _rows(engine: Engine, scope: Scope, type_: str, own: Any, asked: Asked) -> list[Any]:
    after, limit = asked.after, asked.count + 1
    if own is None:
        return await _fetch(engine, scope, Q.of_all, [after, limit], asked)
    if type_ == PATIENT:
        return await _fetch(engine, scope, Q.of_patient, [own["pat"], after, compartment_key(own["id"]), limit], asked)
    args = [_points_to_encounter(), number(ENCOUNTER), own["id"], after, limit]
    return await _fetch(engine, scope, Q.of_encounter, args, asked)


async def _name(engine: Engine, scope: Scope, page: Page, asked: Asked, pat: int | None) -> None:
    """Add what the page refers to."""
    seen = {(e.type, e.id) for e in page.entries}
    newest: Sequence[Entry] = page.entries
    within = Asked(types=asked.types)
    for _ in range(ROUNDS):
        named = {(t.decode(), i.decode()) for e in newest for t, i in _NAMED.findall(e.body)} - seen
        named = {(t, i) for t, i in named if number(t) and (t != PATIENT or pat is not None)}
        if not named:
            return
        seen |= named
        ordered = sorted(named)
        args: list[Any] = [[i for _, i in ordered], [number(t) for t, _ in ordered], pat]
        newest = await entries(engine, await _fetch(engine, scope, Q.named, args, within), "include")
        page.entries += newest
