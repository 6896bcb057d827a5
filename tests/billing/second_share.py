"""The insurance share a second time: from docs/why/insurance-share.md and its tables alone, without looking at the first, in
fractions. Small and slow; what both say alike on random stays is what the page says."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import longbien.billing
from longbien.billing.lines import Card, Line, Visit

TABLES = Path(longbien.billing.__file__).parent / "share" / "tables"
HANOI = timezone(timedelta(hours=7))
Row = dict[str, str]


@cache
def table(name: str) -> tuple[Row, ...]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return tuple(csv.DictReader(file))


def moment(t: datetime) -> datetime:
    return t.replace(tzinfo=HANOI) if t.tzinfo is None else t.astimezone(HANOI)


def day_of(t: datetime) -> date:
    return moment(t).date()


def holds(row: Row, day: date) -> bool:
    begin, end = row["from"], row["to"]
    return (not begin or date.fromisoformat(begin) <= day) and (not end or day <= date.fromisoformat(end))


def parameter(key: str, day: date) -> Fraction:
    return next((Fraction(r["value"]) for r in table("parameters") if r["key"] == key and holds(r, day)), Fraction(0))


def reference(day: date) -> Fraction:
    return next((Fraction(r["amount"]) for r in table("reference_level") if holds(r, day)), Fraction(0))


def half_away(x: Fraction, places: int) -> Fraction:
    scaled = abs(x) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if x >= 0 else -whole, 10**places)


def r2(x: Fraction) -> Fraction:
    return half_away(x, 2)


def capped(x: Fraction, most: Fraction) -> Fraction:
    """x, not further from zero than `most`."""
    return max(min(x, abs(most)), -abs(most))


def level(card: Card) -> Row:
    rows = {r["level"]: r for r in table("levels")}
    return rows.get(str(card.level), rows["4"])


def kind(visit: Visit) -> Row:
    return next((r for r in table("kinds") if r["kind"] == visit.kind), {"inpatient": "0", "extends": "0"})


def best(cards: Sequence[Card]) -> Card | None:
    return min(cards, key=lambda c: (int(level(c)["rank"]), c.begins, c.number), default=None)


def runs(card: Card, day: date) -> bool:
    return card.begins <= day and (card.ends is None or day <= card.ends)


# --- 1 groups


class Group:
    def __init__(self, root: Line, rest: Sequence[Line]):
        self.root = root
        self.lines = [root, *sorted(rest, key=lambda x: (moment(x.at), x.id))]
        self.steps: list[Fraction] = []
        for line in self.lines:
            self.steps.append((self.steps[-1] if self.steps else Fraction(0)) + Fraction(line.quantity))
        self.card: Card | None = None
        self.benefit = Fraction(0)

    @property
    def left(self) -> Fraction:
        return self.steps[-1]


def groups_of(lines: Sequence[Line]) -> list[Group]:
    by_id = {x.id: x for x in lines}

    def root(line: Line) -> str:
        seen, at = {line.id}, line
        while at.reverses in by_id:
            at = by_id[at.reverses]
            if at.id in seen:
                return line.id
            seen.add(at.id)
        return at.id

    members: dict[str, list[Line]] = {}
    for line in lines:
        members.setdefault(root(line), []).append(line)
    found = [Group(by_id[id_], [x for x in mine if x.id != id_]) for id_, mine in members.items()]
    return sorted(found, key=lambda g: (moment(g.root.at), g.root.id))


# --- 2 day, object


def day_that_counts(visit: Visit, groups: Sequence[Group]) -> date:
    if visit.end is not None:
        return day_of(visit.end)
    there = [moment(g.root.at) for g in groups if g.left != 0]
    return day_of(max(there)) if there else day_of(visit.begin)


def first_card(visit: Visit) -> Card | None:
    start = day_of(visit.begin)
    running = [c for c in visit.cards if runs(c, start)]
    if running:
        return best(running)
    later = [c for c in visit.cards if c.begins > start and (visit.end is None or c.begins <= day_of(visit.end))]
    return min(later, key=lambda c: (c.begins, int(level(c)["rank"]), c.number), default=None)


def plain(code: str) -> str:
    return code.replace(".", "").upper()


def on_list(name: str, codes: Sequence[str]) -> bool:
    prefixes = [plain(r["prefix"]) for r in table("diagnoses") if r["list"] == name]
    return any(c and plain(c).startswith(p) for c in codes for p in prefixes)


def object_of(visit: Visit) -> str:
    if visit.object:
        return visit.object
    card, place = first_card(visit), visit.facility
    truths = {
        "card": card is not None,
        "registered": card is not None and card.registered == place.code,
        "inpatient": kind(visit)["inpatient"] == "1",
        "emergency": visit.emergency,
        "referred": visit.referred,
        "again": visit.again,
        "newborn": visit.newborn,
    }
    score = place.score or 0
    for row in table("object_rules"):
        ok = all((row[name] == "1") == truth for name, truth in truths.items() if row[name])
        ok = ok and (not row["level"] or place.level in row["level"].split(";"))
        ok = ok and (not row["before"] or (place.before or "-") in row["before"].split(";"))
        ok = ok and (not row["score_from"] or score >= int(row["score_from"]))
        ok = ok and (not row["score_to"] or score <= int(row["score_to"]))
        ok = ok and (not row["region"] or (card is not None and card.region in row["region"].split(";")))
        ok = ok and (not row["letters"] or (card is not None and card.number[:2].upper() in row["letters"].split(";")))
        ok = ok and (not row["list"] or on_list(row["list"], [visit.diagnosis, *visit.others]))
        if ok:
            return row["code"]
    return ""


def percent_of(code: str, visit: Visit, day: date) -> Fraction:
    for row in table("objects"):
        if row["code"] == code and row["inpatient"] in ("any", kind(visit)["inpatient"]) and holds(row, day):
            return Fraction(row["percent"])
    return Fraction(0)


# --- 3 cards


def card_of(group: Group, visit: Visit) -> Card | None:
    at, day, start = moment(group.root.at), day_of(group.root.at), day_of(visit.begin)
    late = visit.emergency and parameter("shown-late-emergency", start) == 1
    known = [c for c in visit.cards if c.shown is None or at >= moment(c.shown) or late]
    running = [c for c in known if runs(c, day)]
    if running:
        return best(running)
    lasting = []
    for c in known:
        if c.ends is None or c.begins > day:
            continue
        more = int(parameter("after-expiry-days", c.ends)) if kind(visit)["extends"] == "1" and runs(c, start) else 0
        if day <= c.ends + timedelta(days=more):
            lasting.append(c)
    return best(lasting)


# --- 4, 7 one charge


@dataclass
class Parts:
    total: Fraction
    basis: Fraction
    other: Fraction
    insurer: Fraction = Fraction(0)
    copay: Fraction = Fraction(0)
    own: Fraction = Fraction(0)

    def minus(self, b: Parts) -> Parts:
        return Parts(*(getattr(self, f) - getattr(b, f) for f in self.__dataclass_fields__))


def ratio_of(group: Group, percent: Fraction) -> Fraction:
    root, card = group.root, group.card
    if card is None or percent == 0 or root.covered <= 0:
        return Fraction(0)
    if root.scope != "1" and not (root.scope == "3" and level(card)["outside"] == "1"):
        return Fraction(0)
    return Fraction(100) if level(card)["ratio_limits"] == "0" else min(Fraction(root.covered), Fraction(100))


def cost(group: Group, q: Fraction, percent: Fraction) -> Parts:
    root = group.root
    price, rate = Fraction(root.price), Fraction(root.rate)
    unit = min(Fraction(root.insured), price)
    if root.ceiling is not None:
        unit = min(unit, Fraction(root.ceiling))
    total = r2(q * price - q * unit * (100 - rate) / 100) if root.demand else r2(q * price * rate / 100)
    basis = capped(r2(q * unit * rate / 100 * ratio_of(group, percent) / 100), total)
    other = Fraction(0)
    if root.other > 0 and root.quantity != 0:
        other = capped(r2(Fraction(root.other) * q / abs(Fraction(root.quantity))), total)
    return Parts(total, basis, other)


def shared(p: Parts, benefit: Fraction) -> Parts:
    insurer = r2(p.basis * benefit / 100)
    paying = {"own": p.total - p.basis, "copay": p.basis - insurer, "insurer": insurer}
    rest = p.other
    for who in ("own", "copay", "insurer"):
        taken = max(min(rest, paying[who]), Fraction(0)) if rest >= 0 else min(max(rest, paying[who]), Fraction(0))
        paying[who] -= taken
        rest -= taken
    return Parts(p.total, p.basis, p.other, paying["insurer"], paying["copay"], paying["own"])


# --- the whole


def judge(visit: Visit, lines: Sequence[Line]) -> dict[str, object]:
    """Of each line by id (total, basis, other, insurer, copay, own, benefit, card), and of the bill its object, sums and what is
    to be paid."""
    groups = groups_of(lines)
    day = day_that_counts(visit, groups)
    code = object_of(visit)
    percent, level_of_reference = percent_of(code, visit, day), reference(day)
    net: dict[str, Parts] = {}
    for g in groups:
        g.card = card_of(g, visit)
        net[g.root.id] = cost(g, g.left, percent)

    supplies = {r["group"] for r in table("supply_groups") if holds(r, day)}
    limit, so_far = parameter("supply-levels", day) * level_of_reference, dict[str, Fraction]()
    for g in groups:
        p = net[g.root.id]
        if g.root.package and g.root.group in supplies and g.card and level(g.card)["ratio_limits"] == "1" and p.basis != 0:
            s = so_far.get(g.root.package, Fraction(0))
            so_far[g.root.package] = s + p.basis
            p.basis = min(limit, s + p.basis) - min(limit, s)

    whole = sum((p.basis for p in net.values()), Fraction(0))
    small = 0 < whole < level_of_reference * parameter("small-visit-percent", day) / 100
    place = visit.facility
    free = any(r["level"] == place.level and r["before"] == place.before and holds(r, day) for r in table("full_places"))
    for g in groups:
        if g.card is not None:
            g.benefit = (Fraction(100) if small or free else Fraction(level(g.card)["rate"])) * percent / 100
        net[g.root.id] = shared(net[g.root.id], g.benefit)
    said = {g.root.id: g.benefit for g in groups}

    if percent == 100:
        room = max(Fraction(0), parameter("yearly-levels", day) * level_of_reference - Fraction(visit.paid_before))
        so_much = Fraction(0)
        for g in groups:
            p = net[g.root.id]
            if g.card and g.card.five_years and g.card.five_years <= day_of(g.root.at) and p.copay != 0:
                copay = min(room, so_much + p.copay) - min(room, so_much)
                so_much += p.copay
                taken, p.copay = p.copay - copay, copay
                p.insurer += taken
                if taken != 0 and copay == 0:
                    said[g.root.id] = Fraction(100)

    out: dict[str, tuple[Decimal | str, ...]] = {}
    for g in groups:
        rest, no_ratio = net[g.root.id], ratio_of(g, percent) == 0
        tail: tuple[Decimal | str, ...] = (
            Decimal(0) if no_ratio else exact(said[g.root.id]), "" if no_ratio or g.card is None else g.card.number
        )  # fmt: skip
        for n, line in enumerate(g.lines[1:], 1):
            after, before = (shared(cost(g, q, percent), g.benefit) for q in (g.steps[n], g.steps[n - 1]))
            mine = after.minus(before)
            rest = rest.minus(mine)
            out[line.id] = (*amounts(mine), *tail)
        out[g.root.id] = (*amounts(rest), *tail)
    copay = sum((p.copay for p in net.values()), Fraction(0))
    own = sum((p.own for p in net.values()), Fraction(0))
    to_pay = half_away(copay + own, 0)
    return {"object": code, "lines": out, "to_pay": int(to_pay), "rounding": exact(to_pay - copay - own)}


def exact(x: Fraction) -> Decimal:
    return Decimal(x.numerator) / Decimal(x.denominator)


def amounts(p: Parts) -> tuple[Decimal, ...]:
    return tuple(exact(x) for x in (p.total, p.basis, p.other, p.insurer, p.copay, p.own))
