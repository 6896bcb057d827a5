"""Who may see what: the patient says it on the phone, in one touch for each kind; every touch is an entry of the consent ledger."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace

from starlette.responses import Response

from ...access import carers, consent
from ...access.roles import ME
from ...base.errors import Conflict, Invalid
from ...base.words import mark
from ..me.shell import Whom, whom
from ..page import Call, page
from .me import show

#: category -> (title, what is in it)
KINDS = {
    "ordinary": (mark("Ordinary visits and results"), mark("most of the record")),
    "mental": (mark("Mind and mood"), mark("psychiatry, psychology")),
    "reproductive": (mark("Pregnancy and sexual health"), mark("also infections of that kind")),
    "hiv": (mark("HIV"), mark("tests and treatment")),
    "drug": (mark("Alcohol and drugs"), mark("addiction and its treatment")),
    "adolescent": (mark("What a young person told in confidence"), mark("from 10 to 17 years")),
    "restricted": (mark("What is marked as private"), mark("by you or by a doctor")),
}


@page(ME, "PATRQT")
async def shared(call: Call) -> Response:
    return await _shared(call, await whom(call))


async def _shared(call: Call, one: Whom, error: str = "", status: int = 200) -> Response:
    w = call.w
    standing = await consent.standing(call.door, one.id)
    rows = [
        SimpleNamespace(code=k, title=w(title), hint=w(hint), open=standing.open.get(k, False), said=standing.said.get(k, False))
        for k, (title, hint) in KINDS.items()
    ]
    entries = [e for e in await consent.ledger(call.door, call.actor, one.id) if e.choices]
    held = [SimpleNamespace(id=e.id, text=_told(e, call), at=e.at or e.changed, holds=e.holds, changed=e.changed) for e in entries]
    return show(
        call, one, "me/consent.html", "record", status=status, rows=rows, held=held, error=error,
        done=call.query.get("done", "") == "1",
    )  # fmt: skip


def _told(entry: consent.Entry, call: Call) -> str:
    """What one entry says, in a line."""
    w, first = call.w, entry.choices[0]
    kinds = ", ".join(w(KINDS[c][0]) for c in first.categories if c in KINDS) or w("the record")
    places: dict[str, str] = call.request.app.state.places
    ids = [r.partition("/") for r in first.readers]
    names = [w("a relative") if kind == "RelatedPerson" else places.get(id_, id_) for kind, _, id_ in ids]
    readers = ", ".join(names) or w("other hospitals")
    if first.permit:
        return w("Open to %(who)s: %(what)s", who=readers, what=kinds)
    return w("Closed to %(who)s: %(what)s", who=readers, what=kinds)


@page(ME, "PATRQT")
async def say(call: Call) -> Response:
    """One kind is opened or closed to other hospitals; what was said of this kind alone before ends with it."""
    one = await whom(call)
    kind, permit = call.field("kind", 40), call.field("permit", 1) == "1"
    if kind not in KINDS:
        return await _shared(call, one, call.w("This cannot be sent. Check what is written."), 422)
    try:
        for entry in await consent.ledger(call.door, call.actor, one.id):
            only = all(c.categories == (kind,) and not c.readers and not c.purposes for c in entry.choices)
            if entry.holds and entry.choices and only:
                await consent.withdraw(call.door, call.actor, one.id, entry.id)
        proof = consent.Proof("screen", by=await _by(call, one))
        await consent.take(call.door, call.actor, one.id, consent.Choice(permit, categories=(kind,)), proof)
    except (Invalid, Conflict):
        return await _shared(call, one, call.w("This cannot be sent. Check what is written."), 422)
    return call.go(one.to("/me/consent", done="1"))


async def _by(call: Call, one: Whom) -> str | None:
    if one.own:
        return None
    relation = next((c for c in await carers.of(call.engine.db, call.actor) if c.patient == one.id), None)
    return relation.basis[1] if relation and relation.basis[0] == "RelatedPerson" else None


@page(ME, "PATRQT")
async def withdraw(call: Call) -> Response:
    one = await whom(call)
    with suppress(Conflict):  # it has ended already: what was wished for is so
        await consent.withdraw(call.door, call.actor, one.id, call.request.path_params["id"])
    return call.go(one.to("/me/consent", done="1"))
