"""The record of one visit, read in one statement as far as the scope allows; one trail line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from longbien.base.errors import NotFound
from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.fhir import definitions, json, references
from longbien.fhir import systems as s
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.life import named
from longbien.record.scope import RowSQL
from longbien.record.search.keys import param_key
from longbien.record.store import Store
from longbien.record.types import number, type_name

from .case import HEIGHT, WEIGHT, Case, Resource, reference_id

Q = queries(__file__, "sql/compose.sql")
OF_PERSON = ("Patient", "Coverage", "RelatedPerson", "Condition")
"""Read whatever visit they were written in: a visit may name a problem of years ago."""
NAMED = ("Practitioner", "Organization", "Location", "PractitionerRole", "Medication")
SIGNERS = ("head", "director")


@cache
def _points_here() -> list[int]:
    """Keys of the parameters by which resources belong to an encounter."""
    return sorted(
        param_key(f"{type_}.{code}")
        for type_ in definitions.types()
        for code, p in definitions.search_params(type_).items()
        if p.kind == "reference" and "Encounter" in p.targets and code in ("encounter", "context")
    )


def _scoped(store: Store, sql: str, *args: Any) -> tuple[str, list[Any]]:
    values = list(args)

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    return sql.replace("{allowed}", store.scope.where(RowSQL.of("h"), bind)), values


async def read(store: Store, encounter_id: str) -> Case:
    """The visit with everything that a claim may need. Raises NotFound, also for what the scope hides."""
    case = await _one(store, encounter_id)
    children = await store.engine.db.fetch(Q.children, param_key("Encounter.part-of"), number("Encounter"), encounter_id)
    births = [await _one(store, row["id"]) for row in children if row["pat"] != row["mother"]]
    return replace(case, births=births) if births else case


async def _one(store: Store, encounter_id: str) -> Case:
    measured = [key64(f"Observation.code|{s.LOINC}|{code}") for code in (WEIGHT, HEIGHT)]
    sql, args = _scoped(
        store, Q.visit, encounter_id, number("Encounter"), [number(t) for t in OF_PERSON], _points_here(),
        number("Observation"), measured,
    )  # fmt: skip
    rows = await store.engine.db.fetch(sql, *args, search=True)
    bodies = [json.loads(b, strict=False) for b in await store.engine.unpack_all([r["body"] for r in rows])]
    of: dict[str, list[Resource]] = defaultdict(list)
    for row, body in zip(rows, bodies, strict=True):
        of[type_name(row["type"])].append(body)
    encounter = next((e for e in of["Encounter"] if e["id"] == encounter_id), None)
    if encounter is None or not of["Patient"]:
        raise NotFound("There is no such visit.")
    pat = next(row["pat"] for row in rows)
    await store.engine.trail.write([trail.line(store.scope, "page", pat=pat, type=number("Encounter"), n=len(rows))])
    return _case(encounter, of, await _named(store, encounter, bodies))


def _case(encounter: Resource, of: dict[str, list[Resource]], named: dict[str, Resource]) -> Case:
    """Pure: what was read, in its places."""
    end = str((encounter.get("period") or {}).get("end") or "9999")
    measured = [o for o in of["Observation"] if str(o.get("effectiveDateTime") or "") <= end]
    here = [o for o in of["Observation"] if reference_id(o.get("encounter")) == encounter["id"]]
    facility = named.get(str((encounter.get("serviceProvider") or {}).get("reference") or ""), {})
    return Case(
        encounter, of["Patient"][0], facility, {**of, "Observation": here}, of["Coverage"], of["RelatedPerson"], named,
        sorted(measured, key=lambda o: str(o.get("effectiveDateTime") or "")),
    )  # fmt: skip


async def _named(store: Store, encounter: Resource, bodies: Sequence[Resource]) -> dict[str, Resource]:
    """Staff, places and facilities that these name, and who answers for the department and the facility. Not about a patient."""
    wanted = {text.partition("/_history")[0] for body in bodies for _, _, text, _ in references.each(dict(body))}
    pairs = sorted({(t, i) for t, _, i in (w.partition("/") for w in wanted) if t in NAMED and i})
    facility = reference_id(encounter.get("serviceProvider"))
    rows = await store.engine.db.fetch(
        Q.named, [i for _, i in pairs], [number(t) for t, _ in pairs], number("PractitionerRole"),
        param_key("PractitionerRole.organization"), number("Organization"), facility,
        [key64(f"PractitionerRole.role|{s.STAFF_ROLE}|{role}") for role in SIGNERS],
    )  # fmt: skip
    found = [json.loads(b, strict=False) for b in await store.engine.unpack_all([r["body"] for r in rows])]
    signers = sorted((r for r in found if r["resourceType"] == "PractitionerRole"), key=lambda r: str(r["id"]))
    missing = sorted({reference_id(r.get("practitioner")) for r in signers} - {i for t, i in pairs if t == "Practitioner"} - {""})
    if missing:
        more = await store.engine.db.fetch(
            Q.named, missing, [number("Practitioner")] * len(missing), -1, -1, number("Organization"), "", [],
        )  # fmt: skip
        found += [json.loads(b, strict=False) for b in await store.engine.unpack_all([r["body"] for r in more])]
    return {f"{r['resourceType']}/{r['id']}": r for r in found}


async def drugs(engine: Engine, codes: Sequence[str]) -> dict[str, Resource]:
    """Medications by the house's code of the drug, as the catalogue's definitions name them. About no patient."""
    definitions_of = {f"cd-drug-{_legal(code)}".lower()[:64]: code for code in dict.fromkeys(codes) if code}
    found = {i: json.loads(b, strict=False) for i, b in (await named(engine, "ActivityDefinition", list(definitions_of))).items()}
    product = {definitions_of[i]: reference_id(d.get("productReference")) for i, d in found.items()}
    bodies = await named(engine, "Medication", [p for p in product.values() if p])
    return {code: json.loads(bodies[p], strict=False) for code, p in product.items() if p in bodies}


def _legal(code: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c == ".") else "-" for c in code)
