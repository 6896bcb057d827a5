"""The 617 lives into an empty, durable record: resources a second with validation, indexes and history; memory; bytes each."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import psutil

from longbien.importer.run import Import
from longbien.record.scope import system
from place import SHARED, copy_limit, machine, options, place, say

LIVES = SHARED / "patients" / "synthea-617.ndjson.xz"
if not LIVES.exists():
    LIVES = SHARED / "data" / "patients" / "synthea-617.ndjson.xz"


class Memory(threading.Thread):
    """The largest resident memory of this process and its workers, sampled; `by_minute` shows whether it grows."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.samples: list[tuple[float, int]] = []
        self.stop = threading.Event()

    def run(self) -> None:
        me = psutil.Process()
        while not self.stop.wait(0.5):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    if "postgres" not in process.name():
                        total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.samples.append((time.monotonic(), total))


def main() -> None:
    given = options(workers=(int, 2, "worker processes"), source=(Path, LIVES, "what to import"))
    print(machine())
    with place() as here:
        limit = asyncio.run(copy_limit(here.owner))
        memory = Memory()
        memory.start()
        began = time.perf_counter()
        summary = Import(here.app, system("bench"), here.folder / "rejects", workers=given.workers).run([given.source])
        took = time.perf_counter() - began
        memory.stop.set()
        n = summary.accepted
        print(f"{n:,} resources in {took:.1f} s, {summary.unchanged:,} unchanged, {summary.rejected:,} rejected")
        say("import", n / took, "resources/s", 4000, limit=limit)
        half = len(memory.samples) // 2
        first, second = (max((m for _, m in part), default=0) >> 20 for part in (memory.samples[:half], memory.samples[half:]))
        print(f"memory of importer and workers: at most {first} MB in the first half, {second} MB in the second")
        sizes = here.server.psql(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace "
            "WHERE s.nspname = 'public' AND c.relkind = 'r'",
            "longbien",
        )
        say("disk", float(sizes) / max(n, 1), "bytes a resource", 1500, at_most=True)
        print(
            here.server.psql(
                "SELECT relname, pg_size_pretty(pg_relation_size(oid)), pg_size_pretty(pg_indexes_size(oid)) FROM pg_class "
                "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY pg_total_relation_size(oid) DESC LIMIT 9",
                "longbien",
            )
        )


if __name__ == "__main__":
    main()
