"""What a department's card brings to the pages: entries for who may, panels where they are named, advice in its order."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longbien.access.roles import CHART, CHART_WRITE
from longbien.app import DEPARTMENTS
from longbien.base.department import Department, Nav, Panel, Sheet, Tab, Verdict
from longbien.web import departments


@pytest.fixture
def house() -> Iterator[None]:
    yield
    departments.furnish(DEPARTMENTS)


def actor(*may: Any) -> Any:
    return SimpleNamespace(may=lambda permission: permission in may)


class Call:
    w = staticmethod(str)
    lang = "en"

    def __init__(self, *may: Any) -> None:
        self.actor = actor(*may)

    def piece(self, template: str, **given: Any) -> str:
        return f"{template}: {given}"


async def build(call: Any, shell: Any) -> dict[str, Any]:
    return {"n": 1}


async def nothing(call: Any, shell: Any) -> None:
    return None


async def test_what_nobody_may_is_not_offered(house: None) -> None:
    room = Department(
        "room", "Room", nav=[Nav("/room", "Room", CHART, "room")], tabs=[Tab("a", "a", "A"), Tab("b", "b", "B", CHART_WRITE)],
        sheets=[Sheet("s", "S", "S", "room/s.html", build, CHART_WRITE)],
        panels=[Panel("strip", "room/p.html", build), Panel("strip", "room/q.html", nothing), Panel("rail", "room/r.html", build)],
    )  # fmt: skip
    departments.furnish([room])
    assert [n.key for n in departments.navs(actor(CHART))] == ["room"]
    assert departments.navs(actor()) == [] == departments.navs(None)
    assert [t.key for t in departments.tabs(actor())] == ["a"]
    assert await departments.sheets(cast(Any, Call()), None) == []
    assert [s.key for s in await departments.sheets(cast(Any, Call(CHART_WRITE)), None)] == ["s"]
    assert [str(p)[:11] for p in await departments.panels("strip", cast(Any, Call()))] == ["room/p.html"]


async def test_advice_comes_gravest_first_and_a_failing_adviser_fails_the_question(house: None) -> None:
    async def one(store: Any, patient: str, drafts: Any, w: Any) -> list[Verdict]:
        return [Verdict("note", "n"), Verdict("stop", "s", about=1)]

    async def two(store: Any, patient: str, drafts: Any, w: Any) -> list[Verdict]:
        return [Verdict("warn", "w")]

    async def broken(store: Any, patient: str, drafts: Any, w: Any) -> list[Verdict]:
        raise RuntimeError("no answer")

    departments.furnish([Department("a", "A", advice=[one]), Department("b", "B", advice=[two])])
    call: Any = Call()
    said = await departments.advise(call, cast(Any, None), "p", [{}, {}])
    assert [v.level for v in said] == ["stop", "warn", "note"]
    departments.furnish([Department("a", "A", advice=[one, broken])])
    with pytest.raises(RuntimeError):
        await departments.advise(call, cast(Any, None), "p", [{}])
