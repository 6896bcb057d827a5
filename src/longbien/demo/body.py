"""A body that changes slowly: growth, kidney, sugar, pressure. Gives vitals and laboratory values that hang together over years.

Not a model of disease; only so much of it that a doctor who reads the chart nods. Kidney: CKD-EPI 2021 both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Final

from longbien.demo.chance import Chance
from longbien.demo.starter import band

# age in years, weight kg, height cm: rounded medians of growth charts
GROWTH: Final[dict[str, tuple[tuple[float, float, float], ...]]] = {
    "M": (
        (0, 3.3, 50),
        (0.17, 5.6, 58),
        (0.33, 7.0, 64),
        (0.5, 7.9, 67),
        (0.75, 8.9, 72),
        (1, 9.6, 76),
        (1.5, 10.9, 82),
        (2, 12.2, 87),
        (3, 14.3, 96),
        (4, 16.3, 103),
        (5, 18.3, 110),
        (6, 20.5, 116),
        (8, 25.6, 127),
        (10, 32, 138),
        (12, 40, 149),
        (14, 50, 162),
        (16, 57, 167),
        (18, 60, 168),
    ),
    "F": (
        (0, 3.2, 49),
        (0.17, 5.1, 57),
        (0.33, 6.4, 62),
        (0.5, 7.3, 66),
        (0.75, 8.2, 70),
        (1, 8.9, 74),
        (1.5, 10.2, 81),
        (2, 11.5, 86),
        (3, 13.9, 95),
        (4, 16.0, 102),
        (5, 18.0, 109),
        (6, 20.0, 115),
        (8, 25, 126),
        (10, 32, 138),
        (12, 41, 150),
        (14, 47, 155),
        (16, 49, 156),
        (18, 50, 156),
    ),
}
ADULT_HEIGHT = {"M": (166.0, 5.5), "F": (155.0, 5.0)}


def egfr(creatinine: float, sex: str, age: float) -> float:
    """CKD-EPI 2021, mL/min/1.73 m2, from creatinine in µmol/L. (Inker, NEJM 2021.)"""
    k, a, f = (0.7, -0.241, 1.012) if sex == "F" else (0.9, -0.302, 1.0)
    x = creatinine / 88.4 / k
    return float(142 * min(x, 1) ** a * max(x, 1) ** -1.2 * 0.9938**age * f)


def creatinine(rate: float, sex: str, age: float) -> float:
    """The creatinine (µmol/L) at which `egfr` is `rate`."""
    k, a, f = (0.7, -0.241, 1.012) if sex == "F" else (0.9, -0.302, 1.0)
    y = rate / (142 * 0.9938**age * f)
    x = y ** (1 / a) if y > 1 else y ** (1 / -1.2)
    return float(x * k * 88.4)


class Body:
    """One body. `since` maps an ICD-10 code to its beginning; what it has changes what is measured."""

    def __init__(self, chance: Chance, sex: str, birth: date) -> None:
        self.chance, self.sex, self.birth = chance, sex, birth
        self.since: dict[str, date] = {}
        self.carrying: list[tuple[date, date]] = []  # pregnancies from the third month on: blood is thinner
        self.treated: dict[str, int] = {}  # drug line -> strength, 0 when stopped
        mean, sd = ADULT_HEIGHT[sex]
        self.height_adult = chance.near(mean, sd, mean - 12, mean + 14)
        self.bmi = chance.near(22.3, 2.6, 16.5, 32.0)
        self.growth = chance.near(1.0, 0.09, 0.8, 1.3)
        self.pressure = chance.near(114, 7, 98, 127)
        self.excess = chance.near(36, 8, 24, 58)  # what hypertension adds, mmHg
        self.pulse = chance.near(76, 6, 62, 92)
        self.kidney_now: float | None = None  # eGFR today where the story fixes it
        self.kidney_failed: date | None = None  # the first dialysis: the way down to it was steeper
        self.kidney_slope = chance.near(3.0, 1.2, 0.8, 6.0)  # lost a year in chronic kidney disease
        self.kidney_start = chance.near(54, 6, 38, 59)
        self.sugar = chance.near(8.4, 1.1, 6.8, 11.5)  # HbA1c at the diagnosis of diabetes
        self.drift = chance.near(0.12, 0.1, -0.05, 0.4)  # HbA1c a year, upward
        self.place: dict[str, float] = {}  # where in the reference range this person sits
        self.today = date(2100, 1, 1)

    def age(self, on: date) -> float:
        return (on - self.birth).days / 365.25

    def has(self, prefix: str, on: date) -> bool:
        return any(code.startswith(prefix) and start <= on for code, start in self.since.items())

    def years(self, prefix: str, on: date) -> float:
        """Years since the first condition whose code starts with prefix; below zero or 0 where not yet."""
        starts = [start for code, start in self.since.items() if code.startswith(prefix) and start <= on]
        return (on - min(starts)).days / 365.25 if starts else 0.0

    # --- vitals

    def height(self, on: date) -> float:
        age = self.age(on)
        if age >= 18:
            return self.height_adult - max(0.0, age - 60) * 0.12
        return self._grow(age, 2) * (1 + (self.growth - 1) * 0.35)

    def weight(self, on: date) -> float:
        age = self.age(on)
        if age >= 18:
            base = self.bmi * (self.height_adult / 100) ** 2
            settled = base * (0.9 + 0.1 * min(1.0, (age - 18) / 17)) - max(0.0, age - 68) * 0.35
            return max(34.0, settled * (1 + self.chance.gauss(0, 0.008)))
        return self._grow(age, 1) * self.growth * (1 + self.chance.gauss(0, 0.012))

    def _grow(self, age: float, column: int) -> float:
        table = GROWTH[self.sex]
        for low, high in pairwise(table):
            if age <= high[0]:
                part = (age - low[0]) / (high[0] - low[0])
                return low[column] + (high[column] - low[column]) * part
        return table[-1][column]

    def blood_pressure(self, on: date) -> tuple[int, int]:
        """Systolic, diastolic in mmHg."""
        age = self.age(on)
        if age < 15:
            top = 82 + age * 2.2 + self.chance.gauss(0, 5)
            return round(top), round(top * 0.62)
        top = self.pressure + max(0.0, age - 45) * 0.22 + self.chance.gauss(0, 6)
        if self.has("I10", on) or self.has("I11", on):
            drugs = sum(self.treated.get(x, 0) for x in ("ccb", "ras", "diu", "bb"))
            top += self.excess - min(self.excess * 0.95, 9.5 * drugs)
        if self.has("I50", on):
            top -= 8
        bottom = top * (0.62 - max(0.0, age - 60) * 0.0022) + self.chance.gauss(0, 3)
        return round(top), round(bottom)

    def heart_rate(self, on: date) -> int:
        age = self.age(on)
        rest = 132 - age * 7 if age < 8 else self.pulse
        rest += 9 * self.has("I48", on) - 9 * bool(self.treated.get("bb"))
        return round(max(48, rest + self.chance.gauss(0, 5)))

    # --- laboratory

    def kidney(self, on: date) -> float:
        """eGFR of this day."""
        age = self.age(on)
        if self.has("N18", on):
            if self.kidney_now is not None:
                back = (self.today - on).days / 365.25
                if self.kidney_failed and on < self.kidney_failed:
                    return min(62.0, 9.0 + 7.0 * (self.kidney_failed - on).days / 365.25 + self.chance.gauss(0, 1.2))
                return max(5.0, self.kidney_now + self.kidney_slope * back + self.chance.gauss(0, 1.6))
            lost = self.kidney_slope * self.years("N18", on)
            return max(7.0, self.kidney_start - lost + self.chance.gauss(0, 1.5))
        return max(61.0, min(125.0, 118 - max(0.0, age - 25) * 0.72 + self.chance.gauss(0, 4)))

    def hba1c(self, on: date) -> float:
        if not self.has("E11", on):
            return self.chance.near(5.3, 0.2, 4.6, 5.9)
        lowered = sum(self.treated.get(x, 0) for x in ("met", "su", "sglt2", "dpp4")) * 0.55
        lowered += self.treated.get("ins", 0) * 1.1
        level = self.sugar + self.drift * self.years("E11", on) - lowered + self.chance.gauss(0, 0.25)
        return max(5.8, min(13.5, level))

    def value(self, code: str, on: date) -> float | None:
        """A laboratory value of this day in the catalogue's unit; None where the table has no range for this person."""
        special: Callable[[date], float] | None = getattr(self, "_" + code.lower(), None)
        if special is not None:
            return special(on)
        found = band(code, self.sex, (on - self.birth).days)
        if found is None or (found.low is None and found.high is None):
            return None
        low = found.low if found.low is not None else (found.high or 0) * 0.35
        high = found.high if found.high is not None else low * 1.7
        if found.low is None:
            high *= 0.95
        where = self.place.get(code)
        if where is None:
            where = self.place[code] = self.chance.near(0.5, 0.17, 0.08, 0.92)
        part = where + self.chance.gauss(0, 0.09)
        return low + (high - low) * max(-0.03, min(1.03, part))

    def _crea(self, on: date) -> float:
        return creatinine(self.kidney(on), self.sex, max(18.0, self.age(on))) if self.age(on) > 15 else 25 + self.age(on) * 2.6

    def _urea(self, on: date) -> float:
        rise = float((85 / max(12, self.kidney(on))) ** 0.8)
        return max(2.4, 4.8 * rise + self.chance.gauss(0, 0.5))

    def _k(self, on: date) -> float:
        level = 4.1 + max(0.0, 45 - self.kidney(on)) * 0.013 + 0.25 * bool(self.treated.get("mra"))
        return min(5.9, level - 0.15 * bool(self.treated.get("loop")) + self.chance.gauss(0, 0.17))

    def _hgb(self, on: date) -> float:
        found = band("HGB", self.sex, (on - self.birth).days)
        middle = ((found.low or 110) + (found.high or 150)) / 2 if found else 125.0
        middle += self.place.setdefault("HGB", self.chance.gauss(0, 6))
        if self.has("N18", on):
            middle -= max(0.0, 50 - self.kidney(on)) * 0.75
        if self.has("D50", on):
            middle -= max(4.0, 32 - 26 * self.treated.get("iron", 0))
        if any(begin <= on <= due for begin, due in self.carrying):
            middle -= 14
        return max(64, middle + self.chance.gauss(0, 3))

    def _mcv(self, on: date) -> float:
        return (74 if self.has("D50", on) and not self.treated.get("iron") else 89) + self.chance.gauss(0, 2)

    def _ferr(self, on: date) -> float:
        return max(4, 9 + self.chance.gauss(0, 2)) if self.has("D50", on) else max(35, self.chance.gauss(120, 35))

    def _hba1c(self, on: date) -> float:
        return self.hba1c(on)

    def _glu(self, on: date) -> float:
        return max(4.0, 1.59 * self.hba1c(on) - 2.59 - 0.6 + self.chance.gauss(0, 0.5))

    def _ldl(self, on: date) -> float:
        base = 3.9 if self.has("E78", on) or self.has("I2", on) else 2.7
        base += self.place.setdefault("LDL", self.chance.gauss(0, 0.35))
        return max(0.9, base * (0.56 if self.treated.get("statin") else 1.0) + self.chance.gauss(0, 0.2))

    def _tg(self, on: date) -> float:
        return max(0.5, (2.3 if self.has("E78", on) or self.has("E11", on) else 1.2) + self.chance.gauss(0, 0.4))

    def _hdl(self, on: date) -> float:
        return max(0.7, 1.25 + 0.15 * (self.sex == "F") + self.chance.gauss(0, 0.12))

    def _chol(self, on: date) -> float:
        return self._ldl(on) + 1.3 + 0.45 * self._tg(on)

    def _uric(self, on: date) -> float:
        base = 510 if self.has("M10", on) else 350 if self.sex == "M" else 270
        return max(150, base - 170 * bool(self.treated.get("urate")) + self.chance.gauss(0, 28))

    def _bnpnt(self, on: date) -> float:
        if self.has("I50", on):
            return max(250, self.chance.gauss(1350, 380))
        return max(20, self.chance.gauss(420 if self.has("I48", on) else 70, 25))

    def _inr(self, on: date) -> float:
        return self.chance.near(2.5, 0.45, 1.4, 4.4) if self.treated.get("vka") else self.chance.near(1.02, 0.05, 0.9, 1.15)

    def _alt(self, on: date) -> float:
        base = 22.0
        if self.has("B18", on):
            base = 31.0 if self.treated.get("hbv") else 68.0
        elif self.has("K76", on):
            base = 46.0
        return max(8, base + self.chance.gauss(0, base * 0.18))

    def _ast(self, on: date) -> float:
        return max(10, self._alt(on) * 0.85 + 3)

    def _crp(self, on: date) -> float:
        return max(0.3, self.chance.gauss(1.8, 0.9))

    def _tnt(self, on: date) -> float:
        return max(3, self.chance.gauss(8, 2))

    def _uacr(self, on: date) -> float:
        if self.has("N18", on):
            return max(20, self.chance.gauss(180, 60))
        return max(4, self.chance.gauss(38 if self.has("E11", on) else 11, 6))

    def _tsh(self, on: date) -> float:
        if self.has("E03", on):
            return max(0.3, (3.1 if self.treated.get("thyroxine") else 14.0) + self.chance.gauss(0, 0.9))
        if self.has("E05", on):
            return max(0.005, (1.1 if self.treated.get("antithyroid") else 0.02) + self.chance.gauss(0, 0.004))
        return self.chance.near(1.9, 0.6, 0.5, 4.0)

    def _ft4(self, on: date) -> float:
        if self.has("E05", on) and not self.treated.get("antithyroid"):
            return self.chance.near(42, 5, 30, 60)
        if self.has("E03", on) and not self.treated.get("thyroxine"):
            return self.chance.near(8.5, 1, 6, 11)
        return self.chance.near(16, 1.5, 12.5, 21)

    def _hbvdna(self, on: date) -> float:
        return self.chance.near(20, 5, 10, 40) if self.treated.get("hbv") else self.chance.near(180000, 90000, 2500, 900000)

    def _psa(self, on: date) -> float:
        return max(0.4, (3.1 if self.has("N40", on) else 1.0) + self.chance.gauss(0, 0.4))
