"""longbien worker: what is done in the background, one process."""

from __future__ import annotations

import argparse
import asyncio
import signal

import uvloop

from longbien.base.place import Place, database

from . import PartMissing, room
from .supervise import die_with_parent


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    die_with_parent()
    with database(Place.read()) as urls:
        uvloop.run(_work(urls.app))
    return 0


async def _work(url: str) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    work = getattr(room("longbien.app"), "work", None)
    if work is None:
        raise PartMissing("This version has no work for the background.")
    await work(url, stop)
