"""The trail: durable before the answer, cheap together, never changed, and whoever changes it all the same is seen."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from longbien.base.db import Database
from longbien.base.errors import Unavailable
from longbien.base.migrate import migrate
from longbien.base.postgres import Embedded
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.scope import Scope
from longbien.record.trail import Trail

WRITER = Path(__file__).parent / "trail_writer.py"
APP = "longbien_app"
SCOPE = Scope(7, "somebody", "TREAT", "because")


def lines(n: int = 1, why: str | None = None) -> list[trail.Line]:
    return [trail.line(SCOPE, "read", pat=5, rid=k, why=why) for k in range(n)]


@pytest_asyncio.fixture(loop_scope="session")
async def owner(record_urls: tuple[str, str]) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(record_urls[0])
    yield connection
    await connection.close()


@dataclass
class Apart:
    """A database of one test's own, which nobody else seals."""

    owner: Any
    db: Database
    name: str


@asynccontextmanager
async def apart(pg: Embedded) -> AsyncIterator[Apart]:
    name = f"trail_{secrets.token_hex(4)}"
    pg.create_database(name)
    url = pg.url("postgres", name)
    await migrate(url, APP, pg.password(APP))
    owner = await asyncpg.connect(url)
    db = await Database.open(pg.url(APP, name))
    try:
        yield Apart(owner, db, name)
    finally:
        await owner.close()
        await db.close()
        pg.drop_database(name)


async def test_a_line_stands_when_write_returns(engine: Engine, owner: Any) -> None:
    await engine.trail.write(lines(3, "three lines"))
    assert await owner.fetchval("SELECT count(*) FROM audit WHERE why = 'three lines'") == 3


async def test_writers_at_once_share_commits_and_every_line_is_there_once(engine: Engine, owner: Any) -> None:
    writes = [engine.trail.write(lines(2, f"together {n}")) for n in range(400)]
    await asyncio.gather(*writes)
    rows = await owner.fetch("SELECT why, count(*) AS n, min(xid) AS xid FROM audit WHERE why LIKE 'together %' GROUP BY why")
    assert {r["why"]: r["n"] for r in rows} == {f"together {n}": 2 for n in range(400)}
    assert len({r["xid"] for r in rows}) <= 5


async def test_any_text_can_be_written(engine: Engine, owner: Any) -> None:
    odd = ["\0", "\udcff", "é" * 5000, "'; DROP TABLE audit; --", "a|b\nc", ""]
    await engine.trail.write([trail.line(SCOPE, "read", why=text) for text in odd])
    await engine.trail.write([trail.line(Scope(1, "x", "", "", address="\0\udcff" + "9" * 500), "read")])
    assert await owner.fetchval("SELECT max(length(why)) FROM audit") == 1000
    assert await owner.fetchval("SELECT max(length(addr)) FROM audit") == 100


async def test_a_line_that_cannot_be_stored_fails_alone(engine: Engine, owner: Any) -> None:
    bad = [lines(1)[0]._replace(why="x" * 5000)]  # over the table's limit, past `line`
    worse = [lines(1)[0]._replace(rid="not a number")]
    good = [engine.trail.write(lines(1, f"beside the bad {n}")) for n in range(20)]
    answers = await asyncio.gather(
        *good[:10], engine.trail.write(bad), engine.trail.write(worse), *good[10:], return_exceptions=True
    )
    assert [isinstance(a, Exception) for a in answers] == [False] * 10 + [True, True] + [False] * 10
    assert await owner.fetchval("SELECT count(*) FROM audit WHERE why LIKE 'beside the bad %'") == 20
    await engine.trail.write(lines(1, "after the bad"))


async def test_no_answer_leaves_while_the_database_is_away(pg: Embedded, record_urls: tuple[str, str]) -> None:
    async with apart(pg) as a:
        own = Trail(a.db)
        with pytest.raises(Unavailable):
            await own.write(lines())  # not started: better an error than a wait for ever
        own.start()
        await own.write(lines(1, "before"))
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND datname = $2"
        pg.psql(f"ALTER DATABASE {a.name} ALLOW_CONNECTIONS false")
        try:
            await a.owner.execute(end, APP, a.name)
            results = await asyncio.gather(*(own.write(lines(1, "away")) for _ in range(10)), return_exceptions=True)
            assert all(isinstance(r, Unavailable) for r in results)
            assert not await a.owner.fetchval("SELECT count(*) FROM audit WHERE why = 'away'")
        finally:
            pg.psql(f"ALTER DATABASE {a.name} ALLOW_CONNECTIONS true")
        for _ in range(50):
            try:
                await own.write(lines(1, "back again"))
                break
            except Unavailable:
                await asyncio.sleep(0.1)
        assert await a.owner.fetchval("SELECT count(*) FROM audit WHERE why = 'back again'") == 1
        await own.close()


async def test_closing_writes_what_waits_and_refuses_what_comes_later(record_urls: tuple[str, str], owner: Any) -> None:
    db = await Database.open(record_urls[1])
    own = Trail(db)
    own.start()
    waiting = [asyncio.create_task(own.write(lines(1, "at the end"))) for _ in range(50)]
    await asyncio.sleep(0)
    await own.close()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    stored = await owner.fetchval("SELECT count(*) FROM audit WHERE why = 'at the end'")
    assert stored >= sum(a is None for a in answers) == 50
    with pytest.raises(Unavailable):
        await own.write(lines())
    await db.close()


async def test_the_application_may_only_append(record_urls: tuple[str, str], engine: Engine) -> None:
    await engine.trail.write(lines())
    await trail.seal(engine.db)
    app = await asyncpg.connect(record_urls[1])
    try:
        for table, column in (
            ("ver", "op"),
            ("audit", "n"),
            ("audit_block", "count"),
            ("purpose_grant", "pat"),
            ("purpose_end", "number"),
        ):
            for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE",
                              f"ALTER TABLE {table} DISABLE TRIGGER ALL", f"DROP TABLE {table}"):  # fmt: skip
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await app.execute(statement)
        for statement in (
            "INSERT INTO audit_block (n, xlo, xhi, count, prev, hash) VALUES (999, 0, 1, 0, '', '')",
            "INSERT INTO audit (xid, actor, action, kind) VALUES (1, 1, 'R', 0)",
            "INSERT INTO audit (at, actor, action, kind) VALUES ('2020-01-01', 1, 'R', 0)",
            "INSERT INTO audit (seq, actor, action, kind) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'R', 0)",
            "INSERT INTO ver (rid, upd, ver, op, xid, body) VALUES (1, now(), 1, 1, 1, '')",
            "SELECT setval('audit_seq_seq', 1)",
            "CREATE TABLE mine (x int)",
            "DELETE FROM account",
            "UPDATE account SET number = 1",
            "DELETE FROM api_token",
            "UPDATE purpose_grant SET until = now()",
        ):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.exceptions.GeneratedAlwaysError)):
                await app.execute(statement)
    finally:
        await app.close()


async def test_even_the_owner_is_stopped_by_the_triggers(owner: Any, engine: Engine) -> None:
    await engine.trail.write(lines())
    for statement in ("UPDATE audit SET n = 2", "DELETE FROM audit", "TRUNCATE audit", "DELETE FROM ver", "TRUNCATE ver CASCADE",
                      "UPDATE audit_block SET count = 0"):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(statement)


async def seal_all(db: Database) -> None:
    while await trail.seal(db) is not None:
        pass


TAMPERING = {
    "a changed line": "UPDATE audit SET actor = actor + 1 WHERE seq = (SELECT min(seq) + 5 FROM audit)",
    "a changed time": "UPDATE audit SET at = at - interval '1 microsecond' WHERE seq = (SELECT min(seq) + 5 FROM audit)",
    "a removed line": "DELETE FROM audit WHERE seq = (SELECT min(seq) + 5 FROM audit)",
    "a late line": "INSERT INTO audit (xid, actor, action, kind) SELECT min(xid), 1, 'R', 0 FROM audit",
    "two lines made one": """WITH two AS (SELECT * FROM audit ORDER BY seq OFFSET 4 LIMIT 2), gone AS
        (DELETE FROM audit WHERE seq = (SELECT max(seq) FROM two))
        UPDATE audit SET why = why || E'\\n' || (SELECT audit_line(t) FROM two t ORDER BY seq DESC LIMIT 1)
        WHERE seq = (SELECT min(seq) FROM two)""",
    "text moved between columns": "UPDATE audit SET addr = 'a|' || why, why = '' WHERE seq = (SELECT min(seq) + 5 FROM audit)",
    "a line in another block": "UPDATE audit SET xid = (SELECT max(xid) FROM audit) WHERE seq = (SELECT min(seq) + 5 FROM audit)",
    "a removed block": "DELETE FROM audit_block WHERE n = 2",
    "a changed block": "UPDATE audit_block SET hash = sha256('x') WHERE n = 2",
    "a moved border": "UPDATE audit_block SET xhi = xhi - 1 WHERE n = 2",
    "a block made anew": """WITH d AS (SELECT b.n, x.* FROM audit_block b, audit_digest(b.xlo, b.xhi, 'x') x WHERE b.n = 2)
        UPDATE audit_block b SET hash = d.hash, prev = 'x', count = d.count FROM d WHERE b.n = d.n""",
}


async def _blocks(db: Database, n: int) -> None:
    own = Trail(db)
    own.start()
    for k in range(n):
        await own.write(lines(10, f"batch {k}"))
        await seal_all(db)
    await own.close()
    assert await db.fetchval("SELECT count(*) FROM audit_block") == n


@pytest.mark.parametrize("what", TAMPERING)
async def test_tampering_shows(pg: Embedded, record_urls: tuple[str, str], what: str) -> None:
    async with apart(pg) as a:
        await _blocks(a.db, 4)
        assert await trail.verify(a.db) == []
        await a.owner.execute("ALTER TABLE audit DISABLE TRIGGER ALL; ALTER TABLE audit_block DISABLE TRIGGER ALL")
        await a.owner.execute(TAMPERING[what])
        assert await trail.verify(a.db)


async def test_an_end_that_was_cut_off_shows_against_a_noted_block(pg: Embedded, record_urls: tuple[str, str]) -> None:
    async with apart(pg) as a:
        await _blocks(a.db, 3)
        noted = await trail.newest(a.db)
        assert noted is not None and noted.n == 3 and await trail.verify(a.db, noted=noted) == []
        await a.owner.execute("ALTER TABLE audit DISABLE TRIGGER ALL; ALTER TABLE audit_block DISABLE TRIGGER ALL")
        await a.owner.execute("DELETE FROM audit WHERE why = 'batch 2'; DELETE FROM audit_block WHERE n = 3")
        assert await trail.verify(a.db) == []  # the chain alone cannot know
        assert await trail.verify(a.db, noted=noted) == ["Block 3 is not the one that was noted: the chain was cut or made anew."]


async def test_a_block_waits_for_the_oldest_writer_and_misses_nothing(record_urls: tuple[str, str], engine: Engine) -> None:
    slow = await asyncpg.connect(record_urls[1])
    other = await asyncpg.connect(record_urls[1])
    insert = "INSERT INTO audit (actor, action, kind, why) VALUES (3, 'R', 0, $1)"
    try:
        await engine.trail.write(lines())
        hanging = slow.transaction()
        await hanging.start()
        await slow.execute(insert, "slow")
        xid = await slow.fetchval("SELECT pg_current_xact_id()::text::bigint")
        for _ in range(5):
            await other.execute(insert, "quick")
        await seal_all(engine.db)
        assert await engine.db.fetchval("SELECT max(xhi) FROM audit_block") <= xid
        assert await trail.verify(engine.db) == []
        await slow.execute(insert, "slow again")
        await hanging.commit()
        await seal_all(engine.db)
        assert await engine.db.fetchval("SELECT max(xhi) FROM audit_block") > xid
        assert await trail.verify(engine.db) == []
    finally:
        await slow.close()
        await other.close()


async def test_a_rolled_back_writer_leaves_the_chain_whole(record_urls: tuple[str, str], engine: Engine) -> None:
    broken = await asyncpg.connect(record_urls[1])
    hanging = broken.transaction()
    await hanging.start()
    await broken.execute("INSERT INTO audit (actor, action, kind, why) VALUES (3, 'R', 0, 'never')")
    await engine.trail.write(lines())
    broken.terminate()
    await asyncio.sleep(0.2)
    await seal_all(engine.db)
    assert await trail.verify(engine.db) == []
    assert not await engine.db.fetchval("SELECT count(*) FROM audit WHERE why = 'never'")


async def test_a_block_has_a_bound_and_the_rest_follows(pg: Embedded, record_urls: tuple[str, str]) -> None:
    insert = "INSERT INTO audit (actor, action, kind, why) SELECT 1, 'R', 0, 'x' FROM generate_series(1, $1::int)"
    async with apart(pg) as a:
        for n in [7, 3000] + [100] * 40:
            await a.owner.execute(insert, n)
        for _ in range(20):
            if await a.owner.fetchval("SELECT audit_seal(1000)") is None:
                break
        counts = [r["count"] for r in await a.owner.fetch("SELECT count FROM audit_block ORDER BY n")]
        assert sum(counts) == 7007 and sum(c > 1000 for c in counts) == 1 and 3000 in counts
        assert await trail.verify(a.db) == []


async def test_processes_that_write_and_seal_at_once_leave_one_whole_chain(record_urls: tuple[str, str], engine: Engine) -> None:
    """And one of them is killed: what it said was durable is there."""
    environment = os.environ | {"PYTHONPATH": str(Path(trail.__file__).parents[2])}
    writers = [
        subprocess.Popen(
            [sys.executable, str(WRITER), record_urls[1], str(100 + n)], stdout=subprocess.PIPE, env=environment, text=True
        )
        for n in range(3)
    ]
    try:
        for w in writers:
            assert w.stdout is not None and w.stdout.readline()
        for _ in range(30):
            await asyncio.gather(*(trail.seal(engine.db) for _ in range(4)))
            await asyncio.sleep(0.05)
        assert await trail.verify(engine.db) == []
    finally:
        said = []
        for w in writers:
            w.kill()
            assert w.stdout is not None
            said.append([int(line) for line in w.stdout.read().split()] or [0])
            w.wait()
    await asyncio.sleep(0.3)
    await seal_all(engine.db)
    assert await trail.verify(engine.db) == []
    for n, numbers in enumerate(said):
        stored = await engine.db.fetchval("SELECT count(*) FROM audit WHERE actor = $1", 100 + n)
        assert stored >= numbers[-1] > 0
    blocks = await engine.db.fetch("SELECT n FROM audit_block ORDER BY n")
    assert [b["n"] for b in blocks] == list(range(1, len(blocks) + 1))


async def test_a_trail_from_another_server_is_said_loudly(pg: Embedded, record_urls: tuple[str, str]) -> None:
    """After dump and restore transaction numbers start anew: sealing must not go on as if nothing were."""
    async with apart(pg) as a:
        await a.owner.execute(
            "INSERT INTO audit_block (n, xlo, xhi, count, prev, hash) VALUES (1, 0, 99999999999, 0, '', sha256('x'))"
        )
        with pytest.raises(asyncpg.RaiseError, match="this server is only at"):
            await a.owner.fetchval("SELECT audit_seal()")
