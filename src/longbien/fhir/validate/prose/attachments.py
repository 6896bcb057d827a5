"""Attachment: size is the size of the data before it was base64-encoded. https://hl7.org/fhir/R4/datatypes.html#attachment"""

from __future__ import annotations

from typing import Any

from ..context import Context, Place
from .check import Check


def size(v: dict[str, Any], place: Place, c: Context) -> None:
    data, said = v.get("data"), v.get("size")
    if data.__class__ is not str or said.__class__ is not int:
        return
    text = "".join(data.split())
    real = len(text) // 4 * 3 - (len(text) - len(text.rstrip("=")))
    if real != said:
        c.error("structure", f"The size says {said}, but the data has {real} bytes", place)


PROSE: dict[str, Check] = {"Attachment": size}
