"""Which rows an actor may see: an ordered list of rules, made into one SQL condition. The first rule that holds decides; none: no.

Consent and break-glass plug in here, without touching a query: a rule is (opens or closes, reason, SQL over a row:
record.scope.RowSQL). The order the house keeps for them:

    1. open   emergency  (break-glass: stronger than a refusal)
    2. close  refused    (the patient's consent directive)
    3. open   care, purpose, consent given, ...

Every rule binds its values, so the text of the condition depends only on which rules there are, and statements stay prepared.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from longbien.base.ids import key64
from longbien.record.scope import Bind, Rows, RowSQL
from longbien.record.types import number

from .resource_types import OPEN

Reason = Literal["open", "own", "carer", "new", "care", "purpose", "everything"]


class Rule(NamedTuple):
    effect: Literal["open", "close"]
    reason: str
    rows: Rows


@cache
def _open_numbers() -> tuple[int, ...]:
    return tuple(sorted(n for n in (number(t) for t in OPEN) if n is not None))


@dataclass(frozen=True)
class OpenRows:
    """About no patient, and of a type that cannot be."""

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"({row.pat} IS NULL AND {row.type} = ANY({bind(_open_numbers())}::smallint[]))"


@dataclass(frozen=True)
class NewRows:
    """A patient whom the record does not know at all yet: whoever may write a Patient may begin one. Never true of a row that is
    already there, so it opens nothing to a reader."""

    def sql(self, row: RowSQL, bind: Bind) -> str:
        known = f"EXISTS (SELECT 1 FROM head known WHERE known.pat = {row.pat})"  # noqa: S608 - a column or a placeholder
        return f"({row.pat} IS NOT NULL AND NOT {known})"


@dataclass(frozen=True)
class CareRows:
    """Patients under care at the facility `org` (key64): from the day before it begins (referrals, appointments) to `days` after it
    ended; days None: for ever after."""

    org: int
    days: int | None

    def sql(self, row: RowSQL, bind: Bind) -> str:
        since = "" if self.days is None else f" AND c.hi > now() - make_interval(days => {bind(self.days)}::int)"
        begun = "c.lo < now() + interval '1 day'"
        where = f"c.pat = {row.pat} AND c.org = {bind(self.org)}::bigint AND {begun}{since}"
        return f"EXISTS (SELECT 1 FROM care c WHERE {where})"  # noqa: S608 - columns and placeholders


@dataclass(frozen=True)
class PurposeRows:
    """Patients for whom `account` has stated a purpose that still runs."""

    account: int

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return (  # column names and placeholders only
            f"EXISTS (SELECT 1 FROM purpose_grant g WHERE g.account = {bind(self.account)}::int AND g.pat = {row.pat}"  # noqa: S608
            " AND g.until > now() AND g.begins <= now()"
            " AND NOT EXISTS (SELECT 1 FROM purpose_end e WHERE e.number = g.number))"
        )


@dataclass(frozen=True)
class OwnRows:
    """One patient's own record, `own` being their key, and nothing else of anybody."""

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

    account: int

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return (  # column names and placeholders only
            "EXISTS (SELECT 1 FROM carer_grant cg JOIN head cb ON cb.rid = cg.basis AND cb.pat = cg.pat"  # noqa: S608
            f" WHERE cg.account = {bind(self.account)}::int AND cg.pat = {row.pat} AND cg.until > now() AND cg.begins <= now()"
            f" AND NOT cb.deleted AND NOT (cb.terms && {bind(VOID_BASIS)}::bigint[])"
            " AND NOT EXISTS (SELECT 1 FROM carer_end ce WHERE ce.number = cg.number))"
        )


@dataclass(frozen=True)
class IdentityRows:
    """Patient resources of the whole city: to find a person before anything of theirs may be opened."""

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"({row.type} = {bind(number('Patient'))}::smallint)"


@dataclass(frozen=True)
class Ordered:
    rules: tuple[Rule, ...]

    def sql(self, row: RowSQL, bind: Bind) -> str:
        if not self.rules:
            return "false"
        if all(rule.effect == "open" for rule in self.rules):  # the order does not matter: let the planner choose
            return "(" + " OR ".join(rule.rows.sql(row, bind) for rule in self.rules) + ")"
        whens = (f"WHEN {r.rows.sql(row, bind)} THEN {'true' if r.effect == 'open' else 'false'}" for r in self.rules)
        return f"(CASE {' '.join(whens)} ELSE false END)"

    def deciding(self, row: RowSQL, bind: Bind) -> str:
        """SQL that gives the position of the rule that decides, null when none does."""
        whens = (f"WHEN {r.rows.sql(row, bind)} THEN {n}" for n, r in enumerate(self.rules))
        return f"(CASE {' '.join(whens)} END)" if self.rules else "NULL::int"
