"""What a rule in words looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..context import Context, Place

Check = Callable[[dict[str, Any], Place, Context], None]


def objects(v: dict[str, Any], name: str, place: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    """The objects of a repeating member with their places."""
    found = v.get(name)
    for i, x in enumerate(found if found.__class__ is list else ()):
        if x.__class__ is dict:
            yield x, (place, name, i)
