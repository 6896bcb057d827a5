"""The demo city's price list, from tables/prices.csv: rounded, invented, never for real billing; every one is marked so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from longbien.billing.charges import tariff
from longbien.billing.charges.tariff import Price
from longbien.demo.orderables import drug_name
from longbien.demo.starter import by, rows

BEGINS = date(2025, 1, 1)
SOURCE = "Giá minh hoạ của dữ liệu mẫu, không dùng để thu tiền"
NOT_INSURED = frozenset({"KB03", "KB04", "KB07", "KB08", "G14", "G15"})
"""Asked for beyond what the insurance pays, and health checks."""
_FUNCTION = frozenset({"ECG", "EEG", "EMG", "RESP", "EPS", ""})


def _group(kind: str, code: str) -> str:
    if kind == "lab":
        return "1"
    if kind == "drug":
        return "4"
    if kind == "imaging":
        return "3" if by("imaging")[code]["dicom_modality"] in _FUNCTION else "2"
    return by("services")[code]["ma_nhom_bhyt"]


@cache
def prices() -> tuple[Price, ...]:
    """Every thing of the catalogue that costs something. One that is part of another (a value of a panel) has none of its own."""
    found = []
    for r in rows("prices"):
        cost = Decimal(r["price_vnd_demo"])
        if cost <= 0:
            continue
        name = drug_name(by("drugs")[r["code"]]) if r["kind"] == "drug" else r["name_vi"]
        insured = Decimal(0) if r["code"] in NOT_INSURED else cost
        found.append(
            Price(
                r["kind"], r["code"], name, r["unit_vi"], _group(r["kind"], r["code"]), BEGINS, cost, insured, claim=r["code"],
                demo=True, source=SOURCE,
            )
        )  # fmt: skip
    return tuple(found)


def resources() -> Iterator[dict[str, Any]]:
    for p in prices():
        yield tariff.definition(p)
