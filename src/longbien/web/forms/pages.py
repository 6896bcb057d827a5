"""The pages of forms: which there are, filling one, reading one.

Everything works without script: each button sends the whole form and the page comes back with conditions and calculated items
worked out. With script (forms.js) the same answer comes as JSON while one types. Both are worked out here, once."""

from __future__ import annotations

import re
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from starlette.responses import JSONResponse, Response

from ...access import drafts
from ...access.roles import CHART, CHART_WRITE, Permission
from ...base.errors import Conflict, Invalid, NotFound
from ...base.ids import FHIR_ID, new_id
from ...base.words import Words
from ...fhir import json
from ...record.store import Store
from ..page import Call, page, route
from ..pages.frame import frame
from ..pages.write import opened, writer_of
from . import actions, catalogue, filling, phrases, reading
from .actions import Desk
from .draft import Draft
from .extract import own_id
from .filling import Fields, Filled
from .tree import Form, Resource, walk
from .view import Sheet, when

SIGN_RECORDS = Permission("sign-records", "Sign medical records and consents to treatment", frozenset({"doctor", "head"}))
Kept = tuple[Draft, datetime] | None
"""What is kept of a form, and since when."""
OWN = frozenset({"csrf", "once", "act", "more", "less", "keep", "page", "amend", "why", "back"})
MOST_OF_A_FIELD = 20_000
SIGNED = ("completed", "amended")


def _fields(call: Call, form: Form) -> Fields:
    """What was typed, by field name; only the form's own fields."""
    links = {i.segment for i in walk(form.items)}
    out: Fields = {}
    for name, value in call.form.multi_items() if call.form is not None else ():
        if name in OWN or not isinstance(value, str) or len(name) > 400:
            continue
        if name.rpartition("/")[2].partition("*")[0] in links:
            out.setdefault(name, []).append(value.replace("\0", "").replace("\r\n", "\n")[:MOST_OF_A_FIELD])
    return out


async def _desk(call: Call, patient: str = "", form_id: str = "", amend: str = "") -> tuple[Desk, Kept]:
    """A form in the writer's hands: that of the address unless another is named; and what is kept of it."""
    patient = patient or call.request.path_params["id"]
    reason = await opened(call, patient)
    store = Store(call.engine, call.scope(reason))
    form = await catalogue.find(store, form_id or call.request.path_params["questionnaire"])
    writer = await writer_of(call, patient, reason)
    return await actions.desk(store, call.actor, writer, form, call.w, call.now, f"form:{form.id}:{amend}" if amend else "")


def _home(call: Call) -> str:
    return f"/patients/{call.request.path_params['id']}/forms"


def _kept(w: Words, at: Any) -> str:
    return w("draft, kept %(when)s", when=w.time(at))


def done(call: Call) -> str:
    """What the page says that was done."""
    w = call.w
    return {
        "signed": w("The form is signed."),
        "left": w("Left in the record for colleagues to go on with."),
        "discarded": w("The draft is discarded."),
        "amended": w("The form is amended."),
    }.get(call.query.get("done", ""), "")


# --- the list


@page(CHART, "TREAT")
async def listed(call: Call) -> Response:
    """Which forms there are, which wait to be gone on with, and which were filled."""
    patient = call.request.path_params["id"]
    shell = await frame(call, patient, "forms")
    if isinstance(shell, Response):
        return shell
    store = Store(call.engine, call.scope(shell["reason"]))
    filled = [reading.row(r, call.w) for r, _ in await actions.responses(store, patient)]
    kept = await drafts.listed(call.engine.db, call.actor, patient)
    who = shell["person"]
    groups = [SimpleNamespace(title=call.w(title), **_offers(kind, call, who.sex, who.birth)) for kind, title in catalogue.KINDS]
    groups[-1].forms += await _own_forms(store)
    context: dict[str, Any] = {
        "groups": [g for g in groups if g.forms or g.others],
        "drafts": [_draft_row(call, row["form"], row["updated"]) for row in kept if row["form"].startswith("form:")],
        "open": [r for r in filled if r.status == "in-progress"],
        "done": [r for r in filled if r.status not in ("in-progress", "entered-in-error")],
        "writes": call.actor.may(CHART_WRITE),
    }
    shell["toast"] = done(call)
    return call.html("forms/page.html", **shell, middle="forms/list.html", **context)


def _offers(kind: str, call: Call, gender: str | None, birth: Any) -> dict[str, list[SimpleNamespace]]:
    """The forms of a kind: those meant for this patient's age and gender, and the others."""
    out: dict[str, list[SimpleNamespace]] = {"forms": [], "others": []}
    for f in (f for f in catalogue.packaged().values() if f.kind == kind):
        where = "forms" if filling.fits(f, gender, str(birth or ""), call.now) else "others"
        out[where].append(SimpleNamespace(id=f.id, title=f.title.of(call.lang), about=f.about.of(call.lang)))
    return out


async def _own_forms(store: Store) -> list[SimpleNamespace]:
    """The hospital's own Questionnaires."""
    found = await store.search("Questionnaire", [("status", "active"), ("_count", "100")])
    out = []
    for entry in found.matches:
        raw = json.loads(entry.body)
        if entry.id not in catalogue.packaged():
            title = str(raw.get("title") or raw.get("name") or entry.id)
            out.append(SimpleNamespace(id=entry.id, title=title, about=str(raw.get("description") or "")))
    return out


def _draft_row(call: Call, key: str, at: Any) -> SimpleNamespace:
    id_, _, response = key.removeprefix("form:").partition(":")
    form = catalogue.packaged().get(id_)
    href = f"{_home(call)}/{id_}" + (f"?amend={response}" if response else "")
    return SimpleNamespace(title=form.title.of(call.lang) if form else id_, at=at, href=href, amends=bool(response))


# --- filling one


@page(CHART_WRITE, "TREAT")
async def fill(call: Call) -> Response:
    """A form to fill: my draft of it, else what a colleague left unfinished, else a new one with what the record knows."""
    shell = await frame(call, call.request.path_params["id"], "forms")
    if isinstance(shell, Response):
        return shell
    amend = call.query.get("amend", "")
    desk, found = await _desk(call, amend=amend)
    if amend:
        return await _amending(call, shell, desk, amend, found)
    context = await _opened(call, desk, found)
    return call.html("forms/page.html", **shell, middle="forms/fill.html", **context)


async def _opened(call: Call, desk: Desk, found: Kept) -> dict[str, Any]:
    """What the template of a form asks, as the form is opened."""
    saved, left_by = "", ""
    left = await actions.last(desk, ("in-progress",), visit=True) if found is None else None
    if found is not None:
        held, saved = found[0], _kept(call.w, found[1])
        await actions.refresh(desk, held)
    elif left is not None:
        held, left_by = actions.goes_on(desk, *left), reading.author(left[0])
    else:
        held = await actions.fresh(desk)
    held.page = new_id()
    if found is not None:
        await actions.save(desk, held)  # the page that was opened last writes; an older one is told so
    previous = await actions.last(desk, SIGNED) if not held.copied else None
    return _context(call, desk, held, desk.filled(held), saved=saved, left_by=left_by, previous=previous)


async def sheet(call: Call, patient: str, form_id: str, back: str = "") -> dict[str, Any]:
    """A form to be shown in another room's page or in a sheet of the chart's panel: what `{% include "forms/sheet.html" %}` asks
    (the page brings forms.css and forms.js). It posts to the form's own address; when it is signed the reader goes to `back`, a
    path of this house (with done=form), else to the signed form. Raises NotFound (no such form, or the record is not open)."""
    context = await _opened(call, *await _desk(call, patient, form_id))
    return {**context, "back": back}


def _context(
    call: Call, desk: Desk, held: Draft, filled: Filled, *, saved: str = "", left_by: str = "",
    previous: tuple[Resource, int] | None = None, refused: str = "", amend: str = "", moved: bool = False,
) -> dict[str, Any]:  # fmt: skip
    before = None
    if previous is not None and desk.form.kind != "score":
        before = SimpleNamespace(id=previous[0]["id"], at=when(previous[0].get("authored")), who=reading.author(previous[0]))
    base = f"/patients/{desk.writer.patient}/forms/{desk.form.id}"
    shown = Sheet(desk.form, filled, held, desk.w, desk.now, base, saved, phrases=phrases.of(desk.form))
    return {
        "s": shown, "left_by": left_by, "previous": before, "refused": refused, "amend": amend, "moved": moved,
        "back": _back(call), "may_not_sign": _may_not_sign(call, desk.form),
        "unfit": not filling.fits(desk.form, desk.patient.get("gender"), desk.patient.get("birthDate"), call.now),
        "usual": bool(phrases.usual(desk.form)),
    }  # fmt: skip


def _back(call: Call) -> str:
    """Where the reader goes on when the form is signed: a path of this house, or ""."""
    given = call.field("back", 300)
    return given if re.fullmatch(r"/(?![/\\])[\w./?=&%-]*", given, re.ASCII) else ""


async def _amending(call: Call, shell: dict[str, Any], desk: Desk, id_: str, found: Kept) -> Response:
    before, version = await _response(desk.store, desk.writer.patient, id_)
    saved = ""
    held = actions.goes_on(desk, before, version)
    if found is not None and found[0].version == version:
        held, saved = found[0], _kept(call.w, found[1])
    held.page = new_id()
    if saved:
        await actions.save(desk, held, f"{desk.key}:{id_}")
    context = _context(call, desk, held, desk.filled(held), saved=saved, amend=id_)
    return call.html("forms/page.html", **shell, middle="forms/fill.html", **context)


async def _response(store: Store, patient: str, id_: str) -> tuple[Resource, int]:
    """A response of this patient. Raises NotFound."""
    if not FHIR_ID.match(id_):
        raise NotFound("There is no such form.")
    stored = await store.read("QuestionnaireResponse", id_)
    found: Resource = json.loads(stored.body)
    if (found.get("subject") or {}).get("reference") != f"Patient/{patient}":
        raise NotFound("There is no such form.")
    return found, stored.version


def _amend(call: Call) -> str:
    given = call.field("amend", 64)
    return given if FHIR_ID.match(given) else ""


def _key(desk: Desk, amend: str) -> str:
    return f"{desk.key}:{amend}" if amend else desk.key


async def _held(call: Call, desk: Desk, amend: str, found: Kept) -> Draft:
    """What was typed, joined to what is kept of the form."""
    once = call.field("once", 64)
    if found is not None:
        held = found[0]
    elif amend:
        held = actions.goes_on(desk, *await _response(desk.store, desk.writer.patient, amend))
    else:
        left = await actions.last(desk, ("in-progress",), visit=True)
        held = actions.goes_on(desk, *left) if left is not None and left[0]["id"] == once else await actions.fresh(desk)
        if FHIR_ID.match(once) and len(once) <= 47:
            held.once = once
    held.fields = _fields(call, desk.form)
    held.reason = call.field("why", 2000)
    for name in call.form.getlist("keep") if call.form is not None else ():
        held.copied.pop(str(name), None)
        held.record.pop(str(name), None)
    return held


@page(CHART_WRITE, "TREAT")
async def draft(call: Call) -> Response:
    """Keep what is being typed, and say what follows from it. 409: the form was gone on with on another page."""
    amend, own = _amend(call), call.field("page", 64)
    desk, found = await _desk(call, amend=amend)
    held = await _held(call, desk, amend, found)
    if held.page and held.page != own and call.field("act", 20) != "here":
        said = call.w("This form was gone on with on another page or machine.")
        return JSONResponse({"moved": said}, 409, headers={"Cache-Control": "no-store"})
    held.page = own
    filled = desk.filled(held)
    at = await actions.save(desk, held, _key(desk, amend))
    sheet = Sheet(desk.form, filled, held, desk.w, desk.now, "")
    return JSONResponse({"saved": _kept(call.w, at), **sheet.live()}, headers={"Cache-Control": "no-store"})


@page(CHART_WRITE, "TREAT")
async def send(call: Call) -> Response:
    """The form with what shall happen to it: check, more, less, copy, leave, discard, sign."""
    act, amend = call.field("act", 20), _amend(call)
    desk, found = await _desk(call, amend=amend)
    if act == "discard":
        await actions.drop(desk, _key(desk, amend))
        return call.go(f"{_home(call)}?done=discarded")
    held = await _held(call, desk, amend, found)
    _rows(call, held)
    if act == "copy" and (previous := await actions.last(desk, SIGNED)):
        held = actions.copy_forward(desk, held, previous[0])
    if act == "template":
        held = actions.template(desk, held)
    filled = desk.filled(held)
    refused, moved = "", False
    if act == "sign":
        filling.missing(filled, call.w)
        refused = call.w("Say why it is amended.") if amend and not held.reason else _may_not_sign(call, desk.form)
    try:
        if act == "sign" and not filled.errors and not refused:
            return await _signed(call, desk, held, filled, amend)
        if act == "leave" and not amend:
            await actions.leave(desk, held)
            await actions.drop(desk)
            return call.go(f"{_home(call)}?done=left")
    except Conflict:
        moved, refused = (
            True,
            call.w("This form was signed or gone on with meanwhile. What you wrote is kept; look at the other first."),
        )
        if not amend:
            await actions.apart(desk, held)
    except Invalid as error:
        refused = call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in error.issues[:3])
    held.page = new_id()
    at = await actions.save(desk, held, _key(desk, amend))
    shell = await frame(call, desk.writer.patient, "forms")
    if isinstance(shell, Response):
        return shell
    status = 409 if moved else 422 if act == "sign" or refused else 200
    context = _context(call, desk, held, filled, saved=_kept(call.w, at), refused=refused, amend=amend, moved=moved)
    return call.html("forms/page.html", status, **shell, middle="forms/fill.html", **context)


def _may_not_sign(call: Call, form: Form) -> str:
    """Why this reader does not sign this form, "" who may."""
    doctors = form.kind in catalogue.PAPERS and not call.actor.may(SIGN_RECORDS)
    return call.w("A doctor signs this. Leave it for a colleague.") if doctors else ""


async def _signed(call: Call, desk: Desk, held: Draft, filled: Filled, amend: str) -> Response:
    if not amend:
        await actions.sign(desk, held, filled)
        if back := _back(call):
            return call.go(f"{back}{'&' if '?' in back else '?'}done=form")
        return call.go(f"{_home(call)}/responses/{held.once}?done=signed")
    before, version = await _response(desk.store, desk.writer.patient, amend)
    if version != held.version:
        raise Conflict("Somebody else amended it.")
    await actions.amend(desk, held, filled, before, held.reason)
    await actions.drop(desk, _key(desk, amend))
    return call.go(f"{_home(call)}/responses/{amend}?done=amended")


def _rows(call: Call, held: Draft) -> None:
    """One instance more of a group, or one less."""
    more, less = call.field("more", 400), call.field("less", 400)
    if more:
        there = [k[len(more) + 1 :].partition("/")[0] for k in held.fields if k.startswith(more + "*")]
        last = max((int(n) for n in there if n.isdigit()), default=0)
        if last + 1 < filling.MOST_TIMES:
            held.fields[f"{more}*{last + 1}"] = ["1"]
    stem, star, number = less.rpartition("*")
    if star and number.isdigit():
        held.fields = without(held.fields, stem, int(number))


def without(fields: Fields, stem: str, number: int) -> Fields:
    """Fields without one instance of a group; those behind it move up."""
    out: Fields = {}
    for name, texts in fields.items():
        head, star, rest = name.partition(f"{stem}*")
        index, slash, below = rest.partition("/")
        if head or not star or not index.isdigit():
            out[name] = texts
        elif int(index) != number:
            out[f"{stem}*{int(index) - (int(index) > number)}{slash}{below}"] = texts
    return out


# --- reading one


@page(CHART, "TREAT")
async def read(call: Call) -> Response:
    """A form as it was filled: who, when, what was copied, why it was amended. Prints on paper."""
    patient = call.request.path_params["id"]
    shell = await frame(call, patient, "forms")
    if isinstance(shell, Response):
        return shell
    store = Store(call.engine, call.scope(shell["reason"]))
    found, _ = await _response(store, patient, call.request.path_params["rid"])
    form = await catalogue.of(store, str(found.get("questionnaire") or ""))
    why = await actions.reasons(store, patient, str(found["id"])) if found.get("status") == "amended" else []
    context: dict[str, Any] = {
        "row": reading.row(found, call.w),
        "parts": reading.by_form(form, found, call.w) if form else reading.plain(found.get("item") or []),
        "known": form,
        "why": reading.reasons(why),
        "writes": call.actor.may(CHART_WRITE) and form is not None and found.get("status") in SIGNED,
        "paper": own_id(str(found["id"]), "paper") if form and form.kind in catalogue.PAPERS and _prints(call) else "",
    }
    shell["toast"] = done(call)
    return call.html("forms/page.html", **shell, middle="forms/read.html", **context)


def _prints(call: Call) -> bool:
    """Is there a records office that prints papers?"""
    return any(str(getattr(r, "path", "")).startswith("/papers/") for r in call.request.app.routes)


ROUTES = [
    route("/patients/{id}/forms", listed),
    route("/patients/{id}/forms/responses/{rid}", read),
    route("/patients/{id}/forms/{questionnaire}", fill),
    route("/patients/{id}/forms/{questionnaire}", send, ["POST"]),
    route("/patients/{id}/forms/{questionnaire}/draft", draft, ["POST"]),
]
