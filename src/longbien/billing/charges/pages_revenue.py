"""The director's page: revenue by day, what is outstanding, bills settled on the day of leaving. Counted from the bills, no
names."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from starlette.responses import Response

from longbien.base.errors import NotFound
from longbien.web.page import Call, page

from . import board, reads
from .pages_board import _midnight, same_day
from .permissions import REVENUE
from .reads import Q

DAYS = 14


@page(REVENUE, "HOPERAT")
async def revenue(call: Call) -> Response:
    """GET /revenue"""
    facility, w = call.actor.organization, call.w
    if not facility:
        raise NotFound("There is no facility of yours.")
    since = _midnight(call.now) - timedelta(days=DAYS - 1)
    rows = await call.engine.db.fetch(Q.revenue, facility, since)
    most = max((x["gross"] for x in rows), default=0) or 1
    out = [
        SimpleNamespace(
            day=x["day"], name=f"{w.weekday(x['day'])} {w.short_date(x['day'])}", n=x["n"], gross=w.money(x["gross"]),
            insurer=w.money(x["insurer"]), patient=w.money(x["patient"]), paid=w.money(x["paid"] or 0),
            open=w.money(x["patient"] - (x["paid"] or 0)), width=round(100 * x["gross"] / most),
            part=round(100 * x["insurer"] / most), other=w.money(x["other"]),
        )
        for x in rows
    ]  # fmt: skip
    ages = {x["age"]: x for x in await call.engine.db.fetch(Q.outstanding, facility)}
    titles = (w("less than a day"), w("up to a week"), w("up to 30 days"), w("longer"))
    due = [
        SimpleNamespace(title=t, n=ages[k]["n"] if k in ages else 0, dong=w.money(ages[k]["dong"] if k in ages else 0))
        for k, t in enumerate(titles)
    ]
    unbilled = {x["inpatient"]: x["n"] for x in await call.engine.db.fetch(Q.unbilled, facility, since)}
    every = await same_day(call, None)
    offices = await reads.organizations(call.engine, [x.facility for x in every])
    shares: dict[str, list[SimpleNamespace]] = {}
    for x in every:
        shares.setdefault(x.facility, []).append(x)
    facilities = [
        SimpleNamespace(
            name=str(offices.get(f, {}).get("name") or f), ended=sum(x.ended for x in xs), settled=sum(x.settled for x in xs),
            share=round(100 * sum(x.settled for x in xs) / sum(x.ended for x in xs)),
        )
        for f, xs in shares.items()
    ]  # fmt: skip
    return call.html(
        "billing/charges/revenue.html", nav="revenue", rows=out, due=due, days=DAYS, target=board.TARGET,
        facilities=sorted(facilities, key=lambda x: -x.share), unbilled_stays=unbilled.get(True, 0),
        unbilled_visits=unbilled.get(False, 0), sums=SimpleNamespace(
            gross=w.money(sum(x["gross"] for x in rows)), insurer=w.money(sum(x["insurer"] for x in rows)),
            patient=w.money(sum(x["patient"] for x in rows)), due=w.money(sum(x["dong"] for x in ages.values())),
        ),
    )  # fmt: skip
