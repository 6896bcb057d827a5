"""Two stays or visits of one patient side by side."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from ...access.roles import CHART
from ...base.words import Words
from ...record.store import Store
from ..chart import compare as sides
from ..chart import record as r
from ..chart.record import Life, Visit
from ..page import Call, page
from .chart import _kind
from .frame import _decode, frame

LISTED = 200
"""So many of the latest can be chosen; the visits' own section holds all."""


@page(CHART, "TREAT")
async def compare(call: Call) -> Response:
    """GET /patients/{id}/compare?left=&right=: two Encounters; what is not said is the latest and the one before it."""
    patient = call.request.path_params["id"]
    shell = await frame(call, patient, "compare")
    if isinstance(shell, Response):
        return shell
    life: Life = shell["life"]
    past = [v for v in life.visits if v.start <= call.now]
    two = sides.choose(past, call.query.get("left", ""), call.query.get("right", ""))
    if two is None:
        return call.html("chart.html", **shell, middle="chart/compare.html", two=None, choices=[])
    named = await _named(call, patient, shell["reason"], two)
    found = sides.compare(life, *two, named, call.w, call.now)
    return call.html(
        "chart.html", **shell, middle="chart/compare.html", two=found, choices=_choices(past, two, call.w), kind=_kind
    )  # fmt: skip


async def _named(call: Call, patient: str, reason: str, two: Sequence[Visit]) -> dict[str, list[str]]:
    """Visit -> ids of the Conditions that it names itself, the main one first."""
    store = Store(call.engine, call.scope(reason))
    page = await store.search("Encounter", [("_id", ",".join(v.id for v in two))], patient=patient)
    found = {}
    for one in (_decode(e.body) for e in page.entries if e.mode == "match"):
        ranked = sorted(one.get("diagnosis") or (), key=lambda d: d.get("rank") or 99)
        found[str(one["id"])] = [r.reference_id(d.get("condition")) for d in ranked]
    return found


def _choices(visits: Sequence[Visit], two: Sequence[Visit], w: Words) -> list[tuple[str, list[tuple[str, str]]]]:
    """What can be chosen, stays before visits: (group, [(id, words)]). The two that are shown are always among them."""
    latest = sorted(visits, key=lambda v: v.start, reverse=True)
    kept = [v for n, v in enumerate(latest) if n < LISTED or v in two]
    groups = ((w("Stays"), True), (w("Visits"), False))
    found = [(title, [(v.id, _words(v, w)) for v in kept if v.inpatient == stays]) for title, stays in groups]
    return [(title, items) for title, items in found if items]


def _words(v: Visit, w: Words) -> str:
    return " · ".join(x for x in (w.date(v.start), _kind(v.kind, w), v.title, r.short_place(v.place_name)) if x)
