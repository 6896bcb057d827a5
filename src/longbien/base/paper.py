"""Paper: a PDF from a typst template and data. The data come in as data and are never read as markup; the letters are those that
typst carries itself (Libertinus Serif has all of Vietnamese), so a page looks the same on every machine.

    pdf = await printed(Path(__file__).parent / "paper" / "letter.typ", {"title": "..."})

A template reads `#let data = json(bytes(sys.inputs.data))`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

from .errors import Unavailable

AT_ONCE = 2
_turns = asyncio.Semaphore(AT_ONCE)


async def printed(template: Path, data: Mapping[str, Any]) -> bytes:
    """The PDF (tagged, so that it can be read aloud). Raises Unavailable when the template cannot be set: its text could quote a
    record, so it is not told."""
    async with _turns:
        return await asyncio.to_thread(_set, template, json.dumps(data, ensure_ascii=False))


def _set(template: Path, data: str) -> bytes:
    try:
        made = typst.compile(
            str(template),
            root=str(template.parent),
            font_paths=[],
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"data": data},
        )
    except typst.TypstError:
        raise Unavailable("The page could not be set.") from None
    return bytes(made)
