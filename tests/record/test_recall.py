"""What was made of versions is made once, is the version's and no other's, and takes no more room than it may."""

from __future__ import annotations

from typing import Any

import pytest

from longbien.base.ids import new_id
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.inside import inside
from longbien.record.recall import Recall
from longbien.record.scope import system
from longbien.record.store import Store


def _patient(id_: str, year: int) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_, "birthDate": f"{year}"}


async def _written(engine: Engine, *years: int) -> list[tuple[int, int]]:
    store, id_ = Store(engine, system("test")), new_id()
    return [(s.rid, s.version) for year in years for s in await store.commit([Update(_patient(id_, year))])]


async def test_a_version_is_read_once_and_every_version_says_its_own(engine: Engine) -> None:
    versions = await _written(engine, 1950, 1951)
    made: list[str] = []

    def year(resource: dict[str, Any]) -> str:
        made.append(resource["birthDate"])
        return str(resource["birthDate"])

    recall = Recall()
    assert await recall.made(engine, versions, "year", year) == ["1950", "1951"]
    assert await recall.made(engine, versions[::-1], "year", year) == ["1951", "1950"]
    assert sorted(made) == ["1950", "1951"]
    assert await recall.made(engine, versions, "age", lambda r: 2026 - int(r["birthDate"])) == [76, 75]


async def test_what_a_transaction_wrote_and_took_back_is_remembered_by_nobody(engine: Engine) -> None:
    (rid, version), id_ = (await _written(engine, 1950))[0], new_id()
    store = Store(engine, system("test"))
    first = (await store.commit([Update(_patient(id_, 1960))]))[0]
    with pytest.raises(ZeroDivisionError):
        async with inside(store) as within:
            lost = (await within.commit([Update(_patient(id_, 1999))]))[0]
            lines = await within.engine.recall.made(within.engine, [(lost.rid, lost.version)], "b", lambda r: r["birthDate"])
            assert lines == ["1999"]
            raise ZeroDivisionError
    kept = (await store.commit([Update(_patient(id_, 1961))]))[0]
    assert (kept.rid, kept.version) == (lost.rid, lost.version) == (first.rid, 2)
    assert await engine.recall.made(engine, [(kept.rid, 2), (rid, version)], "b", lambda r: r["birthDate"]) == ["1961", "1950"]


async def test_it_takes_no_more_room_than_it_may_and_what_is_asked_for_stays(engine: Engine) -> None:
    often, *others = await _written(engine, *range(1900, 1940))
    recall, made = Recall(most=1000), list[str]()

    def remember(resource: dict[str, Any]) -> str:
        made.append(resource["birthDate"])
        return str(resource["birthDate"])

    for one in others:
        await recall.made(engine, [often, one], "year", remember)
        assert len(recall._new) + len(recall._old) <= 2 * 1000 / 64
    assert made.count("1900") == 1
    assert len(recall._new) + len(recall._old) < 40


def test_a_sheet_of_notes_belongs_to_the_versions_that_it_names() -> None:
    recall = Recall()
    recall.notes(("stay", ((1, 1), (2, 1))))["card"] = "as it was"
    assert recall.notes(("stay", ((1, 1), (2, 1)))) == {"card": "as it was"}
    assert recall.notes(("stay", ((1, 1), (2, 2)))) == {}
