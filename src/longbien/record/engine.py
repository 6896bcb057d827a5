"""Engine: what one process keeps open to work on the record: database, dictionaries, id blocks, the trail, live news."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from longbien.base import log
from longbien.base.db import Connection, Database
from longbien.base.disk import Disk
from longbien.base.errors import Unavailable

from . import parameters, tidy
from .change import Guard
from .codec import BETTER, SAMPLES, Codec, train
from .live import Live, News
from .profiles import Profiles
from .recall import Recall
from .search.terminology import Terminology
from .terminology.shelf import Shelf
from .terminology.terms import Terms
from .trail import Trail

_log = log.get(__name__)
BLOCK = 1024
"""Ids a process takes at a time: the increment of sequence rid_block."""


class Engine:
    within = False
    """Whether it is one transaction's view (inside.py): what fails there cannot be repeated there."""

    def __init__(self, db: Database, disk: Disk | None = None):
        self.db = db
        self.disk = disk or Disk.read()
        self.codec = Codec()
        self.recall = Recall()
        self.profiles = Profiles()
        self.trail = Trail(db)
        self.live = Live(db)
        self.guards: dict[str, Guard] = {}
        self.shelf = Shelf()
        self.terminology: Terminology = Terms(self, self.shelf)
        """What searches ask about codes (:in, :below ...): may be replaced by who knows more."""
        self.words: set[int] = set()
        """Keys that are known to be in table `word` (write.py)."""
        self._next = 0
        self._last = -1
        self._tried = 0
        self._id_lock = asyncio.Lock()
        self._tidying: asyncio.Task[None] | None = None

    @property
    def home(self) -> Engine:
        """The engine behind this one, where this is a view from inside a transaction (inside.py)."""
        return self

    @classmethod
    async def open(cls, url_or_db: str | Database, *, services: bool = True) -> Engine:
        """`services=False` leaves out live news (import processes, commands; background work starts the telling half itself)."""
        db = await Database.open(url_or_db) if isinstance(url_or_db, str) else url_or_db
        engine = cls(db)
        for row in await db.fetch("SELECT dict FROM zdict ORDER BY made, id"):
            engine.codec.add(row["dict"])
        await parameters.load(db)
        if await db.fetchval("SELECT audit_behind()") is not None:
            await db.close()
            raise Unavailable("This database was restored from a dump: say `longbien audit continue` first.")
        engine.trail.start()
        if services:
            engine._hear()
            engine.live.start()
            engine._tidying = asyncio.create_task(tidy.for_ever(db))
        return engine

    def _hear(self) -> None:
        """News of patient 0, who is nobody: what can be searched by has changed."""
        tasks: set[asyncio.Task[None]] = set()

        def heard(news: News) -> None:
            task = asyncio.create_task(parameters.quietly(self.db))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        self.live.listen(0, heard)

    async def close(self) -> None:
        if self._tidying is not None:
            self._tidying.cancel()
        await self.live.close()
        await self.trail.close()
        await self.db.close()

    async def rids(self, n: int, connection: Connection | None = None) -> list[int]:
        """`n` fresh surrogate ids."""
        given: list[int] = []
        async with self._id_lock:
            while len(given) < n:
                if self._next > self._last:
                    missing = -(-(n - len(given)) // BLOCK)
                    sql = "SELECT nextval('rid_block') FROM generate_series(1, $1::int)"
                    tops: Sequence[Any] = await (connection.fetch(sql, missing) if connection else self.db.fetch(sql, missing))
                    for top in tops[:-1]:
                        given.extend(range(top[0] - BLOCK + 1, top[0] + 1))
                    self._next, self._last = tops[-1][0] - BLOCK + 1, tops[-1][0]
                take = min(n - len(given), self._last - self._next + 1)
                given.extend(range(self._next, self._next + take))
                self._next += take
        return given[:n]

    async def unpack(self, frame: bytes) -> bytes:
        """The JSON of a stored body; learns a dictionary made by another process when it meets one."""
        try:
            return self.codec.unpack(frame)
        except KeyError as missing:
            await self._learn(int(missing.args[0]))
            return self.codec.unpack(frame)

    async def unpack_all(self, frames: Sequence[bytes]) -> list[bytes]:
        unpack = self.codec.unpack
        try:
            return [unpack(f) for f in frames]
        except KeyError:
            return [await self.unpack(f) for f in frames]

    async def _learn(self, number: int) -> None:
        dictionary = await self.db.fetchval("SELECT dict FROM zdict WHERE id = $1", number)
        if dictionary is None:
            raise RuntimeError(f"compression dictionary {number} is missing from table zdict")
        self.codec.add(dictionary)

    async def typical(self, enough: int = 5000) -> list[bytes]:
        """Bodies to train on: a sample over the whole log, empty while fewer than `enough` versions are there."""
        if await self.db.fetchval("SELECT count(*) FROM (SELECT FROM ver LIMIT $1) v", enough) < enough:
            return []
        share = min(100.0, 150.0 * SAMPLES / max(await self._versions(), 1))  # somewhat more than is needed, from everywhere
        sql = "SELECT body FROM ver TABLESAMPLE SYSTEM ($2) WHERE op <> 3 LIMIT $1"
        return await self.unpack_all([r["body"] for r in await self.db.fetch(sql, SAMPLES, share)])

    async def _versions(self) -> int:
        """About how many there are, by the size of the log: a dozen and more a page."""
        pages: int = await self.db.fetchval("SELECT pg_relation_size('ver') / current_setting('block_size')::int")
        return pages * 20

    async def retrain(self) -> None:
        """Look for a better dictionary when there is none, and again whenever the log has become eight times as long."""
        there = await self._versions()
        if there >= 8 * self._tried:
            self._tried = max(there, 1)
            await self.train(await self.typical())

    async def train(self, bodies: Sequence[bytes]) -> bool:
        """Make a dictionary from typical bodies, as they are stored, where there is none or where it packs others of them better by
        BETTER. Gives whether it was made here."""
        if len(bodies) < 200:
            return False
        sample = list(bodies)
        random.Random(0).shuffle(sample)  # noqa: S311 - a sample, not a secret
        tried = len(sample) // 10 if self.codec.trained else 0
        made = Codec()
        dictionary = await asyncio.to_thread(train, sample[tried:])
        number = made.add(dictionary)
        if tried and made.packed(sample[:tried]) > BETTER * self.codec.packed(sample[:tried]):
            return False
        async with self.db.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(714002)")
            newest = await connection.fetchrow("SELECT id, dict FROM zdict ORDER BY made DESC, id DESC LIMIT 1")
            if newest is None or self.codec.knows(newest["id"]):
                sql = "INSERT INTO zdict (id, dict, made) VALUES ($1, $2, clock_timestamp())"
                await connection.execute(sql, number, dictionary)
                newest = None
        self.codec.add(newest["dict"] if newest else dictionary)
        return newest is None

    async def pack_with(self, number: int) -> None:
        """Pack with this dictionary (codec.newest of another process) from now on; 0: as before."""
        if number and number != self.codec.newest:
            await self._learn(number)
