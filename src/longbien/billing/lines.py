"""What the parts of billing say to each other: a line of a bill, the card and the visit it is judged by, who pays what. Pure.

Money is `Decimal` in dong, never a float. A line's amounts have two places (decision 3176/QĐ-BYT: THANH_TIEN), unit prices up to
three. Only what a person pays of a whole bill is rounded, to whole dong, half up; the difference stands as its own line of the
ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Line:
    """One charge. id: of its ChargeItem. at: when it was done; ordered, ended: where known. group: MA_NHOM ("1".."19") of decision
    3176. code: the code that the claim carries (MA_DICH_VU, MA_THUOC, MA_VAT_TU); own: the house's own code. quantity may be
    negative: a reversal, which names in `reverses` the charge that it takes back. price: DON_GIA_BV, what the facility asks;
    insured: DON_GIA_BH, what the insurance pays from (0: not covered). rate: TYLE_TT_DV, per cent of the price that applies (second
    operation of a session, second consultation, shared bed). covered: TYLE_TT_BH, per cent of the insured price that the
    insurance takes as its basis. scope: PHAM_VI (1 covered, 2 outside and paid by the patient, 3 outside but paid for army and
    police). demand: asked for by the patient beyond the insurance's price. other: T_NGUONKHAC of this line. package: the package
    that it belongs to."""

    id: str
    at: datetime
    group: str
    code: str
    name: str
    unit: str
    quantity: Decimal
    price: Decimal
    insured: Decimal
    rate: Decimal = Decimal(100)
    covered: Decimal = Decimal(100)
    scope: str = "1"
    demand: bool = False
    other: Decimal = ZERO
    own: str = ""
    reverses: str = ""
    package: str = ""
    ordered: datetime | None = None
    ended: datetime | None = None
    department: str = ""
    doctor: str = ""
    order: str = ""
    ceiling: Decimal | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Card:
    """One insurance card and when it runs, both days included. level: third character of the number, or what the portal said.
    five_years: since when five years without a gap are reached. shown: when it was shown at the desk (None: at the start)."""

    number: str
    level: int
    begins: date
    ends: date | None
    registered: str = ""
    five_years: date | None = None
    region: str = ""
    shown: datetime | None = None
    coverage: str = ""


@dataclass(frozen=True, slots=True)
class Facility:
    """The house that treats. code: five digits. level: ban-dau, co-ban, chuyen-sau. score: of the ranking (None: provisional).
    before: what it was until 2024-12-31: xa, huyen, tinh, trung-uong, or "" (none)."""

    code: str
    level: Literal["ban-dau", "co-ban", "chuyen-sau"]
    score: int | None = None
    before: str = ""
    province: str = "01"


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit or stay, as the insurance judges it. kind: MA_LOAI_KCB (01, 02, 03, 09, ...). object: MA_DOITUONG_KCB where
    somebody has decided it; "" lets the rules decide. referred: on a referral paper; again: on a follow-up slip. paid_before: what
    the patient has paid in shares this calendar year before this visit (T_BNCCT)."""

    id: str
    number: str
    begin: datetime
    end: datetime | None
    kind: str
    facility: Facility
    cards: Sequence[Card] = ()
    object: str = ""
    emergency: bool = False
    referred: bool = False
    again: bool = False
    newborn: bool = False
    birth: date | None = None
    diagnosis: str = ""
    others: Sequence[str] = ()
    paid_before: Decimal = ZERO
    patient: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """Who pays what of one line; insurer + copay + own + other == total. total: THANH_TIEN_BV; basis: THANH_TIEN_BH; other:
    T_NGUONKHAC; insurer: T_BHTT; copay: T_BNCCT; own: T_BNTT; benefit: MUC_HUONG, per cent of the basis that the fund takes.
    why: (marked message, its values), read by the patient with words.text(message) % values."""

    line: Line
    total: Decimal
    basis: Decimal
    other: Decimal
    insurer: Decimal
    copay: Decimal
    own: Decimal
    benefit: Decimal
    card: str = ""
    why: Sequence[tuple[str, Mapping[str, Any]]] = ()


@dataclass(frozen=True, slots=True)
class Bill:
    """A whole visit judged. object: MA_DOITUONG_KCB that it was judged by; why: about the visit as a whole (line, level, 15 per
    cent rule, six reference levels). to_pay: copay + own, whole dong; rounding = to_pay - (copay + own)."""

    visit: Visit
    shares: Sequence[Share]
    object: str
    total: Decimal
    basis: Decimal
    other: Decimal
    insurer: Decimal
    copay: Decimal
    own: Decimal
    to_pay: int
    rounding: Decimal
    why: Sequence[tuple[str, Mapping[str, Any]]] = ()
