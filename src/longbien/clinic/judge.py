"""What is to be said of a visit before it is signed: rules of the diagnoses, of the prescription, and what the advisers of the
house say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ..base import clock
from ..base.words import Words
from ..fhir import systems as s
from ..record.store import Store
from ..web import departments
from ..web.chart.record import Person
from ..web.entries import Writer
from ..web.page import Call
from ..web.terms import Term
from . import compose, dosing, leave, readings, rules
from .compose import Written
from .forms import Typed
from .formulary import Formulary


@dataclass(frozen=True)
class Says:
    """One sentence on the page. about: "dx.0", "rx.1", "dx", "rx", "followup" or "visit". offer: codes that would mend it."""

    about: str
    level: str
    text: str
    rule: str = ""
    offer: tuple[str, ...] = ()
    overruled: bool = False
    advised: bool = False  # said by an adviser: a stop of his may be overruled with a reason

    @property
    def stops(self) -> bool:
        return self.level == "stop" and not self.overruled


@dataclass
class Judged:
    says: list[Says] = field(default_factory=list)
    diagnoses: list[tuple[Term, bool]] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    sigs: list[tuple[str, str]] = field(default_factory=list)
    follow_up: date | None = None

    @property
    def stopped(self) -> bool:
        return any(x.stops for x in self.says)


async def judge(
    call: Call, store: Store, patient: str, person: Person, typed: Typed, formulary: Formulary, *, whole: bool = True
) -> Judged:
    """Everything that is to be said. `whole`: of the visit; False: of the prescription alone."""
    out = Judged()
    w, today = call.w, clock.local(call.now).date()
    if whole:
        _diagnoses(out, call, person, typed, today)
        day, wrong = leave.follow_up(typed.texts.get("followup", ""), today)
        out.follow_up = day
        if wrong:
            out.says.append(Says("followup", "stop", w(wrong[0], **wrong[1])))
    else:
        out.diagnoses = [(t, q) for c, q in typed.dx if (t := call.terms.by_code.get(c))]
    _lines(out, w, person, typed, formulary, today)
    if out.written:
        await _advice(out, call, store, patient, typed)
    return out


def _diagnoses(out: Judged, call: Call, person: Person, typed: Typed, today: date) -> None:
    w, known = call.w, call.terms.by_code
    found: list[rules.Dx] = []
    for i, (code, suspected) in enumerate(typed.dx):
        term = known.get(code)
        if term is None:
            out.says.append(Says(f"dx.{i}", "stop", w("%(code)s is not in the list.", code=code)))
        else:
            out.diagnoses.append((term, suspected))
        found.append(rules.Dx(code, term.vi if term else code))
    finer = [d.code for d in found if len(d.code) == 3 and f"{d.code}.0" in known]
    for f in rules.check(found, person.sex, person.birth, today, finer):
        about = "dx" if f.about is None else f"dx.{f.about}"
        args = {k: w(v) if k == "ages" else v for k, v in f.args.items()}
        out.says.append(Says(about, f.level, w(f.text, **args), f.rule, f.offer))


def _lines(out: Judged, w: Words, person: Person, typed: Typed, formulary: Formulary, today: date) -> None:
    read: list[tuple[dosing.Drug, dosing.Taken]] = []
    places: list[int] = []
    for i, line in enumerate(typed.lines):
        drug = formulary.by_code.get(line.code)
        if drug is None:
            out.says.append(Says(f"rx.{i}", "stop", w("%(drug)s is not in the formulary.", drug=line.name or line.code)))
            out.sigs.append(("", ""))
            continue
        done = dosing.read(line, drug)
        for text, args in done.errors.values():
            out.says.append(Says(f"rx.{i}", "stop", w(text, **args)))
        if done.taken is None:
            out.sigs.append(("", ""))
            continue
        read.append((drug, done.taken))
        places.append(i)
        out.sigs.append((dosing.sig(done.taken, drug, line.note), dosing.printed_quantity(done.taken.quantity, drug)))
        out.written.append(Written(drug, done.taken, line, typed.texts.get("override", "")))
    weight, guardian = bool(typed.texts.get("weight")), bool(typed.texts.get("guardian"))
    for said in dosing.check(read, person.birth, today, weight=weight, guardian=guardian):
        about = "rx" if said.about is None else f"rx.{places[said.about]}"
        out.says.append(Says(about, said.level, w(said.text, **said.args), said.rule))


async def _advice(out: Judged, call: Call, store: Store, patient: str, typed: Typed) -> None:
    """What the house's advisers say of the lines as they would be written. A stop holds until a reason is typed."""
    writer = Writer(patient, call.actor.practitioner or "", call.actor.name, call.actor.organization or "")
    going = [r for r in await readings.requests(store, patient) if r.body.get("status") == "active" and readings.community(r.body)]
    prior = {readings.drug_code(r.body): r.id for r in reversed(going)}
    drafts = [
        compose.request(x, "", (), writer, f"draft-{n}", call.now, prior.get(x.drug.code, "")) for n, x in enumerate(out.written)
    ]
    for draft in drafts:  # what the visit's form says so far; written, the prescription refers to the Condition
        draft["reasonCode"] = [compose.concept(t.system, t.code, t.vi) for t, suspected in out.diagnoses if not suspected]
    places = [i for i, line in enumerate(typed.lines) if any(x.line is line for x in out.written)]
    reason = len(typed.texts.get("override", "")) >= SHORTEST_REASON
    for verdict in await departments.advise(call, store, patient, drafts):
        at = places[verdict.about] if verdict.about < len(places) else 0
        text = verdict.text + (f" {verdict.reason}" if verdict.reason else "")
        out.says.append(Says(f"rx.{at}", verdict.level, text, verdict.source, (), verdict.level == "stop" and reason, True))


SHORTEST_REASON = 5


def active_problems(bodies: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """code -> (id, name) of the problems on the list that go on: a visit refers to them and does not write them anew."""
    out: dict[str, tuple[str, str]] = {}
    for x in bodies:
        categories = {c.get("code") for k in x.get("category") or () for c in k.get("coding") or ()}
        states = {c.get("code") for c in (x.get("clinicalStatus") or {}).get("coding") or ()}
        if "problem-list-item" not in categories or not states & {"active", "recurrence", "relapse"}:
            continue
        for c in (x.get("code") or {}).get("coding") or ():
            if c.get("system") in (s.ICD10_VN, s.ICD10):
                out.setdefault(
                    str(c.get("code")), (str(x.get("id")), str((x.get("code") or {}).get("text") or c.get("display") or ""))
                )
    return out
