"""What a claim needs of every closed visit and a told life leaves out: a weight by then, and a diagnosis. Written last, so that
nothing before it changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from longbien.demo import facilities
from longbien.demo.life import Life
from longbien.demo.pen import Visit

Resource = dict[str, Any]
VACCINATION = ("Z27.9", "Tiêm chủng")
WEIGHT = "29463-7"
SOON = timedelta(days=2)


def complete(life: Life) -> None:
    """Give the first visits a weight, and visits without a diagnosis one: of the stay that they led to, else of vaccination."""
    visits = sorted((r for r in life.out if r["resourceType"] == "Encounter"), key=lambda r: str(r["period"]["start"]))
    weighed = min((str(r["effectiveDateTime"]) for r in life.out if _weight(r)), default="9999")
    for n, one in enumerate(visits):
        if one["status"] != "finished":
            continue
        visit = _again(life, one)
        if weighed > str(one["period"]["end"]):
            weighed = str(one["period"]["start"])
            life.vital(visit, visit.start, "WT", life.body.weight(visit.day))
        if not one.get("diagnosis"):
            _diagnose(life, visit, visits[n + 1 :])


def _weight(r: Resource) -> bool:
    return r["resourceType"] == "Observation" and any(c.get("code") == WEIGHT for c in r["code"]["coding"])


def _diagnose(life: Life, visit: Visit, later: list[Resource]) -> None:
    after = (x for x in later if x["class"]["code"] == "IMP" and x.get("diagnosis") and _start(x) - visit.start < SOON)
    stay = next(after, None) if visit.resource["class"]["code"] == "EMER" else None
    if stay is not None:
        visit.resource["diagnosis"] = [{**stay["diagnosis"][0], "rank": 1}]
        return
    life.diagnoses(visit, [life.diagnosis(*VACCINATION, visit, visit.day)])


def _start(r: Resource) -> datetime:
    return datetime.fromisoformat(str(r["period"]["start"])).replace(tzinfo=None)


def _again(life: Life, r: Resource) -> Visit:
    """The visit of an Encounter that was written."""
    mark = next(f.mark for f in facilities.FACILITIES if f.id == str(r["serviceProvider"]["reference"]).partition("/")[2])
    doctor = str(r["participant"][0]["individual"]["reference"]).partition("/")[2]
    by = next(p for p in facilities.staff() if p.id == doctor)
    end = datetime.fromisoformat(str(r["period"]["end"])).replace(tzinfo=None)
    return Visit(r, mark, r["serviceType"]["coding"][0]["code"], _start(r), by, end)
