"""The insurance office: the rules and how often each is overruled, what they found in visits, who wrote the times of a visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from longbien.base.errors import Invalid, NotFound, PreconditionFailed
from longbien.base.ids import FHIR_ID, key64
from longbien.base.words import Words
from longbien.record.store import Store
from longbien.web.chart import record as r
from longbien.web.page import Call, page

from . import tables, times, told, work
from .permissions import RULES
from .reading import found
from .tables import Rule
from .told import Rate

Resource = dict[str, Any]
_decode = msgspec.json.Decoder().decode
PERIOD = timedelta(days=90)


def _store(call: Call, why: str) -> Store:
    return Store(call.engine, call.scope(why))


@page(RULES, "HPAYMT")
async def rules(call: Call) -> Response:
    """GET /billing/rules: the table, with what became of each rule's word in the last 90 days at this facility."""
    facility = key64(f"Organization/{call.actor.organization}")
    day = call.now.date()
    rates = await told.rates(call.engine, facility, day - PERIOD)
    rows = [(x, rates.get(x.code, Rate()), x.text(call.w.lang) % _Blank()) for x in tables.table()]
    return call.html("billing/rules.html", nav="findings", rows=rows, day=day, levels=LEVELS)


class _Blank(dict[str, str]):
    """The values of a reason, where there are none yet."""

    def __missing__(self, key: str) -> str:
        return "…"


LEVELS = {"stop": "crit", "warn": "warn", "note": ""}


@dataclass(frozen=True, slots=True)
class Row:
    """A finding as the list shows it."""

    id: str
    version: int
    rule: Rule | None
    text: str
    patient: str
    name: str
    visit: str
    came: Any
    at: Any


@page(RULES, "HPAYMT")
async def findings(call: Call) -> Response:
    return await _findings(call)


async def _findings(call: Call, *, status: int = 200, error: str = "", wrong: str = "") -> Response:
    store = _store(call, "findings of the insurance's rules")
    items = await work.waiting(store)
    wanted = call.query.get("rule", "")
    names = await _names(store, items)
    rows = [_row(x, names, call.w) for x in items if wanted in ("", work.rule_of(x))]
    counts: dict[str, int] = {}
    for x in items:
        counts[work.rule_of(x)] = counts.get(work.rule_of(x), 0) + 1
    return call.html(
        "billing/findings.html", status, nav="findings", rows=rows, counts=sorted(counts.items()), wanted=wanted, error=error,
        wrong=wrong, levels=LEVELS, done=call.query.get("done", ""), total=len(items),
    )  # fmt: skip


async def _names(store: Store, items: Sequence[Resource]) -> dict[str, str]:
    ids = sorted({r.reference_id(x.get("for")) for x in items})
    people = await found(store, "Patient", None, ("_id", ",".join(ids))) if ids else []
    return {str(p["id"]): r.human(p.get("name")) for p in people}


def _row(item: Mapping[str, Any], names: Mapping[str, str], w: Words) -> Row:
    patient = r.reference_id(item.get("for"))
    return Row(
        str(item["id"]), int((item.get("meta") or {}).get("versionId") or 0), tables.by_code().get(work.rule_of(item)),
        work.sentence(item, w.lang), patient, names.get(patient, ""), r.reference_id(item.get("encounter")),
        r.moment((item.get("executionPeriod") or {}).get("start")), r.moment(item.get("authoredOn")),
    )  # fmt: skip


@page(RULES, "HPAYMT")
async def settle(call: Call) -> Response:
    """POST /billing/findings/{task}, act = completed | rejected | again."""
    id_ = call.request.path_params["task"]
    if not FHIR_ID.match(id_):
        raise NotFound("There is no such finding.")
    store = _store(call, "findings of the insurance's rules")
    act = call.field("act", 20)
    if act == "again":
        item = _decode((await store.read("Task", id_)).body)
        await work.run(store, r.reference_id(item.get("encounter")))
        return call.go("/billing/findings?done=again")
    version = call.field("version", 10)
    try:
        await work.settle(store, id_, act, call.field("note", 500), call.actor.name, int(version) if version.isdigit() else None)
    except (Invalid, PreconditionFailed) as why:
        return await _findings(call, status=422, error=call.w(_said(why)), wrong=id_)
    return call.go(f"/billing/findings?done={act}")


def _said(why: Invalid | PreconditionFailed) -> str:
    return why.text


@page(RULES, "HPAYMT")
async def written(call: Call) -> Response:
    """GET /patients/{id}/times/{visit}: every time of a visit that enters the claim, and who or what wrote it."""
    patient, visit = call.request.path_params["id"], call.request.path_params["visit"]
    store = _store(call, "times of a claim")
    encounter, stamps = await times.stamps(store, visit)
    if r.reference_id(encounter.get("subject")) != patient:
        raise NotFound("There is no such visit.")
    person = _decode((await store.read("Patient", patient)).body)
    late = sum(1 for x in stamps if x.late)
    return call.html(
        "billing/times.html", nav="findings", stamps=stamps, name=r.human(person.get("name")), visit=encounter, late=late,
        birth=person.get("birthDate"),
    )  # fmt: skip
