"""Which rows an actor may see: an ordered list of rules, made into one SQL condition. The first rule that holds decides; none: no.

Consent and break-glass plug in here, without touching a query: a rule is (opens or closes, reason, SQL over a row:
record.scope.RowSQL). The order the house keeps for them:

    1. open   emergency  (a broken glass: stronger than a refusal)
    2. close  withheld   (what the patient, or the house's default, keeps from this reader: consent_rows.py)
    3. open   purpose    (a stated reason)
    4. close  wall       (the known, and colleagues: care alone is not enough)
    5. open   care, consent, ...

As a condition the later ones stand innermost, so that what opens most rows is asked first and nothing more of a row that care opens
and that is the facility's own.

Every rule binds its values, so the text of the condition depends only on which rules there are, and statements stay prepared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import takewhile
from typing import Any, Literal, NamedTuple, Protocol, cast

from longbien.base.ids import key64
from longbien.record.scope import Bind, Everything, Nothing, Rows, RowSQL
from longbien.record.sensitive import ORDINARY
from longbien.record.types import number

from .resource_types import OPEN

Reason = Literal[
    "open", "own", "carer", "new", "care", "cover", "purpose", "find", "everything", "emergency", "consent", "withheld", "wall",
    "minor", "restricted",
]  # fmt: skip


class Rule(NamedTuple):
    """note: which one, where there are several of a kind (the number of a cover)."""

    effect: Literal["open", "close"]
    reason: str
    rows: Rows
    note: str = ""


@cache
def _open_numbers() -> str:
    return ", ".join(str(n) for n in sorted(n for n in (number(t) for t in OPEN) if n is not None))


@dataclass(frozen=True)
class OpenRows:
    """About no patient, and of a type that cannot be. The numbers are the standard's, so they stand in the text: seventy values to
    bind with every read cost more than the read's own statement."""

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"({row.pat} IS NULL AND {row.type} IN ({_open_numbers()}))"


@dataclass(frozen=True)
class NewRows:
    """A patient whom the record does not know at all yet: whoever may write a Patient may begin one. Never true of a row that is
    already there, so it opens nothing to a reader, and is not asked of such a row."""

    def sql(self, row: RowSQL, bind: Bind) -> str:
        if row.head is not None:
            return "false"
        known = f"EXISTS (SELECT 1 FROM head known WHERE known.pat = {row.pat})"  # noqa: S608 - a column or a placeholder
        return f"({row.pat} IS NOT NULL AND NOT {known})"


@dataclass(frozen=True)
class CareRows:
    """Patients under care at the facility `org` (key64), or at its department `also`: from the day before it begins (referrals,
    appointments) to `days` after it ended; days None: for ever after."""

    bounds = True
    org: int
    days: int | None
    also: int | None = None

    def sql(self, row: RowSQL, bind: Bind) -> str:
        where = (
            f"c.org = {bind(self.org)}::bigint" if self.also is None else f"c.org = ANY({bind([self.org, self.also])}::bigint[])"
        )
        return f"EXISTS (SELECT 1 FROM care c WHERE c.pat = {row.pat} AND {where}{_running('c', self.days, bind)})"  # noqa: S608


@dataclass(frozen=True)
class TieRows:
    """Patients who have to do with one of `ends` by name (record/ties.py), in the time that `days` leaves."""

    bounds = True
    ends: tuple[int, ...]
    days: int | None

    def sql(self, row: RowSQL, bind: Bind) -> str:
        where = f"t.pat = {row.pat} AND t.who = ANY({bind(self.ends)}::bigint[])"
        return f"EXISTS (SELECT 1 FROM tie t WHERE {where}{_running('t', self.days, bind)})"  # noqa: S608 - columns and placeholders


def _running(alias: str, days: int | None, bind: Bind) -> str:
    since = "" if days is None else f" AND {alias}.hi > now() - make_interval(days => {bind(days)}::int)"
    return f" AND {alias}.lo < now() + interval '1 day'{since}"


@dataclass(frozen=True)
class Both:
    """What both of two rules open."""

    one: Rows
    other: Rows

    @property
    def bounds(self) -> bool:
        return _bounds(self.one) and _bounds(self.other)

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"({self.one.sql(row, bind)} AND {self.other.sql(row, bind)})"


@dataclass(frozen=True)
class PurposeRows:
    """Patients for whom `account` has stated a purpose that still runs. strength: at least; 1 a stated purpose, 2 a broken
    glass."""

    bounds = True
    account: int
    strength: int = 1

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return (  # column names and placeholders only
            f"EXISTS (SELECT 1 FROM purpose_grant g WHERE g.account = {bind(self.account)}::int AND g.pat = {row.pat}"  # noqa: S608
            f" AND g.strength >= {self.strength:d}"
            " AND g.until > now() AND g.begins <= now()"
            " AND NOT EXISTS (SELECT 1 FROM purpose_end e WHERE e.number = g.number))"
        )


@dataclass(frozen=True)
class OwnRows:
    """One patient's own record, `own` being their key, and nothing else of anybody."""

    bounds = True
    own: int

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"({row.pat} = {bind(self.own)}::bigint)"


VOID_BASIS = tuple(
    key64(term) for term in (
        "RelatedPerson.active=false", "Consent.status=inactive", "Consent.status=rejected", "Consent.status=entered-in-error",
        "Consent.status=draft", "Consent.status=proposed",
    )
)  # fmt: skip
"""Terms of a RelatedPerson or a Consent on which no carer's grant can rest any more."""


@dataclass(frozen=True)
class CarerRows:
    """Patients for whom `account` cares: a grant that runs, resting on a resource of that same patient which still holds. It ends
    when a child comes of age, when the RelatedPerson is made inactive, when the consent is withdrawn."""

    bounds = True
    account: int

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return (  # column names and placeholders only
            "EXISTS (SELECT 1 FROM carer_grant cg JOIN head cb ON cb.rid = cg.basis AND cb.pat = cg.pat"  # noqa: S608
            f" WHERE cg.account = {bind(self.account)}::int AND cg.pat = {row.pat} AND cg.until > now() AND cg.begins <= now()"
            f" AND NOT cb.deleted AND NOT (cb.terms && {bind(VOID_BASIS)}::bigint[])"
            " AND NOT EXISTS (SELECT 1 FROM carer_end ce WHERE ce.number = cg.number))"
        )


@dataclass(frozen=True)
class RestrictedRows:
    """Records that are closed at their patient's wish, or instead of erasing them while retention runs. There are few: they are
    read once a statement. `but`: types that stay to be seen (the stub that the records office works with); () for none."""

    but: tuple[str, ...] = ()

    @property
    def bounds(self) -> bool:
        return not self.but

    def spares(self, row: RowSQL, bind: Bind) -> str:
        return "true"

    def sql(self, row: RowSQL, bind: Bind) -> str:
        closed = (
            f"({row.pat} IN (SELECT rs.pat FROM restriction rs"  # noqa: S608 - columns and placeholders
            " WHERE NOT EXISTS (SELECT 1 FROM restriction_end re WHERE re.number = rs.number)))"
        )
        if not self.but:
            return closed
        kept = [n for n in (number(t) for t in self.but) if n is not None]
        return f"({closed} AND {row.type} <> ALL ({bind(kept)}::smallint[]))"


@dataclass(frozen=True)
class IdentityRows:
    """Patient resources of the whole city: to find a person before anything of theirs may be opened."""

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"({row.type} = {bind(number('Patient'))}::smallint)"


@dataclass(frozen=True)
class MinorRows:
    """What an adolescent need not share with who cares for them: of these categories (bits), and not of one's own record."""

    bounds = True
    bits: int
    own: int | None

    def spares(self, row: RowSQL, bind: Bind) -> str:
        return f"NOT {self.sql(row, bind)}"

    def sql(self, row: RowSQL, bind: Bind) -> str:
        others = "" if self.own is None else f" AND {row.pat} IS DISTINCT FROM {bind(self.own)}::bigint"
        return f"({row.sens}::int & {bind(self.bits)}::int <> 0{others})"


def _bounds(rows: Rows) -> bool:
    """Does what the rule says of the hardest row (Ordered.whole) hold for every row of the patient?"""
    return bool(getattr(rows, "bounds", False))


class Sparing(Protocol):
    """A rule that closes, and can say cheaply of which rows it certainly does not."""

    def spares(self, row: RowSQL, bind: Bind) -> str:
        """SQL that is true only of rows that the rule does not close, where table `watched` does not know their patient."""
        ...


_SHUT, _ALL = Nothing(), Everything()
_LIKELY = ("open", "own", "care", "carer", "purpose", "consent")
"""Reasons in the order in which they are asked: what opens most rows first."""


@dataclass(frozen=True)
class Ordered:
    """Rules in order. What a kind of row is asked is worked out once; after that only values are bound."""

    rules: tuple[Rule, ...]
    _asked: dict[tuple[str, RowSQL], tuple[list[str], list[Any]]] = field(default_factory=dict, compare=False, repr=False)

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return self._kept("sql", row, bind, lambda mark: _nested(self.rules, row, mark))

    def surely(self, row: RowSQL, bind: Bind) -> str:
        """SQL that is true only of rows that `sql` opens, and true of most of them, at a third of its cost: by care, where nothing
        special was ever said of the patient (table watched) and the row is one that needs no saying. "false" where the rules are
        not of that kind."""
        return self._kept("surely", row, bind, lambda mark: self._sure(row, mark))

    def _sure(self, row: RowSQL, bind: Bind) -> str:
        before = list(takewhile(lambda r: r.reason != "care", self.rules))
        closing = [r.rows for r in before if r.effect == "close"]
        care = next((r for r in self.rules if r.reason == "care"), None)
        if care is None or care.effect != "open" or not all(hasattr(c, "spares") for c in closing):
            return "false"
        parts = [care.rows.sql(row, bind)]
        if closing:
            parts.append(f"NOT EXISTS (SELECT 1 FROM watched w WHERE w.pat = {row.pat})")  # noqa: S608 - a column or a placeholder
        parts += [sql for c in closing if (sql := cast(Sparing, c).spares(row, bind)) != "true"]
        sure = f"({' AND '.join(parts)})"
        about_nobody = before and isinstance(before[0].rows, OpenRows)
        return f"({sure} OR {before[0].rows.sql(row, bind)})" if about_nobody else sure

    def _kept(self, what: str, row: RowSQL, bind: Bind, make: Callable[[Bind], str]) -> str:
        known = self._asked.get((what, row))
        if known is None:
            known = self._asked[what, row] = _template(make)
        parts, values = known
        return parts[0] + "".join(bind(value) + part for value, part in zip(values, parts[1:], strict=True))

    def whole(self, pat: str, bind: Bind) -> str:
        """See record.scope.Wholly. The rules are asked about one row that is harder to open than any of the patient's: of an
        ordinary type, made elsewhere, in the ordinary and every sensitive category that any of them falls into. A rule that such a
        row does not bound opens nothing here, or closes everything."""
        bits = f"coalesce(bit_or(hard.sens), 0) | {ORDINARY}"
        sens = f"(SELECT ({bits})::smallint FROM head hard WHERE hard.pat = {pat} AND hard.sens <> 0)"  # noqa: S608 - a placeholder
        row = RowSQL(pat, f"{number('Observation')}::smallint", sens=sens)
        hard = tuple(r if _bounds(r.rows) else r._replace(rows=_SHUT if r.effect == "open" else _ALL) for r in self.rules)
        return _nested(hard, row, bind)

    def deciding(self, row: RowSQL, bind: Bind) -> str:
        """SQL that gives the position of the rule that decides, null when none does."""
        whens = (f"WHEN {r.rows.sql(row, bind)} THEN {n}" for n, r in enumerate(self.rules))
        return f"(CASE {' '.join(whens)} END)" if self.rules else "NULL::int"


def _nested(rules: tuple[Rule, ...], row: RowSQL, bind: Bind) -> str:
    """What comes after a closing rule stands inside "and not": ((care ... and not wall) or purpose) and not withheld) or
    emergency. So each rule is asked once, and the likely ones first."""
    opens = tuple(takewhile(lambda r: r.effect == "open", rules))
    rest = rules[len(opens) :]
    closes = tuple(takewhile(lambda r: r.effect == "close", rest))
    parts = []
    if len(rest) > len(closes):
        inner = _nested(rest[len(closes) :], row, bind)
        if inner != "false":
            parts.append(f"({inner}{''.join(f' AND NOT {r.rows.sql(row, bind)}' for r in closes)})")
    likely = sorted(opens, key=lambda r: _LIKELY.index(r.reason) if r.reason in _LIKELY else len(_LIKELY))
    parts += [sql for r in likely if (sql := r.rows.sql(row, bind)) != "false"]
    return f"({' OR '.join(parts)})" if parts else "false"


def _template(make: Callable[[Bind], str]) -> tuple[list[str], list[Any]]:
    """SQL without its placeholders: the text between them, and the values that they stand for."""
    values: list[Any] = []

    def mark(value: Any) -> str:
        values.append(value)
        return f"\0{len(values) - 1}\0"

    pieces = make(mark).split("\0")  # text, number, text, number, ... text: a rule need not bind in the order of its text
    return pieces[::2], [values[int(n)] for n in pieces[1::2]]
