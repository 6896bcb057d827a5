"""longbien up: everything in one go. Database, schema, demo city when the record is empty, web processes, background work;
Ctrl-C or SIGTERM ends them all in order."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from longbien.base import log
from longbien.base.disk import Disk, DiskSettings
from longbien.base.errors import Conflict, LongbienError, Unavailable
from longbien.base.place import Place, Urls, database
from longbien.base.postgres import Embedded
from longbien.base.probe import ask, is_empty

from . import PartMissing, longbien, room
from .migrate import migrated
from .supervise import Child, Supervisor
from .web import WebSettings, children, environment

READY_SECONDS = 60.0
CHECKPOINT_SECONDS = 20.0  # reading alone writes about a megabyte of log a second at most
_log = log.get(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data folder (LONGBIEN_DATA)")
    parser.add_argument("--port", type=int, metavar="N", help="the port of the web server (LONGBIEN_PORT, 8000)")
    parser.add_argument("--empty", action="store_true", help="leave an empty record empty: no demo city")


def run(args: argparse.Namespace) -> int:
    place, web = Place.read(data=args.data), WebSettings.read(port=args.port)
    with claimed(place.folder) as claim:
        made, port = children(web, {})  # the port first: a taken one is said before anything is started
        address = f"http://{web.host}:{port}"
        with Supervisor([]) as supervisor:
            _say("starting the database")
            with database(place, prepare=True) as urls:
                env = environment(place, urls)
                for name in migrated(urls):
                    _say(f"  applied {name}")
                if not args.empty and is_empty(urls.app):
                    _fill(env, supervisor)
                for child in made:
                    child.environment = env
                supervisor.children = [*made, Child("background worker", longbien("worker"), env)]
                claim(address)
                if not supervisor.stopping:
                    supervisor.start()
                    _wait_ready(address, supervisor)
                    _greet(address, place, urls)
                    supervisor.run(_keep(urls.embedded, Disk(place.disk, DiskSettings.read().reserve)))
                _say("stopping")
                supervisor.end()  # before the database
    return 0


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[_Claim]:
    """The data folder for us alone: one `up` at a time. Raises Conflict naming the other."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(folder / ".up", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as why:
        raise Unavailable(f"The data folder {folder} cannot be used: {why.strerror}") from None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with contextlib.suppress(ValueError, KeyError):
                other = json.loads(os.read(fd, 1000))
                raise Conflict(
                    f"Longbien already runs on the data folder {folder}: process {other['pid']}, {other['address']}"
                ) from None
            raise Conflict(f"Longbien is already being started on the data folder {folder}") from None
        yield _Claim(fd)
    finally:
        os.close(fd)


class _Claim:
    def __init__(self, fd: int):
        self.fd = fd
        os.ftruncate(fd, 0)

    def __call__(self, address: str) -> None:
        os.pwrite(self.fd, json.dumps({"pid": os.getpid(), "address": address}).encode(), 0)


def _fill(env: dict[str, str], supervisor: Supervisor) -> None:
    """The demo city, by a process of its own, so that what it needs of memory is given back."""
    _say("the record is empty: filling it with the demo city (--empty leaves it empty)")
    child = subprocess.Popen(longbien("demo"), env=env, stdin=subprocess.DEVNULL)
    while child.poll() is None:
        if supervisor.stopping:
            child.terminate()
            child.wait(30)
            return
        time.sleep(0.05)
    if child.returncode:
        raise Unavailable("The demo city could not be made: see the messages above (`up --empty` starts without it)")


def _wait_ready(address: str, supervisor: Supervisor) -> None:
    until = time.monotonic() + READY_SECONDS
    said = ""
    while time.monotonic() < until and not supervisor.stopping:
        for child in supervisor.children:
            child.watch()
        if all(child.given_up for child in supervisor.children if child.fds):
            raise Unavailable("The web server cannot run: see the messages above")
        try:
            with urllib.request.urlopen(address + "/readyz", timeout=5) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except urllib.error.HTTPError as why:
            said = f"{why.code} {why.read(500).decode('utf-8', 'replace').strip()}"
        except OSError as why:
            said = str(why)
        time.sleep(0.05)
    if not supervisor.stopping:
        raise Unavailable(f"The web server did not become ready within {READY_SECONDS:.0f} s: {said}")


def _keep(server: Embedded | None, disk: Disk) -> Callable[[], None]:
    """What the watching round does for the database: start it again when it died, and never give up for that; and where room
    gets short, have it use its log's old part again instead of letting it grow."""
    next_try = next_checkpoint = 0.0

    def keep() -> None:
        nonlocal next_try, next_checkpoint
        now = time.monotonic()
        if server is None or now < next_try:
            return
        if server.pid is not None:
            if now >= next_checkpoint and disk.low(2):
                next_checkpoint = now + CHECKPOINT_SECONDS
                threading.Thread(target=_checkpoint, args=(server,), daemon=True).start()
            return
        _log.error("the database server ended; it is started again")
        try:
            server.start()
        except Exception as why:  # a full disk, say: the web processes answer 503 until it is back
            _log.error("%s", why)
            next_try = time.monotonic() + 5

    return keep


def _checkpoint(server: Embedded) -> None:
    try:
        server.psql("CHECKPOINT")
    except (LongbienError, subprocess.SubprocessError, OSError) as why:
        _log.warning("room on the disk is short, and a checkpoint did not succeed: %s", why)


def _greet(address: str, place: Place, urls: Urls) -> None:
    lines = ["", f"Longbien runs at {address}", f"  FHIR     {address}/fhir"]
    lines.append(f"  data     {place.folder}" if urls.embedded else "  data     in the database of LONGBIEN_DATABASE_URL")
    with contextlib.suppress(PartMissing, AttributeError):
        logins = room("longbien.demo.city").LOGINS
        if ask(urls.app, "SELECT EXISTS (SELECT FROM account WHERE login = $1)", logins[0].name):  # a real record has none
            lines += ["", "Demo logins:"] + [f"  {who:<18} {word:<14} {what}" for who, word, what in logins]
    _say("\n".join([*lines, "", "Ctrl-C stops it."]))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
