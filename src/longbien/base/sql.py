"""Named queries from .sql files. A file holds blocks that begin with `-- name: the_name`; comment lines after say why.

Q = queries(__file__, "sql/store.sql")      # Q.read, Q.vread ... are str
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

_NAME = re.compile(r"^-- name:\s*(\w+)\s*$", re.M)


def parse(text: str) -> dict[str, str]:
    parts = _NAME.split(text)
    return {name: body.strip().rstrip(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)}


@cache
def _load(path: Path) -> dict[str, str]:
    return parse(path.read_text("utf-8"))


def queries(beside: str, relative: str) -> SimpleNamespace:
    """The queries of a .sql file that lies beside a module (`beside` is that module's __file__)."""
    return SimpleNamespace(**_load(Path(beside).parent / relative))
