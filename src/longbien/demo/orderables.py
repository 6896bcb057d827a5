"""The starter catalogue of what can be ordered, from the tables: definitions (longbien.orders), specimens, order sets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

from longbien.demo.starter import Row, by, rows
from longbien.fhir import systems as s
from longbien.orders import definitions as d

Resource = dict[str, Any]
DATE = "2026-11-23"
_SERVICE = {"KHAM": "consult", "GIUONG": "service", "VC": "service"}
_NEWER = ("", "EEG", "EMG", "RESP")
"""Modalities that R4's copy of DICOM's codes does not have yet."""
_WEEKLY = re.compile(r"(\d+) lần/tuần", re.IGNORECASE)


def resources() -> Iterator[Resource]:
    """Each after what it refers to (ObservationDefinition and Medication come before)."""
    yield from specimens()
    yield from orderables()
    yield from order_sets()


@cache
def _aliases() -> dict[tuple[str, str], list[str]]:
    return {(r["kind"], r["code"]): r["aliases"].split(";") for r in rows("aliases")}


@cache
def _favours() -> dict[str, list[str]]:
    """Drug code -> diagnoses for which it is a favourite."""
    found: dict[str, list[str]] = {}
    for r in rows("problems"):
        for drug in r["favourite_drugs"].split(";"):
            if drug:
                found.setdefault(drug, []).append(r["icd10"])
    return found


# --- specimens


def _tube(r: Row) -> tuple[str, str, str]:
    return r["specimen_vi"], r["additive"], r["cap_vn_domestic"]


@cache
def _tubes() -> dict[tuple[str, str, str], str]:
    """What is taken -> the id of its SpecimenDefinition."""
    found: dict[tuple[str, str, str], str] = {}
    for r in by("labs").values():
        if r["specimen_vi"] and _tube(r) not in found:
            found[_tube(r)] = f"mau-{len(found) + 1:02d}"
    return found


def _tube_name(tube: tuple[str, str, str]) -> str:
    specimen, additive, cap = tube
    return " · ".join(x for x in (specimen, additive, f"nắp {cap.lower()}" if cap else "") if x)


def specimens() -> Iterator[Resource]:
    """One SpecimenDefinition for each kind of tube or pot."""
    for tube, id_ in _tubes().items():
        container: Resource = {"description": _tube_name(tube)}
        if tube[2]:
            container["cap"] = {"text": tube[2]}
        if tube[1]:
            container["additive"] = [{"additiveCodeableConcept": {"text": tube[1]}}]
        yield {
            "resourceType": "SpecimenDefinition",
            "id": id_,
            "typeCollected": {"text": tube[0]},
            "typeTested": [{"isDerived": False, "type": {"text": tube[0]}, "preference": "preferred", "container": container}],
        }


# --- definitions


def orderables() -> Iterator[Resource]:
    yield from _labs()
    yield from _drugs()
    for n, (code, r) in enumerate(by("imaging").items()):
        yield d.definition(
            "imaging", code, r["name_vi"], r["name_en"], group="Chẩn đoán hình ảnh, thăm dò", rank=n,
            aliases=_aliases().get(("imaging", code), ()), usage=r["preparation_vi"], when=DATE, start=DATE,
            turnaround=(24 * 60, 60),
            codings=[{"system": s.DICOM, "code": r["dicom_modality"]}] if r["dicom_modality"] not in _NEWER else (),
        )  # fmt: skip
    for n, (code, r) in enumerate(by("services").items()):
        kind = _SERVICE.get(r["group"], "procedure")
        codings = [{"system": s.ICD9CM_PROCEDURES, "code": r["icd9cm"]}] if r["icd9cm"] else ()
        yield d.definition(
            kind, code, r["name_vi"], r["name_en"], group=r["group_vi"], rank=n, codings=codings, when=DATE, start=DATE
        )
    for kind, name in (("diet", "diets"), ("nursing", "nursing")):
        for code, r in by(name).items():
            aliases = [a for a in r["alias"].split(";") if a]
            yield d.definition(kind, code, r["name_vi"], r["name_en"], aliases=aliases, rank=int(r["rank"]), when=DATE, start=DATE)


def _test_id(code: str) -> str:
    """As catalogues.fhir_id("xn", code)."""
    return f"xn-{code.replace('_', '-').replace(' ', '-')}".lower()


def _labs() -> Iterator[Resource]:
    tests = by("labs")
    for n, (code, r) in enumerate(tests.items()):
        members = [m for m in r["panel_members"].split(";") if m in tests] if r["kind"] == "panel" else [code]
        tube = _tubes().get(_tube(r))
        yield d.definition(
            "lab", code, r["name_vi"], r["name_en"], group=r["group_vi"], rank=n, when=DATE, start=DATE,
            aliases=[r["short_name"], *_aliases().get(("lab", code), ())], text=r["short_name"] or r["name_vi"],
            codings=[{"system": s.LOINC, "code": r["loinc"]}] if r["loinc"] and r["loinc"] != "2708-6" else (),
            turnaround=(int(r["tat_routine_min"] or 0), int(r["tat_urgent_min"] or 0)) if r["tat_routine_min"] else None,
            specimen={"reference": f"SpecimenDefinition/{tube}", "display": _tube_name(_tube(r))} if tube else None,
            members=[
                {"reference": f"ObservationDefinition/{_test_id(m)}", "display": tests[m]["name_vi"]} for m in members
            ],
        )  # fmt: skip


def _drugs() -> Iterator[Resource]:
    for n, (code, r) in enumerate(by("drugs").items()):
        name = drug_name(r)
        yield d.definition(
            "drug", code, name, drug_name(r, "name_en"), group=r["group_vi"], rank=n, when=DATE, start=DATE, text=name,
            aliases=[r["brand_example"]],
            usage=r["form_vi"], unit=r["unit_vi"].lower(), child=r["paediatric_rule_vi"],
            high_alert=r["high_alert"] == "1",
            codings=[{"system": s.ATC, "code": r["atc"], "display": r["atc_name"]}] if len(r["atc"]) == 7 else (),
            favours=_favours().get(code, ()), dosage=dosage(r), product=f"Medication/thuoc-{code.replace('_', '-').lower()}",
        )  # fmt: skip


def drug_name(r: Row, column: str = "ingredient_vi") -> str:
    """Substance and strength; a strength that the substance's name already ends with is not said twice."""
    first, _, rest = r["strength"].partition(" ")
    return " ".join(x for x in (r[column], rest if r[column].endswith(f" {first}") else r["strength"]) if x)


def dosage(r: Row) -> Resource:
    """The usual dose of an adult as FHIR Dosage."""
    found: Resource = {"text": r["usual_dose_vi"]}
    if r["times_per_day"].isdigit():
        found["timing"] = {"repeat": {"frequency": int(r["times_per_day"]), "period": 1, "periodUnit": "d"}}
    elif m := _WEEKLY.fullmatch(r["times_per_day"]):
        found["timing"] = {"repeat": {"frequency": int(m[1]), "period": 1, "periodUnit": "wk"}}
    if r["route_vi"]:
        found["route"] = {"text": r["route_vi"]}
    if r["dose"] and r["dose_unit"]:
        value: int | Decimal = Decimal(r["dose"]) if "." in r["dose"] else int(r["dose"])
        found["doseAndRate"] = [{"doseQuantity": {"value": value, "unit": r["dose_unit"]}}]
    return found


# --- what is ordered together


def _kind(r: Row) -> str:
    if r["item_kind"] != "service":
        return r["item_kind"]
    return _SERVICE.get(by("services")[r["item_code"]]["group"], "procedure")


def order_sets() -> Iterator[Resource]:
    grouped: dict[str, list[Row]] = {}
    for r in rows("order_sets"):
        grouped.setdefault(r["set"], []).append(r)
    for code, items in grouped.items():
        first = items[0]
        topics = [
            {"system": s.ICD10_VN, "code": x, "display": by("icd10_vn")[x]["name_vi"]}
            for x in first["icd10"].split(";")
            if x in by("icd10_vn")
        ]
        actions = [d.action(_kind(r), r["item_code"], r["item_name_vi"], r["preselected"] == "1", r["dose_hint_vi"]) for r in items]
        yield d.order_set(
            code, first["name_vi"], first["name_en"], actions, topics=topics, advice=first["advice_vi"],
            setting=first["setting_vi"],
            when=DATE, start=DATE,
        )  # fmt: skip
