"""near: Locations around a place, held against a plain calculation over random points."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import pytest_asyncio

from longbien.base.errors import Invalid, NotSupported
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.search import registry
from longbien.record.search.compile import Compiler
from longbien.record.search.parse import parse
from longbien.record.store import Store
from longbien.record.types import number

PLACES = {
    "bach-mai": (21.0003, 105.8412), "viet-duc": (21.0286, 105.8470), "hue": (16.4637, 107.5909), "fiji": (-17.7, 179.9),
    "samoa": (-13.8, -171.8), "east": (0.0, 179.99), "west": (0.0, -179.99), "pole": (89.9, 10.0), "nowhere": None,
}  # fmt: skip


def location(id_: str, at: tuple[float, float] | None) -> dict[str, Any]:
    r: dict[str, Any] = {"resourceType": "Location", "id": id_}
    return r if at is None else r | {"position": {"latitude": at[0], "longitude": at[1]}}


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def places(engine: Engine) -> dict[str, tuple[float, float]]:
    r = random.Random(7)
    points = {f"r{n}": (round(r.uniform(-90, 90), 5), round(r.uniform(-180, 180), 5)) for n in range(1500)}
    every = {**PLACES, **points}
    store = Store(engine, system("t"))
    await store.commit([Update(location(i, at)) for i, at in every.items()], Manner(references="trust", checked=True))
    await engine.db.execute("SELECT record_analyze()")
    return {i: at for i, at in every.items() if at is not None}


async def found(engine: Engine, near: str) -> set[str]:
    page = await Store(engine, system("t")).search("Location", [("near", near), ("_count", "1000")], handling="strict")
    assert not page.next_params
    return {e.id for e in page.matches}


def apart(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Kilometres, by the angle between two vectors: another way than the store's."""

    def vector(p: tuple[float, float]) -> tuple[float, float, float]:
        lat, lon = math.radians(p[0]), math.radians(p[1])
        return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)

    x, y = vector(a), vector(b)
    cross = math.dist((x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]), (0, 0, 0))
    return 6371.0088 * math.atan2(cross, sum(i * j for i, j in zip(x, y, strict=True)))


@pytest.mark.parametrize(
    ("near", "wanted"),
    [
        ("21.0003|105.8412|1", "bach-mai"),
        ("21.0003|105.8412", "bach-mai viet-duc"),
        ("21.0003|105.8412|3.3|km", "bach-mai viet-duc"),
        ("21.0003|105.8412|3000|m", "bach-mai"),
        ("21.0003|105.8412|2|[mi_i]", "bach-mai viet-duc"),
        ("21.0003|105.8412|0", "bach-mai"),
        ("21.0003|105.8412|1,16.46|107.59|1", "bach-mai hue"),
        ("0|180|5", "east west"),
        ("0|-180|5|km", "east west"),
        ("89.9|-170|25", "pole"),
    ],
)
async def test_places(engine: Engine, near: str, wanted: str) -> None:
    assert {i for i in await found(engine, near) if not i.startswith("r")} == set(wanted.split())


async def test_random_circles_agree_with_a_plain_calculation(engine: Engine, places: dict[str, tuple[float, float]]) -> None:
    r = random.Random(11)
    for _ in range(40):
        centre = (round(r.uniform(-90, 90), 3), round(r.uniform(-180, 180), 3))
        km = r.choice([50, 400, 1500, 6000, 12000, 21000])
        wanted = {i for i, at in places.items() if apart(centre, at) <= km}
        if len(wanted) <= 1000:
            assert await found(engine, f"{centre[0]}|{centre[1]}|{km}") == wanted, (centre, km)


@pytest.mark.parametrize(
    "near", ["21", "21|x", "91|10", "21|181", "21|105|-1", "21|105|1|parsec", "21|105|nan", "1|2|3|km|5", "1e999|2"]
)
async def test_wrong_places_are_refused(engine: Engine, near: str) -> None:
    with pytest.raises(Invalid, match="near"):
        await found(engine, near)
    with pytest.raises(NotSupported):
        await Store(engine, system("t")).search("Location", [("near:exact", "1|2")])


async def test_the_box_is_looked_up_by_index(engine: Engine) -> None:
    heads = await Compiler(engine, system("t")).heads(parse("Location", [("near", "21|105.8|10")], "strict"))
    sql, args = heads.page(21)
    plan = "\n".join(r[0] for r in await engine.db.fetch("EXPLAIN " + sql, *args, search=True))
    assert "ix_qty_p" in plan and "Seq Scan" not in plan, plan


def test_the_schema_knows_the_number_of_location() -> None:
    assert number("Location") == 71
    assert registry.PARTS == {("Location", "near"): "Location.near"}


async def test_it_can_be_followed(engine: Engine) -> None:
    visit = {"resourceType": "Encounter", "id": "v", "status": "planned", "class": {"code": "AMB"},
             "location": [{"location": {"reference": "Location/hue"}}]}  # fmt: skip
    store = Store(engine, system("t"))
    await store.commit([Update(visit)], Manner(references="trust", checked=True))
    for near, ids in (("16.46|107.59|5", ["v"]), ("21|105.8|5", [])):
        page = await store.search("Encounter", [("location.near", near)], handling="strict")
        assert [e.id for e in page.matches] == ids
