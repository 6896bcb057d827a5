"""When something in the trail asks for a word. Pure: facts in, reasons out.

Limits are ours, chosen so that a ward's ordinary day leaves nothing: they say what to look at, not what is wrong. Who is tied to
the patient by name (a visit, an order, a care team) has a reason already, so neither night nor kinship is asked about; who is on
duty at night (wrote for patients of their own that night, or stands in for somebody) is not asked about the night."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from longbien.base.fold import fold

from .relations import BY_TYPE, PERSONAL

WEIGHTS = {
    "no-relation": 4, "family": 4, "colleague": 4, "wall": 3, "volume": 3, "same-name": 3, "searches": 2, "night": 1,
}  # fmt: skip
LEAST = 2
"""What weighs less is not listed: a look at night by somebody of the house alone is none."""
FEW_PATIENTS, OWN_DAYS, ROLE_DAYS, FEW_SEARCHES = 20, 5, 20, 25
NAMED = frozenset(BY_TYPE.values())
ALWAYS = frozenset({"records"})
"""Roles whose work has no tie to a patient: only kinship, walls and numbers are looked at."""
_TITLES = re.compile(r"^(?:[A-ZĐ]{2,4}\d?\.|[A-Z][a-zA-Z]*\.)\s*", re.UNICODE)

Reasons = dict[str, dict[str, Any]]


class Self(NamedTuple):
    """Somebody as kinship is told by: folded full name, surname, phones, address, id of their Patient."""

    name: str
    surname: str
    phones: frozenset[str]
    addresses: frozenset[str]
    patient: str | None = None


def volume(patients: int, days: int | None, mean: float | None, deviation: float | None, role_days: int | None,
           high: float | None) -> Reasons:  # fmt: skip
    """Far more records than on one's own days and than nearly all of one's role. Without a past of one's own: twice the role's."""
    own = (days or 0) >= OWN_DAYS
    role = (role_days or 0) >= ROLE_DAYS and high is not None
    limits = [float(FEW_PATIENTS)]
    if own:
        limits.append(float(mean or 0) + 3 * max(float(deviation or 0), 2.0))
    if role:
        limits.append(float(high or 0) * (1 if own else 2))
    if (not own and not role) or patients <= max(limits):
        return {}
    return {
        "volume": {
            "n": patients,
            "usual": round(float(mean or 0)) if own else None,
            "role": round(float(high or 0)) if role else None,
        }
    }


def searches(made: int, opened: int) -> Reasons:
    """Many people looked for, hardly any record opened."""
    return {"searches": {"n": made, "opened": opened}} if made >= FEW_SEARCHES and opened * 10 < made else {}


def pair(role: str, ties: Sequence[str], *, items: int, night: int, night_at: str | None, on_duty: bool, stated: bool,
         walled: bool, kin: Reasons) -> Reasons:  # fmt: skip
    """One person and one patient on one day. ties: relations.relation's names. stated: a purpose was stated, which has a
    reviewer of its own."""
    found: Reasons = {}
    tied = set(ties)
    if stated:
        return {}
    if role not in ALWAYS:
        if not tied:
            found["no-relation"] = {"n": items}
        if night and not tied & PERSONAL and not on_duty:
            found["night"] = {"n": night, "at": night_at}
    if not tied & NAMED:
        found |= kin
        if walled:
            found["wall"] = {}
    return found if sum(WEIGHTS[r] for r in found) >= LEAST else {}


def weight(reasons: Mapping[str, Any]) -> int:
    return sum(WEIGHTS[r] for r in reasons)


# -- kinship -----------------------------------------------------------------------------------------------------------


def selves(resource: Mapping[str, Any] | None, name: str = "", patient: str | None = None) -> Self:
    """Of a Patient, RelatedPerson or Practitioner (and an account's shown name)."""
    given = resource or {}
    full = name or full_name(given)
    while (shorter := _TITLES.sub("", full)) != full:
        full = shorter
    words = fold(full).split()
    phones = {re.sub(r"\D", "", str(t.get("value", "")))[-9:] for t in given.get("telecom") or () if t.get("system") == "phone"}
    addresses = {fold(_address(a)) for a in given.get("address") or ()}
    return Self(
        " ".join(words), words[0] if words else "", frozenset(p for p in phones if len(p) >= 9),
        frozenset(a for a in addresses if len(a) >= 12), patient,
    )  # fmt: skip


def full_name(resource: Mapping[str, Any]) -> str:
    """The first name of a Patient or the like, "" without one."""
    for n in resource.get("name") or ():
        if isinstance(n, Mapping):
            return str(n.get("text") or " ".join([str(n.get("family", "")), *map(str, n.get("given") or ())]))
    return ""


def _address(a: Mapping[str, Any]) -> str:
    lines = " ".join(map(str, a.get("line") or ()))
    whole = f"{lines} {a.get('district', '')} {a.get('city', '')}" if lines else ""
    return str(a.get("text") or whole)


def kin(me: Self, patient: Self, relatives: Sequence[Self], *, works_here: bool) -> Reasons:
    """What of a patient is one's own: the surname with address or phone, a relative who is named in the record, the whole name; or
    a patient who works at the same facility."""
    found: Reasons = {}
    if me.patient is not None and me.patient == patient.patient:
        return {}  # one's own record: not somebody else's secret
    how = _family(me, patient, relatives)
    if how:
        found["family"] = {"how": how}
    elif me.name and me.name == patient.name:
        found["same-name"] = {}
    if works_here:
        found["colleague"] = {}
    return found


def _family(me: Self, patient: Self, relatives: Sequence[Self]) -> str | None:
    if any((me.name and me.name == r.name and " " in me.name) or me.phones & r.phones for r in relatives):
        return "relative"
    if me.phones & patient.phones:
        return "phone"
    if me.surname and me.surname == patient.surname and me.addresses & patient.addresses:
        return "address"
    return None
