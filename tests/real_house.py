"""The real thing, for tests of bad luck and of foreign clients: `longbien up` in a folder of its own with durability on, and its
processes by name."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from longbien.access import accounts
from longbien.access.door import Door
from longbien.base.db import Database
from longbien.base.ids import patient_key
from longbien.base.place import APP, DATABASE
from longbien.base.postgres import Embedded
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.index import org_key

SRC = Path(__file__).resolve().parents[1] / "src"
BUILT = SRC / "longbien" / "_built" / "fhir"
STEP = 0.05
PASSWORD = "gió mùa đông bắc"
T = TypeVar("T")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "longbien.cli", *words]


def environment(**more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LONGBIEN_")}
    return {**clean, "PYTHONPATH": str(SRC), "LONGBIEN_WORKERS": "2", **more}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


class House:
    """`longbien up --empty` on one port; after a kill of `up` itself, `start` again."""

    def __init__(self, data: Path, **settings: str):
        self.data, self.port, self.settings = data, free_port(), settings
        self.address = f"http://127.0.0.1:{self.port}"
        self.server = Embedded(data)
        self.out = data.parent / f"{data.name}.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60) -> None:
        with self.out.open("ab") as out:
            begun = out.tell()
            self.process = subprocess.Popen(
                command("up", "--empty", "--port", str(self.port), "--data", str(self.data)),
                env=environment(**self.settings), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        end = time.monotonic() + seconds
        while b"Ctrl-C stops it" not in self.out.read_bytes()[begun:]:
            assert self.process.poll() is None and time.monotonic() < end, self.said()
            time.sleep(STEP)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if self.server.pid:  # it outlived an `up` that was killed
            self.server.start()
            self.server.stop()

    def token(self, name: str) -> str:
        done = subprocess.run(
            command("token", "--name", name), env=environment(LONGBIEN_DATA=str(self.data)),
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def said(self) -> str:
        return self.out.read_text("utf-8", "replace")[-4000:]

    # -- processes ----------------------------------------------------------------------------------------------------

    def pids(self, name: str) -> list[int]:
        """up | web | worker | postmaster | backend (one that serves a client) | any other name of a PostgreSQL process."""
        up, postmaster = self.process.pid if self.process else 0, self.server.pid or 0
        if name in ("up", "postmaster"):
            return [p for p in (up if name == "up" else postmaster,) if p]
        if name in ("web", "worker"):
            word = "serve" if name == "web" else "worker"
            return [p for p, words in _children(up) if word in words]
        title = f"postgres: {APP} " if name == "backend" else f"postgres: {name}"
        return [p for p, words in _children(postmaster) if words[0].startswith(title)]

    def web_process_of(self, port: int) -> int | None:
        """The web process that holds the server's end of a client's connection, by the client's port."""
        here, there = f":{self.port:04X}", f":{port:04X}"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(here) and fields[2].endswith(there):
                return next((pid for pid in self.pids("web") if _holds(pid, f"socket:[{fields[9]}]")), None)
        return None

    # -- looking inside -----------------------------------------------------------------------------------------------

    def database_url(self) -> str:
        return self.server.url(APP, DATABASE)

    async def trail_faults(self) -> list[str]:
        """What is wrong with the audit chain, once everything in it is sealed."""
        db = await Database.open(self.database_url())
        try:
            await trail.catch_up(db)
            return await trail.verify(db)
        finally:
            await db.close()


def _children(parent: int) -> Iterator[tuple[int, list[str]]]:
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if parent and int((path / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                words = (path / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                yield int(path.name), words


def _holds(pid: int, what: str) -> bool:
    """Whether a process has this open, as /proc names it."""
    with contextlib.suppress(OSError):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(fd.readlink()) == what:
                    return True
    return False


async def until(ask: Callable[[], Awaitable[T]], what: str, seconds: float = 30) -> T:
    """Ask again until the answer is true; gives it."""
    end = time.monotonic() + seconds
    while not (answer := await ask()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(STEP)
    return answer


@contextlib.contextmanager
def house(data: Path, **settings: str) -> Iterator[House]:
    made = House(data, **settings)
    try:
        made.start()
        yield made
    finally:
        made.stop()


async def a_doctor(running: House, patient: str) -> str:
    """The cookie of a doctor who has the patient under care."""
    engine = await Engine.open(running.database_url(), services=False)
    door = Door(engine)
    try:
        login = f"t.{secrets.token_hex(4)}"
        new = accounts.NewAccount(login, "Lê Hoàng Minh", "doctor", None, "bv-sn")
        await accounts.create(engine, door.hasher, None, new, PASSWORD)
        await engine.db.execute(
            "INSERT INTO care (pat, org, lo, hi, rid) VALUES ($1, $2, now() - interval '1 day', now() + interval '1 day', 0)",
            patient_key(patient), org_key("bv-sn"),
        )  # fmt: skip
        asked = {"type": "http", "method": "POST", "scheme": "http", "client": ("127.0.0.1", 1), "headers": [], "path": "/"}
        return (await door.sign_in(asked, login, PASSWORD)).set_cookie.split(";")[0]
    finally:
        await door.close()
        await engine.close()
