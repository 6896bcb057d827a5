"""longbien web: the web server's processes, on a database that is there already."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping

from longbien.base import log
from longbien.base.config import Settings, setting
from longbien.base.errors import Invalid
from longbien.base.place import Place, Urls, database

from . import longbien
from .supervise import Child, Supervisor, listeners


class WebSettings(Settings):
    host: str = setting(
        "LONGBIEN_HOST", "127.0.0.1", "The address that the web server listens on. Behind a proxy leave it as it is."
    )
    port: int = setting("LONGBIEN_PORT", 8000, "The port of the web server.")
    workers: int = setting("LONGBIEN_WORKERS", 0, "Web processes. 0: one for each processor core of this machine, at most eight.")

    @property
    def count(self) -> int:
        if self.workers < 0 or self.workers > 64:
            raise Invalid("LONGBIEN_WORKERS must lie between 0 and 64")
        return self.workers or min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, help="the port (LONGBIEN_PORT, 8000)")
    parser.add_argument("--host", help="the address (LONGBIEN_HOST, 127.0.0.1)")


def children(settings: WebSettings, environment: Mapping[str, str]) -> tuple[list[Child], int]:
    """One child a web process, each with its own listening socket, and the port."""
    if not 0 <= settings.port <= 65535:
        raise Invalid(f"{settings.port} is no port: 1 to 65535")
    sockets = listeners(settings.host, settings.port, settings.count)
    port: int = sockets[0].getsockname()[1]
    made = []
    for n, sock in enumerate(sockets):
        fd = sock.detach()
        os.set_inheritable(fd, True)
        made.append(Child(f"web process {n + 1}", longbien("serve", str(fd)), environment, (fd,)))
    return made, port


def environment(place: Place, urls: Urls) -> dict[str, str]:
    """What a child process needs to know; it joins the database by URL and never starts one."""
    return {
        **os.environ,
        "LONGBIEN_DATA": str(place.folder),
        "LONGBIEN_DATABASE_URL": urls.app,
        "LONGBIEN_DATABASE_DISK": str(place.disk or ""),
    }


def run(args: argparse.Namespace) -> int:
    place = Place.read()
    with database(place) as urls:
        made, port = children(WebSettings.read(port=args.port, host=args.host), environment(place, urls))
        with Supervisor(made) as supervisor:
            supervisor.start()
            log.get(__name__).info("listening on port %d with %d processes", port, len(made))
            supervisor.run(urls.embedded.start if urls.embedded else lambda: None)
    return 0
