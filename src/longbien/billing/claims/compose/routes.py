"""DUONG_DUNG: the code of a drug's route, by the words in which it is prescribed (tables/routes.csv)."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from longbien.base.fold import fold

TABLES = Path(__file__).parent / "tables"


@cache
def _table() -> dict[str, str]:
    with (TABLES / "routes.csv").open(encoding="utf-8", newline="") as f:
        return {fold(r["words"]): r["code"] for r in csv.DictReader(f)}


def route_code(words: str) -> str:
    """The code; of words that name several ways ("Tiêm bắp/tiêm tĩnh mạch") the first that is known; "" where none is."""
    table = _table()
    for part in (words, *words.replace(",", "/").replace(" hoặc ", "/").split("/")):
        said = fold(part).strip()
        if said in table:
            return table[said]
        held = [w for w in table if said.startswith(w)]
        if held:
            return table[max(held, key=len)]
    return ""
