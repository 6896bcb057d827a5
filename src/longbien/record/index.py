"""What the store keeps of a resource to find it again: the head row's slots and the side tables' rows. Pure.

Keys are 64-bit (ids.key64) of 'Type.param|system|code' for tokens, 'Type.param|Type/id' for references,
'Type.param|uri' for uris."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from longbien.base.ids import key64, patient_key
from longbien.fhir.references import literal

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)


class Indexed(NamedTuple):
    """dlo/dhi: the main date's span. strs (p, folded), dates (p, lo, hi), qtys (p, unit key, value), codes (code key, val): second
    and later codings; cares (org key, lo, hi)."""

    pat: int | None
    code: int | None
    dlo: datetime
    dhi: datetime
    val: float | None
    terms: list[int]
    strs: list[tuple[int, str]]
    dates: list[tuple[int, datetime, datetime]]
    qtys: list[tuple[int, int, Decimal]]
    codes: list[tuple[int, float | None]]
    cares: list[tuple[int, datetime, datetime]]


def org_key(organization_id: str) -> int:
    """The key of a facility, as in care.org and audit.org."""
    return key64("Organization/" + organization_id)


def _patient_of(resource: dict[str, Any]) -> str | None:
    if resource["resourceType"] == "Patient":
        return str(resource["id"])
    for name in ("subject", "patient", "beneficiary"):
        holder = resource.get(name)
        if isinstance(holder, dict) and isinstance(holder.get("reference"), str):
            found = literal(holder["reference"])
            if found and found[1] == "Patient":
                return found[2]
    return None


def rows(resource: dict[str, Any]) -> Indexed:
    """The index rows of one valid resource that has its id."""
    patient = _patient_of(resource)
    return Indexed(patient_key(patient) if patient else None, None, EARLIEST, LATEST, None, [], [], [], [], [], [])
