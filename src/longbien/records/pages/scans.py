"""Taking in a paper that came on paper, and saying what it is."""

from __future__ import annotations

from types import SimpleNamespace

from starlette.responses import Response

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, LongbienError, PreconditionFailed, TooLarge
from longbien.base.ids import new_id
from longbien.web.form import Files
from longbien.web.page import Call, page

from .. import papers, reading_paper, scans
from ..actions import Desk
from ..reading import read, reference_id
from ..roles import PAPERS, SCAN
from .desk import desk, id_of, reason_for


@page(SCAN, "HOPERAT")
async def form(call: Call) -> Response:
    return await _form(call)


async def _form(call: Call, error: str = "", status: int = 200) -> Response:
    patient = id_of(call)
    at = desk(call, await reason_for(call, patient))
    known = await reading_paper.languages()
    return call.html(
        "records/scan.html", status, nav="papers", id=patient, name=papers.name_of(await read(at.store, "Patient", patient)),
        error=error, reads=reading_paper.installed(), vietnamese="vie" in known, once=new_id(), most=scans.LARGEST >> 20,
    )  # fmt: skip


@page(SCAN, "HOPERAT", files=Files(1, scans.LARGEST, scans.TAKEN))
async def take(call: Call) -> Response:
    patient = id_of(call)
    at = desk(call, await reason_for(call, patient))
    try:
        given = await call.file("file")
    except TooLarge:
        return await _form(call, call.w("This file is too large: at most %(n)s MB.", n=scans.LARGEST >> 20), 413)
    except Invalid:
        return await _form(call, call.w("Only PDF, JPEG and PNG files are taken in."), 422)
    if given is None:
        return await _form(call, call.w("Choose a file first."), 422)
    found = await reading_paper.read(*given)
    try:
        made = await scans.keep(at, patient, given[0], given[1], found, call.field("once", 48))
    except Conflict:  # the same form sent twice
        made = call.field("once", 48)
    return call.go(f"/papers/scans/{made}?read={found.how}")


async def _opened(call: Call) -> tuple[Desk, SimpleNamespace]:
    first = desk(call, "a paper that came in")
    document, version, file = await scans.opened(first, id_of(call))
    patient = reference_id(document.get("subject"))
    at = desk(call, await reason_for(call, patient))
    return at, SimpleNamespace(document=document, version=version, file=file, patient=patient)


@page(PAPERS, "TREAT")
async def one(call: Call) -> Response:
    return await _one(call, *await _opened(call))


async def _one(call: Call, at: Desk, s: SimpleNamespace, error: str = "", status: int = 200) -> Response:
    text = scans.text_of(s.document)
    today = clock.local(call.now).date()
    final = s.document.get("docStatus") == "final"
    chosen = next((str(c.get("code")) for c in (s.document.get("type") or {}).get("coding") or ()), "")
    dated = str(((s.document.get("context") or {}).get("period") or {}).get("start") or "")[:10]
    dates = reading_paper.suggested_dates(text, today)
    kind = reading_paper.suggested_kind(text)
    media = str(s.document["content"][0]["attachment"].get("contentType"))
    return call.html(
        "records/scanned.html", status, nav="papers", s=s, id=s.document["id"], error=error, text=call.field("text") or text,
        final=final,
        name=papers.name_of(await read(at.store, "Patient", s.patient)), picture=media.startswith("image/"),
        kinds=[(code, t[0] if call.w.lang == "vi" else t[1]) for code, t in reading_paper.KINDS.items()], suggested=kind,
        kind=call.field("kind", 30) or chosen or kind,
        dated=call.field("dated", 10) or dated or (dates[0].isoformat() if dates else ""),
        dates=dates, may=call.actor.may(SCAN), how=call.query.get("read", ""), wrong=s.document.get("status") == "entered-in-error",
        latest=today.isoformat(),
    )  # fmt: skip


@page(PAPERS, "TREAT")
async def file(call: Call) -> Response:
    """The paper as it was taken in."""
    _, s = await _opened(call)
    media = str(s.document["content"][0]["attachment"].get("contentType"))
    if media not in scans.TAKEN:
        media = "application/octet-stream"
    return Response(s.file.pdf, media_type=media, headers={"Content-Disposition": "inline", "Cache-Control": "no-store"})


@page(SCAN, "HOPERAT")
async def name(call: Call) -> Response:
    at, s = await _opened(call)
    digits = call.field("version", 9)
    version = int(digits) if digits.isdigit() else s.version
    try:
        if call.field("act", 10) == "wrong":
            await scans.error(at, s.document["id"], version)
        else:
            today = clock.local(call.now).date()
            await scans.name(
                at, s.document["id"], version, call.field("kind", 30), call.field("dated", 10), call.field("text"), today
            )
    except LongbienError as why:
        return await _one(call, at, s, _said(call, why), why.status)
    return call.go(f"/patients/{s.patient}/papers")


def _said(call: Call, why: LongbienError) -> str:
    w = call.w
    known = {
        "Say what kind of paper it is.": w("Say what kind of paper it is."),
        "Say of which day the paper is.": w("Say of which day the paper is: it has passed."),
    }
    if isinstance(why, PreconditionFailed | Conflict):
        return w("Somebody else was first. Look at the paper as it is now.")
    return known.get(why.text) or w("This did not work") + f": {why.text}"
