"""Looking whether trail and version log are what they were: both hash chains, and each against the other.

A chain shows what was changed, removed, added or put in another order inside it. That its end was cut off, or all of it made
anew, shows only against a checkpoint kept elsewhere (checkpoint.py). What a block holds is computed anew, some blocks at a time
over several connections; a look that was broken off goes on where it stood (`since`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from longbien.base.db import Database
from longbien.base.errors import Invalid
from longbien.base.sql import queries

Q = queries(__file__, "sql/chain.sql")
STRIDE = 25
"""Blocks that are looked at in one statement."""
MOST = 1000
"""Sentences after which no more is said."""
WRITES, IMPORT = (4, 5, 6), 11
"""Numbers of create, update, delete and import in trail.KINDS."""


class Chain(NamedTuple):
    block: str
    digest: str
    name: str
    what: str

    def sql(self, text: str) -> str:
        return text.replace("{block}", self.block).replace("{digest}", self.digest)


TRAIL = Chain("audit_block", "audit_digest", "Block", "lines")
VERSIONS = Chain("ver_block", "ver_digest", "Version block", "versions")


class Mark(NamedTuple):
    """A block as it was at some time."""

    n: int
    hash: str

    def __str__(self) -> str:
        return f"{self.n}:{self.hash}"


@dataclass
class Found:
    """What a look has found. wrong: sentences; lines, versions, blocks: how much was looked at; end, versions_end: the chains'
    ends."""

    wrong: list[str] = field(default_factory=list)
    lines: int = 0
    versions: int = 0
    blocks: int = 0
    gone: int = 0
    """Versions whose bodies were destroyed by minutes."""
    end: Mark | None = None
    versions_end: Mark | None = None

    def say(self, sentence: str) -> None:
        if len(self.wrong) < MOST:
            self.wrong.append(sentence)


async def end(db: Database, chain: Chain) -> Mark | None:
    row = await db.fetchrow(chain.sql(Q.end))
    return Mark(row["n"], row["hash"].hex()) if row else None


async def since_when(db: Database, at: datetime) -> Mark | None:
    """The block before the first that was sealed since then; None: all of them were."""
    n = await db.fetchval(TRAIL.sql(Q.first), at)
    if n is None:
        return await end(db, TRAIL)
    row = await db.fetchrow(TRAIL.sql(Q.one), n - 1)
    return Mark(row["n"], row["hash"].hex()) if row else None


async def verify(
    db: Database,
    *,
    noted: Sequence[Mark] = (),
    versions_noted: Sequence[Mark] = (),
    since: Mark | None = None,
    jobs: int = 1,
    told: Callable[[Mark], None] | None = None,
) -> Found:
    """Look at everything, or at what came after block `since`. `noted`: blocks written down earlier, which must still be there.
    `told` hears how far the trail is known to be whole. Raises Invalid where `since` is not in the chain."""
    found = Found()
    low = 0
    if since is not None:
        row = await db.fetchrow(TRAIL.sql(Q.one), since.n)
        if row is None or (since.hash and row["hash"].hex() != since.hash):
            raise Invalid(f"Block {since} is not in the trail: look at all of it.")
        low = int(row["xhi"])
    found.end = await _chain(db, TRAIL, found, noted, low, jobs, told)
    found.versions_end = await _chain(db, VERSIONS, found, versions_noted, low, jobs, None)
    await _destroyed(db, found)
    return found


async def _destroyed(db: Database, found: Found) -> None:
    """What was destroyed: by minutes with two signatures, and nothing of it left."""
    found.gone = int(await db.fetchval("SELECT count(*) FROM ver_gone"))
    for x in await db.fetch("SELECT rid, ver, minutes FROM ver_gone_wrong() LIMIT 100"):
        found.say(f"Version {x['ver']} of resource {x['rid']} is gone, and minutes {x['minutes']} do not bear that out.")


async def _chain(db: Database, chain: Chain, found: Found, noted: Sequence[Mark], low: int, jobs: int,
                 told: Callable[[Mark], None] | None) -> Mark | None:  # fmt: skip
    """One chain from the block that covers transaction `low` on."""
    last = await db.fetchrow(chain.sql(Q.end))
    first = await db.fetchval(f"SELECT n FROM {chain.block} WHERE xhi > $1 ORDER BY n LIMIT 1", low) if low else 1  # noqa: S608
    gate = asyncio.Semaphore(max(1, jobs))
    wanted = {m.n: m.hash for m in noted}

    async def stretch(lo: int, hi: int) -> list[Any]:
        async with gate, db.transaction() as connection:
            await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = off")
            rows = list(await connection.fetch(chain.sql(Q.blocks), lo, hi, timeout=3600))
            if chain is TRAIL and rows:
                await _against(connection, rows[0]["xlo"], rows[-1]["xhi"], found)
            return rows

    for mark in (m for m in noted if last is None or m.n > last["n"]):
        found.say(f"{chain.name} {mark.n} is not the one that was noted: the chain was cut or made anew.")
    if last is None or first is None:
        await _loose(db, chain, found, last)
        return None
    before = await db.fetchrow(chain.sql(Q.one), first - 1)
    prev, upto, expected = (before["hash"], before["xhi"], first) if before else (b"", 0, 1)
    starts = list(range(first, last["n"] + 1, STRIDE))
    width = max(1, jobs) * 2
    for at in range(0, len(starts), width):  # a few stretches ahead, so that what waits is bounded
        for rows in await asyncio.gather(*(stretch(n, min(n + STRIDE - 1, last["n"])) for n in starts[at : at + width])):
            for b in rows:
                _look(chain, b, prev, upto, expected, found)
                if b["n"] in wanted and b["hash"].hex() != wanted.pop(b["n"]):
                    found.say(f"{chain.name} {b['n']} is not the one that was noted: the chain was cut or made anew.")
                prev, upto, expected = b["hash"], b["xhi"], b["n"] + 1
        if told is not None and not found.wrong:
            told(Mark(expected - 1, prev.hex()))
    if chain is TRAIL:
        await _rest(db, last["xhi"], found)
    return Mark(last["n"], last["hash"].hex())


async def _loose(db: Database, chain: Chain, found: Found, last: Any) -> None:
    if chain is TRAIL and last is None:
        await _rest(db, 0, found)


async def _rest(db: Database, xhi: int, found: Found) -> None:
    """What is not sealed yet, as far as it has settled: lines and versions against each other."""
    async with db.transaction() as connection:
        await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = off")
        await _against(connection, xhi, await connection.fetchval("SELECT settled_xid()"), found)


def _look(chain: Chain, b: Any, prev: bytes, upto: int, expected: int, found: Found) -> None:
    found.blocks += 1
    if chain is TRAIL:
        found.lines += b["found"]
    else:
        found.versions += b["found"]
    name = f"{chain.name} {b['n']}"
    if b["n"] != expected:
        found.say(f"{chain.name} {expected} is missing.")
    if b["prev"] != prev:
        found.say(f"{name} does not follow from the block before it.")
    if b["xlo"] != upto:
        found.say(f"{name} does not begin where the block before it ended.")
    if b["computed"] != b["hash"]:
        more = b["found"] - b["count"]
        verb = "were changed" if more == 0 else f"were {'added' if more > 0 else 'removed'}"
        found.say(f"{name}: {chain.what if more == 0 else f'{abs(more)} {chain.what}'} {verb}.")


async def _against(connection: Any, xlo: int, xhi: int, found: Found) -> None:
    for x in await connection.fetch(Q.unmatched, xlo, xhi, list(WRITES), IMPORT, timeout=3600):
        if x["what"] == "line":
            found.say(f"The trail tells of version {x['ver']} of resource {x['rid']}, which is not in the version log.")
        elif x["what"] == "import":
            found.say(f"The trail tells of an import of {x['n']} versions that are not in the version log.")
        elif x["n"] > 0:
            found.say(f"{x['n']} versions have no line in the trail (resource {x['rid']} and others of its transaction).")
        else:
            found.say(f"An import's lines count {-x['n']} versions more than there are (with resource {x['rid']}).")
