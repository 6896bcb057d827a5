"""Reminding of appointments: what is due, what is said, and through whom. What is said never tells an illness: facility, day, time
and the room's number, nothing else (a department's name may tell enough)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from ..access import housework
from ..base import clock, log
from ..base.errors import LongbienError
from ..base.outside import Outside
from ..base.sql import queries
from ..base.words import Words, words
from ..fhir import json
from ..fhir import systems as s
from ..record.change import Create
from ..record.engine import Engine
from ..record.store import Store
from ..web.chart.record import moment
from . import identity
from .booking import EXT_SILENT, follows_up, patient_of, timed
from .carriers import Carrier, NotTaken, carriers
from .settings import ReceptionSettings

Q = queries(__file__, "sql/reminder.sql")
QUEUE = "reception.remind"
READS = frozenset({"Appointment", "Patient", "Location", "Organization"})
CREATES = frozenset({"Communication"})
EVERY = timedelta(minutes=1)
AT_ONCE = 50
TRIES = 6
FIRST, LAST = time(7, 30), time(20, 30)
"""Nobody is written to earlier or later on Hanoi's clock."""
SHORTEST = timedelta(hours=2)
"""An appointment that begins sooner than this needs no reminder."""
_log = log.get(__name__)


class Said(NamedTuple):
    """One message: `text` whole, and its parts for carriers with a template of their own."""

    text: str
    subject: str
    facility: str
    date: str
    time: str
    room: str


def due(start: datetime, now: datetime, hours: float) -> datetime | None:
    """When to remind of an appointment that begins at `start`: so many hours before, not at night; None where it is too soon."""
    if start - now < SHORTEST:
        return None
    at = clock.local(max(start - timedelta(hours=hours), now))
    if at.time() < FIRST:
        at = at.replace(hour=FIRST.hour, minute=FIRST.minute, second=0, microsecond=0)
    elif at.time() > LAST:
        at = (at + timedelta(days=1)).replace(hour=FIRST.hour, minute=FIRST.minute, second=0, microsecond=0)
    return at if start - at >= timedelta(minutes=30) else None


def said(facility: str, room: str, start: datetime, telephone: str, w: Words, *, hour: bool = True) -> Said:
    """room: its number; hour: False where only the day is known. No name, no department, no reason."""
    subject = w("Reminder of your appointment at %(facility)s", facility=facility)
    what = {"facility": facility, "time": w.time(start), "day": w.date(start), "room": room}
    parts = [
        w("%(facility)s: you have an appointment at %(time)s on %(day)s, room %(room)s.", **what)
        if hour
        else w("%(facility)s: you have an appointment on %(day)s, room %(room)s.", **what),
        w("To change it, call %(telephone)s.", telephone=telephone) if telephone else "",
    ]
    at = w.time(start) if hour else w("in the room's hours")
    return Said(" ".join(x for x in parts if x), subject, facility, w.date(start), at, room)


async def plan(store: Any, appointment: dict[str, Any]) -> None:
    """A reaction to an appointment that is booked: it stands in the outbox once for each time it is given."""
    start = moment(appointment.get("start"))
    silent = any(x.get("url") == EXT_SILENT and x.get("valueBoolean") for x in appointment.get("extension") or ())
    ours = appointment.get("slot") or follows_up(
        appointment
    )  # an operation has an appointment too: it is not reminded of from here
    if start is None or silent or appointment.get("status") != "booked" or not ours:
        return
    at = due(start, clock.now(), ReceptionSettings.read().remind_hours)
    if at is not None:
        await store.engine.db.execute(Q.plan, str(appointment["id"]), start, at)


class Sender:
    """Takes what is due out of the outbox and hands it on."""

    def __init__(self, engine: Engine, ways: Mapping[str, Carrier], order: Sequence[str]):
        self.engine = engine
        self.ways = ways
        self.order = [c for c in order if c in ways]
        self.store: Store = housework.store(engine, "reminding of appointments", reads=READS, creates=CREATES)

    async def round(self, now: datetime) -> int:
        """What is due, once; gives how many were taken."""
        rows = await self.engine.db.fetch(Q.take, AT_ONCE, now)
        for row in rows:
            try:
                await self._one(row, now)
            except LongbienError as why:  # the record is away, or the appointment is: later
                _log.warning("reminder %s: %s", row["number"], why.text)
        return len(rows)

    async def _one(self, row: Any, now: datetime) -> None:
        there = await self.store.search("Appointment", [("_id", row["appointment"])])
        body = json.loads(there.matches[0].body) if there.matches else {}
        if body.get("status") != "booked" or moment(body.get("start")) != row["starts"] or row["starts"] <= now:
            await self.engine.db.execute(Q.done, row["number"], "dropped", None, "not to come any more")
            return
        patient = json.loads((await self.store.read("Patient", patient_of(body))).body)
        message = await self._message(body, row["starts"])
        why = "no way to reach the patient"
        for name in self.order:
            to = address(patient, name)
            if not to:
                continue
            try:
                number = await self.ways[name].send(to, message, f"lb-{row['number']}")
            except NotTaken as no:
                why = f"{name}: {no.text}"
                if no.again and row["tries"] < TRIES:
                    wait = timedelta(minutes=2 ** row["tries"])
                    await self.engine.db.execute(Q.again, row["number"], now + wait, why[:300])
                    return
                continue
            await self._noted(row["number"], body, name, message, now)
            await self.engine.db.execute(Q.done, row["number"], "sent", name, number[:300])
            return
        await self.engine.db.execute(Q.done, row["number"], "failed", None, why[:300])

    async def _message(self, body: dict[str, Any], start: datetime) -> Said:
        rooms = (str((p.get("actor") or {}).get("reference") or "") for p in body.get("participant") or ())
        id_ = next((r.rpartition("/")[2] for r in rooms if r.startswith("Location/")), "")
        place = json.loads((await self.store.read("Location", id_)).body) if id_ else {}
        facility: dict[str, Any] = {}
        owner = str((place.get("managingOrganization") or {}).get("reference") or "").rpartition("/")[2]
        for _ in range(4):  # from the department up to the facility
            if not owner:
                break
            facility = json.loads((await self.store.read("Organization", owner)).body)
            if any(c.get("code") == "prov" for t in facility.get("type") or () for c in t.get("coding") or ()):
                break
            owner = str((facility.get("partOf") or {}).get("reference") or "").rpartition("/")[2]
        phone = next((str(t.get("value") or "") for t in facility.get("telecom") or () if t.get("system") == "phone"), "")
        room = str(place.get("name") or "").split()[-1:] or [""]
        return said(str(facility.get("name") or ""), room[0], start, phone, words("vi"), hour=timed(body))

    async def _noted(self, number: int, body: dict[str, Any], way: str, message: Said, now: datetime) -> None:
        """What was said stands in the record: the patient sees it among their messages."""
        made: dict[str, Any] = {
            "resourceType": "Communication",
            "id": f"reminder-{number}",
            "status": "completed",
            "category": [{"coding": [{"system": s.COMMUNICATION_CATEGORY, "code": "reminder"}], "text": "Nhắc lịch hẹn"}],
            "medium": [{"text": way}],
            "subject": {"reference": f"Patient/{patient_of(body)}"},
            "about": [{"reference": f"Appointment/{body['id']}"}],
            "sent": clock.instant(now),
            "payload": [{"contentString": message.text}],
        }
        try:
            await self.store.commit([Create(made, id=made["id"])])
        except LongbienError as why:
            if why.status != 409:  # noted already: it was sent, and the house stopped before it could say so
                raise


def address(patient: dict[str, Any], way: str) -> str:
    """Where a way reaches this patient, "" where it does not: an e-mail address, or a mobile number."""
    wanted = "email" if way == "email" else "phone"
    listed = [t for t in patient.get("telecom") or () if t.get("system") == wanted and t.get("use") != "old" and t.get("value")]
    listed.sort(key=lambda t: int(t.get("rank") or 9))
    for t in listed:
        value = str(t["value"]).strip()
        if wanted == "email":
            return value if "@" in value and not any(c.isspace() or c in ",;<>" for c in value) else ""
        number = identity.telephone(value) or ""
        if number[:2] in ("03", "05", "07", "08", "09"):
            return number
    return ""


def job(engine: Engine) -> Any:
    """The job that reminds, again and again. Without ways it sleeps."""
    settings = ReceptionSettings.read()
    outside = Outside()
    sender = Sender(engine, carriers(settings, outside), [c.strip() for c in settings.channels.split(",") if c.strip()])

    async def remind(payload: Mapping[str, Any]) -> datetime:
        if sender.order:
            while await sender.round(clock.now()) == AT_ONCE:
                continue
        return clock.now() + EVERY

    return remind
