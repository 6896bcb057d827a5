"""_list, and searching over all types by what every type has."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from longbien.base.errors import Forbidden, Invalid, NotSupported
from longbien.base.ids import patient_key
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import Bind, RowSQL, Scope, system
from longbien.record.store import Store

PROFILE, TAGS = "http://x.example/StructureDefinition/p", "urn:tags"


def of(id_: str, of_: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "x"},
            "subject": {"reference": f"Patient/{of_}"}, **more}  # fmt: skip


def listed(id_: str, of_: str, *items: Any) -> dict[str, Any]:
    entries = [i if isinstance(i, dict) else {"item": {"reference": i}} for i in items]
    return {"resourceType": "List", "id": id_, "status": "current", "mode": "working", "subject": {"reference": f"Patient/{of_}"},
            "entry": entries}  # fmt: skip


META = {
    "profile": [PROFILE],
    "tag": [{"system": TAGS, "code": "t"}],
    "security": [{"system": TAGS, "code": "R"}],
    "source": "urn:src#1",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def ward(engine: Engine) -> None:
    resources = [
        {"resourceType": "Patient", "id": "an", "meta": META}, {"resourceType": "Patient", "id": "binh"},
        of("o1", "an", meta=META), of("o2", "an"), of("o3", "binh"),
        listed("l1", "an", "Observation/o1", "Observation/o3", "Patient/an", "http://hanoi.test/fhir/Observation/o2/_history/1",
               {"item": {"reference": "Patient/binh"}, "deleted": True}, {"item": {"display": "?"}}),
        listed("l2", "binh", "Patient/binh"), listed("empty", "an"),
    ]  # fmt: skip
    await Store(engine, system("t")).commit([Update(r) for r in resources], Manner(references="trust", checked=True))


async def found(engine: Engine, asked: str, scope: Scope | None = None) -> list[str]:
    type_, _, query = asked.partition("?")
    params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    store = Store(engine, scope or system("t"))
    page = await store.search(type_ or None, params, handling="strict", base_url="http://hanoi.test/fhir")
    return sorted(e.id for e in page.matches)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("Observation?_list=l1", "o1 o2 o3"),
        ("Observation?_list=List/l1&patient=an", "o1 o2"),
        ("Patient?_list=l1", "an"),
        ("Patient?_list=l1,l2", "an binh"),
        ("Patient?_list=empty", ""),
        ("Encounter?_list=l1", ""),
        ("?_list=l1", "an o1 o2 o3"),
        ("?_list=l1&_type=Patient", "an"),
        ("Observation?patient._list=l2", "o3"),
        (f"?_profile={PROFILE}", "an o1"),
        (f"?_tag={TAGS}|t", "an o1"),
        ("?_tag=t&_type=Observation", "o1"),
        (f"?_security={TAGS}|R", "an o1"),
        ("?_source=urn:src#1", "an o1"),
        ("?_id=an,o2", "an o2"),
        ("?_type=Patient", "an binh"),
        ("Observation?_profile=" + PROFILE, "o1"),
        ("Observation?_tag:not=t", "o2 o3"),
        ("?_tag:not=t&_type=Patient", "binh"),
        ("?_tag:missing=false", "an o1"),
        ("?_profile:missing=true&_type=Patient", "binh"),
        ("?_lastUpdated=gt2020&_type=List", "empty l1 l2"),
    ],
)
async def test_what_is_found(engine: Engine, asked: str, wanted: str) -> None:
    assert await found(engine, asked) == wanted.split()


async def test_functional_and_unknown_lists_are_refused(engine: Engine) -> None:
    with pytest.raises(NotSupported, match="functional list"):
        await found(engine, "Condition?_list=$current-problems")
    for wrong in ("none", "a b", "Patient/an"):
        with pytest.raises(Invalid, match="_list"):
            await found(engine, f"Patient?_list={wrong}")
    with pytest.raises(NotSupported):
        await found(engine, "Patient?_list:not=l1")


class _Only:
    def __init__(self, *ids: str):
        self.pats = [patient_key(i) for i in ids]

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"{row.pat} = ANY({bind(self.pats)}::int8[])"


async def test_a_hidden_list_is_as_an_unknown_one_and_hidden_items_stay_hidden(engine: Engine) -> None:
    reads = frozenset({"Patient", "Observation", "List"})
    scope = Scope(7, "nurse", "TREAT", "on the ward", _Only("an"), reads=reads, writes=frozenset())
    assert await found(engine, "Observation?_list=l1", scope) == ["o1", "o2"]
    assert await found(engine, "?_list=l1", scope) == ["an", "o1", "o2"]
    with pytest.raises(Invalid, match="List/l2 is not known"):
        await found(engine, "Patient?_list=l2", scope)
    narrow = Scope(7, "clerk", "HOPERAT", "desk", _Only("an"), reads=frozenset({"Patient"}), writes=frozenset())
    with pytest.raises(Forbidden):
        await found(engine, "Patient?_list=l1", narrow)
    assert await found(engine, f"?_profile={PROFILE}", narrow) == ["an"]
