"""Double records: pairs that are alike, two side by side, joining them, and taking a joining back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access import joining as warrants
from ...access.resource_types import KINDS, NAMES
from ...base.errors import Conflict, Invalid, NotFound, PreconditionFailed
from ...base.ids import FHIR_ID, patient_key
from ...base.words import mark
from ...fhir import json
from ...record.people import last_seen
from ...record.store import Store
from ...web.chart import record as r
from ...web.chart.record import person
from ...web.desk import people as persons
from ...web.page import Call, page
from .. import identity, joining, knowing
from ..finding import Found
from ..permissions import MERGE
from .desk import author, here

WHY = "Gộp hồ sơ trùng của một người"
ROWS = (
    ("name", mark("Name")), ("birth", mark("Born")), ("sex", mark("Sex")), ("citizen_id", mark("Citizen ID")),
    ("insurance", mark("Insurance")), ("phone", mark("Phone")), ("address", mark("Lives in")),
)  # fmt: skip


@page(MERGE, "HOPERAT")
async def listed(call: Call) -> Response:
    """Pairs of one name and birth date of whom one is under care here, and what was joined."""
    place = await here(call)
    rows = await call.engine.db.fetch(joining.Q.twins, call.actor.org)
    keys = list({k for row in rows for k in (row["one"], row["other"])})
    city = call.door.finding(call.actor)
    known = await persons(call.engine, city.scope, keys)
    pairs = [(known[a["one"]][0], known[a["other"]][0]) for a in rows if a["one"] in known and a["other"] in known]
    linked = await _linked(city, {p.id for pair in pairs for p in pair})
    shown = [(a, b) for a, b in pairs if frozenset((a.id, b.id)) not in linked]
    merges = [dict(x) for x in await call.engine.db.fetch(joining.Q.listed, place.id)]
    names = await persons(call.engine, city.scope, list({patient_key(m["survivor"]) for m in merges}))
    for m in merges:
        who = names.get(patient_key(m["survivor"]))
        m["name"] = who[0].name if who else ""
    w = call.w
    said = {"joined": w("The two records are one now."), "undone": w("The joining is taken back: every row is where it was."),
            "linked": w("Kept: they are two people, or it is to be found out.")}  # fmt: skip
    return call.html(
        "reception/duplicates.html", nav="reception", pairs=shown, merges=merges, toast=said.get(call.query.get("done", ""), "")
    )


async def _linked(city: Store, ids: set[str]) -> set[frozenset[str]]:
    """Pairs that are joined or linked already."""
    out: set[frozenset[str]] = set()
    for id_ in ids:
        body = json.loads((await city.read("Patient", id_)).body)
        for x in body.get("link") or ():
            out.add(frozenset((id_, str((x.get("other") or {}).get("reference") or "").rpartition("/")[2])))
    return out


def _pair(call: Call) -> tuple[str, str]:
    given = call.query if call.request.method == "GET" else call.form
    one, other = (str((given or {}).get(k) or "") for k in ("one", "other"))
    if not FHIR_ID.match(one) or not FHIR_ID.match(other) or one == other:
        raise NotFound("Two patients are compared.")
    return one, other


@page(MERGE, "HOPERAT")
async def compare(call: Call) -> Response:
    one, other = _pair(call)
    return await _compare(call, one, other)


async def _compare(call: Call, one: str, other: str, *, error: str = "", reason: str = "", status: int = 200) -> Response:
    city = call.door.finding(call.actor)
    two = []
    for id_ in (one, other):
        there = await city.read("Patient", id_)
        two.append(Found(json.loads(there.body), there.version, there.pat or 0))
    people = [person(f.patient) for f in two]
    like = identity.likeness(two[0].patient, two[1].patient)
    rows = [(title, *(_shown(call, p, key) for p in people)) for key, title in ROWS]
    links = [x for x in two[0].patient.get("link") or () if x.get("type") == "seealso"]
    linked = any(str((x.get("other") or {}).get("reference")) == f"Patient/{other}" for x in links)
    return call.html(
        "reception/compare.html", status, nav="reception", people=people, rows=rows, like=like,
        refusal=joining.refusal(two[0].patient, two[1].patient), error=error, reason=reason, linked=linked,
        last=await _last(call, [f.pat for f in two]),
    )  # fmt: skip


def _shown(call: Call, p: r.Person, key: str) -> str:
    value = str(getattr(p, key))
    if key == "birth":
        return call.w.date(value)
    if key == "sex":
        return call.w.sex(value)
    return call.w.tail(value) if key in ("citizen_id", "insurance") else value


async def _last(call: Call, pats: list[int]) -> list[Any]:
    """Of each whether the record is open to the reader, and when and where the person was last."""
    seen = await last_seen(call.engine, call.scope("comparing two records"), pats)
    return [seen.get(p) for p in pats]


@page(MERGE, "HOPERAT")
async def join(call: Call) -> Response:
    """Make one of two. `stands`: which of them stays."""
    one, other = _pair(call)
    stands = call.field("stands", 64)
    if stands not in (one, other):
        return await _compare(call, one, other, error=call.w("Choose which record stands."), status=422)
    gone = other if stands == one else one
    reason = call.field("reason", 500)
    for id_ in (stands, gone):
        if not await knowing.open_for(call, id_, f"{WHY}: {reason}"[:400]):
            return await _compare(
                call, one, other, error=call.w("One of the records is not open to you."), reason=reason, status=403
            )
    whole = await warrants.warrant(call.door, call.actor, MERGE, (stands, gone), WHY)
    try:
        await joining.join(whole, author(call), stands, gone, reason, call.now)
    except Invalid as why:
        return await _compare(call, one, other, error=call.w(why.text), reason=reason, status=422)
    except (PreconditionFailed, Conflict):
        text = call.w("Somebody wrote into one of the records at the same time. Nothing was joined; do it once more.")
        return await _compare(call, one, other, error=text, reason=reason, status=409)
    return call.go("/reception/duplicates?done=joined")


@page(MERGE, "HOPERAT")
async def link(call: Call) -> Response:
    """Say that they have to do with each other, and are not to be proposed again; or take that back."""
    one, other = _pair(call)
    for id_ in (one, other):
        if not await knowing.open_for(call, id_, f"{WHY}: liên kết hai hồ sơ"):
            return await _compare(call, one, other, error=call.w("One of the records is not open to you."), status=403)
    store = Store(call.engine, call.scope(WHY))
    a, b = [await store.read("Patient", x) for x in (one, other)]
    try:
        linked = not call.field("unlink", 2)
        await joining.link(store, json.loads(a.body), a.version, json.loads(b.body), b.version, linked=linked)
    except (PreconditionFailed, Conflict):
        return await _compare(
            call, one, other, error=call.w("Somebody else has just changed this record. Look once more."), status=409
        )
    return call.go("/reception/duplicates?done=linked")


@page(MERGE, "HOPERAT")
async def merged(call: Call) -> Response:
    """A joining, and what the record got since: it stays, or goes along when the joining is taken back."""
    return await _merged(call)


async def _merged(call: Call, *, error: str = "", status: int = 200) -> Response:
    id_ = call.request.path_params["provenance"]
    known = await call.engine.db.fetchrow(joining.Q.one, id_) if FHIR_ID.match(id_) else None
    place = await here(call)
    if known is None or known["org"] != place.id:
        raise NotFound("There is no such joining.")
    city = call.door.finding(call.actor)
    two = [person(json.loads((await city.read("Patient", known[k])).body)) for k in ("survivor", "merged")]
    groups: list[SimpleNamespace] = []
    if known["undone_at"] is None:
        whole = await warrants.warrant(call.door, call.actor, MERGE, (known["survivor"],), WHY)
        groups = _groups(await joining.later(whole, id_), call)
    return call.html("reception/merged.html", status, nav="reception", m=known, two=two, groups=groups, error=error)


def _groups(later: list[joining.Later], call: Call) -> list[SimpleNamespace]:
    """What was written since, a visit with all that belongs to it as one choice. Says what kind it is, never what it says."""
    out: dict[str, SimpleNamespace] = {}
    for x in later:
        key = x.group or x.key
        kind = _called(x.key.partition("/")[0], call)
        if key not in out:
            out[key] = SimpleNamespace(key=key, keys=[], at=x.at, kinds={})
        out[key].keys.append(x.key)
        out[key].kinds[kind] = out[key].kinds.get(kind, 0) + 1
    return sorted(out.values(), key=lambda g: g.at)


def _called(type_: str, call: Call) -> str:
    """What a kind of resource is called, as the tables of roles call it."""
    at = 0 if call.lang == "vi" else 1
    if type_ in NAMES:
        return NAMES[type_][at]
    return next(((k.vi, k.en)[at] for k in KINDS.values() if type_ in k.types), type_)


@page(MERGE, "HOPERAT")
async def undo(call: Call) -> Response:
    """Take a joining back."""
    id_ = call.request.path_params["provenance"]
    known = await call.engine.db.fetchrow(joining.Q.one, id_) if FHIR_ID.match(id_) else None
    if known is None or known["org"] != (await here(call)).id:
        raise NotFound("There is no such joining.")
    whole = await warrants.warrant(call.door, call.actor, MERGE, (known["survivor"],), f"{WHY}: hoàn tác")
    given = call.form.getlist("along") if call.form is not None else []
    along = [k for text in given if isinstance(text, str) for k in text.split(",")]
    try:
        await joining.take_back(whole, author(call), id_, along, call.now)
    except PreconditionFailed:
        text = call.w("Somebody wrote into one of the records at the same time. Nothing was taken back; do it once more.")
        return await _merged(call, error=text, status=409)
    except Conflict as why:
        return await _merged(call, error=call.w(why.text), status=409)
    return call.go("/reception/duplicates?done=undone")
