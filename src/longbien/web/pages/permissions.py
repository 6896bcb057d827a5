"""Who may do what: each role in sentences made from its table, and the question why somebody may or may not see a record."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access import accounts, explain, facility, sentences
from ...access.actor import Actor
from ...access.roles import ACCOUNTS, ARRANGE, COVER, FIND, PERMISSIONS, ROLES, STAFF
from ...base import clock
from ...base.errors import Invalid, LongbienError, NotFound
from ...base.ids import FHIR_ID
from ...record.store import Store
from ..page import Call, page


def tabs(call: Call) -> list[tuple[str, str]]:
    """(href, title) of the pages of this group that the reader may open."""
    may, w = call.actor.may, call.w
    return [
        *([("/permissions", w("Roles")), ("/permissions/why", w("Why?"))] if may(PERMISSIONS) else []),
        *([("/permissions/accounts", w("Accounts"))] if may(ACCOUNTS) else []),
        *([("/cover", w("Standing in"))] if may(COVER) or may(ARRANGE) else []),
    ]


def titled(call: Call, role: str) -> str:
    found = ROLES.get(role)
    return (found.vi if call.w.lang == "vi" else found.en) if found else role


@page(PERMISSIONS, "HOPERAT")
async def roles(call: Call) -> Response:
    """Every role of staff; ?role= one of them."""
    chosen = call.query.get("role", "")
    shown = ROLES.get(chosen if chosen in ROLES else call.actor.role) or ROLES["doctor"]
    at = call.actor.organization
    return call.html(
        "permissions/roles.html", tabs=tabs(call), here="/permissions", role=shown.name, title=titled(call, shown.name),
        roles=[(name, titled(call, name)) for name in ROLES if name in STAFF or name in ("patient", "carer", "machine")],
        said=sentences.of_role(shown, call.w, call.door.settings),
        strict=sentences.strict(call.w) if shown.personal and at and await facility.strict(call.engine, at) else "",
    )  # fmt: skip


@page(PERMISSIONS, "HOPERAT")
async def why(call: Call) -> Response:
    """?login= ?patient= (an id; for who may find people, a number too) ?about= (a type, or Type/id)."""
    asked = {name: call.query.get(name, "").strip()[:200] for name in ("login", "patient", "about")}
    answer, error = None, ""
    if asked["login"] and asked["patient"]:
        try:
            answer = await _answer(call, asked)
        except (Invalid, NotFound) as wrong:
            error = _fault(call, wrong, asked)
    return call.html(
        "permissions/why.html", tabs=tabs(call), here="/permissions/why", asked=asked, answer=answer, error=error,
    )  # fmt: skip


def _fault(call: Call, wrong: LongbienError, asked: dict[str, str]) -> str:
    if isinstance(wrong, NotFound):
        return call.w("There is no account “%(login)s”, or no such patient.", login=asked["login"])
    return call.w("This cannot be asked: give a patient's id, and a type or Type/id of R4.")


async def _answer(call: Call, asked: dict[str, str]) -> SimpleNamespace:
    w, patient = call.w, await _patient(call, asked["patient"])
    sees = await call.door.why(call.actor, patient) is not None
    found = await explain.why(
        call.engine, call.actor, asked["login"], patient, asked["about"] or None, settings=call.door.settings, sources=sees
    )
    return SimpleNamespace(
        name=found.name, role=titled(call, found.role), login=found.login, allowed=found.allowed, rule=found.rule, sees=sees,
        says=[w(message, **values) for message, values in found.says],
        opens=[w(message, **values) for message, values in found.opens],
        sources=[_source(call, s) for s in found.sources],
    )  # fmt: skip


def _source(call: Call, source: explain.Source) -> SimpleNamespace:
    lo, hi = (f"{call.w.date(clock.local(t).date())} {clock.local(t):%H:%M}" if t else "–" for t in (source.lo, source.hi))
    return SimpleNamespace(what=source.what, lo=lo, hi=hi, said=source.said)


async def _patient(call: Call, given: str) -> str:
    """The id; a number on a card is looked up for who may find people."""
    if not call.actor.may(FIND) or (FHIR_ID.match(given) and not given.isdigit()):
        return given
    store: Store = call.door.finding(call.actor)
    found = await store.search("Patient", [("identifier", given), ("_count", "2")])
    return found.matches[0].id if len(found.matches) == 1 else given


async def colleagues(call: Call, at: str) -> list[dict[str, Any]]:
    """Who may stand in, at a facility: number, name and role in words."""
    rows = await accounts.listed(call.engine.db, organization=at, count=1000)
    return [
        {"number": r["number"], "name": r["name"], "role": titled(call, r["role"]), "department": r["department"]}
        for r in rows
        if r["role"] in COVER.roles and r["disabled"] is None
    ]


def own_facility(actor: Actor) -> str:
    if actor.organization is None:
        raise NotFound("This account works at no facility.")
    return actor.organization
