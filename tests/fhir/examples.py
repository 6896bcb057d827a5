"""The official R4 examples of the shared data, where they are at hand."""

from __future__ import annotations

import lzma
import os
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

SHARED = Path(os.environ.get("LONGBIEN_SHARED") or Path(__file__).parents[2].parent / "shared")


def shared_file(name: str) -> Path:
    """A file of the shared data; skips the test where it is missing."""
    path = SHARED / "data" / name
    if not path.is_file():
        pytest.skip(f"no {path.name}: set LONGBIEN_SHARED to the shared data")
    return path


def lines(name: str) -> Iterator[Any]:
    decoder = msgspec.json.Decoder(float_hook=Decimal)
    with lzma.open(shared_file(name)) as f:
        for line in f:
            yield decoder.decode(line)


@cache
def examples() -> list[tuple[str, dict[str, Any]]]:
    """(file name, resource) of all examples."""
    return [(e["file"], e["resource"]) for e in lines("fhir/r4-examples.ndjson.xz")]
