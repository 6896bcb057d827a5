"""The rules that patients' own statements make: what is withheld from a reader, what is opened to them, who has a wall.

A row that a facility made itself is its own: consent is about sharing (the law wants the maker to keep it and its staff to use it).
A row of another facility is seen when every category it falls into is open to the reader: by what the patient has said, most
narrowly first (this person, this facility, everybody), else by the house's default (settings: ordinary data shared or not,
sensitive categories not). docs/why/access.md."""

from __future__ import annotations

from dataclasses import dataclass

from longbien.base.errors import Invalid
from longbien.base.ids import key64
from longbien.record.directives import ANYBODY, TREATMENT, purpose_bits
from longbien.record.index import org_key
from longbien.record.scope import Bind, RowSQL
from longbien.record.sensitive import BY_CODE, ORDINARY
from longbien.record.trail import PURPOSES
from longbien.record.types import number

from .actor import Actor
from .settings import AccessSettings

SHARES = TREATMENT | purpose_bits("HPAYMT", "HOPERAT", "PATRQT")
"""Purposes for which the default holds; for others (research, public health) only what a patient has said opens anything."""


@dataclass(frozen=True)
class Reader:
    """Who asks, as consent sees him: keys of his facility and of himself, bits of the purpose, what is open to him by default.
    closed: facilities whose rows are shared by nobody's default."""

    org: int | None
    person: int | None
    purpose: int
    default: int
    closed: tuple[int, ...] = ()


def categories_of(names: str) -> int:
    """Category names as bits. Raises Invalid for one that is not known."""
    mask = 0
    for code in names.replace(",", " ").split():
        if code != "ordinary" and code not in BY_CODE:
            raise Invalid(f"{code[:40]!r} is not a category: ordinary, {', '.join(BY_CODE)}.")
        mask |= ORDINARY if code == "ordinary" else BY_CODE[code].bit
    return mask


def default_mask(settings: AccessSettings, purpose: int) -> int:
    """The categories that are open where the patient has said nothing. Raises Invalid for a setting that is not understood."""
    if settings.share not in ("share", "ask"):
        raise Invalid(f"LONGBIEN_SHARE={settings.share[:40]!r} cannot be used: say share or ask.")
    if not purpose & SHARES:
        return 0
    return (ORDINARY if settings.share == "share" else 0) | categories_of(settings.share_categories)


def reader(actor: Actor, purpose: str, settings: AccessSettings) -> Reader:
    closed = tuple(org_key(o) for o in settings.share_not_from.replace(",", " ").split())
    person = key64(f"Practitioner/{actor.practitioner}") if actor.practitioner else None
    bit = 1 << PURPOSES.index(purpose) if purpose in PURPOSES else 0
    return Reader(actor.org, person, bit, default_mask(settings, bit), closed)


def _needs(row: RowSQL) -> str:
    return f"greatest({row.sens}, {ORDINARY})::int"


def _said(who: Reader, row: RowSQL, bind: Bind, *, default: str) -> str:
    """SQL: the mask of what is open to the reader of this patient's foreign rows."""
    keys = [k for k in (who.person, who.org) if k is not None]
    text = default
    for key in (ANYBODY, *reversed(keys)):  # the narrowest ends up outermost
        at = f"said.reader = {bind(key)}::bigint"
        permit = f"coalesce(bit_or(said.permit) FILTER (WHERE {at}), 0)"
        decided = f"coalesce(bit_or(said.decided) FILTER (WHERE {at}), 0)"
        text = f"({permit} | (~{decided} & {text}))"
    among = f"said.reader = ANY({bind([ANYBODY, *keys])}::bigint[]) AND said.purposes & {bind(who.purpose)}::int <> 0"
    return (  # columns and placeholders
        f"(SELECT {text} FROM consent_now said WHERE said.pat = {row.pat} AND {among} AND said.lo <= now() AND said.hi > now())"  # noqa: S608
    )


def _default(who: Reader, row: RowSQL, bind: Bind) -> str:
    mask = f"{bind(who.default)}::int"
    return mask if not who.closed else f"CASE WHEN {row.org} = ANY({bind(who.closed)}::bigint[]) THEN 0 ELSE {mask} END"


def _foreign(who: Reader, row: RowSQL, bind: Bind) -> str:
    return "true" if who.org is None else f"{row.org} IS DISTINCT FROM {bind(who.org)}::bigint"


@dataclass(frozen=True)
class WithheldRows:
    """What consent keeps from this reader. Never a Patient resource: whoever may open a record may know whose it is.
    told: only what falls into these categories and no other (None: all)."""

    who: Reader
    told: int | None = None

    @property
    def bounds(self) -> bool:
        """A facility whose rows nobody's default shares is harder than one that is not named."""
        return not self.who.closed

    def spares(self, row: RowSQL, bind: Bind) -> str:
        """Where the patient has said nothing: what the facility made itself, and what the house's default opens."""
        own = "false" if self.who.org is None else f"{row.org} = {bind(self.who.org)}::bigint"
        shared = f"{_needs(row)} & ~{bind(self.who.default)}::int = 0"
        if self.who.closed:
            shared = f"({shared} AND {row.org} IS NOT NULL AND {row.org} <> ALL ({bind(self.who.closed)}::bigint[]))"
        return f"({own} OR {shared})"

    def sql(self, row: RowSQL, bind: Bind) -> str:
        patient = f"{row.type} <> {bind(number('Patient'))}::smallint AND {row.pat} IS NOT NULL"
        # The closed facilities' default depends on the row: it is taken outside, so that the subquery speaks of the patient alone.
        if self.who.closed:
            said, none = _said(self.who, row, bind, default="0"), _said(self.who, row, bind, default=str(~0))
            mask = f"({said} | ({none} & {_default(self.who, row, bind)}))"
        else:
            mask = _said(self.who, row, bind, default=_default(self.who, row, bind))
        hidden = f"({_foreign(self.who, row, bind)} AND {patient} AND {_needs(row)} & ~{mask} <> 0)"
        if self.told is None:
            return hidden
        clinical = f"{row.type} <> {bind(number('Consent'))}::smallint"  # that there is a refusal is not what is kept back
        return f"({hidden} AND {_needs(row)} & ~{bind(self.told)}::int = 0 AND {clinical})"


@dataclass(frozen=True)
class ConsentedRows:
    """What the patient has said this very person or facility may see, whoever cares for the patient: all of the row's categories
    by name. The Patient resource with it."""

    who: Reader
    bounds = True

    def sql(self, row: RowSQL, bind: Bind) -> str:
        keys = [k for k in (self.who.person, self.who.org) if k is not None]
        if not keys:
            return "false"
        needs = f"({row.type} = {bind(number('Patient'))}::smallint OR {_needs(row)} & ~said.permit = 0)"
        return (  # columns and placeholders
            f"EXISTS (SELECT 1 FROM consent_now said WHERE said.pat = {row.pat} AND said.reader = ANY({bind(keys)}::bigint[])"  # noqa: S608
            f" AND said.purposes & {bind(self.who.purpose)}::int <> 0 AND said.lo <= now() AND said.hi > now() AND said.permit <> 0"
            f" AND {needs})"
        )


@dataclass(frozen=True)
class WalledRows:
    """Records of people known to the public, and of staff before their colleagues: care alone does not open them."""

    organization: str | None
    bounds = True

    def spares(self, row: RowSQL, bind: Bind) -> str:
        return "true"

    def sql(self, row: RowSQL, bind: Bind) -> str:
        colleague = (
            "EXISTS (SELECT 1 FROM account mate WHERE mate.practitioner = stands.practitioner"  # noqa: S608 - placeholders
            f" AND mate.organization = {bind(self.organization)}::text AND mate.disabled IS NULL)"
        )
        return f"EXISTS (SELECT 1 FROM wall stands WHERE stands.pat = {row.pat} AND (stands.practitioner IS NULL OR {colleague}))"  # noqa: S608
