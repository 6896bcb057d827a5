"""Wards, rooms and beds of a facility, from its Locations. They hardly change: a process reads them once a minute. Whether a bed is
being cleaned does change, and is not told here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.record.engine import Engine
from longbien.record.types import number
from longbien.web.chart import record as r

from .codes import EXT_ROOM_SEX

Q = queries(__file__, "sql/ward.sql")
_decode = msgspec.json.Decoder().decode
KEPT = 60.0
"""Seconds that a facility's places are believed to be as they were."""


@dataclass(frozen=True, slots=True)
class Bed:
    """`label`: as signs say it (P.412 · 12); `number`: 12; `sex`: whom the room is for (a gender code), "" anybody."""

    id: str
    label: str
    number: str
    room: str
    room_name: str
    ward: str
    sex: str = ""


@dataclass(frozen=True, slots=True)
class Ward:
    """`department`: the id of the organisation it belongs to; `title`: that department's name."""

    id: str
    name: str
    department: str
    title: str
    code: Mapping[str, Any]
    beds: tuple[Bed, ...] = ()

    @property
    def key(self) -> int:
        """What live pages of this ward listen to, besides its patients."""
        return key64("ward/" + self.id)


@dataclass(slots=True)
class Places:
    wards: dict[str, Ward] = field(default_factory=dict)
    beds: dict[str, Bed] = field(default_factory=dict)


_known: dict[tuple[int, str], tuple[float, Places]] = {}


async def places(engine: Engine, facility: str | None) -> Places:
    """The wards of a facility (organisation id). Nothing here is about a patient, so it needs no warrant."""
    if not facility:
        return Places()
    key = (id(engine), facility)
    found = _known.get(key)
    if found is None or time.monotonic() - found[0] > KEPT:
        if len(_known) > 500:
            _known.clear()
        _known[key] = found = (time.monotonic(), await _read(engine, facility))
    return found[1]


def forget() -> None:
    """What was read may be wrong by now."""
    _known.clear()


async def _read(engine: Engine, facility: str) -> Places:
    rows = await engine.db.fetch(Q.departments, number("Organization"), key64(f"Organization.partof|Organization/{facility}"))
    departments = {x["id"]: _decode(await engine.unpack(x["body"])) for x in rows}
    terms = [key64(f"Location.organization|Organization/{id_}") for id_ in (*departments, facility)]
    rows = await engine.db.fetch(Q.locations, number("Location"), terms)
    located = {x["id"]: _decode(await engine.unpack(x["body"])) for x in rows}
    return laid_out(located, departments)


def laid_out(located: Mapping[str, Mapping[str, Any]], departments: Mapping[str, Mapping[str, Any]]) -> Places:
    """Wards with their beds, of Locations by id. A bed stands in a room of a ward, or in the ward itself."""
    out = Places()
    beds: dict[str, list[Bed]] = {}
    for id_, place in located.items():
        if r.code_of(place.get("physicalType")) != "bd" or place.get("status") == "inactive":
            continue
        above = r.reference_id(place.get("partOf"))
        room = located.get(above, {})
        ward = above if r.code_of(room.get("physicalType")) == "wa" else r.reference_id(room.get("partOf"))
        alias: Sequence[Any] = place.get("alias") or ()
        label = str(place.get("name") or id_)
        number_ = str(alias[0]) if alias else label
        bed = Bed(id_, label, number_, above, str(room.get("name") or ""), ward, _sex(room) or _sex(place))
        out.beds[id_] = bed
        beds.setdefault(ward, []).append(bed)
    for id_, place in located.items():
        if id_ in beds:
            department = r.reference_id(place.get("managingOrganization"))
            of = departments.get(department, {})
            title = str(of.get("name") or place.get("name") or id_)
            kind: Mapping[str, Any] = next((t for t in of.get("type") or () if "department-kind" in str(t)), {})
            coding = [c for c in kind.get("coding") or () if "department-kind" in str(c.get("system"))]
            code = {"coding": coding, "text": title} if coding else {"text": title}
            ordered = tuple(sorted(beds[id_], key=lambda b: (b.room_name, b.number, b.id)))
            out.wards[id_] = Ward(id_, str(place.get("name") or id_), department, title, code, ordered)
    return out


def _sex(place: Mapping[str, Any]) -> str:
    return next((str(x.get("valueCode") or "") for x in place.get("extension") or () if x.get("url") == EXT_ROOM_SEX), "")
