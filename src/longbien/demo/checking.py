"""What the insurance's rules find in the demo city's visits of the last weeks: the office's work items, as the reaction of a visit
that is over makes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from longbien.base import clock
from longbien.billing.rules import facts, reading, work
from longbien.billing.rules.audit import built, judged

Resource = dict[str, Any]
WEEKS = timedelta(days=70)


def checked(life: Sequence[Resource], day: date) -> list[Resource]:
    """The findings of one person's visits that ended within the last weeks before `day`, each with the visit's end as its time."""
    of: dict[str, list[Resource]] = {}
    for x in life:
        of.setdefault(str(x["resourceType"]), []).append(x)
    out: list[Resource] = []
    for visit in of.get("Encounter", ()):
        end = facts.period(visit)[1]
        if visit.get("status") != "finished" or end is None or not timedelta(0) <= day - clock.local(end).date() <= WEEKS:
            continue
        if reading.insured(of.get("Coverage", ()), clock.local(end).date()):
            hits = [h for h in judged(_case(visit, of)) if h.rule.level != "note"]
            out += [work.task(h, visit, work.id_of(str(visit["id"]), h), end) for h in hits]
    return out


def _case(visit: Resource, of: dict[str, list[Resource]]) -> facts.Case:
    def mine(type_: str) -> list[Resource]:
        ref = f"Encounter/{visit['id']}"
        return [x for x in of.get(type_, ()) if (x.get("encounter") or {}).get("reference") == ref]

    return built(
        visit, mine("MedicationRequest"), of.get("ServiceRequest", ()), of.get("Condition", ()), of.get("Specimen", ()),
        mine("DiagnosticReport"), mine("Procedure"), of.get("Observation", ()),
    )  # fmt: skip
