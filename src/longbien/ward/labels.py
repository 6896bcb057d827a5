"""Wristbands and labels: what stands on them, and their bars. Pure.

The code is the patient's own number (mã người bệnh) where the record has one in letters and digits, else the record's id: what
`mar.numbers` knows when it is scanned again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import segno

from longbien.base.words import Words
from longbien.fhir.systems import PATIENT_NUMBER
from longbien.web.chart import record as r
from longbien.wire import code128

SLIM = 220
"""Modules of bars that a label has room for; a longer code stands there as a square (QR) only."""
MOST = 40
"""Labels that are printed at once at most."""


def code(patient: Mapping[str, Any]) -> str:
    """What the bars of a wristband say."""
    numbers = [str(i.get("value")) for i in patient.get("identifier") or () if i.get("system") == PATIENT_NUMBER]
    return next((n for n in numbers if re.fullmatch(r"[A-Za-z0-9./-]{3,24}", n)), str(patient["id"]))


def data(patient: Mapping[str, Any], place: str, allergic: bool, kind: str, copies: int, today: date, w: Words) -> dict[str, Any]:
    """What the template is given. kind: band or label."""
    who, text = r.person(dict(patient)), code(patient)
    birth = " · ".join(x for x in (w.date(who.birth), w.sex(who.sex), w.age(who.birth, today)) if x)
    return {
        "kind": kind,
        "title": w("Wristband") if kind == "band" else w("Labels"),
        "lang": w.lang,
        "name": who.name.upper(),
        "line": birth,
        "place": place,
        "allergy": w("ALLERGY") if allergic else "",
        "copies": max(1, min(MOST, copies)),
        "code": {"text": text, "width": code128.width(text), "bars": code128.bars(text), "slim": code128.width(text) <= SLIM},
        "matrix": [[int(bool(x)) for x in row] for row in segno.make(text, error="m", micro=False).matrix],
    }
