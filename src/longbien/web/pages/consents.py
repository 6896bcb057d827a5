"""A patient's consents on the chart: what holds for this facility and for others, the ledger, taking one, withdrawing one."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access import consent
from ...access.consent import Choice, Proof
from ...access.roles import CONSENT
from ...base.errors import Conflict, Invalid, NotFound, TooLarge
from ...base.ids import FHIR_ID
from ...base.words import Words, mark
from ...record.sensitive import CATEGORIES
from ..chart.record import person, short_place
from ..form import Files
from ..page import Call, page
from .frame import _decode, place_names

NAMES = {
    "ordinary": mark("Ordinary health data"), "hiv": mark("HIV"), "mental": mark("Mental health"), "drug": mark("Drug use"),
    "reproductive": mark("Reproductive health"), "adolescent": mark("Adolescent's confidential care"),
    "restricted": mark("Marked as restricted"),
}  # fmt: skip
PURPOSES = {
    "TREAT": mark("treatment"), "HPAYMT": mark("payment"), "HOPERAT": mark("hospital work"), "PUBHLTH": mark("public health"),
    "HRESCH": mark("research"),
}  # fmt: skip
HOWS = {"paper": mark("on signed paper"), "screen": mark("on this screen"), "vneid": mark("by VNeID")}
LASTING = {"": mark("until it is withdrawn"), "30": mark("30 days"), "365": mark("one year")}
STATES = {
    "active": mark("holds"), "inactive": mark("withdrawn"), "entered-in-error": mark("entered in error"),
    "rejected": mark("refused"), "draft": mark("draft"), "proposed": mark("proposed"),
}  # fmt: skip


async def _show(call: Call, patient: str, *, error: str = "", status: int = 200) -> Response:
    if not FHIR_ID.match(patient):
        raise NotFound("There is no such patient.")
    reason = await call.door.why(call.actor, patient)
    if reason is None:
        raise NotFound("There is no such record, or it is not open to you.")
    who = person(_decode((await (await call.door.store_for(call.actor, reason=reason)).read("Patient", patient)).body))
    entries = await consent.ledger(call.door, call.actor, patient)
    here = f"Organization/{call.actor.organization}" if call.actor.organization else None
    ours, others = await consent.standing(call.door, patient, here), await consent.standing(call.door, patient)
    ids = {r.removeprefix("Organization/") for e in entries for c in e.choices for r in c.readers} | {
        e.organization for e in entries
    }
    ids.add(call.actor.organization or "")
    places = await place_names(call, {i for i in ids if i and "/" not in i})
    w = call.w
    return call.html(
        "consents.html", status, id=patient, error=error,
        who=SimpleNamespace(name=who.name, line=" · ".join(x for x in (w.sex(who.sex), w.date(who.birth)) if x)),
        place=short_place(places.get(call.actor.organization or "", "")), here=here,
        rows=[
            SimpleNamespace(name=w(NAMES[c]), ours=ours.open[c], ours_said=ours.said[c], others=others.open[c],
            others_said=others.said[c]) for c in ("ordinary", *(x.code for x in CATEGORIES))
        ],
        entries=[_entry(e, w, places, call.now) for e in entries],
        categories=[(k, w(t)) for k, t in NAMES.items()], hows=[(k, w(t)) for k, t in HOWS.items()],
        purposes=[(k, w(t)) for k, t in PURPOSES.items()], lasting=[(k, w(t)) for k, t in LASTING.items()], given=call.form or {},
        most=consent.LARGEST_SCAN >> 20,
    )  # fmt: skip


def _entry(e: consent.Entry, w: Words, places: dict[str, str], now: datetime) -> SimpleNamespace:
    return SimpleNamespace(
        id=e.id, holds=e.holds, state=w(STATES.get(e.status, e.status)), at=w.moment(e.at, now) if e.at else w.date(e.changed),
        changed=w.moment(e.changed, now), how=w(HOWS[e.how]) if e.how in HOWS else "", number=e.number, taken_by=e.taken_by,
        scan=e.scan,
        place=short_place(places.get(e.organization, "")), hash=e.hash, rules=[_rule(c, w, places, now) for c in e.choices],
    )  # fmt: skip


def _rule(c: Choice, w: Words, places: dict[str, str], now: datetime) -> SimpleNamespace:
    """A rule in words: what, to whom, for what."""
    ordinary, treatment = NAMES["ordinary"], PURPOSES["TREAT"]
    what = ", ".join(w(NAMES.get(k, k)) for k in c.categories) or (w(ordinary) if c.permit else w("everything"))
    named = (r.removeprefix("Organization/") for r in c.readers)
    readers = [w("a relative") if r.startswith("RelatedPerson/") else short_place(places.get(r, r)) for r in named]
    whom = ", ".join(readers) or w("every other facility")
    why = ", ".join(w(PURPOSES.get(p, p)) for p in c.purposes) or (w(treatment) if c.permit else w("every purpose"))
    until = w("until %(time)s", time=w.moment(c.until, now)) if c.until else ""
    return SimpleNamespace(permit=c.permit, what=what, whom=whom, why=why, until=until)


@page(CONSENT, "TREAT")
async def show(call: Call) -> Response:
    return await _show(call, call.request.path_params["id"])


@page(CONSENT, "TREAT", files=Files(1, consent.LARGEST_SCAN, consent.SCANS))
async def take(call: Call) -> Response:
    patient = call.request.path_params["id"]
    if not FHIR_ID.match(patient):
        raise NotFound("There is no such patient.")
    form: Any = call.form
    days = call.field("days", 5)
    here = f"Organization/{call.actor.organization}"
    choice = Choice(
        call.field("effect", 10) == "permit", (here,) if call.field("whom", 10) == "here" else (),
        tuple(str(v) for v in form.getlist("category"))[:10], tuple(str(v) for v in form.getlist("purpose"))[:10],
        call.now + timedelta(days=int(days)) if days in LASTING and days else None,
    )  # fmt: skip
    try:
        scan = await call.file("scan")
    except (Invalid, TooLarge) as wrong:
        text = call.w("The scan must be a PDF, JPEG or PNG of at most %(n)s MB.", n=consent.LARGEST_SCAN >> 20)
        return await _show(call, patient, error=text, status=wrong.status)
    try:
        if call.field("effect", 10) not in ("permit", "deny"):
            raise Invalid("Say whether it is allowed or refused.", code="required")
        how = call.field("how", 10)
        proof = Proof(how, call.field("number", 200), scan=scan)  # type: ignore[arg-type]
        await consent.take(call.door, call.actor, patient, choice, proof)
    except Invalid:
        text = call.w("Choose what is allowed or refused, and say the number of the paper or of the VNeID transaction.")
        return await _show(call, patient, error=text, status=422)
    return call.go(f"/patients/{patient}/consents")


@page(CONSENT, "TREAT")
async def withdraw(call: Call) -> Response:
    patient, entry = call.request.path_params["id"], call.request.path_params["consent"]
    if not FHIR_ID.match(patient) or not FHIR_ID.match(entry):
        raise NotFound("There is no such consent.")
    try:
        await consent.withdraw(call.door, call.actor, patient, entry)
    except Conflict:
        return await _show(call, patient, error=call.w("This consent does not hold any more."), status=409)
    return call.go(f"/patients/{patient}/consents")


@page(CONSENT, "TREAT")
async def scan(call: Call) -> Response:
    """The signed paper, sent as what its bytes were found to be."""
    patient, entry = call.request.path_params["id"], call.request.path_params["consent"]
    if not FHIR_ID.match(patient) or not FHIR_ID.match(entry):
        raise NotFound("There is no such consent.")
    kind, data = await consent.scan(call.door, call.actor, patient, entry)
    return Response(data, media_type=kind, headers={"Content-Disposition": "inline", "Cache-Control": "no-store"})
