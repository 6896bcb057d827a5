"""The handover of a shift by SBAR (situation, background, assessment, recommendation; WHO patient safety solutions 2007): composed
of the record, edited by who hands over, kept as a Composition for each patient and shift. Pure but for the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from longbien.base import clock
from longbien.base.ids import key64
from longbien.base.words import Words, mark
from longbien.fhir import systems as s
from longbien.web.chart import record as r
from longbien.web.terms import Tongue

from . import fluids, mar, signs
from .board import fasting, lines_of, news_of, problem, tasks, years
from .care import _div
from .codes import HANDOVER, Resource
from .early import score
from .reads import Lying
from .rules import day_of_stay

PARTS: tuple[tuple[str, str, str], ...] = (
    ("situation", mark("Situation"), "S"), ("background", mark("Background"), "B"), ("assessment", mark("Assessment"), "A"),
    ("recommendation", mark("Recommendation"), "R"),
)  # fmt: skip
LOINC_TYPE = "28651-8"  # Nurse Transfer note


@dataclass(frozen=True, slots=True)
class Sbar:
    situation: str
    background: str
    assessment: str
    recommendation: str

    def of(self, key: str) -> str:
        return str(getattr(self, key))


def composed(who: Lying, now: datetime, w: Words, lang: Tongue) -> Sbar:
    """The four parts, from the record as it is now."""
    charted = who.charted
    warns = score(who.all("Observation"), charted, years(who, now), now, w)
    situation = [f"{problem(who, lang)}. " + w("Day %(n)s.", n=day_of_stay(who.start, now))]
    if warns is not None and warns.level:
        situation.append(f"{warns.name} {warns.total}: {'; '.join(warns.why)}.")
    situation += [f"{m.text}." for m in news_of(who, now, w) if m.css == "crit"]
    background = [w("Allergy: %(what)s.", what=", ".join(mar.allergies(who, lang)))] if who.all("AllergyIntolerance") else []
    background += [f"{a.text}." for x in who.all("Flag") if (a := r.alert(x, lang))]
    assessment = [_signs(charted, w)]
    _, day, _ = fluids.sums(fluids.entries(who.all("Observation")), now)
    if day.into or day.out:
        assessment.append(w("Fluids: in %(in)s, out %(out)s mL.", **{"in": w.number(day.into), "out": w.number(day.out)}))
    assessment += [f"{m.text}." for m in news_of(who, now, w) if m.css != "crit"]
    return Sbar(
        " ".join(x for x in situation if x), " ".join(background), " ".join(x for x in assessment if x), _to_do(who, now, w, lang)
    )  # fmt: skip


def _signs(charted: list[signs.Sign], w: Words) -> str:
    last = signs.newest(charted)

    def number(key: str) -> str:
        value = last[key].value if key in last else ""
        return "" if isinstance(value, str) else w.number(value)

    parts = []
    if number("systolic") and number("diastolic"):
        parts.append(w("BP %(bp)s", bp=f"{number('systolic')}/{number('diastolic')}"))
    for key, unit in (("pulse", ""), ("temperature", "°C"), ("breaths", ""), ("spo2", "%")):
        if number(key):
            parts.append(f"{w(signs.TITLES[key][0]).lower() if key != 'spo2' else 'SpO₂'} {number(key)}{unit}")
    when = max((x.at for x in last.values()), default=None)
    return f"{w.time(when)}: {', '.join(parts)}." if when and parts else ""


def _to_do(who: Lying, now: datetime, w: Words, lang: Tongue) -> str:
    out = []
    lines = lines_of(who, now, lang)
    late = [f"{x.name} {w.time(d.due)}" for x in lines for d in x.doses if d.state in ("late", "missed")]
    if late:
        out.append(w("Doses not given: %(what)s.", what=", ".join(late)))
    coming = sorted({d.due for x in lines for d in x.doses if d.state in ("due", "soon", "later")})[:1]
    for at in coming:
        names = [x.name for x in lines if any(d.due == at for d in x.doses)]
        out.append(w("Drugs %(time)s: %(what)s.", time=w.time(at), what=", ".join(names)))
    for due, task in tasks(who)[:4]:
        words = str(task.get("description") or "") or r.concept(task.get("code"))
        out.append(f"{words}{' ' + w.time(due) if due else ''}.")
    waits = [f"{o.title}" for x in who.all("ServiceRequest") if (o := r.pending(x, lang))]
    if waits:
        out.append(w("Waits for: %(what)s.", what=", ".join(waits[:4])))
    if fasting(who):
        out.append(w("Fasting") + ".")
    if day := r.expected_discharge(who.stay):
        out.append(w("Leaves on %(date)s.", date=w.date(day)))
    return " ".join(out)


def record_id(stay: str, shift: datetime) -> str:
    """The id of one patient's handover of one shift: it is written once, and changed by who hands over."""
    return f"sbar-{key64(f'{stay}/{clock.instant(shift)}') & (2**63 - 1):x}"


def composition(
    who: Lying, parts: Mapping[str, str], shift: datetime, now: datetime, by: Resource, facility: str, w: Words
) -> Resource:
    """The handover as it is kept."""
    section = [
        {
            "title": w(title),
            "code": {"coding": [{"system": HANDOVER, "code": key, "display": key.title()}]},
            "text": {"status": "generated", "div": _div(parts[key])},
        }
        for key, title, _ in PARTS
        if parts.get(key)
    ]
    return {
        "resourceType": "Composition",
        "id": record_id(str(who.stay["id"]), shift),
        "status": "final",
        "type": {"coding": [{"system": s.LOINC, "code": LOINC_TYPE, "display": "Nurse Transfer note"}], "text": "Bàn giao ca"},
        "subject": {"reference": f"Patient/{who.id}"},
        "encounter": {"reference": f"Encounter/{who.stay['id']}"},
        "date": clock.instant(now),
        "author": [by],
        "title": f"Bàn giao ca {clock.local(now):%d/%m/%Y %H:%M}",
        "section": section,
        "custodian": {"reference": f"Organization/{facility}"},
    }


def parts_of(kept: Mapping[str, Any]) -> Sbar:
    """The parts of a handover that was kept."""
    found = {r.code_of(x.get("code"), HANDOVER): r.bare(str(r.first(x, "text", "div") or "")) for x in kept.get("section") or ()}
    return Sbar(*(found.get(key, "") for key, _, _ in PARTS))
