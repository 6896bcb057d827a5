"""Charges and bills as FHIR has them, and as lines. Pure: ids and moments are given.

A charge is a ChargeItem whose id is made of its cause: the same cause twice is the same resource. It is never edited: what no
longer holds is taken back by another ChargeItem of negative quantity (extension `reverses`), and what holds instead is a new
one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from longbien.base import clock
from longbien.base.ids import key64
from longbien.base.words import parse_instant
from longbien.fhir import systems as s

from ..lines import Bill, Line
from .tariff import CLAIM_CODE, KINDS, OWN, SYSTEMS, Price

EXT_CHARGE = f"{OWN}/StructureDefinition/charge"
EXT_REVERSES = f"{OWN}/StructureDefinition/reverses"
EXT_BILL_ENCOUNTER = s.BASE + "/StructureDefinition/bill-encounter"
EXT_AMOUNTS = s.BASE + "/StructureDefinition/bill-amounts"
CAUSE = f"{OWN}/sid/charge-cause"
BILL_NUMBER = s.BASE + "/sid/bill"
COMPONENT = f"{OWN}/CodeSystem/share"
STANDING = frozenset({"issued", "balanced"})
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cause:
    """What was done and is to be charged. key: names it for good (`Procedure/x`, `Encounter/x/bed/2026-11-30/sn-tm`); kind,
    code: what it is in the price lists; service: the resource that says it was done ("" where ChargeItem.service may not name
    that type); order: reference of the order; doctor: reference and name; department: id of the Organization. doubt: what
    somebody should look at ("quantity": what was opened could not be told from the dose; "not-dispensed": prescribed, and no
    dispensing is recorded)."""

    key: str
    kind: str
    code: str
    name: str
    at: datetime
    quantity: Decimal = Decimal(1)
    ended: datetime | None = None
    ordered: datetime | None = None
    order: str = ""
    service: str = ""
    doctor: Mapping[str, Any] = field(default_factory=dict)
    department: str = ""
    demand: bool = False
    doubt: str = ""


def reference_id(ref: Any, type_: str = "") -> str:
    """The id of a literal reference, of this type where one is named."""
    kind, _, id_ = str((ref or {}).get("reference") or "").partition("/")
    return id_ if not type_ or kind == type_ else ""


def moment(text: Any) -> datetime | None:
    try:
        return parse_instant(text) if isinstance(text, str) and text else None
    except ValueError:
        return None


def charge_id(key: str, nth: int = 1) -> str:
    """The id of the nth charge of a cause: the second is made after the first was taken back."""
    return f"ci-{key64(key) & (2**64 - 1):016x}" + (f"-{nth}" if nth > 1 else "")


def _exact(value: Decimal) -> Decimal | int:
    return int(value) if value == value.to_integral_value() else value


def charge_item(cause: Cause, nth: int, patient: str, encounter: str, price: Price | None, now: datetime) -> Resource:
    """The ChargeItem of a cause at a price; None: it has no price yet, which is said on the bill and on the clock."""
    unit = price.unit if price else ""
    demand = cause.demand and price is not None and price.demand is not None
    asked = (price.demand if demand else price.price) if price else Decimal(0)
    insured = Decimal(0) if price is None else price.insured
    said: list[Resource] = [
        {"url": "group", "valueCode": price.group if price else "19"},
        {"url": "price", "valueDecimal": asked},
        {"url": "insured", "valueDecimal": insured},
        {"url": "covered", "valueDecimal": price.covered if price else Decimal(100)},
    ]
    if price is not None and price.ceiling is not None:
        said.append({"url": "ceiling", "valueDecimal": price.ceiling})
    for name, value in (("unpriced", price is None), ("demo", bool(price and price.demo)), ("demand", demand)):
        if value:
            said.append({"url": name, "valueBoolean": True})
    for name, at in (("ordered", cause.ordered), ("ended", cause.ended)):
        if at is not None:
            said.append({"url": name, "valueDateTime": clock.instant(at)})
    if cause.order:
        said.append({"url": "order", "valueReference": {"reference": cause.order}})
    if cause.doubt:
        said.append({"url": "doubt", "valueCode": cause.doubt})
    claim = [{"system": CLAIM_CODE, "code": price.claim}] if price and price.claim else []
    name = price.name if price else cause.name
    quantity: Resource = {"value": _exact(cause.quantity)} | ({"unit": unit} if unit else {})
    out: Resource = {
        "resourceType": "ChargeItem",
        "id": charge_id(cause.key, nth),
        "extension": [{"url": EXT_CHARGE, "extension": said}],
        "identifier": [{"system": CAUSE, "value": cause.key}],
        "status": "billable",
        "code": {"coding": [{"system": SYSTEMS[cause.kind], "code": cause.code}, *claim], "text": name or cause.code},
        "subject": {"reference": f"Patient/{patient}"},
        "context": {"reference": f"Encounter/{encounter}"},
        "occurrenceDateTime": clock.instant(cause.at),
        "quantity": quantity,
        "enteredDate": clock.instant(now),
    }
    if price is not None:
        out["definitionUri"] = [f"{OWN}/ChargeItemDefinition/{price.id}"]
    if cause.doctor:
        out["performer"] = [{"actor": dict(cause.doctor)}]
    if cause.department:
        out["performingOrganization"] = {"reference": f"Organization/{cause.department}"}
    if cause.service:
        out["service"] = [{"reference": cause.service}]
    return out


def reversal(item: Resource, why: str, now: datetime) -> Resource:
    """What takes a charge back: the same with negative quantity. why: a message."""
    out = {k: v for k, v in item.items() if k not in ("id", "meta", "note")}
    quantity = dict(item["quantity"])
    quantity["value"] = -Decimal(str(quantity["value"])) if isinstance(quantity["value"], Decimal) else -quantity["value"]
    of = {"url": EXT_REVERSES, "valueReference": {"reference": f"ChargeItem/{item['id']}"}}
    return {
        **out,
        "id": f"{item['id']}-r",
        "extension": [*(item.get("extension") or ()), of],
        "quantity": quantity,
        "enteredDate": clock.instant(now),
        "note": [{"text": why}],
    }


def reverses(item: Mapping[str, Any]) -> str:
    """The id of the charge that this one takes back, "" for none."""
    found = next((x for x in item.get("extension") or () if x.get("url") == EXT_REVERSES), None)
    return reference_id(found.get("valueReference")) if found else ""


def said(item: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the extension `charge` by name."""
    found = next((x for x in item.get("extension") or () if x.get("url") == EXT_CHARGE), None)
    return {x["url"]: next((v for k, v in x.items() if k != "url"), None) for x in found.get("extension") or ()} if found else {}


def cause_of(item: Mapping[str, Any]) -> str:
    return next((str(i.get("value")) for i in item.get("identifier") or () if i.get("system") == CAUSE), "")


def _decimal(value: Any, default: str = "0") -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(default if value is None else value))


def line(item: Mapping[str, Any]) -> Line:
    """The line of a ChargeItem. `more`: kind, unpriced, doubt, demo, cause."""
    more = said(item)
    codings = (item.get("code") or {}).get("coding") or ()
    own: Mapping[str, Any] = next((c for c in codings if c.get("system") in KINDS), {})
    claim = next((str(c.get("code")) for c in codings if c.get("system") == CLAIM_CODE), "")
    performer = next((p.get("actor") or {} for p in item.get("performer") or ()), {})
    ceiling = more.get("ceiling")
    insured = _decimal(more.get("insured"))
    return Line(
        id=str(item["id"]),
        at=moment(item.get("occurrenceDateTime")) or clock.now(),
        group=str(more.get("group") or "19"),
        code=claim or str(own.get("code") or ""),
        name=str((item.get("code") or {}).get("text") or ""),
        unit=str((item.get("quantity") or {}).get("unit") or ""),
        quantity=_decimal((item.get("quantity") or {}).get("value"), "1"),
        price=_decimal(more.get("price")),
        insured=insured,
        covered=_decimal(more.get("covered"), "100"),
        scope="1" if insured else "2",
        demand=bool(more.get("demand")),
        own=str(own.get("code") or ""),
        reverses=reverses(item),
        ordered=moment(more.get("ordered")),
        ended=moment(more.get("ended")),
        department=reference_id(item.get("performingOrganization")),
        doctor=reference_id(performer),
        order=str((more.get("order") or {}).get("reference") or ""),
        ceiling=None if ceiling is None else _decimal(ceiling),
        more={
            "kind": KINDS.get(str(own.get("system")), ""), "unpriced": bool(more.get("unpriced")), "doubt": more.get("doubt") or "",
            "demo": bool(more.get("demo")), "cause": cause_of(item), "doctor": performer.get("display") or "",
        },
    )  # fmt: skip


def provisional(cause: Cause, price: Price | None, now: datetime) -> Line:
    """The line of what is not charged yet because it is not over (the bed days of a stay that runs); its id is no ChargeItem's."""
    made = line(charge_item(cause, 1, "x", "x", price, now))
    return replace(made, id=f"tam-{made.id}")


# ---- bills ---------------------------------------------------------------------------------------------------------------


def _money(value: Decimal | int) -> Resource:
    return {"value": value, "currency": "VND"}


def amounts(invoice: Mapping[str, Any]) -> dict[str, Decimal]:
    """insurer, copay, own, other of an Invoice."""
    found = next((x for x in invoice.get("extension") or () if x.get("url") == EXT_AMOUNTS), None)
    return {x["url"]: _decimal((x.get("valueMoney") or {}).get("value")) for x in found.get("extension") or ()} if found else {}


def bill_encounter(invoice: Mapping[str, Any]) -> str:
    """The id of the Encounter that a bill is for."""
    found = next((x for x in invoice.get("extension") or () if x.get("url") == EXT_BILL_ENCOUNTER), None)
    return reference_id(found.get("valueReference")) if found else ""


def bill_number(invoice: Mapping[str, Any]) -> str:
    return next((str(i.get("value")) for i in invoice.get("identifier") or () if i.get("system") == BILL_NUMBER), "")


def invoice_id(encounter: str, nth: int) -> str:
    """The nth bill of a visit: two desks that issue it at once make the same resource, and the second is told."""
    return f"hd-{key64(encounter) & (2**64 - 1):016x}-{nth}"


def invoice(
    bill: Bill, id_: str, number: str, facility: Mapping[str, Any], now: datetime, by: Mapping[str, Any] | None = None
) -> Resource:
    """The Invoice of a bill, issued. Each line carries who pays what, so that what was judged then can be read later."""
    items = []
    for n, share in enumerate(bill.shares, 1):
        parts = [("insurer", share.insurer), ("copay", share.copay), ("own", share.own), ("other", share.other)]
        components = [
            {"type": "informational", "code": {"coding": [{"system": COMPONENT, "code": c}]}, "amount": _money(v)}
            for c, v in parts if v
        ]  # fmt: skip
        one: Resource = {"sequence": n, "chargeItemReference": {"reference": f"ChargeItem/{share.line.id}"}}
        one["priceComponent"] = [{"type": "base", "amount": _money(share.total)}, *components]
        items.append(one)
    sums = (("insurer", bill.insurer), ("copay", bill.copay), ("own", bill.own), ("other", bill.other))
    kind = [{"url": "inpatient", "valueBoolean": bill.visit.kind in ("03", "04", "09")}]
    out: Resource = {
        "resourceType": "Invoice",
        "id": id_,
        "extension": [
            {"url": EXT_BILL_ENCOUNTER, "valueReference": {"reference": f"Encounter/{bill.visit.id}"}},
            {"url": EXT_AMOUNTS, "extension": [*({"url": k, "valueMoney": _money(v)} for k, v in sums), *kind]},
        ],
        "identifier": [{"system": BILL_NUMBER, "value": number}],
        "status": "issued",
        "subject": {"reference": f"Patient/{bill.visit.patient}"},
        "date": clock.instant(now),
        "issuer": dict(facility),
        "totalNet": _money(bill.to_pay),
        "totalGross": _money(bill.total),
    }
    if items:
        out["lineItem"] = items
    if by:
        out["participant"] = [{"actor": dict(by)}]
    return out


def standing(invoices: Iterable[Mapping[str, Any]], encounter: str) -> Resource | None:
    """The bill of a visit that stands (issued or paid), if there is one."""
    return next((dict(x) for x in invoices if x.get("status") in STANDING and bill_encounter(x) == encounter), None)


def billed(invoice: Mapping[str, Any]) -> Sequence[str]:
    """Ids of the charges on a bill."""
    return [reference_id(x.get("chargeItemReference")) for x in invoice.get("lineItem") or ()]
