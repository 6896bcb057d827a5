"""The page where a death is recorded, and taken back when it was a mistake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from starlette.responses import Response

from longbien.access.roles import Permission
from longbien.base import clock
from longbien.base.errors import Conflict, Invalid
from longbien.base.words import Words, mark
from longbien.record.store import Store
from longbien.web import departments
from longbien.web.chart import record as r
from longbien.web.entries import Writer
from longbien.web.page import Call, page, route
from longbien.web.pages.frame import frame, place_names
from longbien.web.pages.write import opened
from longbien.web.terms import Term

from . import death_actions as act
from .death_rules import (
    LINES,
    MANNERS,
    PLACES,
    UNDO_WITHIN,
    UNIT_WORDS,
    Cause,
    Death,
    chain_errors,
    only_a_mode,
    read_chain,
    time_error,
)
from .discharge_actions import found, told
from .discharge_form import moment
from .discharge_read import stable
from .discharge_view import Blank

DEATH = Permission("death", mark("Record a death"), frozenset({"doctor", "head"}))
PREFIXES = ("cause.",)
NAMES = ("day", "time", "place", "manner", "others", "autopsy", "told", "confirmed")


def parse(
    values: Mapping[str, str], k: act.Known, now: datetime, w: Words, icd: Mapping[str, Term]
) -> tuple[Death, dict[str, str]]:
    """The death and the errors by field."""
    errors: dict[str, str] = {}
    at = moment(values.get("day", "").strip(), values.get("time", "").strip())
    out = Death(at or now, values.get("place") or "here", values.get("manner") or "illness")
    if at is None:
        errors["when"] = w("Say the day and the time, for example %(example)s.", example=f"{clock.local(now):%d/%m/%Y %H:%M}")
    elif wrong := time_error(at, now, str(k.patient.get("birthDate") or ""), k.admitted if out.place == "here" else None):
        errors["when"] = w(wrong)
    if out.manner not in MANNERS or out.place not in PLACES:
        errors["manner"] = w("Choose one.")
    for line, code, typed, number, unit in read_chain(values):
        code = code if code in icd else typed.upper() if typed.upper() in icd else ""
        if not code:
            errors[f"cause.{line}"] = w("Choose a diagnosis from the list.")
            continue
        if number and not (number.isdigit() and 0 < int(number) < 1000 and unit in UNIT_WORDS):
            errors[f"cause.{line}"] = w("How long: a number, and minutes to years.")
            continue
        out.chain.append(Cause(line, code, icd[code].vi, int(number or 0), unit if number else ""))
    for line, text in chain_errors(out.chain).items():
        errors.setdefault(f"cause.{line}", w(text))
    out.confirmed = values.get("confirmed") == "1"
    if not errors and only_a_mode(out.chain) and not out.confirmed:
        errors["confirmed"] = w(
            "The last line says how the patient died, not of what. Add the illness behind it, or confirm that it is unknown."
        )
    out.others, out.told = values.get("others", "").strip()[:500], values.get("told", "").strip()[:200]
    out.autopsy = values.get("autopsy") == "1"
    return out, errors


def _typed(call: Call) -> dict[str, str]:
    given = call.form.items() if call.form is not None else ()
    names = [k for k, v in given if isinstance(v, str) and (k in NAMES or k.startswith(PREFIXES))]
    return {k: call.field(k, 500) for k in names[:60]}


async def _known(call: Call, reason: str) -> tuple[Store, act.Known]:
    store = Store(call.engine, call.scope(reason))
    return store, await act.known(store, call.request.path_params["id"], call.actor.organization)


async def _show(call: Call, values: Mapping[str, str], errors: Mapping[str, str], refused: str = "", status: int = 200) -> Response:
    shell = await frame(call, call.request.path_params["id"], "death")
    if isinstance(shell, Response):
        return shell
    if call.part:
        return call.html("ward/discharge-part.html", **shell)
    store, k = await _known(call, shell["reason"])
    here = clock.local(call.now)
    given = Blank({"day": f"{here:%d/%m/%Y}", "time": f"{here:%H:%M}", "place": "here", "manner": "illness", **values})
    note = await found(store, "Provenance", stable("pv", k.patient["id"], act.CODE)) if k.dead else None
    since = r.moment(note.get("recorded")) if note else None
    composition = k.one("Composition", stable("death", k.patient["id"]))
    text = {"recorded": call.w("The death is recorded."), "undone": call.w("Taken back: the patient is alive in the record.")}
    return call.html(
        "chart.html", status, **{**shell, "toast": text.get(call.query.get("done", ""), "")}, middle="ward/death.html",
        values=given, errors=errors, refused=refused, dead=k.dead, visit=k.visit, admitted=k.admitted, lines=LINES,
        units=[(u, call.w(m)) for u, (_, m) in UNIT_WORDS.items()], manners=[(m, call.w(x)) for m, (_, x) in MANNERS.items()],
        places=[(p, call.w(x)) for p, (_, x) in PLACES.items()], paper=composition if k.dead else None,
        may_undo=bool(since and call.now - since < UNDO_WITHIN), until=since + UNDO_WITHIN if since else None,
        by=str(r.first(note, "agent", "who", "display") or "") if note else "", prints=_prints(),
    )  # fmt: skip


def _prints() -> bool:
    return any(getattr(x, "path", "").startswith("/papers/") for d in departments.HOUSE for x in d.routes)


@page(DEATH, "TREAT")
async def death(call: Call) -> Response:
    return await _show(call, {}, {})


@page(DEATH, "TREAT")
async def record(call: Call) -> Response:
    """Record the death; sent twice it is recorded once."""
    patient = call.request.path_params["id"]
    store, k = await _known(call, await opened(call, patient))
    back = f"/patients/{patient}/death?done=recorded"
    if k.dead is not None:
        return call.go(back)
    values = _typed(call)
    d, errors = parse(values, k, call.now, call.w, call.terms.by_code)
    if errors:
        return await _show(call, values, errors, status=422)
    places = await place_names(call, {call.actor.organization} if call.actor.organization else set())
    where = places.get(call.actor.organization or "", "") if d.place == "here" else PLACES["outside"][0]
    w = Writer(
        patient, call.actor.practitioner or "", call.actor.name, call.actor.organization or "", str((k.visit or {}).get("id", ""))
    )
    try:
        await act.record(store, k, d, where, w, call.now)
    except Conflict as why:
        return await _show(call, values, {}, call.w(why.text), 409)
    except Invalid as why:
        return await _show(
            call, values, {}, call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in why.issues[:3]), 422
        )
    if k.visit is not None:
        await told(store, call.actor.organization, k.visit)
    return call.go(back)


@page(DEATH, "TREAT")
async def undo(call: Call) -> Response:
    patient = call.request.path_params["id"]
    store = Store(call.engine, call.scope(await opened(call, patient)))
    try:
        await act.undo(store, patient, call.now)
    except Conflict as why:
        raise Conflict(call.w(why.text)) from why
    return call.go(f"/patients/{patient}/death?done=undone")


ROUTES = [
    route("/patients/{id}/death", death),
    route("/patients/{id}/death", record, ["POST"]),
    route("/patients/{id}/death/undo", undo, ["POST"]),
]
