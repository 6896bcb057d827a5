"""longbien migrate: bring the database to this version's schema."""

from __future__ import annotations

import argparse
import asyncio
import sys

from longbien.base.migrate import migrate
from longbien.base.place import Place, Urls, database


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def migrated(urls: Urls) -> list[str]:
    """Apply what is missing; give the names applied."""
    return asyncio.run(migrate(urls.owner, urls.app_role))


def run(args: argparse.Namespace) -> int:
    with database(Place.read(), prepare=True) as urls:
        applied = migrated(urls)
    for name in applied:
        sys.stdout.write(f"applied {name}\n")
    sys.stdout.write("The database is up to date.\n")
    return 0
