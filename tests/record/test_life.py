"""A life read in columns: components as columns of their own, what is in error left out, nothing of another patient's, nothing that
the scope hides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from longbien.base.errors import NotFound
from longbien.record.change import Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.life import Column, by_code, life
from longbien.record.scope import Bind, RowSQL, Scope, system
from longbien.record.store import Store

EVERYBODY = system("test")
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


def concept(code: str) -> dict[str, Any]:
    """The LOINC code stands second: it is the one that names the column."""
    return {"coding": [{"system": "urn:ours", "code": "x" + code}, {"system": LOINC, "code": code}]}


def quantity(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}


def pressure(id_: str, day: int, top: int, bottom: int, who: str = "lan", status: str = "final") -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id_, "status": status, "code": concept("85354-9"),
        "subject": {"reference": f"Patient/{who}"}, "effectiveDateTime": f"2026-01-{day:02d}T08:00:00+07:00",
        "component": [{"code": concept("8480-6"), "valueQuantity": quantity(top)},
                      {"code": concept("8462-4"), "valueQuantity": quantity(bottom)}],
    }  # fmt: skip


def weight(id_: str, day: int, kilos: float) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id_, "status": "final", "code": concept("29463-7"),
        "subject": {"reference": "Patient/lan"}, "effectiveDateTime": f"2026-01-{day:02d}",
        "valueQuantity": {"value": kilos, "unit": "kg", "system": UCUM, "code": "kg"},
    }  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def record(engine: Engine) -> None:
    store = Store(engine, EVERYBODY)
    manner = Manner(references="trust", checked=True)  # the shortest bodies: profiles are not what is tested here
    await store.commit([Update({"resourceType": "Patient", "id": p}) for p in ("lan", "minh")], manner)
    put = [
        pressure("p3", 9, 128, 76), pressure("p1", 3, 150, 95), pressure("p2", 5, 141, 88),
        pressure("wrong", 6, 300, 20, status="entered-in-error"), pressure("void", 7, 290, 10, status="cancelled"),
        pressure("gone", 8, 280, 30), pressure("other", 4, 90, 60, who="minh"), weight("w1", 2, 61.5), weight("w2", 4, 60.0),
    ]  # fmt: skip
    await store.commit([Update(x) for x in put], manner)
    await store.commit([Delete("Observation", "gone")], manner)


def asked(values: list[float], factor: float) -> list[int]:
    return [round(v * factor) for v in values]


async def columns(engine: Engine, scope: Scope = EVERYBODY) -> list[Column]:
    return (await life(engine, scope, "lan", ["Encounter"])).columns


async def test_components_are_columns_in_the_order_of_time_without_what_does_not_hold(engine: Engine) -> None:
    parts = {c.part: c for c in await columns(engine) if c.part is not None}
    assert set(parts) == {0, 1}
    top, bottom = parts[0], parts[1]
    factor = 128 / top.values[-1]  # the index holds canonical units
    assert asked(top.values, factor) == [150, 141, 128]
    assert asked(bottom.values, factor) == [95, 88, 76]
    assert top.times == bottom.times == sorted(top.times)
    assert b'"id":"p3"' in top.sample


async def test_a_measured_value_is_one_column_though_it_has_two_codes(engine: Engine) -> None:
    own = [c for c in await columns(engine) if c.part is None]
    assert len(own) == 1
    assert len(own[0].values) == 2


async def test_a_scope_that_does_not_open_the_patient_gives_nothing(engine: Engine) -> None:
    class Nobody:
        def sql(self, row: RowSQL, bind: Bind) -> str:
            return f"{row.pat} = {bind(1)}::bigint"

    with pytest.raises(NotFound):
        await columns(engine, replace(EVERYBODY, rows=Nobody()))


async def test_rows_of_types_that_the_scope_hides_stay_hidden(engine: Engine) -> None:
    class OnlyPatients:
        def sql(self, row: RowSQL, bind: Bind) -> str:
            return f"{row.type} = {bind(103)}::smallint"

    assert await columns(engine, replace(EVERYBODY, rows=OnlyPatients())) == []


def test_arrays_are_parted_by_code_and_the_last_days_keep_their_ids() -> None:
    row = {"codes": [7, None, 7, 8, 7], "rids": [1, 2, 3, 4, 5], "times": [0.0, 1.0, 2.0, 3.0, 4.0],
           "vals": [1.5, 2.5, 3.5, 4.5, 5.5], "ids": ["d", "e"], "upds": [30.0, 40.0]}  # fmt: skip
    found = {c["code"]: c for c in by_code(row)}
    assert found[7] == {"code": 7, "times": [0.0, 2.0, 4.0], "vals": [1.5, 3.5, 5.5], "ids": ["e"], "upds": [40.0], "last": 5}
    assert found[8]["ids"] == ["d"]
    assert (found[None]["ids"], found[None]["last"]) == ([], 2)
    assert by_code(dict.fromkeys(row)) == []
