"""Finding people as people search, on a real database."""

from __future__ import annotations

import json

import pytest_asyncio

from longbien.record.change import Create
from longbien.record.engine import Engine
from longbien.record.people import Nearby, find, one_slip, read
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.web.chart.record import person
from longbien.web.pages.search import is_exact, rank

PEOPLE = [
    ("Nguyễn Thị Thuỷ", "1953-02-04", "001153003118", "0983445117"),
    ("Nguyễn Thị Thúy", "1954-11-30", "001154001907", "0904112285"),
    ("Nguyễn Thị Thu Thủy", "1953-09-19", "001153008052", "0912000640"),
    ("Đỗ Văn Hoà", "1961", "001061000001", "0977000001"),
    ("Trần Đức Anh", "2001-05-06", "001201000002", "+84977000002"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def people(engine: Engine) -> None:
    changes = []
    for n, (name, birth, number, phone) in enumerate(PEOPLE):
        family, *given = name.split()
        changes.append(
            Create(
                {
                    "resourceType": "Patient",
                    "id": f"p{n}",
                    "name": [{"text": name, "family": family, "given": given}],
                    "birthDate": birth,
                    "identifier": [{"system": "urn:cccd", "value": number}],
                    "telecom": [{"system": "phone", "value": phone}],
                },
                id=f"p{n}",
            )
        )
    await Store(engine, system("test")).commit(changes)


async def names(engine: Engine, text: str) -> list[str]:
    q = read(text)
    rows, more = await find(engine, system("test"), q, Nearby())
    assert not more
    return [p.name for p in sorted((person(json.loads(r.body)) for r in rows), key=lambda p: rank(p, q))]


async def test_words_stand_in_any_order_with_or_without_tones(engine: Engine) -> None:
    assert set(await names(engine, "thuy nguyen")) == {"Nguyễn Thị Thuỷ", "Nguyễn Thị Thúy", "Nguyễn Thị Thu Thủy"}
    assert await names(engine, "do hoa") == ["Đỗ Văn Hoà"]


async def test_exact_tones_come_first_wherever_the_mark_stands(engine: Engine) -> None:
    found = await names(engine, "nguyen thủy")
    assert found[-1] == "Nguyễn Thị Thúy" and set(found[:2]) == {"Nguyễn Thị Thuỷ", "Nguyễn Thị Thu Thủy"}
    assert await names(engine, "hòa") == ["Đỗ Văn Hoà"]
    q = read("thúy")
    thuy = person({"name": [{"text": "Nguyễn Thị Thúy"}]})
    assert is_exact(thuy, q) and not is_exact(thuy, read("thủy"))


async def test_a_year_or_a_birth_date_narrows(engine: Engine) -> None:
    assert set(await names(engine, "thuy 1953")) == {"Nguyễn Thị Thuỷ", "Nguyễn Thị Thu Thủy"}
    assert await names(engine, "hoa 1961") == ["Đỗ Văn Hoà"]


async def test_a_number_finds_its_owner_however_it_is_spaced(engine: Engine) -> None:
    for text in ("001153003118", "001 153 003 118", "0983445117", "0983 445 117", "+84983445117"):
        assert await names(engine, text) == ["Nguyễn Thị Thuỷ"], text
    assert await names(engine, "0977000002") == ["Trần Đức Anh"]


async def test_a_slip_is_forgiven_and_nonsense_is_not(engine: Engine) -> None:
    assert await names(engine, "nguyne thuyy 1954") == ["Nguyễn Thị Thúy"]
    assert await names(engine, "tran duc anhh") == ["Trần Đức Anh"]
    assert await names(engine, "zzzz qqqq") == [] and await names(engine, "'; drop table head; --") == []


def test_one_slip_is_one_letter() -> None:
    assert all(one_slip(a, b) for a, b in (("thuy", "thu"), ("thu", "thuy"), ("thuy", "thay"), ("nguyne", "nguyen")))
    assert not one_slip("thuy", "than") and not one_slip("anh", "duc")
