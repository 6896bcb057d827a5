"""The scores as Questionnaires, made from their table (scores.py): one item for each thing that is judged, its points beside it,
the sum, what it means and what to do. Pure.

A measure that is charted (pulse, creatinine) is asked as a number with its LOINC code and the time within which a charted value is
taken; its points are a calculated item below it. A judgement is a choice whose answers carry their points (ordinalValue). The sum is
calculated, and becomes an Observation when the form is signed."""

# ruff: noqa: E501 - expressions stand in one line

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from . import scores
from .draw import HOUSE, LOINC, Resource, extension, item, meant_for, option, query, text, variable
from .scores import Score
from .tree import EXT, KIND

ALL = "%resource.repeat(item | answer.item)"
POINTS = f"{ALL}.where(linkId.endsWith('.points')).answer.value"
CHOSEN = f"{ALL}.answer.value.extension('{EXT}ordinalValue').value"
AGE = (
    "iif(%patient.birthDate.exists(), today().toString().substring(0, 4).toInteger() - "
    "%patient.birthDate.toString().substring(0, 4).toInteger() - iif(today().toString().substring(5, 5) < "
    "%patient.birthDate.toString().substring(5, 5), 1, 0), {})"
)
HOUR, DAY = 1, 24

#: What can be charted: key -> (LOINC, its name, unit, shown unit, type, low, high, places, hours within which a charted value is taken)
MEASURES: dict[str, tuple[str, str, str, str, str, Any, Any, int | None, int]] = {
    "rr": ("9279-1", "Respiratory rate", "/min", "/ph|/min", "integer", 2, 120, None, 4),
    "spo2": ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%", "%", "integer", 30, 100, None, 4),
    "sbp": ("8480-6", "Systolic blood pressure", "mm[Hg]", "mmHg", "integer", 30, 300, None, 4),
    "dbp": ("8462-4", "Diastolic blood pressure", "mm[Hg]", "mmHg", "integer", 10, 200, None, 4),
    "hr": ("8867-4", "Heart rate", "/min", "/ph|/min", "integer", 20, 300, None, 4),
    "temp": ("8310-5", "Body temperature", "Cel", "°C", "decimal", 25, 45, 1, 4),
    "gcs": ("9269-2", "Glasgow coma score total", "{score}", "", "integer", 3, 15, None, 4),
    "urea": ("22664-7", "Urea [Moles/volume] in Serum or Plasma", "mmol/L", "mmol/L", "decimal", 0, 150, 2, 3 * DAY),
    "creat": ("14682-9", "Creatinine [Moles/volume] in Serum or Plasma", "umol/L", "µmol/L", "decimal", 5, 5000, 1, 3 * DAY),
    "bili": ("14631-6", "Bilirubin.total [Moles/volume] in Serum or Plasma", "umol/L", "µmol/L", "decimal", 0, 1500, 1, 3 * DAY),
    "plt": ("777-3", "Platelets [#/volume] in Blood by Automated count", "10*9/L", "G/L", "decimal", 0, 3000, 1, 3 * DAY),
    "inr": ("6301-6", "INR in Platelet poor plasma by Coagulation assay", "{INR}", "", "decimal", 0, 20, 2, 3 * DAY),
    "na": ("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", "mmol/L", "decimal", 80, 200, 1, 3 * DAY),
    "weight": ("29463-7", "Body weight", "kg", "kg", "decimal", 0.3, 400, 2, 30 * DAY),
    "height": ("8302-2", "Body height", "cm", "cm", "decimal", 20, 260, 1, 365 * DAY),
    "bmi": ("39156-5", "Body mass index", "kg/m2", "kg/m²", "decimal", 5, 120, 1, 30 * DAY),
    "urine": ("9192-6", "Urine output 24 hour", "mL/(24.h)", "mL/24 h", "decimal", 0, 20000, 0, 2 * DAY),
    "muac": ("56072-2", "Mid upper arm circumference", "cm", "cm", "decimal", 4, 60, 1, 30 * DAY),
}

CHARTS = frozenset({"rr", "spo2", "hr", "temp", "weight", "height", "muac"})
"""Measures that are charted as vital signs when they were typed here; a value that was taken over is not charted again."""

#: LOINC numbers of results and of judgements that have one.
RESULTS = {
    "GCS": ("9269-2", "Glasgow coma score total"),
    "NRSPAIN": ("72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported"),
    "BMI": ("39156-5", "Body mass index"),
    "EGFR2021": ("98979-8", "Glomerular filtration rate [Volume Rate/Area] in Serum, Plasma or Blood by CKD-EPI 2021"),
}
PARTS = {
    ("GCS", "eye"): ("9267-6", "Glasgow coma score eye opening"),
    ("GCS", "verbal"): ("9270-0", "Glasgow coma score verbal"),
    ("GCS", "motor"): ("9268-4", "Glasgow coma score motor"),
}
UNITS = {
    "BMI": ("kg/m2", "kg/m²"),
    "EGFR2021": ("mL/min/{1.73_m2}", "mL/ph/1,73 m²", "mL/min/1.73 m²"),
    "CG": ("mL/min", "mL/ph", "mL/min"),
}
Items = list[Resource]


def _var(key: str) -> Resource:
    return variable(key, f"{ALL}.where(linkId='{key}').answer.value")


Why = tuple[Score, str]
"""A score and the key of its item: whose bands explain a number's points."""


def measure(key: str, vi: str, en: str, points: str = "", why: Why | None = None, **more: Any) -> Resource:
    """A number that may be charted already; `points`: what it is worth, by an expression that names it %key."""
    loinc, display, unit, shown, kind, low, high, places, hours = MEASURES[key]
    given: dict[str, Any] = {"unit": (unit, *shown.split("|")), "low": low, "high": high, "links": hours, "loinc": (loinc, display)}
    if places is not None:
        given["places"] = places
    if points:
        given["item"] = [worth(key, points), *explained(key, why)]
    if key in CHARTS:
        given["extract"] = "vital-signs"
    return item(key, kind, vi, en, **{"required": True, **given, **more})


def explained(key: str, why: Why | None, suffix: str = "why", **more: Any) -> Items:
    """Which value is worth how much, below the number itself."""
    if why is None:
        return []
    found = why[0].item(why[1])
    if all(o.band.low is None and o.band.high is None for o in found.options):  # a question of yes or no: what gives the points
        yes = found.options[-1].points
        return [item(f"{key}.{suffix}", "display", f"{_sign(found.text.vi)}: {yes}", f"{_sign(found.text.en)}: {yes}", **more)]
    vi, en = (" · ".join(f"{_sign(o.text.of(lang))}: {o.points}" for o in found.options) for lang in ("vi", "en"))
    return [item(f"{key}.{suffix}", "display", re.sub(r"(?<=\d)\.(?=\d)", ",", vi), en, **more)]


def _sign(text_: str) -> str:
    """>= and <= as they are printed; a span with its dash."""
    return re.sub(r"(?<=\d)-(?=\d)", "–", text_.replace(">=", "≥ ").replace("<=", "≤ ")).replace("  ", " ")


def pressure(points: str, lower: str = "", why: Why | None = None) -> Resource:
    """Blood pressure: the systolic counts, the diastolic is charted with it; both become one Observation."""
    upper = measure("sbp", "Huyết áp tâm thu", "Systolic blood pressure", points, None if lower else why)
    below = measure("dbp", "Huyết áp tâm trương", "Diastolic blood pressure", lower, why if lower else None, required=bool(lower))
    return item("bp", "group", loinc=("85354-9", "Blood pressure panel with all children optional"), extract="vital-signs",
                item=[upper, below])  # fmt: skip


def worth(key: str, points: str) -> Resource:
    return item(f"{key}.points", "integer", "Điểm", "Points", calc=points, readOnly=True, shown="points")


def bands(score: Score, key: str, variable_: str, when: str = "") -> str:
    """The points of a number by its item's bands, as FHIRPath: from the highest lower bound down."""
    mine = [o for o in score.item(key).options if o.when in ("", when)]
    lowest = [o for o in mine if o.band.low is None]
    rest = sorted((o for o in mine if o.band.low is not None), key=lambda o: o.band.low or 0)
    out = str(lowest[0].points) if lowest else "0"
    for o in rest:
        out = f"iif(%{variable_} {'>' if o.band.over else '>='} {o.band.low}, {o.points}, {out})"
    return f"iif(%{variable_}.exists(), {out}, {{}})"


def choice(score: Score, key: str, **more: Any) -> Resource:
    """A judgement: every answer with its points."""
    found = score.item(key)
    options = [(str(n), o.text.vi, o.text.en, o.points) for n, o in enumerate(found.options)]
    if (score.key, key) in PARTS:
        more["loinc"] = PARTS[score.key, key]
    return item(key, "choice", found.text.vi, found.text.en, options=options, required=True, **more)


def _title(vi: str) -> str:
    return vi.split(" (")[0]


def _news2(s: Score) -> Items:
    air = "iif(%spo2 >= 93 and %oxygen = false, 0, " + bands(s, "spo2_2", "spo2", "oxygen") + ")"
    second = f"iif(%scale2 = true, {air}, {bands(s, 'spo2_1', 'spo2')})"
    levels = [
        ("A", "A: tỉnh", "A: alert", 0),
        ("C", "C: lú lẫn mới", "C: new confusion", 3),
        ("V", "V: đáp ứng lời gọi", "V: voice", 3),
        ("P", "P: đáp ứng đau", "P: pain", 3),
        ("U", "U: không đáp ứng", "U: unresponsive", 3),
    ]
    scale = (
        "Dùng thang SpO₂ 2 (suy hô hấp tăng CO₂, mục tiêu 88–92%; bác sĩ chỉ định)",
        "Use SpO₂ scale 2 (hypercapnic respiratory failure, target 88–92%; a doctor decides)",
    )
    saturation = measure("spo2", "SpO₂", "SpO₂", f"iif(%spo2.exists(), {second}, {{}})")
    for key, yes in (("spo2_1", False), ("spo2_2", True)):
        when = [{"question": "scale2", "operator": "=" if yes else "!=", "answerBoolean": True}]
        saturation["item"] += explained("spo2", (s, key), key, enableWhen=when)
    mind = ("Ý thức (ACVPU)", "Consciousness (ACVPU)")
    return [
        measure("rr", "Nhịp thở", "Respiratory rate", bands(s, "rr", "rr"), (s, "rr")),
        saturation,
        measure("hr", "Mạch", "Pulse", bands(s, "hr", "hr"), (s, "hr")),
        pressure(bands(s, "sbp", "sbp"), why=(s, "sbp")),
        measure("temp", "Nhiệt độ", "Temperature", bands(s, "temp", "temp"), (s, "temp")),
        choice(s, "o2"),
        item("acvpu", "choice", *mind, options=levels, required=True, loinc=("67775-7", "Level of consciousness")),
        item("scale2", "boolean", *scale, control="check-box", shown="wide"),
    ]


def _if(test: str, points: int) -> str:
    return f"iif({test}, {points}, 0)"


def _qsofa(s: Score) -> Items:
    return [
        measure("rr", "Nhịp thở", "Respiratory rate", f"iif(%rr.exists(), {_if('%rr >= 22', 1)}, {{}})", (s, "rr")),
        measure("gcs", "Điểm Glasgow", "Glasgow coma score", f"iif(%gcs.exists(), {_if('%gcs < 15', 1)}, {{}})", (s, "ment")),
        pressure(f"iif(%sbp.exists(), {_if('%sbp <= 100', 1)}, {{}})", why=(s, "sbp")),
    ]


def _curb65(s: Score) -> Items:
    low = "iif(%sbp.exists() and %dbp.exists(), iif(%sbp < 90 or %dbp <= 60, 1, 0), {})"
    return [
        choice(s, "c"),
        measure("urea", "Urê", "Urea", f"iif(%urea.exists(), {_if('%urea > 7', 1)}, {{}})", (s, "u")),
        measure("rr", "Nhịp thở", "Respiratory rate", f"iif(%rr.exists(), {_if('%rr >= 30', 1)}, {{}})", (s, "r")),
        pressure("", low, (s, "b")),
        _age(f"iif(%age.exists(), {_if('%age >= 65', 1)}, {{}})"),
    ]


def _age(points: str = "") -> Resource:
    below = {"item": [worth("age", points)]} if points else {}
    return item(
        "age",
        "integer",
        "Tuổi (từ hồ sơ)",
        "Age (from the record)",
        calc="%years",
        readOnly=True,
        unit=("a", "tuổi", "years"),
        **below,
    )


def _sex() -> Resource:
    options = [("male", "nam", "male", None), ("female", "nữ", "female", None)]
    given = "iif(%patient.gender = 'female', 'sex.female', iif(%patient.gender = 'male', 'sex.male', {}))"
    return item("sex", "choice", "Giới (từ hồ sơ)", "Sex (from the record)", options=options, calc=given, readOnly=True)


def _known(prefixes: str) -> str:
    """Is there a problem on record whose ICD-10 code begins so?"""
    test = " or ".join(f"code.startsWith('{p}')" for p in prefixes.split())
    found = f"%problems.entry.resource.ofType(Condition).code.coding.where({test})"
    return f"iif({found}.exists(), 'yes', {{}})"


def _cha2ds2vasc(s: Score) -> Items:
    found = {"chf": "I50 I11.0 I42", "htn": "I10 I11 I12 I13 I15", "dm": "E10 E11 E12 E13 E14", "stroke": "I63 I64 G45 I74",
             "vasc": "I21 I22 I25.2 I70 I73.9"}  # fmt: skip

    def judged(key: str) -> Resource:
        given = _known(found[key]).replace("'yes'", f"'{key}.1'")
        return choice(s, key, init=given)

    female = "iif(%patient.gender.exists(), iif(%patient.gender = 'female', 1, 0), {})"
    sex = _sex()
    sex["item"] = [worth("sex", female)]
    return [judged("chf"), judged("htn"), _age(bands(s, "age", "age")), judged("dm"), judged("stroke"), judged("vasc"), sex]


def _sofa(s: Score) -> Items:
    ratio = bands(s, "resp", "pf", "support")
    resp = f"iif(%pf.exists(), iif(%support = true, {ratio}, iif(%pf >= 400, 0, iif(%pf >= 300, 1, 2))), {{}})"
    urine = "iif(%urine < 200, 4, iif(%urine < 500, 3, 0))"
    kidney = bands(s, "renal", "creat")
    renal = f"iif(%creat.exists(), iif(%urine.exists() and {urine} > {kidney}, {urine}, {kidney}), {{}})"
    return [
        item(
            "pf",
            "decimal",
            "PaO₂/FiO₂",
            "PaO₂/FiO₂",
            unit=("mm[Hg]", "mmHg"),
            low=20,
            high=800,
            places=0,
            required=True,
            item=[worth("pf", resp), *explained("pf", (s, "resp"))],
        ),
        item("support", "boolean", "Đang hỗ trợ hô hấp", "Respiratory support", control="check-box"),
        measure("plt", "Tiểu cầu", "Platelets", bands(s, "coag", "plt"), (s, "coag")),
        measure("bili", "Bilirubin toàn phần", "Total bilirubin", bands(s, "liver", "bili"), (s, "liver")),
        choice(s, "cardio"),
        measure("gcs", "Điểm Glasgow", "Glasgow coma score", bands(s, "cns", "gcs"), (s, "cns")),
        measure("creat", "Creatinin", "Creatinine", renal, (s, "renal")),
        measure("urine", "Nước tiểu 24 giờ", "Urine output, 24 h", required=False),
        item(
            "baseline",
            "integer",
            "SOFA nền (0 nếu không rõ bệnh mạn)",
            "Baseline SOFA (0 where no chronic disease is known)",
            low=0,
            high=24,
            required=True,
            initial=[{"valueInteger": 0}],
        ),
        item("rise", "integer", "Tăng so với nền", "Rise above baseline", calc="%total - %baseline", readOnly=True),
    ]


def _must(s: Score) -> Items:
    return [
        measure("bmi", "BMI", "BMI", bands(s, "bmi", "bmi"), (s, "bmi")),
        item(
            "loss",
            "decimal",
            "Sụt cân không chủ ý trong 3–6 tháng",
            "Unplanned weight loss in 3–6 months",
            unit=("%", "%"),
            low=0,
            high=80,
            places=1,
            required=True,
            item=[worth("loss", bands(s, "loss", "loss")), *explained("loss", (s, "loss"))],
        ),
        choice(s, "acute"),
    ]


def _nrs(s: Score) -> Items:
    text_ = s.item("nrs").text
    return [item("nrs", "integer", text_.vi, text_.en, low=0, high=10, required=True, item=[worth("nrs", "%nrs")])]


def _apgar(s: Score) -> Items:
    minutes = [("1", "1 phút", "1 minute", None), ("5", "5 phút", "5 minutes", None), ("10", "10 phút", "10 minutes", None)]
    when = item("minute", "choice", "Thời điểm", "At", options=minutes, required=True)
    return [when, *(choice(s, i.key) for i in s.items)]


def _bmi(s: Score) -> Items:
    return [measure("weight", "Cân nặng", "Weight"), measure("height", "Chiều cao", "Height")]


def _kidney(s: Score) -> Items:
    return [measure("creat", "Creatinin", "Creatinine"), _age(), _sex()]


def _cg(s: Score) -> Items:
    return [measure("creat", "Creatinin", "Creatinine"), measure("weight", "Cân nặng", "Weight"), _age(), _sex()]


def _meld(s: Score) -> Items:
    return [
        measure("bili", "Bilirubin toàn phần", "Total bilirubin"), measure("inr", "INR", "INR"), measure("creat", "Creatinin", "Creatinine"),
        item("dialysis", "boolean", "Lọc máu từ 2 lần trong tuần qua", "Dialysed twice or more in the past week", control="check-box"),
        measure("na", "Natri", "Sodium"),
        item("meld", "integer", "MELD (chưa tính natri)", "MELD without sodium", calc="%meldless", readOnly=True),
    ]  # fmt: skip


def _growth(s: Score) -> Items:
    z = {"low": -10, "high": 10, "places": 2}
    why = (
        "Bảng LMS của WHO chưa có trong hệ thống: z-score tra từ biểu đồ tăng trưởng và nhập tay, phần mềm chỉ phân loại.",
        "The WHO LMS tables are not in the system: read the z-scores off the growth chart and type them; only the classification is "
        "worked out.",
    )
    return [
        item("note", "display", *why, shown="advice"),
        measure("weight", "Cân nặng", "Weight", required=False, links=7 * DAY),
        measure("height", "Chiều cao/chiều dài", "Height or length", required=False, links=30 * DAY),
        measure("muac", "Chu vi vòng cánh tay", "Mid upper arm circumference", required=False, links=7 * DAY),
        item("oedema", "boolean", "Phù hai bên", "Bilateral oedema", control="check-box"),
        item("wfh", "decimal", "z cân nặng/chiều cao", "z weight-for-height", **z),
        item("hfa", "decimal", "z chiều cao/tuổi", "z height-for-age", **z),
        item("wfa", "decimal", "z cân nặng/tuổi", "z weight-for-age", **z),
        item("bfa", "decimal", "z BMI/tuổi (5–19 tuổi)", "z BMI-for-age (5–19 years)", **z),
    ]


def _judged(s: Score) -> Items:
    return [choice(s, i.key) for i in s.items]


#: How each score is asked where its table alone does not say it.
ASKED: dict[str, Callable[[Score], Items]] = {
    "NEWS2": _news2, "QSOFA": _qsofa, "CURB65": _curb65, "CHA2DS2VASC": _cha2ds2vasc, "SOFA": _sofa, "MUST": _must, "NRSPAIN": _nrs,
    "APGAR": _apgar, "BMI": _bmi, "EGFR2021": _kidney, "CG": _cg, "MELD": _meld, "WHOGROWTH": _growth,
}  # fmt: skip
MG = "(%creat / 88.4)"
KAPPA, ALPHA = "iif(%patient.gender = 'female', 0.7, 0.9)", "iif(%patient.gender = 'female', -0.241, -0.302)"
FORMULAS = {
    "BMI": "iif(%weight.exists() and %height.exists(), (%weight / ((%height / 100) * (%height / 100))).round(1), {})",
    # Inker 2021 (N Engl J Med 385:1737): 142 x min(Scr/k,1)^a x max(Scr/k,1)^-1.200 x 0.9938^age x 1.012 for women
    "EGFR2021": (
        f"iif(%creat.exists() and %years.exists() and %patient.gender.exists(), (142 * iif({MG} / {KAPPA} < 1, ({MG} / {KAPPA})"
        f".power({ALPHA}), 1.0) * iif({MG} / {KAPPA} > 1, ({MG} / {KAPPA}).power(-1.2), 1.0) * 0.9938.power(%years) * "
        "iif(%patient.gender = 'female', 1.012, 1.0)).round(0), {})"
    ),
    # Cockcroft and Gault 1976 (Nephron 16:31)
    "CG": (
        f"iif(%creat.exists() and %weight.exists() and %years.exists() and %patient.gender.exists(), ((140 - %years) * %weight * "
        f"iif(%patient.gender = 'female', 0.85, 1.0) / (72 * {MG})).round(0), {{}})"
    ),
    # OPTN policy 9 (2016): MELD-Na where MELD is above 11
    "MELD": (
        "iif(%meldless.exists() and %na.exists(), iif(%meldless > 11, iif((%meldless + 1.32 * (137 - %sodium) - 0.033 * %meldless * "
        "(137 - %sodium)).round(0) > 40, 40, (%meldless + 1.32 * (137 - %sodium) - 0.033 * %meldless * (137 - %sodium)).round(0)), "
        "%meldless), {})"
    ),
}
_MELD = [
    variable("b1", "iif(%bili / 17.1 < 1, 1.0, %bili / 17.1)"),
    variable("i1", "iif(%inr < 1, 1.0, %inr)"),
    variable("c1", f"iif(%dialysis = true or {MG} > 4, 4.0, iif({MG} < 1, 1.0, {MG}))"),
    variable("raw", "(3.78 * %b1.ln() + 11.2 * %i1.ln() + 9.57 * %c1.ln() + 6.43).round(0)"),
    variable(
        "meldless", "iif(%bili.exists() and %inr.exists() and %creat.exists(), iif(%raw < 6, 6, iif(%raw > 40, 40, %raw)), {})"
    ),
    variable("sodium", "iif(%na < 125, 125, iif(%na > 137, 137, %na))"),
]


def _total(s: Score) -> Items:
    """The sum or the formula's result, coded, as an Observation when signed."""
    added = f"({POINTS}).combine({CHOSEN})"
    calc = FORMULAS.get(s.key, f"iif({added}.exists(), {added}.aggregate($this + $total, 0), {{}})")
    kind = "decimal" if s.key == "BMI" else "integer"
    unit = UNITS.get(s.key, ("{score}", "điểm", "points"))
    name = _title(s.name.vi)
    if s.key == "WHOGROWTH":
        return []
    if s.key == "APGAR":
        times = (("1", "9272-6"), ("5", "9274-2"), ("10", "9271-8"))
        return [
            _coded(
                item(
                    f"total{m}",
                    kind,
                    f"Apgar {m} phút",
                    f"Apgar at {m} minutes",
                    calc=calc,
                    readOnly=True,
                    unit=unit,
                    shown="total",
                    extract="survey",
                    enableWhen=[{"question": "minute", "operator": "=", "answerCoding": _minute(m)}],
                ),
                s,
                (loinc, f"{m} minute Apgar Score"),
            )
            for m, loinc in times
        ]
    made = item(
        "total",
        kind,
        name,
        s.name.en,
        calc=calc,
        readOnly=True,
        unit=unit,
        shown="total",
        extract="vital-signs" if s.key == "BMI" else "survey",
    )
    return [_coded(made, s, RESULTS.get(s.key))]


def _minute(m: str) -> Resource:
    return {"system": option("x", "", "")["valueCoding"]["system"], "code": f"minute.{m}"}


def _coded(made: Resource, s: Score, loinc: tuple[str, str] | None) -> Resource:
    """The result's code: LOINC's where there is one, and the score's own."""
    code = [{"system": scores.SYSTEM, "code": s.key.lower(), "display": s.name.en}]
    made["code"] = ([{"system": LOINC, "code": loinc[0], "display": loinc[1]}] if loinc else []) + code
    return made


SUM = "%total"


def _meaning(s: Score) -> Items:
    """What the sum means (a choice worked out from the thresholds) and, for each, what to do."""
    if not s.thresholds or s.key in ("CG",):
        return []
    options = [(f"t{n}", f"{t.text.vi}", t.text.en, None) for n, t in enumerate(s.thresholds)]
    out = [item("meaning", "choice", "Nghĩa là", "Which means", options=options, calc=_which(s), readOnly=True, shown="meaning")]
    system = option("x", "", "")["valueCoding"]["system"]
    for n, t in enumerate(s.thresholds):
        if t.advice.vi:
            when = [{"question": "meaning", "operator": "=", "answerCoding": {"system": system, "code": f"meaning.t{n}"}}]
            out.append(item(f"advice{n}", "display", t.advice.vi, t.advice.en, shown="advice", enableWhen=when))
    return out


def _which(s: Score) -> str:
    if s.key == "WHOGROWTH":
        return (
            "iif(%wfh < -3 or %muac < 11.5 or %oedema = true, 'meaning.t0', iif(%wfh < -2 or %muac < 12.5, 'meaning.t1', "
            "iif(%hfa < -2, 'meaning.t2', iif(%wfa < -2, 'meaning.t3', iif(%wfh > 2, 'meaning.t4', iif(%bfa > 1, 'meaning.t5', {}))))))"
        )
    if s.key == "SOFA":
        return "iif(%total - %baseline >= 2, 'meaning.t0', {})"
    name = "%total - iif(%patient.gender = 'female', 1, 0)" if s.key == "CHA2DS2VASC" else SUM
    plain = [(n, t) for n, t in enumerate(s.thresholds) if not t.when]
    out = "{}"
    for n, t in sorted(plain, key=lambda x: x[1].band.low if x[1].band.low is not None else -1000):
        at = f"'meaning.t{n}'"
        out = f"iif({name} >= {t.band.low}, {at}, {out})" if t.band.low is not None else at
    single = next((n for n, t in enumerate(s.thresholds) if t.when == "single"), None)
    if single is not None:
        three = f"({POINTS}).combine({CHOSEN}).where($this >= 3).exists()"
        out = f"iif({name} < 5 and {three}, 'meaning.t{single}', {out})"
    return f"iif(%total.exists(), {out}, {{}})"


def _thresholds(s: Score) -> Items:
    lines = [
        item(f"threshold{n}", "display", _line(t.label.vi, t.text.vi, t.advice.vi), _line(t.label.en, t.text.en, t.advice.en))
        for n, t in enumerate(s.thresholds)
    ]
    lines += [item(f"formula-{f.key}", "display", f.text.vi, f.text.en) for f in s.formulas]
    return [item("thresholds", "group", "Các ngưỡng và việc cần làm", "Thresholds and what to do", item=lines, shown="thresholds")]


def _line(label: str, meaning: str, advice: str) -> str:
    return f"{label}: {meaning}" + (f". {advice}" if advice else "")


def _variables(items: Sequence[Resource], s: Score) -> list[Resource]:
    flat = [x for i in items for x in (i, *i.get("item", ()))]
    names = [
        i["linkId"]
        for i in flat
        if i["type"] in ("integer", "decimal", "boolean")
        and i["linkId"] not in ("meld", "rise")
        and not i["linkId"].endswith(".points")
    ]
    out = [variable("years", AGE), *(_var(n) for n in names)]
    if s.key == "NEWS2":
        given = f"{ALL}.where(linkId='o2').answer.value.code"
        out.append(variable("oxygen", f"iif({given}.exists(), {given} = 'o2.1', {{}})"))
    out += _MELD if s.key == "MELD" else []
    return [*out, variable("total", f"{ALL}.where(linkId.startsWith('total')).answer.value")]


AGES: dict[str, tuple[int | None, int | None]] = {
    "NEWS2": (16, None), "PEWS": (None, 15), "MORSE": (18, None), "BRADEN": (18, None), "QSOFA": (18, None), "SOFA": (18, None),
    "CURB65": (18, None), "CHA2DS2VASC": (18, None), "APGAR": (None, 0), "MUST": (18, None), "NRSPAIN": (8, None), "BMI": (20, None),
    "WHOGROWTH": (None, 19), "EGFR2021": (18, None), "CG": (18, None), "MELD": (12, None),
}  # fmt: skip
"""The whole years that each score is meant for, as its `ages` say."""
SHORT = {
    "NEWS2": "NEWS2",
    "PEWS": "PEWS",
    "GCS": "GCS",
    "QSOFA": "qSOFA",
    "MUST": "MUST",
    "BMI": "BMI",
    "EGFR2021": "eGFR",
    "APGAR": "Apgar",
}


def _named(s: Score, name: str) -> str:
    """With what everybody calls it in front, where the name itself does not say it."""
    short = SHORT.get(s.key, "")
    return f"{short}: {name}" if short and short.lower() not in name.lower() else name


def sheet(key: str) -> Resource:
    """The Questionnaire of one score ("NEWS2")."""
    s = scores.table()[key]
    asked = ASKED.get(key, _judged)(s)
    found = (
        [query("problems", "Condition?patient={{%patient.id}}&clinical-status=active&_count=100")] if key == "CHA2DS2VASC" else []
    )
    who, whom = ("Dùng cho", "For")
    free = "free" in s.licence or s.licence == "formula"
    known: Resource = {
        "resourceType": "Questionnaire",
        "id": f"score-{key.lower()}",
        "url": f"{HOUSE}Questionnaire/score-{key.lower()}",
        "version": "1",
        "name": f"Score{key}",
        "status": "active",
        "language": "vi",
        "experimental": False,
        "subjectType": ["Patient"],
        **meant_for(*AGES.get(key, (None, None))),
        **text("title", _named(s, s.name.vi), _named(s, s.name.en)),
        **text("description", f"{who}: {s.ages.vi}. {s.source.vi}.", f"{whom}: {s.ages.en}. {s.source.en}."),
        "code": [
            {"system": KIND, "code": "score"},
            {"system": scores.SYSTEM, "code": key.lower(), "display": s.name.en},
        ],
        "extension": [*found, *_variables(asked, s)],
        "item": [
            item("asked", "group", item=asked),
            item("result", "group", "Kết quả", "Result", item=[*_total(s), *_meaning(s)]),
            *_thresholds(s),
        ],
    }
    if not free and s.licence:
        known["copyright"] = s.licence
    return known


@cache
def sheets() -> tuple[Resource, ...]:
    """Every score as a Questionnaire, in the table's order."""
    return tuple(sheet(key) for key in scores.table())


__all__ = ["MEASURES", "extension", "measure", "sheet", "sheets"]
