"""Scores: what each answer is worth, what the sum means and what to do then. Pure: no I/O but reading its own table.

The rows are tables/scores.csv: one `score` row (name, for whom, source; `when` is the licence), `item` rows (one an answer: words
in both languages, or a band from `low` to `high`, and its points), `threshold` rows (a band of the sum, what it means, what to do)
and `formula` rows. The forms of the scores (score_sheets.py) are made from the same rows, so there is one truth.

    news2(breaths=22, spo2=94, oxygen=False, systolic=105, pulse=112, consciousness="A", temperature=Decimal("38.4")).total -> 6

A room that only has vital signs imports `news2`; whoever has a form's answers evaluates the form."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Literal

SYSTEM = "https://longbien.org/fhir/CodeSystem/score"
"""The code system of the scores: the code is the score's key in lower case, "news2"."""
Consciousness = Literal["A", "C", "V", "P", "U"]
Number = Decimal | int | float
Tongue = Literal["vi", "en"]


@dataclass(frozen=True, slots=True)
class Said:
    """A text in both languages."""

    vi: str
    en: str

    def of(self, lang: str) -> str:
        return self.vi if lang == "vi" else self.en


@dataclass(frozen=True, slots=True)
class Band:
    """From `low` to `high`, both included unless `over` / `under`; None: no bound."""

    low: Decimal | None = None
    high: Decimal | None = None
    over: bool = False
    under: bool = False

    def holds(self, value: Decimal) -> bool:
        above = self.low is None or (value > self.low if self.over else value >= self.low)
        below = self.high is None or (value < self.high if self.under else value <= self.high)
        return above and below


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of an item. `when`: holds only then ("air", "oxygen", "support"); "": always."""

    text: Said
    points: int
    band: Band
    when: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    key: str
    text: Said
    options: tuple[Option, ...]

    @property
    def most(self) -> int:
        return max(o.points for o in self.options)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A band of the sum. `when`: "single" (this many points in one item, NEWS2), "rise" (so much above baseline, SOFA)."""

    label: Said
    text: Said
    advice: Said
    band: Band
    when: str = ""


@dataclass(frozen=True, slots=True)
class Formula:
    key: str
    text: Said


@dataclass(frozen=True, slots=True)
class Score:
    """`ages`: for whom it is meant; `licence`: "free", "formula" or what must be asked before use."""

    key: str
    name: Said
    ages: Said
    source: Said
    licence: str
    items: tuple[Item, ...]
    thresholds: tuple[Threshold, ...]
    formulas: tuple[Formula, ...] = ()

    def item(self, key: str) -> Item:
        return next(i for i in self.items if i.key == key)


def _bound(text: str) -> Decimal | None:
    bare = text.lstrip("<>")
    return Decimal(bare) if bare else None


def _band(row: Mapping[str, str]) -> Band:
    return Band(_bound(row["low"]), _bound(row["high"]), row["low"].startswith(">"), row["high"].startswith("<"))


def _items(rows: Iterable[Mapping[str, str]]) -> tuple[Item, ...]:
    made: dict[str, tuple[Said, list[Option]]] = {}
    for row in rows:
        option = Option(Said(row["option_vi"], row["option_en"]), int(row["points"] or 0), _band(row), row["when"])
        made.setdefault(row["key"], (Said(row["vi"], row["en"]), []))[1].append(option)
    return tuple(Item(key, text, tuple(options)) for key, (text, options) in made.items())


def _score(rows: list[dict[str, str]]) -> Score:
    of = {kind: [r for r in rows if r["row"] == kind] for kind in ("score", "item", "threshold", "formula")}
    head = of["score"][0]
    return Score(
        head["key"],
        Said(head["vi"], head["en"]),
        Said(head["option_vi"], head["option_en"]),
        Said(head["note_vi"], head["note_en"]),
        head["when"],
        _items(of["item"]),
        tuple(
            Threshold(
                Said(r["option_vi"], r["option_en"]), Said(r["vi"], r["en"]), Said(r["note_vi"], r["note_en"]), _band(r), r["when"]
            )
            for r in of["threshold"]
        ),
        tuple(Formula(r["key"], Said(r["vi"], r["en"])) for r in of["formula"]),
    )


@cache
def table() -> Mapping[str, Score]:
    """Every score by its key ("NEWS2"), in the table's order."""
    with (Path(__file__).parent / "tables" / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    keys = dict.fromkeys(r["score"] for r in rows)
    return {key: _score([r for r in rows if r["score"] == key]) for key in keys}


def threshold(score: Score, total: Number, singles: Iterable[int] = ()) -> Threshold | None:
    """What a sum means. `singles`: the points of each item: NEWS2 asks more where one item alone has 3. None: the table says
    nothing (SOFA counts a rise above the baseline, a growth curve a z-score)."""
    value = Decimal(str(total))
    by_sum = next((t for t in score.thresholds if not t.when and t.band.holds(value)), None)
    single = next((t for t in score.thresholds if t.when == "single"), None)
    if single and max(singles, default=0) >= int(single.band.low or 0) and by_sum is not None:
        low = by_sum.band.low
        if low is None or low < 5:  # a sum of 5 or more asks for as much or more by itself
            return single
    return by_sum


# --- NEWS2: Royal College of Physicians, National Early Warning Score (NEWS) 2, London 2017. From 16 years, not in pregnancy.

NEWS2 = ("rr", "spo2", "o2", "sbp", "hr", "acvpu", "temp")
"""What NEWS2 adds up, in the order of its chart."""
Response = Literal["low", "low-medium", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Point:
    """One parameter's part of a sum. value: as it was given, "" unknown; points: None where it was not given; rule: the band it
    fell in, as the chart prints it ("21-24")."""

    key: str
    text: Said
    value: str
    points: int | None
    rule: Said = field(default_factory=lambda: Said("", ""))


@dataclass(frozen=True, slots=True)
class Sum:
    """A score with its reasons. total: of what was given; it is the score only when `complete` (what is missing can only raise it).
    response: what the total asks for."""

    points: tuple[Point, ...]
    total: int
    threshold: Threshold
    response: Response

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(p.key for p in self.points if p.points is None)

    @property
    def complete(self) -> bool:
        return not self.missing

    @property
    def singles(self) -> tuple[str, ...]:
        """Parameters with 3 points of their own."""
        return tuple(p.key for p in self.points if p.points == 3)


def decimal(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _picked(item: Item, value: Number | None, text: str = "", places: str = "1", when: str = "") -> Point:
    if value is None:
        return Point(item.key, item.text, "", None)
    exact = decimal(value)
    rounded = exact.quantize(Decimal(places), ROUND_HALF_UP)
    option = next(o for o in item.options if o.band.holds(rounded) and o.when in ("", when))
    return Point(item.key, item.text, text or f"{exact.normalize():f}", option.points, option.text)


def _said(item: Item, at: int | None, text: str) -> Point:
    if at is None:
        return Point(item.key, item.text, "", None)
    return Point(item.key, item.text, text, item.options[at].points, item.options[at].text)


def _saturation(score: Score, spo2: Number | None, oxygen: bool | None, scale: int) -> Point:
    """Scale 2 is for hypercapnic respiratory failure only, and by a doctor's decision; over 92 it asks whether oxygen is given: not
    known, the higher points count (as if it were)."""
    key = "spo2_2" if scale == 2 else "spo2_1"
    found = _picked(score.item(key), spo2, when="air" if oxygen is False else "oxygen")
    return Point("spo2", found.text, found.value, found.points, found.rule)


def _response(total: int, threshold_: Threshold) -> Response:
    if total >= 7:
        return "high"
    if total >= 5:
        return "medium"
    return "low-medium" if threshold_.when == "single" else "low"


def news2(
    *,
    breaths: Number | None = None,
    spo2: Number | None = None,
    oxygen: bool | None = None,
    systolic: Number | None = None,
    pulse: Number | None = None,
    consciousness: Consciousness | None = None,
    temperature: Number | None = None,
    scale: Literal[1, 2] = 1,
) -> Sum:
    """NEWS2 of vital signs that were charted: breaths /min, spo2 %, oxygen (is any given?), systolic mmHg, pulse /min,
    consciousness (A alert, C new confusion, V voice, P pain, U unresponsive), temperature °C; scale: of SpO2, 2 only where a doctor
    decided so. What is None is not charted: `missing` names it and the sum is not complete (say so where it is shown). Measures are
    rounded to the chart's own steps (1; temperature 0.1). From 16 years, not in pregnancy: who calls decides that. RCP 2017."""
    score = table()["NEWS2"]
    points = (
        _picked(score.item("rr"), breaths),
        _saturation(score, spo2, oxygen, scale),
        _said(score.item("o2"), None if oxygen is None else int(oxygen), "O₂" if oxygen else ""),
        _picked(score.item("sbp"), systolic),
        _picked(score.item("hr"), pulse),
        _said(score.item("acvpu"), None if consciousness is None else int(consciousness != "A"), consciousness or ""),
        _picked(score.item("temp"), temperature, places="0.1"),
    )
    each = [p.points for p in points if p.points is not None]
    total = sum(each)
    found = threshold(score, total, each)
    assert found is not None  # the table covers 0 and above; a test holds it to that
    return Sum(points, total, found, _response(total, found))
