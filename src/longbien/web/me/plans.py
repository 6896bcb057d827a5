"""What a patient looks for first: the next visit, what the hospital told them, which drugs to take. Pure, over plain resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..chart.record import concept, first, moment, reference_id

Resource = Mapping[str, Any]
NOTICE = "notice"
LATE = timedelta(hours=2)
"""So long after its time an appointment still stands first: people come late."""


@dataclass(frozen=True, slots=True)
class Appointment:
    id: str
    start: datetime
    what: str
    where: str
    doctor: str
    place: str
    advice: str


@dataclass(frozen=True, slots=True)
class Notice:
    id: str
    sent: datetime
    text: str
    sender: str


@dataclass(frozen=True, slots=True)
class Drug:
    id: str
    name: str
    dose: str
    since: datetime
    until: datetime | None
    doctor: str
    why: str


def appointments(resources: Iterable[Resource], lang: str, now: datetime) -> list[Appointment]:
    """What is booked and not over, soonest first."""
    found = []
    for r in resources:
        start = moment(r.get("start"))
        if start is None or r.get("status") not in ("booked", "pending", "proposed", "arrived", "waitlist") or start + LATE < now:
            continue
        actors = [(p.get("actor") or {}) for p in r.get("participant") or ()]

        def of(kind: str, actors: list[Any] = actors) -> str:
            return next((str(a.get("display") or "") for a in actors if str(a.get("reference", "")).startswith(kind)), "")

        found.append(
            Appointment(
                str(r.get("id", "")),
                start,
                concept(r.get("serviceType"), lang) or concept(r.get("reasonCode"), lang),
                of("Location/"),
                of("Practitioner/"),
                of("Organization/"),
                str(r.get("patientInstruction") or r.get("comment") or ""),
            )
        )
    return sorted(found, key=lambda a: a.start)


def notices(resources: Iterable[Resource]) -> list[Notice]:
    """Communications of category `notice`, newest first."""
    out = []
    for r in resources:
        codes = {c.get("code") for k in r.get("category") or () for c in k.get("coding") or ()}
        sent = moment(r.get("sent")) or moment(first(r, "meta", "lastUpdated"))
        if NOTICE not in codes or sent is None or r.get("status") in ("entered-in-error", "not-done", "preparation"):
            continue
        text = " ".join(str(p.get("contentString") or "") for p in r.get("payload") or ()).strip()
        if text:
            out.append(Notice(str(r.get("id", "")), sent, text, str((r.get("sender") or {}).get("display") or "")))
    return sorted(out, key=lambda n: n.sent, reverse=True)


def drugs(resources: Iterable[Resource], lang: str, now: datetime) -> list[Drug]:
    """What is being taken now: prescriptions that are active and whose time is not over, newest first, one line for each drug."""
    out: dict[str, Drug] = {}
    for r in resources:
        since = moment(r.get("authoredOn"))
        period = (r.get("dispenseRequest") or {}).get("validityPeriod") or {}
        until = moment(period.get("end"))
        if (
            since is None
            or r.get("status") != "active"
            or r.get("intent") not in ("order", "original-order", "instance-order", None)
        ):
            continue
        if until is not None and until < now:
            continue
        name = concept(r.get("medicationCodeableConcept"), lang) or str(first(r, "medicationReference", "display") or "")
        dose = "; ".join(str(d.get("text") or "") for d in r.get("dosageInstruction") or () if d.get("text"))
        key = name or reference_id(r.get("medicationReference"))
        drug = Drug(
            str(r.get("id", "")), name, dose, since, until, str(first(r, "requester", "display") or ""),
            str(first(r, "reasonReference", "display") or ""),
        )  # fmt: skip
        if key not in out or out[key].since < since:
            out[key] = drug
    return sorted(out.values(), key=lambda d: (d.since, d.name), reverse=True)
