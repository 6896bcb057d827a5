"""Two records of one person made into one, and back: pure shapes and the acts.

FHIR: the record that stands gets link `replaces`, the other `replaced-by` and active false. Every resource of the other's
compartment is pointed at the one that stands, in the same transaction; one Provenance lists each of them with the version that the
move made, so taking it back restores every one: untouched ones letter for letter as they were, ones that were changed since with
their change. What was first written after the joining stays with the record that stands, unless who takes it back says it goes
along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..base import clock
from ..base.errors import Conflict, Invalid
from ..base.fold import fold
from ..base.ids import key64, new_id, patient_key
from ..base.sql import queries
from ..base.words import mark
from ..fhir import json, references
from ..fhir import systems as s
from ..record.change import Change, Create, Manner, Update
from ..record.inside import inside, lock
from ..record.people import replaced_by
from ..record.search.keys import compartment_key
from ..record.store import Store
from ..record.types import number, type_name
from ..web.desk import scoped
from .shapes import Author, Resource

Q = queries(__file__, "sql/merge.sql")
LIFECYCLE = s.HL7 + "iso-21089-lifecycle"
PATIENT = number("Patient") or 0
_LISTS = ("identifier", "telecom", "name", "address", "contact", "communication", "link")
TWO_NUMBERS = mark("They have two different citizen IDs: these are two people. If one of the numbers is wrong, correct it first.")
TWO_SEXES = mark("They differ in sex and in year of birth: these are two people.")
TWO_ACCOUNTS = mark("Both sign in with an account of their own. One of the accounts must be closed first.")
ACCOUNT = mark("The patient signs in with the account of the other record: let that one stand.")
JOINED = mark("One of the two was joined with another record already.")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the record as it is now."""

    rid: int
    type: str
    id: str
    version: int
    pat: int | None
    body: Resource

    @property
    def key(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass
class Undone:
    """What taking back did: restored as they were; restored with what was changed since; not found where they had been left."""

    restored: int = 0
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    along: int = 0
    provenance: str = ""


# ---- pure ------------------------------------------------------------------------------------------------------------


def refusal(stands: Resource, other: Resource) -> str:
    """Why these two may not be joined, as a marked message; "" when they may."""
    if stands.get("id") == other.get("id") or replaced_by(stands) or replaced_by(other):
        return JOINED
    one, two = (_numbers(p, s.CITIZEN_ID) for p in (stands, other))
    if one and two and not one & two:
        return TWO_NUMBERS
    sexes = {p.get("gender") for p in (stands, other)} - {None, "unknown", "other"}
    years = {str(p["birthDate"])[:4] for p in (stands, other) if p.get("birthDate")}
    return TWO_SEXES if len(sexes) == 2 and len(years) == 2 else ""


def _numbers(patient: Resource, system: str) -> set[str]:
    listed = patient.get("identifier") or ()
    return {str(i.get("value")) for i in listed if i.get("system") == system and i.get("use") != "old"}


def joined(stands: Resource, other: Resource) -> tuple[Resource, Resource]:
    """(the record that stands, the other) after joining: nothing that is known of the person is lost."""
    out = dict(stands)
    have = {(i.get("system"), i.get("value")) for i in stands.get("identifier") or ()}
    kinds = {i.get("system") for i in stands.get("identifier") or () if i.get("use") != "old"}
    numbers = list(stands.get("identifier") or ())
    numbers += [
        {**i, "use": "old"} if i.get("system") in kinds or i.get("use") == "temp" else dict(i)
        for i in other.get("identifier") or ()
        if (i.get("system"), i.get("value")) not in have
    ]
    _put(out, "identifier", numbers)
    names = list(stands.get("name") or ())
    known = {fold(_full(n)) for n in names}
    names += [{**n, "use": "old"} for n in other.get("name") or () if n.get("use") != "anonymous" and fold(_full(n)) not in known]
    _put(out, "name", names)
    for key in ("telecom", "contact"):
        _put(out, key, [*(stands.get(key) or ()), *(x for x in other.get(key) or () if x not in (stands.get(key) or ()))])
    places = list(stands.get("address") or ())
    texts = {fold(str(a.get("text") or "")) for a in places}
    places += [
        {**a, "use": "old"} if places else a for a in other.get("address") or () if fold(str(a.get("text") or "")) not in texts
    ]
    _put(out, "address", places)
    for key in ("birthDate", "gender", "extension", "maritalStatus", "communication"):
        if not out.get(key) and other.get(key):
            out[key] = other[key]
    if out.get("gender") == "unknown" and other.get("gender"):
        out["gender"] = other["gender"]
    _put(out, "link", [*(stands.get("link") or ()), _link(other, "replaces")])
    after = {**other, "active": False, "link": [*(other.get("link") or ()), _link(stands, "replaced-by")]}
    return out, after


def _put(resource: Resource, key: str, values: list[Any]) -> None:
    if values:
        resource[key] = values


def _link(patient: Resource, kind: str) -> Resource:
    return {"other": {"reference": f"Patient/{patient['id']}"}, "type": kind}


def _full(name: Mapping[str, Any]) -> str:
    return str(name.get("text") or " ".join(str(x) for x in (name.get("family"), *(name.get("given") or ())) if x))


def taken_back(now: Resource, before: Resource, after: Resource) -> Resource:
    """The Patient as it would be had there been no joining (before -> after), with what was changed since (after -> now)."""
    out = {k: v for k, v in now.items() if k != "meta"}
    for key in {*before, *after} - {"meta", "id", "resourceType"}:
        if before.get(key) == after.get(key):
            continue
        if now.get(key) == after.get(key):  # as the joining left it: as it was
            out.pop(key, None)
            if key in before:
                out[key] = before[key]
        elif key in _LISTS:  # changed since: what the joining put in goes, what came since stays
            added = [x for x in after.get(key) or () if x not in (before.get(key) or ())]
            kept = [x for x in now.get(key) or () if x not in added]
            out.pop(key, None)
            _put(out, key, kept)
    return out


def moved(body: Resource, from_: str, to: str) -> Resource:
    """A resource pointed at another patient, also where it names a version of the first; the very same where it does not point
    there. What a joining itself says of versions is history and stays."""
    old = f"Patient/{from_}"
    mapping = {old: f"Patient/{to}"}
    if _activity(body) not in ("merge", "unmerge"):
        mapping |= {text: f"Patient/{to}" for _, _, text, _ in references.each(body) if text.startswith(old + "/_history/")}
    return references.rewrite(body, mapping)


def provenance(
    id_: str, activity: str, who: Author, now: datetime, targets: Iterable[str], sources: Sequence[tuple[str, str]], reason: str
) -> Resource:
    """The Provenance of a joining (`merge`) or of taking it back (`unmerge`). targets: references with versions, the patient whose
    record it belongs to first; sources: (role, reference)."""
    return {
        "resourceType": "Provenance",
        "id": id_,
        "target": [{"reference": t} for t in targets],
        "recorded": clock.instant(now),
        "activity": {"coding": [{"system": LIFECYCLE, "code": activity}], "text": activity},
        "reason": [{"text": reason}],
        "agent": [
            {"who": who.reference, "type": {"coding": [{"system": s.HL7 + "provenance-participant-type", "code": "performer"}]}}
        ],
        "entity": [{"role": role, "what": {"reference": reference}} for role, reference in sources],
    }


# ---- acts ------------------------------------------------------------------------------------------------------------


async def _rows(within: Store, patient: str) -> list[Row]:
    sql, args = scoped(within.scope, Q.rows, patient_key(patient), compartment_key(patient), PATIENT)
    rows = await within.engine.db.fetch(sql, *args)
    bodies = await within.engine.unpack_all([r["body"] for r in rows])
    return [
        Row(r["rid"], type_name(r["type"]), r["id"], r["ver"], r["pat"], json.loads(b)) for r, b in zip(rows, bodies, strict=True)
    ]


async def _patient(within: Store, id_: str) -> tuple[Resource, int]:
    there = await within.read("Patient", id_)
    return json.loads(there.body), there.version


async def join(whole: Store, who: Author, stands: str, other: str, reason: str, now: datetime) -> tuple[str, int]:
    """Make the record `other` part of `stands`: (id of the Provenance, how many rows went over). whole: access.joining.warrant.
    Raises Invalid (with a marked message: these may not be joined), Conflict (somebody wrote at the same time: do it again)."""
    reason = " ".join(reason.split())
    if not 5 <= len(reason) <= 500:
        raise Invalid(mark("Say in a few words how you know that it is one person."), code="value")
    async with inside(whole) as within:
        await lock(within, [key64(f"join/{x}") for x in (stands, other)])
        (one, at_one), (two, at_two) = await _patient(within, stands), await _patient(within, other)
        if why := refusal(one, two):
            raise Invalid(why, code="business-rule")
        accounts = {r["patient"] for r in await within.engine.db.fetch(Q.accounts, [stands, other])}
        if other in accounts:
            raise Invalid(TWO_ACCOUNTS if stands in accounts else ACCOUNT, code="business-rule")
        rows = [(r, body) for r in await _rows(within, other) if (body := moved(r.body, other, stands)) is not r.body]
        after, gone = joined(one, two)
        id_ = new_id()
        targets = [f"Patient/{stands}", f"Patient/{other}/_history/{at_two + 1}"]
        targets += [f"{r.key}/_history/{r.version + 1}" for r, _ in rows]
        sources = [("revision", f"Patient/{stands}/_history/{at_one}"), ("source", f"Patient/{other}/_history/{at_two}")]
        changes: list[Change] = [Update(after, if_match=at_one), Update(gone, if_match=at_two)]
        changes += [Update(body, if_match=r.version) for r, body in rows]
        changes.append(Create(provenance(id_, "merge", who, now, targets, sources, reason), id=id_))
        await within.commit(changes, Manner(checked=True))
        await within.engine.db.execute(Q.drafts, patient_key(other), patient_key(stands))
        await within.engine.db.execute(
            Q.new, id_, stands, other, who.organization, reason, len(rows), within.scope.actor
        )  # fmt: skip
    return id_, len(rows)


@dataclass(frozen=True, slots=True)
class Later:
    """What the record got after the joining: it stays, unless it is said to go along. `group`: the visit it belongs to, "" none."""

    key: str
    group: str
    at: datetime
    body: Resource


async def later(whole: Store, provenance_id: str) -> list[Later]:
    """What was first written into the record that stands after the joining."""
    known = await whole.engine.db.fetchrow(Q.one, provenance_id)
    if known is None:
        return []
    sql, args = scoped(whole.scope, Q.since, patient_key(known["survivor"]), PATIENT, known["at"])
    rows = await whole.engine.db.fetch(sql, *args)
    bodies = await whole.engine.unpack_all([r["body"] for r in rows])
    out = []
    for r, packed in zip(rows, bodies, strict=True):
        body, kind = json.loads(packed), type_name(r["type"])
        if kind == "Provenance" and _activity(body) in ("merge", "unmerge"):
            continue
        visit = str((body.get("encounter") or body.get("focus") or {}).get("reference") or "")
        group = f"Encounter/{r['id']}" if kind == "Encounter" else visit if visit.startswith("Encounter/") else ""
        out.append(Later(f"{kind}/{r['id']}", group, r["at"], body))
    return out


def _activity(body: Resource) -> str:
    return next((str(c.get("code")) for c in (body.get("activity") or {}).get("coding") or ()), "")


async def take_back(whole: Store, who: Author, provenance_id: str, along: Sequence[str], now: datetime) -> Undone:
    """Undo a joining. along: keys (`Type/id`) of what was written since and goes back with the other record. Raises Conflict where
    it was taken back already, or the record that stands was itself joined into another since (that is taken back first)."""
    async with inside(whole) as within:
        known = await within.engine.db.fetchrow(Q.one, provenance_id)
        if known is None or known["undone_at"] is not None:
            raise Conflict(mark("This joining was taken back already."))
        stands, other = known["survivor"], known["merged"]
        await lock(within, [key64(f"join/{x}") for x in (stands, other)])
        (one, at_one), (two, at_two) = await _patient(within, stands), await _patient(within, other)
        if replaced_by(one):
            raise Conflict(mark("The record that stands was joined into another one since: take that back first."))
        said = json.loads((await within.read("Provenance", provenance_id)).body)
        made = _versions(t["reference"] for t in said["target"])
        before = _versions(e["what"]["reference"] for e in said["entity"])
        out = Undone(provenance=new_id())
        changes: list[Change] = [
            Update(await _back(within, one, f"Patient/{stands}", before[f"Patient/{stands}"]), if_match=at_one),
            Update(await _back(within, two, f"Patient/{other}", before[f"Patient/{other}"]), if_match=at_two),
        ]
        rows = {k: v for k, v in made.items() if not k.startswith("Patient/")}
        changes += await _rows_back(within, rows, stands, other, out)
        wanted = {x.key: x.body for x in await later(within, provenance_id)}
        for key in dict.fromkeys(along):
            if key in wanted and key not in rows:
                changes.append(Update(moved(wanted[key], stands, other)))
                out.along += 1
        targets = [
            f"Patient/{other}",
            *(f"{c.resource['resourceType']}/{c.resource['id']}" for c in changes[2:] if isinstance(c, Update)),
        ]
        sources = [("source", f"Provenance/{provenance_id}")]
        changes.append(
            Create(provenance(out.provenance, "unmerge", who, now, targets, sources, known["reason"]), id=out.provenance)
        )
        await within.commit(changes, Manner(checked=True))
        keys = patient_key(other), patient_key(stands)
        visits = [k.partition("/")[2] for k in (*rows, *along) if k.startswith("Encounter/")]
        await within.engine.db.execute(Q.drafts_of_visits, *keys, visits)
        await within.engine.db.execute(Q.drafts_back, *keys)
        await within.engine.db.execute(Q.undone, provenance_id, out.provenance, within.scope.actor)
    return out


def _versions(given: Iterable[str]) -> dict[str, int]:
    """`Type/id/_history/n` -> {Type/id: n}; 0 where no version is named."""
    out = {}
    for text in given:
        key, _, version = text.partition("/_history/")
        out[key] = int(version) if version.isdigit() else 0
    return out


async def _back(within: Store, now: Resource, key: str, version: int) -> Resource:
    """One of the two Patients, as it would be without the joining."""
    type_, _, id_ = key.partition("/")
    before = json.loads((await within.vread(type_, id_, version)).body)
    after = json.loads((await within.vread(type_, id_, version + 1)).body)
    return taken_back(now, before, after)


async def _rows_back(within: Store, made: Mapping[str, int], stands: str, other: str, out: Undone) -> list[Change]:
    """The moved rows, each back where it was."""
    if not made:
        return []
    ids = [k.partition("/")[2] for k in made]
    types = sorted({number(k.partition("/")[0]) or 0 for k in made})
    sql, args = scoped(within.scope, Q.heads, ids, types)
    found = await within.engine.db.fetch(sql, *args)
    bodies = await within.engine.unpack_all([r["body"] for r in found if not r["deleted"]])
    live = [r for r in found if not r["deleted"]]
    there = {f"{type_name(r['type'])}/{r['id']}": (r, b) for r, b in zip(live, bodies, strict=True)}
    earlier = await _earlier(within, [(there[k][0]["rid"], v - 1) for k, v in made.items() if k in there])
    changes: list[Change] = []
    for key, version in made.items():
        if key not in there:
            out.missing.append(key)
            continue
        row, packed = there[key]
        if row["ver"] == version and (row["rid"], version - 1) in earlier:
            body = json.loads(earlier[row["rid"], version - 1])
            body.pop("meta", None) if set(body.get("meta") or {}) <= {"versionId", "lastUpdated"} else None
            out.restored += 1
        else:
            body = moved(json.loads(packed), stands, other)
            out.changed.append(key)
        changes.append(Update(body, if_match=row["ver"]))
    return changes


async def _earlier(within: Store, asked: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    rows = await within.engine.db.fetch(Q.versions, [r for r, _ in asked], [v for _, v in asked])
    bodies = await within.engine.unpack_all([r["body"] for r in rows])
    return {(r["rid"], r["ver"]): b for r, b in zip(rows, bodies, strict=True)}


async def link(store: Store, one: Resource, at_one: int, two: Resource, at_two: int, *, linked: bool = True) -> None:
    """Say that two records are of people who have to do with each other, or perhaps of one (`seealso`), without moving anything; or
    take that back. Raises PreconditionFailed where somebody wrote at the same time."""

    def with_link(patient: Resource, other: Resource) -> Resource:
        kept = [x for x in patient.get("link") or () if x != _link(other, "seealso")]
        out = {k: v for k, v in patient.items() if k != "link"}
        _put(out, "link", [*kept, _link(other, "seealso")] if linked else kept)
        return out

    await store.commit([Update(with_link(one, two), if_match=at_one), Update(with_link(two, one), if_match=at_two)])
