"""longbien keys rotate: a new key signs what apps are told about who signed in. The old one stays published for a day."""

from __future__ import annotations

import argparse
import asyncio
import sys

from longbien.access.apps import keys
from longbien.base.place import Place, database
from longbien.record.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("todo", choices=("rotate",), help="make a new key; prints its kid")


def run(args: argparse.Namespace) -> int:
    with database(Place.read()) as urls:
        sys.stdout.write(asyncio.run(_rotate(urls.app)) + "\n")
    return 0


async def _rotate(url: str) -> str:
    engine = await Engine.open(url, services=False)
    try:
        return await keys.rotate(engine)
    finally:
        await engine.close()
