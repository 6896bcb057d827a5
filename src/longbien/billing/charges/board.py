"""The clock of the discharge day: of each stay that is to end today, what holds its bill open, whose that is, and since when.
Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from longbien.base.words import mark

from ..lines import Bill
from . import rules, shapes

State = Literal["held", "waits", "paid"]
"""held: somebody here has to do something; waits: the bill is out and the patient has not paid; paid: done."""
LABORATORY, IMAGING = "108252007", "363679005"
OWNERS = {LABORATORY: mark("Laboratory"), IMAGING: mark("Imaging")}
ORDERED = frozenset({LABORATORY, IMAGING, "387713003"})
TARGET = 95
"""Per cent of the bills that are to be settled on the day of leaving: what the city asks for (the product's own aim; no
circular)."""
Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that holds a bill open. key: names it for a reminder; text: a marked message with `values`; owner: a marked message
    or a name; since: since when it is so."""

    key: str
    text: str
    owner: str
    since: datetime
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leaving:
    """One patient of the board. begun: when leaving was ordered or began to be prepared."""

    encounter: str
    patient: str
    name: str
    place: str
    begun: datetime
    ended: datetime | None
    items: Sequence[Item]
    state: State
    to_pay: int | None
    number: str = ""
    settled: datetime | None = None

    @property
    def first(self) -> Item | None:
        """What has held it longest."""
        return min(self.items, key=lambda i: i.since, default=None)


def awaited(orders: Iterable[Resource]) -> list[Item]:
    """Orders of the stay that are to be answered and are not."""
    found = []
    for x in orders:
        codes = {str(c.get("code")) for k in x.get("category") or () for c in k.get("coding") or ()} & ORDERED
        at = shapes.moment(x.get("authoredOn"))
        if x.get("status") not in ("active", "on-hold") or not codes or at is None:
            continue
        performer = next((str(p.get("display") or "") for p in x.get("performer") or ()), "")
        owner = performer or next((OWNERS[c] for c in codes if c in OWNERS), mark("Ward"))
        name = str((x.get("code") or {}).get("text") or "")
        found.append(Item(f"order-{x['id']}", mark("%(what)s: no result yet"), owner, at, {"what": name}))
    return found


def unclear(bill: Bill) -> list[Item]:
    """Lines without a price, lines whose quantity somebody must look at, a visit whose category the insurance office owes."""
    found = []
    standing = rules.live(s.line for s in bill.shares)
    unpriced = [x for x in standing if x.more.get("unpriced")]
    if unpriced:
        first = min(unpriced, key=lambda x: x.at)
        said = {"what": first.name, "n": len(unpriced)}
        found.append(Item("unpriced", mark("No price yet: %(what)s (%(n)s)"), mark("Price list"), first.at, said))
    doubtful = [x for x in standing if x.more.get("doubt") == "quantity"]
    if doubtful:
        first = min(doubtful, key=lambda x: x.at)
        found.append(Item("quantity", mark("Quantity to look at: %(what)s"), mark("Pharmacy"), first.at, {"what": first.name}))
    if bill.visit.cards and not bill.object:
        found.append(Item("category", mark("Category of the visit not decided"), mark("Insurance office"), bill.visit.begin))
    return found


def items(
    encounter: Resource, bill: Bill, invoice: Resource | None, stale: bool, orders: Iterable[Resource], unsigned: datetime | None,
    begun: datetime, doctor: str,
) -> list[Item]:  # fmt: skip
    """Everything that holds a bill open, in the order of the day."""
    found = [*awaited(orders), *unclear(bill)]
    ended = shapes.moment((encounter.get("period") or {}).get("end")) if encounter.get("status") == "finished" else None
    if ended is None:
        found.append(Item("discharge", mark("Discharge not finished"), doctor or mark("Doctor"), begun))
        return found
    if unsigned is not None:
        found.append(Item("papers", mark("Papers of leaving not signed"), mark("Head of department"), max(unsigned, ended)))
    if invoice is None or stale:
        since = max([ended, *(x.line.at for x in bill.shares)]) if stale and bill.shares else ended
        found.append(Item("issue", mark("Bill not issued"), mark("Cashier"), since))
    return found


def leaving(
    encounter: Resource, patient: Resource, bill: Bill, invoice: Resource | None, stale: bool, orders: Iterable[Resource],
    unsigned: datetime | None, begun: datetime, settled: datetime | None,
) -> Leaving:  # fmt: skip
    """One patient of the board."""
    doctor = next((str((p.get("individual") or {}).get("display") or "") for p in encounter.get("participant") or ()), "")
    held = items(encounter, bill, invoice, stale, orders, unsigned, begun, doctor)
    paid = invoice is not None and not stale and (invoice.get("status") == "balanced" or bill.to_pay <= 0)
    place = str((encounter.get("serviceType") or {}).get("text") or "")
    beds = [x for x in encounter.get("location") or () if x.get("status") in ("active", "completed")]
    bed = str((beds[-1].get("location") or {}).get("display") or "") if beds else ""
    return Leaving(
        str(encounter["id"]), str(patient.get("id") or ""), _name(patient), " · ".join(x for x in (place, bed) if x), begun,
        shapes.moment((encounter.get("period") or {}).get("end")) if encounter.get("status") == "finished" else None,
        () if paid else held, "paid" if paid else "waits" if not held else "held", bill.to_pay,
        shapes.bill_number(invoice) if invoice else "", settled if paid else None,
    )  # fmt: skip


def _name(patient: Resource) -> str:
    return next((str(n.get("text") or "") for n in patient.get("name") or () if n.get("use") != "old"), "")


def owners(all_: Iterable[Leaving], now: datetime) -> list[tuple[str, int, int]]:
    """(owner, how many things, minutes in all) of what holds bills open, the longest first."""
    found: dict[str, tuple[int, int]] = {}
    for x in all_:
        for i in x.items:
            n, minutes = found.get(i.owner, (0, 0))
            found[i.owner] = (n + 1, minutes + minutes_since(i.since, x, now))
    return sorted(((o, n, m) for o, (n, m) in found.items()), key=lambda x: (-x[2], x[0]))


def minutes_since(since: datetime, of: Leaving, now: datetime) -> int:
    """How long something holds the bill: from when leaving began, for what was open before is the day's work until then."""
    return max(0, int((now - max(since, of.begun)).total_seconds() // 60))


def ordered(all_: Sequence[Leaving], by: str, now: datetime) -> list[Leaving]:
    """The board's order: held the longest first, then who waits, then who is done; or by department; or by owner."""
    rank = {"held": 0, "waits": 1, "paid": 2}

    def longest(x: Leaving) -> tuple[Any, ...]:
        first = x.first
        return rank[x.state], -(minutes_since(first.since, x, now) if first else 0), x.begun

    if by == "place":
        return sorted(all_, key=lambda x: (x.place.split(" · ")[0], *longest(x)))
    if by == "owner":
        return sorted(all_, key=lambda x: (rank[x.state], x.first.owner if x.first else "", *longest(x)))
    return sorted(all_, key=longest)
