"""A real subscriber: an HTTP server in a thread of its own that can fail, hang and be slow, and remembers what it was told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Call:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def resource(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def event(self) -> int:
        return int(self.headers["x-longbien-event"])


@dataclass
class Receiver:
    """`answer` gives a status for each call; None hangs until the receiver is closed."""

    port: int = 0
    answer: Callable[[Call], int | None] = lambda call: 200
    calls: list[Call] = field(default_factory=list)
    """Those that were answered with 200."""
    tried: list[Call] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    body: bytes = b""
    """What is given back."""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def receiver(**more: Any) -> Iterator[Receiver]:
    made = Receiver(**more)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            call = Call(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            made.tried.append(call)
            status = made.answer(call)
            if status is None:
                made.closing.wait(30)
                self.close_connection = True
                return
            if status == 200:
                made.calls.append(call)
            self.send_response(status)
            for name, value in made.extra.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        do_POST = do_PUT = do_GET = _take

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", made.port), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.closing.set()
        server.shutdown()
        server.server_close()


def until(ask: Callable[[], bool], what: str = "", seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)
