"""A subscriber as a process of its own: `python listener.py PORT FILE` writes down every notification, and fails some of them."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def main(port: int, path: Path) -> None:
    count = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            nonlocal count
            count += 1
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            failing = count % 7 == 0
            if not failing:
                line = {"event": int(self.headers["x-longbien-event"]), "patient": body["subject"]["reference"],
                        "value": body["valueInteger"], "id": body["id"], "version": body["meta"]["versionId"]}  # fmt: skip
                with path.open("a") as out:
                    out.write(json.dumps(line) + "\n")
            self.send_response(503 if failing else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
