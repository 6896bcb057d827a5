"""longbien keys rotate | rewrap: the ring of keys that blobs and backups are sealed with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from longbien.base import keys, sealed
from longbien.base.place import Place


def arguments(parser: argparse.ArgumentParser) -> None:
    sub = parser.add_subparsers(dest="what", required=True)
    sub.add_parser("rotate", help="put a new key on the ring, for what is written from now on (restart the processes)")
    again = sub.add_parser("rewrap", help="wrap what lies sealed with older keys with the newest; then those may go")
    again.add_argument("folder", type=Path, nargs="*", help="also these folders, such as backups")


def run(args: argparse.Namespace) -> int:
    data = Place.read().folder
    if args.what == "rotate":
        sys.stdout.write(f"key {keys.rotate(data)} is the newest on {keys.place(data)}\n")
        return 0
    ring, done = keys.ring(data, make=False), 0
    for folder in (data / "blobs", *args.folder):
        for file in folder.rglob("*"):
            done += file.is_file() and not file.name.startswith(".") and sealed.rewrap(file, ring)
    sys.stdout.write(f"{done} files wrapped anew\n")
    return 0
