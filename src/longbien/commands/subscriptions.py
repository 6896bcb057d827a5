"""longbien subscriptions: who is subscribed, what waits, what could not be told; play dead letters again or give them up."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

from longbien.base import clock
from longbien.base.errors import NotFound
from longbien.base.place import Place, database
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.subscriptions import open
from longbien.subscriptions.read import Sub

MOST = 1000


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    what.add_parser("list", help="all subscriptions: owner, status, how many events were numbered, wait and are dead")
    for name, text in (
        ("dead", "the dead letters of one subscription"),
        ("replay", "try dead letters again, now"),
        ("discard", "give dead letters up"),
    ):
        one = what.add_parser(name, help=text)
        one.add_argument("id", help="the Subscription's id")
        if name != "dead":
            one.add_argument("events", nargs="*", type=int, metavar="EVENT", help="event numbers (none: all dead letters)")


def run(args: argparse.Namespace) -> int:
    with database(Place.read()) as urls:
        lines = asyncio.run(_do(urls.app, args))
    sys.stdout.write("".join(line + "\n" for line in lines))
    return 0


async def _do(url: str, args: argparse.Namespace) -> list[str]:
    engine = await Engine.open(url, services=False)
    try:
        if args.what == "list":
            return await _list(engine)
        row = await engine.db.fetchrow(open.Q.by_id, args.id)
        if row is None:
            raise NotFound(f"There is no Subscription/{args.id} that was ever on.")
        sub = Sub.of(row)
        if args.what == "dead":
            return await _dead(engine, sub)
        return await _again(engine, sub, args.what, args.events)
    finally:
        await engine.close()


async def _list(engine: Engine) -> list[str]:
    lines = [f"{'id':<36}  {'status':<9}  {'events':>8}  {'waiting':>7}  {'dead':>5}  owner, channel, what"]
    for r in await engine.db.fetch(open.Q.list):
        plan = json.loads(r["plan"])
        watched = plan["topic"] or "a search"  # a search may name a person
        shown = f"{r['owner']}, {plan['channel']}, {watched}"
        lines.append(f"{r['id']:<36}  {r['status']:<9}  {r['events']:>8}  {r['waiting']:>7}  {r['dead']:>5}  {shown}")
        if r["error"]:
            lines.append(f"    {r['error']}")
    return lines


async def _dead(engine: Engine, sub: Sub) -> list[str]:
    found = await open.dead(Store(engine, system("subscriptions")), sub, MOST)
    return [
        f"{one['n']:>8}  {clock.instant(one['at'])}  {one['place']}/_history/{one['version']}  "
        f"{one['attempts']} tries  {one['error']}"
        for one in found
    ]  # fmt: skip


async def _again(engine: Engine, sub: Sub, what: str, numbers: Sequence[int]) -> list[str]:
    do = open.replay if what == "replay" else open.discard
    n = await do(engine, system("longbien subscriptions"), sub, numbers or None)
    return [f"{n} dead letters {'will be tried again now' if what == 'replay' else 'were given up'}"]
