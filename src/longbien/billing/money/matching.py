"""Which bill a payment is for, and what becomes of each dong of it. Pure.

What is certain is settled by the machine; whatever is not goes to the exceptions with its reason, the money held as not explained
yet. A payment of too little stays whole (a person decides); of too much settles the bill, and the rest waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from longbien.base.words import mark

Kind = Literal[
    "paid", "late", "deposit", "under", "over", "again", "several", "unknown", "unknown-reference", "cancelled-bill",
    "foreign-account", "refund", "out-unknown",
]  # fmt: skip
KINDS: dict[str, str] = {
    "paid": mark("paid"),
    "late": mark("paid with an earlier code"),
    "deposit": mark("deposit received"),
    "under": mark("less than the bill asks"),
    "over": mark("more than the bill asks"),
    "again": mark("the bill is paid already"),
    "several": mark("names several bills"),
    "unknown": mark("no reference in its text"),
    "unknown-reference": mark("a reference that we do not know"),
    "cancelled-bill": mark("the bill was cancelled"),
    "foreign-account": mark("came to an account that is not on our list"),
    "refund": mark("a refund that went out"),
    "out-unknown": mark("money went out and nobody said why"),
}
SETTLED = frozenset({"paid", "late", "deposit", "refund"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reference stands for, as it is now. open: not paid and not replaced. owed: what its bill still owes (0 for a deposit);
    cancelled: its bill was. ended: how the reference ended (paid, part, replaced, otherwise), None while it is good."""

    reference: str
    purpose: Literal["bill", "deposit"]
    amount: int
    owed: int
    ended: str | None
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the money goes; bill + deposit + held is the whole of it."""

    kind: Kind
    bill: int = 0
    deposit: int = 0
    held: int = 0
    reference: str = ""


def decide(amount: int, references: list[str], asked: dict[str, Asked]) -> Decision:
    """amount: what came in. references: found in the bank's text; asked: of those that we gave out."""
    known = [asked[r] for r in references if r in asked]
    if len(known) > 1:
        return Decision("several", held=amount)
    if not known:
        named = references[0] if len(references) == 1 else ""
        return Decision("unknown-reference" if references else "unknown", held=amount, reference=named)
    a = known[0]
    if a.ended in ("paid", "part"):
        return Decision("again", held=amount, reference=a.reference)
    if a.purpose == "deposit":
        return Decision("deposit", deposit=amount, reference=a.reference)
    return _for_bill(amount, a)


def _for_bill(amount: int, a: Asked) -> Decision:
    if a.cancelled:
        return Decision("cancelled-bill", held=amount, reference=a.reference)
    if a.owed == 0:
        return Decision("again", held=amount, reference=a.reference)
    if amount < a.owed:
        return Decision("under", held=amount, reference=a.reference)
    if amount > a.owed:
        return Decision("over", bill=a.owed, held=amount - a.owed, reference=a.reference)
    return Decision("late" if a.ended else "paid", bill=amount, reference=a.reference)
