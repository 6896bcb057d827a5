"""A price list in a spreadsheet: read from xlsx or csv, and judged before anything is written. Pure.

Columns by their heading, in any order; Vietnamese or English names (COLUMNS). Required: kind, code, price, from."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import openpyxl

from longbien.base.errors import Invalid
from longbien.base.words import mark

from . import tables
from .tariff import SYSTEMS, Price, Tariff

MOST_ROWS = 20_000
UNPACKED = 50 << 20
"""Bytes that a spreadsheet may have when unpacked."""
MOST_MONEY = 10**12
COLUMNS: dict[str, tuple[str, ...]] = {
    "kind": ("kind", "loai", "loại"), "code": ("code", "ma", "mã", "ma_dich_vu"), "name": ("name", "ten", "tên"),
    "unit": ("unit", "dvt", "đơn vị tính"), "price": ("price", "gia", "giá", "don_gia_bv"),
    "insured": ("insurance", "gia_bhyt", "giá bhyt", "don_gia_bh"), "demand": ("on-demand", "gia_yc", "giá yêu cầu"),
    "group": ("group", "ma_nhom", "mã nhóm"), "claim": ("claim", "ma_bhyt", "mã bhyt"), "begins": ("from", "tu_ngay", "từ ngày"),
    "ends": ("until", "den_ngay", "đến ngày"),
}  # fmt: skip
"""What a column holds -> the headings that it may have."""
REQUIRED = ("kind", "code", "price", "begins")
KINDS = {
    "lab": "lab", "xn": "lab", "xét nghiệm": "lab", "imaging": "imaging", "cdha": "imaging", "drug": "drug", "thuoc": "drug",
    "thuốc": "drug", "service": "service", "dvkt": "service", "supply": "supply", "vtyt": "supply",
}  # fmt: skip
GROUPS = {"lab": "1", "imaging": "2", "drug": "4", "service": "18", "supply": "10"}
_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\Z")
_GROUPED = re.compile(r"-?\d{1,3}(\.\d{3})+(,\d+)?\Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row. row: as the spreadsheet counts, the heading is 1; 0: the whole file."""

    row: int
    column: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """prices: what would be written. shortened: prices of before that end the day before a new one begins. same: rows that say what
    is in force already. Nothing is written while there are faults."""

    prices: Sequence[Price]
    shortened: Sequence[Price]
    same: int
    faults: Sequence[Fault]


Row = tuple[int, dict[str, Any]]


def rows(data: bytes) -> list[Row]:
    """(number, cells by column) of every row that is not empty. Raises Invalid for what is no spreadsheet, has no heading that is
    known, or is too long."""
    try:
        table = _xlsx(data) if data.startswith(b"PK") else _csv(data)
    except Invalid:
        raise
    except Exception:
        raise Invalid("This file cannot be read as a spreadsheet.", code="value", status=422) from None
    if not table:
        raise Invalid("The spreadsheet is empty.", code="value", status=422)
    heads = [_head(x) for x in table[0]]
    missing = [c for c in REQUIRED if c not in heads]
    if missing:
        raise Invalid(f"The first row must name the columns; missing: {', '.join(missing)}.", code="required", status=422)
    if len(table) > MOST_ROWS + 1:
        raise Invalid(f"At most {MOST_ROWS:,} rows at a time.", code="too-long", status=422)
    out = []
    for n, cells in enumerate(table[1:], 2):
        found = {h: c for h, c in zip(heads, cells, strict=False) if h and c not in (None, "")}
        if found:
            out.append((n, found))
    return out


def _xlsx(data: bytes) -> list[list[Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:  # a bomb is small before it is unpacked
        if sum(i.file_size for i in packed.infolist()) > UNPACKED:
            raise Invalid("This spreadsheet is too large when unpacked.", code="too-long", status=422)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    sheet = book.worksheets[0]
    return [list(r) for r in sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=40, values_only=True)]


def _csv(data: bytes) -> list[list[Any]]:
    text = data.decode("utf-8-sig")
    first = text.partition("\n")[0]
    mark_ = max((";", "\t", ","), key=first.count)
    return [list(r) for r in csv.reader(io.StringIO(text), delimiter=mark_)]


def _head(cell: Any) -> str:
    said = str(cell or "").strip().lower()
    return next((name for name, known in COLUMNS.items() if said in known), "")


def money(cell: Any) -> Decimal:
    """45000, 45.000, 45.000,50, 45000.5. Raises ValueError for what is no amount."""
    if isinstance(cell, bool):
        raise ValueError("no amount")
    if isinstance(cell, int | float | Decimal):
        value = Decimal(str(cell))
    else:
        text = str(cell).replace("đ", "").replace("\u00a0", "").replace(" ", "")
        text = text.replace(".", "").replace(",", ".") if _GROUPED.match(text) else text.replace(",", ".")
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise ValueError("no amount") from None
    if not value.is_finite() or abs(value) >= MOST_MONEY or value != round(value, 3):
        raise ValueError("no amount")
    return value


def day(cell: Any) -> date:
    """A date cell, 30/11/2026 or 2026-11-30. Raises ValueError."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = str(cell).strip()
    if found := _DATE.match(text):
        return date(int(found[3]), int(found[2]), int(found[1]))
    return date.fromisoformat(text)


def _one(n: int, cells: Mapping[str, Any], known: Collection[tuple[str, str]], facility: str, faults: list[Fault]) -> Price | None:
    before = len(faults)

    def wrong(column: str, text: str, **values: Any) -> None:
        faults.append(Fault(n, column, text, values))

    def read(column: str, of: Any) -> Any:
        try:
            return of(cells[column]) if column in cells else None
        except ValueError:
            text = mark("“%(said)s” is no amount of money.") if of is money else mark("“%(said)s” is no date.")
            wrong(column, text, said=str(cells[column])[:40])
            return None

    for column in REQUIRED:
        if column not in cells:
            wrong(column, mark("This cell is empty."))
    kind = KINDS.get(str(cells.get("kind", "")).strip().lower(), "")
    code = str(cells.get("code", "")).strip()
    if "kind" in cells and not kind:
        wrong("kind", mark("“%(said)s” is no kind: lab, imaging, drug, service or supply."), said=str(cells["kind"])[:40])
    elif kind and code and kind != "supply" and (kind, code) not in known:
        wrong("code", mark("“%(said)s” is not in the catalogue."), said=code[:40])
    price, insured, demand = (read(c, money) for c in ("price", "insured", "demand"))
    begins, ends = (read(c, day) for c in ("begins", "ends"))
    for column, value in (("price", price), ("insured", insured), ("demand", demand)):
        if value is not None and value < 0:
            wrong(column, mark("A price is not negative."))
    if price is not None and insured is not None and insured > price >= 0:
        wrong("insured", mark("The insurance price is above the facility’s price."))
    if begins and ends and ends < begins:
        wrong("ends", mark("It ends before it begins."))
    group = str(cells.get("group", "")).strip().removesuffix(".0") or GROUPS.get(kind, "19")
    if group not in tables.group_order():
        wrong("group", mark("“%(said)s” is no group of costs (1 to 19)."), said=group[:40])
    if len(faults) > before or price is None or begins is None:
        return None
    return Price(
        kind, code, str(cells.get("name", "")).strip()[:500], str(cells.get("unit", "")).strip()[:40], group, begins, price,
        Decimal(0) if insured is None else insured, demand, ends, facility, str(cells.get("claim", "")).strip()[:100],
    )  # fmt: skip


def judge(given: Sequence[Row], known: Collection[tuple[str, str]], tariff: Tariff, facility: str) -> Judged:
    """What these rows would do to the price list of a facility ("": every facility's). known: (kind, code) of what there is."""
    faults: list[Fault] = []
    made: dict[tuple[str, str], list[tuple[int, Price]]] = {}
    for n, cells in given:
        p = _one(n, cells, known, facility, faults)
        if p is None:
            continue
        for other_n, other in made.get((p.kind, p.code), ()):
            if other.begins == p.begins:
                faults.append(Fault(n, "code", mark("The same as row %(n)s: one code, one beginning."), {"n": other_n}))
            elif _overlap(p, other):
                faults.append(Fault(n, "begins", mark("Its time overlaps with row %(n)s."), {"n": other_n}))
        made.setdefault((p.kind, p.code), []).append((n, p))
    prices: list[Price] = []
    shortened: list[Price] = []
    same = 0
    for key, listed in made.items():
        before = [x for x in tariff.of.get(key, ()) if x.facility == facility]
        for n, p in listed:
            p = _named(p, tariff, facility)
            twin = next((x for x in before if x.begins == p.begins), None)
            if twin is not None and _says(twin) == _says(p):
                same += 1
                continue
            if twin is not None:
                faults.append(Fault(n, "begins", mark("A price from this very day is there already, with another amount.")))
                continue
            later = [x for x in before if x.begins > p.begins and (p.ends is None or p.ends >= x.begins)]
            closed = [x for x in before if x.begins < p.begins and x.ends is not None and x.ends >= p.begins]
            if later or closed:
                first = min((*later, *closed), key=lambda x: x.begins)
                said = {"day": f"{first.begins:%d/%m/%Y}"}
                faults.append(Fault(n, "begins", mark("Its time overlaps with the price that begins on %(day)s."), said))
                continue
            open_ = [x for x in before if x.begins < p.begins and x.ends is None]
            shortened += [replace(x, ends=p.begins - timedelta(days=1)) for x in open_]
            prices.append(p)
    return Judged(prices, shortened, same, sorted(faults, key=lambda f: f.row))


def _overlap(a: Price, b: Price) -> bool:
    first, second = sorted((a, b), key=lambda p: p.begins)
    return first.ends is not None and first.ends >= second.begins


def _says(p: Price) -> tuple[Any, ...]:
    return p.price, p.insured, p.demand, p.ends, p.group


def _named(p: Price, tariff: Tariff, facility: str) -> Price:
    """With the name, unit and claim code that the thing had until now, where the row does not say them."""
    was = tariff.price(p.kind, p.code, facility, p.begins)
    name, unit = p.name or (was.name if was else p.code), p.unit or (was.unit if was else "lần")
    return replace(
        p, name=name, unit=unit, claim=p.claim or (was.claim if was else p.code), covered=was.covered if was else p.covered
    )


assert set(GROUPS) == set(SYSTEMS)
