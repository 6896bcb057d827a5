"""A patient signs: on this screen with a finger or a pen, or with a one-time code from their own telephone. Both are bound to the
hash of the file that they were shown."""

from __future__ import annotations

import hmac
import secrets
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from longbien.access.entry import Locked
from longbien.base.errors import Conflict, Invalid, LongbienError, NotFound
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.record import trail
from longbien.web.me.shell import found, whom
from longbien.web.page import Call, page
from longbien.web.pages.me import show

from .. import files, papers, strokes
from ..actions import Desk, Shown
from ..papers import Block
from ..reading import read
from ..roles import OWN_PAPERS, PAPERS
from ..signing import pades
from .desk import desk, id_of, reason_for, said
from .papers import PDF

Q = queries(__file__, "../sql/records.sql")


async def _opened(call: Call) -> tuple[Desk, Shown, Block]:
    first = await desk(call, "a legal paper").look(id_of(call))
    at = desk(call, await reason_for(call, first.patient))
    block = next((b for b in first.kind.blocks if b.party == "patient"), None)
    if block is None:
        raise NotFound("No patient signs this paper.")
    return at, first, block


@page(PAPERS, "TREAT")
async def pad(call: Call) -> Response:
    return await _pad(call, *await _opened(call))


async def _pad(call: Call, at: Desk, shown: Shown, block: Block, error: str = "", status: int = 200) -> Response:
    """The page that is turned to the patient: what they sign, and where. Opening it makes the file, so that its hash can be
    said."""
    try:
        file: files.File | None = await at.prepare(shown)
    except LongbienError as why:
        file, error, status = shown.file, error or said(call, why), why.status if status == 200 else status
    patient = (await _person(at, shown)) if file else ""
    return call.html(
        "records/pad.html", status, nav="papers", p=shown, block=block, error=error, hash=files.digest(file.pdf) if file else "",
        short=files.shown(files.digest(file.pdf)) if file else "", signed=shown.signature(block) is not None and not shown.stale,
        pages=pades.page_count(file.pdf) if file else 1, who=call.field("who", 120) or patient, relation=call.field("relation", 60),
        title=shown.kind.name(call.w.lang), name=patient, width=strokes.WIDTH, height=strokes.HEIGHT,
    )  # fmt: skip


async def _person(at: Desk, shown: Shown) -> str:
    return papers.name_of(await read(at.store, "Patient", shown.patient))


@page(PAPERS, "TREAT")
async def sign(call: Call) -> Response:
    at, shown, block = await _opened(call)
    who, relation, code = call.field("who", 120), call.field("relation", 60), call.field("code", 12)
    try:
        if shown.file is None or call.field("hash", 64) != files.digest(shown.file.pdf):
            raise Conflict("The paper changed after it was shown.")
        if code:
            await _code_right(call, at, shown, code)
            who = who or await _person(at, shown)
            await at.sign_for_patient(shown.id, block.key, who=who, relation=relation, drawn="", how="code")
        else:
            if not who:
                raise Invalid("Say who signs.")
            drawn = strokes.svg(call.field("strokes", 100_001))
            await at.sign_for_patient(shown.id, block.key, who=who, relation=relation, drawn=drawn, how="drawn")
    except Locked:
        return RedirectResponse(f"/unlock?next={quote(f'/papers/{shown.id}/patient')}", 303)
    except LongbienError as why:
        return await _pad(call, at, await at.look(shown.id), block, said(call, why), why.status)
    return call.go(f"/papers/{shown.id}?done=patient")


async def _code_right(call: Call, at: Desk, shown: Shown, code: str) -> None:
    """Raises Invalid: wrong, used, too late, or given for the file as it was before."""
    wrong = Invalid("This code is not right, or it has run out.", status=422)
    assert shown.file is not None
    row = await at.engine.db.fetchrow(Q.token_try, shown.file.id)
    if row is None or row["sha256"] != files.digest(shown.file.pdf):
        raise wrong
    if not any(hmac.compare_digest(row["hash"], h) for h in call.door.entry.seal.hashes(_spoken(shown.file.id, code))):
        raise wrong
    await at.engine.db.execute(Q.token_used, row["number"])


def _spoken(document: str, code: str) -> str:
    return f"paper {document} {''.join(c for c in code if c.isdigit())}"


# ---- on the patient's own telephone ---------------------------------------------------------------------------------


@page(OWN_PAPERS, "PATRQT")
async def mine(call: Call) -> Response:
    return await _mine(call)


async def _mine(call: Call, code: str = "", of: str = "") -> Response:
    one = await whom(call)
    documents = await found(one, "DocumentReference", ("status", "current"), ("_sort", "-date"), ("_count", "100"))
    rows = []
    for d in documents:
        kind = _kind(d)
        if kind is None:
            continue
        rows.append({"id": d["id"], "title": kind.name(call.w.lang), "date": str(d.get("date") or "")[:10], "waits": _waits(d),
                     "final": d.get("docStatus") == "final",
                     "place": str((d.get("custodian") or {}).get("display") or "")})  # fmt: skip
    return show(call, one, "records/mine.html", "record", rows=rows, code=code, of=of)


async def card(call: Call, shell: Any) -> dict[str, Any] | None:
    """On the patient's own home: how many papers there are, and whether one waits."""
    one = shell["whom"]
    found_ = [d for d in await found(one, "DocumentReference", ("status", "current"), ("_count", "100")) if files.is_paper(d)]
    if not found_:
        return None
    return {"whom": one, "n": len(found_), "waits": any(_waits(d) for d in found_)}


def _kind(document: dict[str, Any]) -> papers.Paper | None:
    codings = (document.get("type") or {}).get("coding") or ()
    return next((k for c in codings if c.get("system") == papers.CODES and (k := papers.kinds().get(str(c.get("code"))))), None)


def _waits(document: dict[str, Any]) -> bool:
    kind = _kind(document)
    return kind is not None and document.get("docStatus") != "final" and any(b.party == "patient" for b in kind.blocks)


async def _own(call: Call) -> files.File:
    one = await whom(call)
    file = await files.opened(one.store, id_of(call))
    if not files.is_paper(file.document):
        raise NotFound("There is no such paper.")
    return file


@page(OWN_PAPERS, "PATRQT")
async def own_pdf(call: Call) -> Response:
    file = await _own(call)
    headers = {"Content-Disposition": f'inline; filename="giay-{file.id[:8]}.pdf"', "Cache-Control": "no-store"}
    return Response(file.pdf, media_type=PDF, headers=headers)


@page(OWN_PAPERS, "PATRQT")
async def code(call: Call) -> Response:
    """A code of six digits for one paper as it is now: who says it at the desk signs that paper and no other."""
    file = await _own(call)
    if file.final:
        raise Conflict("This paper is signed already.")
    digits = f"{secrets.randbelow(10**6):06d}"
    hashed = call.door.entry.seal.hashes(_spoken(file.id, digits))[0]
    await call.engine.db.execute(Q.token_new, file.id, files.digest(file.pdf), call.actor.number, hashed)
    one = await whom(call)
    why = f"one-time code for DocumentReference/{file.id}"
    await call.engine.trail.write([trail.line(one.store.scope, "operation", pat=patient_key(one.id), why=why)])
    return await _mine(call, f"{digits[:3]} {digits[3:]}", file.id)
