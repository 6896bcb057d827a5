"""History of a type and of the whole record: versions newest first, as far as the scope allows.

http://hl7.org/fhir/R4/http.html#history

A page goes on below the last version's time, surrogate id and number: what is written meanwhile hides and repeats none.
Work is bounded: where rows are hidden or filtered, WINDOW versions of the log are looked at for a page, which may then be short or
empty and still has a next one.

A version bears the time at which its transaction began to write. Whoever polls with _since does well to ask from some seconds
before what was seen last: a long transaction shows its versions when it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from longbien.base.sql import queries

from . import trail, write
from .change import Stored
from .engine import Engine
from .scope import RowSQL, Scope
from .types import number, type_name

Q = queries(__file__, "sql/history.sql")
WINDOW = 5_000
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


class Cursor(NamedTuple):
    """A place in the log: below it comes what is older."""

    updated: datetime
    rid: int
    version: int


TOP = Cursor(datetime(9999, 12, 31, tzinfo=UTC), 2**63 - 1, 2**31 - 1)


class Asked(NamedTuple):
    """since: versions written at or after it. at: the time [from, until) during which a version was the current one."""

    size: int = 50
    below: Cursor = TOP
    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None


class Found(NamedTuple):
    """One page; below: where the next one begins, None where nothing is left."""

    versions: list[Stored]
    below: Cursor | None


async def history(engine: Engine, scope: Scope, type: str | None, asked: Asked) -> Found:
    """The caller has seen to it that the scope may read the type. `type` None: all that it may."""
    plain = scope.unlimited and asked.at is None
    window = asked.size + 1 if plain else max(WINDOW, asked.size + 1)
    below = min(asked.below, Cursor(asked.at[1], 0, 0)) if asked.at else asked.below
    types = scope.with_versions if type is None else None
    reads = None if types is None else sorted(number(t) or 0 for t in types)
    args: list[Any] = [*below, asked.since or EARLIEST, window, asked.size + 1, reads, *(asked.at or (None, None))]
    if type is not None:
        args.append(number(type))

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    sql = (Q.of_type if type is not None else Q.of_all).replace("{wanted}", Q.wanted)
    rows = await engine.db.fetch(sql.replace("{allowed}", scope.where(RowSQL.of("h"), bind)), *args, search=True)
    shown = [r for r in rows if r["allowed"]]
    page = shown[: asked.size]
    last = page[-1] if len(shown) > asked.size else rows[-1] if rows and rows[-1]["n"] == window else None
    await _audit(engine, scope, type, page)
    return Found(await versions(engine, page), Cursor(last["upd"], last["rid"], last["ver"]) if last else None)


async def _audit(engine: Engine, scope: Scope, type: str | None, page: Sequence[Any]) -> None:
    """One line per patient shown, one with n = 0 where nobody was."""
    of = number(type) if type else None
    lines = [trail.line(scope, "history", pat=pat, type=of, n=n) for pat, n in Counter(r["pat"] for r in page).items()]
    await engine.trail.write(lines or [trail.line(scope, "history", n=0, type=of)])


async def versions(engine: Engine, rows: Sequence[Any]) -> list[Stored]:
    """Rows of the log with their bodies unpacked; a deletion has none."""
    bodies = iter(await engine.unpack_all([r["body"] for r in rows if r["body"]]))
    return [
        Stored(type_name(r["type"]), r["id"], r["ver"], r["upd"], next(bodies) if r["body"] else b"", r["op"] == write.DELETE,
               r["rid"], r["pat"], r["op"] == write.CREATE)
        for r in rows
    ]  # fmt: skip
