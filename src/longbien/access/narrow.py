"""What a SMART scope leaves of what somebody may do: fewer types, fewer rows, never more."""

from __future__ import annotations

from dataclasses import dataclass, replace

from longbien.fhir import definitions
from longbien.record.scope import Bind, Rows, RowSQL, Scope, both
from longbien.record.types import number

from . import restrict
from .smart import Held


@dataclass(frozen=True)
class PatientRows:
    """Of `types` (numbers; None: of all) only the rows of the patient in context, and those that are about nobody."""

    rows: Rows
    patient: int | None
    types: tuple[int, ...] | None

    def sql(self, row: RowSQL, bind: Bind) -> str:
        own = f"{row.pat} IS NULL" if self.patient is None else f"({row.pat} IS NULL OR {row.pat} = {bind(self.patient)}::bigint)"
        other = "" if self.types is None else f"{row.type} <> ALL ({bind(list(self.types))}::smallint[]) OR "
        return f"({self.rows.sql(row, bind)} AND ({other}{own}))"


@dataclass(frozen=True)
class LimitedRows:
    """Of some types only the rows that one of their searches finds. A row that is not stored yet is none of them: where reading is
    restricted, nothing is written (smart.held sees to it)."""

    rows: Rows
    limited: tuple[tuple[str, tuple[str, ...]], ...]

    def sql(self, row: RowSQL, bind: Bind) -> str:
        parts = [self.rows.sql(row, bind)]
        parts += [f"({row.type} <> {number(t)} OR {_found(t, queries, row, bind)})" for t, queries in self.limited]
        return f"({' AND '.join(parts)})"


def _found(type_: str, queries: tuple[str, ...], row: RowSQL, bind: Bind) -> str:
    if row.head is not None:
        return _any(type_, queries, row.head, bind)
    if row.rid.startswith("NULL"):
        return "false"
    return f"EXISTS (SELECT 1 FROM head lim WHERE lim.rid = {row.rid} AND {_any(type_, queries, 'lim', bind)})"  # noqa: S608


def _any(type_: str, queries: tuple[str, ...], alias: str, bind: Bind) -> str:
    return "(" + " OR ".join(f"({restrict.sql(type_, q, alias, bind)})" for q in queries) + ")"


def narrowed(scope: Scope, held: Held, patient: int | None) -> Scope:
    """`scope` as far as `held` goes. patient: the key of the patient in context, whom patient/ scopes are about."""
    limited = held.limited
    return replace(
        scope,
        rows=_rows(scope.rows, held, patient),
        reads=both(scope.reads, held.types("r", "s")),
        gets=both(scope.gets, held.types("r")),
        searches=both(scope.searches, held.types("s")),
        versions=both(scope.versions, frozenset(definitions.types()) - {t for t, _ in limited} if limited else None),
        writes=both(scope.writes, held.types("c", "u", "d")),
        creates=both(scope.creates, held.types("c")),
        updates=both(scope.updates, held.types("u")),
        deletes=both(scope.deletes, held.types("d")),
    )


def _rows(rows: Rows, held: Held, patient: int | None) -> Rows:
    own = held.at_patient()
    if own is None or own:
        rows = PatientRows(rows, patient, None if own is None else tuple(sorted(n for n in map(number, own) if n is not None)))
    return LimitedRows(rows, held.limited) if held.limited else rows
