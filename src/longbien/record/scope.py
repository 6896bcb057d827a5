"""Scope: the warrant without which there is no store. Who acts, for what purpose, which rows they may see and why.

Made by access only. The rule is part of every statement's SQL: `Scope.where` gives a condition over a row (`RowSQL`: its patient
key, its type, and what else is known of it). Default is deny: `Nothing`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

Op = Literal["create", "update", "delete"]
Bind = Callable[[Any], str]
"""Takes a value, gives its placeholder ($7) in the statement being built."""


class RowSQL(NamedTuple):
    """One row as SQL expressions (a column, a placeholder with its cast, a scalar subquery), for a rule to speak of.

    pat, type: the patient's key and the type's number. rid: null for what is not stored yet. sens: which sensitive categories it
    falls into (record/sensitive.py, 0: none). org: the facility that it was made at (index.org_key), null where nobody knows.
    head: the alias of a row of `head` with every column, or None where the statement has none at hand (a row that is about to be
    written, a line of the trail, somebody whose record is asked about as a whole)."""

    pat: str
    type: str
    rid: str = "NULL::bigint"
    sens: str = "0::smallint"
    org: str = "NULL::bigint"
    head: str | None = None

    @classmethod
    def of(cls, alias: str) -> RowSQL:
        """A row of `head` that stands in the statement under this alias."""
        return cls(f"{alias}.pat", f"{alias}.type", f"{alias}.rid", f"{alias}.sens", f"{alias}.org", alias)


class Rows(Protocol):
    """Which rows: gives a boolean SQL expression over `row`."""

    def sql(self, row: RowSQL, bind: Bind) -> str: ...


@runtime_checkable
class Wholly(Protocol):
    """Rows that can say whether a patient's record is open as a whole."""

    def whole(self, pat: str, bind: Bind) -> str:
        """SQL over the patient's key (a placeholder) that is true only when every row of that patient is open; it may be false or
        null where that is not certain."""
        ...


@runtime_checkable
class Surely(Protocol):
    """Rows that can say of many, cheaply, that they are open."""

    def surely(self, row: RowSQL, bind: Bind) -> str:
        """SQL that is true only of rows that `sql` opens; "false" where there is no cheaper way."""
        ...


@dataclass(frozen=True)
class Nothing:
    def sql(self, row: RowSQL, bind: Bind) -> str:
        return "false"


@dataclass(frozen=True)
class Everything:
    def sql(self, row: RowSQL, bind: Bind) -> str:
        return "true"


@dataclass(frozen=True)
class Scope:
    """actor: account number (0 the system). org: key64('Organization/<id>') of the workplace. reads / writes: resource types,
    None for all. `request` is where the question came from (an address)."""

    actor: int
    label: str
    purpose: str
    reason: str
    rows: Rows = field(default_factory=Nothing)
    org: int | None = None
    reads: frozenset[str] | None = frozenset()
    writes: frozenset[str] | None = frozenset()
    address: str | None = None
    begins: Rows | None = None
    """In which records the actor may write what puts the patient under a facility's care, and so opens the record to its staff
    (an Encounter there, a referral, an appointment). None: in every record that `rows` opens."""
    withheld: Rows | None = None
    """What the patient keeps from this actor and of which they may be told that there is some. None: nothing is told."""
    token: int | None = None
    """The number of the token that a machine came with: work that goes on after its request ends with the token."""
    creates: frozenset[str] | None = None
    updates: frozenset[str] | None = None
    deletes: frozenset[str] | None = None
    """Of the types in `writes`, those that may be created, replaced or patched, deleted. None: all of them."""
    gets: frozenset[str] | None = None
    searches: frozenset[str] | None = None
    """Of the types in `reads`, those that may be read by their id, searched. None: all of them."""
    versions: frozenset[str] | None = None
    """Of the types in `reads`, those whose earlier versions may be seen: a rule about the row is about it as it is now."""

    def where(self, row: RowSQL, bind: Bind) -> str:
        return self.rows.sql(row, bind)

    def surely(self, row: RowSQL, bind: Bind) -> str:
        """SQL that is true only where `where` is, cheaper and true of most rows; "false" where there is none such. Whoever asks it
        asks `where` again about what it leaves, and where nothing was found: so both take as long."""
        return self.rows.surely(row, bind) if isinstance(self.rows, Surely) else "false"

    def every(self, row: RowSQL, bind: Bind) -> str:
        """As `where`, for a statement about the rows of one patient: what holds of all of them is asked first and once a statement
        (Wholly), each row by itself only where that does not hold."""
        wholly = self.whole(row.pat, bind)
        each = self.where(row, bind)
        return each if wholly == "false" else f"({wholly} OR {each})"

    def whole(self, pat: str, bind: Bind) -> str:
        """SQL that is true where every row of the patient is open, false elsewhere and where that is not certain. Asked once a
        statement."""
        known = self.rows.whole(pat, bind) if isinstance(self.rows, Wholly) else "false"
        return known if known == "false" else f"coalesce((SELECT {known}), false)"

    def may_read(self, type: str) -> bool:
        return self.reads is None or type in self.reads

    def may_get(self, type: str) -> bool:
        return self.may_read(type) and (self.gets is None or type in self.gets)

    def may_search(self, type: str) -> bool:
        return self.may_read(type) and (self.searches is None or type in self.searches)

    @property
    def searchable(self) -> frozenset[str] | None:
        """The types that may be searched; None: all."""
        return both(self.reads, self.searches)

    def may_see_versions(self, type: str) -> bool:
        return self.may_read(type) and (self.versions is None or type in self.versions)

    @property
    def with_versions(self) -> frozenset[str] | None:
        """The types whose versions may be listed; None: all."""
        return both(self.searchable, self.versions)

    def may_write(self, type: str) -> bool:
        """In one way or another."""
        return self.writes is None or type in self.writes

    def may(self, op: Op, type: str) -> bool:
        only = {"create": self.creates, "update": self.updates, "delete": self.deletes}[op]
        return self.may_write(type) and (only is None or type in only)

    @property
    def unlimited(self) -> bool:
        """True when no row is hidden, so that statements may be prepared once without a condition."""
        return isinstance(self.rows, Everything)


def both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """What is in both sets, None being every type."""
    return other if one is None else one if other is None else one & other


def system(reason: str) -> Scope:
    """The house itself at work: migrations, reactions, import, the demo. Audited as actor 0."""
    return Scope(0, "system", "HSYSADMIN", reason, Everything(), None, None, None)
