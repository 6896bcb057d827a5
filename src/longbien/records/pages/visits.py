"""The record of one visit: how far it has come, its papers, closing it, adding to it, taking it out as a file."""

from __future__ import annotations

import json as plain
from urllib.parse import quote

from starlette.responses import Response

from longbien.base.errors import LongbienError
from longbien.base.ids import FHIR_ID, new_id, patient_key
from longbien.record import trail
from longbien.web.page import Call, page
from longbien.web.pages.frame import frame

from .. import bundle, export, files, states, visits
from ..actions import Desk
from ..reading import papers_of
from ..roles import CLOSE, EXPORT, PAPERS, SIGN
from .desk import desk, id_of, reason_for
from .papers import row


def names(call: Call) -> dict[str, str]:
    w = call.w
    return {
        states.DRAFT: w("record in preparation"),
        states.ACTIVE: w("record in use"),
        states.CLOSED: w("record closed"),
        states.ARCHIVED: w("record archived"),
        states.DESTROYED: w("record destroyed"),
    }


async def _at(call: Call, *, whole: bool = False) -> tuple[Desk, visits.Visit]:
    patient = id_of(call)
    at = desk(call, await reason_for(call, patient))
    return at, await visits.visit(at.store, patient, id_of(call, "visit"), whole=whole)


@page(PAPERS, "TREAT")
async def show(call: Call) -> Response:
    return await _show(call)


async def _show(call: Call, error: str = "", status: int = 200) -> Response:
    at, one = await _at(call)
    patient = id_of(call)
    shell = await frame(call, patient, "papers")
    if isinstance(shell, Response):
        return shell
    found = await papers_of(at.store, patient, one.id)
    documents = await files.current(at.store, [c["id"] for c in found])
    rows = [await row(call, at.store, c, documents.get(c["id"])) for c in found]
    ended = one.encounter.get("status") in ("finished", "cancelled")
    return call.html(
        "chart.html", status, **shell, middle="records/visit.html", v=one, states=names(call), papers=rows, error=error,
        may_close=call.actor.may(CLOSE), may_export=call.actor.may(EXPORT), may_write=call.actor.may(SIGN), ended=ended,
        once=new_id(),
        title=call.field("title", 100), text=call.field("text", 8000), why=call.field("why", 500),
        unsigned=[r for r in rows if r.badge != "ok"],
        left=states.AFTER.get(one.state, ""), department=str((one.encounter.get("serviceType") or {}).get("text") or ""),
        began=(one.encounter.get("period") or {}).get("start"), left_on=(one.encounter.get("period") or {}).get("end"),
    )  # fmt: skip


def _said(call: Call, why: LongbienError) -> str:
    w = call.w
    known = {
        "Say in a few words why.": w("Say in a few words why."),
        "The visit still goes on: it is closed after it has ended.": w(
            "The visit still goes on: its record is closed after it has ended."
        ),
        "Nothing is written yet.": w("Nothing is written yet."),
        "Say why this is added after closing.": w("Say why this is added after closing."),
    }
    if why.text in known:
        return known[why.text]
    if "does not become" in why.text:
        return w("Somebody else was first, or this step does not follow. Look at the record as it is now.")
    return w("This did not work") + f": {why.text}"


def _back(call: Call) -> Response:
    return call.go(f"/patients/{id_of(call)}/records/{id_of(call, 'visit')}")


def _once(call: Call) -> str:
    given = call.field("once", 48)
    return given if FHIR_ID.match(given) else new_id()


@page(CLOSE, "TREAT")
async def move(call: Call) -> Response:
    """Close, or archive."""
    at, one = await _at(call)
    try:
        await visits.move(at, one, call.field("state", 10), call.field("why", 500))
    except LongbienError as why:
        return await _show(call, _said(call, why), why.status)
    return _back(call)


@page(SIGN, "TREAT")
async def add(call: Call) -> Response:
    at, one = await _at(call)
    try:
        await visits.add(at, one, call.field("title", 100), call.field("text", 8000), call.field("why", 500), _once(call))
    except LongbienError as why:
        return await _show(call, _said(call, why), why.status)
    return _back(call)


@page(SIGN, "TREAT")
async def make(call: Call) -> Response:
    """The paper "bệnh án" of this visit."""
    at, one = await _at(call, whole=True)
    try:
        made = await visits.make_paper(at, one, _once(call))
    except LongbienError as why:
        return await _show(call, _said(call, why), why.status)
    return call.go(f"/papers/{made}")


# ---- taking it out --------------------------------------------------------------------------------------------------


async def _taken(call: Call, kind: str) -> tuple[visits.Visit, Desk]:
    at, one = await _at(call, whole=True)
    why = f"export of Encounter/{one.id} as {kind}"
    line = trail.line(at.store.scope, "export", pat=patient_key(str(one.patient["id"])), n=1, why=why)
    await at.engine.trail.write([line])
    return one, at


def _file(content: bytes, one: visits.Visit, kind: str, media: str) -> Response:
    name = quote(f"HoSoBenhAn-{one.id[:12]}.{kind}")
    return Response(
        content, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    )


@page(EXPORT, "HOPERAT")
async def as_json(call: Call) -> Response:
    one, _ = await _taken(call, "JSON")
    content = plain.dumps(export.as_json(one), ensure_ascii=False, indent=1).encode()
    return _file(content, one, "json", "application/json")


@page(EXPORT, "HOPERAT")
async def as_xml(call: Call) -> Response:
    one, _ = await _taken(call, "XML")
    return _file(export.as_xml(one), one, "xml", "application/xml")


@page(EXPORT, "HOPERAT")
async def as_zip(call: Call) -> Response:
    """The whole record: HoSoBenhAn in both forms, the "bệnh án" to be read, every signed paper as it was signed."""
    one, at = await _taken(call, "ZIP")
    return _file(await bundle.whole(at, one), one, "zip", "application/zip")
