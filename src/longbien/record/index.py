"""What the store keeps of a resource to find it again: the head row's slots and the side tables' rows. Pure.

One pass over the values that fhir.extract finds for the type's search parameters; how each kind is kept lies beside how it is asked
for, in search/params. terms[1] is not a key but the bits of presence (slots.bits): which parameters have a value at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from longbien.base.ids import key64, patient_key
from longbien.fhir import definitions
from longbien.fhir.extract import extractor
from longbien.fhir.references import literal

from . import sensitive
from .search import registry, slots
from .search.keys import ELSEWHERE, LONG, compartment_key, key, long_key, param_key
from .search.params import composite, near, number, quantity, reference, string, token, uri
from .search.params.dates import EARLIEST as EARLIEST
from .search.params.dates import LATEST as LATEST
from .search.params.dates import SPAN, of_value
from .types import number as type_number

DERIVED = {"Observation": ("combo-code", "combo-data-absent-reason", "combo-value-concept", "combo-value-quantity")}
"""Asked as 'x or component-x' (compile), so nothing is kept of them but the bit of presence."""

_PATIENT = type_number("Patient") or 0


class Indexed(NamedTuple):
    """dlo/dhi: the main date's span. strs (p, folded), dates (p, lo, hi), qtys (p, unit key, value), codes (code key, val): second
    and later codings, and components; cares (org key, lo, hi); refs (p, type number, id; type 0: a canonical url). sens: bits of
    the sensitive categories it falls into; org: the key of the facility that the resource names as the one it was made at."""

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
    refs: list[tuple[int, int, str]]
    sens: int = 0
    org: int | None = None


class _Out:
    """What one resource gives, while it is being gathered."""

    __slots__ = ("add", "codes", "dated", "dates", "fallback", "hot", "main", "patients", "qtys", "refs", "strs", "terms",
                 "value")  # fmt: skip

    def __init__(self) -> None:
        self.terms: list[int] = []
        self.add = self.terms.append
        self.strs: set[tuple[int, str]] = set()
        self.dates: set[tuple[int, datetime, datetime]] = set()
        self.qtys: set[tuple[int, int, Decimal]] = set()
        self.codes: list[tuple[int, float | None]] = []
        self.hot: list[int] = []
        self.dated = 0
        self.main: tuple[datetime, datetime] | None = None
        self.fallback: tuple[datetime, datetime] | None = None
        self.value: float | None = None
        self.patients: dict[str, list[str]] = {}
        self.refs: set[tuple[int, int, str]] = set()


Step = tuple[int, Callable[[_Out, Any, str], None] | None]


def org_key(organization_id: str) -> int:
    """The key of a facility, as in care.org and audit.org."""
    return key64("Organization/" + organization_id)


def _token_step(prefix: str, hot: bool) -> Callable[[_Out, Any, str], None]:
    index = token.index

    def plain(out: _Out, value: Any, kind: str) -> None:
        index(prefix, value, kind, out.add)
        if kind in ("Identifier", "ContactPoint"):
            token.sorted_by(prefix, value, out.strs)

    def slot(out: _Out, value: Any, kind: str) -> None:
        index(prefix, value, kind, out.add)
        if kind in ("CodeableConcept", "Coding"):
            out.hot += [key(f"{prefix}|{s}|{c}") for s, c in token.codings(value, kind) if s]

    return slot if hot else plain


def _date_step(prefix: str, bit: int, main: bool, fallback: bool) -> Callable[[_Out, Any, str], None]:
    """The bit of presence is set where there is a date: one in words (occurrenceString) is none."""
    p = param_key(prefix)

    def side(out: _Out, value: Any, kind: str) -> None:
        found = of_value(value, kind)
        if found is not None:
            out.dated |= bit
            out.dates.add((p, *found))
            if fallback and out.fallback is None:
                out.fallback = found

    def slot(out: _Out, value: Any, kind: str) -> None:
        if out.main is None and (found := of_value(value, kind)) is not None:
            out.dated |= bit
            out.main = found

    return slot if main else side


def _quantity_step(prefix: str, hot: bool) -> Callable[[_Out, Any, str], None]:
    def side(out: _Out, value: Any, kind: str) -> None:
        quantity.index(prefix, value, kind, out.qtys)

    def slot(out: _Out, value: Any, kind: str) -> None:
        amount = quantity.amount(value)
        if amount is not None and out.value is None:
            out.value = float(amount.value)
            quantity.index_hot(prefix, amount, out.add, out.qtys)

    return slot if hot else side


def _reference_step(prefix: str, code: str, inside: bool, compartment: bool) -> Callable[[_Out, Any, str], None]:
    """inside: a value for the row's own patient is head.pat (settled in _patients). compartment: its patients count for it."""
    index, by_identifier = reference.index, reference.by_identifier
    p = param_key(prefix)

    def step(out: _Out, value: Any, kind: str) -> None:
        if inside or compartment:
            text = value.get("reference") if isinstance(value, dict) else None
            found = literal(text) if isinstance(text, str) else None
            if found and not found[0] and found[1] == "Patient":
                out.patients.setdefault(code, []).append(found[2])
                if inside:
                    by_identifier(prefix, value, out.add)
                    return
        index(prefix, value, kind, p, out.add, out.refs)

    def plain(out: _Out, value: Any, kind: str) -> None:
        index(prefix, value, kind, p, out.add, out.refs)

    return step if inside or compartment else plain


def _string_step(prefix: str) -> Callable[[_Out, Any, str], None]:
    return lambda out, value, kind: string.index(prefix, value, kind, out.add, out.strs)


def _uri_step(prefix: str) -> Callable[[_Out, Any, str], None]:
    return lambda out, value, kind: uri.index(prefix, value, kind, out.add, out.strs)


def _number_step(prefix: str) -> Callable[[_Out, Any, str], None]:
    return lambda out, value, kind: number.index(prefix, value, kind, out.qtys)


def _composite_step(prefix: str, n: composite.Nested) -> Callable[[_Out, Any, str], None]:
    return lambda out, value, kind: composite.index(prefix, n, value, out.add, out.codes, out.qtys)


def _step(type_: str, code: str, kind: str) -> Callable[[_Out, Any, str], None] | None:
    prefix = f"{type_}.{code}"
    if code in DERIVED.get(type_, ()):
        return None
    match kind:
        case "token":
            return _token_step(prefix, code == slots.code_param(type_))
        case "date":
            return _date_step(prefix, slots.bits(type_)[code], code == slots.date_param(type_), code == slots.FALLBACK.get(type_))
        case "quantity":
            return _quantity_step(prefix, code == slots.quantity_param(type_))
        case "reference":
            return _reference_step(prefix, code, code in slots.by_pat(type_), code in slots.patient_params(type_))
        case "string":
            return _string_step(prefix)
        case "uri":
            return _uri_step(prefix)
        case "number":
            return _number_step(prefix)
    return None


class _Plan(NamedTuple):
    extract: Callable[[dict[str, Any]], Any]
    steps: dict[str, Step]
    patient: tuple[str, ...]
    inside: frozenset[str]


@cache
def _plan(type_: str) -> _Plan:
    params = definitions.search_params(type_)
    steps: dict[str, Step] = {
        code: (0 if params[code].kind == "date" else bit, _step(type_, code, params[code].kind))
        for code, bit in slots.bits(type_).items()
    }
    if type_ == "Location":
        steps["near"] = (0, lambda out, value, kind: near.index(value, out.qtys))
    steps |= {code: (0, _composite_step(f"{type_}.{code}", n)) for code, n in composite.nested(type_).items()}
    return _Plan(extractor(type_), steps, slots.patient_params(type_), slots.by_pat(type_))


def _patients(type_: str, resource: dict[str, Any], plan: _Plan, out: _Out) -> int | None:
    """The key of the patient whose record the row is in; terms for the other compartments, and for what head.pat does not say."""
    if type_ == "Patient":
        for other in out.patients.get("link", ()):
            out.add(compartment_key(other))
        return patient_key(str(resource["id"]))
    ordered = list(dict.fromkeys(p for code in plan.patient for p in out.patients.get(code, ())))
    if not ordered:
        return None
    first = ordered[0]
    for other in ordered[1:]:
        out.add(compartment_key(other))
    if plan.inside and first not in out.patients.get(plan.patient[0], ()):
        out.add(key(type_ + ELSEWHERE))
    for code in plan.inside:
        for p in out.patients.get(code, ()):
            if p != first:
                out.add(key64(f"{type_}.{code}|Patient/{p}"))
                out.refs.add((param_key(f"{type_}.{code}"), _PATIENT, p))
    return patient_key(first)


def _own_steps(type_: str, known: registry.Registry) -> dict[str, tuple[int, Callable[[_Out, Any, str], None] | None]]:
    """Steps of the house's own parameters (search/registry.py): code~generation -> (term of presence, step)."""
    made: dict[str, Any] | None = known.made.get(type_)
    if made is None:
        made = known.made[type_] = {}
        for own in known.of(type_):
            code, prefix = own.param.code, own.prefix
            step = _composite_step(prefix, own.nested) if own.nested else _own_step(type_, code, own.param.kind)
            made[code] = (key(prefix + registry.THERE), step)
    return made


def _own_step(type_: str, code: str, kind: str) -> Callable[[_Out, Any, str], None] | None:
    prefix = f"{type_}.{code}"
    return _date_step(prefix, 0, False, False) if kind == "date" else _step(type_, code, kind)


def _own(type_: str, resource: dict[str, Any], out: _Out) -> None:
    """What the house's own parameters find."""
    known = registry.current
    extract = registry.extractor(type_)
    if extract is None:
        return
    steps = _own_steps(type_, known)
    for code, value, kind in extract(resource):
        there, step = steps[code]
        if step is not None:
            step(out, value, kind)
        if kind not in _DATES or of_value(value, kind) is not None:
            out.add(there)


_DATES = frozenset(("date", "dateTime", "instant", "Period", "Timing"))


def rows(resource: dict[str, Any]) -> Indexed:
    """The index rows of one valid resource that has its id. Pure but for the registry of this process (search/registry.py)."""
    type_ = resource["resourceType"]
    plan = _plan(type_)
    out = _Out()
    steps = plan.steps
    there = 0
    for code, value, kind in plan.extract(resource):
        step = steps.get(code)
        if step is not None:
            there |= step[0]
            if step[1] is not None:
                step[1](out, value, kind)
    if type_ in registry.current.by_type:
        _own(type_, resource, out)
    pat = _patients(type_, resource, plan, out)
    lo, hi = out.main or out.fallback or (EARLIEST, EARLIEST)
    hot = list(dict.fromkeys(out.hot))
    codes = [(k, out.value) for k in hot[1:]] + out.codes
    if hi - lo > SPAN:
        out.add(key(type_ + LONG))
        for code, _ in codes:
            out.add(long_key(code))
    cares = _cares(type_, resource) if type_ in _CARE else []
    return Indexed(pat, hot[0] if hot else None, lo, hi, out.value, [there | out.dated, *dict.fromkeys(out.terms)], list(out.strs),
                   list(out.dates), list(out.qtys), list(dict.fromkeys(codes)), cares, list(out.refs),
                   0 if pat is None else sensitive.bits(resource), _made_at(resource))  # fmt: skip


_MAKERS = ("serviceProvider", "custodian", "managingOrganization", "author", "performer", "recorder", "requester", "asserter",
           "informationSource", "sender", "provider", "organization")  # fmt: skip
"""Elements that name where a resource comes from, the surest first."""


def _made_at(resource: dict[str, Any]) -> int | None:
    for name in _MAKERS:
        value = resource.get(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and (found := _orgs(one) or _orgs(one.get("actor"))):
                return found[0]
    return None


def encounter_of(resource: dict[str, Any]) -> str | None:
    """The id of the encounter that a resource says it belongs to, as a literal reference to this server."""
    for name in ("encounter", "context"):
        value = resource.get(name)
        if isinstance(value, dict) and name == "context" and isinstance(value.get("encounter"), list):  # DocumentReference
            value = next(iter(value["encounter"]), None)
        text = value.get("reference") if isinstance(value, dict) else None
        at = literal(text) if isinstance(text, str) else None
        if at and not at[0] and at[1] == "Encounter":
            return at[2]
    return None


def _orgs(values: Any) -> list[int]:
    found = []
    for value in values if isinstance(values, list) else [values]:
        text = value.get("reference") if isinstance(value, dict) else None
        at = literal(text) if isinstance(text, str) else None
        if at and not at[0] and at[1] == "Organization":
            found.append(org_key(at[2]))
    return found


def _period(resource: dict[str, Any], name: str) -> tuple[datetime, datetime]:
    value = resource.get(name)
    found = of_value(value, "Period") if isinstance(value, dict) else of_value(value, "dateTime")
    return found or (EARLIEST, LATEST)


def _encounter(r: dict[str, Any]) -> list[tuple[int, datetime, datetime]]:
    if r.get("status") == "entered-in-error":
        return []
    lo, hi = _period(r, "period")
    if r.get("status") in ("finished", "cancelled") and hi == LATEST:
        hi = lo + SPAN / 32 if lo > EARLIEST else lo
    return [(org, lo, hi) for org in _orgs(r.get("serviceProvider"))]


def _since(r: dict[str, Any], name: str) -> tuple[datetime, datetime]:
    return _period(r, name)[0], LATEST


def _appointment(r: dict[str, Any]) -> list[tuple[int, datetime, datetime]]:
    actors = [p.get("actor") for p in r.get("participant") or () if isinstance(p, dict)]
    if r.get("status") in ("cancelled", "entered-in-error"):
        return []
    lo, hi = _period(r, "start")[0], _period(r, "end")[0]
    until = hi if hi > EARLIEST else lo if lo > EARLIEST else LATEST  # without a day it waits for one
    return [(org, lo, max(lo, until)) for org in _orgs(actors)]


def _referral(r: dict[str, Any]) -> list[tuple[int, datetime, datetime]]:
    """Open until it is done: then as long as what has ended on the day it was last heard of would be."""
    if r.get("status") in ("revoked", "entered-in-error"):
        return []
    lo, hi = _since(r, "authoredOn")
    if r.get("status") == "completed" and lo > EARLIEST:
        hi = lo + SPAN
    return [(org, lo, hi) for org in _orgs(r.get("performer"))]


_CARE: dict[str, Callable[[dict[str, Any]], list[tuple[int, datetime, datetime]]]] = {
    "Encounter": _encounter,
    "EpisodeOfCare": lambda r: [(org, *_period(r, "period")) for org in _orgs(r.get("managingOrganization"))],
    "CareTeam": lambda r: [(org, *_period(r, "period")) for org in _orgs(r.get("managingOrganization"))],
    "Appointment": _appointment,
    "ServiceRequest": _referral,
}


def _cares(type_: str, resource: dict[str, Any]) -> list[tuple[int, datetime, datetime]]:
    """(facility, from, until): where the patient is or was cared for. A referral or an appointment opens it from its day on."""
    return _CARE[type_](resource)


Sides = tuple[list[Any], list[Any], list[Any], list[Any], list[Any]]


def side_rows(rid: int, x: Indexed) -> Sides:
    """The rows of str, ix_date, ix_qty, code2 and care."""
    return (
        [(p, norm, rid) for p, norm in x.strs],
        [(p, lo, hi, rid) for p, lo, hi in x.dates],
        [(p, unit, val, rid) for p, unit, val in x.qtys],
        [(code, x.dlo, rid, x.pat, val) for code, val in x.codes],
        [(x.pat, org, lo, hi, rid) for org, lo, hi in x.cares],
    )
