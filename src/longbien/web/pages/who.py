"""Who saw this patient, when, what and why: read from the trail itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access.roles import ROLES, WHO_SAW
from ...base import clock
from ...base.ids import patient_key
from ...base.words import Words, mark, parse_instant
from ...record.trail import KINDS, PURPOSES
from ...record.types import type_name
from ..chart.record import short_place
from ..desk import Q
from ..page import Call, page
from .frame import frame

SHOWN = 200
WHAT = {
    "page": mark("opened the chart"), "read": mark("read"), "vread": mark("read an earlier version"), "history": mark("read the versions"),  # noqa: E501
    "search": mark("saw in a list"), "create": mark("wrote"), "update": mark("changed"), "delete": mark("removed"), "print": mark("printed"),  # noqa: E501
    "operation": mark("ran an operation"), "export": mark("exported"), "import": mark("imported"), "purpose": mark("stated a purpose"),  # noqa: E501
    "refused": mark("was refused"), "care": mark("put the patient under a facility's care"),
}  # fmt: skip
PURPOSE = {
    "TREAT": mark("treatment"), "ETREAT": mark("emergency"), "HPAYMT": mark("payment"), "HOPERAT": mark("hospital work"),
    "PUBHLTH": mark("public health"), "HRESCH": mark("research"), "PATRQT": mark("the patient's wish"), "HSYSADMIN": mark("system"),
    "HDIRECT": mark("directory"), "CAREMGT": mark("care management"),
}  # fmt: skip


REASONS = {
    "today's patients of the facility": mark("today's patients of the facility"),
    "finding a person": mark("finding a person"),
    "new": mark("newly registered"),
}


def why(text: str, w: Words, places: dict[str, str]) -> str:
    """The trail's reason in words: `care at <organisation>` and `purpose: <own words>` are the door's; the rest is shown as is."""
    if text.startswith("care at "):
        key = text.removeprefix("care at ")
        return w("in care at %(place)s", place=short_place(places.get(key, key)))
    if text.startswith("purpose: "):
        return f"“{text.removeprefix('purpose: ')}”"
    return w(REASONS[text]) if text in REASONS else text


def _line(x: Any, w: Words, places: dict[str, str]) -> SimpleNamespace:
    kind = KINDS[x["kind"]]
    types = ", ".join(sorted(type_name(t) for t in x["types"] or ()))
    what = w(WHAT.get(kind, kind))
    purpose = PURPOSES[x["purpose"]] if x["purpose"] < len(PURPOSES) else ""
    emergency = purpose == "ETREAT"
    role = ROLES.get(x["role"])
    name = x["name"] or (w("The system itself") if x["actor"] == 0 else w("Somebody not signed in"))
    level = "critical" if emergency else "abnormal" if x["outcome"] or not (x["why"] or purpose) else ""
    return SimpleNamespace(
        at=f"{clock.local(x['at']):%H:%M:%S}",
        day=clock.local(x["at"]).date(),
        name=name,
        place=" · ".join(
            p
            for p in (
                (role.vi if w.lang == "vi" else role.en) if role else "",
                short_place(places.get(x["organization"] or "", "")),
            )
            if p
        ),
        what=what if kind in ("page", "search", "purpose", "refused") or not types else f"{what}: {types}",
        purpose=w(PURPOSE[purpose]) if purpose in PURPOSE else "",
        why=why(x["why"] or "", w, places),
        n=x["n"],
        level=level,
    )


@page(WHO_SAW, "TREAT")
async def who_saw(call: Call) -> Response:
    patient = call.request.path_params["id"]
    try:
        days = int(call.query.get("days", "30"))
    except ValueError:
        days = 30
    since = call.now - timedelta(days=days) if 0 < days < 36_500 else datetime(2000, 1, 1, tzinfo=UTC)
    before = call.now + timedelta(minutes=1)
    if asked := call.query.get("before"):
        try:
            before = parse_instant(asked)
        except ValueError:
            before = call.now
    shell = await frame(call, patient, "who")
    if isinstance(shell, Response):
        return shell
    pat = patient_key(patient)
    rows = await call.engine.db.fetch(Q.who_saw, pat, since, before, SHOWN + 1)
    counts = await call.engine.db.fetchrow(Q.who_counts, pat, since)
    w = call.w
    places: dict[str, str] = call.request.app.state.places
    lines = [_line(x, w, places) for x in rows[:SHOWN]]
    shell["days"] = [
        SimpleNamespace(title=f"{w.weekday(day)}, {w.date(day)}", lines=list(group))
        for day, group in groupby(lines, lambda x: x.day)
    ]
    periods = [(1, w("24 hours")), (30, w("%(n)s days", n=30)), (0, w("All"))]
    return call.html(
        "chart.html",
        **shell,
        middle="chart/who.html",
        total=counts["lines"] if counts else 0,
        people=counts["people"] if counts else 0,
        periods=periods,
        chosen=days,
        more=rows[SHOWN - 1]["at"].isoformat() if len(rows) > SHOWN else "",
    )
