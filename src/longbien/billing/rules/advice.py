"""What the insurance's rules say of orders before they are signed. Asked of patients whose card runs, and only of who may order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from longbien.base import clock
from longbien.base.department import Verdict
from longbien.base.ids import key64
from longbien.base.words import Words
from longbien.record.store import Store
from longbien.web.chart import record as r

from . import facts, reading, tables, told
from .checks import Found, check
from .facts import Case, Order
from .reading import found
from .tables import Rule

Resource = dict[str, Any]
OPEN = ("arrived", "triaged", "in-progress", "onleave")


async def insurance(store: Store, patient: str, drafts: Sequence[Resource], w: Words) -> list[Verdict]:
    """Verdicts of the rules in force today on these drafts."""
    orders = [facts.order(d, str(n)) for n, d in enumerate(drafts) if _asked(d, store)]
    if not orders:
        return []
    day = clock.local(orders[0].at).date()
    rules = tables.running(day, "order")
    case, visit = await _case(store, patient, orders, rules)
    if case is None:
        return []
    hits = check(rules, case)
    if hits:
        place = r.reference_id((visit or {}).get("serviceProvider"))
        facility = key64(f"Organization/{place}") if place else store.scope.org or 0
        await told.remember(store.engine, hits, orders, patient, str((visit or {}).get("id") or ""), facility, day)
    return [_verdict(hit, w) for hit in hits]


def _asked(draft: Resource, store: Store) -> bool:
    """Only orders that are being made: who gives a drug or takes a sample is not asked again."""
    type_ = str(draft.get("resourceType"))
    return type_ in ("MedicationRequest", "ServiceRequest") and store.scope.may("create", type_)


def _verdict(hit: Found, w: Words) -> Verdict:
    source = f"{hit.rule.code}: {hit.rule.said_by(w.lang)}"
    return Verdict(hit.rule.level, w("Insurance") + ":", hit.text(w), source, int(hit.about))


async def _case(store: Store, patient: str, orders: Sequence[Order], rules: Sequence[Rule]) -> tuple[Case | None, Resource | None]:
    """Everything at once; (None, _) for a patient without a card that runs."""
    named = next((o.encounter for o in orders if o.encounter), "")
    chart, past, results, staff = await asyncio.gather(
        reading.chart(store, patient, ("Coverage", "Encounter", "Condition")),
        _past(store, patient, orders, rules),
        _results(store, patient, orders, rules),
        reading.staff(store.engine, {o.who for o in orders}),
    )
    now = _visit(chart["Encounter"], named)
    if not reading.insured(chart["Coverage"], clock.local(orders[0].at).date()):
        return None, now
    place = r.reference_id((now or {}).get("serviceProvider"))
    level = await reading.level(store.engine, place, reading.today())
    known = frozenset().union(*(facts.icd(c) for c in chart["Condition"] if _counts(c, now)), frozenset())
    return Case(orders, past, known, level, results, staff), now


def _visit(visits: Sequence[Resource], named: str) -> Resource | None:
    """The visit that the orders name, else the one that goes on, the last to begin."""
    if named:
        return next((v for v in visits if v.get("id") == named), None)
    going = [v for v in visits if v.get("status") in OPEN]
    return max(going, key=lambda v: str((v.get("period") or {}).get("start") or ""), default=None)


def _counts(condition: Resource, visit: Resource | None) -> bool:
    """Diagnoses of this visit, and what the patient has for long."""
    of = r.reference_id(condition.get("encounter"))
    if visit is not None and of == visit.get("id"):
        return True
    return r.code_of(condition.get("clinicalStatus")) in ("active", "recurrence", "relapse")


async def _past(store: Store, patient: str, orders: Sequence[Order], rules: Sequence[Rule]) -> list[Order]:
    """Earlier orders that some rule asks for: of the same tests, and consultations."""
    asks: list[Awaitable[list[Resource]]] = []
    repeats = [x for x in rules if x.kind == "repeat"]
    same = {
        (system, c) for o in orders for system, c in o.codes if any(fnmatchcase(c, p) for x in repeats for p in x.many("codes"))
    }
    if same:
        days = max(x.number("days") for x in repeats)
        since = ("authored", "ge" + clock.instant(min(o.at for o in orders) - timedelta(days=days + 1)))
        asks.append(found(store, "ServiceRequest", patient, ("code", ",".join(f"{a}|{b}" for a, b in sorted(same))), since))
    if any(_concerns(x, o) for x in rules if x.kind == "approval" for o in orders):
        asks.append(found(store, "ServiceRequest", patient, ("category", facts.CONSULT)))
    return [facts.order(x) for page in await asyncio.gather(*asks) for x in page if facts.counts(x)]


async def _results(store: Store, patient: str, orders: Sequence[Order], rules: Sequence[Rule]) -> list[facts.Result]:
    wanted = [x for x in rules if x.kind == "result" and any(_concerns(x, o) for o in orders)]
    if not wanted:
        return []
    codes = ",".join(sorted({f"http://loinc.org|{c}" for x in wanted for c in x.many("loinc")}))
    since = clock.instant(min(o.at for o in orders) - timedelta(days=max(x.number("days") for x in wanted)))
    said = await found(store, "Observation", patient, ("code", codes), ("date", "ge" + since))
    return [x for x in map(facts.result, said) if x is not None]


def _concerns(rule: Rule, o: Order) -> bool:
    return any(code.startswith(rule.many("atc")) for code in o.atc)


ADVICE = (insurance,)
