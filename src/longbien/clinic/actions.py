"""What a doctor does in the clinic, as verbs: begin a visit, call, sign, write a paper, add to what is signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from ..base import clock
from ..base.errors import Conflict, NotFound, PreconditionFailed
from ..base.ids import key64
from ..fhir import systems as s
from ..record.change import Change, Create, Update
from ..record.store import Store
from ..web import times
from ..web.entries import Writer
from . import codes, compose, judge, readings
from .compose import Written
from .judge import Judged
from .readings import Reading

Resource = dict[str, Any]
AGAIN = 3
"""How often a signature is tried when somebody else changed the visit meanwhile without signing it."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TWENTY = 36**7


class AlreadySigned(Conflict):
    """Somebody else, or the same doctor in another window, has signed this visit."""

    def __init__(self, note: Resource):
        super().__init__("The visit is signed already.")
        self.note = note


@dataclass
class Signing:
    """What is signed. `once`: the form's token. texts: of the note. done: codes of procedures (CodeableConcept). copied, of:
    what was copied from which note. place: where the next visit is. facility: the five characters of the prescription code.
    replaces: the lines that an earlier prescription of this visit has."""

    once: str
    judged: Judged
    texts: Mapping[str, str]
    copied: Mapping[str, str] = field(default_factory=dict)
    of: str = ""
    followup_for: str = ""
    followup_at: datetime | None = None
    """The hour in the room's schedule; None: the day alone."""
    facility: str = "00000"
    known: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    taking: Sequence[Reading] = ()
    problems: Sequence[tuple[str, str]] = ()
    forms: Sequence[tuple[str, str]] = ()
    done: Sequence[Resource] = ()


def prescription_number(facility: str, once: str, kind: str) -> str:
    """14 characters: facility, seven of the form's own token, kind (decision 808/2022). The same form gives the same number; the
    national system is asked whether it is free when it is sent."""
    n = key64(f"prescription/{once}/{kind}") % _TWENTY
    made = ""
    for _ in range(7):
        n, at = divmod(n, 36)
        made = _DIGITS[at] + made
    return f"{facility[:5]:0>5}{made}-{kind}"


async def begin(store: Store, writer: Writer, id_: str, place: Mapping[str, Any] | None, now: datetime) -> None:
    """A visit that reception has not made: it begins now."""
    encounter: Resource = {
        "resourceType": "Encounter",
        "id": id_,
        "status": "in-progress",
        "class": {"system": s.ACT_CODE, "code": "AMB", "display": "ambulatory"},
        "subject": {"reference": f"Patient/{writer.patient}"},
        "period": {"start": clock.instant(now)},
        "serviceProvider": {"reference": f"Organization/{writer.organization}"},
    }
    if place:
        encounter["location"] = [{"location": dict(place)}]
    try:
        await store.commit([Create(compose.seen_by(encounter, writer), id=id_)])
    except Conflict:
        return  # the same form sent twice


async def call_in(store: Store, writer: Writer, encounter_id: str, now: datetime, *, first: bool = False) -> bool:
    """The patient is called in: the visit is in progress with this doctor, the number is called. False when somebody else was
    first, or it is over. Calling again who is in
    already is no fault, unless one wants to be the first (`first`)."""
    found = await readings.encounter(store, writer.patient, encounter_id)
    status = found.body.get("status")
    if status == "in-progress":
        return not first
    if status not in ("arrived", "triaged", "planned"):
        return False
    day = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    ticket = await readings.ticket(store, writer.patient, encounter_id, day)
    changes: list[Change] = [Update(compose.seen_by(compose.moved(found.body, "in-progress", now), writer), if_match=found.version)]
    if ticket is not None and ticket.body.get("status") in ("requested", "on-hold"):
        changes.append(Update(_ticket(ticket.body, writer, "received", now), if_match=ticket.version))
    try:
        await store.commit(changes)
    except (Conflict, PreconditionFailed):
        return False
    return True


def _ticket(task: Mapping[str, Any], writer: Writer, status: str, now: datetime) -> Resource:
    """The number in another state, as the reception keeps it: called, or done."""
    out = {k: v for k, v in task.items() if k != "meta"} | {"status": status, "lastModified": clock.instant(now)}
    state, title = {"received": ("called", "Called"), "completed": ("done", "Seen")}[status]
    out["businessStatus"] = compose.concept(codes.TICKET_STATES, state, title)
    period = dict(out.get("executionPeriod") or {})
    if status == "received":
        period = {"start": clock.instant(now)}
        if writer.practitioner:
            out["owner"] = compose.author(writer)
    else:
        period.setdefault("start", clock.instant(now))
        period["end"] = clock.instant(now)
    return {**out, "executionPeriod": period}


async def sign(store: Store, writer: Writer, given: Signing, now: datetime) -> list[str]:
    """Sign the visit: note, diagnoses, prescription, follow-up and the visit's end in one transaction. Gives what was written.
    Raises AlreadySigned, times.Taken (the hour of the follow-up), Invalid (the record refuses it)."""
    for _ in range(AGAIN):
        # the visit before the question whether it is signed: who signs between the two has changed the version that must hold
        encounter = await readings.encounter(store, writer.patient, writer.encounter)
        signed = await _signed(store, writer)
        if signed is not None:
            if signed.id == given.once:
                return []  # the same form sent twice: it is signed
            raise AlreadySigned(signed.body)
        changes = await _changes(store, writer, given, encounter, now)  # may raise times.Taken: the hour is gone
        try:
            await store.commit(changes)
        except (Conflict, PreconditionFailed):
            continue  # somebody wrote: look again whether it was a signature
        return [f"{c.resource['resourceType']}/{c.resource['id']}" for c in changes if isinstance(c, Create)]
    raise Conflict("The visit changed three times while it was being signed.")


async def _signed(store: Store, writer: Writer) -> Reading | None:
    found = await readings.notes(store, writer.patient, 20)
    return next((n for n in found if readings.about(n.body, writer.encounter)), None)


async def _changes(store: Store, writer: Writer, given: Signing, encounter: Reading, now: datetime) -> list[Change]:
    made: list[Resource] = []
    diagnosed = _diagnosed(given, writer, now, made)
    rx, rx_sections = _prescribed(given, writer, now, diagnosed)
    made += rx
    more = [compose.section(*codes.DIAGNOSES, diagnosis_text(given), [f"Condition/{i}" for i, _ in diagnosed])]
    if given.done:
        acts = [compose.procedure(code, diagnosed, writer, f"{given.once}-p{n}", now) for n, code in enumerate(given.done)]
        made += acts
        said = "\n".join(str(x["code"].get("text") or "") for x in acts)
        more.append(compose.section(*codes.DONE, said, [f"Procedure/{x['id']}" for x in acts]))
    if given.forms:
        said, filled = "\n".join(t for _, t in given.forms), [f"QuestionnaireResponse/{i}" for i, _ in given.forms]
        more.append(compose.section(*codes.FORMS, said, filled))
    more += rx_sections
    taken: list[Change] = []
    if given.judged.follow_up:
        made += _followed(given, writer, now, encounter.body, more)
        taken = await _hour(store, given, encounter.body, made)
    note = compose.note(given.texts, more, writer, given.once, now, given.copied, given.of)
    changes: list[Change] = [*taken, *(Create(x, id=x["id"]) for x in (*made, note))]
    ended = compose.finished(encounter.body, diagnosed, writer, now, given.texts.get("reason", ""))
    changes.append(Update(ended, if_match=encounter.version))
    changes += _renewed(given, now)
    changes += await _given_up(store, writer, encounter.body)
    day = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    if ticket := await readings.ticket(store, writer.patient, writer.encounter, day):
        changes.append(Update(_ticket(ticket.body, writer, "completed", now), if_match=ticket.version))
    return changes


def _diagnosed(given: Signing, writer: Writer, now: datetime, made: list[Resource]) -> list[tuple[str, str]]:
    """(id, name) of the visit's diagnoses. What is on the problem list and sure is referred to; the rest is written."""
    out = []
    for n, (term, suspected) in enumerate(given.judged.diagnoses):
        known = given.known.get(term.code)
        if known and not suspected:
            out.append((known[0], term.vi))
            continue
        condition = compose.condition(term, suspected, writer, f"{given.once}-d{n}", now)
        made.append(condition)
        out.append((condition["id"], term.vi))
    return out


def diagnosis_text(given: Signing) -> str:
    """Tăng huyết áp (I10); Đái tháo đường (E11.9)"""
    return "; ".join(f"{t.vi} ({t.code})" + (" (theo dõi)" if q else "") for t, q in given.judged.diagnoses)


def _prescribed(
    given: Signing, writer: Writer, now: datetime, diagnosed: Sequence[tuple[str, str]]
) -> tuple[list[Resource], list[Resource]]:
    """The lines as requests and one paper for each kind (narcotics and psychotropics stand apart), and the note's section."""
    out: list[Resource] = []
    entries: list[str] = []
    n = 0
    for kind in ("c", "h", "n"):
        of = [x for x in given.judged.written if x.drug.kind == kind]
        if not of:
            continue
        number = prescription_number(given.facility, given.once, kind)
        ids = [f"{given.once}-m{n + i}" for i in range(len(of))]
        n += len(of)
        out += [compose.request(x, number, diagnosed, writer, i, now, _prior(given, x)) for i, x in zip(ids, of, strict=True)]
        days = (given.judged.follow_up - clock.local(now).date()).days if given.judged.follow_up else None
        out.append(
            compose.prescription(number, of, ids, diagnosis_text(given), given.texts, writer, f"{given.once}-rx{kind}", now, days)
        )
        entries += [f"MedicationRequest/{i}" for i in ids]
    sections = [compose.section(*codes.DRUGS, compose.listed(given.judged.written), entries)] if entries else []
    return out, sections


def _prior(given: Signing, written: Written) -> str:
    return next((r.id for r in given.taking if readings.drug_code(r.body) == written.drug.code), "")


def _renewed(given: Signing, now: datetime) -> list[Change]:
    """What was being taken and is prescribed again is done as of now: its new line goes on."""
    again = {x.drug.code for x in given.judged.written}
    out: list[Change] = []
    for r in given.taking:
        if readings.drug_code(r.body) in again:
            body = {k: v for k, v in r.body.items() if k != "meta"} | {"status": "completed"}
            supply = dict(body.get("dispenseRequest") or {})
            period = dict(supply.get("validityPeriod") or {})
            supply["validityPeriod"] = {**period, "end": clock.instant(now)}
            out.append(Update({**body, "dispenseRequest": supply}, if_match=r.version))
    return out


async def _given_up(store: Store, writer: Writer, encounter: Mapping[str, Any]) -> list[Change]:
    """What nurses were to give in the emergency room ends with a visit that leads home."""
    if (encounter.get("class") or {}).get("code") != "EMER":
        return []
    found = [r for r in await readings.requests(store, writer.patient) if r.body.get("status") in ("active", "on-hold")]
    mine = [r for r in found if readings.about(r.body, writer.encounter) and not readings.community(r.body)]
    return [Update({k: v for k, v in r.body.items() if k != "meta"} | {"status": "completed"}, if_match=r.version) for r in mine]


def _followed(given: Signing, writer: Writer, now: datetime, encounter: Mapping[str, Any], more: list[Resource]) -> list[Resource]:
    day = given.judged.follow_up
    assert day is not None
    what = given.followup_for or next((f"Tái khám {t.vi.lower()}" for t, _ in given.judged.diagnoses), "Tái khám")
    location = next((x.get("location") for x in encounter.get("location") or () if x.get("location")), None)
    of = str((encounter.get("serviceType") or {}).get("text") or "")
    booked = compose.appointment(day, what, location, writer, f"{given.once}-a", now, of)
    text = f"{_when(day, given)}: {what}"
    more.append(compose.section(*codes.FOLLOW_UP, text))
    return [booked, follow_up_paper(day, what, given, writer, now)]


async def _hour(store: Store, given: Signing, encounter: Mapping[str, Any], made: list[Resource]) -> list[Change]:
    """The place in the room's schedule for the follow-up, which then stands at that hour. Raises times.Taken."""
    room = await times.room(store, readings.room_of(encounter)) if given.followup_at else None
    if room is None or given.followup_at is None:
        return []
    hours = times.TimesSettings.read()
    slot, changes = await times.place(store, room, given.followup_at, hours.minutes, hours.capacity)
    booked = next(x for x in made if x["resourceType"] == "Appointment")
    end = given.followup_at + timedelta(minutes=hours.minutes)
    booked |= {"start": clock.instant(given.followup_at), "end": clock.instant(end), "minutesDuration": hours.minutes,
               "slot": [{"reference": f"Slot/{slot}"}]}  # fmt: skip
    return changes


def _when(day: date, given: Signing) -> str:
    return f"{given.followup_at:%H:%M} {day:%d/%m/%Y}" if given.followup_at else f"{day:%d/%m/%Y}"


def follow_up_paper(day: date, what: str, given: Signing, writer: Writer, now: datetime) -> Resource:
    """Giấy hẹn khám lại (circular 01/2025, annex V): the fields of claim table 14."""
    sections = [
        compose.field("NGAY_HEN_KL", "Hẹn khám lại", f"{_when(day, given)}: {what}"),
        compose.field("CHAN_DOAN_RV", "Chẩn đoán", diagnosis_text(given)),
    ]
    if advice := given.texts.get("advice", "").strip():
        sections.append(compose.field("loi_dan", "Lời dặn", advice))
    return compose.paper("follow-up", sections, writer, f"{given.once}-f", now)


async def replace_prescription(
    store: Store, writer: Writer, given: Signing, encounter: Reading, old: Sequence[Reading], now: datetime
) -> None:
    """A prescription of this visit in the place of the one signed before: a signed one is never changed. `encounter`: as it
    was read before `old`: who prescribes meanwhile has written it, so of two one wins. Raises Conflict for the other."""
    diagnosed = [
        (
            str((d.get("condition") or {}).get("reference", "")).rpartition("/")[2],
            str((d.get("condition") or {}).get("display") or ""),
        )
        for d in encounter.body.get("diagnosis") or ()
    ]
    made, _ = _prescribed(given, writer, now, diagnosed or given.problems)
    numbers = {readings.number_of(r.body) for r in old}
    papers = [
        p for p in await readings.papers(store, writer.patient, writer.encounter)
        if (p.body.get("identifier") or {}).get("value") in numbers
    ]  # fmt: skip
    for x in made:
        if x["resourceType"] == "Composition" and papers:
            x["relatesTo"] = [{"code": "replaces", "targetReference": {"reference": f"Composition/{p.id}"}} for p in papers]
    changes: list[Change] = [Create(x, id=x["id"]) for x in made]
    changes.append(Update({k: v for k, v in encounter.body.items() if k != "meta"}, if_match=encounter.version))
    for r in old:
        body = {k: v for k, v in r.body.items() if k != "meta"} | {"status": "cancelled"}
        body["statusReason"] = {"text": "Thay bằng đơn mới"}
        changes.append(Update(body, if_match=r.version))
    changes += [c for c in _renewed(given, now) if isinstance(c, Update) and c.resource["id"] not in {r.id for r in old}]
    try:
        await store.commit(changes)
    except (Conflict, PreconditionFailed):
        try:
            await store.read("MedicationRequest", f"{given.once}-m0")
        except NotFound:
            raise Conflict("Somebody else prescribed at the same time.") from None


async def write_paper(store: Store, resources: Sequence[Resource]) -> None:
    """A paper and what belongs to it. The same form sent twice writes once."""
    try:
        await store.commit([Create(x, id=x["id"]) for x in resources])
    except Conflict:
        await store.read("Composition", str(resources[0]["id"]))


async def add(store: Store, writer: Writer, note: Reading, text: str, now: datetime) -> None:
    """Add to a signed note: a new version of it, amended, that says who added what and when. Raises PreconditionFailed."""
    body = {k: v for k, v in note.body.items() if k != "meta"}
    title = f"Bổ sung {clock.local(now):%d/%m/%Y %H:%M}, {writer.name}"
    more = {"title": title, "text": compose.div(text)}
    amended = {**body, "status": "amended", "section": [*(body.get("section") or ()), more]}
    amended["attester"] = [
        *(body.get("attester") or ()), {"mode": "professional", "time": clock.instant(now), "party": compose.author(writer)}
    ]  # fmt: skip
    await store.commit([Update(amended, if_match=note.version)])


known_problems = judge.active_problems
