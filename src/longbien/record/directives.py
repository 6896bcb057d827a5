"""What a patient's Consents say about who may see their record, and which records have a wall around them: rows that rules of
access ask (access/consent_rows.py). Pure; written by the commit that writes the resource, so a withdrawal holds with the next
statement.

A Consent counts while it is active and of scope patient-privacy (R4 consent.html). Each provision of type permit or deny is a rule:
for whom (actor: facilities, or one Practitioner; none: everybody elsewhere), which categories (securityLabel), for which purposes,
in which period. What is not said is taken narrowly for a permission, widely for a refusal: a permission without a label is not one
for sensitive categories, without a purpose it is for treatment; a condition that is not understood lets a permission count for
nothing and a refusal for everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from longbien.base.ids import key64, patient_key
from longbien.fhir.references import literal

from .search.params.dates import EARLIEST, LATEST, of_value
from .sensitive import ACT_CODE, ALL, ORDINARY, labelled
from .trail import PURPOSES

ANYBODY = 0
"""As a reader: every facility but the one that a row was made at."""
READERS = ("Organization", "Practitioner")
EVERY_PURPOSE = (1 << len(PURPOSES)) - 1
PRIVACY = "patient-privacy"
BEFORE = timedelta(microseconds=1)
"""By so much the policy that a Consent starts from is older than its own exceptions."""


def purpose_bits(*codes: str) -> int:
    """A mask of HL7 v3 PurposeOfUse codes; treatment includes emergency and care management. Unknown codes have no bit."""
    wider = [c for code in codes for c in ((code, "ETREAT", "CAREMGT") if code == "TREAT" else (code,))]
    return sum(1 << n for n, known in enumerate(PURPOSES) if known and known in wider)


TREATMENT = purpose_bits("TREAT")


class Directive(NamedTuple):
    """reader: key64('Organization/<id>') or key64('Practitioner/<id>'), or ANYBODY. cats: bits of sensitive.py. purposes: bits of
    trail.PURPOSES. lo, hi: when it holds. at: when it was given; of two the later counts, at the same moment the refusal."""

    permit: bool
    reader: int
    cats: int
    purposes: int
    lo: datetime
    hi: datetime
    at: datetime


class Wall(NamedTuple):
    """practitioner: the id of the member of staff whose colleagues stand before it; None: everybody does."""

    pat: int
    practitioner: str | None


def counts(consent: dict[str, Any]) -> bool:
    """Whether this Consent is a statement about who may see the record, in force."""
    codings = (consent.get("scope") or {}).get("coding") or ()
    return consent.get("status") == "active" and any(c.get("code") == PRIVACY for c in codings if isinstance(c, dict))


def directives(consent: dict[str, Any]) -> list[Directive]:
    """The rules of one Consent; none where it is not in force."""
    if not counts(consent):
        return []
    written = _moment((consent.get("meta") or {}).get("lastUpdated")) or LATEST
    at = max(min(_moment(consent.get("dateTime")) or written, written), EARLIEST + BEFORE)  # none is given in the future
    root = consent.get("provision")
    found = [] if not isinstance(root, dict) else list(_rules(root, root, at))
    base = _base(consent)
    if base is not None and not (isinstance(root, dict) and root.get("type")):
        frame = {k: v for k, v in (root or {}).items() if k not in ("provision", "type")}
        found += _rule({**frame, "type": "permit" if base else "deny"}, at - BEFORE)  # its own exceptions count more
    return found


def _base(consent: dict[str, Any]) -> bool | None:
    """The policy that a Consent starts from: opt-in or opt-out by name; None where it says none."""
    codings = (consent.get("policyRule") or {}).get("coding") or ()
    codes = {c.get("code") for c in codings if isinstance(c, dict) and c.get("system") == ACT_CODE}
    return False if "OPTOUT" in codes else True if "OPTIN" in codes else None


_UNDERSTOOD = frozenset({"type", "period", "actor", "purpose", "securityLabel", "provision", "id"})


def _rules(one: dict[str, Any], root: dict[str, Any], at: datetime) -> Iterator[Directive]:
    """A provision, and those inside it: each inner one with the frame of the root where it says nothing itself."""
    if one.get("type") in ("permit", "deny"):
        yield from _rule(one, at)
    for inner in one.get("provision") or ():
        if isinstance(inner, dict):
            frame = {k: v for k, v in root.items() if k not in ("provision", "type", "id")}
            yield from _rules({**frame, **inner}, root, at)


def _rule(one: dict[str, Any], at: datetime) -> list[Directive]:
    permit = one["type"] == "permit"
    understood = set(one) <= _UNDERSTOOD
    if permit and not understood:
        return []
    readers, all_known = _readers(one)
    cats = _categories(one, permit)
    purposes = _purposes(one, permit)
    if not understood:
        cats, purposes = ALL, EVERY_PURPOSE
    if not permit and not all_known:
        readers = [ANYBODY]
    lo, hi = _period(one)
    return [Directive(permit, r, cats, purposes, lo, hi, at) for r in readers if cats and purposes and lo < hi]


def _readers(one: dict[str, Any]) -> tuple[list[int], bool]:
    """(keys, whether every actor is one that we know)."""
    given = one.get("actor") or ()
    if not given:
        return [ANYBODY], True
    found, known = [], True
    for actor in given:
        text = (actor.get("reference") or {}).get("reference") if isinstance(actor, dict) else None
        at = literal(text) if isinstance(text, str) else None
        if at and not at[0] and at[1] in READERS:
            found.append(key64(f"{at[1]}/{at[2]}"))
        else:
            known = False
    return found, known


def _categories(one: dict[str, Any], permit: bool) -> int:
    labels = one.get("securityLabel") or ()
    if not labels:
        return ORDINARY if permit else ALL
    bits = [_label(x) for x in labels if isinstance(x, dict)]
    return ALL if not permit and not all(bits) else _union(bits)


def _union(bits: list[int]) -> int:
    found = 0
    for b in bits:
        found |= b
    return found


def _label(coding: dict[str, Any]) -> int:
    code, system = str(coding.get("code")), str(coding.get("system"))
    return ORDINARY if code == "N" else labelled(code, system)


def _purposes(one: dict[str, Any], permit: bool) -> int:
    given = [str(x.get("code")) for x in one.get("purpose") or () if isinstance(x, dict)]
    if not given:
        return TREATMENT if permit else EVERY_PURPOSE
    bits = [purpose_bits(code) for code in given]
    return EVERY_PURPOSE if not permit and not all(bits) else _union(bits)


def _period(one: dict[str, Any]) -> tuple[datetime, datetime]:
    value = one.get("period")
    found = of_value(value, "Period") if isinstance(value, dict) else None
    return found or (EARLIEST, LATEST)


def _moment(text: Any) -> datetime | None:
    found = of_value(text, "dateTime") if isinstance(text, str) else None
    return found[0] if found else None


def walls(resource: dict[str, Any]) -> list[Wall]:
    """Around whom there is a wall: a Patient labelled as known to the public or as staff (v3 ActCode CEL, EMP; Confidentiality R,
    V), and a Person who is both a Patient and a Practitioner here: there the colleagues stand before it."""
    if resource.get("resourceType") == "Patient":
        labels = {x.get("code") for x in (resource.get("meta") or {}).get("security") or () if isinstance(x, dict)}
        return [Wall(patient_key(str(resource["id"])), None)] if labels & {"CEL", "EMP", "R", "V"} else []
    if resource.get("resourceType") != "Person":
        return []
    linked = [_target(x) for x in resource.get("link") or () if isinstance(x, dict)]
    staff = [id_ for type_, id_ in linked if type_ == "Practitioner"]
    return [Wall(patient_key(id_), s) for type_, id_ in linked if type_ == "Patient" for s in staff]


def _target(link: dict[str, Any]) -> tuple[str, str]:
    text = (link.get("target") or {}).get("reference")
    at = literal(text) if isinstance(text, str) else None
    return (at[1], at[2]) if at and not at[0] else ("", "")
