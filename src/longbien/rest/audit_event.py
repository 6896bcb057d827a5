"""GET [base]/AuditEvent?patient=...|agent=...&date=..., GET [base]/AuditEvent/[id] - http://hl7.org/fhir/R4/auditevent.html

The trail is kept in compact lines (record.trail); here they are shown as the standard draws them. Nobody writes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from longbien.base import clock
from longbien.base.errors import Invalid, Issue, NotFound
from longbien.base.sql import queries
from longbien.fhir import json as fhir_json
from longbien.fhir import references
from longbien.record import trail, trail_read
from longbien.record.trail_read import Asked, Seen

from .bundle import bundle, entry
from .history import moment
from .request import Answer, Params, Request
from .search import take_form

Q = queries(__file__, "sql/audit_event.sql")
COUNT, MOST = 50, 1000
BELOW = "_below"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_TYPES = {
    "sign-in": (_DICOM, "110114", "User Authentication"),
    "sign-out": (_DICOM, "110114", "User Authentication"),
    "token": (_DICOM, "110113", "Security Alert"),
    "account": (_DICOM, "110113", "Security Alert"),
    "purpose": (_DICOM, "110113", "Security Alert"),
    "care": (_DICOM, "110113", "Security Alert"),
    "trail": (_DICOM, "110101", "Audit Log Used"),
    "export": (_DICOM, "110106", "Export"),
    "import": (_DICOM, "110107", "Import"),
}
_REST = ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "RESTful Operation")
_INTERACTION = "http://hl7.org/fhir/restful-interaction"
_INTERACTIONS = {
    "read": "read", "vread": "vread", "history": "history-instance", "search": "search-type", "create": "create",
    "update": "update", "delete": "delete", "operation": "operation",
}  # fmt: skip
_KIND = "https://longbien.dev/fhir/CodeSystem/audit-kind"
_PURPOSE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_OUTCOMES = {trail.SUCCESS: "0", trail.REFUSED: "4", trail.FAILED: "8"}
_QUIET = ("_format", "_pretty", "_count", "_sort", "_total", BELOW)


async def read(request: Request, type: str, id: str) -> Answer:
    seq = int(id) if id.isascii() and id.isdigit() and len(id) < 19 else 0
    found = await trail_read.lines(request.store.engine, request.store.scope, Asked(seqs=(seq,)), 1)
    if not found:
        raise NotFound(f"AuditEvent/{id} is not known.")
    return Answer(200, (await _shown(request, found))[0])


async def search(request: Request, type: str) -> Answer:
    """Newest first, in pages. patient, agent, entity, date, action, outcome, type, subtype, _id."""
    params = request.params
    asked = Asked()
    for name, value in params:
        asked = await _narrowed(request, asked, name, value)
    count = min(_whole("_count", dict(params).get("_count") or str(COUNT)), MOST)
    found = await trail_read.lines(request.store.engine, request.store.scope, asked, count + 1)
    page = found[:count]
    bodies = await _shown(request, page)
    base = f"{request.base_url}/AuditEvent"
    entries = [
        entry({"search": {"mode": "match"}}, body, f"{base}/{s.seq}") for s, body in zip(page, bodies, strict=True)
    ]  # fmt: skip
    links = [("self", _link(base, params))]
    if len(found) > count > 0:
        links.append(("next", _link(base, [*(p for p in params if p[0] != BELOW), (BELOW, str(page[-1].seq))])))
    return Answer(200, bundle("searchset", links, entries))


async def search_by_post(request: Request, type: str) -> Answer:
    await take_form(request)
    return await search(request, type)


def _link(base: str, params: Params) -> str:
    return f"{base}?{urlencode(params)}" if params else base


def _wrong(name: str, text: str, code: str = "value") -> Invalid:
    said = f"Search parameter '{name[:60]}': {text}"
    return Invalid(said, issues=[Issue("error", code, said)], code=code)


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise _wrong(name, f"{text[:40]!r} is not a whole number.")
    return int(text)


async def _narrowed(request: Request, asked: Asked, name: str, value: str) -> Asked:
    parts = [p for p in value.split(",") if p]
    if name in ("patient", "agent") and not parts:
        raise _wrong(name, "has no value.")
    if name == "patient":
        return replace(asked, patients=_both(asked.patients, tuple(_id_of(name, p, "Patient") for p in parts)))
    if name == "agent":
        wanted = [_id_of(name, p, "Practitioner") for p in parts]
        rows = await request.store.engine.db.fetch(Q.of_practitioner, wanted)
        return replace(asked, actors=_both(asked.actors, tuple(r["number"] for r in rows)))
    if name == "date":
        return _dated(asked, value)
    if name == "action":
        return replace(asked, actions=tuple(p.rpartition("|")[2] for p in parts if p.rpartition("|")[2] in tuple("CRUDE")))
    if name == "outcome":
        return replace(asked, outcomes=tuple(k for k, v in _OUTCOMES.items() if v in {p.rpartition("|")[2] for p in parts}))
    if name == "type":
        return replace(asked, kinds=_both(asked.kinds, tuple(k for k in trail.KINDS if _is(_TYPES.get(k, _REST)[:2], parts))))
    if name == "subtype":
        coded = {k: _subtype(k) for k in trail.KINDS}
        return replace(asked, kinds=_both(asked.kinds, tuple(k for k, c in coded.items() if _is((c["system"], c["code"]), parts))))
    if name == "entity":
        return replace(asked, entities=_both(asked.entities, tuple(_entity(p) for p in parts)))
    if name == "_id":
        return replace(asked, seqs=tuple(int(p) for p in parts if p.isascii() and p.isdigit() and len(p) < 19))
    if name == BELOW:
        return replace(asked, below=_whole(name, value))
    if name not in _QUIET and not request.prefer.lenient:
        raise _wrong(name, "is not known for AuditEvent here.", "not-supported")
    return asked


def _is(coding: tuple[str, ...], parts: Sequence[str]) -> bool:
    """code, system|code, |code (of no system: none here), system| - http://hl7.org/fhir/R4/search.html#token"""
    for part in parts:
        system, bar, code = part.rpartition("|")
        if code in ("", coding[1]) and (system == coding[0] if bar else True) and (code or bar):
            return True
    return False


def _entity(text: str) -> tuple[str, str]:
    found = references.literal(text)
    if found is None:
        raise _wrong("entity", f"{text[:80]!r} is not a reference Type/id.")
    return found[1], found[2]


def _both(before: tuple[Any, ...] | None, more: tuple[Any, ...]) -> tuple[Any, ...]:
    """A parameter that is given twice narrows twice."""
    return more if before is None else tuple(x for x in more if x in before)


def _id_of(name: str, text: str, type: str) -> str:
    """Patient/1, http://.../Patient/1 or 1."""
    found = references.literal(text)
    if found is not None:
        if found[1] != type:
            raise _wrong(name, f"{text[:80]!r} does not point to a {type}.")
        return found[2]
    if "/" in text or len(text) > 64:
        raise _wrong(name, f"{text[:80]!r} does not point to a {type}.")
    return text


def _dated(asked: Asked, value: str) -> Asked:
    """ge2026-11-23 and the like. http://hl7.org/fhir/R4/search.html#date"""
    prefix, rest = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    begin = moment("date", rest.replace(" ", "+"))
    end = _end(begin, rest)
    low, high = {
        "eq": (begin, end), "ge": (begin, None), "gt": (end, None), "sa": (end, None), "le": (None, end), "lt": (None, begin),
        "eb": (None, begin), "ap": (begin, end),
    }.get(prefix, (None, None))  # fmt: skip
    if low is None and high is None:
        raise _wrong("date", f"prefix {prefix!r} is not supported.")
    if low is not None:
        asked = replace(asked, begin=low if asked.begin is None else max(low, asked.begin))
    if high is not None:
        asked = replace(asked, end=high if asked.end is None else min(high, asked.end))
    return asked


def _end(begin: datetime, text: str) -> datetime:
    """Where the span that a date of this precision names ends."""
    if len(text) >= 10:
        if len(text) == 10:
            step = timedelta(days=1)
        elif "." in text:
            step = timedelta(milliseconds=1)
        else:
            step = timedelta(seconds=1) if text.count(":") >= 2 and text[16:17] == ":" else timedelta(minutes=1)
        return begin + step
    local = clock.local(begin)
    year, month = (local.year + 1, 1) if len(text) == 4 or local.month == 12 else (local.year, local.month + 1)
    if year > 9999:
        return datetime.max.replace(tzinfo=UTC)
    return local.replace(year=year, month=month)


async def _shown(request: Request, lines: Sequence[Seen]) -> list[bytes]:
    numbers = list({s.actor for s in lines})
    rows = await request.store.engine.db.fetch(Q.names, numbers) if numbers else []
    known = {r["number"]: r for r in rows}
    return [fhir_json.dumps(event(s, known.get(s.actor))) for s in lines]


def event(s: Seen, account: Any) -> dict[str, Any]:
    """One line as an AuditEvent. `account`: the actor's row of names, None for the system itself and for nobody."""
    system, code, display = _TYPES.get(s.kind, _REST)
    made: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(s.seq),
        "meta": {"versionId": "1", "lastUpdated": clock.instant(s.at)},
        "type": {"system": system, "code": code, "display": display},
        "subtype": [_subtype(s.kind)],
        "action": s.action,
        "recorded": clock.instant(s.at),
        "outcome": _OUTCOMES.get(s.outcome, "8"),
    }
    if s.why:
        made["outcomeDesc"] = s.why
    if s.purpose:
        made["purposeOfEvent"] = [{"coding": [{"system": _PURPOSE, "code": s.purpose}]}]
    made["agent"] = [_agent(s, account)]
    made["source"] = {"site": "Longbien", "observer": {"display": "Longbien"}}
    entities = list(_entities(s))
    if entities:
        made["entity"] = entities
    return made


def _subtype(kind: str) -> dict[str, str]:
    if kind in _INTERACTIONS:
        return {"system": _INTERACTION, "code": _INTERACTIONS[kind]}
    if kind in ("sign-in", "sign-out"):
        return {
            "system": _DICOM,
            "code": "110122" if kind == "sign-in" else "110123",
            "display": "Login" if kind == "sign-in" else "Logout",
        }
    return {"system": _KIND, "code": kind}


def _agent(s: Seen, account: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if account is None:
        made["name"] = "The system itself" if s.actor == 0 else "Nobody signed in"
    else:
        if account["practitioner"]:
            made["who"] = {"reference": f"Practitioner/{account['practitioner']}", "display": account["name"]}
        made |= {"altId": account["login"], "name": account["name"]}
        made["role"] = [{"text": account["role"]}]
    made["requestor"] = True
    if s.address:
        made["network"] = {"address": s.address, "type": "2"}
    return made


def _entities(s: Seen) -> Any:
    role = "http://terminology.hl7.org/CodeSystem/object-role"
    if s.patient is not None:
        yield {"what": {"reference": f"Patient/{s.patient}"}, "role": {"system": role, "code": "1", "display": "Patient"}}
    if s.type is not None and s.id is not None and not (s.type == "Patient" and s.id == s.patient):
        version = f"/_history/{s.version}" if s.version else ""
        yield {
            "what": {"reference": f"{s.type}/{s.id}{version}"},
            "role": {"system": role, "code": "4", "display": "Domain Resource"},
        }
    elif s.id is None and s.kind == "search":
        detail = [{"type": "count", "valueString": str(s.n)}]
        if s.type is not None:
            detail.append({"type": "resource type", "valueString": s.type})
        yield {"role": {"system": role, "code": "24", "display": "Query"}, "description": "Search", "detail": detail}
