"""Breaking the glass: the page that asks why, its end, what one opened, and the reviewers' queue."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access import consent, glass, purpose
from ...access.roles import BREAK_GLASS, HOME, REVIEW_GLASS, ROLES
from ...base.errors import Invalid, LongbienError, NotFound
from ...base.ids import FHIR_ID
from ...base.words import Words, mark
from ...record.life import named
from ..chart.record import person, short_place
from ..page import Call, page
from .frame import _decode, place_names

CATEGORIES = {
    "unresponsive": mark("Emergency, the patient cannot answer"),
    "allergy-or-drugs": mark("Emergency, allergies or current drugs must be known"),
    "consent-by-word": mark("The patient agrees by word, before a witness"),
    "other": mark("Another reason"),
}
VERDICTS = {
    "accept": mark("accepted"), "ask": mark("asked"), "answer": mark("answered"), "report": mark("reported"),
}  # fmt: skip
HOURS = (0.5, 2.0, 4.0, 8.0, 12.0)
STATISTICS_DAYS = 30


async def _who(call: Call, patient: str) -> SimpleNamespace:
    """Name, sex and birth of somebody in the city. Raises NotFound."""
    if not FHIR_ID.match(patient):
        raise NotFound("There is no such patient.")
    who = person(_decode((await call.door.finding(call.actor).read("Patient", patient)).body))
    line = " · ".join(x for x in (call.w.sex(who.sex), call.w.date(who.birth)) if x)
    return SimpleNamespace(name=who.name, line=line)


async def _form(call: Call, patient: str, *, error: str = "", status: int = 200) -> Response:
    most = call.door.settings.glass_hours
    choices = [h for h in HOURS if h < most] + [most]
    chosen = call.field("hours", 10)
    places = await place_names(call, {call.actor.organization} if call.actor.organization else set())
    opened = await call.door.why(call.actor, patient)
    held = await consent.withheld(call.door, call.scope(opened), patient) if opened else 0
    return call.html(
        "glass.html", status, id=patient, who=await _who(call, patient), error=error, reason=call.field("reason", 600), held=held,
        foreign=opened is None, place=short_place(places.get(call.actor.organization or "", "")),
        categories=[(k, call.w(t)) for k, t in CATEGORIES.items()], chosen=call.field("category", 40) or "unresponsive",
        hours=[(f"{h:g}", call.w.number(h), f"{h:g}" == (chosen or f"{most:g}")) for h in choices], back=f"/patients/{patient}",
    )  # fmt: skip


@page(BREAK_GLASS, "TREAT")
async def ask(call: Call) -> Response:
    return await _form(call, call.request.path_params["id"])


@page(BREAK_GLASS, "TREAT")
async def break_it(call: Call) -> Response:
    patient = call.request.path_params["id"]
    try:
        hours = float(call.field("hours", 10) or call.door.settings.glass_hours)
    except ValueError:
        hours = -1.0
    try:
        await glass.break_glass(
            call.engine, call.actor, patient, call.field("category", 40), call.field("reason", 600), settings=call.door.settings,
            hours=hours,
        )  # fmt: skip
    except Invalid:
        text = call.w("Say why in words of your own: at least %(n)s letters.", n=purpose.SHORTEST)
        return await _form(call, patient, error=text, status=422)
    return call.go(f"/patients/{patient}")


@page(BREAK_GLASS, "TREAT")
async def end(call: Call) -> Response:
    patient = call.request.path_params["id"]
    if not FHIR_ID.match(patient):
        raise NotFound("There is no such patient.")
    await glass.end(call.engine, call.actor, patient, settings=call.door.settings)
    return call.go("/glass" if await call.door.why(call.actor, patient) is None else f"/patients/{patient}")


async def _shown(call: Call, openings: list[glass.Opening]) -> list[SimpleNamespace]:
    departments = await named(call.engine, "Organization", sorted({o.department for o in openings if o.department}))
    called = {k: str(_decode(b).get("name") or "") for k, b in departments.items()}
    return [await _opening(call, o, called) for o in openings]


async def _opening(call: Call, o: glass.Opening, departments: dict[str, str]) -> SimpleNamespace:
    w, role = call.w, ROLES.get(o.role)
    who: Any = SimpleNamespace(name="", line="")
    if o.patient is not None:
        try:
            who = await _who(call, o.patient)
        except LongbienError:  # who may not find people, or the record was removed: the act is reviewed all the same
            who = SimpleNamespace(name="", line="")
    told = [(role.vi if w.lang == "vi" else role.en) if role else "", departments.get(o.department or "", "")]
    until = o.ended or o.until
    return SimpleNamespace(
        number=o.number, name=o.name, place=" · ".join(t for t in told if t), who=who, seen=o.seen, reason=o.reason,
        category=w(CATEGORIES.get(o.category, o.category)), patient=o.patient, asked=o.asked, settled=o.settled,
        at=w.moment(o.begins, call.now), until=w.moment(until, call.now), running=until > call.now,
        late=(call.now - o.begins).total_seconds() > 86_400 and not o.settled,
        said=[SimpleNamespace(verdict=w(VERDICTS[s.verdict]), text=s.text, name=s.name, at=w.moment(s.at, call.now)) for s in
        o.said],
    )  # fmt: skip


@page(HOME, "TREAT")
async def openings(call: Call, *, error: str = "", status: int = 200) -> Response:
    """What one opened oneself; for reviewers the queue and its figures."""
    reviews = call.actor.may(REVIEW_GLASS) and call.actor.org is not None
    queue = await _shown(call, await glass.queue(call.engine, call.actor)) if reviews else []
    figures = await glass.statistics(call.engine, call.actor, STATISTICS_DAYS) if reviews else None
    mine = await _shown(call, await glass.mine(call.engine, call.actor))
    kinds = [(call.w(CATEGORIES.get(k, k)), n) for k, n in figures.by_category] if figures else []
    median = _span(call.w, figures.median_seconds) if figures and figures.median_seconds is not None else "–"
    return call.html(
        "glass-queue.html",
        status,
        reviews=reviews,
        queue=queue,
        mine=mine,
        figures=figures,
        kinds=kinds,
        median=median,
        error=error,
    )


def _span(w: Words, seconds: float) -> str:
    minutes = round(seconds / 60)
    return w("%(n)s min", n=minutes) if minutes < 120 else w("%(n)s h", n=w.number(minutes / 60, 1))


@page(REVIEW_GLASS, "HOPERAT")
async def review(call: Call) -> Response:
    verdict = call.field("verdict", 20)
    await glass.review(
        call.engine, call.actor, _number(call), verdict, call.field("text", 1000), settings=call.door.settings
    )  # fmt: skip
    return call.go("/glass")


@page(BREAK_GLASS, "TREAT")
async def answer(call: Call) -> Response:
    await glass.answer(call.engine, call.actor, _number(call), call.field("text", 1000), settings=call.door.settings)
    return call.go("/glass")


def _number(call: Call) -> int:
    text = str(call.request.path_params["number"])
    if not text.isdigit() or len(text) > 18:
        raise NotFound("There is no such opening.")
    return int(text)
