"""What is true of orders: is this one there already, how far has it come. Pure; texts in the reader's language by `w`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..base.department import Verdict
from ..base.words import Words, mark
from ..fhir import systems as s
from ..web.chart.record import code_of, concept, first, moment, reference_id
from .kinds import BY_CATEGORY

Resource = Mapping[str, Any]
RECENT = timedelta(hours=24)
"""A result this new is shown before the same test is ordered again. A hospital's policy; what changes fast is ordered anyway."""
OPEN = ("active", "on-hold", "draft")
_SAME = (s.LAB, s.IMAGING, s.SERVICE, s.DIET, s.NURSING, s.DRUG, s.ATC, s.LOINC)


def codes(resource: Resource) -> frozenset[tuple[str, str]]:
    """(system, code) of what a request or result is about, in the systems that tell it exactly."""
    what = resource.get("medicationCodeableConcept") or resource.get("code") or {}
    return frozenset((c["system"], c["code"]) for c in what.get("coding") or () if c.get("system") in _SAME and c.get("code"))


def kind_of(order: Resource) -> str:
    """The kind of an order, of kinds.KINDS."""
    if order.get("resourceType") == "MedicationRequest":
        return "drug"
    for category in order.get("category") or ():
        for c in category.get("coding") or ():
            if c.get("code") in BY_CATEGORY:
                return BY_CATEGORY[c["code"]].key
    return "procedure"


def duplicates(
    drafts: Sequence[Resource], orders: Iterable[Resource], results: Iterable[Resource], now: datetime, w: Words, lang: str = "vi",
    within: timedelta = RECENT,
) -> list[Verdict]:  # fmt: skip
    """What is ordered already and open, taken already, or was answered lately. Never stops: doctors repeat tests on purpose."""
    known = [(codes(o), o) for o in orders if o.get("status") in OPEN]
    answers = [(codes(r), r) for r in results if r.get("status") in ("final", "amended", "corrected", "preliminary")]
    found: list[Verdict] = []
    for n, draft in enumerate(drafts):
        asked = codes(draft)
        prior = str((draft.get("priorPrescription") or {}).get("reference") or "").rpartition("/")[2]
        for have, order in known:  # what a draft goes on from is no second one beside it
            if asked & have and order.get("id") not in (draft.get("id"), prior):
                found.append(_again(n, order, now, w))
                break
        for have, result in answers:
            when = moment(result.get("effectiveDateTime") or result.get("issued"))
            if asked & have and when and timedelta(0) <= now - when <= within:
                found.append(Verdict("note", _answer(result, when, now, w, lang), about=n))
                break
    for n, draft in enumerate(drafts):
        if any(codes(draft) & codes(other) for other in drafts[:n]):
            found.append(Verdict("warn", w("The same twice in this order."), about=n))
    return found


def _again(n: int, order: Resource, now: datetime, w: Words) -> Verdict:
    when = moment(order.get("authoredOn"))
    at = w.moment(when, now) if when else ""
    if order.get("resourceType") == "MedicationRequest":
        name = concept(order.get("medicationCodeableConcept"))
        return Verdict("warn", w("Taken already: %(name)s, since %(when)s", name=name, when=at), about=n)
    return Verdict("warn", w("Ordered %(when)s, not done yet", when=at), about=n)


def _answer(result: Resource, when: datetime, now: datetime, w: Words, lang: str) -> str:
    quantity = result.get("valueQuantity") or {}
    if quantity.get("value") is not None:
        value = str(quantity["value"]).replace(".", ",") if lang == "vi" else str(quantity["value"])
        text = f"{value} {quantity.get('unit') or quantity.get('code') or ''}".strip()
        return w("Result %(value)s, %(when)s", value=text, when=w.moment(when, now))
    said = str(result.get("valueString") or concept(result.get("valueCodeableConcept"), lang) or "")
    if said:
        return w("Result %(value)s, %(when)s", value=said[:60], when=w.moment(when, now))
    return w("Result there, %(when)s", when=w.moment(when, now))


# ---- from ordered to done ----------------------------------------------------------------------------------------------

STAGES: dict[str, tuple[str, str]] = {
    "draft": (mark("suggested"), mark("proposed, not ordered yet")),
    "ordered": (mark("ordered"), mark("your doctor has ordered it")),
    "held": (mark("held back"), mark("paused by your doctor")),
    "taken": (mark("specimen taken"), mark("the sample is taken, the laboratory is working on it")),
    "accepted": (mark("taken on"), mark("the department has accepted it")),
    "done": (mark("carried out"), mark("carried out")),
    "reading": (mark("done, awaiting the report"), mark("done; a doctor is reading it")),
    "part": (mark("part of the results"), mark("some results are there, others will follow")),
    "result": (mark("result"), mark("the result is there")),
    "given": (mark("given"), mark("given")),
    "dispensed": (mark("handed out"), mark("handed out by the pharmacy")),
    "running": (mark("going on"), mark("going on")),
    "ended": (mark("over"), mark("over")),
    "cancelled": (mark("cancelled"), mark("cancelled by your doctor")),
    "error": (mark("entered in error"), mark("entered in error")),
}
"""stage -> (for staff, for the patient)."""
FINISHED = frozenset({"done", "result", "ended", "cancelled", "error"})
LIVES_ON = frozenset({"drug", "diet", "nursing"})
"""Kinds of orders that go on until they end, rather than being done once."""


@dataclass(frozen=True, slots=True)
class Stage:
    """How far an order has come. `key`: of STAGES; `at`: since when; `link`: Type/id of what says so, "" for the order itself."""

    key: str
    at: datetime | None = None
    link: str = ""

    @property
    def finished(self) -> bool:
        return self.key in FINISHED


def stage(order: Resource, about: Sequence[Resource]) -> Stage:
    """`about`: the resources that name this order (basedOn, request, authorizingPrescription, focus), any order."""
    status = str(order.get("status") or "")
    since = moment(first(order, "meta", "lastUpdated"))
    if status == "entered-in-error":
        return Stage("error", since)
    if status in ("revoked", "cancelled"):
        return Stage("cancelled", since)
    kind = kind_of(order)
    if found := _answered(about):
        return found
    if kind == "drug":
        return _drug(status, about, order, since)
    if status == "completed":
        return Stage("done", since)
    for type_, key, times in (
        ("Procedure", "done", ("performedPeriod.end", "performedDateTime", "performedPeriod.start")),
        ("ImagingStudy", "reading", ("started",)),
        ("Specimen", "taken", ("collection.collectedDateTime", "collection.collectedPeriod.start", "receivedTime")),
    ):
        done = [
            r for r in about if r.get("resourceType") == type_ and r.get("status") not in ("entered-in-error", "unsatisfactory")
        ]
        if done:
            return Stage(key, max((t for r in done if (t := _time(r, times))), default=None), _link(done[-1]))
    for task in (r for r in about if r.get("resourceType") == "Task"):
        if task.get("status") in ("completed", "accepted", "in-progress"):
            key = {"completed": "done"}.get(str(task["status"]), "accepted")
            return Stage(key, moment(task.get("lastModified")), _link(task))
    if status == "on-hold":
        return Stage("held", since)
    if status == "draft":
        return Stage("draft", since)
    return Stage("running" if kind in LIVES_ON else "ordered", moment(order.get("authoredOn")))


def _answered(about: Sequence[Resource]) -> Stage | None:
    reports = [r for r in about if r.get("resourceType") == "DiagnosticReport" and r.get("status") != "entered-in-error"]
    for report in reports:
        if report.get("status") in ("final", "amended", "corrected", "appended"):
            return Stage("result", moment(report.get("issued") or report.get("effectiveDateTime")), _link(report))
    part = next((r for r in reports if r.get("status") in ("partial", "preliminary", "registered")), None)
    if part is not None:
        return Stage("part" if part.get("status") != "registered" else "reading", moment(part.get("issued")), _link(part))
    results = [r for r in about if r.get("resourceType") == "Observation" and r.get("status") in ("final", "amended", "corrected")]
    if results:
        return Stage("result", moment(results[-1].get("issued") or results[-1].get("effectiveDateTime")), _link(results[-1]))
    return None


def _drug(status: str, about: Sequence[Resource], order: Resource, since: datetime | None) -> Stage:
    if status == "completed":
        return Stage("ended", moment(first(order, "dispenseRequest", "validityPeriod", "end")) or since)
    if status == "stopped":
        return Stage("ended", since)
    if status == "on-hold":
        return Stage("held", since)
    given = [
        r for r in about if r.get("resourceType") == "MedicationAdministration" and r.get("status") in ("completed", "in-progress")
    ]
    if given:
        times = ("effectiveDateTime", "effectivePeriod.start")
        return Stage("given", max((t for r in given if (t := _time(r, times))), default=None), _link(given[-1]))
    handed = [r for r in about if r.get("resourceType") == "MedicationDispense" and r.get("status") == "completed"]
    if handed:
        return Stage(
            "dispensed", max((t for r in handed if (t := moment(r.get("whenHandedOver")))), default=None), _link(handed[-1])
        )
    return Stage("draft" if status == "draft" else "ordered", moment(order.get("authoredOn")))


def _time(resource: Resource, paths: Sequence[str]) -> datetime | None:
    return next((t for p in paths if (t := moment(first(resource, *p.split("."))))), None)


def _link(resource: Resource) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


_NAMES = ("basedOn", "request", "authorizingPrescription", "focus")


def named_by(resource: Resource) -> list[str]:
    """Ids of the orders that a resource is about."""
    out = []
    for key in _NAMES:
        value = resource.get(key)
        refs = value if isinstance(value, list) else [value]
        out += [id_ for ref in refs if isinstance(ref, Mapping) and (id_ := reference_id(ref))]
    return out


def group(order: Resource) -> str:
    """Which order form an order stands on: its requisition or group identifier, else its visit and minute."""
    given = order.get("requisition") or order.get("groupIdentifier") or {}
    if given.get("value"):
        return str(given["value"])
    return f"{reference_id(order.get('encounter'))}@{str(order.get('authoredOn') or '')[:16]}"


def accession(order: Resource) -> str:
    """The number of the tube or study, "" where there is none."""
    for i in order.get("identifier") or ():
        if code_of(i.get("type")) == "ACSN" or i.get("system") == s.ACCESSION_NUMBER:
            return str(i.get("value") or "")
    return ""
