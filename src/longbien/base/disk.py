"""Room on the database's disk. Writes are refused while there is still room for the trail: an answer leaves only after its audit
line is on disk, so a disk that is really full would end reading too (and a log that cannot grow ends the database)."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .config import Settings, setting
from .errors import StorageFull
from .place import Place

MEGABYTE = 1 << 20
EVERY = 1.0
"""Seconds between looks at the disk."""


class DiskSettings(Settings):
    reserve: int = setting(
        "LONGBIEN_DISK_RESERVE",
        256,
        "Megabytes of the database's disk that are kept for the audit trail: with less free, writes are refused and reading goes "
        "on. 0: no watch.",
    )


class Disk:
    """One a process. `folder` None: a disk that cannot be watched from here (then the server's own refusal counts)."""

    def __init__(self, folder: Path | None, reserve: int):
        self._folder = folder if reserve > 0 else None
        self._reserve = reserve * MEGABYTE
        self._asked = -EVERY
        self._free = 0

    @classmethod
    def read(cls) -> Disk:
        """From the environment."""
        return cls(Place.read().disk, DiskSettings.read().reserve)

    def free(self) -> int | None:
        """Bytes free for the database, at most a second old; None when not watched."""
        if self._folder is None:
            return None
        if time.monotonic() - self._asked >= EVERY:
            try:
                found = os.statvfs(self._folder)
            except OSError:  # not here (yet): nothing to go by
                return None
            self._free, self._asked = found.f_bavail * found.f_frsize, time.monotonic()
        return self._free

    def low(self, times: float = 1.0) -> bool:
        """Is less than `times` the reserve free?"""
        free = self.free()
        return free is not None and free < self._reserve * times

    def must_have_room(self) -> None:
        """Raises StorageFull."""
        if self.low():
            raise StorageFull("The disk is almost full: nothing can be written until there is room. Reading goes on.")
