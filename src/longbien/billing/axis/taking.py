"""What was received becomes part of the record: job `axis.take`, one file; each claim in a transaction of its own.

Doing it twice does it once: a claim whose rows are the same changes nothing, and a file that came later wins over one that came
before. What an earlier claim of the visit said and this one does not is marked as entered in error."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from longbien.access import housework
from longbien.base import clock, keys, log
from longbien.base.blobs import Blobs
from longbien.base.errors import Gone, Invalid, LongbienError, NotFound
from longbien.base.ids import key64
from longbien.base.jobs import Handler
from longbien.base.place import Place
from longbien.fhir import json as fhir_json
from longbien.fhir import systems as s
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.inside import inside, lock
from longbien.record.store import Store
from longbien.wire import claims_xml

from . import catalogue, of_visit, people, shape
from .building import provenance, resources
from .of_visit import Origin, base_of
from .senders import Q
from .shape import TAG, Known, Resource, Row

QUEUE = "axis.take"
Claim = Mapping[str, Sequence[Row]]
MADE = frozenset((
    "Patient", "Coverage", "Encounter", "Condition", "Observation", "MedicationRequest", "Procedure", "DiagnosticReport",
    "Composition", "ExplanationOfBenefit", "Provenance",
))  # fmt: skip
STAYS = frozenset(("Patient", "Coverage", "Provenance", "Encounter"))
"""Of what an earlier claim made, what is not taken back by a later one."""
WRONG = {"coding": [{"system": s.CONDITION_VERIFICATION, "code": "entered-in-error"}]}
_MANNER = Manner(references="trust", skip_unchanged=True)
_log = log.get(__name__)


def blobs() -> Blobs:
    """Where the files lie as they came, sealed: below the data folder."""
    data = Place.read().folder
    return Blobs(data / "blobs" / "axis", ring=keys.ring(data))


def store_of(engine: Engine, account: int, name: str, why: str) -> Store:
    return housework.store(engine, why, reads=MADE | {"Organization"}, creates=MADE, updates=MADE, asked_by=(account, name))


def job(engine: Engine) -> Handler:
    """The handler of the queue."""

    async def take(payload: Mapping[str, Any]) -> datetime | None:
        await take_file(engine, int(payload["file"]))
        return None

    return take


async def take_file(engine: Engine, number: int, files: Blobs | None = None) -> None:
    """Take in a file that was received. What can be done later again (the database is away) is raised, so that the job goes on."""
    row = await engine.db.fetchrow(Q.file, number)
    if row is None or row["state"] != "received":
        return
    data = b"".join([chunk async for chunk in (files or blobs()).read(row["digest"])])
    envelope = await asyncio.to_thread(claims_xml.read, data)
    known = await catalogue.known(engine, envelope.claims)
    facility = await _facility(engine, row["facility"])
    origin = Origin(row["facility"], row["code"], facility, row["receipt"])
    said = []
    for claim in envelope.claims:
        why = f"claim received from {row['name']}, receipt {row['receipt']}"
        said.append(await _told(store_of(engine, row["account"], row["name"], why), claim, origin, number, known))
    answer = {**json.loads(row["answer"]), "hoSo": said}
    await engine.db.execute(Q.file_done, number, "taken", json.dumps(answer))


async def _facility(engine: Engine, id_: str) -> str:
    store = housework.store(engine, "the facility of a claim", reads=frozenset({"Organization"}))
    return str(fhir_json.loads((await store.read("Organization", id_)).body, strict=False).get("name") or "")


async def _told(store: Store, claim: Claim, origin: Origin, file: int, known: Known) -> dict[str, str]:
    """One claim, and what is said of it. What is wrong with the claim itself ends here; what is wrong with the house is raised."""
    link = next(iter(claim.get("XML1", ())), {}).get("MA_LK", "")
    try:
        state, text = await take_claim(store, claim, origin, file, known)
    except LongbienError as why:
        if why.status >= 500 or not isinstance(why, Invalid):
            raise
        issue = next((i.text for i in why.issues), "") or why.text
        return {"MA_LK": link, "maKetQua": "205", "thongDiep": issue[:300]}
    return {"MA_LK": link, "maKetQua": "200", "trangThai": state, "thongDiep": text}


async def take_claim(store: Store, claim: Claim, origin: Origin, file: int, known: Known) -> tuple[str, str]:
    """(what became of it, what is to be said): moi, cap-nhat, khong-doi, cu-hon, da-co. Raises Invalid where it makes no FHIR."""
    head = next(iter(claim.get("XML1", ())), {})
    link = head.get("MA_LK", "").strip()
    digest = hashlib.sha256(json.dumps(claim, sort_keys=True, ensure_ascii=False).encode()).digest()
    async with inside(store) as within:
        await lock(within, [key64(f"axis/{origin.code}/{link}"), *people.locks(head)])
        before = await within.engine.db.fetchrow(Q.claim, origin.facility, link)
        if before is not None and before["file"] > file:
            return "cu-hon", "A later file of this visit was taken already."
        if before is not None and before["digest"] == digest:
            return "khong-doi", "The same as before."
        if before is None and await _ours(within, origin, link):
            return "da-co", "The record holds this visit already: its own facility wrote it here."
        patient, new, doubt = await _patient(within, head, origin, before)
        made = resources(claim, origin, patient, known)
        note = provenance(base_of(origin.code, link), origin, patient, clock.instant(clock.now()), made)
        names = [f"{r['resourceType']}/{r['id']}" for r in (*new, *made)]
        gone = await _gone(within, before["made"] if before is not None else (), names)
        await within.commit([Update(r) for r in (*new, *made, *gone, note)], _MANNER)
        await within.engine.db.execute(Q.claim_put, origin.facility, link, file, digest, patient, base_of(origin.code, link), names)
    return ("moi" if before is None else "cap-nhat"), doubt


async def _ours(store: Store, origin: Origin, link: str) -> bool:
    """Whether the facility has written this visit into the record itself (a house that also sends its claims)."""
    numbers = {link, link.removeprefix(f"{origin.code}.")}
    wanted = ",".join(f"{s.ENCOUNTER_NUMBER}|{_escaped(n)}" for n in sorted(numbers))
    page = await store.search(
        "Encounter", [("identifier", wanted), ("service-provider", f"Organization/{origin.facility}"), ("_count", "5")]
    )
    return any(e.id != base_of(origin.code, link) for e in page.matches)


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\,|$" else c for c in text)


async def _patient(store: Store, head: Row, origin: Origin, before: Any) -> tuple[str, list[Resource], str]:
    """(id, the Patient to be made, what is to be said)."""
    if before is not None:
        known = fhir_json.loads((await store.read("Patient", before["patient"])).body, strict=False)
        return str((await people.standing(store, known))["id"]), [], ""
    found = await people.find(store, head)
    if found.patient:
        return found.patient, [], ""
    id_ = f"{base_of(origin.code, head.get('MA_LK', '').strip())}-p"
    made = of_visit.person(head, id_, origin.reference)
    made["meta"] = {"source": f"urn:longbien:axis:{origin.receipt}", "tag": [{"system": TAG, "code": "claim"}]}
    if found.doubt:
        made["identifier"] = [i for i in made.get("identifier", ()) if i["system"] not in {x for x, _ in people.numbers(head)}]
    return id_, [shape.without_empty(made)], found.doubt


async def _gone(store: Store, before: Sequence[str], now: Sequence[str]) -> list[Resource]:
    """What stood and stands no more, as entered in error."""
    out = []
    for name in sorted(set(before) - set(now)):
        type_, _, id_ = name.partition("/")
        if type_ in STAYS:
            continue
        try:
            there: Resource = fhir_json.loads((await store.read(type_, id_)).body, strict=False)
        except (NotFound, Gone):
            continue
        there.pop("meta", None)
        if type_ == "Condition":
            there.pop("clinicalStatus", None)
            there["verificationStatus"] = WRONG
        else:
            there["status"] = "entered-in-error"
        out.append(there)
    return out
