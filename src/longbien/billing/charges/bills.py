"""The bill of a visit: provisional at any moment, frozen when it is issued. What others of billing call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, PreconditionFailed
from longbien.fhir import systems as s
from longbien.record.change import Change, Update
from longbien.record.store import Store

from .. import share as shares
from ..lines import Bill, Card, Facility, Line, Visit
from . import beds, guards, reads, rules, shapes, tables, tariff
from .reads import Read

EXT_LINE = s.BASE + "/StructureDefinition/insurance-line"
SELF_PAY = "9"
KINDS = {"IMP": "03", "ACUTE": "03", "NONAC": "03", "SS": "04", "VR": "14", "HH": "12"}
"""Class of the Encounter -> MA_LOAI_KCB (decisions 3176 and 1804/2026); every other is 01."""
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """A bill as it is opened: what was read, the bill, the Invoice that stands (None: not issued), and whether it still says what
    the charges say."""

    read: Read
    bill: Bill
    invoice: Resource | None
    stale: bool


async def lines_of(store: Store, encounter_id: str) -> tuple[Visit, list[Line]]:
    """The visit as the insurance judges it, and every line of it (reversals too), rated. Raises NotFound."""
    found = await reads.read(store, encounter_id)
    return await _lines(store, found)


async def bill(store: Store, encounter_id: str) -> Bill:
    """The bill of a visit as it stands at this moment. Raises NotFound."""
    return (await opened(store, encounter_id)).bill


async def opened(store: Store, encounter_id: str) -> Opened:
    """The same with what it was made from. Raises NotFound."""
    found = await reads.read(store, encounter_id)
    made = await _judged(store, found)
    standing = shapes.standing(found.invoices, encounter_id)
    return Opened(found, made, standing, standing is not None and stale(standing, made))


async def _judged(store: Store, found: Read) -> Bill:
    """The bill of what was read. Of a visit that is over it depends on nothing else, so it is judged once for these versions (and
    what is known of the facility); a stay that runs goes on with the clock."""
    if beds.running(found.encounter) or found.encounter.get("status") != "finished" or not found.stamp:
        return shares.judge(*await _lines(store, found))
    offices = await reads.organizations(store.engine, [found.facility])
    notes = store.engine.recall.notes(
        ("bill", found.stamp, str(offices.get(found.facility, {}).get("meta")), tuple(found.diagnoses))
    )
    if "bill" not in notes:
        notes["bill"] = shares.judge(*await _lines(store, found))
    made: Bill = notes["bill"]
    return made


def stale(invoice: Mapping[str, Any], made: Bill) -> bool:
    """Has something been charged, taken back or judged otherwise since the bill was issued?"""
    net = Decimal(str((invoice.get("totalNet") or {}).get("value", 0)))
    gross = Decimal(str((invoice.get("totalGross") or {}).get("value", 0)))
    return net != made.to_pay or gross != made.total or set(shapes.billed(invoice)) != {x.line.id for x in made.shares}


async def _lines(store: Store, found: Read) -> tuple[Visit, list[Line]]:
    now = clock.now()
    lines = list(found.lines)
    if beds.running(found.encounter):
        charged = {x.more["cause"] for x in rules.live(lines)}
        prices = await tariff.fresh(store.engine, store.scope)
        for cause in await beds.causes(store.engine, prices, found.encounter, now, rules.live(lines)):
            if cause.key not in charged:
                price = prices.price(cause.kind, cause.code, found.facility, clock.local(cause.at).date())
                lines.append(shapes.provisional(cause, price, now))
    offices = await reads.organizations(store.engine, [found.facility])
    lines.sort(key=lambda x: (x.at, x.id))
    return visit_of(found, offices.get(found.facility, {}), now), rules.rated(lines)


# ---- the visit -------------------------------------------------------------------------------------------------------------


def visit_of(found: Read, office: Mapping[str, Any], now: datetime) -> Visit:
    """The visit as the insurance judges it. Pure."""
    e = found.encounter
    period = e.get("period") or {}
    begin = shapes.moment(period.get("start")) or now
    end = shapes.moment(period.get("end")) if e.get("status") == "finished" else None
    line, named = _insurance_line(e)
    birth = _day(found.patient.get("birthDate"))
    number = next((str(i.get("value")) for i in e.get("identifier") or () if i.get("system") == s.ENCOUNTER_NUMBER), "")
    emergency = (e.get("class") or {}).get("code") == "EMER" or line == "2"
    return Visit(
        id=found.id,
        number=number or found.id,
        begin=begin,
        end=end,
        kind=_kind(e, begin, end),
        facility=facility(office, clock.local(begin).date()),
        cards=() if line == SELF_PAY else cards(found.coverages, clock.local(begin).date(), named),
        object=SELF_PAY if line == SELF_PAY else "",
        emergency=emergency,
        referred=line == "1.3",
        again=line == "1.5",
        newborn=birth is not None and 0 <= (clock.local(begin).date() - birth).days <= 28,
        birth=birth,
        diagnosis=found.diagnoses[0][0] if found.diagnoses else "",
        others=tuple(c for c, _ in found.diagnoses[1:]),
        paid_before=_paid_before(found, begin),
        patient=str(found.patient.get("id") or shapes.reference_id(e.get("subject"))),
    )


def _kind(e: Mapping[str, Any], begin: datetime, end: datetime | None) -> str:
    kind = KINDS.get(str((e.get("class") or {}).get("code")), "01")
    short = end is not None and (end - begin).total_seconds() <= 3600 * tables.hours("none_until_hours", begin.date())
    return "09" if kind == "03" and short else kind


def _insurance_line(e: Mapping[str, Any]) -> tuple[str, str]:
    """(code of the line that was proposed at the desk, id of the card it was proposed for)."""
    found = next((x for x in e.get("extension") or () if x.get("url") == EXT_LINE), None)
    parts = {x.get("url"): x for x in (found or {}).get("extension") or ()}
    line = str((parts.get("line", {}).get("valueCoding") or {}).get("code") or "")
    return line, shapes.reference_id(parts.get("coverage", {}).get("valueReference"), "Coverage")


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def cards(coverages: Sequence[Mapping[str, Any]], day: date, first: str = "") -> tuple[Card, ...]:
    """The insurance cards of a patient, the one that the visit was taken in with first."""
    found = []
    for c in coverages:
        number = str(c.get("subscriberId") or next((i.get("value", "") for i in c.get("identifier") or ()), ""))
        if c.get("status") not in ("active", None) or not number:
            continue
        period = c.get("period") or {}
        said = next((x.get("valueInteger") for x in c.get("extension") or () if x.get("url") == s.EXT_BENEFIT_LEVEL), None)
        level = said if isinstance(said, int) else int(number[2]) if len(number) == 15 and number[2].isdigit() else 4
        begins = _day(period.get("start")) or day
        found.append(
            Card(
                number, level, begins, _day(period.get("end")), str(c.get("network") or ""),
                five_years=_extension_day(c, "five-years"), shown=_extension_moment(c, "card-shown"), coverage=str(c.get("id")),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda c: (c.coverage != first, c.begins, c.number)))


def _extension_day(c: Mapping[str, Any], name: str) -> date | None:
    return next((_day(x.get("valueDate")) for x in c.get("extension") or () if str(x.get("url")).endswith(f"/{name}")), None)


def _extension_moment(c: Mapping[str, Any], name: str) -> datetime | None:
    said = (x.get("valueDateTime") for x in c.get("extension") or () if str(x.get("url")).endswith(f"/{name}"))
    return next((shapes.moment(x) for x in said), None)


def facility(office: Mapping[str, Any], day: date) -> Facility:
    """Level and score of a facility by tables/facilities.csv; one that is not named there is a basic one of provisional rank."""
    code = reads.facility_code(office)
    row = tables.facility(code, day)
    if row is None:
        return Facility(code, "co-ban")
    level = cast(Any, row["level"])
    return Facility(code, level, int(row["score"]) if row["score"] else None, row["before"])


def _paid_before(found: Read, begin: datetime) -> Decimal:
    """T_BNCCT of this calendar year on bills that stand and were issued before this visit began."""
    total = Decimal("0.00")
    for x in found.invoices:
        at = shapes.moment(x.get("date"))
        same = at is not None and at < begin and clock.local(at).year == clock.local(begin).year
        if same and x.get("status") in shapes.STANDING and shapes.bill_encounter(x) != found.id:
            total += shapes.amounts(x).get("copay", Decimal(0))
    return total


# ---- issuing ---------------------------------------------------------------------------------------------------------------


async def issue(store: Store, encounter_id: str, by: Mapping[str, Any] | None = None) -> Resource:
    """Freeze the bill of a visit: an Invoice of status issued, with a number that no other bill has or had. A bill that stands and
    still says what the charges say is given back; one that does not is called off, and a new one takes its place, in one commit. Of
    two desks that issue at once one makes the bill, and both get that one. Raises NotFound; Invalid for a visit without charges."""
    for _ in range(3):
        found = await opened(store, encounter_id)
        if found.invoice is not None and not found.stale:
            return found.invoice
        if not found.bill.shares:
            raise Invalid("There is nothing on this bill yet.", code="business-rule", status=422)
        if any(x.line.id.startswith("tam-") for x in found.bill.shares):
            raise Invalid("The stay has not ended: its bed days are not charged yet.", code="business-rule", status=422)
        try:
            return await _issue(store, found, by)
        except (Conflict, PreconditionFailed):
            continue  # another desk was first: what it made is looked at
    raise Conflict("Somebody else is issuing this bill.")


async def _issue(store: Store, found: Opened, by: Mapping[str, Any] | None) -> Resource:
    now = clock.now()
    office = (await reads.organizations(store.engine, [found.read.facility])).get(found.read.facility, {})
    mine = [x for x in found.read.invoices if shapes.bill_encounter(x) == found.read.id]
    number = await guards.next_number(store.engine, reads.facility_mark(office) or reads.facility_code(office), now)
    made = shapes.invoice(
        found.bill,
        shapes.invoice_id(found.read.id, len(mine) + 1),
        number,
        found.read.encounter.get("serviceProvider") or {},
        now,
        by,
    )
    changes: list[Change] = []
    if found.invoice is not None:
        old = {**found.invoice, "status": "cancelled", "cancelledReason": f"Replaced by {number}"}
        changes.append(Update(old, if_match=found.read.versions[str(old["id"])]))
    changes.append(Update(made, only_new=True))
    await store.commit(changes)
    return made
