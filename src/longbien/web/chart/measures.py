"""What is measured: names in both languages, unit, decimals, reference range and critical limits by sex and age.

The rows are codes/measures.csv (adult ranges of common analysers and textbook paediatric bands; a hospital puts its own
into the observation, which wins). LOINC numbers: (c) Regenstrief Institute, free under the LOINC licence."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LOINC = "http://loinc.org"
SCORE = "https://longbien.org/fhir/CodeSystem/score"
"""Scores that LOINC has no number for stand in the table under the code of this system (see web/forms/scores.py)."""

#: Rows of the overview, in their order. Blood pressure is drawn from its two components.
VITALS = ("85354-9", "8867-4", "8310-5", "9279-1", "59408-5", "2708-6", "29463-7", "news2")
SYSTOLIC, DIASTOLIC, BP_PANEL = "8480-6", "8462-4", ("85354-9", "55284-4")

#: What staff say for a measure whose full name does not fit a row.
SHORT: dict[str, dict[str, str]] = {
    "98979-8": {"vi": "eGFR", "en": "eGFR"},
    "6690-2": {"vi": "Bạch cầu", "en": "White cells"},
    "777-3": {"vi": "Tiểu cầu", "en": "Platelets"},
    "789-8": {"vi": "Hồng cầu", "en": "Red cells"},
    "4544-3": {"vi": "Hematocrit", "en": "Haematocrit"},
    "718-7": {"vi": "Huyết sắc tố", "en": "Haemoglobin"},
    "8310-5": {"vi": "Nhiệt độ", "en": "Temperature"},
    "9279-1": {"vi": "Nhịp thở", "en": "Breaths"},
    "8867-4": {"vi": "Mạch", "en": "Pulse"},
    "59408-5": {"vi": "SpO₂", "en": "SpO₂"},
    "29463-7": {"vi": "Cân nặng", "en": "Weight"},
    "14771-0": {"vi": "Glucose đói", "en": "Glucose, fasting"},
    "2093-3": {"vi": "Cholesterol", "en": "Cholesterol"},
    "4548-4": {"vi": "HbA1c", "en": "HbA1c"},
    "67151-1": {"vi": "Troponin T", "en": "Troponin T"},
    "33762-6": {"vi": "NT-proBNP", "en": "NT-proBNP"},
}

#: Codes of one measure under an older or local number: the same row on the chart.
SAME = {"55284-4": "85354-9", "2708-6": "59408-5", "3141-9": "29463-7", "8331-1": "8310-5"}


@dataclass(frozen=True, slots=True)
class Band:
    sex: str  # M, F or all
    from_days: int
    to_days: int
    low: float | None
    high: float | None
    critical_low: float | None
    critical_high: float | None


@dataclass(frozen=True, slots=True)
class Measure:
    loinc: str
    code: str
    group: str  # "vital" or a laboratory group
    vi: str
    en: str
    ucum: str
    unit: str
    decimals: int
    bands: tuple[Band, ...]

    def name(self, lang: str) -> str:
        return self.vi if lang == "vi" else self.en

    def band(self, sex: str | None, age_days: int) -> Band | None:
        """The band of an administrative-gender at an age in days. An unknown sex gets the union of both: the widest range
        flags the least that could be right."""
        letter = {"male": "M", "female": "F"}.get(sex or "")
        fit = [b for b in self.bands if b.from_days <= age_days < b.to_days]
        own = [b for b in fit if b.sex == letter] or [b for b in fit if b.sex == "all"]
        if own or letter or not fit:
            return own[0] if own else None

        def widest(name: str, sign: int) -> float | None:
            """The lowest (sign -1) or highest (1) of a limit; None when one of the bands has no such limit."""
            values = [v for v in (getattr(b, name) for b in fit) if v is not None]
            return max(values, key=lambda v: sign * v) if len(values) == len(fit) else None

        return Band(
            "all",
            fit[0].from_days,
            fit[0].to_days,
            widest("low", -1),
            widest("high", 1),
            widest("critical_low", -1),
            widest("critical_high", 1),
        )


def _number(text: str) -> float | None:
    return float(text) if text else None


@cache
def table() -> dict[str, Measure]:
    """LOINC number -> Measure."""
    rows: dict[str, list[dict[str, str]]] = {}
    with (Path(__file__).parents[1] / "codes" / "measures.csv").open(encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            rows.setdefault(row["loinc"], []).append(row)
    return {loinc: _measure(loinc, lines) for loinc, lines in rows.items()}


def _measure(loinc: str, lines: list[dict[str, str]]) -> Measure:
    r = lines[0]
    bands = tuple(
        Band(
            b["sex"],
            int(b["from_days"] or 0),
            int(b["to_days"] or 10**6),
            _number(b["low"]),
            _number(b["high"]),
            _number(b["critical_low"]),
            _number(b["critical_high"]),
        )
        for b in lines
        if b["code"] == r["code"]
    )
    unit = r["unit"] or PRINT.get(r["ucum"], r["ucum"])
    return Measure(loinc, r["code"], r["group"], r["name_vi"], r["name_en"], r["ucum"], unit, int(r["decimals"] or 0), bands)


#: How a UCUM unit is printed; `/min` differs by language and is a message.
PRINT = {
    "Cel": "°C",
    "mm[Hg]": "mmHg",
    "umol/L": "µmol/L",
    "kg/m2": "kg/m²",
    "{score}": "",
    "mL/(24.h)": "ml/24 h",
    "mL/min/{1.73_m2}": "ml/min/1,73 m²",
    "10*9/L": "G/L",
    "10*12/L": "T/L",
    "ug/L": "µg/L",
    "ng/mL": "ng/ml",
    "pg/mL": "pg/ml",
    "mg/dL": "mg/dl",
    "{INR}": "",
    "1": "",
    "/min": "/min",
    "[degF]": "°F",
    "[lb_av]": "lb",
}


def printed(ucum: str) -> str:
    return PRINT.get(ucum, ucum)
