"""The command line as a person or a script meets it: in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from longbien.base.postgres import Embedded

SRC = Path(__file__).resolve().parents[2] / "src"


def longbien(*arguments: str, data: Path, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LONGBIEN_")}
    return subprocess.run(
        [sys.executable, "-m", "longbien.cli", *arguments],
        env={**clean, "PYTHONPATH": str(SRC), "LONGBIEN_DATA": str(data), **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def data(data_folder: Path) -> Iterator[Path]:
    yield data_folder
    server = Embedded(data_folder)
    if server.pid:
        server.start()
        server.stop()


def test_help_is_there_at_once_and_lists_the_commands(data: Path) -> None:
    begun = time.monotonic()
    done = longbien("--help", data=data)
    assert done.returncode == 0
    assert time.monotonic() - begun < 5
    for name in ("up", "web", "worker", "migrate", "import", "demo", "token", "reindex", "check"):
        assert f"\n  {name} " in done.stdout
    assert "serve" not in done.stdout.split("web server")[0].split("\n")[2]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["fly"], "no command 'fly'"),
        ([], "usage"),
        (["token"], "--name"),
        (["up", "--port", "x"], "invalid int value"),
        (["up", "--port", "70000"], "70000 is no port"),
        (["import"], "PATH"),
        (["demo", "--patients", "-1"], "--patients"),
    ],
)
def test_wrong_use_is_a_sentence_and_status_2(arguments: list[str], word: str, data: Path) -> None:
    done = longbien(*arguments, data=data)
    assert done.returncode == 2, done.stderr
    assert word in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named(data: Path) -> None:
    done = longbien("migrate", data=data, LONGBIEN_LOG="loud")
    assert (done.returncode, "LONGBIEN_LOG" in done.stderr) == (2, True)
    done = longbien("migrate", data=data, LONGBIEN_DATABASE_URL="nonsense")
    assert (done.returncode, "must look like" in done.stderr) == (2, True)


def test_a_database_that_is_not_there_is_said_so(data: Path) -> None:
    done = longbien("migrate", data=data, LONGBIEN_DATABASE_URL="postgresql://a:b@127.0.0.1:9/x")
    assert done.returncode == 1
    assert "not reachable" in done.stderr
    assert "Traceback" not in done.stderr


def test_migrate_then_check(data: Path) -> None:
    first = longbien("migrate", data=data)
    assert first.returncode == 0, first.stderr
    assert "applied 0001_record_pre.sql" in first.stdout
    assert longbien("migrate", data=data).stdout == "The database is up to date.\n"
    told = longbien("check", data=data)
    for question in ("disk", "clock", "database", "migrations", "rights", "database's clock"):
        assert f"✓ {question}: " in told.stdout, told.stdout
    with Embedded(data) as server:
        server.psql("GRANT DELETE ON ver TO longbien_app", "longbien")
    told = longbien("check", data=data)
    assert told.returncode == 1
    assert "✕ rights: the application's role may DELETE on ver" in told.stdout


def test_check_of_an_empty_database_says_what_to_do(data: Path) -> None:
    told = longbien("check", data=data)
    assert told.returncode == 1
    assert "run `longbien migrate`" in told.stdout
