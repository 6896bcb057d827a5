"""longbien import: files, folders, NDJSON and bundles into the record."""

from __future__ import annotations

import argparse
from pathlib import Path

from longbien.base.errors import Invalid
from longbien.base.place import Place, database

from . import room


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder")
    room("longbien.record.intake").arguments(parser)


def run(args: argparse.Namespace) -> int:
    missing = [str(p) for p in args.paths if not p.exists()]
    if missing:
        raise Invalid(f"There is no {', '.join(missing)}")
    place = Place.read()
    with database(place) as urls:
        return int(room("longbien.record.intake").run(urls.app, place.folder, args))
