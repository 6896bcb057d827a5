"""A patient's consents: what holds, taking one, withdrawing one. Each is a FHIR Consent in the patient's record; together they are
a ledger that is only ever added to (consent_guard.py), each entry's hash in the sealed trail.

For staff (permission CONSENT, who cares for the patient) and for patients and carers themselves; both call the same functions."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from longbien.base import clock, ids
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.base.words import parse_instant
from longbien.fhir import json
from longbien.fhir.references import literal
from longbien.fhir.systems import BASE
from longbien.record.change import Change, Create, Manner, Stored, Update
from longbien.record.directives import ANYBODY, PRIVACY, READERS, directives, purpose_bits
from longbien.record.engine import Engine
from longbien.record.scope import RowSQL, Scope
from longbien.record.sensitive import BY_CODE, CATEGORIES, CONFIDENTIALITY, ORDINARY
from longbien.record.store import Store
from longbien.record.types import number

from .actor import Actor
from .consent_rows import default_mask
from .door import Door
from .roles import CONSENT, ME

Q = queries(__file__, "sql/consent.sql")
How = Literal["paper", "screen", "vneid"]
HOWS: tuple[How, ...] = ("paper", "screen", "vneid")
PURPOSES = ("TREAT", "HPAYMT", "HOPERAT", "PUBHLTH", "HRESCH")
"""What one may consent to; treatment includes emergencies and care management."""
LARGEST_SCAN = 2 << 20
SCANS = ("application/pdf", "image/jpeg", "image/png")
MOST = 500
LAW = "https://vbpl.vn/law/91/2025/QH15"
"""Law on the protection of personal data, in force from 1 January 2026: consent for each purpose, provable, to be withdrawn."""
EXT_HOW = BASE + "/StructureDefinition/consent-how"
EXT_TAKEN_BY = BASE + "/StructureDefinition/consent-taken-by"
EXT_PROOF = BASE + "/StructureDefinition/consent-proof"
LOINC_CONSENT = {"system": "http://loinc.org", "code": "59284-0", "display": "Consent Document"}


@dataclass(frozen=True)
class Choice:
    """readers: "Organization/<id>" or "Practitioner/<id>"; empty: every other facility.
    categories: codes of sensitive.CATEGORIES and "ordinary"; empty: what is in no category (a permission), everything (a refusal).
    purposes: PurposeOfUse codes; empty: treatment (a permission), all (a refusal).
    until: None for as long as it is not withdrawn."""

    permit: bool
    readers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    until: datetime | None = None


@dataclass(frozen=True)
class Proof:
    """How the patient said it. number: of the paper, or of the VNeID transaction. by: the RelatedPerson (id) who said it for them.
    scan: the signed paper as (media type, bytes)."""

    how: How
    number: str = ""
    by: str | None = None
    scan: tuple[str, bytes] | None = None


class Entry(NamedTuple):
    """One entry of the ledger as it is now. status: R4 Consent.status. at: given; changed: last. hash: sha256 of its content."""

    id: str
    version: int
    status: str
    at: datetime | None
    changed: datetime
    choices: tuple[Choice, ...]
    how: str
    number: str
    taken_by: str
    organization: str
    hash: str
    scan: str = ""
    """Id of the DocumentReference that holds the signed paper; "" where none was added."""

    @property
    def holds(self) -> bool:
        return self.status == "active"


class Standing(NamedTuple):
    """What a reader sees of the rows of other facilities: category code ("ordinary" among them) -> whether it is open, and whether
    the patient has said so (else it is the house's default)."""

    open: dict[str, bool]
    said: dict[str, bool]


def content_hash(consent: dict[str, Any]) -> str:
    """sha256, hex, of what a Consent says: without id, meta, narrative and status, keys in order."""
    said = {k: v for k, v in consent.items() if k not in ("id", "meta", "text", "status")}
    return hashlib.sha256(json.dumps(_ordered(said))).hexdigest()


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _ordered(value[k]) for k in sorted(value)}
    return [_ordered(v) for v in value] if isinstance(value, list) else value


def _scope(door: Door, actor: Actor, reason: str) -> Scope:
    """Who takes or withdraws: staff with the permission, by their own warrant; a patient or carer for the records open to them."""
    own = door.scope(actor, reason=reason)
    if actor.may(ME):
        writes = frozenset({"Consent", "DocumentReference"})
        return replace(own, writes=writes, creates=writes, updates=frozenset({"Consent"}), deletes=frozenset(), begins=None)
    if not actor.may(CONSENT):
        raise Forbidden(f"{actor.name} may not take or withdraw a patient's consent.")
    more = frozenset({"Consent", "DocumentReference"})
    return replace(own, writes=(own.writes or frozenset()) | more, creates=(own.creates or frozenset()) | more,
                   updates=(own.updates or frozenset()) | {"Consent"})  # fmt: skip


async def take(door: Door, actor: Actor, patient_id: str, choice: Choice, proof: Proof) -> Stored:
    """Write down what the patient says. It holds with the next statement of anybody. Raises Forbidden, Invalid, NotFound (also for
    a record that is not open to the actor)."""
    scope = _scope(door, actor, f"consent taken: {proof.how}")
    store = Store(door.engine, scope)
    await store.read("Patient", patient_id)
    changes: list[Change] = []
    source = _scanned(patient_id, proof, changes)
    consent = _consent(actor, patient_id, choice, proof, source)
    if not directives({**consent, "id": "x"}):
        raise Invalid(
            "This consent would open and close nothing: name categories, purposes and a time that there are.", code="value"
        )
    stored = await store.commit([*changes, Create(consent)], Manner())
    return stored[-1]


async def take_for_carer(door: Door, actor: Actor, patient_id: str, relative: str, proof: Proof) -> Stored:
    """The patient's consent that one person (RelatedPerson id) sees their record from home, as a carer. It opens nothing to any
    facility: directives.py knows facilities and staff only. Raises as `take`."""
    store = Store(door.engine, _scope(door, actor, f"consent taken for a carer: {proof.how}"))
    await store.read("Patient", patient_id)
    changes: list[Change] = []
    source = _scanned(patient_id, proof, changes)
    made = _consent(actor, patient_id, Choice(True), proof, source)
    rule = made["provision"]["provision"][0]
    rule["actor"] = [{"role": _RECEIVES, "reference": {"reference": f"RelatedPerson/{relative}"}}]
    if directives({**made, "id": "x"}):
        raise Invalid("A consent for a carer must open nothing to facilities.", code="business-rule")
    return (await store.commit([*changes, Create(made)], Manner()))[-1]


async def withdraw(door: Door, actor: Actor, patient_id: str, consent_id: str, how: How = "screen") -> Stored:
    """End one entry. Nothing of it holds with the next statement of anybody, in every process. Raises NotFound, Conflict (it does
    not hold any more), Forbidden."""
    store = Store(door.engine, _scope(door, actor, f"consent withdrawn: {how}"))
    there = await store.read("Consent", consent_id)
    consent = json.loads(there.body)
    if there.pat != patient_key(patient_id):
        raise NotFound(f"Consent/{consent_id} is not known.")
    if consent.get("status") != "active":
        raise Conflict("This consent does not hold any more.")
    return (await store.commit([Update({**consent, "status": "inactive"}, if_match=there.version)]))[0]


async def ledger(door: Door, actor: Actor, patient_id: str) -> list[Entry]:
    """Every privacy consent of the patient that the actor may see, newest first; with what was withdrawn. Audited as a search."""
    store = Store(door.engine, door.scope(actor, reason="consents"))
    asked = [("patient", f"Patient/{patient_id}"), ("_sort", "-_lastUpdated"), ("_count", str(MOST))]
    found = await store.search("Consent", asked)
    made = (_entry(json.loads(e.body, strict=False), e.version, e.updated) for e in found.entries)
    return [e for e in made if e is not None]


async def standing(door: Door, patient_id: str, reader: str | None = None, purpose: str = "TREAT") -> Standing:
    """What holds for a reader ("Organization/<id>" or "Practitioner/<id>", None: everybody elsewhere) and a purpose, now. Says
    nothing about whether the reader cares for the patient. The caller has seen to it that the record is open to whoever is told."""
    keys = [ANYBODY, *([ids.key64(reader)] if reader else [])]
    rows = await door.engine.db.fetch(Q.now, patient_key(patient_id), keys, purpose_bits(purpose) & -purpose_bits(purpose))
    mask, said = default_mask(door.settings, purpose_bits(purpose)), 0
    for row in sorted(rows, key=lambda r: keys.index(r["reader"])):
        mask = row["permit"] | (~row["decided"] & mask)
        said |= row["decided"]
    bits = {"ordinary": ORDINARY, **{c.code: c.bit for c in CATEGORIES}}
    return Standing({k: bool(mask & b) for k, b in bits.items()}, {k: bool(said & b) for k, b in bits.items()})


async def withheld(door: Door, scope: Scope, patient_id: str) -> int:
    """How many resources of an open record the patient keeps from this scope, of categories of which that may be told. The caller
    has seen to it that the record is open to the scope."""
    if scope.withheld is None or not scope.reads:
        return 0
    args: list[Any] = [patient_key(patient_id), [number(t) for t in scope.reads]]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    row = RowSQL.of("h")._replace(pat="$1::bigint")
    sql = Q.withheld.replace("{withheld}", f"NOT {scope.whole(row.pat, bind)} AND {scope.withheld.sql(row, bind)}")
    count: int = await door.engine.db.fetchval(sql, *args)
    return count


async def tells(engine: Engine, scope: Scope, patient_id: str) -> bool:
    """Whether a search about this patient is answered with the hint that something is withheld: the record is open to the scope,
    and something is kept from it of which that may be told. The same whatever was searched for, so that it says no more than
    `withheld` says on the chart: nobody finds out by many questions what it is."""
    if scope.withheld is None or not scope.reads:
        return False
    args: list[Any] = [patient_key(patient_id), [number(t) for t in scope.reads], patient_id, number("Patient")]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    row = RowSQL.of("h")._replace(pat="$1::bigint")
    open_ = scope.where(RowSQL.of("p"), bind)
    hidden = f"NOT {scope.whole(row.pat, bind)} AND {scope.withheld.sql(row, bind)}"
    told: bool = await engine.db.fetchval(Q.tells.replace("{open}", open_).replace("{withheld}", hidden), *args)
    return told


def _scanned(patient_id: str, proof: Proof, changes: list[Change]) -> str | None:
    """The signed paper as a DocumentReference among the changes; gives the reference. The bytes are in it (a Binary has no patient,
    so the rules of access could not tell whose it is)."""
    if proof.scan is None:
        return None
    kind, data = proof.scan
    if kind not in SCANS or not 0 < len(data) <= LARGEST_SCAN:
        raise Invalid(f"The scan must be a PDF, JPEG or PNG of at most {LARGEST_SCAN >> 20} MB.", code="value")
    document = ids.new_id()
    digest = base64.b64encode(hashlib.sha1(data).digest()).decode()  # noqa: S324 - FHIR's Attachment.hash is SHA-1
    paper = {"contentType": kind, "data": base64.b64encode(data).decode(), "hash": digest, "size": len(data)}
    changes.append(Create({
        "resourceType": "DocumentReference", "status": "current", "type": {"coding": [LOINC_CONSENT]},
        "subject": {"reference": f"Patient/{patient_id}"}, "date": clock.instant(clock.now()),
        "content": [{"attachment": paper}],
    }, id=document))  # fmt: skip
    return f"DocumentReference/{document}"


def _consent(actor: Actor, patient_id: str, choice: Choice, proof: Proof, source: str | None) -> dict[str, Any]:
    if proof.how not in HOWS:
        raise Invalid(f"Say how it was given: {', '.join(HOWS)}.", code="value")
    if proof.how != "screen" and not proof.number.strip() and proof.scan is None:
        raise Invalid("Say the number of the paper or of the VNeID transaction, or add the scan.", code="required")
    now = clock.instant(clock.now())
    giver = f"RelatedPerson/{proof.by}" if proof.by else f"Patient/{patient_id}"
    extensions = [{"url": EXT_HOW, "valueCode": proof.how}, {"url": EXT_TAKEN_BY, "valueString": actor.name}]
    if proof.number.strip():
        extensions.append({"url": EXT_PROOF, "valueString": " ".join(proof.number.replace("\0", "").split())[:200]})
    made: dict[str, Any] = {
        "resourceType": "Consent", "extension": extensions, "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": PRIVACY}]},
        "category": [{"coding": [LOINC_CONSENT]}],
        "patient": {"reference": f"Patient/{patient_id}"}, "dateTime": now, "performer": [{"reference": giver}],
        "policy": [{"uri": LAW}],
        "verification": [{"verified": True, "verifiedWith": {"reference": giver}, "verificationDate": now}],
        "provision": {"provision": [_provision(choice, now)]},
    }  # fmt: skip
    if actor.organization:
        made["organization"] = [{"reference": f"Organization/{actor.organization}"}]
    if source:
        made["sourceReference"] = {"reference": source}
    return made


def _provision(choice: Choice, now: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"type": "permit" if choice.permit else "deny"}
    if choice.until is not None:
        rule["period"] = {"start": now, "end": clock.instant(choice.until)}
    if choice.readers:
        rule["actor"] = [{"role": _RECEIVES, "reference": {"reference": _reader(r)}} for r in choice.readers]
    if choice.categories:
        rule["securityLabel"] = [_label(c) for c in choice.categories]
    if choice.purposes:
        wrong = [p for p in choice.purposes if p not in PURPOSES]
        if wrong:
            raise Invalid(f"{wrong[0][:40]!r} is not a purpose: {', '.join(PURPOSES)}.", code="value")
        rule["purpose"] = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": p} for p in choice.purposes]
    return rule


_RECEIVES = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}


def _reader(text: str) -> str:
    at = literal(text)
    if at is None or at[0] or at[1] not in READERS:
        raise Invalid(f"{text[:80]!r} is neither a facility nor a member of staff.", code="value")
    return f"{at[1]}/{at[2]}"


def _label(code: str) -> dict[str, str]:
    if code == "ordinary":
        return {"system": CONFIDENTIALITY, "code": "N"}
    if code not in BY_CODE:
        raise Invalid(f"{code[:40]!r} is not a category: ordinary, {', '.join(BY_CODE)}.", code="value")
    return {"system": BY_CODE[code].system, "code": BY_CODE[code].label}


def _entry(consent: dict[str, Any], version: int, changed: datetime) -> Entry | None:
    """None for a Consent about something else (treatment, research)."""
    codings = (consent.get("scope") or {}).get("coding") or ()
    if not any(c.get("code") == PRIVACY for c in codings):
        return None
    held = {x.get("url"): x.get("valueCode") or x.get("valueString") or "" for x in consent.get("extension") or ()}
    rules = [r for r in _flat(consent.get("provision")) if r.get("type") in ("permit", "deny")]
    at = consent.get("dateTime")
    return Entry(
        id=str(consent["id"]), version=version, status=str(consent.get("status")), changed=changed, how=held.get(EXT_HOW, ""),
        at=parse_instant(at) if isinstance(at, str) and "T" in at else None, choices=tuple(_choice(r) for r in rules),
        number=held.get(EXT_PROOF, ""), taken_by=held.get(EXT_TAKEN_BY, ""), hash=content_hash(consent),
        scan=str((consent.get("sourceReference") or {}).get("reference") or "").partition("DocumentReference/")[2],
        organization=str(((consent.get("organization") or [{}])[0]).get("reference") or "").removeprefix("Organization/"),
    )  # fmt: skip


async def scan(door: Door, actor: Actor, patient_id: str, consent_id: str) -> tuple[str, bytes]:
    """(media type, bytes) of the signed paper of one entry. Raises NotFound, Forbidden."""
    store = Store(door.engine, _scope(door, actor, "the paper of a consent"))
    there = await store.read("Consent", consent_id)
    entry = _entry(json.loads(there.body), there.version, there.updated)
    if there.pat != patient_key(patient_id) or entry is None or not entry.scan:
        raise NotFound("There is no scan of this consent.")
    paper = await store.read("DocumentReference", entry.scan)
    held = (json.loads(paper.body).get("content") or [{}])[0].get("attachment") or {}
    if paper.pat != there.pat or held.get("contentType") not in SCANS or not held.get("data"):
        raise NotFound("There is no scan of this consent.")
    return str(held["contentType"]), base64.b64decode(held["data"])


def _flat(provision: Any) -> list[dict[str, Any]]:
    if not isinstance(provision, dict):
        return []
    return [provision, *(x for inner in provision.get("provision") or () for x in _flat(inner))]


_BY_LABEL = {(c.system, c.label): c.code for c in CATEGORIES} | {(CONFIDENTIALITY, "N"): "ordinary"}


def _choice(rule: dict[str, Any]) -> Choice:
    labels = tuple(_BY_LABEL.get((x.get("system"), x.get("code")), str(x.get("code"))) for x in rule.get("securityLabel") or ())
    readers = tuple(str((a.get("reference") or {}).get("reference") or "") for a in rule.get("actor") or ())
    end = (rule.get("period") or {}).get("end")
    return Choice(
        rule["type"] == "permit", readers, labels, tuple(str(p.get("code")) for p in rule.get("purpose") or ()),
        parse_instant(end) if isinstance(end, str) and "T" in end else None,
    )  # fmt: skip
