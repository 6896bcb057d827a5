"""Starts the doubles of the gateways as a process of their own, and what a test needs to talk about them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Running:
    """address: where both gateways are. switch: the next answer; standing(fault): all answers until standing("")."""

    def __init__(self, port: int):
        self.port, self.address = port, f"http://127.0.0.1:{port}"

    def _ask(self, path: str, said: dict[str, Any] | None = None) -> Any:
        data = json.dumps(said).encode() if said is not None else None
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def switch(self, fault: str, reasons: list[dict[str, str]] | None = None) -> None:
        self._ask("/double/fault", {"fault": fault, **({"reasons": reasons} if reasons else {})})

    def standing(self, fault: str) -> None:
        self._ask("/double/fault", {"fault": fault, "until_switched": True})

    @property
    def received(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self._ask("/double/received")["received"]
        return found

    @property
    def sign_ins(self) -> int:
        return int(self._ask("/double/received")["sign_ins"])


@contextmanager
def gateways() -> Iterator[Running]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(Path(__file__).parent / "gateways.py"), "--port", str(port)])
    try:
        running = Running(port)
        for _ in range(200):
            try:
                running.received  # noqa: B018 - asked for: is it up?
                break
            except OSError:
                time.sleep(0.05)
        yield running
    finally:
        process.terminate()
        process.wait()
