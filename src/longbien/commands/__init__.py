"""One module a command: `arguments(parser)` and `run(args) -> exit status`. The list is in cli.py."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from longbien.base.errors import Unavailable


class PartMissing(Unavailable):
    """A part of this installation is not there; trying again does not help. Exit status 69."""


def room(name: str) -> Any:
    """A room that this command works for, loaded by name. Raises PartMissing."""
    try:
        return importlib.import_module(name)
    except ImportError as why:
        raise PartMissing(f"A part of this installation is missing ({why}). Run `make run` or `make build`.") from why


def longbien(*arguments: str) -> list[str]:
    """The command line of another command of ours, run by this very Python."""
    return [sys.executable, "-m", "longbien.cli", *arguments]
