"""longbien tariff FILE: a price list from a spreadsheet (xlsx or csv), judged before anything is written."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from longbien.base.errors import Invalid
from longbien.base.place import Place, database
from longbien.base.words import words
from longbien.billing.charges import pricing
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

SHOWN = 50


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Import a price list. Without --write it only says what it would change."
    parser.add_argument("file", type=Path, help="xlsx, or csv in UTF-8; columns: see docs/howto/billing.md")
    parser.add_argument("--facility", default="", help="id of the Organization whose prices they are (default: every facility's)")
    parser.add_argument("--write", action="store_true", help="write them, if nothing is wrong")


def run(args: argparse.Namespace) -> int:
    try:
        data = args.file.read_bytes()
    except OSError as why:
        sys.stderr.write(f"{args.file}: {why.strerror}\n")
        return 2
    with database(Place.read()) as urls:
        return asyncio.run(_run(urls.app, data, args.facility, args.write))


async def _run(url: str, data: bytes, facility: str, write: bool) -> int:
    w = words("en")
    engine = await Engine.open(url, services=False)
    try:
        store = Store(engine, system("a price list by command"))
        try:
            judged = await pricing.preview(store, data, facility)
        except Invalid as why:
            sys.stderr.write(f"{why.text}\n")
            return 1
        for f in judged.faults[:SHOWN]:
            sys.stderr.write(f"row {f.row}, {f.column}: {w(f.text, **f.values)}\n")
        sys.stdout.write(f"{len(judged.prices)} new, {judged.same} in force already, {len(judged.faults)} faults\n")
        if judged.faults:
            return 1
        if write:
            sys.stdout.write(f"{await pricing.write(store, judged)} prices written\n")
        return 0
    finally:
        await engine.close()
