"""The trail, read: who did what to whom, newest first, as far as a scope may know. Reading it is a line in it too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from longbien.base.errors import Forbidden
from longbien.base.ids import patient_key
from longbien.base.sql import queries

from . import trail
from .engine import Engine
from .scope import RowSQL, Scope
from .types import number, type_name

Q = queries(__file__, "sql/trail_read.sql")
AUDIT = "AuditEvent"


class Seen(NamedTuple):
    """One line. `type`, `id`, `version`: what was touched, where it was one resource; `patient`: whose record (an id), None also
    where the patient is not (yet) in the store. `n`: how many resources. outcome: trail.SUCCESS, REFUSED, FAILED."""

    seq: int
    at: datetime
    actor: int
    action: str
    kind: str
    outcome: int
    purpose: str
    n: int
    address: str | None
    why: str | None
    type: str | None
    id: str | None
    version: int | None
    patient: str | None


@dataclass(frozen=True)
class Asked:
    """Which lines: all conditions together. `begin` and `end`: the half-open span of `at`. `below`: seq, for the next page.
    `kinds`: of trail.KINDS. `entities`: (type, id) of what was touched; a Patient also as whose record it was."""

    seqs: tuple[int, ...] | None = None
    patients: tuple[str, ...] | None = None
    actors: tuple[int, ...] | None = None
    actions: tuple[str, ...] | None = None
    outcomes: tuple[int, ...] | None = None
    kinds: tuple[str, ...] | None = None
    entities: tuple[tuple[str, str], ...] | None = None
    begin: datetime | None = None
    end: datetime | None = None
    below: int = 2**63 - 1


async def lines(engine: Engine, scope: Scope, asked: Asked, count: int) -> list[Seen]:
    """At most `count` lines. Raises Forbidden when the scope may not read AuditEvent."""
    if not (scope.may_get(AUDIT) and scope.may_search(AUDIT)):
        await engine.trail.write([trail.line(scope, "refused", type=number(AUDIT), outcome=trail.REFUSED)])
        raise Forbidden(f"{scope.label} may not read {AUDIT}.")
    args: list[Any] = []

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    terms = [f"a.seq < {bind(asked.below)}::bigint"]
    for column, kind, values in (
        ("a.seq", "bigint", asked.seqs),
        ("a.pat", "bigint", None if asked.patients is None else tuple(patient_key(p) for p in asked.patients)),
        ("a.actor", "int", asked.actors),
        ('a.action::"char"', '"char"', None if asked.actions is None else tuple(x.encode() for x in asked.actions)),
        ("a.outcome", "smallint", asked.outcomes),
        ("a.kind", "smallint", None if asked.kinds is None else tuple(trail.KINDS.index(k) for k in asked.kinds)),
    ):
        if values is not None:
            terms.append(f"{column} = ANY({bind(list(values))}::{kind}[])")
    if asked.entities is not None:
        types = [number(t) or 0 for t, _ in asked.entities]
        ids = [i for _, i in asked.entities]
        pats = [patient_key(i) for t, i in asked.entities if t == "Patient"]
        touched = Q.touched.replace("{types}", bind(types)).replace("{ids}", bind(ids))
        terms.append(f"a.rid = ANY(ARRAY({touched})) OR a.pat = ANY({bind(pats)}::bigint[])")
    if asked.begin is not None:
        terms.append(f"a.at >= {bind(asked.begin)}")
    if asked.end is not None:
        terms.append(f"a.at < {bind(asked.end)}")
    # A line belongs to the record of its patient; one of no patient (a sign-in) is for those who may see everything.
    # What it says of a resource is as sensitive as the resource.
    of = "(SELECT x.{} FROM head x WHERE x.rid = a.rid)"
    row = RowSQL("a.pat", f"{number(AUDIT)}::smallint", "a.rid", f"coalesce({of.format('sens')}, 0::smallint)", of.format("org"))
    terms.append(scope.where(row, bind))
    sql = Q.lines.replace("{terms}", " AND ".join(f"({t})" for t in terms)).replace("{count}", bind(count))
    rows = await engine.db.fetch(sql, *args, search=True)
    found = [_seen(r) for r in rows]
    await _say(engine, scope, asked, rows)
    return found


def _seen(r: Any) -> Seen:
    type_ = type_name(r["type"]) if r["type"] else None
    return Seen(
        r["seq"], r["at"], r["actor"], r["action"].decode(), trail.KINDS[r["kind"]], r["outcome"], trail.PURPOSES[r["purpose"]],
        r["n"], r["addr"], r["why"], type_, r["id"], r["ver"], r["patient"],
    )  # fmt: skip


async def _say(engine: Engine, scope: Scope, asked: Asked, rows: Sequence[Any]) -> None:
    pats = [patient_key(p) for p in asked.patients] if asked.patients is not None else list({r["pat"] for r in rows})
    type_ = number(AUDIT)
    said = [trail.line(scope, "trail", pat=p, type=type_, n=sum(r["pat"] == p for r in rows)) for p in pats]
    await engine.trail.write(said or [trail.line(scope, "trail", type=type_, n=0)])
