"""longbien bank-simulator: a bank for tests and demonstrations, in a process of its own. No money moves."""

from __future__ import annotations

import argparse
import sys

import uvicorn

from longbien.base.errors import Invalid
from longbien.billing.money.settings import MoneySettings
from longbien.billing.money.simulator import FAULTS, Simulator, application


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8100, help="the port it listens on (8100)")
    parser.add_argument("--house", default="http://127.0.0.1:8000", help="the address that is told of movements")
    parser.add_argument("--fault", action="append", default=[], choices=sorted(FAULTS), help="a fault that is on from the start")


def run(args: argparse.Namespace) -> int:
    secret = MoneySettings.read().secret
    if len(secret) < 32:
        raise Invalid("Set LONGBIEN_BANK_SECRET (or LONGBIEN_BANK_SECRET_FILE), at least 32 characters, here and at the house.")
    simulator = Simulator(args.house, secret)
    simulator.faults = set(args.fault)
    sys.stderr.write(f"a simulated bank on http://127.0.0.1:{args.port}: no money moves\n")
    uvicorn.run(
        application(simulator), host="127.0.0.1", port=args.port, log_level="warning", access_log=False, timeout_graceful_shutdown=2
    )
    return 0
