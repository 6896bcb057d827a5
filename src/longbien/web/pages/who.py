"""Who saw this patient, when, what and why: read from the trail itself, and asking is a line in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access.roles import ROLES, WHO_SAW
from ...access.trail_queries import Seen
from ...access.trail_queries import who_saw as asked
from ...base import clock
from ...base.words import Words, mark
from ..chart.record import short_place
from ..page import Call, page
from .frame import frame

READ = 300
"""Lines of the trail on one page; many of them become one line of the list."""
TOGETHER = timedelta(minutes=10)
"""One person doing one thing for one reason within this time is one line."""
WHAT = {
    "page": mark("opened the chart"), "read": mark("read"), "vread": mark("read an earlier version"), "history": mark("read the versions"),  # noqa: E501
    "search": mark("saw in a list"), "create": mark("wrote"), "update": mark("changed"), "delete": mark("removed"), "print": mark("printed"),  # noqa: E501
    "operation": mark("ran an operation"), "export": mark("exported"), "import": mark("imported"), "purpose": mark("stated a purpose"),  # noqa: E501
    "refused": mark("was refused"), "care": mark("put the patient under a facility's care"),
    "glass": mark("opened the record in an emergency"), "review": mark("reviewed an emergency opening"),
    "consent": mark("wrote down a consent"), "trail": mark("asked who saw the record"), "notify": mark("was notified"),
}  # fmt: skip
PURPOSE = {
    "TREAT": mark("treatment"), "ETREAT": mark("emergency"), "HPAYMT": mark("payment"), "HOPERAT": mark("hospital work"),
    "PUBHLTH": mark("public health"), "HRESCH": mark("research"), "PATRQT": mark("the patient's wish"), "HSYSADMIN": mark("system"),
    "HDIRECT": mark("directory"), "CAREMGT": mark("care management"),
}  # fmt: skip


REASONS = {
    "today's patients of the facility": mark("today's patients of the facility"),
    "finding a person": mark("finding a person"),
    "names of codes": mark("names of codes"),
    "new": mark("newly registered"),
    "care": mark("under care at this facility"),
    "cover": mark("standing in for a colleague or a department"),
    "purpose": mark("for a stated purpose"),
    "consent": mark("by the patient's consent"),
    "emergency": mark("in an emergency"),
    "everything": mark("a system's own right"),
    "who saw": mark("asking who saw the record"),
    "signed out": mark("signed out"),
    "the demo city": mark("made-up data"),
}
TYPES = {
    "Encounter": mark("visit"), "Observation": mark("value"), "Condition": mark("problem"), "AllergyIntolerance": mark("allergy"),
    "Composition": mark("note"), "DocumentReference": mark("document"), "DiagnosticReport": mark("report"),
    "ImagingStudy": mark("images"), "MedicationRequest": mark("prescription"), "ServiceRequest": mark("order"),
    "Task": mark("task"), "Patient": mark("personal data"), "Coverage": mark("insurance"), "CareTeam": mark("care team"),
    "Flag": mark("warning"), "Procedure": mark("procedure"), "Immunization": mark("vaccination"),
    "Appointment": mark("appointment"), "RelatedPerson": mark("relative"),
}  # fmt: skip


def why(text: str, w: Words, places: dict[str, str]) -> str:
    """The trail's reason in words: `care at <organisation>`, `purpose: <own words>` and the door's rules; the rest is shown as it
    is."""
    if text.startswith("care at "):
        key = text.removeprefix("care at ")
        return w("in care at %(place)s", place=short_place(places.get(key, key)))
    if text.startswith("cover "):
        return w("standing in for a colleague or a department")
    for said in ("purpose: ", "emergency: "):
        if text.startswith(said):
            return f"“{text.removeprefix(said)}”"
    rules = [r for r in text.partition(": ")[2].split("/") if r in REASONS]
    if text.partition(": ")[0] in ROLES and rules:
        return ", ".join(w(REASONS[r]) for r in rules)
    return w(REASONS[text]) if text in REASONS else text


def together(lines: Sequence[Seen]) -> list[list[Seen]]:
    """Lines (newest first) that one person left for one thing within TOGETHER, as one group; in order of their newest."""
    groups: list[list[Seen]] = []
    latest: dict[tuple[Any, ...], list[Seen]] = {}
    for line in lines:
        key = (line.actor, line.patient, line.what, line.outcome, line.purpose, line.why)
        group = latest.get(key)
        if group and group[0].at - line.at <= TOGETHER:
            group.append(line)
        else:
            latest[key] = [line]
            groups.append(latest[key])
    return groups


def line(group: Sequence[Seen], w: Words, places: dict[str, str]) -> SimpleNamespace:
    """One line of a list: what `together` put together, in words."""
    x = group[0]
    types = sorted({w(TYPES.get(g.type, g.type)) for g in group if g.type and g.type != "Patient"})
    what = w(WHAT.get(x.what, x.what))
    role = ROLES.get(x.role or "")
    name = {0: w("The system itself"), -1: w("Somebody not signed in")}.get(x.actor, x.name)
    refused = x.outcome != "success"
    level = "critical" if x.purpose == "ETREAT" else "abnormal" if refused or not (x.why or x.purpose) else ""
    told = [(role.vi if w.lang == "vi" else role.en) if role else "", short_place(x.facility or "")]
    return SimpleNamespace(
        at=f"{clock.local(x.at):%H:%M}",
        day=clock.local(x.at).date(),
        name=name,
        place=" · ".join(p for p in told if p),
        what=what if not types else f"{what}: {', '.join(types)}",
        refused=refused and x.what != "refused",
        purpose=w(PURPOSE[x.purpose]) if x.purpose in PURPOSE else "",
        why=why(x.why, w, places),
        n=sum(g.n for g in group),
        level=level,
        actor=x.actor,
        patient=x.patient,
        address=x.address,
    )


@page(WHO_SAW, "TREAT")
async def who_saw(call: Call) -> Response:
    patient = call.request.path_params["id"]
    shell = await frame(call, patient, "who")
    if isinstance(shell, Response):
        return shell
    below = call.query.get("before", "")
    before = int(below) if below.isdigit() and len(below) < 19 else None
    found = await asked(call.engine, call.scope(shell["reason"]), patient, before=before, count=READ)
    w = call.w
    places: dict[str, str] = call.request.app.state.places
    lines = [line(group, w, places) for group in together(found.lines)]
    days = [
        SimpleNamespace(title=f"{w.weekday(day)}, {w.date(day)}", lines=list(group))
        for day, group in groupby(lines, lambda x: x.day)
    ]
    people = len({x.actor for x in found.lines})
    return call.html(
        "chart.html", **shell, middle="chart/who.html", days=days, people=people, total=len(found.lines), older=found.next,
        first=before is None,
    )  # fmt: skip
