"""Writing on the chart: notes, vital signs, allergies, problems, acknowledging; drafts as they are typed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from starlette.responses import JSONResponse, PlainTextResponse, Response

from ...access import drafts
from ...access.roles import CHART, CHART_WRITE
from ...base.errors import Conflict, Invalid, NotFound
from ...base.ids import FHIR_ID, key64, new_id, patient_key
from ...record.change import Create, Update
from ...record.store import Store
from ...record.types import number
from .. import entries
from ..desk import Q, scoped
from ..page import Call, page
from .frame import FORMS, SUBSTANCES, form_state, frame

KEYS = {f[0] for f in FORMS}
MOST_FIELDS = 40


def _values(call: Call) -> dict[str, str]:
    """What was typed: every text field but the form's own."""
    given = call.form.items() if call.form is not None else ()
    names = [k for k, v in given if isinstance(v, str) and k not in ("csrf", "once", "discard")]
    return {k: call.field(k) for k in names[:MOST_FIELDS]}


def _once(call: Call) -> str:
    """The token a form carries, so that sending it twice writes once."""
    given = call.field("once", 64)
    return given if FHIR_ID.match(given) and len(given) <= 48 else new_id()


async def writer_of(call: Call, patient: str, reason: str) -> entries.Writer:
    """Who writes, and in which visit: the one that runs now, of this facility before others."""
    actor = call.actor
    sql, args = scoped(
        call.scope(reason),
        Q.open_visit,
        patient_key(patient),
        key64("Encounter.status=in-progress"),
        actor.org,
        number("Encounter"),
    )
    visit = await call.engine.db.fetchval(sql, *args)
    return entries.Writer(patient, actor.practitioner or "", actor.name, actor.organization or "", visit or "")


def _form(call: Call) -> str:
    key: str = call.request.path_params["form"]
    if key not in KEYS:
        raise NotFound("There is no such form.")
    return key


async def opened(call: Call, patient: str) -> str:
    """Why this record is open to the writer. Raises NotFound when it is not."""
    if not FHIR_ID.match(patient):
        raise NotFound("There is no such patient.")
    reason = await call.door.why(call.actor, patient)
    if reason is None:
        raise NotFound("This record is not open to you.")
    return reason


def _entry(key: str, values: dict[str, str], writer: entries.Writer, once: str, call: Call) -> entries.Entry:
    if key == "note":
        return entries.note(values, writer, once, call.now, call.w)
    if key == "vitals":
        return entries.vitals(values, writer, once, call.now, call.w)
    if key == "allergy":
        return entries.allergy(values, writer, once, call.now, call.w)
    return entries.problem(values, writer, once, call.now, call.w, call.terms.by_code)


@page(CHART_WRITE, "TREAT")
async def write(call: Call) -> Response:
    key, patient = _form(call), call.request.path_params["id"]
    reason = await opened(call, patient)
    if call.field("discard", 2):
        await drafts.drop(call.engine.db, call.actor, patient, key)
        return call.go(f"/patients/{patient}?panel={key}&done=discarded")
    values = _values(call)
    entry = _entry(key, values, await writer_of(call, patient, reason), _once(call), call)
    refused = ""
    if not entry.errors:
        try:
            await Store(call.engine, call.scope(reason)).commit([Create(x, id=x["id"]) for x in entry.resources])
        except Conflict:
            pass  # the same form sent twice: it is written already
        except Invalid as error:
            refused = call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in error.issues[:3])
        if not refused:
            await drafts.drop(call.engine.db, call.actor, patient, key)
            written = ",".join(f"{x['resourceType']}/{x['id']}" for x in entry.resources)
            return call.go(f"/patients/{patient}?done={key}&undo={written}")
    await drafts.save(call.engine.db, call.actor, patient, key, json.dumps(values, ensure_ascii=False))
    return await _again(call, patient, key, values, entry.errors, refused)


async def _again(call: Call, patient: str, key: str, values: dict[str, str], errors: dict[str, str], refused: str) -> Response:
    """The form as it was typed and what is wrong beside each field: alone for a script, in the chart for everybody else."""
    if call.part:
        title, letter, action = next((t, letter, a) for k, t, letter, a in FORMS if k == key)
        form = form_state(key, title, letter, action, call.w)
        form.values, form.errors, form.error = values, errors, refused
        return call.html("chart/form.html", 422, f=form, substances=[call.w(s) for s in SUBSTANCES])
    shell = await frame(call, patient, "overview")
    if isinstance(shell, Response):
        return shell
    for form in shell["forms"]:
        if form.key == key:
            form.values, form.errors, form.error = values, errors, refused
    shell |= {"panel": key, "panel_open": True}
    return call.html("chart.html", 422, **shell, middle="chart/overview.html")


@page(CHART_WRITE, "TREAT")
async def draft(call: Call) -> Response:
    """Keep what is being typed. Answers with when it was kept."""
    key, patient = _form(call), call.request.path_params["id"]
    await opened(call, patient)
    values = _values(call)
    if not any(v for k, v in values.items() if k not in ("criticality", "source", "status", "certainty")):
        await drafts.drop(call.engine.db, call.actor, patient, key)
        return PlainTextResponse("")
    at = await drafts.save(call.engine.db, call.actor, patient, key, json.dumps(values, ensure_ascii=False))
    return PlainTextResponse(call.w("draft, kept %(when)s", when=call.w.time(at)))


@page(CHART_WRITE, "TREAT")
async def acknowledge(call: Call) -> Response:
    """Take note of critical results: a Task for each; twice is once."""
    patient = call.request.path_params["id"]
    reason = await opened(call, patient)
    results = [r for r in call.field("result").split(",") if FHIR_ID.match(r)][:50]
    writer = await writer_of(call, patient, reason)
    store = Store(call.engine, call.scope(reason))
    tasks = []
    for result in results:
        id_ = f"ack-{key64(f'{call.actor.number}/{result}') & (2**63 - 1):x}"
        task = entries.acknowledgement(result, writer, id_, call.now)
        try:
            await store.commit([Create(task, id=id_)])
        except Conflict:  # done before: again only where it had been taken back
            known = await store.read("Task", id_)
            if b'"completed"' in known.body:
                continue
            await store.commit([Update(task, if_match=known.version)])
        tasks.append(f"Task/{id_}")
    back = f"/today?patient={patient}&" if call.field("back", 10) == "today" else f"/patients/{patient}?"
    return call.go(f"{back}done=acknowledged&undo={','.join(tasks)}")


@page(CHART, "TREAT")
async def seen(call: Call) -> Response:
    """Everything up to now has been seen. Critical results stay until they are acknowledged."""
    patient = call.request.path_params["id"]
    await opened(call, patient)
    before = await call.engine.db.fetchval(Q.seen, call.actor.number, patient_key(patient))
    return call.go(f"/patients/{patient}?done=seen" + (f"&unsee={quote(before.isoformat())}" if before else ""))


@page(CHART_WRITE, "TREAT")
async def icd10(call: Call) -> Response:
    """Diagnoses for what is being typed: {terms: [{code, name}], said: what the reader should know of the list}."""
    known = call.terms
    found = known.find(call.query.get("q", "")[:100])
    said = "" if known.whole else call.w("Only the common diagnoses: the record holds no ICD-10 list.")
    if not found and known.whole:
        said = call.w("Nothing in ICD-10 fits. Try fewer words, or the code.")
    answer: dict[str, Any] = {"terms": [{"code": t.code, "name": t.name(call.lang)} for t in found], "said": said}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})
