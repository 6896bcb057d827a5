"""The primitive types: each check takes a JSON value and gives what is wrong with it, or None.

https://hl7.org/fhir/R4/datatypes.html#primitive"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from datetime import date as calendar_date
from decimal import Decimal
from math import isfinite
from typing import Any

from .context import shown, type_name

Check = Callable[[Any], str | None]

MAX_STRING = 1024 * 1024
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CODE = re.compile(r"[^\s]+(\s[^\s]+)*")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_TIME = re.compile(_CLOCK)
_INSTANT = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}{_ZONE}")
_SPACE = re.compile(r"\s")
MAX_INTEGER = 2**31 - 1


def string(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    if v.isprintable() and v:
        return None if len(v) <= MAX_STRING else "is longer than 1 MB"
    if not v:
        return "must not be empty"
    if len(v) > MAX_STRING:
        return "is longer than 1 MB"
    return "holds a control character" if _CONTROL.search(v) else None


def boolean(v: Any) -> str | None:
    return None if v is True or v is False else f"must be true or false, not {shown(v)}"


def integer(v: Any) -> str | None:
    if v.__class__ is not int:
        return f"must be a whole number, not {shown(v)}"
    return None if -MAX_INTEGER - 1 <= v <= MAX_INTEGER else f"{v} is outside 32 bits"


def unsigned_int(v: Any) -> str | None:
    return integer(v) or (None if v >= 0 else f"must not be negative, but is {v}")


def positive_int(v: Any) -> str | None:
    return integer(v) or (None if v >= 1 else f"must be at least 1, but is {v}")


def decimal(v: Any) -> str | None:
    kind = v.__class__
    if kind is int:
        return None
    if kind is Decimal:
        # Beyond this a value measures nothing, and arithmetic on it would cost the whole machine.
        return None if v.is_finite() and -400 < v.adjusted() < 400 else "is out of range"
    if kind is float and isfinite(v):
        return None
    return f"must be a number, not {shown(v)}"


def code(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    if _CODE.fullmatch(v) and v.isprintable():
        return None
    return f"{shown(v)} is no code: no space at the ends, one between words, no control character"


def id_(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    return None if _ID.fullmatch(v) else f"{shown(v)} is no id: 1 to 64 of A-Z a-z 0-9 - ."


def uri(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    if not v:
        return "must not be empty"
    if _SPACE.search(v) or not v.isprintable():
        return f"{shown(v)} is no URI: it holds a space or control character"
    if v.startswith("urn:"):
        if v.startswith("urn:oid:") and not _OID.fullmatch(v):
            return f"{shown(v)} is no OID"
        if v.startswith("urn:uuid:") and not _UUID.fullmatch(v.split("#")[0].split("|")[0]):
            return f"{shown(v)} is no UUID"
    return None


def oid(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    return None if _OID.fullmatch(v) else f"{shown(v)} is no OID: urn:oid: and numbers with points"


def uuid(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    return None if _UUID.fullmatch(v) else f"{shown(v)} is no UUID: urn:uuid: and 8-4-4-4-12 hexadecimal digits"


def base64_binary(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    if not v:
        return "must not be empty"
    try:
        binascii.a2b_base64("".join(v.split()), strict_mode=True)
    except ValueError:
        return f"{shown(v)} is not valid Base64"
    return None


def _on_the_calendar(day: str) -> str | None:
    """YYYY, YYYY-MM or YYYY-MM-DD whose digits already have the right form."""
    try:
        calendar_date(int(day[:4]), int(day[5:7] or 1), int(day[8:10] or 1))
    except ValueError:
        return f"{shown(day)} is no day of the calendar"
    return None


def date(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    if not _DATE.fullmatch(v):
        return f"{shown(v)} is no date: YYYY, YYYY-MM or YYYY-MM-DD"
    return _on_the_calendar(v)


def date_time(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    if _INSTANT.fullmatch(v) or _DATE.fullmatch(v):
        return _on_the_calendar(v[:10])
    if "T" in v and v[-1] != "Z" and "+" not in v[10:] and "-" not in v[10:]:
        return f"{shown(v)}: a date with a time must have a time zone"
    return f"{shown(v)} is no dateTime: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or +hh:mm"


def instant(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    if not _INSTANT.fullmatch(v):
        return f"{shown(v)} is no instant: YYYY-MM-DDThh:mm:ss with Z or +hh:mm"
    return _on_the_calendar(v[:10])


def time(v: Any) -> str | None:
    if v.__class__ is not str:
        return f"must be a string, not {type_name(v)}"
    return None if _TIME.fullmatch(v) else f"{shown(v)} is no time: hh:mm:ss"


CHECKS: dict[str, Check] = {
    "string": string,
    "markdown": string,
    "boolean": boolean,
    "integer": integer,
    "unsignedInt": unsigned_int,
    "positiveInt": positive_int,
    "decimal": decimal,
    "code": code,
    "id": id_,
    "uri": uri,
    "url": uri,
    "canonical": uri,
    "oid": oid,
    "uuid": uuid,
    "base64Binary": base64_binary,
    "date": date,
    "dateTime": date_time,
    "instant": instant,
    "time": time,
}
