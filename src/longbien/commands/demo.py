"""longbien demo: the demo city, invented and seeded."""

from __future__ import annotations

import argparse

from longbien.base.errors import Invalid
from longbien.base.place import Place, database

from . import room


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patients", type=int, default=300, metavar="N", help="how many people (300)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed makes the same city (1)")


def run(args: argparse.Namespace) -> int:
    if args.patients < 0:
        raise Invalid("--patients must not be negative")
    place = Place.read()
    with database(place) as urls:
        room("longbien.demo.city").fill(urls.app, patients=args.patients, seed=args.seed)
    return 0
