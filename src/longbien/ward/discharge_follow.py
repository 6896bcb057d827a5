"""Results that came, or are still to come, after their patients have gone home: with whoever promised to look at them."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from longbien.access.roles import CHART_WRITE
from longbien.base import clock
from longbien.base.errors import Conflict, NotFound, PreconditionFailed
from longbien.base.ids import patient_key
from longbien.fhir import json
from longbien.record.change import Update
from longbien.record.store import Store
from longbien.web.chart import record as r
from longbien.web.desk import people
from longbien.web.page import Call, page, route
from longbien.web.pages.write import opened

from .discharge_actions import found
from .discharge_read import FOLLOW_RESULT, TASK, version

SHOWN = 12


async def promised(call: Call, shell: Any) -> dict[str, Any] | None:
    """The reader's own: what to look at, whose it is, and whether it has come. Cheap: one search where there is nothing."""
    who = call.actor.practitioner
    store = Store(call.engine, call.scope("results to follow up"))
    if not who or not call.actor.may(CHART_WRITE) or not store.scope.may_read("Task"):
        return None
    asked = [
        ("owner", f"Practitioner/{who}"),
        ("code", f"{TASK}|{FOLLOW_RESULT}"),
        ("status", "requested"),
        ("_count", str(SHOWN + 1)),
    ]
    tasks = [json.loads(e.body) for e in (await store.search("Task", asked)).entries]
    if not tasks:
        return None
    orders = ",".join(f"ServiceRequest/{r.reference_id(t.get('focus'))}" for t in tasks)
    reports = [
        json.loads(e.body) for e in (await store.search("DiagnosticReport", [("based-on", orders), ("_count", "50")])).entries
    ]
    come = {r.reference_id(b): x for x in reports if x.get("status") in ("final", "amended") for b in x.get("basedOn") or ()}
    ids = {str(t["id"]): r.reference_id(t.get("for")) for t in tasks}
    names = await people(call.engine, store.scope, list({patient_key(p) for p in ids.values()}))
    rows = [
        SimpleNamespace(
            id=t["id"], patient=ids[t["id"]], name=names[patient_key(ids[t["id"]])][0].name, what=str(t.get("description") or ""),
            since=r.moment(t.get("authoredOn")), report=come.get(r.reference_id(t.get("focus"))),
        )
        for t in tasks
        if patient_key(ids[t["id"]]) in names
    ]  # fmt: skip
    return {"rows": sorted(rows, key=lambda x: x.report is None)[:SHOWN], "more": len(rows) > SHOWN} if rows else None


@page(CHART_WRITE, "TREAT")
async def seen(call: Call) -> Response:
    """The result has been looked at: the promise is kept. Twice is once."""
    patient, id_ = call.request.path_params["id"], call.request.path_params["task"]
    store = Store(call.engine, call.scope(await opened(call, patient)))
    task = await found(store, "Task", id_)
    if task is None or r.code_of(task.get("code"), TASK) != FOLLOW_RESULT or r.reference_id(task.get("for")) != patient:
        raise NotFound("There is no such task.")
    if task.get("status") != "completed":
        at = clock.instant(call.now)
        done = {
            **task,
            "status": "completed",
            "lastModified": at,
            "executionPeriod": {"start": task.get("authoredOn", at), "end": at},
        }
        with suppress(PreconditionFailed, Conflict):  # somebody has just done the same, or let it go: the list shows which
            await store.commit([Update(done, if_match=version(task))])
    return call.go("/today")


ROUTES = [route("/patients/{id}/results-after/{task}", seen, ["POST"])]
