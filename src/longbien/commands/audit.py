"""longbien audit: whether the trail and the version log are what they were; checkpoints to be kept elsewhere; keys; going on
after a restored dump. Nothing here can change a line."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from longbien.access.lines import commanded
from longbien.base import clock
from longbien.base.db import Database, translated
from longbien.base.errors import Invalid, LongbienError, Unavailable
from longbien.base.migrate import pending
from longbien.base.place import Place, Urls, database
from longbien.record import chain, checkpoint, trail

EVERY = 5.0
"""Seconds from one word about how far it has come to the next."""


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    verify = what.add_parser("verify", help="look for lines or versions that were changed, removed, added or cut off")
    verify.add_argument("--checkpoints", type=Path, metavar="DIR", help="hold the chains against the checkpoints kept there")
    verify.add_argument("--keys", type=Path, metavar="DIR", help="public keys (PEM) that are trusted, instead of this house's own")
    verify.add_argument(
        "--since", metavar="N[:HASH]|DATE", help="only what came after this block (as a look that was broken off says), or this day"
    )
    verify.add_argument("--jobs", type=int, default=2, metavar="N", help="connections at once (2)")
    make = what.add_parser("checkpoint", help="write a signed checkpoint")
    make.add_argument("--to", type=Path, metavar="DIR", help="into this folder (LONGBIEN_AUDIT_CHECKPOINTS; else standard output)")
    key = what.add_parser("key", help="the public key that checkpoints are signed by")
    key.add_argument("--rotate", action="store_true", help="make a new key; the old one's word for it goes where checkpoints go")
    key.add_argument("--to", type=Path, metavar="DIR", help="the folder of checkpoints")
    what.add_parser("continue", help="let transaction numbers go on where a restored dump stood")


def run(args: argparse.Namespace) -> int:
    place = Place.read()
    if args.what == "key":
        return _key(args, place)
    with database(place) as urls:
        if missing := asyncio.run(pending(urls.owner)):
            raise Unavailable(f"{len(missing)} migrations are not applied: run `longbien migrate`")
        return asyncio.run({"verify": _verify, "checkpoint": _checkpoint, "continue": _continue}[args.what](args, place, urls))


def _key(args: argparse.Namespace, place: Place) -> int:
    keys = checkpoint.Keys.read(place)
    if args.rotate:
        _put(keys.rotate(), args.to)
    name = checkpoint.name_of(keys.signing().public_key())
    sys.stdout.write((keys.public / f"{name}.pem").read_text())
    return 0


def _put(content: dict[str, Any], to: Path | None) -> None:
    folder = to or checkpoint.CheckpointSettings.read().folder
    if folder is None:
        sys.stdout.write(json.dumps(content) + "\n")
    else:
        sys.stderr.write(f"{checkpoint.write(folder, content)}\n")


async def _checkpoint(args: argparse.Namespace, place: Place, urls: Urls) -> int:
    db = await Database.open(urls.app)
    try:
        await commanded(db, "audit checkpoint")
        await trail.catch_up(db)
        await trail.seal_versions(db)
        _put(await checkpoint.checkpoint(db, checkpoint.Keys.read(place).signing()), args.to)
    finally:
        await db.close()
    return 0


async def _continue(args: argparse.Namespace, place: Place, urls: Urls) -> int:
    async with translated():
        connection = await asyncpg.connect(urls.owner, timeout=10)
        try:
            more = await connection.fetchval("SELECT audit_continue()", timeout=600)
        finally:
            await connection.close()
    said = f"transaction numbers go on {more:,} higher" if more else "nothing to do: transaction numbers go on as they are"
    sys.stdout.write(said + "\n")
    return 0


async def _verify(args: argparse.Namespace, place: Place, urls: Urls) -> int:
    noted: list[chain.Mark] = []
    versions: list[chain.Mark] = []
    wrong: list[str] = []
    if args.checkpoints is not None:
        keys = checkpoint.public_keys(args.keys or checkpoint.Keys.read(place).public)
        noted, versions, wrong = checkpoint.read(args.checkpoints, keys)
    db = await Database.open(urls.app)
    began = time.monotonic()
    try:
        await _settle(db)
        since = await _since(db, args.since)
        told = _progress()
        found = await chain.verify(db, noted=noted, versions_noted=versions, since=since, jobs=max(1, min(args.jobs, 8)), told=told)
    finally:
        await db.close()
    took = max(time.monotonic() - began, 0.001)
    for sentence in (*wrong, *found.wrong):
        sys.stdout.write(f"✕ {sentence}\n")
    rows = found.lines + found.versions
    sys.stdout.write(
        f"{found.lines:,} lines and {found.versions:,} versions{f' ({found.gone:,} destroyed by minutes)' if found.gone else ''} "
        f"in {found.blocks:,} blocks looked at in {took:.1f} s "
        f"({rows / took:,.0f} a second); {len(noted)} checkpoints\n"
    )
    if wrong or found.wrong:
        sys.stdout.write("✕ the trail is not what it was\n")
        return 1
    sys.stdout.write(f"✓ intact up to block {found.end or 'none'}\n")
    if args.checkpoints is None:
        sys.stdout.write("  that nothing was cut off its end shows only against checkpoints kept elsewhere (--checkpoints)\n")
    return 0


async def _settle(db: Database) -> None:
    """Seal what waits; a copy that cannot be written to is looked at as it is."""
    try:
        await commanded(db, "audit verify")
        await trail.catch_up(db)
        await trail.seal_versions(db)
    except LongbienError as why:
        sys.stderr.write(f"what is not sealed yet stays so: {why.text}\n")


async def _since(db: Database, text: str | None) -> chain.Mark | None:
    if text is None:
        return None
    n, _, hash_ = text.partition(":")
    if n.isascii() and n.isdigit() and len(n) < 18:
        return chain.Mark(int(n), hash_) if int(n) else None
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"--since {text!r} is neither a block nor a date") from None
    return await chain.since_when(db, day if day.tzinfo else day.replace(tzinfo=clock.local(datetime.now(UTC)).tzinfo))


def _progress() -> Callable[[chain.Mark], None]:
    last = time.monotonic()

    def told(mark: chain.Mark) -> None:
        nonlocal last
        if time.monotonic() - last > EVERY:
            last = time.monotonic()
            sys.stderr.write(f"intact so far; to go on from here: --since {mark}\n")
            sys.stderr.flush()

    return told
