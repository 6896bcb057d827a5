"""Logging: one line an event, to standard error. Never a patient's name, identifier or text in a log: ids only."""

from __future__ import annotations

import logging
import sys


def set_up(level: str = "INFO") -> None:
    """Call once at start. Replaces handlers, keeps third-party libraries at WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # While the database is away its pool warns at every try, each with a traceback; our own rooms say it in one line.
    logging.getLogger("asyncpg").setLevel(logging.ERROR)
    logging.getLogger("longbien").setLevel(level.upper())


def get(name: str) -> logging.Logger:
    return logging.getLogger("longbien." + name.removeprefix("longbien."))
