"""Apps of others: what one wants to see, in plain words, and yes or no; one's own apps; opening an app from a patient's page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

from starlette.responses import Response

from ...access import carers, sessions, smart
from ...access.apps import address, registry, tokens
from ...access.apps import authorize as asking
from ...access.apps.refusal import Refusal
from ...access.peer import cookie, peer
from ...access.resource_types import KINDS
from ...access.roles import APPS, CHART, ME, SEARCH
from ...base.errors import LongbienError, NotFound
from ...base.ids import FHIR_ID
from ...base.words import mark
from ...record.store import Store
from .. import render
from ..chart.record import person
from ..page import Call, page

MOST_FOUND = 20
GOES_ON = ("arrived", "triaged", "in-progress", "onleave")
"""States of an encounter that goes on (R4 encounter-status)."""


# -- yes or no ------------------------------------------------------------------------------------------------------------


@page(APPS, "TREAT")
async def authorize(call: Call) -> Response:
    return await _ask(call, list(call.query.multi_items()))


async def _ask(call: Call, params: list[tuple[str, str]], error: str = "", status: int = 200) -> Response:
    wish = await _wish(call, params)
    if isinstance(wish, Response):
        return wish
    try:
        patient, _ = await asking.launched(call.engine, wish, call.actor) if wish.launch else (None, None)
    except asking.SentBack as why:
        return _away(call, why.url)
    choices = await _choices(call) if wish.picks_patient else []
    about = await _who(call, patient) if patient else None
    kept = [(n, v) for n, v in params if n in asking.PARAMETERS]
    said = asking.granted(call.actor, wish.said)
    return call.html(
        "apps/authorize.html", status, _may_send_to(wish.redirect), app=wish.app, kept=kept, about=about,
        picks=wish.picks_patient, choices=choices, q=call.query.get("q", "")[:100], finds=call.actor.may(SEARCH), error=error,
        wanted=_said(call, said), others=said.others, host=_shown(wish.redirect), days=round(call.door.settings.app_days),
        staff=not call.actor.may(ME), nothing=not said.ones,
    )  # fmt: skip


async def _wish(call: Call, params: Sequence[tuple[str, str]]) -> asking.Wish | Response:
    place = address.place(call.request, call.door)
    try:
        return await asking.wish(call.engine, params, place.fhir, place.issuer)
    except asking.SentBack as why:
        return _away(call, why.url)
    except Refusal as why:
        title, text = call.w("This app cannot go on"), call.w("What the app asks cannot be answered. Tell whoever gave it to you:")
        return call.html("error.html", 400, title=title, text=text, detail=why.text, href="/", action=call.w("To the start"))


@page(APPS, "TREAT")
async def answer(call: Call) -> Response:
    """What was asked is looked at anew: what the form brings back is not believed."""
    form = call.form
    params = [(k, v) for k, v in form.multi_items() if isinstance(v, str) and k in asking.PARAMETERS] if form is not None else []
    wish = await _wish(call, params)
    if isinstance(wish, Response):
        return wish
    if call.field("answer", 10) != "allow":
        return _away(call, asking.deny(wish))
    try:
        patient, encounter = await asking.launched(call.engine, wish, call.actor) if wish.launch else (None, None)
    except asking.SentBack as why:
        return _away(call, why.url)
    if wish.picks_patient:
        patient = call.field("patient", 64)
        if not FHIR_ID.match(patient):
            return await _ask(call, params, call.w("Choose the patient that the app shall be about."), 422)
        if await call.door.why(call.actor, patient) is None:
            error = NotFound("This record is not open to you.")
            await call.door.refused(call.actor, error, patient=patient)
            raise error
    if patient is not None and wish.launch is None and "launch/encounter" in wish.said.others:
        encounter = await _visit(call, patient)
    secret = cookie(call.request, sessions.cookie_name(peer(call.request, call.door.proxies).secure))
    url = await asking.allow(
        call.engine, call.door.settings, wish, call.actor, patient=patient, encounter=encounter, session=secret
    )
    return _away(call, url)


def _away(call: Call, url: str) -> Response:
    """To the app's own address, which was registered. Nothing of ours goes along as a referrer."""
    return Response(status_code=303, headers={"Location": url, "Referrer-Policy": "no-referrer", **_may_send_to(url)})


def _may_send_to(url: str) -> dict[str, str]:
    """Browsers hold a form's redirect to form-action too: the one registered address is let through."""
    return {"Content-Security-Policy": _many([url])}


def _many(urls: Sequence[str]) -> str:
    split = [urlsplit(u) for u in urls]
    where = sorted({f"{p.scheme}://{p.netloc}" if p.scheme in ("http", "https") else f"{p.scheme}:" for p in split})
    return render.HEADERS["Content-Security-Policy"].replace("form-action 'self'", " ".join(["form-action 'self'", *where]))


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return parts.hostname or parts.scheme


async def _choices(call: Call) -> list[SimpleNamespace]:
    """Whom the app may be about: one's own record and those one cares for; of staff, who is found by name among those open."""
    actor = call.actor
    store = Store(call.engine, call.scope("choosing whom an app is about"))
    if actor.may(ME):
        cared = await carers.of(call.engine.db, actor)
        ids = [*([actor.patient] if actor.patient else []), *(c.patient for c in cared)]
        query = [("_id", ",".join(ids))] if ids else []
    else:
        text = call.query.get("q", "").strip()[:100]
        query = [("name", text)] if text and actor.may(SEARCH) else []
    if not query:
        return []
    page_ = await store.search("Patient", [*query, ("_count", str(MOST_FOUND))])
    return [_person(e.body) for e in page_.matches]


async def _who(call: Call, id_: str) -> SimpleNamespace:
    store = Store(call.engine, call.scope("an app asks about this patient"))
    return _person((await store.read("Patient", id_)).body)


def _person(body: bytes) -> SimpleNamespace:
    p = person(json.loads(body))
    return SimpleNamespace(id=p.id, name=p.name, sex=p.sex, birth=p.birth)


def _said(call: Call, said: smart.Said) -> list[SimpleNamespace]:
    """What an app will see and do, in plain words: by whose records, then reading, then writing."""
    parts = []
    for level in ("patient", "user"):
        ones = [o for o in said.ones if o.level == level]
        if not ones:
            continue
        verbs = (
            (call.w("It will see"), frozenset("rs")), (call.w("It may add"), frozenset("c")),
            (call.w("It may change"), frozenset("u")), (call.w("It may delete"), frozenset("d")),
        )  # fmt: skip
        lines = [SimpleNamespace(title=t, kinds=_kinds(call, [o for o in ones if o.ops & ops])) for t, ops in verbs]
        parts.append(SimpleNamespace(level=level, lines=[line for line in lines if line.kinds]))
    return parts


def _kinds(call: Call, ones: Sequence[smart.One]) -> list[SimpleNamespace]:
    if any(o.type == "*" for o in ones):
        return [SimpleNamespace(title=call.w("everything in the record that you may see yourself"), only=[])]
    found = []
    for kind in KINDS.values():
        mine = [o for o in ones if o.type in kind.types]
        if mine:
            only = [] if any(not o.query for o in mine) else sorted({_only(call, o.query) for o in mine})
            found.append(SimpleNamespace(title=kind.vi if call.lang == "vi" else kind.en, only=only))
    return found


PLAIN = {
    "laboratory": mark("laboratory tests"), "vital-signs": mark("vital signs"), "imaging": mark("imaging"),
    "active": mark("active"),
}  # fmt: skip


def _only(call: Call, query: str) -> str:
    """category=http://...|laboratory as a reader can bear it: "laboratory tests"; what has no plain word stands as it is."""
    values = [(p.partition("=")[0], p.partition("=")[2].rpartition("|")[2]) for p in query.split("&")]
    return ", ".join(call.w(PLAIN[value]) if value in PLAIN else f"{name} {value}" for name, value in values)


# -- one's own apps -------------------------------------------------------------------------------------------------------


@page(APPS, "TREAT")
async def mine(call: Call) -> Response:
    rows = await call.engine.db.fetch(asking.Q.grant_list, call.actor.number)
    apps = []
    for r in rows:
        try:
            about = await _who(call, r["patient"]) if r["patient"] else None
        except LongbienError:  # it was open when the app was allowed, and is no more
            about = None
        said = smart.read(r["scope"])
        apps.append(SimpleNamespace(row=r, about=about, parts=_said(call, said), stays="offline_access" in said.others))
    return call.html("apps/mine.html", apps=apps, done=call.query.get("done") == "1", staff=not call.actor.may(ME))


@page(APPS, "TREAT")
async def end(call: Call) -> Response:
    if not await tokens.end_own(call.engine, call.actor.number, int(call.request.path_params["number"]), call.actor.address):
        raise NotFound("There is no such permission of yours.")
    return call.go("/apps?done=1")


# -- from a patient's page ------------------------------------------------------------------------------------------------


@page(CHART, "TREAT")
async def of_patient(call: Call) -> Response:
    id_ = await _open(call)
    apps = await registry.launchable(call.engine.db, call.actor.organization)
    sent = {"Content-Security-Policy": _many([a["launch_url"] for a in apps])}
    return call.html("apps/launch.html", 200, sent, about=await _who(call, id_), apps=apps)


async def _open(call: Call) -> str:
    id_ = str(call.request.path_params["id"])
    if not FHIR_ID.match(id_) or await call.door.why(call.actor, id_) is None:
        raise NotFound("There is no such patient.")
    return id_


async def _visit(call: Call, patient: str) -> str | None:
    """The visit or stay that goes on now, of those that the reader may see: at the own facility, else the newest."""
    store = Store(call.engine, call.scope("opening an app"))
    asked = [("patient", f"Patient/{patient}"), ("status", ",".join(GOES_ON)), ("_sort", "-date"), ("_count", "1")]
    here = [("service-provider", f"Organization/{call.actor.organization}")] if call.actor.organization else []
    for also in (here, []) if here else ([],):
        found = await store.search("Encounter", [*asked, *also])
        if found.matches:
            return found.matches[0].id
    return None


@page(CHART, "TREAT")
async def launch(call: Call) -> Response:
    """An app begins with this patient, and with the visit that goes on, if one does."""
    id_ = await _open(call)
    app = await registry.find(call.engine.db, call.request.path_params["client_id"])
    known = {a["client_id"]: a for a in await registry.launchable(call.engine.db, call.actor.organization)}
    if app is None or app.client_id not in known:
        raise NotFound("There is no such app.")
    secret = await asking.begin_launch(call.engine, call.actor, app.number, id_, await _visit(call, id_))
    place, url = address.place(call.request, call.door), known[app.client_id]["launch_url"]
    glue = "&" if urlsplit(url).query else "?"
    return _away(call, f"{url}{glue}{urlencode({'iss': place.fhir, 'launch': secret})}")
