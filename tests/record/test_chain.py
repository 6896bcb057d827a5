"""Both chains against somebody who holds the superuser's password: every kind of tampering shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from longbien.base.db import Database
from longbien.base.errors import Invalid
from longbien.base.postgres import Embedded
from longbien.record import chain, checkpoint, trail
from longbien.record.change import Create, Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")
OPEN = "; ".join(f"ALTER TABLE {t} DISABLE TRIGGER ALL" for t in ("audit", "audit_block", "ver", "ver_block"))


def patient(n: int, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": f"c{n}", **more}


@asynccontextmanager
async def house(pg: Embedded, template: str) -> AsyncIterator[tuple[Engine, Any]]:
    """A record of its own with some writes, reads and an import, all sealed; and the superuser."""
    name = f"chain_{Path(template).name}_{id(object())}"
    pg.psql(f"CREATE DATABASE {name} TEMPLATE {template}")
    owner = await asyncpg.connect(pg.url("postgres", name))
    engine = await Engine.open(pg.url("longbien_app", name), services=False)
    try:
        store = Store(engine, system("test"))
        for n in range(6):
            await store.commit([Create(patient(n), id=f"c{n}")])
            await store.read("Patient", f"c{n}")
            await seal(engine.db)
        await store.commit([Update(patient(0, gender="female"))])
        await store.commit([Delete("Patient", "c5")])
        await store.commit([Create(patient(n), id=f"c{n}") for n in range(10, 15)], Manner(summarise=True))
        await seal(engine.db)
        yield engine, owner
    finally:
        await owner.close()
        await engine.close()
        pg.drop_database(name)


async def seal(db: Database) -> None:
    await trail.catch_up(db)
    await trail.seal_versions(db)


TAMPERING = {
    "a version's body": "UPDATE ver SET body = body || '\\x00' WHERE rid = (SELECT min(rid) FROM ver)",
    "a version's time": "UPDATE ver SET upd = upd - interval '1 second' WHERE rid = (SELECT min(rid) FROM ver)",
    "a version taken away": "DELETE FROM ver WHERE ver = 2",
    "a version put in": """INSERT INTO ver (rid, upd, ver, op, xid, body, type)
        SELECT rid, upd, 9, op, xid, body, type FROM ver WHERE ver = 2""",
    "two bodies in each other's place": """UPDATE ver v SET body = o.body FROM ver o WHERE v.ver = 1 AND o.ver = 1
        AND v.rid = (SELECT min(rid) FROM ver) AND o.rid = (SELECT rid FROM ver WHERE ver = 2 LIMIT 1) + 1""",
    "a version's block": "UPDATE ver_block SET hash = sha256('x') WHERE n = 2",
    "a version's block taken away": "DELETE FROM ver_block WHERE n = 2",
    "lines in each other's order": """UPDATE audit a SET actor = b.actor, kind = b.kind, rid = b.rid FROM audit b
        WHERE a.kind = 4 AND b.kind = 0 AND a.seq + 1 = b.seq""",
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_every_change_of_a_version_or_of_the_order_shows(pg: Embedded, template: str, what: str) -> None:
    async with house(pg, template) as (engine, owner):
        whole = await chain.verify(engine.db)
        assert whole.wrong == [] and whole.versions == 13 and whole.lines >= 19
        await owner.execute(OPEN)
        done = await owner.execute(TAMPERING[what])
        assert not done.endswith(" 0")
        assert (await chain.verify(engine.db)).wrong


async def test_a_chain_that_was_made_anew_after_a_line_went_shows_against_a_checkpoint(
    pg: Embedded, template: str, tmp_path: Path
) -> None:
    keys = checkpoint.Keys(tmp_path / "keys" / "signing.pem")
    async with house(pg, template) as (engine, owner):
        folder = tmp_path / "elsewhere"
        checkpoint.write(folder, await checkpoint.checkpoint(engine.db, keys.signing()))
        await owner.execute(OPEN)
        await owner.execute("DELETE FROM audit WHERE kind = 0 AND seq = (SELECT min(seq) FROM audit WHERE kind = 0)")
        await owner.execute("DELETE FROM audit_block")
        await seal(engine.db)
        assert (await chain.verify(engine.db)).wrong == []  # the chain alone cannot know
        trails, versions, wrong = checkpoint.read(folder, checkpoint.public_keys(keys.public))
        found = await chain.verify(engine.db, noted=trails, versions_noted=versions)
        assert wrong == [] and len(found.wrong) == 1 and "made anew" in found.wrong[0]


async def test_an_end_that_was_cut_off_shows_against_a_checkpoint_and_by_the_versions_without_lines(
    pg: Embedded, template: str, tmp_path: Path
) -> None:
    keys = checkpoint.Keys(tmp_path / "signing.pem")
    async with house(pg, template) as (engine, owner):
        made = await checkpoint.checkpoint(engine.db, keys.signing())
        await owner.execute(OPEN)
        await owner.execute("DELETE FROM audit WHERE xid >= (SELECT xlo FROM audit_block ORDER BY n DESC LIMIT 1)")
        await owner.execute("DELETE FROM audit_block WHERE n = (SELECT max(n) FROM audit_block)")
        alone = (await chain.verify(engine.db)).wrong
        assert any("have no line in the trail" in sentence for sentence in alone)
        found = await chain.verify(engine.db, noted=[chain.Mark(made["block"], made["hash"])])
        assert any("cut or made anew" in sentence for sentence in found.wrong)


async def test_lines_and_versions_answer_for_each_other_even_before_the_seal(pg: Embedded, template: str) -> None:
    async with house(pg, template) as (engine, owner):
        await owner.execute(OPEN)
        await Store(engine, system("test")).commit([Create(patient(20), id="c20")])
        await owner.execute("DELETE FROM ver WHERE rid = (SELECT rid FROM head WHERE id = 'c20')")
        told = (await chain.verify(engine.db)).wrong
        assert len(told) == 1 and "not in the version log" in told[0]
        await owner.execute("INSERT INTO ver (rid, upd, ver, op, body, type) VALUES (99, now(), 1, 1, '', 103)")
        assert any("have no line" in s for s in (await chain.verify(engine.db)).wrong)


async def test_an_import_answers_for_as_many_versions_as_it_says(pg: Embedded, template: str) -> None:
    async with house(pg, template) as (engine, owner):
        await owner.execute(OPEN)
        await owner.execute("UPDATE audit SET n = n + 1 WHERE seq = (SELECT min(seq) FROM audit WHERE kind = 11)")
        assert any("import" in s for s in (await chain.verify(engine.db)).wrong)


async def test_a_look_goes_on_where_it_was_broken_off_and_may_use_several_connections(pg: Embedded, template: str) -> None:
    async with house(pg, template) as (engine, owner):
        marks: list[chain.Mark] = []
        whole = await chain.verify(engine.db, jobs=3, told=marks.append)
        assert whole.wrong == [] and marks[-1] == whole.end
        third = chain.Mark(3, (await owner.fetchval("SELECT hash FROM audit_block WHERE n = 3")).hex())
        rest = await chain.verify(engine.db, since=third)
        assert rest.wrong == [] and 0 < rest.lines < whole.lines and 0 < rest.versions < whole.versions
        with pytest.raises(Invalid):
            await chain.verify(engine.db, since=chain.Mark(3, "00" * 32))
        await owner.execute(OPEN)
        await owner.execute("UPDATE audit SET addr = '10.0.0.9' WHERE seq = (SELECT max(seq) FROM audit)")
        assert (await chain.verify(engine.db, since=third)).wrong


async def test_the_applications_role_can_add_no_block_of_versions(pg: Embedded, template: str) -> None:
    async with house(pg, template) as (engine, _):
        for sql in ("INSERT INTO ver_block SELECT * FROM ver_block", "UPDATE ver_block SET n = 0", "DELETE FROM ver_block"):
            with pytest.raises(Exception, match=r"denied|append-only|may not"):
                await engine.db.execute(sql)
        with pytest.raises(Exception, match="denied"):
            await engine.db.execute("SELECT audit_continue()")
