"""A patient's orders as lists: what runs, what is over, each with how far it has come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import msgspec

from ..base.words import Words
from ..record.engine import Engine
from ..record.life import life
from ..record.scope import Scope
from ..web.chart.record import concept, first, moment
from .definitions import Item
from .index import Index
from .kinds import KINDS
from .rules import STAGES, Stage, accession, group, kind_of, named_by, stage

Resource = dict[str, Any]
TYPES = (
    "ServiceRequest", "MedicationRequest", "DiagnosticReport", "ImagingStudy", "Procedure", "Specimen", "MedicationAdministration",
    "MedicationDispense", "Task",
)  # fmt: skip
ORDERS = ("ServiceRequest", "MedicationRequest")
PRIORITIES = {"urgent": "urgent", "asap": "urgent", "stat": "at once"}
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Order:
    """One order with its stage. `ref`: Type/id; `form`: which order form it stands on; `number`: of its tube or study."""

    ref: str
    resource: Mapping[str, Any]
    kind: str
    name: str
    said: str
    at: datetime | None
    by: str
    form: str
    number: str
    stage: Stage
    priority: str
    why: str = ""

    @property
    def over(self) -> bool:
        return self.stage.finished


async def read(engine: Engine, scope: Scope, patient: str, lang: str, index: Index) -> list[Order]:
    """All orders that the scope shows, the newest first. One line in the trail. `index`: knows what things are called."""
    lived = await life(engine, scope, patient, TYPES)
    bodies = {t: [_decode(b) for b in lived.bodies.get(t, ())] for t in TYPES}
    return orders([r for t in ORDERS for r in bodies[t]], [r for t in TYPES if t not in ORDERS for r in bodies[t]], lang, index)


def orders(
    requests: Iterable[Resource], others: Iterable[Resource], lang: str, index: Index | None = None
) -> list[Order]:  # fmt: skip
    """`others`: whatever may say how far an order has come. Plans and proposals are no orders."""
    about: dict[str, list[Resource]] = {}
    for r in others:
        for id_ in named_by(r):
            about.setdefault(id_, []).append(r)
    made = [
        _order(r, about.get(str(r.get("id")), ()), lang, index) for r in requests if r.get("intent") not in ("plan", "proposal")
    ]
    return sorted((o for o in made if o.stage.key != "error"), key=lambda o: (o.at is not None, o.at), reverse=True)


def _order(r: Resource, about: Sequence[Resource], lang: str, index: Index | None) -> Order:
    drug = r["resourceType"] == "MedicationRequest"
    said = first(r, "dosageInstruction", "text") if drug else first(r, "note", "text")
    what = r.get("medicationCodeableConcept") if drug else r.get("code")
    item = defined(r, index) if index is not None and lang != "vi" else None
    return Order(
        f"{r['resourceType']}/{r.get('id')}", r, kind_of(r),
        item.name(lang) if item else full(what, lang),
        str(said or ""),
        moment(r.get("authoredOn")), str(first(r, "requester", "display") or ""), group(r), accession(r), stage(r, about),
        PRIORITIES.get(str(r.get("priority")), ""), str(first(r, "statusReason", "text") or ""),
    )  # fmt: skip


def defined(r: Mapping[str, Any], index: Index) -> Item | None:
    """What the catalogue knows of it."""
    known = (index.by_url.get(str(c).split("|")[0]) for c in r.get("instantiatesCanonical") or ())
    return next((i for i in known if i is not None), None)


def full(what: Any, lang: str) -> str:
    """The whole name of what is ordered, rather than the short one that staff say. A name in another language often names the
    substance only: the strength comes from the order's own text."""
    display = str(first(what, "coding", "display") or "")
    if lang == "vi":
        return display or concept(what, lang)
    name = concept(what, lang)
    strength = _STRENGTH.search(str((what or {}).get("text") or ""))
    return f"{name} {strength[0]}" if strength and strength[0] not in name else name


_STRENGTH = re.compile(r"\d[\d.,]* ?(?:mg|g|mcg|µg|mL|IU|đơn vị|%).*$")
CSS = {
    "result": "ok",
    "done": "ok",
    "given": "ok",
    "ended": "",
    "cancelled": "",
    "ordered": "wait",
    "taken": "wait",
    "reading": "wait",
}


def row(o: Order, w: Words) -> SimpleNamespace:
    """As the list shows it."""
    kind = KINDS[o.kind]
    return SimpleNamespace(
        o=o, ref=o.ref, name=o.name, said=o.said, kind=w(kind.title), state=w(STAGES[o.stage.key][0]), at=o.stage.at,
        css=CSS.get(o.stage.key, "here"), link=o.stage.link, number=o.number, over=o.over, why=o.why,
        priority=w(o.priority) if o.priority else "", repeats=True,
    )  # fmt: skip


def forms(listed: Sequence[Order], w: Words) -> list[SimpleNamespace]:
    """Orders by the form they were signed on, the newest form first."""
    found: dict[str, list[Order]] = {}
    for o in listed:
        found.setdefault(o.form, []).append(o)
    out = []
    for key, kept in found.items():
        numbered = "@" not in key
        collect = any(o.kind == "lab" and o.number and o.stage.key == "ordered" for o in kept)
        labels = any(o.kind == "lab" and o.number and not o.over for o in kept)
        sheet = numbered and any(o.kind != "drug" for o in kept)
        ordered = sorted(kept, key=lambda o: (list(KINDS).index(o.kind), o.number, o.name))
        out.append(
            SimpleNamespace(
                key=key,
                at=kept[0].at,
                by=kept[0].by,
                rows=[row(o, w) for o in ordered],
                sheet=sheet,
                labels=labels,
                collect=collect,
            )
        )
    return out
