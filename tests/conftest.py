"""Fixtures for every room: a real PostgreSQL, and a fresh database for each test module.

    pg             the xdist worker's own server (durability off). `pg.superuser_url`,
                   `pg.url(role, database)`, `pg.create_role(name)`, `pg.create_database(name)`,
                   `pg.psql(sql, database)`
    database_url   a fresh, empty database for the test module, as superuser; dropped at the module's end
    record_urls    (owner url, application url) of a fresh, migrated database for the test module
    engine         a record Engine on it, signed in as the application's role
    shared         the folder of shared data beside the repository (or LONGBIEN_SHARED); skips where it is missing
    data_folder    a short temporary folder for a test's own data (a socket's path must fit into 107 bytes)

A test that needs durability (kill -9, full disk) starts its own `Embedded(data_folder)`.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from longbien.base.migrate import migrate
from longbien.base.postgres import Embedded
from longbien.record.engine import Engine

APP_ROLE = "longbien_app"
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """One server per xdist worker: a long transaction of one worker's test would hold back what another's expects to settle."""
    server = Embedded(tmp_path_factory.getbasetemp() / "pg", fast=True)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def database_url(pg: Embedded) -> Iterator[str]:
    name = f"t_{secrets.token_hex(6)}"
    pg.create_database(name)
    yield pg.url("postgres", name)
    pg.drop_database(name)


@pytest.fixture(scope="session")
def template(pg: Embedded) -> str:
    """A migrated database that the modules' own are copied from: copying takes a tenth of migrating."""
    name = "longbien_template"
    with (pg.data / ".template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pg.create_database(name)
        asyncio.run(migrate(pg.url("postgres", name), APP_ROLE, pg.password(APP_ROLE)))
    return name


@pytest.fixture(scope="module")
def record_urls(pg: Embedded, template: str) -> Iterator[tuple[str, str]]:
    name = f"t_{secrets.token_hex(6)}"
    with (pg.data / ".template.lock").open("w") as lock:  # a template may be copied by one at a time
        fcntl.flock(lock, fcntl.LOCK_EX)
        pg.psql(f"CREATE DATABASE {name} TEMPLATE {template}")
    # a process of the house serves one house; tests open several, which must not share a stamp (record/search/registry.py)
    pg.psql("UPDATE search_state SET stamp = (random() * 1e12)::bigint", name)
    yield pg.url("postgres", name), pg.url(APP_ROLE, name)
    pg.drop_database(name)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(record_urls: tuple[str, str]) -> AsyncIterator[Engine]:
    opened = await Engine.open(record_urls[1])
    yield opened
    await opened.close()


@pytest.fixture
def data_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lb-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = Path(os.environ.get("LONGBIEN_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no shared data in {folder}: set LONGBIEN_SHARED")
    return folder
