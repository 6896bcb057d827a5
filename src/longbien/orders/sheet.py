"""The order box of one patient: what is kept as a draft, and what stands on the sheet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from ..access import drafts
from ..base import clock, log
from ..base.department import Verdict
from ..base.errors import LongbienError
from ..base.ids import new_id
from ..record.store import Store
from ..web import departments
from ..web.chart.record import Life
from ..web.page import Call
from . import catalogue, favourites
from .compose import CHILD_YEARS, FIELDS, Context, Line, compose, dose_unit, first_line, summary, wrong
from .definitions import Item, Part
from .index import Index
from .kinds import KINDS, OFFERED
from .settings import kinds

_log = log.get(__name__)
FORM = "order"
GIVEN_HERE = frozenset({"IMP", "ACUTE", "NONAC", "EMER"})
"""Classes of visits whose drugs the house's nurses give; others take theirs home."""
MOST_LINES = 40
SHORTEST_REASON = 5
SUGGESTED = 6


@dataclass(slots=True)
class Draft:
    """`open_set`: id of the order set whose items are shown to be ticked; `said`: what could not be taken over."""

    lines: list[Line] = field(default_factory=list)
    saved: datetime | None = None
    open_set: str = ""
    said: str = ""

    def next_k(self) -> str:
        taken = {x.k for x in self.lines}
        return next(k for k in (f"l{n}" for n in range(1, 1000)) if k not in taken)


async def load(call: Call, patient: str) -> Draft:
    found = await drafts.load(call.engine.db, call.actor, patient, FORM)
    if found is None:
        return Draft()
    try:
        given = json.loads(found[0])
        lines = [x for x in map(Line.of, given.get("lines") or ()) if x is not None]
    except (ValueError, AttributeError, TypeError):
        return Draft()
    return Draft(lines[:MOST_LINES], found[1])


async def save(call: Call, patient: str, draft: Draft) -> None:
    if not draft.lines:
        await drafts.drop(call.engine.db, call.actor, patient, FORM)
        draft.saved = None
        return
    content = json.dumps({"lines": [asdict(x) for x in draft.lines]}, ensure_ascii=False)
    draft.saved = await drafts.save(call.engine.db, call.actor, patient, FORM, content)


async def keep(call: Call, patient: str) -> Draft:
    """Lay what is typed over the draft as it is now. A change made meanwhile, here or on another machine, is not undone by it."""
    for _ in range(5):
        draft = await load(call, patient)
        typed(call, draft)
        if draft.saved is None:
            return draft
        content = json.dumps({"lines": [asdict(x) for x in draft.lines]}, ensure_ascii=False)
        saved = await drafts.replace(call.engine.db, call.actor, patient, FORM, content, draft.saved)
        if saved is not None:
            draft.saved = saved
            return draft
    return draft


def typed(call: Call, draft: Draft) -> None:
    """Overlay what stands in the form's fields: <k>-<field>."""
    form = call.form
    for line in draft.lines:
        for name in FIELDS:
            if form is not None and f"{line.k}-{name}" in form:
                setattr(line, name, call.field(f"{line.k}-{name}", 2000))


def context(call: Call, life: Life, requisition: str = "") -> Context:
    """For whom and in which visit: the one that runs at the reader's facility, an inpatient stay before others."""
    running = [v for v in life.visits if v.open and v.start <= call.now]
    here = [v for v in running if v.place == call.actor.organization]
    visit = max(here, key=lambda v: (v.inpatient, v.start), default=None)
    return Context(
        life.person.id, call.now, visit.id if visit else "", bool(visit and visit.kind in GIVEN_HERE),
        call.actor.practitioner or "", call.actor.name, _years(life.person.birth, call.now) < CHILD_YEARS, None, requisition,
        bool(visit and visit.kind == "EMER"),
    )  # fmt: skip


def _years(birth: str, now: datetime) -> float:
    """Whole years since a FHIR date; many where it is not known."""
    try:
        year, month, day = (int(x) for x in f"{birth}-01-01"[:10].split("-"))
    except ValueError:
        return 99
    today = clock.local(now).date()
    return today.year - year - ((today.month, today.day) < (month, day))


def diagnoses(life: Life) -> list[str]:
    """ICD-10 codes of the active problems."""
    return list(dict.fromkeys(p.code for p in life.problems if p.active and p.code))


def add(draft: Draft, item: Item, where: Context, hint: str = "") -> None:
    if len(draft.lines) < MOST_LINES:
        draft.lines.append(first_line(draft.next_k(), item, where, hint))


def add_parts(draft: Draft, index: Index, parts: Sequence[Part], where: Context, now: datetime, w: Any) -> None:
    """The items of an order set; what may not be ordered now is said."""
    missing = []
    for part in parts:
        item = index.by_id.get(part.definition)
        if item is not None and item.offered(now):
            add(draft, item, where, "" if where.child and item.kind == "drug" else part.hint)
        else:
            missing.append(part.title)
    if missing:
        draft.said = w("No longer in the catalogue: %(what)s", what=", ".join(missing))


def composed(draft: Draft, index: Index, where: Context, once: str, accessions: Mapping[str, str] | None = None) -> list[Any]:
    """The request of each line that can be ordered, in order; None for a line whose definition is gone."""
    out: list[Any] = []
    for n, line in enumerate(draft.lines):
        item = index.by_id.get(line.definition)
        number = (accessions or {}).get(line.k, "")
        out.append(compose(line, item, where, f"{once}-{n + 1}", number) if item and item.offered(where.now) else None)
    return out


async def verdicts(
    call: Call, store: Store, patient: str, made: Sequence[dict[str, Any] | None]
) -> dict[int, list[Verdict]]:  # fmt: skip
    """By the number of the line: what the advisers of all departments say."""
    kept = [n for n, r in enumerate(made) if r is not None]
    out: dict[int, list[Verdict]] = {}
    if kept:
        for v in await departments.advise(call, store, patient, [r for r in made if r is not None]):
            if 0 <= v.about < len(kept):
                out.setdefault(kept[v.about], []).append(v)
    return out


def blocked(line: Line, found: Sequence[Verdict]) -> bool:
    """Something stops it, and no reason to go on is typed."""
    return any(v.level == "stop" for v in found) and len(line.override.strip()) < SHORTEST_REASON


async def view(
    call: Call, life: Life, reason: str, draft: Draft, *, once: str = "", checked: bool = False, query: str = ""
) -> dict[str, Any]:  # fmt: skip
    """What the template needs. `checked`: say what is missing (after an attempt to sign)."""
    index = await catalogue.fresh(call.engine, call.scope(reason))
    where = context(call, life)
    patient = life.person.id
    made = composed(draft, index, where, "x")
    asked = True
    try:
        said = await verdicts(call, Store(call.engine, call.scope(reason)), patient, made) if draft.lines else {}
    except LongbienError as why:  # the chart opens all the same; signing asks again and fails as long as nobody answers
        _log.warning("advice: %s", why.text)
        asked, said = False, {}
    own = await favourites.counts(call.engine, call.actor)
    rows = [_row(call, n, line, index, where, said.get(n, []), checked) for n, line in enumerate(draft.lines)]
    for r in rows:
        r.pinned = own.get(r.line.definition, 0) >= favourites.PINNED
    icd = diagnoses(life)
    mine = kinds(call.actor)
    asked_kinds = (*OFFERED, "set") if mine == OFFERED else mine
    hits = index.search(query, call.now, kinds=asked_kinds, favours=icd, own=own) if query else []
    shown = index.by_id.get(draft.open_set)
    return {
        "rows": rows,
        "dead": bool(life.person.dead),
        "asked": asked,
        "once": once or new_id(),
        "saved": draft.saved,
        "said": draft.said,
        "icd": ",".join(icd[:20]),
        "query": query,
        "hits": [_told(i, call) for i in hits],
        "open_set": _set(call, shown, index) if shown else None,
        "suggested": _suggested(call, index, icd, own, asked_kinds) if not shown else [],
        "blocked": sum(r.blocked for r in rows),
        "wrong": sum(bool(r.errors) for r in rows),
        "patient": patient,
        "kinds": "" if mine == OFFERED else ",".join(mine),
        "lapsed": sum(r.item is None for r in rows),
    }


def _row(
    call: Call, n: int, line: Line, index: Index, where: Context, said: list[Verdict], checked: bool
) -> SimpleNamespace:  # fmt: skip
    item = index.by_id.get(line.definition)
    gone = item is None or not item.offered(call.now)
    kind = KINDS.get(item.kind) if item else None
    errors = wrong(line, item, where, call.w) if item and not gone else {}
    return SimpleNamespace(
        n=n,
        line=line,
        item=None if gone else item,
        name=item.name(call.lang) if item else line.definition,
        kind=item.kind if item else "",
        kind_title=call.w(kind.title) if kind else "",
        unit=dose_unit(item) if item else "",
        summary=summary(line, item, call.w) if item else "",
        child=item.child if item and where.child and item.kind == "drug" else "",
        inpatient=where.inpatient,
        high_alert=bool(item and item.high_alert),
        errors=errors if checked or (errors.keys() - {"days"}) else {},
        verdicts=said,
        stopped=any(v.level == "stop" for v in said),
        blocked=blocked(line, said),
        gone=gone,
    )


def _told(item: Item, call: Call) -> SimpleNamespace:
    kind = KINDS.get(item.kind)
    title = call.w(kind.title) if kind else call.w("Order set")
    return SimpleNamespace(id=item.id, name=item.name(call.lang), dose=item.dose, kind=item.kind, kind_title=title)


def _set(call: Call, item: Item, index: Index) -> SimpleNamespace:
    parts = []
    for n, part in enumerate(item.parts):
        one = index.by_id.get(part.definition)
        title = call.w(KINDS[one.kind].title) if one else ""
        name = one.name(call.lang) if one else part.title
        parts.append(SimpleNamespace(n=n, name=name, hint=part.hint, ticked=part.ticked, kind_title=title, there=one is not None))
    return SimpleNamespace(
        id=item.id, name=item.name(call.lang), advice=item.usage, parts=parts, ticked=sum(p.ticked for p in parts)
    )


def _suggested(
    call: Call, index: Index, icd: Sequence[str], own: Mapping[str, int], allowed: Sequence[str]
) -> list[tuple[str, list[SimpleNamespace]]]:  # fmt: skip
    """Favourites: sets and drugs for the patient's diagnoses, then what the reader orders most; of the kinds `allowed`."""
    if "drug" not in allowed:
        common = sorted(
            (i for i in index.items if i.kind in allowed and i.offered(call.now)), key=lambda i: (-own.get(i.id, 0), i.rank)
        )
        by = [(call.w(KINDS[k].title), [i for i in common if i.kind == k][:SUGGESTED]) for k in allowed]
        return [(title, [_told(i, call) for i in items]) for title, items in by if items]
    wide = set(icd) | {c.split(".")[0] for c in icd}
    fits = sorted(
        (i for i in index.items if i.favours & wide and i.offered(call.now)),
        key=lambda i: (-own.get(i.id, 0), -len(i.favours & set(icd)), i.rank, i.id),
    )
    sets = [i for i in fits if i.kind == "set"][:4]
    drugs = [i for i in fits if i.kind != "set"][:SUGGESTED]
    shown = {i.id for i in (*sets, *drugs)}
    mine = [i for id_ in own if (i := index.by_id.get(id_)) and i.id not in shown and i.offered(call.now)][:SUGGESTED]
    groups = [
        (call.w("Order sets for the diagnoses"), sets),
        (call.w("Drugs for the diagnoses"), drugs),
        (call.w("You order often"), mine),
    ]
    return [(title, [_told(i, call) for i in items]) for title, items in groups if items]
