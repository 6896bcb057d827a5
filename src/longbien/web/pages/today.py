"""The home of a doctor: my patients today, by who needs me first."""

from __future__ import annotations

from types import SimpleNamespace

from starlette.responses import Response

from ...access.roles import HOME
from ..desk import Q, desk, people
from ..page import Call, page
from .frame import place_names

SHOWN = 60


@page(HOME, "TREAT")
async def today(call: Call) -> Response:
    await place_names(call, {call.actor.organization} if call.actor.organization else set())
    scope = call.scope("today's patients of the facility")
    found = await desk(call.engine, scope, call.actor.practitioner, call.w, call.now)
    mine = [i for i in found.inpatients if i.mine]
    whose = call.query.get("whose") or ("mine" if mine else "place")
    rows = mine if whose == "mine" else found.inpatients
    try:
        number = max(1, int(call.query.get("page", "1")))
    except ValueError:
        number = 1
    shown = rows[: SHOWN * number]
    w = call.w
    groups = [
        SimpleNamespace(title=w("Need you now"), level="now", rows=[i for i in shown if i.urgent]),
        SimpleNamespace(title=w("Something new"), level="new", rows=[i for i in shown if i.news and not i.urgent]),
        SimpleNamespace(title=w("Nothing new"), level="", rows=[i for i in shown if not i.news]),
    ]
    recent = await call.engine.db.fetch(Q.recent, call.actor.number)
    drafts = await call.engine.db.fetch(Q.drafts, call.actor.number)
    names = await people(call.engine, scope, list({x["pat"] for x in (*recent, *drafts)}))
    return call.html(
        "today.html",
        nav="today",
        groups=groups,
        whose=whose,
        inpatients=len(rows),
        outpatients=found.outpatients,
        shown=len(shown),
        total=len(rows),
        more=number + 1 if len(shown) < len(rows) else None,
        recent=[
            SimpleNamespace(id=names[x["pat"]][0].id, name=names[x["pat"]][0].name, at=x["at"]) for x in recent if x["pat"] in names
        ],
        drafts=[
            SimpleNamespace(patient=names[x["pat"]][0].id, name=names[x["pat"]][0].name, form=x["form"], at=x["updated"])
            for x in drafts
            if x["pat"] in names
        ],
    )
