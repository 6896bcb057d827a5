"""Stored StructureDefinitions: used by the next write of any process, gone with their deletion, told of where nobody knows them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from longbien.base.errors import Invalid
from longbien.record.change import Create, Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.inside import inside
from longbien.record.profiles import Profiles
from longbien.record.scope import system
from longbien.record.store import Store

X = "http://hanoi.example/fhir/StructureDefinition/"
SD = "http://hl7.org/fhir/StructureDefinition/"


def profile(
    name: str, *elements: dict[str, Any], base: str = SD + "Patient", type_: str = "Patient", **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition", "id": name, "url": X + name, "name": name, "status": "active", "kind": "resource",
        "abstract": False, "type": type_, "baseDefinition": base, "derivation": "constraint",
        "differential": {"element": [{"id": e["path"], **e} for e in elements]}, **more,
    }  # fmt: skip


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "meta": {"profile": [X + name]}, **more}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other(record_urls: tuple[str, str]) -> Any:
    """Another process's engine on the same record."""
    opened = await Engine.open(record_urls[1])
    yield opened
    await opened.close()


def at(engine: Engine) -> Store:
    return Store(engine, system("t"))


async def refused(engine: Engine, resource: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as why:
        await at(engine).commit([Create(resource)])
    assert why.value.status == 422
    return why.value.text


async def test_a_profile_is_used_by_the_very_next_write_of_another_process(engine: Engine, other: Engine) -> None:
    await at(other).commit([Create(person("born"))])  # not known yet: kept, and said so
    stored = await at(other).commit([Create(person("born"))])
    assert "not known here" in stored[0].notes[0].text
    await at(engine).commit([Update(profile("born", {"path": "Patient.birthDate", "min": 1}))])
    assert "birthDate is required" in await refused(other, person("born"))
    assert "birthDate is required" in await refused(engine, person("born"))
    assert (await at(other).commit([Create(person("born", birthDate="1999"))]))[0].notes == ()
    await at(engine).commit([Update(profile("born", {"path": "Patient.gender", "min": 1}))])
    assert "gender is required" in await refused(other, person("born", birthDate="1999"))
    await at(engine).commit([Delete("StructureDefinition", "born")])
    assert "not known here" in (await at(other).commit([Create(person("born"))]))[0].notes[0].text


async def test_a_profile_and_a_resource_of_it_in_one_transaction(engine: Engine, other: Engine) -> None:
    both = [Update(profile("together", {"path": "Patient.birthDate", "min": 1})), Create(person("together"))]
    with pytest.raises(Invalid, match="birthDate is required"):
        await at(engine).commit(both)
    assert "not known here" in (await at(other).commit([Create(person("together"))]))[0].notes[0].text


async def test_what_a_transaction_takes_back_nobody_has_learned(engine: Engine) -> None:
    with pytest.raises(RuntimeError):
        async with inside(at(engine)) as within:
            await within.commit([Update(profile("undone", {"path": "Patient.birthDate", "min": 1}))])
            assert "birthDate is required" in await refused(within.engine, person("undone"))
            raise RuntimeError
    assert "not known here" in (await at(engine).commit([Create(person("undone"))]))[0].notes[0].text
    await at(engine).commit([Update(profile("done", {"path": "Patient.birthDate", "min": 1}))])
    assert "birthDate is required" in await refused(engine, person("done"))


async def test_a_base_may_come_later(engine: Engine, other: Engine) -> None:
    child = profile("child", {"path": "Patient.gender", "min": 1}, base=X + "parent")
    assert "used once that is loaded" in (await at(engine).commit([Update(child)]))[0].notes[0].text
    assert "cannot be used" in (await at(other).commit([Create(person("child"))]))[0].notes[0].text
    await at(engine).commit([Update(profile("parent", {"path": "Patient.birthDate", "min": 1}))])
    assert "birthDate is required" in await refused(other, person("child", gender="male"))


async def test_a_definition_that_cannot_be_used_is_refused(engine: Engine) -> None:
    with pytest.raises(Invalid, match="min 0 is less than the 1 of the base") as why:
        await at(engine).commit([Update(profile("wrong", {"path": "Patient.link.other", "min": 0}))])
    assert why.value.issues[0].expression == "StructureDefinition.differential.element[0]"
    await at(engine).commit([Update(profile("a", {"path": "Patient.gender", "min": 1}, base=X + "b"))])
    with pytest.raises(Invalid, match="its own base"):
        await at(engine).commit([Update(profile("b", {"path": "Patient.gender", "min": 1}, base=X + "a"))])


async def test_r4s_own_profiles_work_out_of_the_box(engine: Engine) -> None:
    weight = {
        "resourceType": "Observation", "status": "final", "meta": {"profile": [SD + "bodyweight"]}, "code": {"text": "cân nặng"},
    }  # fmt: skip
    assert "BodyWeightCode is required" in " ".join(i.text for i in (await _issues(engine, weight)))


async def _issues(engine: Engine, resource: dict[str, Any]) -> Any:
    with pytest.raises(Invalid) as why:
        await at(engine).commit([Create(resource)])
    return why.value.issues


async def test_import_judges_too_and_unknown_profiles_may_be_refused(engine: Engine) -> None:
    """The import's processes validate before they commit (Manner.checked); profiles are the commit's own business."""
    await at(engine).commit([Update(profile("imported", {"path": "Patient.birthDate", "min": 1}))])
    with pytest.raises(Invalid, match="birthDate is required"):
        await at(engine).commit([Create(person("imported"))], Manner(references="trust", checked=True, summarise=True))
    before, engine.profiles = engine.profiles, Profiles("refuse")
    try:
        assert "not known here" in await refused(engine, person("nobody-knows"))
        engine.profiles = Profiles("ignore")
        assert (await at(engine).commit([Create(person("nobody-knows"))]))[0].notes == ()
    finally:
        engine.profiles = before


async def test_a_resource_that_names_no_profile_asks_the_database_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(Profiles, "_fresh", never)
    await at(engine).commit([Create({"resourceType": "Patient", "gender": "female"})])
    with pytest.raises(AssertionError):
        await at(engine).commit([Create(person("x"))])


async def test_stored_value_sets_are_held_to(engine: Engine, other: Engine) -> None:
    X_VS = "http://hanoi.example/fhir/ValueSet/blood"
    bound = {"strength": "required", "valueSet": X_VS}
    await at(engine).commit([
        Update(profile("bound", {"path": "Patient.maritalStatus", "binding": bound})),
        Update({"resourceType": "ValueSet", "id": "blood", "url": X_VS, "status": "active",
                "compose": {"include": [{"system": "http://x.example", "concept": [{"code": "A"}]}]}}),
    ])  # fmt: skip
    good = person("bound", maritalStatus={"coding": [{"system": "http://x.example", "code": "A"}]})
    assert (await at(other).commit([Create(good)]))[0].notes == ()
    bad = person("bound", maritalStatus={"coding": [{"system": "http://x.example", "code": "B"}]})
    assert "not in the required value set" in await refused(other, bad)


async def test_definitions_from_before_the_table_are_found(engine: Engine, record_urls: tuple[str, str]) -> None:
    await at(engine).commit([Update(profile("early", {"path": "Patient.birthDate", "min": 1}))])
    await engine.db.execute("UPDATE profile SET url = NULL")
    await engine.db.execute("UPDATE profile_state SET filled = false, stamp = stamp + 1")
    fresh = await Engine.open(record_urls[1])
    try:
        assert "birthDate is required" in await refused(fresh, person("early"))
    finally:
        await fresh.close()


async def test_many_writers_while_definitions_change_are_each_judged(engine: Engine, other: Engine) -> None:
    """Whoever begins while another learns of a change keeps to what it has begun with: nothing slips through unjudged."""
    await at(engine).commit([Update(profile("held", {"path": "Patient.birthDate", "min": 1}))])

    async def write(n: int) -> bool:
        if n % 5 == 0:
            await at(engine).commit([Update(profile(f"more-{n}", {"path": "Patient.gender", "min": 1}))])
            return False
        try:
            await at(other).commit([Create(person("held"))])
        except Invalid:
            return False
        return True

    assert not any(await asyncio.gather(*map(write, range(60))))
