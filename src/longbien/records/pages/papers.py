"""A patient's papers, one paper, its file, its signatures; what waits for my signature."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from longbien.access.entry import Locked
from longbien.base.errors import LongbienError, NotFound
from longbien.base.sql import queries
from longbien.base.words import parse_instant
from longbien.record.store import Store
from longbien.web.page import Call, page
from longbien.web.pages.frame import frame

from .. import files, papers, printing
from ..actions import Desk, Shown
from ..reading import listed, papers_of, reference_id
from ..roles import EXPORT, PAPERS, SCAN, SEAL, SIGN, may_fill
from ..signing import pades
from .desk import day, desk, id_of, reason_for, said, state

Q = queries(__file__, "../sql/records.sql")
PDF = "application/pdf"
MOST_AT_ONCE = 30
LATELY = timedelta(days=60)


async def row(call: Call, store: Store, composition: dict[str, Any], document: dict[str, Any] | None) -> SimpleNamespace:
    """A line of a list: without opening the file, by what its DocumentReference says."""
    kind = papers.kind_of(composition)
    assert kind is not None
    w = call.w
    stale = document is not None and files.extension(document, files.CONTENT) != files.content_hash(composition)
    if composition.get("status") == "entered-in-error":
        words, badge = w("entered in error"), "crit"
    elif document is None:
        words, badge = w("not signed"), "wait"
    elif stale:
        words, badge = w("changed since it was signed"), "warn"
    elif document.get("docStatus") == "final":
        words, badge = w("signed by all"), "ok"
    else:
        words, badge = w("being signed"), "wait"
    at = parse_instant(str(composition.get("date"))) if composition.get("date") else None
    authors = ", ".join(str(a.get("display") or "") for a in composition.get("author") or () if a.get("display"))
    return SimpleNamespace(
        id=composition["id"], title=kind.name(call.w.lang), at=at, author=authors, state=words, badge=badge,
        addendum=papers.addendum_reason(composition), encounter=reference_id(composition.get("encounter")),
        place=str((composition.get("custodian") or {}).get("display") or ""),
    )  # fmt: skip


@page(PAPERS, "TREAT")
async def tab(call: Call) -> Response:
    """The chart's section of papers, of visits' records and of what came in on paper."""
    patient = id_of(call)
    shell = await frame(call, patient, "papers")
    if isinstance(shell, Response):
        return shell
    store = desk(call, shell["reason"]).store
    compositions = await papers_of(store, patient)
    documents = await files.current(store, [c["id"] for c in compositions])
    rows = [await row(call, store, c, documents.get(c["id"])) for c in compositions]
    taken = await listed(store, "DocumentReference", [("patient", f"Patient/{patient}"), ("category", "scan"), ("_sort", "-date")])
    scans = [
        SimpleNamespace(id=d["id"], title=str((d.get("type") or {}).get("text") or ""), final=d.get("docStatus") == "final",
                        date=str(((d.get("context") or {}).get("period") or {}).get("start") or d.get("date") or "")[:10])
        for d in taken[::-1] if d.get("status") == "current"
    ]  # fmt: skip
    visits = [v for v in shell["life"].visits if v.place == call.actor.organization or not call.actor.organization]
    shown = sorted(visits, key=lambda v: v.start, reverse=True)[:12]
    return call.html(
        "chart.html", **shell, middle="records/tab.html", papers=rows, scans=scans, record_visits=shown,
        may_scan=call.actor.may(SCAN), may_export=call.actor.may(EXPORT),
    )  # fmt: skip


async def _opened(call: Call) -> tuple[Desk, Shown]:
    """The paper that the address names, with the reason that opens its patient's record. Raises NotFound."""
    first = desk(call, "a legal paper")
    shown = await first.look(id_of(call))
    return desk(call, await reason_for(call, shown.patient)), shown


@page(PAPERS, "TREAT")
async def one(call: Call) -> Response:
    return await _one(call, *await _opened(call))


async def _one(call: Call, at: Desk, shown: Shown, error: str = "", status: int = 200) -> Response:
    w, kind = call.w, shown.kind
    blocks = []
    for b in kind.blocks:
        found = shown.signature(b) if not shown.stale else None
        blocks.append(SimpleNamespace(
            key=b.key, label=b.label, party=b.party, optional=b.optional, signature=found,
            may=found is None and may_fill(call.actor.role, b.party), at=day(call, found.at) if found else "",
        ))  # fmt: skip
    from_file = shown.file
    code = from_file.code if from_file and not shown.stale else ""
    steps = await at.engine.db.fetch(Q.paper_steps, code) if code else []
    copies = await at.engine.db.fetch(Q.copies, code) if code else []
    pages = pades.page_count(from_file.pdf if from_file and not shown.stale else await at.draft(shown))
    words, badge = state(call, shown)
    patient = papers.name_of(await _patient(at, shown))
    key = await at.keys.of_person(call.actor) if call.actor.may(SIGN) else None
    return call.html(
        "records/paper.html", status, nav="papers", p=shown, id=shown.id, patient=shown.patient, name=patient,
        title=kind.name(w.lang), law=kind.law, blocks=blocks, state=words, badge=badge, code=code, error=error,
        hash=files.shown(files.digest(from_file.pdf)) if from_file else "", pages=pages, copies=copies, day=day,
        withdrawn=any(s["what"] == "withdrawn" for s in steps), call=call, key=key, training=at.keys.training,
        stamped=bool(at.keys.settings.timestamp), may_seal=call.actor.may(SEAL), may_sign=call.actor.may(SIGN),
        done=call.query.get("done", ""),
    )  # fmt: skip


async def _patient(at: Desk, shown: Shown) -> dict[str, Any]:
    found = await listed(at.store, "Patient", [("_id", shown.patient)])
    return found[0] if found else {}


@page(PAPERS, "TREAT")
async def pdf(call: Call) -> Response:
    """The signed file, letter for letter; before anybody has signed, a draft that says so."""
    at, shown = await _opened(call)
    signed = shown.file is not None and bool(shown.signatures) and not shown.stale
    content = shown.file.pdf if signed and shown.file else await at.draft(shown)
    return Response(content, media_type=PDF, headers=_as(f"{shown.kind.code}-{shown.id[:8]}{'' if signed else '-nhap'}.pdf"))


def _as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}


@page(PAPERS, "TREAT")
async def picture(call: Call) -> Response:
    """One page as a picture, for the screen. `n` from 1."""
    at, shown = await _opened(call)
    file = shown.file if shown.signatures and not shown.stale else None
    data = dict(file.data) if file and file.data else await at.data(shown, code="", draft=not shown.signatures)
    drawn = await printing.pictures(data)
    n = str(call.request.path_params["n"])
    if not n.isdigit() or not 1 <= int(n) <= len(drawn):
        raise NotFound("There is no such page.")
    return Response(drawn[int(n) - 1], media_type="image/png", headers={"Cache-Control": "no-store", "X-Pages": str(len(drawn))})


@page(PAPERS, "TREAT")
async def copy(call: Call) -> Response:
    """A copy on paper; each is counted."""
    at, shown = await _opened(call)
    try:
        content = await at.printed(shown)
    except LongbienError as why:
        return await _one(call, at, shown, said(call, why), why.status)
    return Response(content, media_type=PDF, headers=_as(f"{shown.kind.code}-{shown.id[:8]}-ban-in.pdf"))


@page(PAPERS, "TREAT")
async def sign(call: Call) -> Response:
    """My signature, or the facility's."""
    at, shown = await _opened(call)
    try:
        await call.door.entry.lately(call.request)
        await at.sign(shown.id, call.field("block", 20), pin=call.field("pin", 64))
    except Locked:
        if call.part:
            raise
        return RedirectResponse(f"/unlock?next={quote(f'/papers/{shown.id}')}", 303)
    except LongbienError as why:
        return await _one(call, at, await at.look(shown.id), said(call, why), why.status)
    return call.go(f"/papers/{shown.id}?done=signed")


@page(SEAL, "HOPERAT")
async def withdraw(call: Call) -> Response:
    at, shown = await _opened(call)
    try:
        await call.door.entry.lately(call.request)
        await at.withdraw(shown.id, call.field("why", 500))
    except Locked:
        if call.part:
            raise
        return RedirectResponse(f"/unlock?next={quote(f'/papers/{shown.id}')}", 303)
    except LongbienError as why:
        return await _one(call, at, shown, said(call, why), why.status)
    return call.go(f"/patients/{shown.patient}/papers")


# ---- what waits for my signature ------------------------------------------------------------------------------------


async def _waiting(call: Call) -> list[SimpleNamespace]:
    """Papers of the last 60 days at my facility with a place that I may fill and that is empty: my own first."""
    at = desk(call, "papers that wait for a signature")
    kinds = [k.code for k in papers.kinds().values() if any(may_fill(call.actor.role, b.party) for b in k.blocks)]
    if not kinds:
        return []
    wanted = ",".join(f"{papers.CODES}|{k}" for k in kinds)
    since = f"ge{(call.now - LATELY).date().isoformat()}"
    found = await listed(at.store, "Composition", [("type", wanted), ("date", since), ("_sort", "-date")])
    mine = call.actor.practitioner
    here = f"Organization/{call.actor.organization}"
    found = [c for c in found[::-1] if c.get("status") in ("preliminary", "final", "amended")
             and ((c.get("custodian") or {}).get("reference") in (here, None))]  # fmt: skip
    documents = await files.current(at.store, [c["id"] for c in found])
    names = await _names(at.store, {reference_id(c.get("subject")) for c in found})
    rows = []
    for c in found:
        kind = papers.kind_of(c)
        if kind is None:
            continue
        own = any(reference_id(a) == mine for a in c.get("author") or ())
        done = await _filled(at, documents.get(c["id"]), c)
        for b in kind.blocks:
            if b.key in done or b.party == "patient" or not may_fill(call.actor.role, b.party):
                continue
            if b.party == "person" and not own:
                continue
            line = await row(call, at.store, c, documents.get(c["id"]))
            line.block, line.label, line.own, line.name = b.key, b.label, own, names.get(reference_id(c.get("subject")), "")
            rows.append(line)
    return sorted(rows, key=lambda r: not r.own)


async def _filled(at: Desk, document: dict[str, Any] | None, composition: dict[str, Any]) -> set[str]:
    """The places that are signed, by what the file's data say (the file itself is opened when it is signed)."""
    if document is None or files.extension(document, files.CONTENT) != files.content_hash(composition):
        return set()
    if document.get("docStatus") == "final":
        kind = papers.kind_of(composition)
        return {b.key for b in kind.blocks} if kind else set()
    file = await files.opened(at.store, document["id"])
    return {str(b["key"]) for b in file.data.get("blocks") or () if b.get("signed")}


async def _names(store: Store, ids: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    listed_ids = sorted(i for i in ids if i)
    for n in range(0, len(listed_ids), 100):
        for p in await listed(store, "Patient", [("_id", ",".join(listed_ids[n : n + 100]))]):
            found[p["id"]] = papers.name_of(p)
    return found


@page(PAPERS, "TREAT")
async def to_sign(call: Call) -> Response:
    return await _to_sign(call)


async def _to_sign(call: Call, results: list[SimpleNamespace] | None = None, status: int = 200) -> Response:
    at = desk(call, "papers that wait for a signature")
    key = await at.keys.of_person(call.actor) if call.actor.may(SIGN) else None
    return call.html(
        "records/to-sign.html", status, nav="papers", rows=await _waiting(call), results=results or [], key=key,
        training=at.keys.training, may_sign=call.actor.may(SIGN) or call.actor.may(SEAL),
    )  # fmt: skip


@page(PAPERS, "TREAT")
async def sign_many(call: Call) -> Response:
    """All that are ticked, one after another: each is signed or says why not, and none holds another up."""
    asked = [str(v) for k, v in (call.form.multi_items() if call.form is not None else ()) if k == "paper" and isinstance(v, str)]
    try:
        await call.door.entry.lately(call.request)
    except Locked:
        if call.part:
            raise
        return RedirectResponse(f"/unlock?next={quote('/papers/to-sign')}", 303)
    results = []
    for text in asked[:MOST_AT_ONCE]:
        id_, _, block = text.partition(":")
        results.append(await _signed(call, id_, block))
    return await _to_sign(call, results)


async def _signed(call: Call, id_: str, block: str) -> SimpleNamespace:
    try:
        first = await desk(call, "a legal paper").look(id_)
        at = desk(call, await reason_for(call, first.patient))
        made = await at.sign(id_, block, pin=call.field("pin", 64))
        return SimpleNamespace(id=id_, title=made.kind.name(call.w.lang), error="")
    except LongbienError as why:
        return SimpleNamespace(id=id_, title="", error=said(call, why))
