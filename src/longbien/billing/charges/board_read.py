"""Who leaves today, and what their bills are made of: a handful of statements for the whole board, a line of the trail for each
patient before anything is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from longbien.base import clock
from longbien.base.ids import key64
from longbien.fhir import systems as s
from longbien.record import trail
from longbien.record.index import org_key
from longbien.record.store import Store
from longbien.record.types import number, type_name
from longbien.web.desk import scoped

from .. import share
from . import beds, bills, board, reads, rules, shapes, tariff
from .board import Leaving
from .reads import Q, Read, _decode

TASKS = "https://longbien.org/fhir/CodeSystem/task"
PAPER = "https://longbien.org/fhir/CodeSystem/paper"
PAPERS = ("discharge-paper", "discharge-summary", "prescription", "follow-up", "referral")
_LIKE = ("Patient", "Invoice", "Coverage")
Resource = dict[str, Any]


@dataclass(slots=True)
class _One:
    pat: int
    encounter: Resource
    version: int
    begun: datetime


async def leaving(store: Store, facility: str, now: datetime) -> list[Leaving]:
    """Everybody who leaves a facility today, or left it."""
    found = await _chosen(store, facility, now)
    if not found:
        return []
    of = await _gathered(store, found)
    unsigned = await _unsigned(store, found)
    prices = await tariff.fresh(store.engine, store.scope)
    offices = await reads.organizations(store.engine, [facility])
    out = []
    for one in found:
        read = Read(one.encounter, one.version, {}, diagnoses=[])
        mine = of.get(one.pat, {})
        read.patient = next(iter(mine.get("Patient", [])), {})
        read.invoices, read.coverages = mine.get("Invoice", []), mine.get("Coverage", [])
        read.charges = [x for x in mine.get("ChargeItem", []) if shapes.reference_id(x.get("context")) == read.id]
        orders = [x for x in mine.get("ServiceRequest", []) if shapes.reference_id(x.get("encounter")) == read.id]
        lines = [shapes.line(x) for x in read.charges if x.get("status") == "billable"]
        if beds.running(one.encounter):
            for cause in await beds.causes(store.engine, prices, one.encounter, now, rules.live(lines)):
                price = prices.price(cause.kind, cause.code, facility, clock.local(cause.at).date())
                lines.append(shapes.provisional(cause, price, now))
        made = share.judge(bills.visit_of(read, offices.get(facility, {}), now), rules.rated(lines))
        invoice = shapes.standing(read.invoices, read.id)
        stale = invoice is not None and bills.stale(invoice, made)
        settled = shapes.moment(((invoice or {}).get("meta") or {}).get("lastUpdated"))
        out.append(
            board.leaving(
                one.encounter, read.patient, made, invoice, stale, orders, unsigned.get(read.id), one.begun, settled
            )
        )  # fmt: skip
    return out


async def _chosen(store: Store, facility: str, now: datetime) -> list[_One]:
    today = clock.local(now).date()
    since = datetime.combine(today, time(0), clock.HANOI)
    inpatient = key64(f"Encounter.class|{s.ACT_CODE}|IMP")
    sql, args = scoped(store.scope, Q.leaving, org_key(facility), number("Encounter"), inpatient, since, facility)
    rows = await store.engine.db.fetch(sql, *args, search=True)
    bodies = [_decode(b) for b in await store.engine.unpack_all([x["body"] for x in rows])]
    pats = [x["pat"] for x in rows]
    begun = await _discharges(store, pats)
    found = []
    for row, e in zip(rows, bodies, strict=True):
        if not beds.inpatient(e) or e.get("status") in beds.VOID:
            continue
        ended = shapes.moment((e.get("period") or {}).get("end")) if e.get("status") == "finished" else None
        expected = next((str(x.get("valueDate")) for x in e.get("extension") or () if x.get("url") == s.EXT_EXPECTED_DISCHARGE), "")
        task = begun.get(str(e["id"]))
        if ended is None and task is None and expected != today.isoformat():
            continue
        morning = datetime.combine(today, time(7), clock.HANOI)
        found.append(_One(row["pat"], e, row["ver"], task or (min(ended, morning) if ended else min(morning, now))))
    return found


async def _discharges(store: Store, pats: list[int]) -> dict[str, datetime]:
    """Encounter -> since when its discharge is under way."""
    if not store.scope.may_read("Task"):
        return {}
    sql, args = scoped(store.scope, Q.discharges, pats, number("Task"), key64(f"Task.code|{TASKS}|discharge"))
    rows = await store.engine.db.fetch(sql, *args, search=True)
    out: dict[str, datetime] = {}
    for body in await store.engine.unpack_all([x["body"] for x in rows]):
        task = _decode(body)
        at = shapes.moment((task.get("executionPeriod") or {}).get("start"))
        if task.get("status") not in ("entered-in-error", "cancelled") and at is not None:
            out[shapes.reference_id(task.get("encounter"))] = at
    return out


async def _gathered(store: Store, found: list[_One]) -> Mapping[int, Mapping[str, list[Resource]]]:
    scope = store.scope
    pats = [x.pat for x in found]
    named = [number(t) for t in ("ChargeItem", "ServiceRequest") if scope.may_read(t)]
    terms = [key64(f"ChargeItem.context|Encounter/{x.encounter['id']}") for x in found]
    terms += [key64(f"ServiceRequest.encounter|Encounter/{x.encounter['id']}") for x in found]
    sql, args = scoped(scope, Q.holding, pats, named, terms, [number(t) for t in _LIKE if scope.may_read(t)])
    rows = await store.engine.db.fetch(sql, *args, search=True)
    bodies = await store.engine.unpack_all([x["body"] for x in rows])
    of: dict[int, dict[str, list[Resource]]] = defaultdict(lambda: defaultdict(list))
    for row, body in zip(rows, bodies, strict=True):
        of[row["pat"]][type_name(row["type"])].append(_decode(body))
    counts: dict[int | None, int] = {p: 1 + sum(map(len, of[p].values())) for p in pats}
    await store.engine.trail.write(trail.Several(trail.line(scope, "search", type=number("Encounter")), counts))
    return of


async def _unsigned(store: Store, found: list[_One]) -> dict[str, datetime]:
    """Stays with papers of leaving that wait for a signature, and since when: known by the index, nothing is read of the papers."""
    terms = {key64(f"Composition.encounter|Encounter/{x.encounter['id']}"): str(x.encounter["id"]) for x in found}
    kinds = [key64(f"Composition.type|{PAPER}|{p}") for p in PAPERS]
    rows = await store.engine.db.fetch(
        Q.unsigned, [x.pat for x in found], list(terms), number("Composition"), key64("Composition.status=preliminary"), kinds
    )
    return {terms[x["term"]]: x["since"] for x in rows}
