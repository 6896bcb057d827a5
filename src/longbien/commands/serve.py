"""longbien serve FD: one web process on a listening socket that it inherits. Started by `up` and `web`, not by people."""

from __future__ import annotations

import argparse
import socket

import uvicorn

from longbien.base import garbage
from longbien.base.errors import Unavailable

from .supervise import die_with_parent


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        garbage.settle(garbage.SERVING)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("fd", type=int)


def run(args: argparse.Namespace) -> int:
    die_with_parent()
    server = _Server(
        uvicorn.Config(
            "longbien.app:create_app",
            factory=True,
            loop="uvloop",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=64 * 1024,  # what a client says there is a word and an id
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            access_log=False,  # the audit trail says who read what; a URL may hold a name
            server_header=False,
            proxy_headers=False,  # access.peer.unveiled does it, and remembers that a trusted proxy spoke
            timeout_keep_alive=30,
            timeout_graceful_shutdown=3,
        )
    )
    server.run(sockets=[socket.socket(fileno=args.fd)])
    if not server.started:
        raise Unavailable("the web server could not be started: see the messages above")
    return 0
