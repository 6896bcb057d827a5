"""Searches in the compartments of an Encounter, a Practitioner, a RelatedPerson and a Device."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from longbien.base.errors import NotSupported
from longbien.base.ids import patient_key
from longbien.record.change import Create, Manner
from longbien.record.engine import Engine
from longbien.record.scope import Bind, RowSQL, Scope, system
from longbien.record.search.compile import Compiler
from longbien.record.search.parse import parse
from longbien.record.store import Store

TRUST = Manner(references="trust", checked=True)


def ref(place: str) -> dict[str, str]:
    return {"reference": place}


def observation(id_: str, of: str, **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "urn:x", "code": "k"}]}
    return {"resourceType": "Observation", "id": id_, "status": "final", "code": code, "subject": ref(f"Patient/{of}"), **more}


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def ward(engine: Engine) -> None:
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "an", "generalPractitioner": [ref("Practitioner/doc")]},
        {"resourceType": "Patient", "id": "binh", "link": [{"other": ref("RelatedPerson/con"), "type": "seealso"}]},
        {"resourceType": "Practitioner", "id": "doc"},
        {"resourceType": "RelatedPerson", "id": "con", "patient": ref("Patient/an")},
        {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"}, "subject": ref("Patient/an"),
         "participant": [{"individual": ref("Practitioner/doc")}, {"individual": ref("RelatedPerson/con")}]},
        observation("o1", "an", encounter=ref("Encounter/e1"), performer=[ref("Practitioner/doc")], device=ref("Device/pump")),
        observation("o2", "an", encounter=ref("Encounter/e2"), performer=[ref("RelatedPerson/con")]),
        observation("o3", "binh", performer=[ref("Practitioner/doc")], device=ref("Device/pump")),
        {"resourceType": "Condition", "id": "c1", "subject": ref("Patient/an"), "encounter": ref("Encounter/e1")},
        {"resourceType": "Device", "id": "pump"},
        *[observation(f"x{n}", "binh", encounter=ref(f"Encounter/x{n}")) for n in range(2000)],
    ]  # fmt: skip
    await Store(engine, system("t")).commit([Create(r, id=r["id"]) for r in resources], TRUST)
    await engine.db.execute("SELECT record_analyze()")


async def found(engine: Engine, asked: str, scope: Scope | None = None) -> list[str]:
    where, _, query = asked.partition("?")
    holder, id_, type_ = where.split("/")
    params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    store = Store(engine, scope or system("t"))
    page = await store.search(None if type_ == "*" else type_, params, handling="strict", within=(holder, id_))
    return sorted(f"{e.type}/{e.id}" for e in page.matches)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("Encounter/e1/Observation", "Observation/o1"),
        ("Encounter/e1/Observation?code=k", "Observation/o1"),
        ("Encounter/e1/Observation?code=other", ""),
        ("Encounter/e1/Encounter", "Encounter/e1"),
        ("Encounter/e1/*", "Condition/c1 Encounter/e1 Observation/o1"),
        ("Encounter/e1/*?_type=Condition,Encounter", "Condition/c1 Encounter/e1"),
        ("Encounter/e1/*?_id=o1", "Observation/o1"),
        ("Practitioner/doc/Observation?patient=an", "Observation/o1"),
        ("Practitioner/doc/Patient", "Patient/an"),
        ("Practitioner/doc/*", "Encounter/e1 Observation/o1 Observation/o3 Patient/an Practitioner/doc"),
        ("RelatedPerson/con/*", "Encounter/e1 Observation/o2 Patient/binh RelatedPerson/con"),
        ("Device/pump/Observation", "Observation/o1 Observation/o3"),
        ("Device/pump/*", "Observation/o1 Observation/o3"),
        ("Encounter/none/*", ""),
    ],
)
async def test_who_is_in_a_compartment(engine: Engine, asked: str, wanted: str) -> None:
    assert await found(engine, asked) == wanted.split()


@pytest.mark.parametrize("asked", ["Encounter/e1/Organization", "Encounter/e1/*?_type=Organization", "Practitioner/doc/AuditEvent"])
async def test_what_is_never_in_it_is_said(engine: Engine, asked: str) -> None:
    with pytest.raises(NotSupported):
        await found(engine, asked)


class _Only:
    def __init__(self, *ids: str):
        self.pats = [patient_key(i) for i in ids]

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"{row.pat} = ANY({bind(self.pats)}::int8[])"


async def test_a_limited_scope_sees_no_more(engine: Engine) -> None:
    scope = Scope(7, "nurse", "TREAT", "on the ward", _Only("binh"), reads=frozenset({"Observation"}), writes=frozenset())
    assert await found(engine, "Practitioner/doc/*", scope) == ["Observation/o3"]
    assert await found(engine, "Encounter/e1/*", scope) == []
    assert await found(engine, "Encounter/e1/Observation", scope) == []


@pytest.mark.parametrize(("type_", "within"), [("Observation", "Encounter"), (None, "Encounter"), (None, "Practitioner")])
async def test_an_index_drives(engine: Engine, type_: str | None, within: str) -> None:
    heads = await Compiler(engine, system("t")).heads(parse(type_, [], "strict", (within, "e1")))
    sql, args = heads.page(21)
    plan = "\n".join(r[0] for r in await engine.db.fetch("EXPLAIN " + sql, *args, search=True))
    assert "ref_to" in plan and "head_pkey on head h" in plan and "Seq Scan" not in plan, plan


async def test_pages_go_on(engine: Engine) -> None:
    store = Store(engine, system("t"))
    first = await store.search(None, [("_count", "2")], within=("Practitioner", "doc"))
    assert first.next_params and first.link(first.next_params).startswith("Practitioner/doc/*?")
    second = await store.search(None, first.next_params, within=("Practitioner", "doc"))
    assert len({(e.type, e.id) for e in [*first.matches, *second.matches]}) == 4
