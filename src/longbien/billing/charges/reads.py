"""A visit's bill read from the record: the visit, its charges, the bills and cards of the patient, in one statement with one
line of the trail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from longbien.access import housework
from longbien.base.errors import NotFound
from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.fhir import systems as s
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.life import named
from longbien.record.scope import RowSQL, Scope
from longbien.record.store import Store
from longbien.record.types import number, type_name
from longbien.web.desk import scoped

from ..lines import Line
from . import shapes
from .shapes import reference_id

Q = queries(__file__, "sql/charges.sql")
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
Resource = dict[str, Any]


@dataclass(slots=True)
class Read:
    """What a bill is made of. `version` of the Encounter; charges, invoices, coverages: bodies decoded; versions of the invoices by
    id; diagnoses: ICD-10 codes in the order of the visit."""

    encounter: Resource
    version: int
    patient: Resource
    charges: list[Resource] = field(default_factory=list)
    invoices: list[Resource] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    coverages: list[Resource] = field(default_factory=list)
    diagnoses: list[tuple[str, str]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """Of the charges that stand or take back."""
    stamp: tuple[tuple[int, int], ...] = ()
    """The versions that all of it was made from."""

    @property
    def id(self) -> str:
        return str(self.encounter["id"])

    @property
    def facility(self) -> str:
        return reference_id(self.encounter.get("serviceProvider"), "Organization")


def _told(resource: Resource) -> tuple[Resource, Line | None]:
    """A version as it is kept: its body, and the line of a charge."""
    charge = resource.get("resourceType") == "ChargeItem" and resource.get("status") == "billable"
    return resource, shapes.line(resource) if charge else None


async def read(store: Store, encounter: str) -> Read:
    """Raises NotFound, also for a visit that the scope hides."""
    engine, scope = store.engine, store.scope
    sql, args = scoped(scope, Q.visit, encounter, number("Encounter"))
    row = await engine.db.fetchrow(sql, *args)
    if row is None or not row["allowed"] or not scope.may_read("Encounter") or row["pat"] is None:
        pat, rid = (row["pat"], row["rid"]) if row else (None, None)
        line = trail.line(scope, "refused", pat=pat, rid=rid, type=number("Encounter"), outcome=trail.REFUSED)
        await engine.trail.write([line])
        raise NotFound(f"Encounter/{encounter} is not known.")
    visit: Resource = _decode(await engine.unpack(row["body"]))
    types = [number(t) for t in ("Patient", "Invoice", "Coverage") if scope.may_read(t)]
    charge = number("ChargeItem") if scope.may_read("ChargeItem") else -1
    term = key64(f"ChargeItem.context|Encounter/{encounter}")
    sql, args = _of_one(scope, Q.bill, row["pat"], charge, term, types)
    rows, diagnoses = await asyncio.gather(engine.db.fetch(sql, *args, search=True), _diagnoses(engine, row["pat"], visit))
    versions = [(x["rid"], x["ver"]) for x in rows]
    made = await engine.recall.made(engine, versions, "bill", _told, _decode)
    found = Read(visit, row["ver"], {}, diagnoses=diagnoses, stamp=((row["rid"], row["ver"]), *sorted(versions)))
    places = {"ChargeItem": found.charges, "Invoice": found.invoices, "Coverage": found.coverages}
    for one, (resource, line_of) in zip(rows, made, strict=True):
        kind = type_name(one["type"])
        if kind != "ChargeItem":
            resource = deepcopy(resource)  # whoever issues or pays writes it on
        if line_of is not None:
            found.lines.append(line_of)
        if kind == "Patient":
            found.patient = resource
        else:
            places[kind].append(resource)
        if kind == "Invoice":
            found.versions[str(one["id"])] = one["ver"]
    line = trail.line(
        scope, "page", pat=row["pat"], rid=row["rid"], ver=row["ver"], type=number("Encounter"), n=1 + len(rows) + len(diagnoses)
    )
    await engine.trail.write([line])
    return found


def _of_one(scope: Scope, sql: str, *values: Any) -> tuple[str, list[Any]]:
    """The scope's condition over the rows of one patient ($1): what holds of all of them is asked once, not for every row."""
    args = list(values)

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    return sql.replace("{allowed}", scope.every(RowSQL.of("h")._replace(pat="$1::bigint"), bind)), args


async def _diagnoses(engine: Engine, pat: int, visit: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(ICD-10, name) of the visit's diagnoses, the main one first: what the insurance judges by, and stands on the statement.
    Read as the house: whoever makes a bill needs the code and nothing else of the problem."""
    listed = sorted(visit.get("diagnosis") or (), key=_rank)
    ids = [i for d in listed if (i := reference_id(d.get("condition"), "Condition"))]
    if not ids:
        return []
    scope = housework.store(engine, "the diagnosis of a bill", reads=frozenset({"Condition"})).scope
    sql, args = scoped(scope, Q.named, pat, number("Condition"), ids)
    rows = await engine.db.fetch(sql, *args)
    of = dict(zip([x["id"] for x in rows], await engine.unpack_all([x["body"] for x in rows]), strict=True))
    return [(code, name) for i in dict.fromkeys(ids) if i in of for code, name in (_icd(_decode(of[i])),) if code]


def _rank(d: Mapping[str, Any]) -> tuple[int, int]:
    roles = {"DD": 0, "CC": 2, "AD": 3}
    code = next((c.get("code") for c in (d.get("use") or {}).get("coding") or ()), "")
    return roles.get(str(code), 1), int(d.get("rank") or 99)


def _icd(condition: Mapping[str, Any]) -> tuple[str, str]:
    code = condition.get("code") or {}
    found: Mapping[str, Any] = next((c for c in code.get("coding") or () if c.get("system") in (s.ICD10_VN, s.ICD10)), {})
    return str(found.get("code") or ""), str(code.get("text") or found.get("display") or "")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: its department's Organization and kind, its name."""

    id: str
    name: str
    department: str
    kind: str
    department_name: str


_places: WeakKeyDictionary[Engine, dict[str, Place]] = WeakKeyDictionary()
_offices: WeakKeyDictionary[Engine, dict[str, Resource]] = WeakKeyDictionary()


async def organizations(engine: Engine, ids: Sequence[str]) -> dict[str, Resource]:
    """Organizations by id, kept by the process: there are few and they rarely change."""
    known = _offices.setdefault(engine, {})
    missing = [i for i in dict.fromkeys(ids) if i and i not in known]
    for id_, body in (await named(engine, "Organization", missing)).items():
        known[id_] = _decode(body)
    return {i: known[i] for i in ids if i in known}


async def places(engine: Engine, ids: Sequence[str]) -> dict[str, Place]:
    """Locations by id with the department that they belong to, kept by the process."""
    known = _places.setdefault(engine, {})
    missing = [i for i in dict.fromkeys(ids) if i and i not in known]
    found = {i: _decode(b) for i, b in (await named(engine, "Location", missing)).items()}
    of = {i: reference_id(x.get("managingOrganization"), "Organization") for i, x in found.items()}
    offices = await organizations(engine, list(of.values()))
    for id_, x in found.items():
        office = offices.get(of[id_], {})
        codings = [c for t in office.get("type") or () for c in t.get("coding") or ()]
        kind = next((str(c.get("code")) for c in codings if c.get("system") == s.DEPARTMENT_KIND), "")
        known[id_] = Place(id_, str(x.get("name") or ""), of[id_], kind, str(office.get("name") or ""))
    return {i: known[i] for i in ids if i in known}


def facility_code(office: Mapping[str, Any]) -> str:
    """The five digits of a facility."""
    return next((str(i.get("value")) for i in office.get("identifier") or () if i.get("system") == s.FACILITY_CODE), "")


def facility_mark(office: Mapping[str, Any]) -> str:
    return next((str(i.get("value")) for i in office.get("identifier") or () if i.get("system") == s.FACILITY_MARK), "")
