"""Each score against worked examples: published ones where the source gives one, else by hand from its table."""

from __future__ import annotations

from typing import Any

import pytest

from longbien.base import clock
from longbien.base.words import words
from longbien.web.forms import catalogue, filling, scores


def work_out(score: str, *, sex: str = "male", age: int = 60, **asked: str) -> dict[str, str]:
    form = catalogue.packaged()[f"score-{score}"]
    year = clock.local(clock.now()).year
    env = {
        "patient": {"resourceType": "Patient", "gender": sex, "birthDate": f"{year - age}-01-01"},
        "encounter": None,
        "user": {},
        "problems": None,
    }
    places = {i.id: i for i in form.by_id.values()}  # type: ignore[attr-defined]
    fields = {}
    for key, text in asked.items():
        link = {"p": "pulse"}.get(key, key)
        above = "asked/bp" if link in ("sbp", "dbp") and form.item("bp") else "asked"
        item = places[link]
        fields[f"{above}/{link}"] = [f"{link}.{text}" if item.choices else text]
    filled = filling.fill(form, fields, env, words("en"), clock.now())
    assert filled.wrong == [] and not filled.errors
    out = {}
    for n in filled.each():
        if n.answers and n.on and n.item.shown in ("total", "meaning"):
            value = next(v for k, v in n.answers[0].items() if k.startswith("value"))
            choice = n.item.choice(value["code"]) if isinstance(value, dict) else None
            out[n.item.shown] = choice.text.en if choice else str(value)
    return out


EXAMPLES: list[tuple[str, dict[str, Any], str, str]] = [
    # RCP 2017, the chart: 22 (2), 94 on oxygen (1+2), 105 (1), 112 (2), alert, 38.4 (1)
    ("news2", {"rr": "22", "spo2": "94", "o2": "1", "sbp": "105", "hr": "112", "acvpu": "A", "temp": "38.4"}, "9", "High risk"),
    ("news2", {"rr": "16", "spo2": "97", "o2": "0", "sbp": "120", "hr": "70", "acvpu": "V", "temp": "37"}, "3", "Low–medium risk"),
    ("news2", {"rr": "16", "spo2": "97", "o2": "0", "sbp": "120", "hr": "70", "acvpu": "A", "temp": "37"}, "0", "Low risk"),
    ("pews", {"behav": "2", "cardio": "1", "resp": "1", "neb": "1"}, "6", "Very high"),
    ("gcs", {"eye": "1", "verbal": "1", "motor": "1"}, "12", "Medium"),  # E3 V4 M5
    ("gcs", {"eye": "3", "verbal": "4", "motor": "5"}, "3", "Severe"),
    ("morse", {"hist": "1", "sec": "1", "aid": "1", "iv": "0", "gait": "1", "mental": "0"}, "65", "High risk"),
    ("braden", {"sens": "1", "moist": "1", "act": "0", "mob": "1", "nut": "1", "fric": "0"}, "10", "High risk"),
    ("qsofa", {"rr": "24", "gcs": "14", "sbp": "95"}, "3", "High risk"),
    ("qsofa", {"rr": "21", "gcs": "15", "sbp": "101"}, "0", "Lower risk"),
    # Vincent 1996: PaO2/FiO2 180 ventilated 3, platelets 45 3, bilirubin 40 2, MAP < 70 1, GCS 12 2, creatinine 200 2
    ("sofa", {"pf": "180", "support": "true", "plt": "45", "bili": "40", "cardio": "1", "gcs": "12", "creat": "200",
              "baseline": "0"}, "13", "Sepsis where there is an infection"),
    ("sofa", {"pf": "180", "plt": "200", "bili": "10", "cardio": "0", "gcs": "15", "creat": "80", "baseline": "2"}, "2", ""),
    ("curb65", {"c": "1", "urea": "9", "rr": "32", "sbp": "85", "dbp": "50", "age": 78}, "5", "Severe"),
    ("curb65", {"c": "0", "urea": "7", "rr": "29", "sbp": "110", "dbp": "61", "age": 64}, "0", "Low"),
    # Lip 2010: a woman of 76 with hypertension and diabetes: 2 + 1 + 1 + 1
    ("cha2ds2vasc", {"chf": "0", "htn": "1", "dm": "1", "stroke": "0", "vasc": "0", "sex": "female", "age": 76}, "5", "High"),
    ("cha2ds2vasc", {"chf": "0", "htn": "0", "dm": "0", "stroke": "0", "vasc": "0", "sex": "female", "age": 50}, "1", "Low"),
    ("cha2ds2vasc", {"chf": "0", "htn": "1", "dm": "0", "stroke": "0", "vasc": "0", "age": 60}, "1", "Medium"),
    ("apgar", {"minute": "1", "app": "1", "p": "2", "grim": "1", "act": "1", "resp": "1"}, "6", "Moderate depression"),
    ("must", {"bmi": "18", "loss": "12", "acute": "0"}, "4", "High risk"),
    ("must", {"bmi": "20", "loss": "5", "acute": "0"}, "2", "High risk"),  # 18.5-20: 1; 5-10 %: 1
    ("nrspain", {"nrs": "7"}, "7", "Severe pain"),
    ("flacc", {"face": "1", "legs": "1", "activity": "0", "cry": "1", "console": "1"}, "4", "Moderate pain"),
    ("bmi", {"weight": "70", "height": "175"}, "22.9", "Normal (Asian cut-off)"),
    ("bmi", {"weight": "80", "height": "175"}, "26.1", "Obese I (WPRO 2000)"),
    # Inker 2021, worked out by hand: 142 x (1.0/0.9)^-1.2 x 0.9938^60 = 86.1; for a woman x (1.0/0.7)^-1.2 x 1.012 = 64.5; 121.5
    ("egfr2021", {"creat": "88.4", "age": 60}, "86", "G2: mildly decreased"),
    ("egfr2021", {"creat": "88.4", "age": 60, "sex": "female"}, "64", "G2: mildly decreased"),
    ("egfr2021", {"creat": "44.2", "age": 40, "sex": "female"}, "122", "G1: normal or high"),
    # Cockcroft and Gault 1976: (140-60) x 72 / (72 x 1.0) = 80; a woman 0.85 of it
    ("cg", {"creat": "88.4", "weight": "72", "age": 60}, "80", ""),
    ("cg", {"creat": "88.4", "weight": "72", "age": 60, "sex": "female"}, "68", ""),
    # OPTN: bilirubin 3, INR 1.5, creatinine 2 mg/dL: MELD 3.78 ln 3 + 11.2 ln 1.5 + 9.57 ln 2 + 6.43 = 21.8 -> 22; sodium 130: 26.2
    ("meld", {"bili": "51.3", "inr": "1.5", "creat": "176.8", "na": "130"}, "26", "3-month mortality about 20%"),
    ("meld", {"bili": "10", "inr": "1", "creat": "80", "na": "140"}, "6", "3-month mortality about 2%"),
    ("meld", {"bili": "10", "inr": "1", "creat": "80", "dialysis": "true", "na": "137"}, "20", "3-month mortality about 20%"),
    ("whogrowth", {"wfh": "-3.2"}, "", "Severe acute malnutrition (6–59 months)"),
    ("whogrowth", {"muac": "12"}, "", "Moderate acute malnutrition"),
    ("whogrowth", {"wfh": "0", "hfa": "-2.5"}, "", "Stunting"),
]  # fmt: skip


@pytest.mark.parametrize("score, asked, total, meaning", EXAMPLES, ids=[f"{e[0]}-{n}" for n, e in enumerate(EXAMPLES)])
def test_a_worked_example(score: str, asked: dict[str, Any], total: str, meaning: str) -> None:
    found = work_out(score, **asked)
    assert (found.get("total", ""), found.get("meaning", "")) == (total, meaning)


def test_every_score_has_an_example() -> None:
    assert {e[0].upper() for e in EXAMPLES} == set(scores.table())


@pytest.mark.parametrize("spo2", [83, 84, 85, 86, 87, 88, 91, 92, 93, 94, 95, 96, 97, 100])
@pytest.mark.parametrize("oxygen", [False, True])
@pytest.mark.parametrize("scale", [1, 2])
def test_the_form_and_the_function_give_the_same_news2(spo2: int, oxygen: bool, scale: Any) -> None:
    asked: dict[str, Any] = {"rr": "25", "spo2": str(spo2), "o2": str(int(oxygen)), "sbp": "100", "hr": "41", "acvpu": "C"}
    asked |= {"temp": "35.1"}
    asked |= {"scale2": "true"} if scale == 2 else {}
    found = work_out("news2", **asked)
    other: Any = {"spo2": spo2, "oxygen": oxygen, "systolic": 100, "pulse": 41, "consciousness": "C", "temperature": 35.1}
    same = scores.news2(breaths=25, scale=scale, **other)
    assert int(found["total"]) == same.total and found["meaning"] == same.threshold.text.en
