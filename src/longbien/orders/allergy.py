"""Does a drug or a contrast study go against a recorded allergy? Pure rules over resources.

Sources: tables/allergy_classes.csv, allergy_cross.csv, of general knowledge on cross-reactivity as of 2026; a hospital's pharmacy
must approve them before clinical use. An allergy is known by its ATC code, or by the words it was written down with. What
cannot be recognised is said, never passed over."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ..base.fold import fold
from ..fhir import systems as s
from .index import words

TABLES = Path(__file__).parent / "tables"
Resource = Mapping[str, Any]
LEVELS = ("note", "warn", "stop")
SOURCE = "allergy_classes 2026-11"


@dataclass(frozen=True, slots=True)
class Group:
    """A class of drugs that react alike. `prefixes`: of ATC; `level`: what a drug of it means to who reacted to another of it."""

    key: str
    vi: str
    en: str
    prefixes: tuple[str, ...]
    level: str
    words: tuple[str, ...]
    advice_vi: str
    advice_en: str


@dataclass(frozen=True, slots=True)
class Cross:
    """Who reacted to `of` and drugs with these ATC prefixes; `words`: only where the allergy was written with one of these."""

    of: str
    prefixes: tuple[str, ...]
    level: str
    words: tuple[str, ...]
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Match:
    """An allergy that a draft meets. `same`: the very substance. `vi`, `en`: what it means."""

    level: str
    allergy: Resource
    same: bool
    vi: str
    en: str


def _split(text: str) -> tuple[str, ...]:
    return tuple(x for x in text.split(";") if x)


@cache
def groups() -> tuple[Group, ...]:
    with (TABLES / "allergy_classes.csv").open(encoding="utf-8", newline="") as f:
        return tuple(
            Group(r["class"], r["name_vi"], r["name_en"], _split(r["atc_prefixes"]), r["level"], _split(r["words"]), r["advice_vi"],
                  r["advice_en"])
            for r in csv.DictReader(f)
        )  # fmt: skip


@cache
def crosses() -> tuple[Cross, ...]:
    with (TABLES / "allergy_cross.csv").open(encoding="utf-8", newline="") as f:
        return tuple(
            Cross(r["from"], _split(r["to_prefixes"]), r["level"], _split(r["words"]), r["text_vi"], r["text_en"])
            for r in csv.DictReader(f)
        )


def counts(allergy: Resource) -> bool:
    """Does it hold: not refuted, not in error, not resolved."""
    verified = {c.get("code") for c in (allergy.get("verificationStatus") or {}).get("coding") or ()}
    clinical = {c.get("code") for c in (allergy.get("clinicalStatus") or {}).get("coding") or ()}
    return not verified & {"refuted", "entered-in-error"} and not clinical & {"resolved", "inactive"}


def mild(allergy: Resource) -> bool:
    """Neither confirmed nor severe: a reaction told of, criticality low."""
    verified = {c.get("code") for c in (allergy.get("verificationStatus") or {}).get("coding") or ()}
    severe = allergy.get("criticality") == "high" or any(r.get("severity") == "severe" for r in allergy.get("reaction") or ())
    return not severe and "confirmed" not in verified


def _codes(concept: Any, system: str) -> tuple[str, ...]:
    return tuple(str(c["code"]) for c in (concept or {}).get("coding") or () if c.get("system") == system and c.get("code"))


def named(concept: Any) -> str:
    """Everything a concept is called, folded."""
    given = concept or {}
    texts = [str(given.get("text") or ""), *(str(c.get("display") or "") for c in given.get("coding") or ())]
    return fold(" ; ".join(t for t in texts if t))


def groups_of(allergy: Resource) -> list[Group]:
    """The classes that an allergy is about, by its ATC codes or the words it was written with."""
    code = allergy.get("code")
    return list(_groups(_codes(code, s.ATC), named(code)))


@lru_cache(1024)
def _groups(atc: tuple[str, ...], text: str) -> tuple[Group, ...]:
    return tuple(
        g
        for g in groups()
        if any(a.startswith(p) or p.startswith(a) for a in atc for p in g.prefixes) or any(w in text for w in g.words)
    )


def substances(draft: Resource) -> list[str]:
    """The active substances of a drug order, folded: its name without strength, parted at '+'."""
    name = fold(str((draft.get("medicationCodeableConcept") or {}).get("text") or ""))
    found = []
    for part in name.split("+"):
        kept = [w for w in words(part) if not w[0].isdigit() and len(w) > 3]
        if kept:
            found.append(kept[0])
    return found


_CONTRAST = (
    ("ICM", ("tiem thuoc can quang", "co can quang", "chup mach", "dong mach vanh")),
    ("GBCA", ("doi quang tu", "doi tu", "tiem gado")),
)


def contrast(draft: Resource) -> tuple[str, ...]:
    """The class of contrast medium that an imaging order means, by its name."""
    text = named(draft.get("code"))
    if "khong tiem" in text or "khong can quang" in text:
        return ()
    return tuple(key for key, said in _CONTRAST if any(w in text for w in said))


def check(draft: Resource, allergies: Iterable[Resource]) -> list[Match]:
    """What a draft (MedicationRequest, or an imaging ServiceRequest) meets, the gravest first; at most one for each allergy."""
    found = [m for a in allergies if counts(a) and (m := _met(draft, a)) is not None]
    return sorted(found, key=lambda m: -LEVELS.index(m.level))


def _met(draft: Resource, allergy: Resource) -> Match | None:
    if draft.get("resourceType") != "MedicationRequest":
        kinds = contrast(draft)
        of = groups_of(allergy) if kinds else []
        hit = next((g for g in of if g.key in kinds), None)
        return _match(hit.level, allergy, False, hit.advice_vi, hit.advice_en) if hit else None
    of = groups_of(allergy)
    drug = draft.get("medicationCodeableConcept")
    atc = _codes(drug, s.ATC)
    text = named(allergy.get("code"))
    same = set(atc) & set(_codes(allergy.get("code"), s.ATC)) or set(_codes(drug, s.DRUG)) & set(
        _codes(allergy.get("code"), s.DRUG)
    )
    if same or any(x in text for x in substances(draft)):
        hit = next((g for g in of if _within(atc, g.prefixes)), None)
        return _match("stop", allergy, True, hit.advice_vi if hit else "", hit.advice_en if hit else "")
    for g in of:
        if _within(atc, g.prefixes):
            return _match(g.level, allergy, False, f"{g.vi}. {g.advice_vi}", f"{g.en}. {g.advice_en}")
    keys = {g.key for g in of}
    for c in crosses():
        if c.of in keys and _within(atc, c.prefixes) and (not c.words or any(w in text for w in c.words)):
            return _match(c.level, allergy, False, c.vi, c.en)
    return None


def _within(atc: Sequence[str], prefixes: Sequence[str]) -> bool:
    return any(a.startswith(p) for a in atc for p in prefixes)


def _match(level: str, allergy: Resource, same: bool, vi: str, en: str) -> Match:
    return Match("warn" if level == "stop" and mild(allergy) else level, allergy, same, vi, en)


def unrecognised(allergies: Iterable[Resource]) -> list[Resource]:
    """Allergies that hold, may be to a drug, and are of no class and no drug that is known here: a person must look."""
    out = []
    for a in allergies:
        about = set(a.get("category") or ())
        if counts(a) and not (about and about <= {"food", "environment"}) and not groups_of(a) and not _codes(a.get("code"), s.ATC):
            out.append(a)
    return out
