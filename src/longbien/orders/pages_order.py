"""The order box in the chart: its sheet, what is typed into it, signing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from ..access import drafts
from ..base import clock
from ..base.errors import Forbidden, Invalid, NotFound
from ..base.ids import FHIR_ID, new_id
from ..record.store import Store
from ..web.chart.record import Life
from ..web.page import Call, page
from ..web.pages.frame import read_life
from ..web.pages.write import opened
from . import actions, advice, allergy, catalogue, favourites, rules
from . import sheet as box
from .compose import wrong
from .definitions import Item
from .index import Index
from .permissions import BOX
from .settings import kinds, may_order

SHOWN_RESULTS = timedelta(days=7)


async def build(call: Call, shell: Any) -> dict[str, Any] | None:
    """The sheet in the chart's panel; None for nurses where the hospital lets doctors alone order."""
    if not kinds(call.actor):
        return None
    draft = await box.load(call, shell["person"].id)
    asked = call.query.get("panel") == "order"
    query = call.query.get("oq", "")[:100] if asked else ""
    if asked:
        draft.open_set = call.query.get("set", "")[:100]
    checked = asked and call.query.get("checked") == "1"
    return await box.view(call, shell["life"], shell["reason"], draft, checked=checked, query=query)


@page(BOX, "TREAT")
async def order(call: Call) -> Response:
    """POST /patients/{id}/order, act = find, add:ID, take:ID, drop:K, keep, discard, repeat, again:Type/ID, (un)pin:ID, sign."""
    patient = call.request.path_params["id"]
    reason = await opened(call, patient)
    if not kinds(call.actor):
        raise Forbidden("At this hospital doctors alone order.")
    draft = await box.load(call, patient)
    box.typed(call, draft)
    act, _, arg = call.field("act", 200).partition(":")
    if act == "discard":
        await drafts.drop(call.engine.db, call.actor, patient, box.FORM)
        return call.go(f"/patients/{patient}?panel=order&done=discarded")
    life = await read_life(call, patient, reason)
    if act == "keep":
        return await _shown(call, life, reason, await box.keep(call, patient))
    index = await catalogue.fresh(call.engine, call.scope(reason))
    if act in ("", "sign"):
        return await _sign(call, life, reason, draft, index)
    await _change(call, life, reason, draft, index, act, arg)
    await box.save(call, patient, draft)
    return await _shown(call, life, reason, draft, query=call.field("q", 100) if act == "find" else "")


async def _change(call: Call, life: Life, reason: str, draft: box.Draft, index: Index, act: str, arg: str) -> None:
    where = box.context(call, life)
    if act == "add" and (item := _item(index, arg, call)):
        if item.kind == "set":
            draft.open_set = item.id
        else:
            box.add(draft, item, where)
    elif act == "take" and (item := _item(index, arg, call)):
        ticked = {call.field(f"part-{n}", 3) for n in range(len(item.parts))}
        box.add_parts(draft, index, [p for n, p in enumerate(item.parts) if str(n) in ticked], where, call.now, call.w)
    elif act == "drop":
        draft.lines = [x for x in draft.lines if x.k != arg]
    elif act == "repeat":
        store = Store(call.engine, call.scope(reason))
        _again(call, draft, index, actions.last_prescription(await advice.found(store, "MedicationRequest", life.person.id)))
    elif act == "again":
        type_, _, id_ = arg.partition("/")
        if type_ not in ("ServiceRequest", "MedicationRequest") or not FHIR_ID.match(id_):
            raise NotFound("There is no such order.")
        store = Store(call.engine, call.scope(reason))
        _again(call, draft, index, await advice.found(store, type_, life.person.id, ("_id", id_)))
    elif act in ("pin", "unpin") and (item := _item(index, arg, call)):
        await favourites.pin(call.engine, call.actor, item.id, on=act == "pin")


def _item(index: Index, id_: str, call: Call) -> Item | None:
    """What may be ordered now, by this person."""
    item = index.by_id.get(id_)
    if item is None or not item.offered(call.now):
        return None
    return item if may_order(call.actor, item.kind) else None


def _again(call: Call, draft: box.Draft, index: Index, orders: list[dict[str, Any]]) -> None:
    """Lines that order these once more; what the catalogue has no more, and that there is nothing, is said."""
    missing = []
    for one in orders:
        made = actions.again(one, index, draft.next_k())
        if made is not None and not may_order(call.actor, made[1].kind):
            draft.said = call.w("A doctor orders this.")
        elif made is not None and made[1].offered(call.now):
            draft.lines.append(made[0])
        else:
            missing.append(str((one.get("medicationCodeableConcept") or one.get("code") or {}).get("text") or ""))
    if missing:
        draft.said = call.w("No longer in the catalogue: %(what)s", what=", ".join(missing))
    elif not orders:
        draft.said = call.w("There is no earlier prescription.")


async def _sign(call: Call, life: Life, reason: str, draft: box.Draft, index: Index) -> Response:
    """All of it or nothing: asked of every adviser again, then one transaction."""
    patient = life.person.id
    if not draft.lines:
        return await _shown(call, life, reason, draft, status=422, error=call.w("Nothing is ordered yet."))
    if life.person.dead:
        return await _shown(call, life, reason, draft, status=422)
    store = Store(call.engine, call.scope(reason))
    where = box.context(call, life)
    items = [index.by_id.get(x.definition) for x in draft.lines]
    made = box.composed(draft, index, where, "x")
    said = await box.verdicts(call, store, patient, made)
    for n, (line, item) in enumerate(zip(draft.lines, items, strict=True)):
        if (
            item is None
            or made[n] is None
            or not may_order(call.actor, item.kind)
            or wrong(line, item, where, call.w)
            or box.blocked(line, said.get(n, []))
        ):
            await box.save(call, patient, draft)
            return await _shown(call, life, reason, draft, status=422, checked=True)
    given = call.field("once", 64)
    once = given if FHIR_ID.match(given) and len(given) <= 48 else new_id()
    lines = [(x, i) for x, i in zip(draft.lines, items, strict=True) if i is not None]
    where = box.context(call, life, await actions.number(call.engine, call.now))
    requests = box.composed(draft, index, where, once, await actions.accessions(call.engine, lines, call.now))
    signed = [(r, x, said.get(n, [])) for n, (r, x) in enumerate(zip(requests, draft.lines, strict=True))]
    try:
        await actions.sign(store, [*requests, *actions.overrides(where, signed, once)])
    except Invalid as error:
        await box.save(call, patient, draft)
        text = call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in error.issues[:3])
        return await _shown(call, life, reason, draft, status=422, error=text)
    await drafts.drop(call.engine.db, call.actor, patient, box.FORM)
    await favourites.ordered(call.engine, call.actor, [x.definition for x in draft.lines])
    written = ",".join(f"{r['resourceType']}/{r['id']}" for r in requests)
    return call.go(f"/patients/{patient}/orders?done=orders&undo={written}")


async def _shown(
    call: Call, life: Life, reason: str, draft: box.Draft, *, status: int = 200, checked: bool = False, query: str = "",
    error: str = "",
) -> Response:  # fmt: skip
    """The sheet anew for a script; without one, the chart with it."""
    if not call.part:
        more = "&checked=1" if checked else ""
        more += f"&oq={quote(query)}" if query else ""
        more += f"&set={draft.open_set}" if draft.open_set else ""
        return call.go(f"/patients/{life.person.id}?panel=order{more}")
    given = await box.view(call, life, reason, draft, checked=checked, query=query)
    return call.html("orders/sheet.html", status, person=life.person, **{**given, "said": error or given["said"]})


@page(BOX, "TREAT")
async def hints(call: Call) -> Response:
    """GET /patients/{id}/order/hints -> {definition id: [[level, text]]}: what is there already and what the patient reacts to, for
    the list of hits. Asked once when the box is opened; before signing the advisers are asked again."""
    patient = call.request.path_params["id"]
    reason = await opened(call, patient)
    store = Store(call.engine, call.scope(reason))
    index = await catalogue.fresh(call.engine, store.scope)
    since = ("date", "ge" + clock.instant(call.now - SHOWN_RESULTS))
    known = [a for a in await advice.found(store, "AllergyIntolerance", patient) if allergy.counts(a)]
    orders = [
        o
        for t in ("ServiceRequest", "MedicationRequest")
        for o in await advice.found(store, t, patient, ("status", "active,on-hold"))
    ]
    results = await advice.found(store, "Observation", patient, ("category", "laboratory"), since, ("_sort", "-date"))
    there = frozenset().union(*(rules.codes(x) for x in (*orders, *results)), frozenset())
    out: dict[str, list[list[str]]] = {}
    for item in index.items:
        if item.kind == "set" or not item.code:
            continue
        type_, what = ("MedicationRequest", "medicationCodeableConcept") if item.kind == "drug" else ("ServiceRequest", "code")
        draft = {"resourceType": type_, what: dict(item.code)}
        said = [advice.verdict(m, 0, call.w) for m in allergy.check(draft, known)] if known else []
        if there & frozenset(item.codes()):
            said += rules.duplicates([draft], orders, results, call.now, call.w, call.w.lang, SHOWN_RESULTS)
        if said:
            out[item.id] = [[v.level, v.text] for v in said[:3]]
    return JSONResponse(out, headers={"Cache-Control": "no-store"})
