"""The drug round: what is due to one patient, what was given of it, what is late. Pure.

A dose is one moment of an order's timing. What became of it is a MedicationAdministration whose EXT_DUE names that moment:
completed (given), not-done with the reason why not (refused, held, ...). Its id is made of order and moment, so that a dose can be
written down once: the second who writes it meets the first (Create of an id that is there: 409)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from longbien.base import clock
from longbien.base.ids import key64
from longbien.base.words import mark
from longbien.fhir import systems as s
from longbien.web.chart import record as r

from . import timing
from .codes import EXT_DUE, EXT_SCANNED, NOT_GIVEN, Resource, concept, performers

State = Literal["given", "held", "refused", "missed", "late", "due", "soon", "later", "stopped"]
EARLY = timedelta(minutes=60)
"""How long before its moment a dose may be given (and is shown as due)."""
LATE = timedelta(minutes=30)
"""How long after it a dose counts as on time: the ward's mark for late."""
LOST = timedelta(hours=4)
"""After this nobody gives it any more without asking: it counts as missed, and wants a reason."""
REASONS: tuple[tuple[str, str, str, str], ...] = (
    ("refused", "refused", mark("Refused by the patient"), "Patient refuses"),
    ("held", "held", mark("Held on the doctor's word"), "Held by prescriber"),
    ("fasting", "held", mark("Fasting"), "Nil by mouth"),
    ("away", "held", mark("Away from the ward"), "Patient absent"),
    ("vomiting", "held", mark("Vomiting"), "Vomiting"),
    ("asleep", "held", mark("Asleep"), "Asleep"),
    ("no-access", "held", mark("No venous access"), "No intravenous access"),
    ("unavailable", "held", mark("Drug not on the ward"), "Drug unavailable"),
    ("measure", "held", mark("Measured value forbids it (pulse, pressure, sugar)"), "Out of range"),
)
"""(code, state, words, display): why a dose was not given."""
_STATE = {code: state for code, state, _, _ in REASONS}


@dataclass(frozen=True, slots=True)
class Dose:
    """One moment of an order and what became of it. `by`, `at`: who and when; `reason`: code of REASONS, `said`: in words;
    `record`: the id of the MedicationAdministration that says so."""

    order: str
    due: datetime
    state: State
    by: str = ""
    at: datetime | None = None
    reason: str = ""
    said: str = ""
    record: str = ""
    scanned: bool = False
    checked: str = ""
    """Who looked at it as the second person."""

    @property
    def open(self) -> bool:
        return self.state in ("late", "due", "missed")


@dataclass(slots=True)
class Line:
    """One order on the sheet. kind: timed, needed (as needed), free (the order says no when)."""

    id: str
    name: str
    dose: str
    text: str
    route: str
    codes: frozenset[str]
    kind: Literal["timed", "needed", "free"]
    begin: datetime
    order: Mapping[str, Any]
    author: str = ""
    urgent: bool = False
    on_hold: bool = False
    doses: list[Dose] = field(default_factory=list)
    given: list[Dose] = field(default_factory=list)
    """What was given as needed, newest first."""

    def dose_at(self, due: datetime) -> Dose | None:
        return next((d for d in self.doses if d.due == due), None)


def record_id(order: str, due: datetime) -> str:
    """The id of what is written of one dose."""
    return f"dose-{key64(f'{order}/{clock.instant(due)}') & (2**63 - 1):x}"


def extension(resource: Mapping[str, Any], url: str, key: str) -> Any:
    return next((x.get(key) for x in resource.get("extension") or () if x.get("url") == url), None)


def due_of(administration: Mapping[str, Any]) -> datetime | None:
    return r.moment(extension(administration, EXT_DUE, "valueDateTime"))


def state_of(administration: Mapping[str, Any]) -> State:
    if administration.get("status") == "completed":
        return "given"
    return "refused" if _STATE.get(r.code_of(administration.get("statusReason"), NOT_GIVEN)) == "refused" else "held"


def open_state(due: datetime, now: datetime, following: datetime | None) -> State:
    """Of a dose of which nothing is written."""
    if now < due - EARLY:
        return "later"
    if now < due:
        return "soon" if now < due - LATE else "due"
    if now <= due + LATE:
        return "due"
    return "missed" if now > due + LOST or (following is not None and now >= following) else "late"


def _written(a: Mapping[str, Any], due: datetime) -> Dose:
    moment = r.moment(a.get("effectiveDateTime") or r.first(a, "effectivePeriod", "start"))
    by = str(r.first(a, "performer", "actor", "display") or "")
    said = str(r.first(a, "note", "text") or "")
    code = r.code_of(a.get("statusReason"), NOT_GIVEN)
    scanned = bool(extension(a, EXT_SCANNED, "valueBoolean"))
    second = next((str(r.first(p, "actor", "display") or "") for p in a.get("performer") or () if p.get("function")), "")
    return Dose(r.reference_id(a.get("request")), due, state_of(a), by, moment, code, said, str(a.get("id")), scanned, second)


def line(order: Mapping[str, Any], lang: str) -> Line | None:
    """An order as a line of the sheet; None for what is none (a draft, a proposal)."""
    begin = r.moment(order.get("authoredOn"))
    if begin is None or order.get("intent") not in ("order", "original-order", "instance-order", "filler-order", "reflex-order"):
        return None
    found = r.drug(dict(order), {}, lang)
    dosage = r.first(order, "dosageInstruction") or {}
    codes = frozenset(str(c["code"]) for c in (order.get("medicationCodeableConcept") or {}).get("coding") or () if c.get("code"))
    kind: Literal["timed", "needed", "free"] = (
        "needed" if timing.as_needed(dosage) else "timed" if timing.scheduled(dosage) else "free"
    )
    return Line(
        str(order["id"]), found.name if found else "", found.dose if found else "", str(dosage.get("text") or ""),
        r.uncoded(dosage.get("route"), lang), codes, kind, begin, order, str(r.first(order, "requester", "display") or ""),
        order.get("priority") in ("urgent", "asap", "stat"), order.get("status") == "on-hold",
    )  # fmt: skip


def sheet(
    orders: Iterable[Mapping[str, Any]],
    administrations: Iterable[Mapping[str, Any]],
    low: datetime,
    high: datetime,
    now: datetime,
    lang: str,
) -> list[Line]:
    """The sheet of one stay from `low` to `high`: its lines by kind, then name, each with its doses."""
    written: dict[str, list[Mapping[str, Any]]] = {}
    for a in administrations:
        if a.get("status") in ("completed", "not-done", "in-progress"):
            written.setdefault(r.reference_id(a.get("request")), []).append(a)
    lines = [x for order in orders if (x := line(order, lang)) is not None]
    for one in lines:
        fill(one, written.get(one.id, []), low, high, now)
    rank = {"timed": 0, "free": 1, "needed": 2}
    return sorted(lines, key=lambda x: (not x.urgent, rank[x.kind], x.name.lower(), x.id))


def fill(one: Line, written: Iterable[Mapping[str, Any]], low: datetime, high: datetime, now: datetime) -> None:
    """Put the doses into a line: those of its timing, and what was given besides."""
    known = {due: a for a in written if (due := due_of(a)) is not None}
    free = [a for a in written if due_of(a) is None]
    moments = []
    for dosage in one.order.get("dosageInstruction") or ():
        moments += timing.times(dosage, one.begin, low, high + timedelta(days=2))
    if one.urgent and one.kind == "timed" and low <= one.begin < high:
        moments.append(clock.local(one.begin))
    moments = sorted({*moments, *(clock.local(d) for d in known if low <= d < high)})
    for n, due in enumerate(moments):
        if due >= high:
            break
        following = moments[n + 1] if n + 1 < len(moments) else None
        if (a := known.get(due)) is not None:
            one.doses.append(_written(a, due))
        elif one.on_hold and due >= now - EARLY:
            one.doses.append(Dose(one.id, due, "stopped"))
        else:
            one.doses.append(Dose(one.id, due, open_state(due, now, following)))
    one.given = sorted((_written(a, r.moment(a.get("effectiveDateTime")) or now) for a in free), key=lambda d: d.due, reverse=True)


Refused = Literal["", "too-early", "too-soon", "too-much", "ended", "hold"]


def may_give(one: Line, due: datetime | None, at: datetime) -> Refused:
    """Whether a dose may be given at `at`: a timed one not more than an hour before its moment, one as needed not before its
    interval is over nor above what the order allows in a day (dosageInstruction.maxDosePerPeriod)."""
    if one.on_hold:
        return "hold"
    if one.order.get("status") not in ("active", None):
        return "ended"
    if due is not None:
        return "too-early" if at < due - EARLY else ""
    dosage = r.first(one.order, "dosageInstruction") or {}
    given = [d.at for d in one.given if d.state == "given" and d.at is not None]
    interval = _interval(dosage)
    if interval and given and at < max(given) + interval:
        return "too-soon"
    most = _most(dosage)
    return "too-much" if most and sum(1 for t in given if t > at - timedelta(hours=24)) >= most else ""


def _interval(dosage: Mapping[str, Any]) -> timedelta | None:
    """The least time between two doses as needed: the timing's period."""
    repeat = r.first(dosage, "timing", "repeat") or {}
    hours = {"h": 1.0, "min": 1 / 60, "d": 24.0}.get(str(repeat.get("periodUnit") or ""))
    if hours is None or repeat.get("period") is None:
        return None
    return timedelta(hours=hours * float(repeat["period"]) / max(1, int(repeat.get("frequency") or 1)))


def _most(dosage: Mapping[str, Any]) -> int | None:
    """How many doses a day are allowed at most."""
    ratio = dosage.get("maxDosePerPeriod") or {}
    most, one = r.first(ratio, "numerator") or {}, r.first(dosage, "doseAndRate", "doseQuantity") or {}
    if (
        most.get("value") is None
        or not one.get("value")
        or (most.get("unit"), most.get("code")) != (one.get("unit"), one.get("code"))
    ):
        return None
    return int(float(most["value"]) // float(one["value"]))


def administration(
    one: Line, stay: Mapping[str, Any], patient: str, due: datetime | None, at: datetime, by: Resource, *, id_: str,
    reason: str = "", said: str = "", scanned: bool = False, second: Resource | None = None,
) -> Resource:  # fmt: skip
    """What is written of a dose: given, or with `reason` why not. `second`: who looked at a high-alert drug too."""
    out: Resource = {"resourceType": "MedicationAdministration", "id": id_, "status": "not-done" if reason else "completed"}
    marks: list[Resource] = [{"url": EXT_DUE, "valueDateTime": clock.instant(due)}] if due is not None else []
    if scanned:
        marks.append({"url": EXT_SCANNED, "valueBoolean": True})
    if marks:
        out["extension"] = marks
    if reason:
        display = next((d for c, _, _, d in REASONS if c == reason), reason)
        out["statusReason"] = [concept(NOT_GIVEN, reason, display)]
    out["category"] = concept(s.HL7 + "medication-admin-category", "inpatient", "Inpatient")
    for key in ("medicationCodeableConcept", "medicationReference"):
        if key in one.order:
            out[key] = one.order[key]
    out |= {
        "subject": {"reference": f"Patient/{patient}"},
        "context": {"reference": f"Encounter/{stay['id']}"},
        "effectiveDateTime": clock.instant(at),
        "performer": performers(by, second),
        "request": {"reference": f"MedicationRequest/{one.id}"},
    }
    if said:
        out["note"] = [{"text": said}]
    dosage = r.first(one.order, "dosageInstruction") or {}
    if not reason and dosage:
        kept = {k: dosage[k] for k in ("text", "site", "route", "method") if k in dosage}
        quantity = r.first(dosage, "doseAndRate", "doseQuantity")
        if quantity:  # mad-1: without a dose there is no dosage to speak of
            out["dosage"] = {**kept, "dose": quantity}
    return out


Check = tuple[str, bool]


def scanned(code: str, lines: Iterable[Line]) -> list[Line]:
    """The orders that a drug's code answers: the house's drug code, ATC, or a trade item number that the order's coding names."""
    bare = code.strip()
    return [x for x in lines if bare and (bare in x.codes or bare.upper() in x.codes or bare.lower() in x.codes)]
