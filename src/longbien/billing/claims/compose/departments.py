"""MA_KHOA: the claim's code of a department, by its kind (tables/departments.csv); a kind that is not there keeps its own code."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache

from .routes import TABLES


@cache
def claim_codes() -> Mapping[str, str]:
    with (TABLES / "departments.csv").open(encoding="utf-8", newline="") as f:
        return {r["kind"]: r["code"] for r in csv.DictReader(f)}


def claim_code(kind: str) -> str:
    return claim_codes().get(kind, kind)
