"""longbien import: files, folders, NDJSON and bundles into the record."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from longbien.base.errors import Invalid
from longbien.base.place import Place, database
from longbien.base.progress import Progress
from longbien.importer.run import Import, Summary
from longbien.record.scope import system


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (one for each processor core)")


def run(args: argparse.Namespace) -> int:
    missing = [str(p) for p in args.paths if not p.exists()]
    if missing:
        raise Invalid(f"There is no {', '.join(missing)}")
    if args.workers is not None and args.workers < 1:
        raise Invalid("--workers must be at least 1")
    place = Place.read()
    with database(place) as urls, _Bar() as bar:
        given = {} if args.workers is None else {"workers": args.workers}
        work = Import(urls.app, system("import"), place.folder / "import", progress=bar, **given)
        summary = work.run(args.paths)
    _tell(summary)
    return 0


class _Bar(Progress):
    """Over all files' bytes; the note counts resources."""

    def __init__(self) -> None:
        super().__init__("import", unit=" MB")
        self._file, self._before = "", 0

    def __call__(self, name: str, read: int, size: int, resources: int) -> None:
        if name != self._file:
            self._file, self._before = name, int(self.total or 0)
            self.total = self._before + size / 1e6
        self.set(max(self.done, self._before + read / 1e6), f"{resources:,} resources, {name}")


def _tell(summary: Summary) -> None:
    sys.stdout.write(
        f"{summary.accepted:,} resources accepted, {summary.unchanged:,} already there, {summary.rejected:,} refused"
        f" (files: {summary.sources})\n"
    )
    if summary.rejects is not None:
        sys.stdout.write(f"What was refused, with line and reason: {summary.rejects}\n")
