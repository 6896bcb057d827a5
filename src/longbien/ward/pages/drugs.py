"""The drug round: the sheet of one patient, the scanner, what is written of each dose."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from starlette.responses import PlainTextResponse, Response

from longbien.access.second import second
from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, LongbienError, NotFound, Unauthenticated
from longbien.base.words import mark, parse_instant
from longbien.record.store import Store
from longbien.web import entries
from longbien.web.chart import record as r
from longbien.web.departments import advise
from longbien.web.page import Call, page

from .. import drugs, mar, rounds, rules, signs
from ..board import build
from ..reads import SHIFTS, Lying, WardNow, ward_now
from ..second import WardSettings, high_alert
from .at import GIVE, NURSING, At, at, lying, once, opened, staff, store

BAND = timedelta(minutes=20)
"""How long a scanned wristband counts."""
TAPPED = timedelta(hours=12)
"""How old a tap may be that was kept without network."""


def _instant(text: str) -> datetime | None:
    try:
        return clock.local(parse_instant(text)) if text else None
    except ValueError:
        return None


def _band(call: Call, patient: str) -> datetime | None:
    """When this patient's wristband was scanned, as the page carries it: "<patient> <instant>"."""
    given = call.field("band", 120) if call.form is not None else call.query.get("band", "")
    whose, _, when = given.partition(" ")
    then = _instant(when)
    return then if then is not None and whose == patient and timedelta() <= call.now - then <= BAND else None


async def _page(
    call: Call, known: At, found: WardNow, chosen: Lying | None, *, status: int = 200, said: str = "", order: str = "",
    due: datetime | None = None, drug: bool = False, band: datetime | None = None,
) -> Response:  # fmt: skip
    """The sheet of `chosen`, the round beside it, and the card of one dose where one is asked for."""
    w, view = call.w, build(found, call.now, call.w, call.lang)
    stops = mar.round_of(view.cards, call.now, call.lang)
    sheet = mar.sheet(chosen, call.now, w, call.lang) if chosen else None
    bed = known.places.beds.get(chosen.bed) if chosen else None
    card = None
    if sheet and chosen and (line := next((x for x in sheet.lines if x.id == order), None)) is not None:
        card = await _card(call, chosen, line, due, bed.number if bed else "–", band=band is not None, drug=drug)
    beds = [s.card.lies.id for s in sorted(stops, key=lambda s: s.card.bed.number) if s.card.lies]
    here = beds.index(chosen.id) if chosen and chosen.id in beds else -1
    charted = signs.newest(chosen.charted) if chosen else {}
    return call.html(
        "ward/mar.html", status, nav="ward", ward=found.ward, wards=list(known.places.wards.values()), stops=stops, who=chosen,
        bed=bed, sheet=sheet, card=card, said=said, banded=band,
        band=f"{chosen.id} {clock.instant(band)}" if band and chosen else "",
        allergies=mar.allergies(chosen, call.lang) if chosen else [], charted=charted, reasons=rounds.REASONS,
        stopped=await _stopped(call, chosen),
        before=beds[here - 1] if here > 0 else "", after=beds[here + 1] if 0 <= here < len(beds) - 1 else "",
        once=once(call),
        iso=clock.instant, asked=(order, due), back=timedelta(hours=6), near=timedelta(minutes=90),
    )  # fmt: skip


async def _stopped(call: Call, who: Lying | None) -> list[SimpleNamespace]:
    """Orders of this stay that were stopped in the last day: who brings the drug to the bed must know, and why."""
    made = store(call, "the drug round")
    if who is None or not made.scope.may_search("MedicationRequest"):
        return []
    since = clock.instant(call.now - timedelta(hours=24))
    asked = [("encounter", f"Encounter/{who.stay['id']}"), ("status", "stopped,cancelled"), ("_lastUpdated", f"ge{since}")]
    found = await made.search("MedicationRequest", [*asked, ("_count", "20")])
    lines = [(rounds.line(body, call.lang), body) for e in found.entries if (body := drugs._decode(e.body))]
    return [
        SimpleNamespace(name=x.name, dose=x.dose, why=r.concept(body.get("statusReason"), call.lang), at=r.updated(body))
        for x, body in lines
        if x is not None
    ]


async def _card(call: Call, who: Lying, line: rounds.Line, due: datetime | None, bed: str, *, band: bool, drug: bool) -> Any:
    """The card of one dose: the five rights, and what the house's advisers say of the order now."""
    found = mar.checks(who, line, due, bed, call.now, call.w, band=band, drug=drug)
    made = Store(call.engine, call.scope(await opened(call, who.id)))
    for verdict in await advise(call, made, who.id, [dict(line.order)]):
        if verdict.level != "note":
            found.append(mar.Check("stop" if verdict.level == "stop" else "warn", verdict.text))
    known = await high_alert(made, line.order)
    if known is None:
        found.append(mar.Check("note", call.w("Not in the catalogue: not checked whether it is a high-alert drug")))
    two = bool(known) and WardSettings.read().two_persons
    if two:
        found.append(mar.Check("warn", call.w("High-alert drug: a second person looks at drug, dose and pump, and confirms")))
    dose = line.dose_at(due) if due is not None else None
    right = all(c.level in ("ok", "note") for c in found)
    closed = any(c.level == "stop" for c in found[:5]) and rounds.may_give(line, due, call.now) != ""
    return SimpleNamespace(line=line, due=due, dose=dose, checks=found, right=right, closed=closed, scanned=band and drug, two=two)


def _chosen(found: WardNow, asked: str, call: Call) -> Lying | None:
    """The patient asked for, else the first of the round."""
    if asked:
        return found.of(asked)
    stops = mar.round_of(build(found, call.now, call.w, call.lang).cards, call.now, call.lang)
    first = next((s.card.lies for s in stops if s.card.lies), None)
    return first or next((x for b in found.ward.beds if (x := found.in_bed(b.id))), None)


async def _found(call: Call, patient: str, asked: str) -> tuple[At, WardNow, Lying | None]:
    """The ward, who lies there, and the patient asked for, whose ward it is where none was named."""
    known = await at(call, asked)
    if patient and not asked:
        one = await lying(call, patient)
        bed = known.places.beds.get(one.bed)
        if bed is not None and bed.ward != known.here.id:
            known = await at(call, bed.ward)
    found = await ward_now(call.engine, call.scope("the drug round"), known.here, call.now, back=SHIFTS)
    who = _chosen(found, patient, call)
    if patient and who is None:
        one = await lying(call, patient)
        bed = known.places.beds.get(one.bed)
        if bed is None:
            raise NotFound("The patient lies in no bed of this facility.")
        known = await at(call, bed.ward)
        found = await ward_now(call.engine, call.scope("the drug round"), known.here, call.now, back=SHIFTS)
        who = found.of(patient)
    return known, found, who


@page(NURSING, "TREAT")
async def show(call: Call) -> Response:
    patient = call.query.get("patient", "")
    known, found, who = await _found(call, patient, call.query.get("ward", ""))
    return await _page(
        call, known, found, who, order=call.query.get("order", ""), due=_instant(call.query.get("due", "")),
        band=_band(call, who.id) if who else None,
    )  # fmt: skip


@page(GIVE, "TREAT")
async def scan(call: Call) -> Response:
    """A code was scanned: a wristband (then the sheet is that patient's), or a drug (then it is checked against the orders)."""
    w, code = call.w, call.field("code", 80)
    known, found, who = await _found(call, call.field("patient", 64), call.field("ward", 64))
    worn = next((x for x in found.lying.values() if x.bed and code in mar.numbers(x.patient)), None) if code else None
    if worn is not None:
        return await _page(call, known, found, worn, band=call.now)
    if who is None:
        return await _page(call, known, found, None, status=422, said=w("Scan the wristband of a patient first."))
    band = _band(call, who.id)
    sheet = mar.sheet(who, call.now, w, call.lang)
    hits = rounds.scanned(code, sheet.lines)
    if not hits:
        text = w("%(code)s is no wristband of this ward and no drug that %(name)s is ordered.", code=code, name=who.person.name)
        return await _page(call, known, found, who, status=422, said=text, band=band)
    best = min(hits, key=lambda x: _urgency(x, call.now))
    dose = _dose(best, call.now)
    if dose is None and best.kind == "timed":
        done = next((d for d in reversed(best.doses) if d.state == "given"), None)
        nothing = w("No dose of %(drug)s is due now.", drug=best.name)
        if done is not None and done.at is not None:
            nothing += " " + w("The last was given at %(time)s by %(name)s.", time=w.moment(done.at, call.now), name=done.by)
        return await _page(call, known, found, who, status=422, said=nothing, band=band)
    return await _page(call, known, found, who, order=best.id, due=dose.due if dose else None, drug=True, band=band)


def _dose(line: rounds.Line, now: datetime) -> rounds.Dose | None:
    """The open dose that a scan means: the latest whose hour has come, else the next. One missed before it waits to be
    explained."""
    waiting = [d for d in line.doses if d.open]
    return next((d for d in reversed(waiting) if d.due <= now + rounds.EARLY), next(iter(waiting), None))


def _urgency(line: rounds.Line, now: datetime) -> tuple[bool, datetime]:
    dose = _dose(line, now)
    return dose is None, dose.due if dose else now


@page(GIVE, "TREAT")
async def dose(call: Call) -> Response:
    """Write down a dose: act=given, or act=not with a reason."""
    w, patient = call.w, call.field("patient", 64)
    reason_ = await opened(call, patient)
    who = await lying(call, patient)
    order, due = call.field("order", 64), _instant(call.field("due", 40))
    line = next((x for x in mar.sheet(who, call.now, w, call.lang).lines if x.id == order), None)
    if line is None:
        return await _refused(call, who, w("This order runs no more: the dose was not written. Ask the doctor."))
    why = call.field("reason", 20) if call.field("act", 8) == "not" else ""
    if call.field("act", 8) == "not" and why not in {code for code, *_ in rounds.REASONS}:
        return await _refused(call, who, w("Choose why the dose was not given."), 422, order, due)
    tapped = _instant(call.field("tapped", 40))
    when = tapped if tapped is not None and call.now - TAPPED < tapped <= call.now + rules.SLACK else call.now
    made = Store(call.engine, call.scope(reason_))
    try:
        beside = None if why else await _second(call, made, line)
    except Unauthenticated as error:
        return await _refused(call, who, w(error.text), 422, order, due)
    try:
        await drugs.write(
            made, who, line, due, when, staff(call), once=once(call), reason=why, said=call.field("said", 500),
            scanned=call.field("scanned", 1) == "1", second=beside,
        )  # fmt: skip
    except (Conflict, Invalid) as error:
        return await _refused(
            call, who, await _words(call, made, error, line, due), 409 if isinstance(error, Conflict) else 422, order, due
        )
    band = _band(call, patient)
    kept = f"&band={patient}%20{clock.instant(band)}" if band else ""
    return call.go(f"/ward/mar?patient={patient}{kept}")


async def _second(call: Call, made: Store, line: rounds.Line) -> dict[str, str] | None:
    """Who confirms beside the giver; None where one person is enough. Raises Unauthenticated; TooMany (passwords)."""
    if not WardSettings.read().two_persons or not await high_alert(made, line.order):
        return None
    name, secret = call.field("second", 100), call.field("second-secret", 200)
    if not name or not secret:
        raise Unauthenticated(mark("A high-alert drug: a second person confirms with name and PIN. Nothing was written."))
    row = await second(call.door.entry, call.request, call.actor, name, secret, GIVE, "a high-alert drug")
    return entries._author(entries.Writer("", row["practitioner"] or "", row["name"]))


async def _words(call: Call, made: Store, error: LongbienError, line: rounds.Line, due: datetime | None) -> str:
    """What went wrong with a dose, in the reader's words."""
    w = call.w
    if error.code == drugs.TWICE:
        by, when = "", ""
        if due is not None:
            try:
                written = rounds._written(
                    drugs._decode((await made.read("MedicationAdministration", rounds.record_id(line.id, due))).body), due
                )
                by, when = written.by, w.time(written.at) if written.at else ""
            except LongbienError:
                by = ""
        return w(
            "%(drug)s was given already, at %(time)s by %(name)s. Nothing was written again.", drug=line.name, time=when, name=by
        )
    said = {
        "too-early": w("It is too early for this dose: at most an hour before its time."),
        "too-soon": w("Too soon after the last dose. Nothing was written."),
        "too-much": w("As many doses as the order allows in 24 hours were given. Nothing was written."),
        "ended": w("This order runs no more: the dose was not written. Ask the doctor."),
        "hold": w("This order is on hold: the dose was not written. Ask the doctor."),
    }
    return said.get(error.code) or w("This cannot be recorded") + ": " + "; ".join(i.text for i in error.issues[:3])


async def _refused(call: Call, who: Lying, said: str, status: int = 409, order: str = "", due: datetime | None = None) -> Response:
    if call.part:  # the script keeps what was tapped without network, and shows this beside it
        return PlainTextResponse(said, status)
    known, found, one = await _found(call, who.id, "")
    return await _page(call, known, found, one, status=status, said=said, order=order, due=due, band=_band(call, who.id))


@page(GIVE, "TREAT")
async def undo(call: Call) -> Response:
    """What was written by mistake."""
    patient = call.field("patient", 64)
    reason = await opened(call, patient)
    who = await lying(call, patient)
    await drugs.undo(Store(call.engine, call.scope(reason)), who, call.field("record", 64), staff(call), call.now)
    return call.go(f"/ward/mar?patient={patient}")
