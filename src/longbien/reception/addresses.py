"""Addresses since 1 July 2025: house, ward (or commune), province; no district. What stood on older papers is kept beside it.
Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..base.fold import fold
from ..fhir import systems as s
from . import tables

KINDS = ("phường", "xã", "thị trấn", "đặc khu")
OF_PROVINCE = ("thành phố", "tỉnh", "tp.", "tp")
HANOI = "01"
MOST = 300
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """house: number, street, hamlet. ward: a code of tables.wards, "" when it is not known. old: the address as it stood before
    July 2025, whole. choices: wards that the old one may be today (codes), for the clerk to choose from."""

    house: str
    ward: str = ""
    old: str = ""
    choices: tuple[str, ...] = ()

    @property
    def province(self) -> str:
        return tables.provinces().get(tables.wards()[self.ward].province, "") if self.ward in tables.wards() else ""


def bare(name: str, kinds: tuple[str, ...] = KINDS) -> str:
    """A place's name folded and without its kind: `Phường Ba Đình` -> `ba dinh`."""
    folded = fold(name)
    for kind in kinds:
        if folded.startswith(fold(kind) + " "):
            return folded[len(fold(kind)) :].strip()
    return folded


@cache
def _provinces() -> dict[str, str]:
    return {bare(name, OF_PROVINCE): code for code, name in tables.provinces().items()}


@cache
def _wards() -> dict[tuple[str, str], tuple[str, ...]]:
    """(province, bare name) -> codes: a ward and a commune of one province may share a name."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for w in tables.wards().values():
        key = (w.province, bare(w.name))
        found[key] = (*found.get(key, ()), w.code)
    return found


@cache
def _old() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, code, whole in tables.old_wards():
        key = bare(name)
        found[key] = (code, *found.get(key, ())) if whole else (*found.get(key, ()), code)
    return found


def read(text: str) -> Place:
    """The address of a card. One of three parts ends with ward and province; an older one has a district between: then the wards
    that it may be today are offered and the old text is kept. What cannot be placed stays as the house."""
    cleaned = re.sub(r"\s+", " ", text.replace("\0", "")).strip(" ,.")[:MOST]
    parts = [p.strip() for p in cleaned.split(",") if p.strip()]
    province = _provinces().get(bare(parts[-1], OF_PROVINCE)) if parts else None
    if province is None or len(parts) < 2:
        return Place(cleaned)
    if len(parts) >= 3 and province == HANOI and (now := _old().get(bare(parts[-3]))):
        return Place(", ".join(parts[:-3]), now[0] if len(now) == 1 else "", cleaned, now)
    found = _wards().get((province, bare(parts[-2])), ())
    if found:
        exact = [c for c in found if fold(tables.wards()[c].name) == fold(parts[-2])]
        return Place(", ".join(parts[:-2]), (exact or list(found))[0] if len(exact) == 1 or len(found) == 1 else "", "", found)
    older = len(parts) >= 3
    return Place(", ".join(parts[: -3 if older else -2]), "", cleaned)


def find(text: str, province: str = "", most: int = 12) -> list[tables.Ward]:
    """Wards for what is being typed: with or without tones, whole words of the name before beginnings; Hanoi first."""
    asked = fold(text)
    if len(asked) < 2:
        return []
    words = asked.split()
    scored = []
    for w in tables.wards().values():
        if province and w.province != province:
            continue
        name = bare(w.name)
        whole = fold(w.name) + " " + fold(tables.provinces()[w.province])
        if all(any(part.startswith(x) for part in whole.split()) for x in words):
            scored.append((not name.startswith(bare(text)), w.province != HANOI, len(name), w.name, w))
    return [x[-1] for x in sorted(scored, key=lambda x: x[:-1])[:most]]


def named(text: str) -> str:
    """The code of a ward that was chosen by its whole name (`Phường Ba Đình, Thành phố Hà Nội`), "" for anything else."""
    name, _, of = text.rpartition(",")
    province = _provinces().get(bare(of.strip(), OF_PROVINCE))
    if not province:
        return ""
    found = _wards().get((province, bare(name.strip())), ())
    exact = [c for c in found if fold(tables.wards()[c].name) == fold(name)]
    return exact[0] if len(exact) == 1 else found[0] if len(found) == 1 else ""


def shown(code: str) -> str:
    """A ward with its province: what the form shows and reads again."""
    w = tables.wards().get(code)
    return f"{w.name}, {tables.provinces()[w.province]}" if w else ""


def resource(place: Place) -> list[Resource]:
    """The FHIR addresses: today's, and the old one as `old`, which ended with 30 June 2025."""
    made: list[Resource] = []
    w = tables.wards().get(place.ward)
    if place.house or w:
        home: Resource = {"use": "home", "country": "VN"}
        city = tables.provinces()[w.province] if w else ""
        home["text"] = ", ".join(x for x in (place.house, w.name if w else "", city) if x)
        if place.house:
            home["line"] = [place.house]
        if w:
            coding = {"system": s.WARD, "code": w.code, "display": w.name}
            home |= {"extension": [{"url": s.EXT_WARD, "valueCoding": coding}], "district": w.name, "city": city}
        made.append(home)
    if place.old:
        made.append({"use": "old", "text": place.old, "period": {"end": "2025-06-30"}})
    return made


def of_resource(patient: Resource) -> Place:
    """What the record knows of where somebody lives."""
    home: Resource = next((a for a in patient.get("address") or () if a.get("use") != "old"), {})
    old = next((str(a.get("text") or "") for a in patient.get("address") or () if a.get("use") == "old"), "")
    code = next(
        (str((x.get("valueCoding") or {}).get("code") or "") for x in home.get("extension") or () if x.get("url") == s.EXT_WARD), ""
    )
    house = ", ".join(str(x) for x in home.get("line") or ()) or ("" if code else str(home.get("text") or ""))
    return Place(house, code if code in tables.wards() else "", old)
