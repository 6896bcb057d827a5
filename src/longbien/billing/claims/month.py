"""The month's closing: summary 01/BH (one row a claim, hsth_01bh), totals, and what is not ready for it. Fields: tables/summary.csv
(one source names the root HSTH01BH; another HSTHC79: not settled)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from longbien.wire.claims_xml import Claim, Row
from longbien.wire.claims_xml.envelope import text

AMOUNTS = ("T_TONGCHI_BV", "T_TONGCHI_BH", "T_BHTT", "T_BNCCT", "T_BNTT", "T_NGUONKHAC")


@cache
def fields() -> tuple[str, ...]:
    with (Path(__file__).parent / "tables" / "summary.csv").open(encoding="utf-8", newline="") as file:
        return tuple(r["field"] for r in csv.DictReader(file))


@dataclass(frozen=True)
class Totals:
    """kind: MA_LOAI_KCB; "" for all together. amounts: by AMOUNTS."""

    kind: str
    claims: int
    amounts: dict[str, Decimal]


def line(claim: Claim) -> Row:
    """A claim's row of the summary: what XML1 says of it; STT is counted when the month is put together."""
    head = (claim.get("XML1") or [{}])[0]
    return {name: "" if name == "STT" else head.get(name, "") for name in fields()}


def summary(rows: Iterable[Row]) -> bytes:
    inner = "".join(
        "<CHITIET_HS01BH>" + "".join(f"<{n}>{text(r.get(n, ''), n)}</{n}>" for n in fields()) + "</CHITIET_HS01BH>" for r in rows
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<HSTH01BH><DS_CHITIET>{inner}</DS_CHITIET></HSTH01BH>'.encode()


def totals(rows: Sequence[Row]) -> list[Totals]:
    """By kind of visit, then all together."""
    kinds = sorted({r.get("MA_LOAI_KCB", "") for r in rows})
    return [_totals(k, [r for r in rows if r.get("MA_LOAI_KCB", "") == k]) for k in kinds] + [_totals("", rows)]


def _totals(kind: str, rows: Sequence[Row]) -> Totals:
    return Totals(kind, len(rows), {a: sum((Decimal(r.get(a) or 0) for r in rows), Decimal(0)) for a in AMOUNTS})
