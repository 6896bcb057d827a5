"""Which sensitive categories a resource falls into: by its codes (diagnosis, test, drug), by names that stand beside them, and by
the security labels that its author put on it. A table with dates and sources (tables/sensitive.csv); pure.

Computed when a resource is indexed (index.rows) and kept in head.sens, where it only grows: the history keeps what was sensitive
once. After a change of the table `longbien reindex` brings it to what is there.

Sensitive personal data: law 91/2025/QH15 and decree 356/2025; labels: HL7 v3 ActCode (InformationSensitivityPolicy), DS4P."""

from __future__ import annotations

import csv
import re
from functools import cache, lru_cache
from importlib import resources as files
from typing import Any, NamedTuple

from longbien.base.fold import fold
from longbien.fhir.systems import ATC, ICD10, ICD10_VN, LOINC

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


class Category(NamedTuple):
    """bit: in head.sens and in masks. label: the code that a Consent or a security label names it by."""

    code: str
    bit: int
    system: str
    label: str


ORDINARY = 1
"""The bit of what is in no sensitive category (head.sens says 0 for it)."""
CATEGORIES = (
    Category("hiv", 2, ACT_CODE, "HIV"),
    Category("mental", 4, ACT_CODE, "PSY"),
    Category("drug", 8, ACT_CODE, "SUD"),
    Category("reproductive", 16, ACT_CODE, "SEX"),
    Category("adolescent", 32, ACT_CODE, "ADOL"),
    Category("restricted", 64, CONFIDENTIALITY, "R"),
)
BY_CODE = {c.code: c for c in CATEGORIES}
ALL = ORDINARY | sum(c.bit for c in CATEGORIES)

_SYSTEMS = {ICD10: "icd10", ICD10_VN: "icd10", LOINC: "loinc", ATC: "atc"}
_WORDS = re.compile(r"[^\W_]+")


class _Table(NamedTuple):
    """system -> code -> bits; system -> beginning -> bits; word -> bits; labels: code -> bits."""

    exact: dict[str, dict[str, int]]
    begins: dict[str, dict[str, int]]
    longest: dict[str, int]
    words: dict[str, int]


@cache
def _table() -> _Table:
    made = _Table({}, {}, {}, {})
    with files.files("longbien.record").joinpath("tables/sensitive.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["until"]:
                continue  # what was written while it held has its bit; nothing new gets it
            bit = BY_CODE[row["category"]].bit
            into = {"is": made.exact, "begins": made.begins}.get(row["match"])
            held = made.words if into is None else into.setdefault(row["system"], {})
            held[row["code"]] = held.get(row["code"], 0) | bit
            if into is made.begins:
                made.longest[row["system"]] = max(made.longest.get(row["system"], 0), len(row["code"]))
    return made


def labelled(code: str, system: str) -> int:
    """The bits of a security label; 0 for one that says nothing of the kind."""
    return _table().exact["label"].get(code, 0) if system in (ACT_CODE, CONFIDENTIALITY) else 0


@lru_cache(16_384)
def coded(system: str, code: str) -> int:
    """The bits of a code of a diagnosis (ICD-10), test (LOINC) or drug (ATC)."""
    table, name = _table(), _SYSTEMS.get(system)
    if name is None:
        return labelled(code, system)
    found = table.exact.get(name, {}).get(code, 0)
    begins = table.begins.get(name)
    if begins:
        for n in range(1, min(len(code), table.longest[name]) + 1):
            found |= begins.get(code[:n], 0)
    return found


@lru_cache(4_096)
def named(text: str) -> int:
    """The bits of names that stand in a code's text."""
    words, found = _table().words, 0
    for word in _WORDS.findall(fold(text)):
        found |= words.get(word, 0)
    return found


def bits(resource: dict[str, Any]) -> int:
    """The categories of one resource about a patient: every code anywhere in it, contained resources too; also of a Consent, which
    tells by the categories it names. A Patient is in none: who somebody is must be found (for whom more is wanted:
    directives.walls).
    """
    if resource.get("resourceType") == "Patient":
        return 0
    found = 0
    waiting: list[Any] = [resource]
    while waiting:
        here = waiting.pop()
        if here.__class__ is dict:
            if "coding" in here:
                text = here.get("text")
            elif (code := here.get("code")).__class__ is str:
                text, system = here.get("display"), here.get("system")
                if system.__class__ is str:
                    found |= coded(system, code)
            else:
                text = None
            if text.__class__ is str:
                found |= named(text)
            here = here.values()
        waiting += [v for v in here if v.__class__ is dict or v.__class__ is list]
    return found
