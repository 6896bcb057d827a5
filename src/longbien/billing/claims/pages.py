"""The insurance office: what is to be mended, sent, was refused; one claim field by field; the month; the portal's results."""

from __future__ import annotations

import re
from datetime import date
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from longbien.base import clock
from longbien.base.errors import Invalid, LongbienError, NotFound
from longbien.base.ids import FHIR_ID
from longbien.base.words import mark, parse_instant
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record.store import Store
from longbien.web.form import Files
from longbien.web.page import Call, page
from longbien.wire.claims_xml import Fault
from longbien.wire.claims_xml.checking import shown
from longbien.wire.claims_xml.tables import TABLES, Field, codes, labels, named, wrappers

from . import making, office, reactions, sending
from .office import Desk
from .permissions import CLAIMS
from .settings import ClaimsSettings, accounts
from .shapes import STATES, Correction, Kept, State

PURPOSE = "HPAYMT"
ROWS_SHOWN = 12
STATE_WORDS: dict[State, tuple[str, str]] = {
    "mend": (mark("to be mended"), "warn"),
    "ready": (mark("ready to send"), "here"),
    "waiting": (mark("on its way"), "wait"),
    "refused": (mark("refused"), "crit"),
    "sent": (mark("taken by the portal"), "ok"),
}
EMPTY: dict[State, str] = {
    "mend": mark("No claim has a fault."),
    "ready": mark("No claim waits to be sent."),
    "waiting": mark("Nothing is on its way."),
    "refused": mark("Nothing was refused."),
    "sent": mark("Nothing was taken yet."),
}
PLACES = {"portal": mark("Insurance portal"), "axis": mark("City's data axis")}
SENDING_WORDS = {
    "waiting": (mark("on its way"), "wait"),
    "taken": (mark("taken"), "ok"),
    "refused": (mark("refused"), "crit"),
    "dropped": (mark("replaced before it was sent"), ""),
}


async def desk(call: Call, reason: str) -> Desk:
    """The officer's facility. Raises NotFound for who works at none."""
    if not call.actor.organization:
        raise NotFound("There is no facility to this account.")
    store = Store(call.engine, call.scope(reason))
    organization = json.loads((await store.read("Organization", call.actor.organization)).body, strict=False)
    code = next((str(i["value"]) for i in organization.get("identifier") or () if i.get("system") == s.FACILITY_CODE), "")
    return Desk(call.engine, store, making.house(call.engine), call.actor.organization, code)


def claim_of(call: Call) -> str:
    found = str(call.request.path_params["id"])
    if not FHIR_ID.match(found):
        raise NotFound("There is no such claim.")
    return found


# ---- the list --------------------------------------------------------------------------------------------------------


@page(CLAIMS, PURPOSE)
async def listing(call: Call) -> Response:
    return await _listing(call)


async def _listing(call: Call, *, error: str = "", status: int = 200, toast: str = "") -> Response:
    place = await desk(call, "claims of the facility")
    counted = await office.counts(place)
    state = _state(call, counted)
    rows = await office.listed(place, state)
    waiting = await call.engine.db.fetchrow(sending.Q.waiting, place.facility)
    return call.html(
        "billing/claims/list.html",
        status,
        nav="claims",
        state=state,
        states=STATES,
        words=STATE_WORDS,
        counts=counted,
        empty=EMPTY[state],
        rows=[_line(r) for r in rows],
        error=error,
        toast=toast or _done(call),
        sends=bool(_places(place)),
        line=waiting,
        facility=place.facility,
        automatic=ClaimsSettings.read().automatic,
    )


def _places(place: Desk) -> list[str]:
    settings = ClaimsSettings.read()
    account = accounts(settings).get(place.facility)
    return [n for n, there in (("portal", account.portal), ("axis", account.axis)) if there] if account else []


def _state(call: Call, counted: dict[State, int]) -> State:
    """What was asked for; else the first state that holds work."""
    asked = call.query.get("state", "")
    work: tuple[State, ...] = ("refused", "mend", "ready", "waiting")
    ready: State = "ready"
    return next((x for x in STATES if x == asked), next((x for x in work if counted[x]), ready))


def _line(kept: Kept) -> SimpleNamespace:
    return SimpleNamespace(
        id=kept.id,
        link=kept.link,
        name=kept.name,
        begin=_moment(kept.begin),
        end=_moment(kept.end),
        total=kept.total,
        insurer=kept.insurer,
        insured=kept.insured,
        stops=kept.stops,
        warnings=kept.warnings,
        answer=kept.answer,
        corrections=len(kept.corrections),
    )


def _moment(text: str) -> Any:
    return parse_instant(text) if len(text) > 10 else None


def _done(call: Call) -> str:
    w = call.w
    return {
        "sent": w("The claim is on its way."),
        "made": w("The claim was made again from the record."),
        "corrected": w("The correction is kept."),
        "closed": w("The month is closed."),
    }.get(call.query.get("done", ""), "")


@page(CLAIMS, PURPOSE)
async def send_ready(call: Call) -> Response:
    place = await desk(call, "claims are sent")
    sent, wrong = await office.send_ready(place)
    w = call.w
    told = w.plural("%(n)s claim is on its way.", "%(n)s claims are on their way.", sent)
    return await _listing(call, error=" ".join(w(x) for x in wrong), toast=told if sent else "")


# ---- one claim -------------------------------------------------------------------------------------------------------


@page(CLAIMS, PURPOSE)
async def one(call: Call) -> Response:
    return await _one(call)


async def _one(call: Call, *, error: str = "", status: int = 200, typed: Correction | None = None) -> Response:
    place = await desk(call, "a claim")
    kept, rows, faults = await office.opened(place, claim_of(call))
    history = await sending.history(call.engine, kept)
    answers = await sending.responses(place.store, kept.id)
    asked = call.query.get("table", "") or (typed.table if typed else "")
    table = asked if asked in rows else next((f.table for f in faults if f.table in rows), next(iter(rows), "XML1"))
    return call.html(
        "billing/claims/one.html",
        status,
        nav="claims",
        claim=_line(kept),
        kept=kept,
        words=STATE_WORDS,
        faults=_said(call, faults),
        tables=[
            SimpleNamespace(name=t, title=wrappers()[t].title, n=len(rows[t]), faults=sum(f.table == t for f in faults))
            for t in TABLES
            if t in rows
        ],
        table=table,
        title=wrappers()[table].title,
        rows=_rows(call, kept, table, rows.get(table, []), faults),
        all=len(rows.get(table, [])),
        history=[_version(call, h, answers) for h in history],
        answers=[_answer(a) for a in answers],
        error=error,
        toast=_done(call),
        sends=bool(sending.ways(ClaimsSettings.read(), kept)),
        typed=typed,
        edit=_edit(call, kept, table, rows),
        places=PLACES,
        first=_from(call),
        step=ROWS_SHOWN,
    )


def _said(call: Call, faults: list[Fault]) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(
            level=f.level, table=f.table, row=f.row, field=f.field, text=call.w(f.text, **f.values), todo=call.w(f.todo)
        )
        for f in sorted(faults, key=lambda f: f.level)
    ]


def _rows(call: Call, kept: Kept, table: str, rows: list[dict[str, str]], faults: list[Fault]) -> list[SimpleNamespace]:
    """The rows of one table that are shown: those with a fault or a correction first, then the rest as far as the page goes."""
    wrong = {f.row for f in faults if f.table == table and f.row}
    touched = {c.row for c in kept.corrections if c.table == table}
    order = sorted(range(1, len(rows) + 1), key=lambda n: (n not in wrong | touched, n))
    first = _from(call)
    return [_row(call, kept, table, n, rows[n - 1], faults) for n in order[first : first + ROWS_SHOWN]]


def _from(call: Call) -> int:
    return _int(call.query.get("from", "")[:6])


def _row(call: Call, kept: Kept, table: str, n: int, row: dict[str, str], faults: list[Fault]) -> SimpleNamespace:
    day = clock.local(call.now).date()
    known = named(table, day)
    at: dict[str, list[SimpleNamespace]] = {}
    for f in faults:
        if f.table == table and f.row == n:
            at.setdefault(f.field, []).extend(_said(call, [f]))
    corrected = {c.field: c for c in kept.corrections if c.table == table and c.row == n}
    cells = [
        SimpleNamespace(
            name=name,
            label=labels().get((table, name), ""),
            value=value,
            faults=at.get(name, []),
            corrected=corrected.get(name),
            means=_means(known.get(name), value, day),
            may=not name.startswith(making.BY_HAND) and name not in making.KEYS,
        )
        for name, value in _in_order(row, list(known))
        if value or name in at or name in corrected
    ]
    title = next((row[x] for x in ("TEN_THUOC", "TEN_DICH_VU", "TEN_VAT_TU", "TEN_CHI_SO", "HO_TEN") if row.get(x)), "")
    return SimpleNamespace(n=n, title=title, cells=cells, wrong=bool(at))


def _means(field: Field | None, value: str, day: date) -> str:
    """What a code or a date says, for the eye."""
    if field is None or not value:
        return ""
    if field.codes:
        return codes(field.codes, day).get(value, "")
    return "; ".join(map(shown, value.split(";"))) if field.form and field.form != "list" else ""


def _in_order(row: dict[str, str], names: list[str]) -> list[tuple[str, str]]:
    return [(n, row.get(n, "")) for n in [*names, *(n for n in row if n not in names)]]


def _edit(call: Call, kept: Kept, table: str, rows: dict[str, list[dict[str, str]]]) -> SimpleNamespace | None:
    """The field that the reader wants to correct: ?field=&row=."""
    field = call.query.get("field", "") or call.field("field", 60)
    try:
        n = int(call.query.get("row", "") or call.field("row", 6) or 0)
    except ValueError:
        return None
    if not field or not 0 < n <= len(rows.get(table, ())):
        return None
    day = clock.local(call.now).date()
    known = named(table, day).get(field)
    choices = codes(known.codes, day) if known and known.codes else {}
    return SimpleNamespace(
        table=table,
        row=n,
        field=field,
        label=labels().get((table, field), ""),
        value=rows[table][n - 1].get(field, ""),
        choices=choices,
    )


def _version(call: Call, row: Any, answers: list[dict[str, Any]]) -> SimpleNamespace:
    words, badge = SENDING_WORDS[row["state"]]
    answer = next((a for a in answers if a.get("id") == f"cr-{row['number']}"), {})
    return SimpleNamespace(
        number=row["number"],
        check_in=row["kind"] == "0",
        place=row["gateway"],
        words=words,
        badge=badge,
        tries=row["tries"],
        due=row["due"],
        code=row["code"] or "",
        transaction=row["transaction"] or "",
        said=row["said"] or "",
        made=row["made"],
        done=row["done"],
        waiting=row["state"] == "waiting",
        text=str(answer.get("disposition") or ""),
    )


def _answer(body: dict[str, Any]) -> SimpleNamespace:
    errors = [_error(e.get("code") or {}) for e in body.get("error") or ()]
    return SimpleNamespace(
        place=str((body.get("insurer") or {}).get("display") or ""),
        errors=errors,
        at=_moment(str(body.get("created"))),
        text=str(body.get("disposition") or ""),
        good=body.get("outcome") == "complete",
    )


PLACE = re.compile(r"(XML\d+)(?: (\d+))?(?: ([A-Z][A-Z0-9_]+))?: (.*)", re.S)
"""How `sending` writes where an error is."""


def _error(said: dict[str, Any]) -> SimpleNamespace:
    code, text = str((said.get("coding") or [{}])[0].get("code") or ""), str(said.get("text") or "")
    place = PLACE.fullmatch(text)
    if place is None:
        return SimpleNamespace(code=code, text=text, table="", row="", field="")
    return SimpleNamespace(code=code, text=place[4], table=place[1], row=place[2] or "1", field=place[3] or "")


@page(CLAIMS, PURPOSE)
async def correct(call: Call) -> Response:
    place = await desk(call, "a field of a claim is corrected")
    kept = await office.find(place, claim_of(call))
    typed = Correction(
        call.field("table", 6),
        _int(call.field("row", 6)),
        call.field("field", 60),
        "",
        call.field("value", 4000),
        call.field("why", 400),
        call.actor.name,
        clock.instant(call.now),
    )
    try:
        await making.correct(place.house, kept, typed, reactions.composed)
    except Invalid as why:
        return await _one(call, error=call.w(why.text), status=400, typed=typed)
    return call.go(f"/claims/{kept.id}?table={typed.table}&done=corrected")


def _int(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


@page(CLAIMS, PURPOSE)
async def make(call: Call) -> Response:
    place = await desk(call, "a claim is made again")
    kept = await office.find(place, claim_of(call))
    await making.make(place.house, kept.visit, reactions.composed)
    return call.go(f"/claims/{kept.id}?done=made")


@page(CLAIMS, PURPOSE)
async def send(call: Call) -> Response:
    place = await desk(call, "a claim is sent")
    kept = await office.find(place, claim_of(call))
    try:
        await sending.send(place.store, kept)
    except Invalid as why:
        return await _one(call, error=call.w(why.text), status=400)
    return call.go(f"/claims/{kept.id}?done=sent")


def _file(data: bytes, name: str) -> Response:
    return Response(data, media_type="application/xml", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@page(CLAIMS, PURPOSE)
async def version(call: Call) -> Response:
    """A version as it was sent."""
    place = await desk(call, "a claim as it was sent")
    kept = await office.find(place, claim_of(call))
    number = _int(str(call.request.path_params["number"])[:12])
    return _file(await sending.sent_bytes(call.engine, kept, number), f"{kept.id}-{number}.xml")


# ---- the month -------------------------------------------------------------------------------------------------------


@page(CLAIMS, PURPOSE)
async def month(call: Call) -> Response:
    return await _month(call)


async def _month(call: Call, *, error: str = "", status: int = 200) -> Response:
    place = await desk(call, "closing of a month")
    name = office.month_name(call.query.get("m", "") or call.field("m", 7), clock.local(call.now).date())
    found = await office.month_of(place, name)
    day = clock.local(call.now).date()
    return call.html(
        "billing/claims/month.html",
        status,
        nav="claims",
        month=found,
        kinds=codes("MA_LOAI_KCB", day),
        words=STATE_WORDS,
        error=error,
        toast=_done(call),
        facility=place.facility,
    )


@page(CLAIMS, PURPOSE)
async def close(call: Call) -> Response:
    place = await desk(call, "closing of a month")
    name = office.month_name(call.field("m", 7), clock.local(call.now).date())
    try:
        await office.close(place, name, call.actor.number)
    except Invalid as why:
        return await _month(call, error=call.w(why.text), status=400)
    return call.go(f"/claims/month?m={name}&done=closed")


@page(CLAIMS, PURPOSE)
async def summary(call: Call) -> Response:
    place = await desk(call, "summary of a month")
    number = _int(str(call.request.path_params["number"])[:12])
    return _file(await office.summary_file(place, number), f"01BH-{place.facility}-{number}.xml")


# ---- the portal's results --------------------------------------------------------------------------------------------

RESULTS = Files(1, 8 << 20, ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))


@page(CLAIMS, PURPOSE, files=RESULTS)
async def results(call: Call) -> Response:
    place = await desk(call, "the portal's results are taken in")
    w = call.w
    try:
        given = await call.file("file")
        if given is None:
            raise Invalid(mark("Choose the file first."))
        found = await office.import_results(place, given[1])
    except LongbienError as why:
        if why.status >= 500:
            raise
        return await _listing(call, error=w(why.text), status=400)
    told = w.plural("%(n)s claim was refused.", "%(n)s claims were refused.", found.refused)
    unknown = w("Not known here: %(numbers)s.", numbers=", ".join(found.unknown[:20])) if found.unknown else ""
    return await _listing(call, toast=told, error=unknown)
