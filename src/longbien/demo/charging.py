"""What the visits of the last weeks of one person of the demo city cost: charges and bills, by the same pure functions that
charge in earnest, at the invented prices.

Bills of yesterday and before are paid; what ended today is still to be billed: that is the work that waits at the cashier's
desk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from longbien.base import clock
from longbien.base.ids import key64
from longbien.billing import share
from longbien.billing.charges import beds, bills, causes, reads, rules, shapes, tariff
from longbien.billing.charges.shapes import Cause
from longbien.demo import facilities, prices
from longbien.fhir import systems as s

BACK = timedelta(days=60)
"""Visits that began before are not charged in the demo: what they cost is settled and of no interest."""
Resource = dict[str, Any]


@cache
def _tariff() -> tariff.Tariff:
    return tariff.Tariff(prices.prices())


@cache
def _ground() -> tuple[dict[str, Resource], dict[str, reads.Place]]:
    """Organizations and places of the demo's facilities by id."""
    offices, places = {}, {}
    for r in facilities.resources():
        if r["resourceType"] == "Organization":
            offices[str(r["id"])] = r
        elif r["resourceType"] == "Location":
            of = shapes.reference_id(r.get("managingOrganization"))
            codings = [c for t in offices.get(of, {}).get("type") or () for c in t.get("coding") or ()]
            kind = next((str(c["code"]) for c in codings if c.get("system") == s.DEPARTMENT_KIND), "")
            places[str(r["id"])] = reads.Place(str(r["id"]), str(r["name"]), of, kind, str(offices.get(of, {}).get("name") or ""))
    return offices, places


def charging(life: Sequence[Resource], today: date) -> list[Resource]:
    """ChargeItems and Invoices to add to one person's resources. Pure."""
    since = datetime.combine(today - BACK, time(0), clock.HANOI)
    now = datetime.combine(today, time(8, 20), clock.HANOI)
    of: dict[str, list[Resource]] = defaultdict(list)
    for r in life:
        of[str(r["resourceType"])].append(r)
    lately = [e for e in of["Encounter"] if (begin := shapes.moment(e["period"]["start"])) is not None and since <= begin <= now]
    if not lately:
        return []
    mine = {str(e["id"]) for e in lately}
    done: dict[str, list[Cause]] = defaultdict(list)
    for encounter, cause in _done(of, mine):
        done[encounter].append(cause)
    out: list[Resource] = []
    invoices: list[Resource] = []
    for n, e in enumerate(sorted(lately, key=lambda e: str(e["period"]["start"]))):
        items = _items(e, [*causes.consultations(e, ()), *done[str(e["id"])]], now)
        out += items
        if items and e.get("status") == "finished":
            bill = _bill(of, e, items, invoices, n, today, now)
            invoices += bill
            out += bill
    return out


def _done(of: dict[str, list[Resource]], mine: set[str]) -> Iterable[tuple[str, Cause]]:
    orders = {str(x["id"]): x for t in ("ServiceRequest", "MedicationRequest") for x in of[t]}
    visits = {str(e["id"]): e for e in of["Encounter"]}
    answered: set[str] = set()

    def order(one: Resource, key: str = "basedOn") -> Resource | None:
        refs = one.get(key) or ()
        return next((orders.get(shapes.reference_id(x)) for x in ([refs] if isinstance(refs, dict) else refs)), None)

    for x in of["DiagnosticReport"]:
        if (e := causes.encounter_of(x)) in mine:
            for c in causes.report(x, order(x)):
                if c.key not in answered:
                    answered.add(c.key)
                    yield e, c
    for x in of["Procedure"]:
        if (e := causes.encounter_of(x)) in mine:
            yield from ((e, c) for c in causes.procedure(x, order(x)))
    for x in of["MedicationAdministration"]:
        if (e := causes.encounter_of(x)) in mine:
            facility = shapes.reference_id(visits[e].get("serviceProvider"))
            yield from ((e, c) for c in causes.given(x, order(x, "request"), _tariff(), facility))
    for x in of["MedicationRequest"]:
        if (e := causes.encounter_of(x)) in mine:
            yield from ((e, c) for c in causes.handed_out(x, (), causes.covered(visits[e], of["Coverage"])))


def _items(e: Resource, found: list[Cause], now: datetime) -> list[Resource]:
    facility = shapes.reference_id(e.get("serviceProvider"))
    patient = shapes.reference_id(e.get("subject"))

    def item(c: Cause) -> Resource:
        price = _tariff().price(c.kind, c.code, facility, clock.local(c.at).date())
        return shapes.charge_item(c, 1, patient, str(e["id"]), price, min(c.ended or c.at, now))

    items = [item(c) for c in found if _tariff().price(c.kind, c.code, facility, clock.local(c.at).date())]
    if beds.inpatient(e) and e.get("status") == "finished":
        items += [item(c) for c in beds.days(_tariff(), e, _ground()[1], now, [shapes.line(x) for x in items])]
    return items


def _bill(
    of: dict[str, list[Resource]], e: Resource, items: list[Resource], before: list[Resource], n: int, today: date, now: datetime
) -> list[Resource]:
    """The bill of a visit that ended before today, paid on its day but for a few of the last two; a visit of this morning is not
    billed yet."""
    end = shapes.moment(e["period"].get("end"))
    if end is None or clock.local(end).date() >= today:
        return []
    facility = shapes.reference_id(e.get("serviceProvider"))
    patient = of["Patient"][0]
    known = {str(c["id"]): c for c in of["Condition"]}
    named = [known[i] for d in e.get("diagnosis") or () if (i := shapes.reference_id(d.get("condition"))) in known]
    codes = [(str(c["code"]["coding"][0]["code"]), "") for c in named]
    found = reads.Read(e, 1, patient, items, before, {}, of["Coverage"], codes)
    visit = bills.visit_of(found, _ground()[0].get(facility, {}), now)
    lines = rules.rated([shapes.line(x) for x in items])
    made = share.judge(visit, lines)
    mark = reads.facility_mark(_ground()[0].get(facility, {}))
    settled = min(end + timedelta(minutes=20 + 7 * (n % 9)), now)
    number = f"{mark}-{clock.local(settled):%y%m%d}-{visit.number[-8:]}M"
    invoice = shapes.invoice(made, shapes.invoice_id(str(e["id"]), 1), number, e["serviceProvider"], settled)
    owing = (today - clock.local(end).date()).days <= 2 and key64(str(e["id"])) % 3 == 0  # a few still have to pay
    return [{**invoice, "status": "issued" if owing else "balanced"}]
