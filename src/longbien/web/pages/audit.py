"""For who answers for a facility: who saw this patient, whom this person saw, what asks for a word. Asking is a line too."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from itertools import groupby
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from ...access import anomalies as watch
from ...access import trail_queries as trail
from ...access.roles import ANOMALIES, FIND, ROLES, WHAT_DID
from ...base import clock
from ...base.errors import Conflict, Forbidden, Invalid, LongbienError
from ...base.ids import FHIR_ID
from ...base.words import Words, mark
from ...record.engine import Engine
from ...record.trail import KINDS
from ..anomaly_words import STATES, sentence
from ..chart.record import human, person
from ..page import Call, page
from .frame import place_names
from .who import PURPOSE, WHAT, line, together

SPANS = (("day", mark("24 hours"), timedelta(days=1)), ("month", mark("30 days"), timedelta(days=30)), ("all", mark("All"), None))
READ, MOST = 300, 20_000
"""Lines on a page; lines of one exported file."""


class Question:
    """What the page is asked: of a patient or of a person, and how narrow. Raises Invalid."""

    def __init__(self, call: Call):
        q = call.query
        self.patient, self.person, self.text = q.get("patient", "")[:64], q.get("person", ""), q.get("q", "").strip()[:100]
        if self.person and not (self.person.isascii() and self.person.isdigit() and len(self.person) < 9):
            raise Invalid("person: the number of an account.")
        if self.patient and not FHIR_ID.match(self.patient):
            raise Invalid("patient: the id of a patient.")
        self.by_person = bool(self.person) or q.get("of") == "person"
        self.span = q.get("span") if q.get("span") in {s[0] for s in SPANS} else "month"
        self.purpose = q.get("purpose") if q.get("purpose") in PURPOSE else ""
        self.kind = q.get("kind") if q.get("kind") in KINDS else ""
        below = q.get("before", "")
        self.before = int(below) if below.isascii() and below.isdigit() and len(below) < 19 else None
        length = next(s[2] for s in SPANS if s[0] == self.span)
        self.narrow = trail.Narrow(
            begin=call.now - length if length else None, purposes=(self.purpose,) if self.purpose else None,
            kinds=(self.kind,) if self.kind else None,
        )  # fmt: skip

    def link(self, path: str = "/audit", **other: Any) -> str:
        mine = {"patient": self.patient, "person": self.person, "span": self.span, "purpose": self.purpose, "kind": self.kind}
        if self.by_person and not self.person:
            mine["of"] = "person"
        return f"{path}?{urlencode({k: v for k, v in {**mine, **other}.items() if v})}"


async def _lines(call: Call, q: Question, count: int, before: int | None) -> tuple[Any, trail.SeenPage]:
    """(whom it is about, the lines)."""
    if q.by_person:
        found = await trail.what_did(call.engine, call.actor, int(q.person), before=before, count=count, narrow=q.narrow)
        return await trail.colleague(call.engine, call.actor, int(q.person)), found
    return await trail.house_saw(call.engine, call.actor, q.patient, before=before, count=count, narrow=q.narrow)


@page(WHAT_DID, "HOPERAT")
async def audit(call: Call) -> Response:
    q = Question(call)
    await place_names(call, {call.actor.organization} if call.actor.organization else set())
    about, found = await _lines(call, q, READ, q.before) if q.patient or q.person else (None, None)
    w = call.w
    rows = [line(g, w, call.request.app.state.places) for g in together(found.lines)] if found else []
    if q.by_person and found:
        names = await _names(call.engine, {x.patient for x in found.lines if x.patient})
        for row in rows:
            row.about = names.get(row.patient, "")
    days = [
        SimpleNamespace(title=f"{w.weekday(d)}, {w.date(d)}", lines=list(g)) for d, g in groupby(rows, lambda x: x.day)
    ]  # fmt: skip
    return call.html(
        "audit/audit.html", nav="audit", tab="person" if q.by_person else "patient", q=q, days=days, spans=SPANS, kinds=_kinds(w),
        purposes=sorted((w(t), c) for c, t in PURPOSE.items()), asked=found is not None, older=found.next if found else None,
        total=len(found.lines) if found else 0, people=len({x.actor for x in found.lines}) if found else 0,
        patients=len({x.patient for x in found.lines if x.patient}) if found else 0,
        colleagues=await _colleagues(call, q), finds=call.actor.may(FIND), waiting=await watch.waiting(call.engine, call.actor),
        watches=call.actor.may(ANOMALIES), end=await _end(call.engine), **_about(about, q, call),
    )  # fmt: skip


def _kinds(w: Words) -> list[tuple[str, str]]:
    return sorted((w(text), kind) for kind, text in WHAT.items() if kind in KINDS)


def _about(about: Any, q: Question, call: Call) -> dict[str, Any]:
    if about is None:
        return {"who": None, "colleague": None}
    return {"who": None, "colleague": about} if q.by_person else {"who": person(about), "colleague": None}


async def _colleagues(call: Call, q: Question) -> list[SimpleNamespace]:
    if not q.by_person or q.person:
        return []
    found = await trail.colleagues(call.engine, call.actor, q.text)
    return [SimpleNamespace(number=c.number, name=c.name, role=_role(c.role, call.w)) for c in found]


def _role(name: str, w: Words) -> str:
    role = ROLES.get(name)
    return (role.vi if w.lang == "vi" else role.en) if role else name


async def _names(engine: Engine, ids: set[str]) -> dict[str, str]:
    """Names of patients who stand in the lines that are shown; the page's own line names whose trail was read."""
    found = await trail.patients(engine, ids)
    return {i: human(p.get("name")) for i, p in found.items()}


async def _end(engine: Engine) -> SimpleNamespace | None:
    """The last link of the chain, and when it was made."""
    row = await engine.db.fetchrow("SELECT n, at, hash FROM audit_block ORDER BY n DESC LIMIT 1")
    return SimpleNamespace(n=row["n"], at=row["at"], hash=row["hash"].hex()) if row else None


@page(WHAT_DID, "HOPERAT")
async def export(call: Call) -> Response:
    """The same lines as a table (CSV, UTF-8). Raises Conflict where they are too many for one file."""
    q = Question(call)
    if not (q.patient or q.person):
        raise Invalid("patient or person: whose trail?")
    out = io.StringIO()
    out.write("\ufeff")  # without it Excel takes the letters for something else
    rows = csv.writer(out)
    rows.writerow(
        ["seq", "at", "name", "role", "facility", "what", "type", "id", "patient", "outcome", "purpose", "why", "n", "address"]
    )
    n, before = 0, None
    while True:
        _, found = await _lines(call, q, trail.LARGEST, before)
        for x in found.lines:
            cells = (
                x.seq, f"{clock.local(x.at):%Y-%m-%d %H:%M:%S%z}", x.name, x.role, x.facility, x.what, x.type, x.id, x.patient,
                x.outcome, x.purpose, x.why, x.n, x.address,
            )  # fmt: skip
            rows.writerow([plain(c) for c in cells])
        n, before = n + len(found.lines), found.next
        if before is None:
            break
        if n >= MOST:
            raise Conflict(f"More than {MOST} lines: narrow the time.")
    what = f"account {q.person}" if q.by_person else "one patient"
    await trail.exported(call.engine, call.actor, what, n, patient_id=None if q.by_person else q.patient)
    headers = {"Content-Disposition": f'attachment; filename="trail-{clock.local(call.now):%Y%m%d-%H%M}.csv"'}
    return Response(out.getvalue().encode(), media_type="text/csv; charset=utf-8", headers=headers)


def plain(cell: Any) -> str:
    """A cell that a spreadsheet does not take for a formula (OWASP, CSV injection)."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@page(ANOMALIES, "HOPERAT")
async def anomalies(call: Call) -> Response:
    return await _anomalies(call)


async def _anomalies(call: Call, error: str = "", failed: int = 0) -> Response:
    state = call.query.get("state", "open")
    state = state if state in STATES else None
    await place_names(call, {call.actor.organization} if call.actor.organization else set())
    found = await watch.listed(call.engine, call.actor, state=state)
    w = call.w
    entries = [
        SimpleNamespace(
            x=x, role=_role(x.role, w), why=[sentence(c, f, w) for c, f in x.reasons.items()], state=w(STATES[x.state]),
            serious=x.weight >= 6, own=x.account == call.actor.number,
        )
        for x in found
    ]  # fmt: skip
    days = [
        SimpleNamespace(title=f"{w.weekday(d)}, {w.date(d)}", entries=list(g)) for d, g in groupby(entries, lambda e: e.x.day)
    ]  # fmt: skip
    return call.html(
        "audit/anomalies.html", 422 if error else 200, nav="audit", tab="anomalies", days=days, state=state, states=STATES,
        n=len(found),
        error=error, failed=failed, waiting=await watch.waiting(call.engine, call.actor), watches=True,
        toast=call.w("Noted.") if call.query.get("done") else "",
    )  # fmt: skip


@page(ANOMALIES, "HOPERAT")
async def review(call: Call) -> Response:
    which = call.request.path_params["number"]
    try:
        await watch.review(call.engine, call.actor, which, call.field("state", 20), call.field("words", 1000))
    except (Invalid, Forbidden) as why:
        return await _anomalies(call, _why_not(why, call.w), which)
    return call.go("/audit/anomalies?done=1")


def _why_not(why: LongbienError, w: Words) -> str:
    if isinstance(why, Forbidden):
        return w("Nobody reviews what they did themselves.")
    return w("Say why, in at least three letters.")
