"""Own phrases and templates: kept, shared with colleagues, dropped."""

from __future__ import annotations

from types import SimpleNamespace

from starlette.responses import Response

from ...base.errors import NotFound
from ...web.page import Call, page
from .. import codes, phrases, view
from ..permissions import VISIT
from .visit import done


@page(VISIT, "TREAT")
async def listed(call: Call) -> Response:
    return await _show(call, {}, {})


async def _show(call: Call, values: dict[str, str], errors: dict[str, str], status: int = 200) -> Response:
    all_ = await view.phrases_of(call)
    titles = {k: call.w(t) for k, t in codes.LABELS.items()}
    wrong = {k: call.w(t) for k, t in errors.items()}
    blank = SimpleNamespace(values={}, errors={})
    given = SimpleNamespace(values=values, errors=wrong)
    of = values.get("kind", "phrase")
    word, whole = (
        SimpleNamespace(key=k, **vars(given if of == kind else blank)) for k, kind in (("p", "phrase"), ("g", "template"))
    )
    toast = done(call.query.get("done", ""), call)
    return call.html("clinic/phrases.html", status, nav="clinic", all=all_, titles=titles, toast=toast, p=word, g=whole)


@page(VISIT, "TREAT")
async def add(call: Call) -> Response:
    kind = "template" if call.field("kind", 10) == "template" else "phrase"
    name = call.field("name", 80).lstrip(".")
    fields = {k: call.field(f"t_{k}", 4000) for k in phrases.FIELDS}
    content = {k: t for k, t in fields.items() if t} if kind == "template" else call.field("content", 4000)
    errors = phrases.wrong(kind, name, content)
    if errors:
        typed = {"kind": kind, "name": name, "content": call.field("content", 4000), **{f"t_{k}": t for k, t in fields.items()}}
        return await _show(call, typed, errors, 422)
    shared = call.field("shared", 1) == "1"
    await phrases.add(
        call.engine.db, call.actor.number, call.actor.organization or "", kind, name, call.field("field", 20), content, shared
    )
    return call.go("/clinic/phrases?done=phrase")


@page(VISIT, "TREAT")
async def drop(call: Call) -> Response:
    number = call.field("number", 20).lstrip("o")
    if not number.isdigit() or not await phrases.drop(call.engine.db, call.actor.number, min(int(number), 2**62)):
        raise NotFound("There is no such phrase of yours.")
    return call.go("/clinic/phrases")
