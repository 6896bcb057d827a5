"""`longbien up` whole: real database, real web processes, and every one of them killed in turn."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from longbien.base.postgres import Embedded

SRC = Path(__file__).resolve().parents[2] / "src"
BUILT = SRC / "longbien" / "_built" / "fhir"
pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="the FHIR definitions are not built: make build")


def until(true: Callable[[], object], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class Up:
    """A running `longbien up --empty` on a free port."""

    def __init__(self, data: Path):
        env = {k: v for k, v in os.environ.items() if not k.startswith("LONGBIEN_")}
        self.out = data.parent / f"{data.name}.out"
        with self.out.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "longbien.cli", "up", "--empty", "--port", "0", "--data", str(data)],
                env={**env, "PYTHONPATH": str(SRC), "LONGBIEN_WORKERS": "2"},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        until(lambda: "Ctrl-C stops it" in self.said or self.process.poll() is not None, "the greeting")
        found = re.search(r"runs at (http://\S+)", self.said)
        assert found, self.said
        self.address = found[1]

    @property
    def said(self) -> str:
        return self.out.read_text()

    def status(self, path: str = "/readyz") -> int:
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as why:
            return why.code
        except OSError:
            return 0

    def children(self, command: str) -> list[int]:
        pids = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (path / "cmdline").read_bytes().split(b"\0")
                parent = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent == self.process.pid and command.encode() in words:
                    pids.append(int(path.name))
        return pids


@pytest.fixture
def data(data_folder: Path) -> Iterator[Path]:
    data = data_folder / "d"
    yield data
    server = Embedded(data)
    if server.pid:
        server.start()
        server.stop()


@pytest.fixture
def up(data: Path) -> Iterator[Up]:
    running = Up(data)
    yield running
    running.process.kill()
    running.process.wait(10)


def test_it_runs_heals_and_ends_in_order(up: Up, data: Path) -> None:
    assert up.status() == 200
    assert up.status("/healthz") == 200

    again = subprocess.run(
        [sys.executable, "-m", "longbien.cli", "up", "--port", "0", "--data", str(data)],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert again.returncode == 1
    assert f"already runs on the data folder {data}: process {up.process.pid}" in again.stderr

    web = up.children("serve")
    assert len(web) == 2
    os.kill(web[0], signal.SIGKILL)
    until(lambda: len(up.children("serve")) == 2 and web[0] not in up.children("serve"), "a new web process")
    until(lambda: {up.status() for _ in range(8)} == {200}, "all web processes answering")

    server = Embedded(data)
    killed = server.pid
    assert killed
    os.kill(killed, signal.SIGKILL)
    until(lambda: server.pid not in (None, killed), "a new database server")
    until(lambda: {up.status() for _ in range(8)} == {200}, "readiness after the database came back")

    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(30) == 0, up.said
    assert server.pid is None
    assert "Traceback" not in up.said


def test_killed_with_kill_9_it_leaves_no_web_process_and_the_next_one_joins_the_database(up: Up, data: Path) -> None:
    server, web = Embedded(data), up.children("serve")
    pid = server.pid
    up.process.kill()
    up.process.wait(10)
    until(lambda: not any(Path(f"/proc/{p}").exists() for p in web), "the web processes' end", 15)
    assert server.pid == pid
    next_one = Up(data)
    assert server.pid == pid
    assert next_one.status() == 200
    next_one.process.send_signal(signal.SIGINT)
    assert next_one.process.wait(30) == 0
    assert server.pid is None
