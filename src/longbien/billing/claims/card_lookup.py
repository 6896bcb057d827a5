"""What the portal answers about a card (KQNhanLichSuKCB2024), readable: for the reception's desk.

said = await lookup(portal, "DN4010123456789", "Trần Thị Lụa", "1958-03-02")
said.good, words(said.meaning), said.begins, said.five_years"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from .gateways import Portal, year_or_day

Level = Literal["good", "look", "bad"]
GOOD = frozenset(("000", "004"))


@dataclass(frozen=True)
class Lookup:
    """code: maKetQua. meaning: in Vietnamese, the portal's own words. level: good (the card holds), look (ask and look at papers),
    bad. number: the card that holds now (a new one may have taken its place)."""

    code: str
    meaning: str
    level: Level
    number: str = ""
    name: str = ""
    registered: str = ""
    begins: date | None = None
    ends: date | None = None
    five_years: date | None = None
    region: str = ""
    social: str = ""
    note: str = ""

    @property
    def good(self) -> bool:
        return self.level == "good"


@cache
def meanings() -> dict[str, tuple[str, Level]]:
    """Code -> (what it means, how good that is): tables/card_lookup.csv, seen in working senders."""
    with (Path(__file__).parent / "tables" / "card_lookup.csv").open(encoding="utf-8", newline="") as file:
        return {r["code"]: (r["vi"], _level(r["level"])) for r in csv.DictReader(file)}


def _level(text: str) -> Level:
    return "good" if text == "good" else "look" if text == "look" else "bad"


def read(said: dict[str, Any]) -> Lookup:
    """An answer of any shape: what is not there is empty, an unknown code is looked at by a person."""

    def text(*names: str) -> str:
        return next((str(v).strip() for n in names if (v := said.get(n))), "")

    code = text("maKetQua")
    meaning, level = meanings().get(code, ("", "look"))
    return Lookup(
        code, meaning or text("ghiChu"), level, text("maTheMoi", "maThe"), text("hoTen"), text("maDKBDMoi", "maDKBD"),
        day(text("gtTheTuMoi", "gtTheTu")), day(text("gtTheDenMoi", "gtTheDen")), day(text("ngayDu5Nam")), text("maKV"),
        text("maSoBHXH"), text("ghiChu"),
    )  # fmt: skip


def day(value: str) -> date | None:
    """dd/mm/yyyy, as the portal writes it."""
    try:
        d, m, y = (int(x) for x in value.split("/"))
        return date(y, m, d)
    except ValueError:
        return None


async def lookup(portal: Portal, number: str, name: str, birth: str, *, by: tuple[str, str] = ("", "")) -> Lookup:
    """Ask the portal about a card. birth: FHIR date. Raises NotReached: the desk goes on without, and says so."""
    return read(await portal.card(number, name, year_or_day(birth), by=by))
