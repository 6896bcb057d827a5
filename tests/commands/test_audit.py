"""`longbien audit` as it is typed; and a dump that is restored into another server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from longbien.base.migrate import migrate
from longbien.base.postgres import Embedded
from longbien.base.postgres_binaries import programs, runner
from longbien.record import trail
from longbien.record.change import Create
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

APP = "longbien_app"
BIN = programs(runner())


def audit(app: str, owner: str, data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LONGBIEN_")}
    env = {**clean, "LONGBIEN_DATABASE_URL": app, "LONGBIEN_OWNER_URL": owner, "LONGBIEN_DATA": str(data)}
    return subprocess.run(
        [sys.executable, "-m", "longbien.cli", "audit", *words], env=env, capture_output=True, text=True, timeout=120
    )


async def write(app: str, *ids: str) -> None:
    engine = await Engine.open(app, services=False)
    try:
        await Store(engine, system("test")).commit([Create({"resourceType": "Patient", "id": i}, id=i) for i in ids])
    finally:
        await engine.close()


def test_checkpoints_keys_and_a_look(record_urls: tuple[str, str], data_folder: Path, tmp_path: Path) -> None:
    owner, app = record_urls
    asyncio.run(write(app, "one", "two"))
    kept = tmp_path / "kept"
    assert audit(app, owner, data_folder, "checkpoint", "--to", str(kept)).returncode == 0
    assert "PUBLIC KEY" in audit(app, owner, data_folder, "key").stdout
    assert audit(app, owner, data_folder, "key", "--rotate", "--to", str(kept)).returncode == 0
    asyncio.run(write(app, "three"))
    said = audit(app, owner, data_folder, "checkpoint")
    assert said.returncode == 0 and '"signature"' in said.stdout
    good = audit(app, owner, data_folder, "verify", "--checkpoints", str(kept))
    assert good.returncode == 0 and "intact up to block" in good.stdout and "1 checkpoints" in good.stdout, good
    assert audit(app, owner, data_folder, "verify", "--since", "2026-01-01").returncode == 0
    assert audit(app, owner, data_folder, "verify", "--since", "yesterday").returncode == 2
    assert audit(app, owner, data_folder, "verify", "--checkpoints", str(tmp_path / "no")).returncode == 2

    async def tamper() -> None:
        connection = await asyncpg.connect(owner)
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER ALL")
        await connection.execute("UPDATE audit SET actor = 77 WHERE seq = (SELECT min(seq) FROM audit)")
        await connection.close()

    asyncio.run(tamper())
    bad = audit(app, owner, data_folder, "verify", "--checkpoints", str(kept))
    assert bad.returncode == 1 and "Block 1: lines were changed." in bad.stdout


async def _transactions(url: str, n: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f"DO $$ BEGIN FOR i IN 1..{n} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
    await connection.close()


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory) -> Embedded:  # type: ignore[misc]
    server = Embedded(tmp_path_factory.mktemp("o"), fast=True)
    server.start()
    yield server
    server.stop()


def test_a_dump_restored_into_another_server_goes_on(pg: Embedded, other: Embedded, data_folder: Path, tmp_path: Path) -> None:
    pg.create_database("dumped")
    asyncio.run(migrate(pg.url("postgres", "dumped"), APP, pg.password(APP)))
    asyncio.run(_transactions(pg.url("postgres", "dumped"), 20_000))
    asyncio.run(write(pg.url(APP, "dumped"), "before-1", "before-2"))
    kept = tmp_path / "kept"
    assert audit(pg.url(APP, "dumped"), pg.url("postgres", "dumped"), data_folder, "checkpoint", "--to", str(kept)).returncode == 0
    dump = tmp_path / "dump.sql"
    with dump.open("wb") as out:
        subprocess.run([BIN / "pg_dump", pg.url("postgres", "dumped")], stdout=out, check=True)
    other.create_role(APP)
    other.create_database("restored")
    app, owner = other.url(APP, "restored"), other.url("postgres", "restored")
    done = subprocess.run([BIN / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", dump, owner], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with pytest.raises(Exception, match="restored from a dump"):  # nothing is written with numbers that were used already
        asyncio.run(write(app, "too-early"))
    said = audit(app, owner, data_folder, "continue")
    assert said.returncode == 0 and "higher" in said.stdout, said
    assert "nothing to do" in audit(app, owner, data_folder, "continue").stdout
    asyncio.run(write(app, "after-1", "after-2"))
    good = audit(app, owner, data_folder, "verify", "--checkpoints", str(kept))
    assert good.returncode == 0, good

    async def sealed() -> bool:
        engine = await Engine.open(app, services=False)
        try:
            await trail.catch_up(engine.db)
            newest = await engine.db.fetchval("SELECT max(xid) FROM audit")
            return bool(newest < await engine.db.fetchval("SELECT max(xhi) FROM audit_block"))
        finally:
            await engine.close()

    assert asyncio.run(sealed())
