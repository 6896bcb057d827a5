"""Searches held against looking at every resource with somebody else's FHIRPath (oracle.py).

The data: the published R4 examples and the first three of the synthetic lives; LONGBIEN_LIVES=617 takes all (some minutes)."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from corpus import examples, lives, load
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from oracle import Oracle, of_type, parameters
from questions import Links, asked, condition, simple, together

from longbien.base.errors import LongbienError
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

LIVES = int(os.environ.get("LONGBIEN_LIVES", "3"))
LONG = LIVES > 3
EACH = 6 if LONG else 3
"""Questions for each parameter."""
EXAMPLES = 2000 if LONG else 600
pytestmark = [pytest.mark.timeout(7200)] if LONG else []
SEARCHING = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


class Data:
    def __init__(self, oracle: Oracle):
        self.oracle = oracle
        self.links = Links(oracle)
        self.types = sorted(t for t in oracle.rows if any(oracle.values(t, c) for c in of_type(t)))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def data(engine: Engine, shared: Path) -> Data:
    resources = examples(shared) + lives(shared, LIVES)
    oracle = Oracle(resources)
    await load(engine, [r for rows in oracle.rows.values() for r in rows.values()])
    return Data(oracle)


async def found(engine: Engine, type_: str, params: list[tuple[str, str]], count: int = 1000) -> list[str]:
    """Ids of all pages, in order."""
    store = Store(engine, system("test"))
    page = await store.search(type_, [*params, ("_count", str(count))], handling="strict")
    ids = [e.id for e in page.matches]
    while page.next_params:
        page = await store.search(type_, page.next_params, handling="strict")
        ids += [e.id for e in page.matches]
    assert len(ids) == len(set(ids)), "a page repeated a row"
    return ids


def chooser(r: random.Random) -> Callable[[st.SearchStrategy[Any]], Any]:
    """Draws as hypothesis does, from a plain generator: for the sweep over every parameter."""

    def draw(strategy: Any) -> Any:
        s = strategy.wrapped_strategy if hasattr(strategy, "wrapped_strategy") else strategy
        if hasattr(s, "elements"):
            return r.choice(list(s.elements))
        return r.randint(s.start, s.end) if hasattr(s, "start") else r.random() < 0.5

    return draw


async def wrong(engine: Engine, data: Data, type_: str, conds: list[Any], **more: Any) -> str | None:
    """What is wrong with the answer, None where nothing is."""
    params = [c.written() for c in conds]
    shown = f"{type_}?" + "&".join(f"{k}={v}" for k, v in params)
    want = data.oracle.find_all(type_, conds)
    try:
        got = set(await found(engine, type_, params, **more))
    except LongbienError as error:
        return f"{shown}: {error.status} {error.text}"
    if got != want:
        return f"{shown}: missing {len(want - got)} {sorted(want - got)[:3]}, too many {len(got - want)} {sorted(got - want)[:3]}"
    return None


async def test_every_parameter_finds_what_a_look_at_every_resource_finds(engine: Engine, data: Data) -> None:
    r = random.Random(20261124)
    draw = chooser(r)
    done, bad, params = 0, [], 0
    for type_ in data.types:
        for code in sorted(of_type(type_)):
            if code == "_lastUpdated" or not data.oracle.values(type_, code):
                continue
            params += 1
            for _ in range(EACH):
                cond = asked(draw, data.oracle, type_, code)
                if cond is not None:
                    done += 1
                    bad.append(await wrong(engine, data, type_, [cond]))
    told = [b for b in bad if b]
    assert not told, f"{len(told)} of {done} are wrong:\n" + "\n".join(told[:80])
    assert params > 500 and done > 1400, (params, done)


async def test_parts_of_a_composite_hold_of_one_element(engine: Engine, data: Data) -> None:
    r = random.Random(20261125)
    done, bad, codes = 0, [], set()
    for type_ in data.types:
        for code, p in sorted(parameters()[type_].items()):
            if p["type"] != "composite":
                continue
            for _ in range(20 * EACH):
                cond = together(chooser(r), data.oracle, type_, code)
                if cond is not None:
                    done += 1
                    codes.add((type_, code))
                    bad.append(await wrong(engine, data, type_, [cond]))
    told = [b for b in bad if b]
    assert not told, f"{len(told)} of {done} are wrong:\n" + "\n".join(told[:60])
    assert len(codes) > 15 and done > 200, (len(codes), done)


@SEARCHING
@given(st.data())
async def test_conditions_through_references_find_what_following_them_finds(engine: Engine, data: Data, d: st.DataObject) -> None:
    type_ = d.draw(st.sampled_from(data.types))
    conds = [c for _ in range(d.draw(st.sampled_from((1, 1, 2, 3)))) if (c := condition(d.draw, data.oracle, data.links, type_))]
    assume(conds)
    note(str([c.written() for c in conds]))
    told = await wrong(engine, data, type_, conds)
    assert told is None, told


@SEARCHING
@given(st.data())
async def test_pages_in_every_order_are_the_whole(engine: Engine, data: Data, d: st.DataObject) -> None:
    type_ = d.draw(st.sampled_from([t for t in data.types if len(data.oracle.rows[t]) < 400]))
    codes = [c for c in sorted(of_type(type_)) if c not in ("_lastUpdated",) and data.oracle.values(type_, c)]
    keys = d.draw(
        st.lists(st.sampled_from([k for k in codes if k not in ("_profile", "_source")]), min_size=1, max_size=3, unique=True)
    )
    keys = [k for k in keys if not k.startswith("combo-")]
    assume(keys)
    order = ",".join(d.draw(st.sampled_from(("", "-"))) + k for k in keys)
    cond = simple(d.draw, data.oracle, type_) if d.draw(st.booleans()) else None
    conds = [cond] if cond else []
    params = [*(c.written() for c in conds), ("_sort", order)]
    count = d.draw(st.sampled_from((3, 7, 50)))
    note(f"{type_}?{params}")
    want = data.oracle.find_all(type_, conds)
    assume(len(want) / count < 40)
    ids = await found(engine, type_, params, count)
    assert set(ids) == want
    assert ids == await found(engine, type_, params)
