"""The visit's page: from reason to signature. What is typed is kept as it is typed; each act answers with the form as it is
then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from starlette.responses import JSONResponse, Response

from ...base import clock
from ...base.errors import Conflict, Invalid, NotFound
from ...base.ids import FHIR_ID, new_id
from ...base.words import mark, parse_instant, words
from ...fhir import systems as s
from ...record.change import Stored
from ...record.store import Store
from ...web import departments, times
from ...web.chart.record import Life, concept, moment, person
from ...web.forms import catalogue, reading
from ...web.page import Call, page
from ...web.pages.frame import frame
from .. import actions, acts, codes, forms, judge, leave, phrases, readings, view
from ..judge import Judged
from ..permissions import CLINIC, VISIT
from ..readings import _decode
from ..view import Desk

NO_CODE = "00000"
NO_HOUR = mark("The hour of the next visit is taken or no hour of the room any more: choose another.")


def done(key: str, call: Call) -> str:
    w = call.w
    return {
        "signed": w("The visit is signed."),
        "added": w("Added to the signed note."),
        "paper": w("The paper is written."),
        "prescribed": w("The prescription is signed."),
        "nobody": w("Nobody is waiting."),
        "phrase": w("Kept among your phrases."),
    }.get(key, "")


async def opened(call: Call, patient: str, *, drafted: bool = True) -> tuple[dict[str, Any], Desk | None] | Response:
    """The chart's frame and the visit of today, None where there is none."""
    shell = await frame(call, patient, "visit")
    if isinstance(shell, Response):
        return shell
    asked = call.query.get("encounter", "") or call.field("encounter", 64)
    found = readings.choose(shell["life"], call.actor.organization, call.now, asked if FHIR_ID.match(asked or "") else "")
    if found is None:
        return shell, None
    return shell, await view.desk(call, patient, shell, found.id, drafted=drafted)


async def lean(call: Call, patient: str, *, past: bool = True) -> Desk:
    """The visit that a form speaks of, without the chart around it: for drafts and acts. Raises NotFound."""
    reason = await view.allowed(call, patient)
    asked = call.field("encounter", 64)
    if not FHIR_ID.match(asked):
        raise NotFound("There is no such visit.")
    stored = await Store(call.engine, call.scope(reason)).read("Patient", patient)
    life = Life(person(_decode(stored.body)))
    shell = {"reason": reason, "life": life, "person": life.person}
    return await view.desk(call, patient, shell, asked, drafted=False, past=past)


@page(VISIT, "TREAT")
async def visit(call: Call) -> Response:
    patient = call.request.path_params["id"]
    got = await opened(call, patient)
    if isinstance(got, Response):
        return got
    shell, one = got
    shell["toast"] = done(call.query.get("done", ""), call)
    if "panel" not in call.query and any(x.key == "order" for x in shell["sheets"]):
        shell["panel"] = "order"  # the note is the page itself
    if one is None:
        return call.html("chart.html", **shell, middle="clinic/none.html", once=new_id(), inpatient=shell["chart"].stay is not None)
    if one.note is not None:
        return await signed_page(call, shell, one)
    return await form_page(call, shell, one)


async def form_page(
    call: Call,
    shell: dict[str, Any],
    one: Desk,
    *,
    judged: Judged | None = None,
    error: str = "",
    status: int = 200,
    once: str = "",
) -> Response:
    if judged is None and not one.typed.empty:
        judged = await _judged(call, one)
    today = view.vitals(call, one.life, call.now)
    if "weight" not in one.typed.texts and (kg := shell["chart"].facts.get("weight")):
        one.typed.texts["weight"] = str(kg[0])
    context = await _context(call, one, judged, error)
    waiting = await acts.next_waiting(call, one.patient)
    filled = [reading.row(r, call.w) for r in await readings.responses(one.store, one.patient, one.encounter.id)]
    return call.html(
        "chart.html", status, **shell, **context, middle="clinic/visit.html", one=one, encounter=_encounter(call, one),
        once=once or new_id(), saved=one.saved, waiting=waiting,
        vitals=today, vitals_text=view.vitals_text(today),
        filled=filled,
        offered=_offered(call),
    )  # fmt: skip


async def _context(call: Call, one: Desk, judged: Judged | None, error: str = "") -> dict[str, Any]:
    own = await phrases.used(call.engine.db, call.actor.number, "dx")
    kept = await view.phrases_of(call)
    one.hours = await _hours(call, one)
    return view.fields(call, one, judged, own, one.saved, kept, error)


async def _hours(call: Call, one: Desk) -> list[datetime]:
    """The free hours of the day of the follow-up, where the room has a schedule."""
    day, _ = leave.follow_up(one.typed.texts.get("followup", ""), clock.local(call.now).date())
    room = await times.room(one.store, readings.room_of(one.encounter.body)) if day else None
    if room is None or day is None:
        return []
    hours = times.TimesSettings.read()
    return [t.start for t in await times.times(one.store, room, day, hours.minutes, hours.capacity, call.now) if t.free]


async def _hour(call: Call, one: Desk) -> tuple[datetime | None, bool]:
    """(the hour that was chosen, is it free)."""
    asked = one.typed.texts.get("followup_at", "")
    if not asked or not one.typed.texts.get("followup"):
        return None, True
    found = next((t for t in await _hours(call, one) if f"{clock.local(t):%H:%M}" == asked), None)
    return found, found is not None


async def _judged(call: Call, one: Desk, *, whole: bool = True) -> Judged:
    return await judge.judge(call, one.store, one.patient, one.life.person, one.typed, one.formulary, whole=whole)


def _offered(call: Call) -> list[SimpleNamespace]:
    """The house's forms that a visit may need: official records of specialties, scores."""
    return [
        SimpleNamespace(id=f.id, title=f.title.of(call.lang), kind=f.kind)
        for f in catalogue.packaged().values() if f.kind in ("record", "score")
    ]  # fmt: skip


def _encounter(call: Call, one: Desk) -> SimpleNamespace:
    e, w = one.encounter.body, call.w
    start = moment((e.get("period") or {}).get("start"))
    where = next((str((x.get("location") or {}).get("display") or "") for x in e.get("location") or ()), "")
    return SimpleNamespace(
        id=one.encounter.id,
        status=str(e.get("status") or ""),
        time=w.moment(start, call.now) if start else "",
        place=where or str((e.get("serviceType") or {}).get("text") or ""),
    )


# --- drafts and acts


@page(VISIT, "TREAT")
async def draft(call: Call) -> Response:
    """Keep what is being typed; answer with when, what is to be said, how each line reads. 409 when it was changed on another
    machine."""
    patient = call.request.path_params["id"]
    one = await lean(call, patient, past=False)
    one.typed = forms.read(view.form(call))
    if other := await _elsewhere(call, one):
        text = call.w("Changed on another machine at %(time)s.", time=call.w.time(other))
        return JSONResponse({"said": text, "at": other.isoformat()}, 409)
    at = await view.keep(call, one)
    if one.encounter.body.get("status") in ("arrived", "triaged"):  # who is written about is in the room
        await actions.call_in(one.store, view.writer(call, patient, one.encounter.id), one.encounter.id, call.now)
    judged = await _judged(call, one)
    return JSONResponse(view.answered(judged, at, call), headers={"Cache-Control": "no-store"})


async def _elsewhere(call: Call, one: Desk) -> Any:
    """When the draft was saved by another window since this one read it; None: it was not, or this one shall win."""
    newest = await view.newest(call, one.patient, one.encounter.id)
    if newest is None or call.field("force", 1):
        return None
    seen = call.field("seen", 40)
    try:
        return newest if not seen or newest > parse_instant(seen) else None
    except ValueError:
        return newest


@page(VISIT, "TREAT")
async def act(call: Call) -> Response:
    """One act of the form: copy the note before, repeat the prescription, add or drop a diagnosis or a drug, a template, a day.
    Answers with the fields as they are then; without a script, with the page."""
    return await _act(call)


async def _act(call: Call) -> Response:
    patient = call.request.path_params["id"]
    one = await lean(call, patient)
    one.typed = forms.read(view.form(call))
    await acts.act(call, one, call.field("act", 80))
    one.saved = await view.keep(call, one)
    if not call.part:
        back = "prescribe" if call.field("page", 10) == "rx" else "visit"
        return call.go(f"/patients/{patient}/{back}?encounter={one.encounter.id}")
    context = await _context(call, one, await _judged(call, one))
    return call.html("clinic/fields.html", **context, **_for_part(one, call))


def _for_part(one: Desk, call: Call) -> dict[str, Any]:
    return {"person": one.life.person, "rx_page": call.field("page", 10) == "rx", "encounter": _encounter(call, one)}


# --- signing


@page(VISIT, "TREAT")
async def sign(call: Call) -> Response:
    patient = call.request.path_params["id"]
    if call.field("act", 80):
        return await _act(call)
    one = await lean(call, patient)
    one.typed = forms.read(view.form(call))
    if call.field("discard", 2):
        await view.drop(call, one)
        return call.go(f"/patients/{patient}/visit?encounter={one.encounter.id}")
    judged = await _judged(call, one)
    error = ""
    if judged.stopped:
        error = call.w("Not signed yet: see what is marked ✕.")
    elif not any(one.typed.texts.get(k) for k in ("reason", "history", "exam", "assessment")):
        error = call.w("Not signed yet: write the reason or the examination.")
    if error:
        return await again(call, one, judged, error)
    given = await signing(call, one, judged)
    given.followup_at, free = await _hour(call, one)
    if not free:
        return await again(call, one, judged, call.w(NO_HOUR))
    if len(given.done) < len(one.typed.done):
        return await again(call, one, judged, call.w("A procedure is not in the catalogue any more: remove it."))
    try:
        await actions.sign(one.store, view.writer(call, patient, one.encounter.id), given, call.now)
    except actions.AlreadySigned as was:
        who = next((str(a.get("display") or "") for a in was.note.get("author") or ()), "")
        at = moment(was.note.get("date"))
        text = call.w(
            "This visit was signed by %(name)s at %(time)s. What you wrote is kept as a draft.",
            name=who,
            time=call.w.time(at) if at else "",
        )
        return await again(call, one, judged, text, 409)
    except times.Taken:
        return await again(call, one, judged, call.w(NO_HOUR), 409)
    except Conflict:
        return await again(call, one, judged, call.w("The visit is being changed by somebody else. Sign again."), 409)
    except Invalid as why:
        text = call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in why.issues[:3])
        return await again(call, one, judged, text)
    await after(call, one, judged)
    return await onward(call, patient, one)


async def after(call: Call, one: Desk, judged: Judged) -> None:
    """The drafts are done; what was written is counted for the favourites."""
    await view.drop(call, one)
    db, me = call.engine.db, call.actor.number
    await phrases.note_use(db, me, "dx", {t.code: "" for t, _ in judged.diagnoses})
    await phrases.note_use(db, me, "drug", {x.drug.code: readings.keep(x.line) for x in judged.written})


async def onward(call: Call, patient: str, one: Desk) -> Response:
    if call.field("then", 8) == "next":
        return await acts.call_next(call, one.patient)
    return call.go(f"/patients/{patient}/visit?encounter={one.encounter.id}&done=signed")


async def again(call: Call, one: Desk, judged: Judged, error: str, status: int = 422) -> Response:
    """The form as it was typed, with what is wrong; kept as a draft."""
    one.saved = await view.keep(call, one)
    if call.part:
        context = await _context(call, one, judged, error)
        return call.html("clinic/fields.html", status, **context, **_for_part(one, call))
    shell = await frame(call, one.patient, "visit")
    if isinstance(shell, Response):
        return shell
    one.shell = shell
    return await form_page(call, shell, one, judged=judged, error=error, status=status, once=view.once(call))


async def signing(call: Call, one: Desk, judged: Judged) -> actions.Signing:
    texts = one.typed.texts
    drugs = [r for r in one.found if r.body.get("status") == "active" and readings.community(r.body)]
    filled = await readings.responses(one.store, one.patient, one.encounter.id)
    defined = [await readings.definition(one.store, i) for i, _ in one.typed.done]
    words_ = words("vi")
    rows = [reading.row(r, words_) for r in filled if r.get("status") in ("completed", "amended")]
    return actions.Signing(
        once=view.once(call),
        judged=judged,
        texts=texts,
        copied=view.copied(one),
        of=one.last.id if one.last else "",
        followup_for=texts.get("followup_for", ""),
        facility=await facility_code(one.store, call.actor.organization or ""),
        known=await problems(one),
        taking=drugs,
        done=[{**x["code"], "text": concept(x["code"]) or str(x.get("title") or "")} for x in defined if x],
        forms=[(r.id, " · ".join(x for x in (r.title, r.result) if x)) for r in rows],
    )


async def problems(one: Desk) -> dict[str, tuple[str, str]]:
    """code -> (id, name) of what is on the patient's problem list and goes on."""
    asked = [
        ("patient", one.patient),
        ("category", "problem-list-item"),
        ("clinical-status", "active,recurrence,relapse"),
        ("_count", "200"),
    ]
    found = await one.store.search("Condition", asked)
    return judge.active_problems([_decode(e.body) for e in found.entries])


async def facility_code(store: Store, organization: str) -> str:
    """Five characters: the facility's code (mã cơ sở khám bệnh, chữa bệnh); zeros where it has none."""
    if not organization:
        return NO_CODE
    stored: Stored = await store.read("Organization", organization)
    body = _decode(stored.body)
    return next(
        (str(i["value"]) for i in body.get("identifier") or () if i.get("system") == s.FACILITY_CODE and i.get("value")), NO_CODE
    )


# --- what is signed


async def signed_page(call: Call, shell: dict[str, Any], one: Desk) -> Response:
    assert one.note is not None
    papers = await readings.papers(one.store, one.patient, one.encounter.id)
    replaced = {
        str((r.get("targetReference") or {}).get("reference") or "").rpartition("/")[2]
        for p in papers
        for r in p.body.get("relatesTo") or ()
    }
    rows = [
        SimpleNamespace(
            id=p.id, code=_code(p.body), title=str(p.body.get("title") or ""), at=moment(p.body.get("date")),
            number=str((p.body.get("identifier") or {}).get("value") or ""), replaced=p.id in replaced,
        )
        for p in papers
    ]  # fmt: skip
    written = [
        SimpleNamespace(title=str(x.get("title") or ""), text=readings.plain(x.get("text")), copied=bool(x.get("extension")))
        for x in one.note.body.get("section") or ()
    ]
    note = SimpleNamespace(
        id=one.note.id, at=moment(one.note.body.get("date")), status=one.note.body.get("status"), version=one.note.version,
        author=next((str(a.get("display") or "") for a in one.note.body.get("author") or ()), ""),
    )  # fmt: skip
    left = bool(one.typed.texts.get("history") or one.typed.texts.get("exam")) and one.saved is not None
    return call.html(
        "chart.html", **shell, middle="clinic/signed.html", encounter=_encounter(call, one), note=note, sections=written,
        papers=rows,
        once=new_id(), waiting=await acts.next_waiting(call, one.patient), kept_draft=left,
        official=any(r.path.startswith("/papers/{") for d in departments.HOUSE for r in d.routes),
    )  # fmt: skip


def _code(paper: Mapping[str, Any]) -> str:
    return next((str(c.get("code")) for c in (paper.get("type") or {}).get("coding") or () if c.get("system") == codes.PAPER), "")


@page(VISIT, "TREAT")
async def add(call: Call) -> Response:
    """Add to what is signed."""
    patient = call.request.path_params["id"]
    one = await lean(call, patient)
    text = call.field("text")
    if one.note is not None and text:
        await actions.add(one.store, view.writer(call, patient, one.encounter.id), one.note, text, call.now)
    return call.go(f"/patients/{patient}/visit?encounter={one.encounter.id}&done=added")


@page(VISIT, "TREAT")
async def start(call: Call) -> Response:
    """A visit that reception has not made."""
    patient = call.request.path_params["id"]
    reason = await view.allowed(call, patient)
    id_ = view.once(call)
    await actions.begin(Store(call.engine, call.scope(reason)), view.writer(call, patient), id_, None, call.now)
    return call.go(f"/patients/{patient}/visit?encounter={id_}")


@page(CLINIC, "TREAT")
async def call_in(call: Call) -> Response:
    """Call this patient in."""
    patient = call.request.path_params["id"]
    reason = await view.allowed(call, patient)
    encounter = call.field("encounter", 64)
    if not FHIR_ID.match(encounter):
        raise NotFound("There is no such visit.")
    store = Store(call.engine, call.scope(reason))
    if not await actions.call_in(store, view.writer(call, patient, encounter), encounter, call.now):
        raise Conflict("Somebody else was first.")
    return call.go(f"/patients/{patient}/visit?encounter={encounter}")
