"""longbien sender: let a hospital's own system send claims to the city's data axis. Prints its secret and nothing else."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from longbien.access import certificates
from longbien.base.errors import Invalid
from longbien.base.place import Place, database
from longbien.billing.axis import senders
from longbien.record.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("login", help="the name that the system signs in with: small letters, digits, dots, hyphens")
    parser.add_argument(
        "--facility", metavar="CODE", help="the five digits of the facility whose claims it may send, and no other's"
    )
    parser.add_argument("--name", default="", help="what the audit trail calls it")
    parser.add_argument("--certificate", type=Path, metavar="PEM", help="its claims must be signed with this certificate")
    parser.add_argument("--end", action="store_true", help="it may send no more")


def run(args: argparse.Namespace) -> int:
    if not args.end and not args.facility:
        raise Invalid("--facility must say whose claims it may send.")
    with database(Place.read()) as urls:
        secret = asyncio.run(_do(urls.app, args))
    sys.stdout.write(f"{secret}\n" if secret else "")
    return 0


async def _do(url: str, args: argparse.Namespace) -> str:
    cert = certificates.of_pem(args.certificate.read_text()) if args.certificate else None
    engine = await Engine.open(url, services=False)
    try:
        if args.end:
            await senders.end(engine, args.login)
            return ""
        return await senders.make(engine, args.login, args.facility, args.name, cert)
    finally:
        await engine.close()
