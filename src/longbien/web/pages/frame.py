"""The frame of the chart: the patient's life read once, the strip, the tabs, the panel. Every section stands in it."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from ...access import consent, drafts, looked, purpose
from ...access.roles import APPS, BREAK_GLASS, CARERS, CHART_WRITE, CONSENT, STATE_PURPOSE
from ...base.errors import NotFound
from ...base.ids import FHIR_ID, new_id
from ...base.words import Words, mark
from ...record.life import Lived, life_as, named
from ...record.people import replaced_by
from .. import departments
from ..chart import gather as g
from ..chart.model import Chart, build
from ..chart.record import Life, person
from ..page import Call, moved

FORMS = (
    ("note", mark("Note"), "N", mark("Sign the note")),
    ("vitals", mark("Vital signs"), "V", mark("Save vital signs")),
    ("allergy", mark("Allergy"), "", mark("Record allergy")),
    ("problem", mark("Problem"), "", mark("Add problem")),
)
TABS = (
    ("overview", "", mark("Overview"), None),
    ("labs", "labs", mark("Results"), "labs"),
    ("imaging", "imaging", mark("Imaging"), "images"),
    ("drugs", "drugs", mark("Drugs"), "drugs"),
    ("notes", "notes", mark("Notes"), "notes"),
    ("nursing", "nursing", mark("Nursing"), "vitals"),
    ("visits", "visits", mark("Visits"), "visits"),
    ("problems", "problems", mark("Problems"), None),
)
IN_FRONT = ("overview", "labs", "imaging", "drugs", "notes", "nursing")
"""The sections that stand in front, beside what goes on now (the visit or the stay) and the orders."""
SUBSTANCES = (
    mark("Penicillin"), mark("Amoxicillin"), mark("Cefalosporin"), mark("Aspirin"), mark("Ibuprofen"), mark("Co-trimoxazole"),
    mark("Contrast medium"), mark("Latex"), mark("Shrimp"), mark("Crab"), mark("Sea fish"), mark("Peanut"), mark("Milk"), mark("Egg"),  # noqa: E501
)  # fmt: skip
NEWS = 7
_decode = msgspec.json.Decoder().decode


async def place_names(call: Call, ids: set[str]) -> dict[str, str]:
    """Names of organisations, kept by the process: there are few and they rarely change."""
    known: dict[str, str] = call.request.app.state.places
    missing = [i for i in ids if i not in known][:500]
    for id_, body in (await named(call.engine, "Organization", missing)).items():
        known[id_] = str(_decode(body).get("name") or id_)
    return known


async def read_life(call: Call, patient: str, reason: str) -> Life:
    async def read(lived: Lived) -> Life:
        met = g.encounters(lived.bodies.get("Encounter", ()))
        places = await place_names(call, g.places_asked(met) | ({call.actor.organization} if call.actor.organization else set()))
        return g.gather(lived, met, places, call.lang)

    return await life_as(call.engine, call.scope(reason), patient, g.TYPES, read)


def form_state(key: str, title: str, letter: str, action: str, w: Words) -> SimpleNamespace:
    return SimpleNamespace(
        key=key, title=w(title), letter=letter, action=w(action), values={}, errors={}, error="", once=new_id(), saved=None
    )


async def forms(call: Call, patient: str) -> list[SimpleNamespace]:
    """The four forms with their drafts in them."""
    out = []
    kept = {row["form"] for row in await drafts.listed(call.engine.db, call.actor, patient)}
    for key, title, letter, action in FORMS:
        form = form_state(key, title, letter, action, call.w)
        found = await drafts.load(call.engine.db, call.actor, patient, key) if key in kept else None
        if found:
            try:
                form.values = {str(k): str(v) for k, v in json.loads(found[0]).items()}
                form.saved = found[1]
            except (ValueError, AttributeError):
                form.values = {}
        out.append(form)
    return out


async def frame(call: Call, patient: str, tab: str) -> dict[str, Any] | Response:
    """The template's context for one patient, or the page that asks for a purpose. The overview, where the news stands, counts as
    a look (for "since you last looked"), unless the page renews itself behind another one. Raises NotFound."""
    if not FHIR_ID.match(patient):
        raise NotFound("There is no such patient.")
    reason = await call.door.why(call.actor, patient)
    if reason is None:
        return await ask_purpose(call, patient)
    writes = call.actor.may(CHART_WRITE)
    stated = reason.startswith(("purpose", "emergency"))
    one, look, held, drafts_, grant = await asyncio.gather(
        read_life(call, patient, reason),
        looked.look(call.engine.db, call.actor, patient, news=tab == "overview" and _in_view(call)),
        consent.withheld(call.door, call.scope(reason), patient),
        forms(call, patient) if writes and not call.part else _none(),
        purpose.stated(call.engine, call.actor, patient) if stated else _nothing(),
    )
    span = call.query.get("span", "all")
    chart: Chart = build(one, call.w, call.now, look, span)
    w = call.w
    past = [v for v in one.visits if v.start <= call.now]
    warrant = None
    if grant is not None:
        text = w("Opened for: %(reason)s. Until %(time)s.", reason=f"“{grant.reason}”", time=w.moment(grant.until, call.now))
        warrant = SimpleNamespace(text=text, emergency=grant.strength == 2)
    front, rest = _sections(call, chart, len(one.problems), tab)
    known = {f[0] for f in FORMS} | {s.key for s in departments.offered(call.actor)}
    shell: dict[str, Any] = {
        "reason": reason,
        "person": one.person,
        "life": one,
        "chart": chart,
        "tab": tab,
        "tabs": front,
        "more_tabs": rest,
        "warrant": warrant,
        "held": held,
        "breaks_glass": call.actor.may(BREAK_GLASS),
        "consents": call.actor.may(CONSENT),
        "apps": call.actor.may(APPS),
        "accounts": call.actor.may(CARERS),
        "corrects": writes,
        "forms": drafts_,
        "panel": call.query.get("panel") if call.query.get("panel") in known else "note",
        "panel_open": "panel" in call.query,
        "substances": [w(s) for s in SUBSTANCES],
        "last_visit": max(past, key=lambda v: v.start, default=None),
        "spans": ("all", "life", "years", "stay", "day") if chart.stay else ("all", "life", "years", "stay"),
        "news_limit": 500 if call.query.get("news") == "all" else NEWS,
        "toast": "",
        "undo": {},
        "sheets": [],
        "cards": [],
        "rail": [],
        "strip_cards": [],
    }
    await _furnish(call, shell)
    return shell


def _in_view(call: Call) -> bool:
    """Does somebody see what is answered? A page that renews itself says whether it is in front (X-In-View)."""
    return call.request.headers.get("x-by-itself") != "1" or call.request.headers.get("x-in-view") == "1"


def _sections(call: Call, chart: Chart, problems: int, tab: str) -> tuple[list[SimpleNamespace], list[SimpleNamespace]]:
    """The chart's sections: those in front, one line of them, each with a digit for its key; the rest one step further."""
    w, counts = call.w, chart.counts
    own = [
        SimpleNamespace(key=k, path=p, title=w(t), n=counts[c] if c else (problems if k == "problems" else None))
        for k, p, t, c in TABS
    ]
    own += [SimpleNamespace(key=t.key, path=t.path, title=w(t.title), n=None) for t in departments.tabs(call.actor)]
    known = {t.key: t for t in own}
    wanted = (*IN_FRONT, "stay" if chart.stay else "visit", "orders")
    front = [known[k] for k in wanted if k in known]
    return front, [t for t in own if t not in front]


async def _furnish(call: Call, shell: dict[str, Any]) -> None:
    """What the departments put into the chart. A part of the page that is asked for alone has no right panel."""
    shell["sheets"], shell["cards"], shell["strip_cards"], shell["rail"] = await asyncio.gather(
        _none() if call.part else departments.sheets(call, shell),
        departments.panels("overview", call, shell) if shell["tab"] == "overview" else _none(),
        departments.panels("strip", call, shell),
        departments.panels("rail", call, shell),
    )


async def _none() -> list[Any]:
    return []


async def _nothing() -> None:
    return None


PURPOSES = (
    ("TREAT", mark("I treat this patient, or was asked to consult")),
    ("CAREMGT", mark("Transfer, referral or follow-up between hospitals")),
    ("HOPERAT", mark("Work of the hospital: registration, records")),
)


async def ask_purpose(
    call: Call, patient: str, *, error: str = "", reason: str = "", chosen: str = "", status: int = 403
) -> Response:
    """The page that asks why. Shows the name only to who may find people in the whole city."""
    role = call.actor.known_role
    if not call.actor.may(STATE_PURPOSE) or role is None:
        raise NotFound("There is no such record, or it is not open to you.")
    store = call.door.finding(call.actor)
    found = _decode((await store.read("Patient", patient)).body)
    if after := replaced_by(found):
        return moved(call, after)
    if call.part:
        raise NotFound("This record is not open to you any more.")
    who = person(found)
    line = " · ".join(x for x in (call.w.sex(who.sex), call.w.date(who.birth)) if x)
    return call.html(
        "purpose.html", status, id=patient, who=SimpleNamespace(name=who.name, line=line), error=error, reason=reason,
        chosen=chosen or role.purposes[0], purposes=[SimpleNamespace(code=c, text=call.w(t)) for c, t in PURPOSES if c in role.purposes],  # noqa: E501
        hours=call.w.number(call.door.settings.purpose_hours), breaks_glass=call.actor.may(BREAK_GLASS),
    )  # fmt: skip
