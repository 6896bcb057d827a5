"""History of many: only what the scope allows, each look in the trail, and plans that a long log does not make slower."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest

from longbien.base.errors import Forbidden
from longbien.base.ids import patient_key
from longbien.record import history
from longbien.record.change import Delete, Update
from longbien.record.engine import Engine
from longbien.record.history import Asked
from longbien.record.scope import Bind, RowSQL, Scope, system
from longbien.record.store import Store
from longbien.record.types import number


@dataclass(frozen=True)
class Of:
    """Only what is about these patients."""

    patients: tuple[str, ...]

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"({row.pat} = ANY({bind([patient_key(p) for p in self.patients])}::bigint[]))"


def only(*patients: str, reads: frozenset[str] | None = None) -> Scope:
    return replace(system("test"), actor=7, rows=Of(patients), reads=reads)


def observation(id: str, of: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{of}"},
    }


@pytest.fixture(scope="module")
async def store(engine: Engine) -> Store:
    made = Store(engine, system("test"))
    await made.commit([Update({"resourceType": "Patient", "id": p}) for p in ("h-a", "h-b")])
    for n in range(4):
        await made.commit([Update(observation(f"h-{p}-{n}", f"h-{p}")) for p in "ab"])
    await made.commit([Update(observation("h-moved", "h-a"))])
    await made.commit([Update(observation("h-moved", "h-b"))])
    await made.commit([Delete("Observation", "h-b-1")])
    return made


async def everything(store: Store, type: str | None, size: int = 50) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    asked = Asked(size)
    while True:
        page = await store.history_of(type, asked)
        assert len(page.versions) <= size
        found += [(s.id, s.version) for s in page.versions]
        if page.below is None:
            return found
        asked = replace_below(asked, page.below)


def replace_below(asked: Asked, below: Any) -> Asked:
    return asked._replace(below=below)


async def test_a_scope_sees_its_own_rows_only(store: Store, engine: Engine) -> None:
    own = Store(engine, only("h-a"))
    assert await everything(own, "Observation", 2) == [(f"h-a-{n}", 1) for n in (3, 2, 1, 0)]
    assert await everything(own, None) == [*[(f"h-a-{n}", 1) for n in (3, 2, 1, 0)], ("h-a", 1)]
    assert await everything(Store(engine, only()), None) == []
    patients = Store(engine, only("h-a", "h-b", reads=frozenset({"Patient"})))
    assert {i for i, _ in await everything(patients, None)} == {"h-a", "h-b"}
    with pytest.raises(Forbidden):
        await patients.history_of("Observation", Asked())


async def test_what_was_moved_shows_only_what_speaks_of_its_patient_now(store: Store, engine: Engine) -> None:
    found = await everything(Store(engine, only("h-b")), "Observation")
    assert ("h-moved", 2) in found and ("h-moved", 1) not in found
    assert found[0] == ("h-b-1", 2), "a deletion is an entry"
    assert ("h-moved", 1) in await everything(store, "Observation")


async def test_a_page_goes_on_where_its_window_ended(store: Store, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scope that sees little of a long log gets short pages with a next one, never a silent end."""
    wanted = await everything(Store(engine, only("h-a")), None)
    monkeypatch.setattr(history, "WINDOW", 3)
    assert await everything(Store(engine, only("h-a")), None, 2) == wanted
    first = await Store(engine, only("h-a")).history_of(None, Asked(2))
    assert first.versions == [] and first.below is not None


async def test_every_look_is_in_the_trail(store: Store, engine: Engine) -> None:
    before = await engine.db.fetchval("SELECT max(seq) FROM audit")
    await store.history_of("Observation", Asked())
    await Store(engine, only()).history_of(None, Asked())
    lines = await engine.db.fetch("SELECT pat, n, type, kind FROM audit WHERE seq > $1 ORDER BY seq", before)
    assert {(r["pat"], r["n"]) for r in lines[:-1]} == {(patient_key("h-a"), 4), (patient_key("h-b"), 7)}
    assert lines[-1]["n"] == 0 and {r["type"] for r in lines[:-1]} == {number("Observation")}


async def test_a_commit_says_the_type_of_its_versions_itself(store: Store, engine: Engine) -> None:
    """Not the trigger, which would cost seven times as much: it is for writers that know nothing of it."""
    assert "body, type)" in await engine.db.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'record_commit'")
    wrong = "SELECT count(*) FROM ver v JOIN head h ON h.rid = v.rid WHERE v.type IS DISTINCT FROM h.type"
    assert await engine.db.fetchval(wrong) == 0


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(n for p in plan.get("Plans", ()) for n in _nodes(p))]


async def test_every_page_of_a_long_log_is_driven_by_an_index(store: Store, engine: Engine, record_urls: tuple[str, str]) -> None:
    """120,000 versions of which 200 are Locations, written first: the first page, one in the middle, the rare type, and a scope
    that sees nothing. No statement looks at more rows than its window has."""
    owner = await asyncpg.connect(record_urls[0])
    for type, n, of in (("Location", 200, 0), ("Observation", 119_800, 200)):
        rows = f"FROM generate_series({of + 1}, {of + n}) g"
        at = "now() - interval '1 day' + g * interval '1 ms'"
        await owner.execute(f"INSERT INTO head (rid, upd, ver, type, id) SELECT -g, {at}, 1, {number(type)}, 'x' || g {rows}")
        await owner.execute(f"INSERT INTO ver (rid, upd, ver, op, body, type) SELECT -g, {at}, 1, 1, '', {number(type)} {rows}")
    await owner.execute("ANALYZE ver; ANALYZE head")
    await owner.close()
    seen: list[tuple[str, tuple[Any, ...]]] = []

    class Spy:
        async def fetch(self, sql: str, *args: Any, search: bool = False) -> Any:
            seen.append((sql, args))
            return await engine.db.fetch(sql, *args, search=search)

    class View:
        db, trail, unpack_all = Spy(), engine.trail, engine.unpack_all

    view: Any = View()
    below = history.Cursor(await engine.db.fetchval("SELECT upd FROM ver WHERE rid = -60000"), -60000, 1)
    rare = await history.history(view, store.scope, "Location", Asked(50))
    assert len(rare.versions) == 50 and rare.below is not None
    await history.history(view, store.scope, "Location", Asked(50, rare.below))
    await history.history(view, store.scope, None, Asked(50))
    for type in (None, "Observation"):
        middle = await history.history(view, store.scope, type, Asked(50, below))
        assert [s.rid for s in middle.versions] == list(range(-59999, -59949))
    nothing = await history.history(view, only("nobody"), None, Asked(50))
    assert nothing.versions == [] and nothing.below is not None
    async with engine.db.connection(search=True) as connection:
        for sql, args in seen:
            text = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS OFF, FORMAT JSON) {sql}", *args)
            nodes = _nodes(json.loads(text)[0]["Plan"])
            assert not [n for n in nodes if n["Node Type"] == "Seq Scan"], (args, text)
            assert {n.get("Index Name") for n in nodes} & {"ver_upd", "ver_type_upd"}, text
            assert max(n["Actual Rows"] * n["Actual Loops"] for n in nodes) <= args[4] + 1, text
