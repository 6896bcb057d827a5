"""longbien token: a bearer token for a machine that speaks FHIR. Prints the token and nothing else."""

from __future__ import annotations

import argparse
import asyncio
import sys

from longbien.access.tokens import EVERYTHING, create_token
from longbien.base.errors import Invalid
from longbien.base.place import Place, database
from longbien.record.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="whose token it is, as the audit trail will say")
    parser.add_argument("--scope", default=EVERYTHING, help='SMART scopes, e.g. "system/Patient.rs" (system/*.*: all)')
    parser.add_argument("--hours", type=float, default=24.0 * 365, metavar="H", help="how long it is good (one year)")


def run(args: argparse.Namespace) -> int:
    if not args.name.strip():
        raise Invalid("--name must say whose token it is")
    if args.hours <= 0:
        raise Invalid("--hours must be more than nothing")
    with database(Place.read()) as urls:
        token = asyncio.run(_token(urls.app, args.name, args.scope, args.hours))
    sys.stdout.write(token + "\n")
    return 0


async def _token(url: str, name: str, scope: str, hours: float) -> str:
    engine = await Engine.open(url, services=False)
    try:
        return await create_token(engine, name, scope, hours)
    finally:
        await engine.close()
