"""A paper as PDF/A-2b (ISO 19005-2) by typst, and where on it each party signs. The same data give the same bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import segno
import typst

from longbien.base import clock
from longbien.base.errors import Unavailable

FOLDER = Path(__file__).parent / "paper"
WIDTH, HEIGHT = 62.0, 19.0
"""Of a place for a signature, in millimetres."""
_POINT = 72 / 25.4
A4_HEIGHT = 297 * _POINT
_turns = asyncio.Semaphore(2)
_NO_FONTS: list[str] = []
STANDARD: Literal["a-2b"] = "a-2b"


class Place(NamedTuple):
    """Where a signature goes: page from 0, the box in PDF points (left, bottom, right, top)."""

    key: str
    page: int
    box: tuple[int, int, int, int]


class Made(NamedTuple):
    pdf: bytes
    places: tuple[Place, ...]


async def paper(data: Mapping[str, Any]) -> Made:
    """Raises Unavailable when the page cannot be set: its text could quote a record, so it is not told."""
    async with _turns:
        return await asyncio.to_thread(_set, json.dumps(data, ensure_ascii=False), data["date"])


def _set(text: str, date: Sequence[int]) -> Made:
    template, given = str(FOLDER / "paper.typ"), {"data": text}
    try:
        pdf = typst.compile(
            template, root=str(FOLDER), font_paths=_NO_FONTS, ignore_system_fonts=True, sys_inputs=given, format="pdf",
            pdf_standards=STANDARD, timestamp=_moment(date),
        )  # fmt: skip
        found = json.loads(
            typst.query(
                template,
                "<sign>",
                field="value",
                root=str(FOLDER),
                font_paths=_NO_FONTS,
                ignore_system_fonts=True,
                sys_inputs=given,
            )
        )
    except typst.TypstError:
        raise Unavailable("The page could not be set.") from None
    return Made(bytes(pdf), tuple(_place(x) for x in found))


def _moment(date: Sequence[int]) -> datetime:
    year, month, day, hour, minute, second = date
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _place(found: Mapping[str, Any]) -> Place:
    left, top = found["x"], A4_HEIGHT - found["y"]
    box = (round(left), round(top - HEIGHT * _POINT), round(left + WIDTH * _POINT), round(top))
    return Place(found["key"], int(found["page"]) - 1, box)


async def pictures(data: Mapping[str, Any]) -> list[bytes]:
    """The pages as PNG, for a screen."""
    async with _turns:
        return await asyncio.to_thread(_pictures, json.dumps(data, ensure_ascii=False))


def _pictures(text: str) -> list[bytes]:
    try:
        made = typst.compile(
            str(FOLDER / "paper.typ"), root=str(FOLDER), font_paths=_NO_FONTS, ignore_system_fonts=True, sys_inputs={"data": text},
            format="png", ppi=110,
        )  # fmt: skip
    except typst.TypstError:
        raise Unavailable("The page could not be set.") from None
    return [bytes(x) for x in made] if isinstance(made, list) else [bytes(made)]


async def stamp(lines: Sequence[str], drawn: str = "") -> bytes:
    """What a signature shows in its place: a page of that size. drawn: an SVG of what the patient drew."""
    async with _turns:
        return await asyncio.to_thread(_stamp, json.dumps({"lines": list(lines), "drawn": drawn}, ensure_ascii=False))


def _stamp(text: str) -> bytes:
    try:
        return bytes(
            typst.compile(
                str(FOLDER / "stamp.typ"),
                root=str(FOLDER),
                font_paths=_NO_FONTS,
                ignore_system_fonts=True,
                format="pdf",
                pdf_standards=STANDARD,
                pdf_tags=False,
                timestamp=clock.now().replace(microsecond=0),
                sys_inputs={"data": text},
            )
        )
    except typst.TypstError:
        raise Unavailable("The signature's place could not be set.") from None


def qr(address: str) -> str:
    """An address as a QR code, SVG."""
    return str(segno.make(address, error="m", micro=False).svg_inline(scale=4, border=1))
