"""Child processes: started, watched, started again when they crash, and ended together with us.

A child never outlives its supervisor: it asks the kernel to be told when that dies (`die_with_parent`), so that a kill -9
leaves no old web process listening behind a new one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from longbien.base import log
from longbien.base.errors import Conflict, Invalid, Unavailable

MISSING = 69
"""Exit status (EX_UNAVAILABLE of sysexits.h) of a child that cannot work until a person changes something."""
PARENT = "LONGBIEN_PARENT_PID"
GRACE_SECONDS = 10.0
CALM_SECONDS = 30.0  # a child that ran this long may be restarted at once
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 15.0
_PR_SET_PDEATHSIG = 1
_log = log.get(__name__)


@dataclass
class Child:
    """One child process; `fds` are the sockets it inherits."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    fds: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    wait: float = _FIRST_WAIT
    again: float = 0.0
    given_up: bool = False
    crashes: int = field(default=0)

    def start(self) -> None:
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env={**self.environment, PARENT: str(os.getpid())},
            pass_fds=self.fds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends everybody in order
        )

    def watch(self) -> None:
        """Start it again when it ended; the more often it crashes, the longer the wait."""
        now = time.monotonic()
        if self.given_up:
            return
        if self.process is None:
            if now >= self.again:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        self.process = None
        if status == MISSING:
            self.given_up = True
            _log.error("%s cannot run; it is left out until the next start", self.name)
            return
        self.crashes += 1
        self.wait = _FIRST_WAIT if now - self.begun > CALM_SECONDS else min(self.wait * 2, _LONGEST_WAIT)
        self.again = now + self.wait
        _log.error("%s ended (%s); started again in %.1f s", self.name, _ending(status), self.wait)

    def signal(self, sign: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(sign)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


def _ending(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"


class Supervisor:
    """The children of one process. `run()` returns when SIGINT or SIGTERM came, everybody ended."""

    def __init__(self, children: Sequence[Child]):
        self.children = children
        self.stopping = False

    def __enter__(self) -> Supervisor:
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def start(self) -> None:
        for child in self.children:
            child.start()

    def run(self, also: Callable[[], None] = lambda: None, step: float = 0.1) -> None:
        """Watch until told to stop; `also` runs at every round."""
        while not self.stopping:
            also()
            for child in self.children:
                child.watch()
            if all(child.given_up for child in self.children):
                raise Unavailable("no part of Longbien can run: see the messages above")
            time.sleep(step)

    def end(self) -> None:
        """SIGTERM to all, ten seconds of grace, then SIGKILL."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while any(c.alive for c in self.children) and time.monotonic() < until:
            time.sleep(0.02)
        for child in self.children:
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait(5)


def die_with_parent() -> None:
    """In a child: SIGTERM when the supervisor dies, however it dies. Does nothing without a supervisor."""
    parent = os.environ.get(PARENT)
    if not parent:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):  # it died before we could ask
        raise SystemExit(0)


def listeners(host: str, port: int, count: int) -> list[socket.socket]:
    """`count` listening sockets on one address, one a web process: the kernel spreads new connections over them. They
    stay open here, so that connections wait, and are not refused, while a crashed process comes back.
    Raises Conflict when the port is taken, Invalid when the address is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    share = sys.platform == "linux"
    try:
        with socket.socket(family) as probe:  # without SO_REUSEPORT: must not join somebody else's listeners
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            port = probe.getsockname()[1]
        made = []
        for _ in range(count if share else 1):
            sock = socket.socket(family)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if share:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind((host, port))
            sock.listen(2048)
            made.append(sock)
    except (socket.gaierror, OverflowError) as why:
        raise Invalid(f"{host}:{port} is no address to listen on: {why}") from None
    except PermissionError:
        raise Invalid(f"This user may not listen on port {port}: choose one above 1023 with --port") from None
    except OSError as why:
        raise Conflict(f"Port {port} of {host} is taken by another program: choose another with --port ({why.strerror})") from None
    return made if share else made * count
