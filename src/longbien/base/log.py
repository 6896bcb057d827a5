"""Logging: one line an event, to standard error. Never a patient's name, identifier or text in a log: ids only."""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path

from .ids import new_id

_ROOT = Path(__file__).parents[2]


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


def incident(logger: logging.Logger, error: BaseException) -> str:
    """Log a fault of our own by kind and place only, for an exception's text may quote what a patient's record holds. Gives the
    number under which it stands in the log."""
    number = new_id()
    places: list[str] = []
    for frame in traceback.extract_tb(error.__traceback__)[-12:]:
        path = Path(frame.filename)
        shown = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path.name
        places.append(f"{shown}:{frame.lineno} {frame.name}")
    logger.error("incident %s: %s at %s", number, type(error).__qualname__, " < ".join(reversed(places)))
    return number
