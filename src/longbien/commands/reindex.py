"""longbien reindex: what is kept to find resources by, made anew from the resources themselves, while the server runs.

For after an upgrade that indexes a parameter differently. No new versions come of it. Ended early, it goes on where it was when
it is started again (--resume), or in the background work."""

from __future__ import annotations

import argparse
import asyncio
import sys

from longbien.access.lines import commanded
from longbien.base.errors import Invalid
from longbien.base.place import Place, database
from longbien.base.progress import Progress
from longbien.record import people, reindex
from longbien.record.engine import Engine
from longbien.record.types import number


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", action="append", default=[], metavar="TYPE", help="a resource type; may be repeated (all)")
    parser.add_argument("--resume", action="store_true", help="go on with what was begun, begin nothing")


def run(args: argparse.Namespace) -> int:
    unknown = [t for t in args.type if number(t) is None]
    if unknown:
        raise Invalid(f"{', '.join(unknown)}: not a FHIR R4 resource type")
    if args.resume and args.type:
        raise Invalid("--resume goes on with all types that were begun: leave --type out")
    with database(Place.read()) as urls, Progress("reindex", unit=" resources") as bar:
        done, changed = asyncio.run(again(urls.app, args.type, args.resume, bar))
    sys.stdout.write(f"{done:,} resources looked at, the rows of {changed:,} were different\n")
    return 0


async def again(url: str, types: list[str], resume: bool, bar: Progress) -> tuple[int, int]:
    """Ask for the passes and do them, together with a worker that may be at work on them. Gives (resources, how many differed)."""
    engine = await Engine.open(url, services=False)
    try:
        await commanded(engine.db, "reindex")
        waiting = [p.type for p in await reindex.progress(engine) if not p.finished]
        names = waiting if resume else await reindex.ask(engine, types)
        while True:
            worked = await reindex.step(engine)
            here = await reindex.progress(engine, names)
            done = sum(p.done for p in here)
            bar.total = max(done, sum(p.total for p in here))
            bar.set(done, next((p.type for p in here if not p.finished), ""))
            if all(p.finished for p in here):
                break
            if not worked:
                await asyncio.sleep(0.2)  # a transaction of before is still under way, or a worker has the rest
        if "Patient" in names:
            await people.rebuild(engine)
        return done, sum(p.changed for p in here)
    finally:
        await engine.close()
