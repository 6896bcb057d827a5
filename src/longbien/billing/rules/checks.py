"""What each kind of rule finds. Pure: a check takes a rule and a case and tells what it found, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from longbien.base import clock
from longbien.base.words import Words

from .facts import Case, Order, Span, Step
from .tables import Rule

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that was met. about: an order's ref, or Type/id of what else. values: what its text names."""

    rule: Rule
    about: str
    values: Mapping[str, Any]

    def text(self, w: Words) -> str:
        """The reason in the reader's language."""
        return self.rule.text(w.lang) % {k: _said(v, w) for k, v in self.values.items()}

    def sentence(self, w: Words) -> str:
        """The reason, with what it is about where the reason does not name it."""
        name = str(self.values.get("name") or "")
        return self.text(w) if not name or "%(name)s" in self.rule.vi else f"{name}: {self.text(w)}"


def _said(value: Any, w: Words) -> str:
    if isinstance(value, datetime):
        return f"{w.time(value)} {w.date(value)}"
    if isinstance(value, date):
        return w.date(value)
    return w.number(value) if isinstance(value, int) else str(value)


def check(rules: Iterable[Rule], case: Case) -> list[Found]:
    """Everything that these rules find in a case. A rule of a kind that nobody checks raises KeyError: the table is wrong."""
    return [found for rule in rules for found in CHECKS[rule.kind](rule, case)]


def _drugs(rule: Rule, case: Case) -> Iterator[Order]:
    """The orders of drugs whose ATC code begins with one of the rule's."""
    for o in case.orders:
        if o.kind == "drug" and any(code.startswith(rule.many("atc")) for code in o.atc):
            yield o


def _begins(found: Iterable[str], prefixes: tuple[str, ...]) -> bool:
    """Does any ICD-10 code begin with one of these? Points do not count."""
    plain = tuple(p.replace(".", "") for p in prefixes)
    return any(code.replace(".", "").startswith(plain) for code in found)


def indication(rule: Rule, case: Case) -> Iterator[Found]:
    for o in _drugs(rule, case):
        known = case.diagnoses | o.reasons
        if known and not _begins(known, rule.many("icd")):
            yield Found(rule, o.ref, {"name": o.name})


def result(rule: Rule, case: Case) -> Iterator[Found]:
    """Such a drug needs a result at or below a limit within some days before it."""
    wanted, days = rule.many("loinc"), rule.number("days")
    for o in _drugs(rule, case):
        near = [x for x in case.results if x.at <= o.at <= x.at + timedelta(days=days) and {c for _, c in x.codes} & set(wanted)]
        if not any(x.value is not None and x.value <= rule.number("most") for x in near):
            yield Found(rule, o.ref, {"days": days, "name": o.name})


def duration(rule: Rule, case: Case) -> Iterator[Found]:
    for o in case.orders:
        known = case.diagnoses | o.reasons
        if o.kind != "drug" or not o.community or not known:
            continue
        most = rule.number("most") if _begins(known, rule.many("except")) else rule.number("days")
        if o.days > most:
            yield Found(rule, o.ref, {"days": o.days, "most": most, "name": o.name})


def repeat(rule: Rule, case: Case) -> Iterator[Found]:
    """The same ordered within so many days before."""
    for o in case.orders:
        asked = {c for c in o.local if any(fnmatchcase(c, p) for p in rule.many("codes"))}
        before = [
            p.at
            for p in (*case.past, *case.orders)
            if p.ref != o.ref and asked & p.local and timedelta(0) < o.at - p.at <= timedelta(days=rule.number("days"))
        ]
        if before:
            yield Found(rule, o.ref, {"date": clock.local(max(before)).date(), "name": o.name})


def level(rule: Rule, case: Case) -> Iterator[Found]:
    if case.level and case.level not in rule.many("levels"):
        for o in _drugs(rule, case):
            yield Found(rule, o.ref, {"name": o.name})


def unlisted(rule: Rule, case: Case) -> Iterator[Found]:
    for o in _drugs(rule, case):
        yield Found(rule, o.ref, {"name": o.name})


def approval(rule: Rule, case: Case) -> Iterator[Found]:
    """A consultation ordered for this patient by then, in this visit where it is known."""
    for o in _drugs(rule, case):
        asked = [c for c in (*case.past, *case.orders) if c.kind == "consult" and c.at <= o.at]
        if not any(not o.encounter or not c.encounter or c.encounter == o.encounter for c in asked):
            yield Found(rule, o.ref, {"name": o.name})


def no_diagnosis(rule: Rule, case: Case) -> Iterator[Found]:
    for o in case.orders:
        if o.kind in rule.many("kinds") and not case.diagnoses and not o.reasons:
            yield Found(rule, o.ref, {"name": o.name})


def no_licence(rule: Rule, case: Case) -> Iterator[Found]:
    for o in case.orders:
        who = case.staff.get(o.who)
        if who is not None and not who.licence:
            yield Found(rule, o.ref, {"who": who.name, "name": o.name})


def hours(rule: Rule, case: Case) -> Iterator[Found]:
    for o in case.orders:
        who = case.staff.get(o.who)
        at = clock.local(o.at)
        if who is not None and who.hours and not any(_open(h, at) for h in who.hours):
            yield Found(rule, o.ref, {"who": who.name, "time": f"{at:%H:%M}", "name": o.name})


def _open(hours_: tuple[frozenset[str], str, str], at: datetime) -> bool:
    days, begin, end = hours_
    return (not days or DAYS[at.weekday()] in days) and begin <= f"{at:%H:%M}" <= end


# ---- over a visit that is closed -----------------------------------------------------------------------------------------


def main_diagnosis(rule: Rule, case: Case) -> Iterator[Found]:
    if not case.main:
        yield Found(rule, "", {})


def order_in_visit(rule: Rule, case: Case) -> Iterator[Found]:
    """Claims carry minutes: within the same minute is within."""
    if case.begin is None or case.end is None:
        return
    for o in case.orders:
        if not _minute(case.begin) <= _minute(o.at) <= _minute(case.end):
            yield Found(rule, o.ref, {"name": o.name, "at": o.at, "begin": case.begin, "end": case.end})


def _minute(t: datetime) -> datetime:
    return t.replace(second=0, microsecond=0)


def _in_order(first: str, second: str) -> Callable[[Rule, Case], Iterator[Found]]:
    def ask(rule: Rule, case: Case) -> Iterator[Found]:
        for step in case.steps:
            before, after = _at(step, first), _at(step, second)
            if before is not None and after is not None and _minute(after) < _minute(before):
                yield Found(rule, step.ref, {"name": step.name, "at": after, "before": before})

    return ask


def _at(step: Step, which: str) -> datetime | None:
    return {"ordered": step.ordered, "taken": step.taken, "answered": step.answered}[which]


def overlap(one: Span, two: Span) -> timedelta:
    """How long both went on; one that has no end goes on."""
    begin = max(one.begin, two.begin)
    ends = [x.end for x in (one, two) if x.end is not None]
    return min(ends) - begin if ends else timedelta(days=1)


def bed_overlap(rule: Rule, case: Case) -> Iterator[Found]:
    least = timedelta(minutes=rule.number("minutes", 1))
    for n, one in enumerate(case.beds):
        for two in case.beds[n + 1 :]:
            if overlap(one, two) >= least:
                yield Found(rule, two.ref, {"one": one.name, "two": two.name, "at": two.begin})


def surgeon_overlap(rule: Rule, case: Case) -> Iterator[Found]:
    least = timedelta(minutes=rule.number("minutes", 1))
    for mine in case.operations:
        for other in case.other_operations:
            both = [w for w in mine.who if w in other.who]
            if both and mine.ref != other.ref and overlap(mine, other) >= least:
                who = case.staff[both[0]].name if both[0] in case.staff else both[0]
                yield Found(rule, mine.ref, {"who": who, "name": mine.name, "at": max(mine.begin, other.begin)})


CHECKS: Mapping[str, Callable[[Rule, Case], Iterator[Found]]] = {
    "indication": indication,
    "result": result,
    "duration": duration,
    "repeat": repeat,
    "level": level,
    "unlisted": unlisted,
    "approval": approval,
    "no-diagnosis": no_diagnosis,
    "no-licence": no_licence,
    "hours": hours,
    "main-diagnosis": main_diagnosis,
    "order-in-visit": order_in_visit,
    "sample-order": _in_order("ordered", "taken"),
    "result-sample": _in_order("taken", "answered"),
    "result-order": _in_order("ordered", "answered"),
    "bed-overlap": bed_overlap,
    "surgeon-overlap": surgeon_overlap,
}
