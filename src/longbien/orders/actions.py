"""What staff do with orders: sign, cancel, repeat. Every write is one transaction through the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ..base import clock
from ..base.department import Verdict
from ..base.errors import Conflict, Invalid
from ..base.sql import queries
from ..record.change import Create, Update
from ..record.engine import Engine
from ..record.store import Store
from ..web.chart.record import first
from .compose import REQUISITION, Context, Line
from .definitions import Item
from .index import Index
from .rules import FINISHED, group, stage

Q = queries(__file__, "sql/orders.sql")
Resource = dict[str, Any]
_decode = msgspec.json.Decoder().decode
OVERRIDE = "https://longbien.org/fhir/CodeSystem/activity"


async def number(engine: Engine, now: datetime) -> str:
    """A new number of an order form, tube or study: year, month, day (Hanoi) and six digits. Used once in the whole city."""
    n: int = await engine.db.fetchval(Q.next_number)
    return f"{clock.local(now):%y%m%d}{n % 1_000_000:06d}"


async def accessions(engine: Engine, lines: Sequence[tuple[Line, Item]], now: datetime) -> dict[str, str]:
    """Line -> the number on its tube or study: tests from one kind of tube share one, every study has its own."""
    out: dict[str, str] = {}
    tubes: dict[str, str] = {}
    for line, item in lines:
        if item.kind == "lab" and item.specimen:
            if item.specimen not in tubes:
                tubes[item.specimen] = await number(engine, now)
            out[line.k] = tubes[item.specimen]
        elif item.kind in ("lab", "imaging"):
            out[line.k] = await number(engine, now)
    return out


def overrides(context: Context, signed: Iterable[tuple[Resource, Line, Sequence[Verdict]]], once: str) -> list[Resource]:
    """That somebody signed although an adviser said stop: one Provenance for each such request, with both reasons."""
    out: list[Resource] = []
    for n, (resource, line, said) in enumerate(signed):
        stops = [v for v in said if v.level == "stop"]
        if not stops:
            continue
        who = {"reference": f"Practitioner/{context.practitioner}"} if context.practitioner else {}
        out.append(
            {
                "resourceType": "Provenance",
                "id": f"{once}-p{n + 1}",
                # the patient too: that is what puts it into their record (R4's compartment goes by the target)
                "target": [{"reference": x} for x in (_ref(resource), f"Patient/{context.patient}")],
                "recorded": clock.instant(context.now),
                "activity": {"coding": [{"system": OVERRIDE, "code": "override"}], "text": "Ký dù có cảnh báo"},
                "reason": [{"text": line.override.strip()}, *({"text": _said(v)} for v in stops)],
                "agent": [{"who": {**who, "display": context.name}}],
            }
        )  # fmt: skip
    return out


def _ref(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _said(verdict: Verdict) -> str:
    return " · ".join(x for x in (verdict.text, verdict.reason, verdict.source) if x)


async def sign(store: Store, resources: Sequence[Resource]) -> bool:
    """Write the requests and what belongs to them, all or none. False: this very form was signed before. Raises Invalid."""
    try:
        await store.commit([Create(r, id=r["id"]) for r in resources])
    except Conflict:
        return False
    return True


async def cancel(store: Store, patient: str, type_: str, id_: str, why: str, now: datetime) -> None:
    """Take an order back with a reason: ServiceRequest revoked, MedicationRequest stopped (cancelled while nothing was given).
    Raises Invalid without a reason or when it is over; PreconditionFailed when somebody changed it meanwhile."""
    if len(why.strip()) < 3:
        raise Invalid("Say why it is cancelled.", code="required")
    stored = await store.read(type_, id_)
    resource: Resource = _decode(stored.body)
    if (resource.get("subject") or {}).get("reference") != f"Patient/{patient}":
        raise Invalid("This order is another patient's.", code="value")
    if stage(resource, ()).key in FINISHED:
        raise Invalid("This order is over already.", code="business-rule")
    if type_ == "MedicationRequest":
        resource = {**resource, "status": "stopped", "statusReason": {"text": why.strip()}}
        supply = dict(resource.get("dispenseRequest") or {})
        supply["validityPeriod"] = {**(supply.get("validityPeriod") or {}), "end": clock.instant(now)}
        resource["dispenseRequest"] = supply
    else:
        note = {"time": clock.instant(now), "text": f"Hủy: {why.strip()}"}
        resource = {**resource, "status": "revoked", "note": [*(resource.get("note") or ()), note]}
    await store.commit([Update(resource, if_match=stored.version)])


def last_prescription(requests: Sequence[Resource]) -> list[Resource]:
    """The drugs of the newest prescription: what shares its number, or its visit and minute. What was in error is none."""
    kept = [r for r in requests if r.get("status") not in ("entered-in-error", "draft", "cancelled")]
    newest = max(kept, key=lambda r: str(r.get("authoredOn") or ""), default=None)
    return [r for r in kept if group(r) == group(newest)] if newest else []


def again(order: Resource, index: Index, k: str) -> tuple[Line, Item] | None:
    """A line that orders the same once more; None where the catalogue has it no more."""
    item = _item(order, index)
    if item is None:
        return None
    if order.get("resourceType") != "MedicationRequest":
        text = next((str(n["text"]) for n in order.get("note") or () if n.get("text")), "")
        return Line(k, item.id, text=text, priority=str(order.get("priority") or "routine")), item
    dosage: Resource = next(iter(order.get("dosageInstruction") or ()), {})
    quantity = first(dosage, "doseAndRate", "doseQuantity") or {}
    repeat = (dosage.get("timing") or {}).get("repeat") or {}
    times = str(repeat.get("frequency") or "") if repeat.get("periodUnit") == "d" and repeat.get("period") == 1 else ""
    dose = "" if quantity.get("value") is None else str(quantity["value"]).replace(".", ",")
    supply = (order.get("dispenseRequest") or {}).get("expectedSupplyDuration") or {}
    days = str(supply.get("value") or "") if supply.get("code", "d") == "d" else ""
    return Line(k, item.id, dose, times, str(dosage.get("text") or ""), days), item


def _item(order: Resource, index: Index) -> Item | None:
    for canonical in order.get("instantiatesCanonical") or ():
        if found := index.by_url.get(str(canonical).split("|")[0]):
            return found
    what = order.get("medicationCodeableConcept") or order.get("code") or {}
    coded = {(c.get("system"), c.get("code")) for c in what.get("coding") or ()}
    return next((i for i in index.items if i.kind != "set" and i.codes() and i.codes()[0] in coded), None)


__all__ = ["REQUISITION", "accessions", "again", "cancel", "last_prescription", "number", "overrides", "sign"]
