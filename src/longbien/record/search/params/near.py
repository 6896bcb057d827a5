"""near: Locations within a distance of a place. http://hl7.org/fhir/R4/location.html#positional

Kept as two rows of ix_qty, latitude and longitude; a box around the circle finds candidates by index, the haversine decides."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from ..ask import Ask, Bind, Cond, any_of, plain, split
from ..keys import key, param_key
from .number import Q, decimal

PREFIX = "Location.near"
LATITUDE, LONGITUDE = "latitude", "longitude"
EARTH = 6371.0088
"""Mean radius in kilometres."""
DISTANCE = 10.0
"""Kilometres, where none is asked for ("at the discretion of the server")."""
UNITS = {"km": 1.0, "m": 0.001, "cm": 0.00001, "[mi_us]": 1609.347219 / 1000, "[mi_i]": 1.609344, "mi": 1.609344,
         "[nmi_i]": 1.852, "[ft_i]": 0.0003048, "[yd_i]": 0.0009144}  # fmt: skip
"""In kilometres: UCUM, and miles as people write them."""


def index(value: Any, qtys: Q) -> None:
    """Both rows of a Location.position, or none."""
    if not isinstance(value, dict):
        return
    lat, lon = decimal(value.get(LATITUDE)), decimal(value.get(LONGITUDE))
    if lat is not None and lon is not None:
        p = param_key(PREFIX)
        qtys.update(((p, key(LATITUDE), lat), (p, key(LONGITUDE), lon)))


class Circle(NamedTuple):
    """In degrees and kilometres."""

    lat: float
    lon: float
    km: float


def asked(ask: Ask, text: str) -> Circle:
    parts = [plain(p).strip() for p in split(text, "|")]
    if not 2 <= len(parts) <= 4:
        raise ask.bad("is written latitude|longitude, latitude|longitude|distance or latitude|longitude|distance|units.")
    lat, lon = _number(ask, parts[0], 90, "latitude"), _number(ask, parts[1], 180, "longitude")
    distance = parts[2] if len(parts) > 2 else ""
    unit = parts[3] if len(parts) > 3 and parts[3] else "km"
    if unit not in UNITS:
        raise ask.bad(f"{unit[:40]!r} is no unit of distance that is known here: {', '.join(UNITS)}.")
    km = _number(ask, distance, 1e12, "distance") * UNITS[unit] if distance else DISTANCE
    if km < 0:
        raise ask.bad("the distance is less than nothing.")
    return Circle(lat, lon, km)


def _number(ask: Ask, text: str, most: float, what: str) -> float:
    try:
        found = float(Decimal(text))
    except (InvalidOperation, OverflowError):
        raise ask.bad(f"{text[:40]!r} is no {what}.") from None
    if not math.isfinite(found) or abs(found) > most:
        raise ask.bad(f"{text[:40]!r} is no {what}.")
    return found


def where(ask: Ask, h: str, bind: Bind) -> Cond:
    if ask.modifier is not None:
        raise ask.unsupported()
    parts = [_inside(asked(ask, v), bind) for v in ask.values]
    p, lat, lon = bind(param_key(PREFIX)), bind(key(LATITUDE)), bind(key(LONGITUDE))
    sql = f"""{h}.rid IN (SELECT a.rid FROM ix_qty a JOIN ix_qty o ON o.rid = a.rid AND o.p = {p}::int AND o.unit = {lon}::int8
              WHERE a.p = {p}::int AND a.unit = {lat}::int8 AND {any_of(parts)})"""
    return Cond(sql, typed=True, selective=True)


def _inside(c: Circle, bind: Bind) -> str:
    """a: the row of the latitude, o: of the longitude."""
    degrees = math.degrees(c.km / EARTH)
    parts = []
    if degrees < 180:
        low, high = Decimal(repr(c.lat - degrees - 1e-9)), Decimal(repr(c.lat + degrees + 1e-9))
        parts.append(f"a.val BETWEEN {bind(low)}::numeric AND {bind(high)}::numeric")
        if (east := _east(c, degrees)) is not None:
            parts.append(_longitudes(c.lon, east, bind))
    lat, lon = bind(c.lat), bind(c.lon)
    half = f"""sind((a.val::float8 - {lat}::float8) / 2) ^ 2
        + cosd({lat}::float8) * cosd(a.val::float8) * sind((o.val::float8 - {lon}::float8) / 2) ^ 2"""
    parts.append(f"2 * {EARTH} * asin(least(1, sqrt({half}))) <= {bind(c.km)}::float8")
    return "(" + " AND ".join(parts) + ")"


def _east(c: Circle, degrees: float) -> float | None:
    """Degrees of longitude to both sides that the circle touches; None where it holds a pole, and so all of them."""
    if abs(c.lat) + degrees >= 90:
        return None
    return math.degrees(math.asin(min(1.0, math.sin(math.radians(degrees)) / math.cos(math.radians(c.lat))))) + 1e-9


def _longitudes(lon: float, east: float, bind: Bind) -> str:
    """The stretch around a longitude, also where it goes over the date line."""
    spans = [(lon - east + turn, lon + east + turn) for turn in (-360.0, 0.0, 360.0)]
    near = [(a, b) for a, b in spans if b >= -180 and a <= 180]
    return any_of([f"o.val BETWEEN {bind(Decimal(repr(a)))}::numeric AND {bind(Decimal(repr(b)))}::numeric" for a, b in near])
