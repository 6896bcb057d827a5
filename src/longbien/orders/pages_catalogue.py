"""The administrator's pages of the catalogue: find, edit, date, retire, add. What is written holds in the whole city at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from ..base import clock
from ..base.errors import Conflict, Invalid, NotFound, PreconditionFailed
from ..base.ids import FHIR_ID
from ..record.change import Create, Update
from ..record.store import Store
from ..web.page import Call, page
from . import catalogue, editing
from .definitions import Item
from .index import Index, words
from .kinds import KINDS
from .permissions import CATALOGUE

PAGE = 100
_decode = msgspec.json.Decoder().decode


def _store(call: Call) -> Store:
    return Store(call.engine, call.scope("keeping the catalogue"))


async def _index(call: Call) -> Index:
    return await catalogue.fresh(call.engine, call.scope("keeping the catalogue"))


def _type(id_: str, index: Index) -> str:
    item = index.by_id.get(id_)
    if item is None or not FHIR_ID.match(id_):
        raise NotFound("There is no such definition.")
    return "PlanDefinition" if item.kind == "set" else "ActivityDefinition"


def _titles(call: Call) -> dict[str, str]:
    return {k: call.w(v.title) for k, v in KINDS.items()} | {"set": call.w("Order set")}


def _state(item: Item, call: Call) -> tuple[str, str]:
    """(words, badge) of whether it may be ordered now."""
    if item.offered(call.now):
        return call.w("offered"), "ok"
    if item.status == "retired":
        return call.w("retired"), ""
    if item.status != "active":
        return call.w("draft"), "wait"
    today = clock.local(call.now).date().isoformat()
    return (call.w("from %(day)s", day=call.w.date(item.start)), "wait") if item.start > today else (call.w("ended"), "")


@page(CATALOGUE, "HSYSADMIN")
async def listed(call: Call) -> Response:
    """GET /catalogue?kind=&q=&show="""
    index = await _index(call)
    kind, q, show = call.query.get("kind", ""), call.query.get("q", "")[:100], call.query.get("show", "")
    asked = words(q)
    found = [
        i for i in index.items
        if (not kind or i.kind == kind)
        and (not show or (_state(i, call)[1] == "ok") == (show == "offered"))
        and (not asked or _holds(i, asked))
    ]  # fmt: skip
    found.sort(key=lambda i: ([*KINDS, "set"].index(i.kind), i.rank, i.vi))
    digits = call.query.get("page", "1")
    number = max(1, int(digits)) if digits.isdigit() and len(digits) < 4 else 1
    rows = [
        SimpleNamespace(i=i, name=i.name(call.lang), kind=_titles(call)[i.kind], state=_state(i, call)[0], css=_state(i, call)[1])
        for i in found[(number - 1) * PAGE : number * PAGE]
    ]
    counts = [(k, title, sum(i.kind == k for i in index.items)) for k, title in _titles(call).items()]
    return call.html(
        "orders/catalogue.html", nav="catalogue", rows=rows, total=len(found), kinds=counts, kind=kind, q=q, show=show, page=number,
        pages=max(1, -(-len(found) // PAGE)), done=call.query.get("done", ""),
    )  # fmt: skip


def _holds(item: Item, asked: list[str]) -> bool:
    there = words(" ".join((item.vi, item.en, item.key, item.group, *item.aliases)))
    return all(any(w.startswith(a) for w in there) for a in asked)


@page(CATALOGUE, "HSYSADMIN")
async def one(call: Call) -> Response:
    """GET /catalogue/{id}; /catalogue/new?kind= for one that is not there yet."""
    id_ = call.request.path_params["id"]
    if id_ == "new":
        return await _form(call, "new", _new_kind(call), {"status": "active", "start": clock.local(call.now).date().isoformat()})
    index = await _index(call)
    stored = await _store(call).read(_type(id_, index), id_)
    return await _form(call, id_, index.by_id[id_].kind, editing.fields(_decode(stored.body)), version=stored.version)


def _new_kind(call: Call) -> str:
    kind = call.query.get("kind") or call.field("kind", 20)
    return kind if kind in KINDS else "lab"


async def _form(
    call: Call, id_: str, kind: str, values: dict[str, str], *, version: int = 0, errors: dict[str, str] | None = None,
    error: str = "", status: int = 200,
) -> Response:  # fmt: skip
    index = await _index(call)
    item = index.by_id.get(id_)
    parts = []
    for n, p in enumerate(item.parts if item else ()):
        ticked = bool(values.get(f"tick-{n}")) if "posted" in values else p.ticked
        there = index.by_id.get(p.definition)
        parts.append(SimpleNamespace(n=n, title=p.title, id=p.definition, ticked=ticked, there=there is not None,
                                     hint=values.get(f"hint-{n}", p.hint), gone=bool(values.get(f"gone-{n}"))))  # fmt: skip
    past: list[Any] = []
    if item is not None:
        known = await _store(call).history(_type(id_, index), id_, count=10)
        past = [SimpleNamespace(number=v.version, at=v.updated) for v in known.versions]
    return call.html(
        "orders/definition.html", status, nav="catalogue", id=id_, kind=kind, kind_title=_titles(call)[kind], values=values,
        errors=errors or {}, error=error, version=version, parts=parts, past=past, item=item, statuses=[
            ("active", call.w("in use")), ("draft", call.w("draft")), ("retired", call.w("retired"))],
        done=call.query.get("done", ""), code=values.get("code", item.key if item else ""),
    )  # fmt: skip


@page(CATALOGUE, "HSYSADMIN")
async def change(call: Call) -> Response:
    """POST /catalogue/{id}: what the form holds, over the version that it was made from."""
    id_, index = call.request.path_params["id"], await _index(call)
    values = {k: call.field(k, 4000) for k, v in (call.form.items() if call.form else ()) if isinstance(v, str) and k != "csrf"}
    values["posted"] = "1"
    store = _store(call)
    version = int(values["version"]) if values.get("version", "").isdigit() else 0
    kind = _new_kind(call) if id_ == "new" else ""
    if id_ == "new":
        made, errors = editing.new(kind, values, index, call.w)
        made["date"] = clock.local(call.now).date().isoformat()
        write: Create | Update = Create(made, id=made["id"])
    else:
        kind = index.by_id[id_].kind if id_ in index.by_id else ""
        stored = await store.read(_type(id_, index), id_)
        made, errors = editing.edited(_decode(stored.body), values, index, call.w)
        made["date"] = clock.local(call.now).date().isoformat()
        write = Update(made, if_match=version)
    if errors:
        return await _form(call, id_, kind, values, version=version, errors=errors, status=422)
    try:
        await store.commit([write])
    except (Conflict, PreconditionFailed):
        text = call.w("Somebody changed this definition meanwhile. Compare with what stands there now, then save again.")
        now = (await store.read(made["resourceType"], made["id"])).version  # to be saved over, once it was looked at
        return await _form(call, id_, kind, values, version=now, error=text, status=409)
    except Invalid as wrong:
        text = call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in wrong.issues[:3])
        return await _form(call, id_, kind, values, version=version, error=text, status=422)
    catalogue.of(call.engine).stale()
    return call.go(f"/catalogue/{made['id']}?done=1")
