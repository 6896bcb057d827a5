"""Large records to measure in: the 617 lives cloned up to a number of resources by SQL, people by the hundred thousand."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import asyncpg

from longbien.demo import people, population
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.write import commit
from place import Place

MANNER = Manner(references="trust", summarise=True, skip_unchanged=True, why="bench")

# A clone lies beside what it is a copy of under other keys: rid shifted, pat xored, the copy's number behind the id. Codes, dates,
# values and terms stay, so every index is as full and as selective as it would be. Bodies are copied as they are (nobody reads
# them). The copies are filler: what is measured goes in by the ordinary door.
_CLONE = {
    "head": "rid + $1::bigint, pat # $2::bigint, code, dlo, dhi, upd, val, ver, type, deleted, id || '.copy' || $3::text, terms",
    "ver": "rid + $1::bigint, upd, ver, op, this_xid(), body, type",
    "str": "p, norm, rid + $1::bigint",
    "ix_date": "p, lo, hi, rid + $1::bigint",
    "ix_qty": "p, unit, val, rid + $1::bigint",
    "code2": "code, dlo, rid + $1::bigint, pat # $2::bigint, val",
    "care": "pat # $2::bigint, org, lo, hi, rid + $1::bigint",
    "tie": "pat # $2::bigint, who, lo, hi, rid + $1::bigint",
    "person": "rid + $1::bigint, pat # $2::bigint, same # $2::bigint, terms",
    "person_number": "rev, rid + $1::bigint",
    "ref": "rid + $1::bigint, p, type, CASE WHEN type = 0 THEN id ELSE packed_id(plain_id(id) || '.copy' || $3::text) END",
    "narrative": "rid + $1::bigint, words",
    "content": "rid + $1::bigint, words",
}
_USED = " AND $2::bigint IS NOT NULL AND $3::text IS NOT NULL"  # every statement has the same parameters
_SLOW = ("head", "str", "ix_date", "ix_qty", "code2", "care", "tie", "person", "person_number", "ref")


async def clone_up_to(here: Place, resources: int) -> int:
    """Fill the record up to `resources` current rows with copies of what it holds. Gives how many it holds then. The indexes are
    made anew afterwards, so they are as dense as after a REINDEX; the tables as after an import."""
    owner = await asyncpg.connect(here.owner, command_timeout=1800)
    try:
        base: int = await owner.fetchval("SELECT count(*) FROM head")
        top: int = await owner.fetchval("SELECT max(rid) FROM head")
        if base >= resources:
            return base
        began = time.perf_counter()
        await owner.execute("SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'; SET max_parallel_maintenance_workers = 2")
        indexes = await owner.fetch(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = ANY($1::text[]) "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
            list(_SLOW),
        )
        for index in indexes:
            await owner.execute(f"DROP INDEX {index['indexname']}")
        n, done = base, 0
        while n < resources:
            done += 1
            for table, columns in _CLONE.items():
                sql = f"INSERT INTO {table} SELECT {columns} FROM {table} WHERE rid <= $4{_USED}"
                await owner.execute(sql, done * (top + 1024), _mask(done), str(done), top)
            n += base
        for index in indexes:
            await owner.execute(index["indexdef"])
        await owner.execute("SELECT setval('rid_block', (SELECT (max(rid) / 1024 + 2) * 1024 FROM head))")
        await owner.execute("VACUUM ANALYZE")
        await owner.execute("CHECKPOINT")
        print(f"filled up to {n:,} resources by {done} copies in {time.perf_counter() - began:.0f} s", flush=True)
        return n
    finally:
        await owner.close()


def _mask(copy: int) -> int:
    """One number a copy, the same for all its tables."""
    return random.Random(copy).getrandbits(62) | 1


async def write(url: str, batches: Iterator[list[dict[str, Any]]]) -> int:
    """By the ordinary door, validated."""
    engine = await Engine.open(url, services=False)
    n = 0
    try:
        for batch in batches:
            for at in range(0, len(batch), 1000):
                n += len(await commit(engine, system("bench"), [Update(r) for r in batch[at : at + 1000]], MANNER))
    finally:
        await engine.close()
    return n


def patients(n: int, seed: int, today: date) -> Iterator[list[dict[str, Any]]]:
    """The Patient resources alone of `n` people, a thousand at a time."""
    batch: list[dict[str, Any]] = []
    for i in range(n):
        batch.append(next(r for r in people.resources(population.who(i, seed, today), today) if r["resourceType"] == "Patient"))
        if len(batch) == 1000:
            yield batch
            batch = []
    yield batch
