"""The drugs that can be prescribed, in memory: the record's MedicationKnowledge, read once a process and again when it changes.

What this room needs of a drug: its unit, route, usual dose, whether it is controlled. Found by words in any order, with or without
tones, Vietnamese or English."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from ..base.fold import fold
from ..base.sql import queries
from ..fhir import systems as s
from ..record.engine import Engine
from ..record.scope import Scope
from ..record.types import number
from ..web.chart.record import concept, first
from ..web.desk import scoped
from .codes import EXT_CONTROL
from .dosing import Drug

Q = queries(__file__, "sql/clinic.sql")
REFRESH = 10.0
_decode = msgspec.json.Decoder().decode

#: The unit that one takes or uses, by what a drug's form begins with; the first that fits.
UNITS: tuple[tuple[str, str], ...] = (
    ("viên", "viên"), ("gói", "gói"), ("ống uống", "ống"), ("bột pha tiêm", "lọ"), ("bơm tiêm", "bơm tiêm"),
    ("bút", "bút"), ("bình", "bình"), ("miếng", "miếng"), ("dung dịch truyền", "chai"), ("dung dịch tiêm/truyền", "lọ"),
    ("dung dịch khí dung", "ống"), ("dung dịch tiêm", "ống"), ("kem", "tuýp"), ("thuốc mỡ", "tuýp"),
)  # fmt: skip
_STRENGTH = re.compile(r"(\d+(?:[.,]\d+)?)\s*(mg|g|mcg|mL|đơn vị)\b")


def unit(form: str) -> str:
    """viên, gói, ống ... of a form in Vietnamese; what is poured or dropped comes in a bottle."""
    low = form.lower()
    return next((u for begins, u in UNITS if low.startswith(begins)), "lọ")


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value).replace(",", ".")) if value is not None else None
    except InvalidOperation:
        return None


def each(dose: Decimal | None, dose_unit: str, name: str, of: str) -> Decimal:
    """How many units one usual dose is: 1000 mg of a tablet of 500 mg are two. One where it cannot be said."""
    if dose is None:
        return Decimal(1)
    if dose_unit == of:
        return dose
    strength = _STRENGTH.findall(name)
    if len(strength) != 1 or strength[0][1] != dose_unit or not (value := _decimal(strength[0][0])):
        return Decimal(1)
    amount = dose / value
    return amount if amount in (Decimal("0.5"), Decimal("0.25")) or amount == amount.to_integral_value() else Decimal(1)


def read(x: Mapping[str, Any]) -> Drug | None:
    """A MedicationKnowledge as this room needs it; None without a code or when it is not in use."""
    coding = [c for c in (x.get("code") or {}).get("coding") or () if c.get("code")]
    if not coding or x.get("status") not in (None, "active"):
        return None
    own = next((c for c in coding if c.get("system") == s.DRUG), coding[0])
    name = str((x.get("code") or {}).get("text") or own.get("display") or own["code"])
    form = concept(x.get("doseForm"))
    of = unit(form)
    dosage = first(x, "administrationGuidelines", "dosage", "dosage") or {}
    quantity = first(dosage, "doseAndRate", "doseQuantity") or {}
    frequency = first(dosage, "timing", "repeat", "frequency")
    control = next((str(e.get("valueString") or "") for e in x.get("extension") or () if e.get("url") == EXT_CONTROL), "normal")
    return Drug(
        code=str(own["code"]),
        name=name,
        unit=of,
        route=concept(x.get("intendedRoute")) or "Uống",
        form=form,
        usual=str(dosage.get("text") or ""),
        amount=each(_decimal(quantity.get("value")), str(quantity.get("unit") or ""), name, of),
        times=frequency if isinstance(frequency, int) and 0 < frequency <= 4 else 0,
        control=control,
        atc=next((str(c["code"]) for c in coding if c.get("system") == s.ATC), ""),
        group=concept(x.get("productType")),
        order=json.dumps(x["code"], ensure_ascii=False),
    )


class Formulary:
    """Of one process and engine."""

    def __init__(self, drugs: Iterable[tuple[Drug, Sequence[str]]] = ()):
        listed = list(drugs)
        self.by_code = {d.code: d for d, _ in listed}
        self._keys = [(f" {fold(' '.join((d.name, d.code, d.group, *more)))} ", fold(d.name), d) for d, more in listed]

    def find(self, text: str, own: Mapping[str, int], limit: int = 12) -> list[Drug]:
        """The drugs that hold every word of `text` as the beginning of one of theirs; `own`: how often the reader wrote which."""
        words = fold(text).split()[:6]
        if not words:
            return []
        found = [(name, d) for keys, name, d in self._keys if all(f" {w}" in keys for w in words)]

        def rank(one: tuple[str, Drug]) -> tuple[bool, int, int, str]:
            return (not one[0].startswith(words[0]), -min(own.get(one[1].code, 0), 99), len(one[0]), one[1].code)

        return [d for _, d in sorted(found, key=rank)[:limit]]


class _Kept:
    def __init__(self) -> None:
        self.formulary = Formulary()
        self.mark: Any = None
        self.asked = float("-inf")
        self.lock = asyncio.Lock()


_kept: WeakKeyDictionary[Engine, _Kept] = WeakKeyDictionary()


async def fresh(engine: Engine, scope: Scope) -> Formulary:
    """The formulary as the record has it now, with a reader's scope."""
    kept = _kept.setdefault(engine, _Kept())
    if time.monotonic() - kept.asked > REFRESH:
        async with kept.lock:
            if time.monotonic() - kept.asked > REFRESH:
                await _look(kept, engine, scope)
                kept.asked = time.monotonic()
    return kept.formulary


async def _look(kept: _Kept, engine: Engine, scope: Scope) -> None:
    row = await engine.db.fetchrow(Q.formulary_changed, number("MedicationKnowledge"))
    mark = (row["n"], row["at"]) if row else None
    if mark == kept.mark:
        return
    sql, args = scoped(scope, Q.formulary, number("MedicationKnowledge"))
    rows = await engine.db.fetch(sql, *args)
    bodies = [_decode(b) for b in await engine.unpack_all([r["body"] for r in rows])]
    listed = [(d, [*map(str, b.get("synonym") or ()), _displays(b)]) for b in bodies if (d := read(b))]
    kept.formulary, kept.mark = Formulary(listed), mark


def _displays(x: Mapping[str, Any]) -> str:
    """Every other name in the codings: the ATC's English one finds the drug too."""
    return " ".join(str(c.get("display") or "") for c in (x.get("code") or {}).get("coding") or ())
