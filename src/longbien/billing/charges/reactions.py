"""Charges by themselves: when the record says that something was done, it is charged; when it says that it was not, the charge
is taken back. Each looks at what the record says now, not at what it said when the job was made: run twice, late or out of
order, the result is the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from longbien.base import clock
from longbien.base.errors import Conflict, Gone, NotFound, PreconditionFailed
from longbien.base.ids import FHIR_ID, key64
from longbien.base.sql import queries
from longbien.record.change import Change, Manner, Update
from longbien.record.engine import Engine
from longbien.record.store import Store
from longbien.record.types import number

from . import beds, causes, reads, shapes, tariff
from .shapes import Cause, reference_id
from .tariff import Tariff

Q = queries(__file__, "sql/charges.sql")
CLAIMED = "urn:longbien:axis:"
"""meta.source of a visit that another hospital's system told of by its claim: it was charged there (billing/axis)."""
MOST = 9
"""How often one cause is charged, taken back and charged again before a person has to look."""
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_MANNER = Manner(references="trust", why="a charge by itself")
Resource = dict[str, Any]


# ---- what stands and what should stand -------------------------------------------------------------------------------------


def reconciled(
    wanted: Sequence[Cause], keys: Sequence[str], there: Sequence[Resource], prices: Tariff, patient: str, encounter: str,
    facility: str, now: datetime,
) -> list[Resource]:  # fmt: skip
    """The ChargeItems to write so that exactly `wanted` stands charged among these keys. there: what was charged for them before,
    reversals too. Pure. A price that has changed since is no reason: what was charged stays at its price. One that was charged
    without a price is charged anew once there is one."""
    out: list[Resource] = []
    by_key = {c.key: c for c in wanted}
    gone = {shapes.reverses(x) for x in there} - {""}
    for key in dict.fromkeys([*keys, *by_key]):
        mine = [x for x in there if shapes.cause_of(x) == key and not shapes.reverses(x)]
        live = next((x for x in mine if x["id"] not in gone), None)
        cause = by_key.get(key)
        price = prices.price(cause.kind, cause.code, facility, clock.local(cause.at).date()) if cause else None
        if cause is not None and live is not None and _same(live, cause, encounter, price is not None):
            continue
        if live is not None:
            out.append(shapes.reversal(live, "Not as it was charged" if cause else "Not done", now))
        if cause is not None and len(mine) < MOST:
            out.append(shapes.charge_item(cause, len(mine) + 1, patient, encounter, price, now))
    return out


def _same(live: Resource, cause: Cause, encounter: str, priced: bool) -> bool:
    was = shapes.line(live)
    day = clock.local(was.at).date() == clock.local(cause.at).date()
    context = reference_id(live.get("context")) == encounter
    unpriced = bool(was.more["unpriced"]) and priced
    return was.own == cause.code and was.quantity == cause.quantity and day and context and not unpriced


async def charged(engine: Engine, keys: Sequence[str]) -> list[Resource]:
    """What was charged for these causes so far, reversals too: found by their ids, which are made of the causes."""
    ids = [f"{shapes.charge_id(k, n)}{r}" for k in keys for n in range(1, MOST + 1) for r in ("", "-r")]
    rows = await engine.db.fetch(Q.charged, number("ChargeItem"), ids)
    return [_decode(b) for b in await engine.unpack_all([x["body"] for x in rows])]


async def settle(store: Store, wanted: Sequence[Cause], keys: Sequence[str], encounter: Resource) -> int:
    """Charge and take back until exactly `wanted` stands among these keys. Gives how many ChargeItems were written. Who comes
    second of two that do it at once looks again, and finds it done."""
    if str((encounter.get("meta") or {}).get("source") or "").startswith(CLAIMED):
        return 0
    facility = reference_id(encounter.get("serviceProvider"), "Organization")
    patient = reference_id(encounter.get("subject"), "Patient")
    if not patient:
        return 0
    prices = await tariff.fresh(store.engine, store.scope)
    for _ in range(4):
        there = await charged(store.engine, [*keys, *(c.key for c in wanted)])
        made = reconciled(wanted, keys, there, prices, patient, str(encounter["id"]), facility, clock.now())
        changes: list[Change] = [Update(x, only_new=True) for x in made]
        if not changes:
            return 0
        try:
            await store.commit(changes, _MANNER)
        except (Conflict, PreconditionFailed):
            continue
        return len(changes)
    raise Conflict("Charges of this visit are being written by others.")


async def _found(store: Store, type_: str, id_: str) -> Resource | None:
    if not id_ or not FHIR_ID.match(id_):
        return None
    try:
        return dict(_decode((await store.read(type_, id_)).body))
    except (NotFound, Gone):
        return None


async def _all(store: Store, type_: str, *params: tuple[str, str]) -> list[Resource]:
    page = await store.search(type_, [*params, ("_count", "500")])
    return [_decode(x.body) for x in page.matches]


def _order_id(resource: Resource, type_: str = "ServiceRequest") -> str:
    refs = resource.get("basedOn") or ()
    return next((i for x in refs if (i := reference_id(x, type_))), "")


# ---- one for each thing that says what was done ------------------------------------------------------------------------------


async def report(store: Store, resource: Resource) -> None:
    """A report of the laboratory or of imaging changed."""
    now = await _found(store, "DiagnosticReport", str(resource["id"]))
    orders = [reference_id(x, "ServiceRequest") for x in (now or resource).get("basedOn") or ()]
    if not any(orders):
        return await _report(store, [now] if now else [], None, causes.report_key(resource, None), resource)
    for id_ in filter(None, orders):
        order = await _found(store, "ServiceRequest", id_)
        if order is not None:
            answers = await _all(store, "DiagnosticReport", ("based-on", f"ServiceRequest/{id_}"))
            await _report(store, answers, order, f"ServiceRequest/{id_}", resource)
    return None


async def _report(store: Store, answers: Sequence[Resource], order: Resource | None, key: str, one: Resource) -> None:
    encounter = await _found(store, "Encounter", causes.encounter_of(one, order))
    if encounter is None:
        return
    found = [c for x in sorted(answers, key=lambda x: str(x.get("issued") or "")) for c in causes.report(x, order)]
    await settle(store, found[:1], [key], encounter)


async def procedure(store: Store, resource: Resource) -> None:
    """A procedure changed."""
    now = await _found(store, "Procedure", str(resource["id"]))
    order = await _found(store, "ServiceRequest", _order_id(now or resource))
    encounter = await _found(store, "Encounter", causes.encounter_of(now or resource, order))
    if encounter is not None:
        used = [f"Procedure/{resource['id']}/used/{n}" for n in range(len(resource.get("usedCode") or ()))]
        await settle(store, causes.procedure(now, order) if now else [], [f"Procedure/{resource['id']}", *used], encounter)
        if beds.inpatient(encounter) and encounter.get("status") == "finished":
            await _beds(store, encounter)  # an operation that is noted late makes a surgical bed of an earlier day


async def administration(store: Store, resource: Resource) -> None:
    """A dose was given, or was not after all."""
    now = await _found(store, "MedicationAdministration", str(resource["id"]))
    encounter = await _found(store, "Encounter", causes.encounter_of(now or resource))
    if encounter is None:
        return
    order = await _found(store, "MedicationRequest", reference_id((now or resource).get("request"), "MedicationRequest"))
    prices = await tariff.fresh(store.engine, store.scope)
    facility = reference_id(encounter.get("serviceProvider"), "Organization")
    wanted = causes.given(now, order, prices, facility) if now else []
    await settle(store, wanted, [f"MedicationAdministration/{resource['id']}"], encounter)


async def prescription(store: Store, resource: Resource) -> None:
    """A prescription was signed, replaced or cancelled."""
    order = await _found(store, "MedicationRequest", str(resource["id"]))
    if order is not None and not causes.inpatient_order(order):
        await _prescription(store, order)


async def _prescription(store: Store, order: Resource) -> None:
    encounter = await _found(store, "Encounter", causes.encounter_of(order))
    if encounter is None:
        return
    dispenses = await _all(store, "MedicationDispense", ("prescription", f"MedicationRequest/{order['id']}"))
    patient = reference_id(encounter.get("subject"), "Patient")
    coverages = await _all(store, "Coverage", ("beneficiary", f"Patient/{patient}")) if patient else []
    wanted = causes.handed_out(order, dispenses, causes.covered(encounter, coverages))
    await settle(store, wanted, [f"MedicationRequest/{order['id']}"], encounter)


async def dispense(store: Store, resource: Resource) -> None:
    """A drug was handed out, or taken back."""
    now = await _found(store, "MedicationDispense", str(resource["id"])) or resource
    refs = now.get("authorizingPrescription") or ()
    order = await _found(store, "MedicationRequest", next((i for x in refs if (i := reference_id(x, "MedicationRequest"))), ""))
    if order is not None:
        return None if causes.inpatient_order(order) else await _prescription(store, order)
    encounter = await _found(store, "Encounter", causes.encounter_of(now))
    if encounter is not None:
        await settle(store, causes.dispensed_alone(now), [f"MedicationDispense/{now['id']}"], encounter)
    return None


async def order(store: Store, resource: Resource) -> None:
    """An order is over: a consultation that was held is charged; what was entered in error takes its charge back. One that was
    called off after it was done stays charged, because it was done."""
    now = await _found(store, "ServiceRequest", str(resource["id"])) or resource
    encounter = await _found(store, "Encounter", causes.encounter_of(now))
    if encounter is None:
        return
    key = f"ServiceRequest/{now['id']}"
    if now.get("status") == "entered-in-error":
        await settle(store, [], [key], encounter)
    elif found := causes.consultation_order(now):
        await settle(store, found, [key], encounter)


async def visit(store: Store, resource: Resource) -> None:
    """A visit or a stay changed: the consultation of the one, the bed days of the other."""
    now = await _found(store, "Encounter", str(resource["id"]))
    if now is None:
        return
    if beds.inpatient(now):
        await _beds(store, now)
    elif str((now.get("class") or {}).get("code")) in causes.VISITS:
        rooms = await _rooms(store, now)
        wanted = causes.consultations(now, rooms)
        keys = [f"Encounter/{now['id']}/consultation"]
        keys += [f"Encounter/{now['id']}/consultation/{room}" for room, _, _ in rooms]
        await settle(store, wanted, keys, now)


async def _rooms(store: Store, encounter: Resource) -> list[tuple[str, str, datetime]]:
    """The rooms whose number of this visit was seen to, in the order of time."""
    found = []
    for task in await _all(store, "Task", ("encounter", f"Encounter/{encounter['id']}"), ("status", "in-progress,completed")):
        codes = {c.get("code") for c in (task.get("code") or {}).get("coding") or ()}
        at = shapes.moment((task.get("executionPeriod") or {}).get("start") or task.get("authoredOn"))
        room = reference_id(task.get("location"), "Location")
        if "queue-ticket" in codes and room and at is not None:
            found.append((room, at))
    places = await reads.places(store.engine, [r for r, _ in found])
    return [(r, places[r].department if r in places else "", at) for r, at in sorted(found, key=lambda x: (x[1], x[0]))]


async def _beds(store: Store, encounter: Resource) -> None:
    """The bed days of a stay that has ended; of one that was opened again none, until it ends."""
    items = await _all_charges(store.engine, encounter)
    lines = [shapes.line(x) for x in items]
    prices = await tariff.fresh(store.engine, store.scope)
    over = encounter.get("status") == "finished"
    wanted = await beds.causes(store.engine, prices, encounter, clock.now(), lines) if over else []
    prefix = f"Encounter/{encounter['id']}/bed/"
    keys = list(dict.fromkeys(c for x in items if (c := shapes.cause_of(x)).startswith(prefix)))
    await settle(store, wanted, keys, encounter)


async def _all_charges(engine: Engine, encounter: Resource) -> list[Resource]:
    term = key64(f"ChargeItem.context|Encounter/{encounter['id']}")
    rows = await engine.db.fetch(Q.of_visit, number("ChargeItem"), term)
    return [_decode(b) for b in await engine.unpack_all([x["body"] for x in rows])]
