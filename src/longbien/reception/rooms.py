"""The consulting rooms of a facility, as its directory has them: rooms (Location, physicalType `ro`) that are part of its site and
not of a ward, and of no other kind (a theatre), each with its department. Kept a minute by the process: the directory changes
rarely."""

from __future__ import annotations

import re
import time
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from ..base.errors import NotFound
from ..fhir import systems as s
from ..record.store import Store
from ..web.times import hours_of
from .shapes import Room

_decode = msgspec.json.Decoder().decode
KEPT = 60.0
EMERGENCY = "CC"
"""The kind of department that takes emergencies in (khoa Cấp cứu)."""
_known: WeakKeyDictionary[Any, dict[str, tuple[float, Facility]]] = WeakKeyDictionary()


class Facility(NamedTuple):
    """id: of the Organization. code: the ministry's five digits; mark: two letters. rooms: in the order of their doors. emergency:
    where emergencies are taken in, None where they are not."""

    id: str
    name: str
    code: str
    mark: str
    rooms: tuple[Room, ...]
    emergency: Room | None = None

    def room(self, id_: str) -> Room:
        """Raises NotFound for what is no consulting room of this facility."""
        for r in self.rooms:
            if r.id == id_:
                return r
        raise NotFound("There is no such room here.")


async def facility(store: Store, organization: str) -> Facility:
    """Raises NotFound where the account works at no facility."""
    if not organization:
        raise NotFound("This account works at no facility.")
    kept = _known.setdefault(store.engine.home if hasattr(store.engine, "home") else store.engine, {})
    found = kept.get(organization)
    if found is None or time.monotonic() - found[0] > KEPT:
        found = kept[organization] = (time.monotonic(), await _read(store, organization))
    return found[1]


async def _read(store: Store, organization: str) -> Facility:
    own = _decode((await store.read("Organization", organization)).body)
    numbers = {i.get("system"): str(i.get("value") or "") for i in own.get("identifier") or ()}
    departments = await _all(store, "Organization", ("partof", f"Organization/{organization}"))
    named = {d["id"]: (str(d.get("name") or ""), _kind(d)) for d in departments}
    named[organization] = (str(own.get("name") or ""), "")
    sites = await _all(store, "Location", ("organization", f"Organization/{organization}"))
    outer = ",".join(f"Location/{x['id']}" for x in sites if _physical(x) in ("si", "bu", "wi", "lvl"))
    rooms = await _all(store, "Location", ("partof", outer)) if outer else []
    made: list[Room] = []
    emergency: Room | None = None
    for place in rooms:
        owner = str((place.get("managingOrganization") or {}).get("reference") or "").rpartition("/")[2]
        name, kind = named.get(owner, ("", ""))
        found = Room(place["id"], str(place.get("name") or place["id"]), owner, name, kind, hours_of(place))
        if place.get("status", "active") != "active":
            continue
        if kind == EMERGENCY:
            emergency = found
        elif _physical(place) == "ro" and not _otherwise(place):
            made.append(found)
    made.sort(key=lambda r: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", r.short)])
    mark = numbers.get(s.FACILITY_MARK) or "".join(w[0] for w in str(own.get("name") or "X").split()[-2:]).upper()
    return Facility(organization, named[organization][0], numbers.get(s.FACILITY_CODE, ""), mark, tuple(made), emergency)


async def _all(store: Store, type_: str, *params: tuple[str, str]) -> list[dict[str, Any]]:
    page = await store.search(type_, [*params, ("_count", "500")])
    return [_decode(e.body) for e in page.matches]


def _otherwise(place: dict[str, Any]) -> bool:
    """Does the directory say that this room is for something else than consulting (a theatre)?"""
    kinds = [c.get("code") for t in place.get("type") or () for c in t.get("coding") or () if c.get("system") == s.PLACE_KIND]
    return bool(kinds) and "clinic" not in kinds


def _physical(place: dict[str, Any]) -> str:
    codings = (place.get("physicalType") or {}).get("coding") or ()
    return next((str(c.get("code")) for c in codings), "")


def _kind(organization: dict[str, Any]) -> str:
    codings = (c for t in organization.get("type") or () for c in t.get("coding") or ())
    return next((str(c.get("code")) for c in codings if c.get("system") == s.DEPARTMENT_KIND), "")
