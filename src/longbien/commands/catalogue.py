"""longbien catalogue: the starter catalogue of what can be ordered, into a record that is no demo. What is there already, edited or
not, stays as it is; saying it twice changes nothing."""

from __future__ import annotations

import argparse
import sys

from longbien.base.place import Place, database

from . import room

WARNING = """Not a medical device: the hospital's pharmacy, laboratory and quality units must approve doses, ranges and order sets
before clinical use. Edit them at /catalogue (IT engineer, pharmacist)."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Write the starter catalogue of orders: tests, drugs, imaging, services, diets, nursing, order sets."


def run(args: argparse.Namespace) -> int:
    with database(Place.read()) as urls:
        written = room("longbien.demo.starting").fill(urls.app)
    sys.stdout.write(f"{written:,} resources written. {WARNING}\n")
    return 0
