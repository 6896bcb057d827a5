"""What the visit's page shows, from what was typed and what the record says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from ..access import drafts
from ..base import clock
from ..base.ids import new_id
from ..base.words import words
from ..record.store import Store
from ..web import departments
from ..web.chart import measures
from ..web.chart.model import measured
from ..web.chart.record import Life, moment
from ..web.entries import Writer
from ..web.page import Call
from ..web.pages.write import opened
from . import codes, dosing, forms, formulary, leave, phrases, readings
from .dosing import MOST_LINES
from .forms import Typed
from .judge import Judged, Says
from .phrases import Phrase
from .readings import Earlier, Reading

UNITS = {"/min": "lần/phút"}
VITALS = ("8867-4", "8310-5", "9279-1", "59408-5", "29463-7")


@dataclass
class Desk:
    """One visit being written: the patient's frame, the visit, what came before it."""

    patient: str
    shell: dict[str, Any]
    store: Store
    encounter: Reading
    formulary: formulary.Formulary
    typed: Typed = field(default_factory=Typed)
    saved: datetime | None = None
    note: Reading | None = None  # the signed one of this visit
    last: Reading | None = None  # the one before
    found: Sequence[Reading] = ()
    earlier: Earlier = field(default_factory=Earlier)
    own: Sequence[Reading] = ()
    hours: Sequence[datetime] = ()  # what is free in the room's schedule on the day of the follow-up

    @property
    def life(self) -> Life:
        life: Life = self.shell["life"]
        return life

    @property
    def forms(self) -> tuple[str, str]:
        return f"visit.{self.encounter.id}", f"rx.{self.encounter.id}"


def writer(call: Call, patient: str, encounter: str = "") -> Writer:
    actor = call.actor
    return Writer(patient, actor.practitioner or "", actor.name, actor.organization or "", encounter)


async def desk(call: Call, patient: str, shell: dict[str, Any], encounter: str, *, drafted: bool = True, past: bool = True) -> Desk:
    """Everything of one visit. `past`: also what came before it. Raises NotFound where the visit is not this patient's."""
    store = Store(call.engine, call.scope(shell["reason"]))
    visit = await readings.encounter(store, patient, encounter)
    one = Desk(patient, shell, store, visit, await formulary.fresh(call.engine, call.scope("formulary")))
    if not past:
        return one
    notes = await readings.notes(store, patient)
    one.note = next((n for n in notes if readings.about(n.body, encounter)), None)
    one.last = next(
        (n for n in notes if not readings.about(n.body, encounter) and n.body.get("status") != "entered-in-error"), None
    )
    one.found = await readings.requests(store, patient)
    one.earlier, one.own = readings.before(one.found, encounter), readings.own(one.found, encounter)
    if drafted:
        one.typed, one.saved = await draft(call, one)
    return one


async def draft(call: Call, one: Desk) -> tuple[Typed, datetime | None]:
    """What lies half written; of a visit that nobody has begun to write, what is known of it."""
    db, actor = call.engine.db, call.actor
    kept = [await drafts.load(db, actor, one.patient, f) for f in one.forms]
    if not any(kept):
        return begun(one), None
    typed = forms.restored(kept[0][0] if kept[0] else None, kept[1][0] if kept[1] else None)
    if kept[0] is None:
        typed.texts = {**begun(one).texts, **typed.texts}
        typed.dx = begun(one).dx
    return typed, max(k[1] for k in kept if k)


def begun(one: Desk) -> Typed:
    """The reason that reception wrote, the diagnoses that the visit already names."""
    e = one.encounter.body
    reason = "; ".join(str(r.get("text") or "") for r in e.get("reasonCode") or () if r.get("text"))
    by_id = {p.id: p.code for p in one.life.problems}
    named = [str((d.get("condition") or {}).get("reference") or "").rpartition("/")[2] for d in e.get("diagnosis") or ()]
    dx = list(dict.fromkeys(by_id[i] for i in named if by_id.get(i)))
    texts = {"reason": reason} if reason else {}
    return Typed(texts, [(c, False) for c in dx])


async def keep(call: Call, one: Desk) -> datetime:
    """Keep both drafts as typed. Gives when."""
    db, actor = call.engine.db, call.actor
    visit, rx = one.forms
    at = await drafts.save(db, actor, one.patient, visit, one.typed.visit_json())
    if one.typed.lines:
        at = await drafts.save(db, actor, one.patient, rx, one.typed.lines_json())
    else:
        await drafts.drop(db, actor, one.patient, rx)
    return at


async def newest(call: Call, patient: str, encounter: str) -> datetime | None:
    """When the draft was last saved, on whichever machine."""
    mine = {f"visit.{encounter}", f"rx.{encounter}"}
    listed = await drafts.listed(call.engine.db, call.actor, patient)
    return max((r["updated"] for r in listed if r["form"] in mine), default=None)


async def drop(call: Call, one: Desk) -> None:
    for form in one.forms:
        await drafts.drop(call.engine.db, call.actor, one.patient, form)


# --- what came before


def copied(one: Desk) -> dict[str, str]:
    """The texts of the note before, by field."""
    return readings.sections(one.last.body) if one.last else {}


def vitals(call: Call, life: Life, day: datetime) -> list[SimpleNamespace]:
    """Today's latest vital signs: name, value, unit, flag, time."""
    w, today = call.w, clock.local(day).date()
    by = {s.code: s for s in life.series}
    out = []
    high, low = by.get(measures.SYSTOLIC), by.get(measures.DIASTOLIC)
    if high and low and clock.local(high.times[-1]).date() == today:
        m = [measured(s, life, call.now, w) for s in (high, low)]
        flag = next((f for x in m if (f := x.limits.flag(x.series.values[-1]))), "")
        text = f"{w.number(high.values[-1], 0)}/{w.number(low.values[-1], 0)}"
        out.append(
            SimpleNamespace(name=w("Blood pressure"), short="HA", value=text, unit="mmHg", flag=flag, time=w.time(high.times[-1]))
        )
    for code in VITALS:
        if (s := by.get(code)) and clock.local(s.times[-1]).date() == today:
            m1 = measured(s, life, call.now, w)
            flag = m1.limits.flag(s.values[-1])
            vi = measures.table().get(code)
            out.append(
                SimpleNamespace(
                    name=m1.name, short=measures.SHORT.get(code, {}).get("vi") or (vi.vi if vi else m1.name),
                    value=w.number(s.values[-1], m1.decimals), unit=s.unit, flag=flag, time=w.time(s.times[-1]),
                )
            )  # fmt: skip
    return out


def vitals_text(found: Sequence[SimpleNamespace]) -> str:
    """As the examination begins, in the record's language: HA 152/88 mmHg, mạch 78 lần/phút."""
    said = [f"{v.short} {v.value.replace('.', ',')} {UNITS.get(v.unit, v.unit)}".strip() for v in found]
    return ", ".join(x[:1].lower() + x[1:] if n else x for n, x in enumerate(said))


RECENT, MOST_RESULTS = timedelta(days=30), 12


def results_text(call: Call, life: Life, now: datetime) -> str:
    """What was outside its range lately, as a referral tells it: "Creatinin 142 µmol/L (28/11)". In the record's language."""
    w = words("vi")
    found = []
    for s in life.series:
        m = measured(s, life, now, w)
        if m.vital or now - s.times[-1] > RECENT or not m.limits.flag(s.values[-1]):
            continue
        found.append((s.times[-1], f"{m.name} {w.number(s.values[-1], m.decimals)} {s.unit} ({w.short_date(s.times[-1])})"))
    return "; ".join(text for _, text in sorted(found, reverse=True)[:MOST_RESULTS])


# --- the page


def fields(
    call: Call, one: Desk, judged: Judged | None, own: Sequence[Any] = (), saved: datetime | None = None,
    kept: Sequence[Phrase] = (), error: str = "",
) -> dict[str, Any]:  # fmt: skip
    """The template's context for everything inside the form."""
    typed, w = one.typed, call.w
    known = call.terms.by_code
    before = copied(one)
    says = judged.says if judged else []
    rows = [
        SimpleNamespace(code=c, value=f"{c}?" if q else c, suspected=q, name=known[c].name(call.lang) if c in known else c)
        for c, q in typed.dx
    ]
    signed = {readings.drug_code(r.body) for r in one.own}
    lines = []
    for i, x in enumerate(typed.lines):
        drug = one.formulary.by_code.get(x.code)
        sig, quantity = judged.sigs[i] if judged and i < len(judged.sigs) else ("", "")
        lines.append(SimpleNamespace(line=x, drug=drug, sig=sig, quantity=quantity, signed=x.code in signed))
    day = clock.local(call.now).date()
    follow, _ = leave.follow_up(typed.texts.get("followup", ""), day)
    return {
        "v": SimpleNamespace(
            texts=typed.texts, done=typed.done, dx=rows, lines=lines, says=says,
            last=_note(call, one), before=before, marks={k for k, t in before.items() if t and typed.texts.get(k, "").strip() == t},
            earlier=one.earlier, earlier_n=len(one.earlier.requests), favourites=_favourites(call, own, typed),
            days=_days(typed), presets=leave.PRESETS, follow=follow,
            hours=[w.time(t) for t in one.hours], full=len(typed.lines) >= MOST_LINES,
            child=_child(one, day), weight=typed.texts.get("weight", ""),
            override=any(s.advised and s.level == "stop" for s in says),
            phrases_json=json.dumps({p.name: p.content for p in reversed(kept) if p.kind == "phrase"}, ensure_ascii=False),
            templates=[p for p in kept if p.kind == "template"],
            error=error, formulary=bool(one.formulary.by_code), advised=any(d.advice for d in departments.HOUSE),
            said=lambda about: [s for s in says if s.about == about], seen=saved.isoformat() if saved else "",
            titles={k: t for k, _, _, t in codes.TEXTS}, w=w,
        ),
    }  # fmt: skip


def _note(call: Call, one: Desk) -> SimpleNamespace | None:
    if one.last is None:
        return None
    at = moment(one.last.body.get("date"))
    who = next((str(a.get("display") or "") for a in one.last.body.get("author") or ()), "")
    return SimpleNamespace(id=one.last.id, day=call.w.date(at) if at else "", author=who)


def _favourites(call: Call, own: Sequence[Any], typed: Typed) -> list[SimpleNamespace]:
    there, known = {c for c, _ in typed.dx}, call.terms.by_code
    found = [r["code"] for r in own if r["code"] in known and r["code"] not in there]
    return [SimpleNamespace(code=c, name=known[c].name(call.lang)) for c in found[:6]]


def _days(typed: Typed) -> str:
    said = {x.days for x in typed.lines}
    return said.pop() if len(said) == 1 else ""


def _child(one: Desk, day: Any) -> bool:
    from_birth = dosing.months(one.life.person.birth, day)
    return from_birth is not None and from_birth < dosing.CHILD_MONTHS


def answered(judged: Judged, at: datetime, call: Call) -> dict[str, Any]:
    """What a draft's saving answers: when, what is to be said, how each line reads."""
    return {
        "said": call.w("draft, kept %(when)s", when=call.w.time(at)),
        "at": at.isoformat(),
        "says": [_says(s) for s in judged.says],
        "lines": [{"sig": sig, "quantity": quantity} for sig, quantity in judged.sigs],
        "stopped": judged.stopped,
    }


def _says(s: Says) -> dict[str, Any]:
    return {"about": s.about, "level": "warn" if s.overruled else s.level, "text": s.text, "rule": s.rule, "offer": list(s.offer)}


def form(call: Call) -> list[tuple[str, str]]:
    given = call.form.multi_items() if call.form is not None else []
    return [(k, v) for k, v in given if isinstance(v, str)]


async def allowed(call: Call, patient: str) -> str:
    """The reason for which the record is open. Raises NotFound."""
    return await opened(call, patient)


async def phrases_of(call: Call) -> list[Phrase]:
    return await phrases.listed(call.engine.db, call.actor.number, call.actor.organization or "", call.actor.department or "")


def once(call: Call) -> str:
    given = call.field("once", 64)
    return given if judge_id(given) else new_id()


def judge_id(text: str) -> bool:
    return 8 <= len(text) <= 40 and text.replace("-", "").isalnum() and text.isascii()


def as_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
