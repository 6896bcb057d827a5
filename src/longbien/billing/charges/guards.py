"""What must be true when a bill is written, whoever writes it: a number is used once, a visit has one bill that stands. And
the table that others count by, kept true in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid
from longbien.base.sql import queries
from longbien.record.change import Guarded, Resource
from longbien.record.engine import Engine
from longbien.record.scope import Scope

from . import shapes

Q = queries(__file__, "sql/charges.sql")
INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})


async def next_number(engine: Engine, mark: str, now: datetime) -> str:
    """A number for a bill, given once: `SN-261130-00017`. One that is not used in the end is not given again."""
    n = await engine.db.fetchval(Q.next_number)
    return f"{mark or 'HD'}-{clock.local(now):%y%m%d}-{n:05d}"


def row(invoice: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the table holds of an Invoice. Raises Invalid for one without number, visit or amounts."""
    said = shapes.amounts(invoice)
    extension: Mapping[str, Any] = next((x for x in invoice.get("extension") or () if x.get("url") == shapes.EXT_AMOUNTS), {})
    kind = next((x.get("valueBoolean") for x in extension.get("extension") or () if x.get("url") == "inpatient"), False)
    number, encounter = shapes.bill_number(invoice), shapes.bill_encounter(invoice)
    gross = Decimal(str((invoice.get("totalGross") or {}).get("value", 0)))
    net = Decimal(str((invoice.get("totalNet") or {}).get("value", 0)))
    issued = shapes.moment(invoice.get("date"))
    facility = shapes.reference_id(invoice.get("issuer"), "Organization")
    parts = [said.get(k, Decimal(0)) for k in ("insurer", "copay", "own", "other")]
    if not number or not encounter or issued is None or sum(parts) != gross:
        text = "A bill needs its number, its visit, its date, and amounts that make up the whole."
        raise Invalid(text, code="business-rule", status=422)
    if abs(net - said.get("copay", Decimal(0)) - said.get("own", Decimal(0))) >= 1:
        raise Invalid("What the patient pays is his share and his own, in whole dong.", code="business-rule", status=422)
    status = {"issued": "issued", "balanced": "balanced"}.get(str(invoice.get("status")), "cancelled")
    paid = status == "balanced" or (status == "issued" and net <= 0)
    return (number, encounter, facility, status, issued, clock.now() if paid else None, gross, *parts, int(net), bool(kind))


def is_bill(invoice: Mapping[str, Any]) -> bool:
    return bool(shapes.bill_encounter(invoice))


async def guard(engine: Any, scope: Scope, change: Guarded, connection: Any) -> Resource | None:
    """Asked of every write of an Invoice. Raises Conflict for a number that was given, or a visit that has a bill already."""
    invoice = change.resource
    if invoice is None or not is_bill(invoice):
        return invoice
    values = row(invoice)
    if values[3] != "cancelled":
        for known in await connection.fetch(Q.known, change.id, values[0], values[1]):
            if known["number"] == values[0]:
                raise Conflict("This bill number was given already.", code="duplicate")
            raise Conflict("This visit has a bill that stands.", code="duplicate")
    await connection.execute(Q.put, change.id, *values)
    return invoice


async def stays(engine: Any, scope: Scope, change: Guarded, connection: Any) -> Resource | None:
    """Asked of every write of an Encounter: keeps the table of stays and visits that ended. Refuses nothing."""
    e = change.resource
    if e is None:
        return e
    end = shapes.moment((e.get("period") or {}).get("end")) if e.get("status") == "finished" else None
    facility = shapes.reference_id(e.get("serviceProvider"), "Organization")
    if facility and (end is not None or change.version > 1):
        kind = str((e.get("class") or {}).get("code")) in INPATIENT
        await connection.execute(Q.ended, change.id, facility, end, kind)
    return e
