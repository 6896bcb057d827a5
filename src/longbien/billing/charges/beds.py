"""The bed days of a stay as causes of charges: read from the places of its Encounter, counted by rules.bed_days.

They are charged when the stay has ended. While it runs the provisional bill counts them up to the moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from longbien.base import clock
from longbien.record.engine import Engine

from ..lines import Line
from . import reads, rules
from .guards import INPATIENT
from .shapes import Cause, moment, reference_id
from .tariff import Tariff

VOID = frozenset({"cancelled", "entered-in-error", "planned"})


def inpatient(encounter: Mapping[str, Any]) -> bool:
    return str((encounter.get("class") or {}).get("code")) in INPATIENT


def running(encounter: Mapping[str, Any]) -> bool:
    """Does a stay still count its bed days?"""
    return inpatient(encounter) and encounter.get("status") not in ("finished", *VOID)


def _code(encounter: Mapping[str, Any], kind: str, *within: Any) -> str:
    """The code of a part of the discharge, by the house's own code systems (ward)."""
    for concept in within:
        for c in (concept or {}).get("coding") or ():
            if str(c.get("system")).endswith(kind):
                return str(c.get("code"))
    return ""


def leaving(encounter: Mapping[str, Any]) -> tuple[str, str]:
    """(KET_QUA_DTRI, MA_LOAI_RV) of a stay that ended, "" where they are not said."""
    result = next(
        (
            x.get("valueCode") or (x.get("valueCoding") or {}).get("code") or _code(encounter, "", x.get("valueCodeableConcept"))
            for x in encounter.get("extension") or ()
            if str(x.get("url")).endswith("/treatment-result")
        ),
        "",
    )
    codings = ((encounter.get("hospitalization") or {}).get("dischargeDisposition") or {}).get("coding") or ()
    kind = next((str(c.get("code")) for c in codings if str(c.get("code")) in ("1", "2", "3", "4", "5")), "")
    return str(result or ""), kind


def stay(encounter: Mapping[str, Any], places: Mapping[str, reads.Place], lines: Iterable[Line]) -> rules.Stay | None:
    """A stay as the rules see it. Pure; None for one without a beginning."""
    period = encounter.get("period") or {}
    begin = moment(period.get("start"))
    if begin is None:
        return None
    end = moment(period.get("end")) if encounter.get("status") == "finished" else None
    lay = []
    for x in encounter.get("location") or ():
        known = places.get(reference_id(x.get("location"), "Location"))
        if known is None or x.get("status") in ("reserved", "planned") or not known.department:
            continue
        since = moment((x.get("period") or {}).get("start")) or begin
        lay.append(rules.Lay(known.department, known.kind, since, moment((x.get("period") or {}).get("end")) or end))
    result, kind = leaving(encounter)
    operated = [x.ended or x.at for x in lines if x.group == rules.OPERATION]
    return rules.Stay(begin, end, lay, result, kind, operated)


def days(
    prices: Tariff, encounter: Mapping[str, Any], places: Mapping[str, reads.Place], now: datetime, lines: Iterable[Line]
) -> list[Cause]:
    """Every bed day of a stay up to now, or to its end. Pure."""
    told = stay(encounter, places, lines)
    if told is None or not inpatient(encounter) or encounter.get("status") in VOID:
        return []
    facility = reference_id(encounter.get("serviceProvider"), "Organization")

    def worth(code: str, day: date) -> Decimal:
        found = prices.price("service", code, facility, day)
        return found.price if found else Decimal(0)

    return [_cause(encounter, x, told) for x in rules.bed_days(told, now, worth)]


async def causes(engine: Engine, prices: Tariff, encounter: Mapping[str, Any], now: datetime, lines: Sequence[Line]) -> list[Cause]:
    """The same for a stay in the record."""
    ids = [reference_id(x.get("location"), "Location") for x in encounter.get("location") or ()]
    return days(prices, encounter, await reads.places(engine, ids), now, lines)


def _cause(encounter: Mapping[str, Any], x: rules.BedDay, told: rules.Stay) -> Cause:
    at = max(told.begin, datetime.combine(x.day, time(0), clock.HANOI))
    return Cause(
        f"Encounter/{encounter['id']}/bed/{x.day}/{x.department}", "service", x.code, x.code, at, x.quantity,
        department=x.department,
    )  # fmt: skip
