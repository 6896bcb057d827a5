"""longbien db-shell: psql in the embedded database."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys

from longbien.access.lines import commanded
from longbien.base.db import Database
from longbien.base.errors import Invalid, LongbienError
from longbien.base.place import APP, DATABASE, OWNER, Place, database
from longbien.base.postgres import SUPERUSER


def arguments(parser: argparse.ArgumentParser) -> None:
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--owner", dest="user", action="store_const", const=OWNER, help="as the owner of the tables")
    who.add_argument("--superuser", dest="user", action="store_const", const=SUPERUSER, help="as the superuser")
    parser.add_argument("psql", nargs="*", help="arguments for psql, after --")


def run(args: argparse.Namespace) -> int:
    user = args.user or APP
    with database(Place.read()) as urls:
        if urls.embedded is None:
            raise Invalid("The database is not the embedded one: use psql with LONGBIEN_DATABASE_URL")
        _told(urls.app, user)
        command = [*urls.embedded.psql_command(DATABASE, user), *args.psql]
        return subprocess.run(command, env=urls.embedded.shell_environment(user)).returncode


def _told(url: str, user: str) -> None:
    """What is read past the door leaves a line at least that it was opened. A database without its tables yet has no trail."""

    async def tell() -> None:
        db = await Database.open(url)
        try:
            await commanded(db, f"db-shell as {user}")
        finally:
            await db.close()

    try:
        asyncio.run(tell())
    except LongbienError as why:
        sys.stderr.write(f"the trail has no line of this: {why.text}\n")
