"""What the visit's page asks of the record: which visit it is about, the note and the prescription before it, its papers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ..base import clock
from ..base.errors import Gone, NotFound
from ..base.ids import FHIR_ID, key64, patient_key
from ..base.sql import queries
from ..fhir import systems as s
from ..record.change import Stored
from ..record.page import Entry
from ..record.store import Store
from ..record.types import number
from ..web.chart.record import Life, Visit, code_of, first, moment, reference_id
from ..web.desk import scoped
from . import codes, dosing
from .dosing import COUNTED, Drug, Line, cells
from .formulary import Formulary

Q = queries(__file__, "sql/clinic.sql")
_decode = msgspec.json.Decoder().decode
Resource = dict[str, Any]
OUTPATIENT = frozenset({"AMB", "EMER", "VR", "HH", "SS", "OBSENC"})
_RANK = {"in-progress": 0, "onleave": 0, "triaged": 1, "arrived": 1, "planned": 2, "finished": 3}
_TICKET = key64(f"Task.code|{codes.TASK}|{codes.TICKET}")


@dataclass
class Reading:
    """A resource with the version it was read in."""

    body: Resource
    version: int

    @property
    def id(self) -> str:
        return str(self.body["id"])


def of(stored: Stored | Entry) -> Reading:
    return Reading(_decode(stored.body), stored.version)


GOING_ON = frozenset({"arrived", "triaged", "in-progress", "onleave"})


def of_today(visit: Visit, now: datetime) -> bool:
    """Began today, or began yesterday and still goes on: who came before midnight is not lost at midnight."""
    today = clock.local(now).date()
    on = clock.local(visit.start).date()
    return on == today or (visit.status in GOING_ON and today - on <= timedelta(days=1) and visit.start <= now)


def choose(life: Life, organization: str | None, now: datetime, asked: str = "") -> Visit | None:
    """The visit that is being written: the one asked for, else what runs here today, else who has come, else what is booked or
    done today."""
    here = [v for v in life.visits if v.kind in OUTPATIENT and (not organization or v.place == organization)]
    if asked:
        return next((v for v in here if v.id == asked), None)
    those = [v for v in here if v.status in _RANK and of_today(v, now)]
    return min(those, key=lambda v: (_RANK[v.status], -v.start.timestamp()), default=None)


async def encounter(store: Store, patient: str, id_: str) -> Reading:
    """A visit of this patient. Raises NotFound, also for another patient's."""
    stored = await store.read("Encounter", id_)
    if stored.pat != patient_key(patient):
        raise NotFound("There is no such visit.")
    return of(stored)


async def _search(store: Store, type_: str, *params: tuple[str, str]) -> list[Reading]:
    page = await store.search(type_, list(params))
    return [of(e) for e in page.entries]


async def notes(store: Store, patient: str, count: int = 6) -> list[Reading]:
    """Outpatient notes, newest first."""
    kind = f"{s.LOINC}|{codes.NOTE_LOINC}"
    return await _search(store, "Composition", ("patient", patient), ("type", kind), ("_sort", "-date"), ("_count", str(count)))


def about(note: Mapping[str, Any], encounter_id: str) -> bool:
    return reference_id(note.get("encounter")) == encounter_id and note.get("status") not in ("entered-in-error",)


async def papers(store: Store, patient: str, encounter_id: str) -> list[Reading]:
    """The legal papers of a visit, newest first."""
    kinds = ",".join(f"{codes.PAPER}|{k}" for k in codes.PAPERS)
    params = (
        ("patient", patient),
        ("encounter", f"Encounter/{encounter_id}"),
        ("type", kinds),
        ("_sort", "-date"),
        ("_count", "40"),
    )
    found = await _search(store, "Composition", *params)
    return [x for x in found if x.body.get("status") != "entered-in-error"]


async def responses(store: Store, patient: str, encounter_id: str) -> list[Resource]:
    """Forms that were filled in this visit (specialty records, scores), newest first."""
    if not store.scope.may_read("QuestionnaireResponse"):
        return []
    asked = (("patient", patient), ("encounter", f"Encounter/{encounter_id}"), ("_sort", "-authored"), ("_count", "30"))
    return [r.body for r in await _search(store, "QuestionnaireResponse", *asked) if r.body.get("status") != "entered-in-error"]


async def definition(store: Store, id_: str) -> Resource | None:
    """What the catalogue of orders calls this (an ActivityDefinition with a code); None where there is none."""
    if not FHIR_ID.match(id_):
        return None
    try:
        found = of(await store.read("ActivityDefinition", id_)).body
    except (NotFound, Gone):
        return None
    return found if (found.get("code") or {}).get("coding") else None


async def requests(store: Store, patient: str) -> list[Reading]:
    """What was prescribed, newest first."""
    return await _search(store, "MedicationRequest", ("patient", patient), ("_sort", "-authoredon"), ("_count", "120"))


def number_of(request: Mapping[str, Any]) -> str:
    """The prescription that a line belongs to; "" for lines of none."""
    group = request.get("groupIdentifier") or {}
    return str(group.get("value") or "") if group.get("system") == codes.PRESCRIPTION_NUMBER else ""


def community(request: Mapping[str, Any]) -> bool:
    return code_of(request.get("category"), s.MEDICATION_CATEGORY) in ("community", "discharge", "outpatient", "")


@dataclass
class Earlier:
    """The prescription before this visit: when, and its lines. `whole`: it was written as one; else it is what is being taken."""

    day: datetime | None = None
    requests: list[Resource] = field(default_factory=list)
    whole: bool = False


def before(found: Sequence[Reading], encounter_id: str) -> Earlier:
    """The latest prescription of another visit; of a record that has none, the drugs that are being taken at home."""
    others = [
        r.body for r in found
        if reference_id(r.body.get("encounter")) != encounter_id and community(r.body)
        and r.body.get("status") in ("active", "completed", "on-hold")
    ]  # fmt: skip
    dated = [(moment(r.get("authoredOn")), r) for r in others]
    newest = next((r for t, r in dated if t and number_of(r)), None)
    taking = [r for t, r in dated if r.get("status") == "active" and not number_of(r)]
    if newest is not None:
        at, seen = moment(newest.get("authoredOn")), reference_id(newest.get("encounter"))
        whole = [r for r in others if number_of(r) and reference_id(r.get("encounter")) == seen]
        return Earlier(at, whole[::-1] if whole[0].get("id", "") > whole[-1].get("id", "") else whole, True)
    return Earlier(max((t for t, r in dated if t and r in taking), default=None), taking[::-1], False)


def own(found: Sequence[Reading], encounter_id: str) -> list[Reading]:
    """The lines signed in this visit and still in force."""
    return [
        r for r in found
        if reference_id(r.body.get("encounter")) == encounter_id and number_of(r.body)
        and r.body.get("status") in ("active", "completed")
    ]  # fmt: skip


def drug_code(request: Mapping[str, Any]) -> str:
    return code_of(request.get("medicationCodeableConcept"), s.DRUG)


def line(request: Mapping[str, Any], formulary: Formulary, days: str = "") -> Line | None:
    """A MedicationRequest as a line of a new prescription; None for a drug that is in the formulary no more."""
    drug = formulary.by_code.get(drug_code(request))
    if drug is None:
        return None
    doses, note = cells(request.get("dosageInstruction") or (), drug)
    said = first(request, "dispenseRequest", "expectedSupplyDuration", "value")
    quantity = packs(drug)
    if not any(doses) and (value := first(request, "dispenseRequest", "quantity", "value")):
        quantity = str(value)
    return Line(drug.code, drug.name, doses, days or (str(said) if said else "30"), quantity, note)


def packs(drug: Drug) -> str:
    """How many of what lasts (a bottle, a tube, a pen) one begins with: one; "" of what is counted by the dose."""
    return "" if drug.unit in COUNTED else "1"


def usual(drug: Drug, kept: str, days: str) -> Line:
    """A new line: as this doctor wrote the drug last, else its usual dose."""
    parts = kept.split("\x1f") if kept else []
    if len(parts) == 6:
        s_, n, a, e, last, note = parts
        return Line(drug.code, drug.name, (s_, n, a, e), days or last, packs(drug), note)
    doses, note = dosing.usual(drug)
    return Line(drug.code, drug.name, doses, days or "7", packs(drug), note)


def keep(x: Line) -> str:
    """A line as `usual` takes it up again."""
    return "\x1f".join((*x.doses, x.days, x.note[:300].replace("\x1f", " ")))


_TAG = re.compile(r"<[^>]+>")


def sections(note: Mapping[str, Any]) -> dict[str, str]:
    """The texts of an outpatient note by key of codes.TEXTS: by the section's code, else by its title."""
    by_code = {loinc: key for key, loinc, _, _ in codes.TEXTS}
    by_title = {title.lower(): key for key, _, _, title in codes.TEXTS}
    found: dict[str, str] = {}
    for x in note.get("section") or ():
        title = str(x.get("title") or "").lower()
        key = by_title.get(title) or (by_code.get(code_of(x.get("code"), s.LOINC)) if not title else None)
        if key and key not in found:
            found[key] = plain(x.get("text"))
    return found


def plain(narrative: Any) -> str:
    """A Narrative as the text that it was made of."""
    value = str((narrative or {}).get("div") or "") if isinstance(narrative, dict) else ""
    text = _TAG.sub("", value.replace("</p>", "\n").replace("<br/>", "\n"))
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return text.strip()


async def ticket(store: Store, patient: str, encounter_id: str, since: datetime) -> Reading | None:
    """The number of the queue that this visit has today, where it has one that is not done."""
    if not store.scope.may_read("Task"):
        return None
    sql, args = scoped(store.scope, Q.tickets, [patient_key(patient)], number("Task"), since, _TICKET)
    rows = await store.engine.db.fetch(sql, *args, search=True)
    bodies = await store.engine.unpack_all([r["body"] for r in rows])
    found = [Reading(_decode(b), r["ver"]) for r, b in zip(rows, bodies, strict=True)]
    open_ = [t for t in found if t.body.get("status") not in ("completed", "cancelled", "entered-in-error")]
    mine = [t for t in open_ if reference_id(t.body.get("encounter")) in (encounter_id, "")]
    return mine[-1] if mine else None


def room_of(encounter: Mapping[str, Any]) -> str:
    """The id of the room that the patient is seen in, "" where none is named."""
    return reference_id(next((x.get("location") for x in encounter.get("location") or () if x.get("location")), None))
