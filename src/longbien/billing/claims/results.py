"""The portal's results file, as the insurance office downloads it: which claims were refused, which line, why. CSV or XLSX.

Its columns are not published; they are looked for by the names in tables/results.csv, accents and case aside. A row is about one
claim (MA_LK) and may name a table, a row and a field."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from longbien.base.errors import Invalid
from longbien.base.fold import fold
from longbien.base.words import mark

MOST = 100_000
UNPACKED = 100 << 20
"""Bytes that a spreadsheet may have when unpacked."""
NEEDED = ("link",)


@dataclass(frozen=True)
class Line:
    """refused: dong that the insurance does not pay of it. row: as the file counts it."""

    link: str
    code: str
    text: str
    table: str = ""
    row: str = ""
    field: str = ""
    refused: Decimal = Decimal(0)


@cache
def _names() -> dict[str, str]:
    with (Path(__file__).parent / "tables" / "results.csv").open(encoding="utf-8", newline="") as file:
        return {_key(r["column"]): r["means"] for r in csv.DictReader(file)}


def _key(text: str) -> str:
    return "".join(c for c in fold(text) if c.isalnum())


def read(data: bytes) -> list[Line]:
    """Raises Invalid: no table of this kind, no column of MA_LK, too many rows."""
    try:
        return _read(_sheet(data) if data[:2] == b"PK" else _csv(data))
    except Invalid:
        raise
    except Exception:  # what a spreadsheet's library raises for a damaged one is not said anywhere, and it reads as it goes
        raise Invalid(mark("The spreadsheet cannot be opened.")) from None


def _read(rows: Iterator[Sequence[str]]) -> list[Line]:
    for n, row in enumerate(rows):
        columns = {_names()[_key(c)]: i for i, c in enumerate(row) if _key(c) in _names()}
        if all(c in columns for c in NEEDED):
            return [_line(r, columns) for r in _most(rows) if _cell(r, columns, "link")]
        if n > 20:
            break
    raise Invalid(mark("The file has no column MA_LK: it is not the portal's list of results."))


def _most(rows: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
    for n, row in enumerate(rows):
        if n >= MOST:
            raise Invalid(mark("The file has too many rows."))
        yield row


def _csv(data: bytes) -> Iterator[Sequence[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(mark("The file is neither UTF-8 text nor a spreadsheet.")) from None
    first = text[:4000].split("\n", 1)[0]
    return csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count))


def _sheet(data: bytes) -> Iterator[Sequence[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(i.file_size for i in packed.infolist()) > UNPACKED:
                raise Invalid(mark("The file has too many rows."))
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, IndexError):
        raise Invalid(mark("The spreadsheet cannot be opened.")) from None
    return ([str(v) if v is not None else "" for v in row] for row in sheet.iter_rows(values_only=True))


def _cell(row: Sequence[str], columns: dict[str, int], name: str) -> str:
    at = columns.get(name)
    return row[at].strip() if at is not None and at < len(row) else ""


def _line(row: Sequence[str], columns: dict[str, int]) -> Line:
    def cell(name: str) -> str:
        return _cell(row, columns, name)

    place = (cell("table").upper(), cell("row"), cell("field").upper())
    return Line(cell("link"), cell("code"), cell("text"), *place, _dong(cell("refused")))


def _dong(text: str) -> Decimal:
    try:
        found = Decimal(text.replace(" ", "").replace(",", ".") or "0")
    except InvalidOperation:
        return Decimal(0)
    return found if found.is_finite() else Decimal(0)
