"""What the desk's pages show of bills: whose they are comes from the record, within the reader's scope; what they owe from the
ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from longbien.base.errors import NotFound
from longbien.base.ids import FHIR_ID
from longbien.fhir import json
from longbien.record.store import Store
from longbien.web.chart.record import Person, person

from ..charges.shapes import EXT_AMOUNTS
from . import bills
from .bills import Bill

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Whose:
    """A bill with the person that it is for."""

    bill: Bill
    patient: str
    person: Person
    invoice: dict[str, Any]

    @property
    def sums(self) -> dict[str, Decimal]:
        """What the insurance pays, the patient's share of it, what is the patient's own, other sources, and all of it."""
        found = dict.fromkeys(("insurer", "copay", "own", "other"), Decimal(0)) | {"total": _value(self.invoice.get("totalGross"))}
        for x in self.invoice.get("extension") or ():
            if x.get("url") == EXT_AMOUNTS:
                found |= {str(p.get("url")): _value(p["valueMoney"]) for p in x.get("extension") or () if "valueMoney" in p}
        return found


@dataclass(frozen=True, slots=True)
class Ended:
    """A visit that has ended and has no bill yet."""

    encounter: str
    patient: str
    person: Person
    at: datetime


def _value(money: Any) -> Decimal:
    return Decimal(str((money or {}).get("value") or 0))


async def whose(store: Store, found: Sequence[Bill]) -> list[Whose]:
    """Those of the bills that are open to this reader, in their order."""
    out: dict[str, Whose] = {}
    by_id = {b.invoice: b for b in found}
    for n in range(0, len(found), AT_ONCE):
        part = [b.invoice for b in found[n : n + AT_ONCE]]
        page = await store.search("Invoice", [("_id", ",".join(part)), ("_include", "Invoice:patient"), ("_count", str(AT_ONCE))])
        people = {e.id: json.loads(e.body) for e in page.entries if e.type == "Patient"}
        for e in page.entries:
            if e.type == "Invoice":
                body = json.loads(e.body)
                patient = _patient(body)
                if patient in people:
                    out[e.id] = Whose(by_id[e.id], patient, person(people[patient]), body)
    return [out[b.invoice] for b in found if b.invoice in out]


async def one(store: Store, invoice: str) -> Whose:
    """One bill, whoever may read its Invoice. Raises NotFound."""
    if not FHIR_ID.match(invoice):
        raise NotFound("There is no such bill.")
    body = json.loads((await store.read("Invoice", invoice)).body)
    b = await bills.one(store.engine.db, invoice)
    if b is None:
        raise NotFound("This bill is not in the ledger.")
    patient = _patient(body)
    return Whose(b, patient, person(json.loads((await store.read("Patient", patient)).body)), body)


async def ended(store: Store, rows: Sequence[Any]) -> list[Ended]:
    """Of these visits (rows of charges' `to_issue`) those that are open to this reader, in their order."""
    ids = ",".join(r["encounter"] for r in rows)
    if not ids:
        return []
    page = await store.search("Encounter", [("_id", ids), ("_include", "Encounter:patient"), ("_count", str(AT_ONCE))])
    people = {e.id: json.loads(e.body) for e in page.entries if e.type == "Patient"}
    of = {e.id: _patient(json.loads(e.body)) for e in page.entries if e.type == "Encounter"}
    return [
        Ended(r["encounter"], of[r["encounter"]], person(people[of[r["encounter"]]]), r["ended"])
        for r in rows
        if of.get(r["encounter"]) in people
    ]


def _patient(body: dict[str, Any]) -> str:
    return str((body.get("subject") or {}).get("reference") or "").rpartition("/")[2]
