"""Fixtures for every room: a real PostgreSQL, and a fresh database for each test module.

    pg             the test run's server (shared by all xdist workers; durability off). `pg.superuser_url`,
                   `pg.url(role, database)`, `pg.create_role(name)`, `pg.create_database(name)`,
                   `pg.psql(sql, database)`
    database_url   a fresh, empty database for the test module, as superuser; dropped at the module's end
    shared         the folder of shared data beside the repository (or LONGBIEN_SHARED); skips where it is missing
    data_folder    a short temporary folder for a test's own data (a socket's path must fit into 107 bytes)

A test that needs durability (kill -9, full disk) starts its own `Embedded(data_folder)`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from longbien.base.postgres import Embedded

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # the run's own folder, the same for all workers
    server = Embedded(base / "pg", fast=True)
    server.start()
    yield server
    if server.stop():  # the last worker out
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def database_url(pg: Embedded) -> Iterator[str]:
    name = f"t_{secrets.token_hex(6)}"
    pg.create_database(name)
    yield pg.url("postgres", name)
    pg.drop_database(name)


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
