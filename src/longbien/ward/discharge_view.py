"""What the discharge page shows: the fields with what is typed, kept or composed in them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from longbien.base import clock
from longbien.base.words import Words
from longbien.web.chart import record as r

from . import discharge_compose as c
from .discharge_read import PAPER, Stay
from .discharge_resources import TITLES
from .discharge_rules import KINDS, RESULTS, SECTIONS, Standing, bill, rail, ready, suggest

DAYS_HOME = 7
DECIDED = "doctor"
"""The field of the shared draft that says which doctor has looked it through; never a field of the form."""
Resource = dict[str, Any]


class Blank(dict[str, str]):
    """Fields of a form; one that is not there is empty."""

    def __missing__(self, key: str) -> str:
        return ""


def composed(stay: Stay, now: datetime) -> dict[str, str]:
    """The sections as the record gives them."""
    end = stay.visit.end or now
    person, notes = stay.life.person, stay.mine("Composition")
    found = c.extremes(stay.life.series, person.sex, person.birth, stay.visit.start - timedelta(hours=6), end)
    done = c.operations(stay.mine("Procedure"))
    return {
        "course": c.course(
            stay.visit, notes, stay.reason, str(r.first(stay.encounter, "hospitalization", "origin", "display") or "")
        ),
        "results": c.results(found, stay.mine("DiagnosticReport")),
        "operations": done,
        "treatment": c.treatment(stay.mine("MedicationRequest"), done),
        "state": c.state(stay.life, stay.visit.start, end, c.last_findings(notes)),
        "advice": c.advice(((a.substance, a.reaction) for a in stay.life.allergies), (a.title for a in stay.awaited())),
    }


def fields(stay: Stay, kept: Mapping[str, str], made: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Every field of the form: as kept, else as the record suggests. The result of treatment is never suggested: that is a
    judgement."""
    here = clock.local(now)
    out = {"end_day": f"{here:%d/%m/%Y}", "end_time": f"{here:%H:%M}", "kind": "1", "follow_time": "08:00"}
    for condition, named in stay.diagnoses():
        if named:
            out.setdefault("dx.main", str(condition["id"]))
            out[f"dx.{condition['id']}"] = "1"
    for request in stay.drugs():
        id_, dosage = str(request["id"]), (request.get("dosageInstruction") or [{}])[0]
        begun = r.moment(request.get("authoredOn"))
        before = begun is not None and begun < stay.visit.start
        choice = suggest(str((dosage.get("route") or {}).get("text") or ""), str(dosage.get("text") or ""), before)
        days, sig = str(DAYS_HOME), str(dosage.get("text") or "")
        out |= {f"drug.{id_}": choice, f"drug.{id_}.days": days, f"drug.{id_}.sig": sig}
    for key, *_ in SECTIONS:
        out[f"s.{key}"] = made[key]
    if kept:
        ticked = {k for k in out if k.startswith("dx.") and k != "dx.main"}
        out = {k: v for k, v in out.items() if k not in ticked or kept.get(k)}
    return Blank({**out, **{k: v for k, v in kept.items() if v}})


def standing(stay: Stay, kept: Mapping[str, str]) -> Standing:
    """The state of the rail."""
    diagnoses = stay.diagnoses()
    main = next((x for x, _ in diagnoses if x["id"] == kept.get("dx.main")), diagnoses[0][0] if diagnoses else None)
    drugs = stay.drugs()
    draft = stay.draft()
    follow = kept.get("follow_day", "")
    return Standing(
        r.concept(main.get("code")) if main else "",
        max(0, len(diagnoses) - 1),
        stay.awaited(),
        len(drugs),
        sum(1 for d in drugs if kept.get(f"drug.{d['id']}")) if kept.get(DECIDED) else 0,
        sum(1 for d in drugs if kept.get(f"drug.{d['id']}") == "home"),
        r.updated(draft) if draft and kept.get(DECIDED) else None,
        follow[:5],
        [(code, stay.signed(p) == "whole") for code, p in stay.papers()],
        stay.doctor,
        bill(stay.invoices(), stay.charges),
        stay.charges,
    )


def rail_view(s: Standing, patient: str, leaves: str, w: Words, now: datetime) -> dict[str, Any]:
    """The rail as the template needs it: each step with its words, and how many are done."""
    items = rail(s)
    done, of = ready(items)
    shown = []
    for i in items:
        title = w(i.title)
        if i.key == "results" and i.state == "waits":
            title = w("Results due: %(n)s", n=i.detail)
        shown.append(
            SimpleNamespace(key=i.key, title=title, state=i.state, said=_said(i, w), link=f"/patients/{patient}/discharge{i.link}")
        )
    return {"steps": shown, "done": done, "of": of, "leaves": leaves, "patient": patient}


def _said(i: Any, w: Words) -> str:
    if i.state == "unconnected":
        return w("not yet connected")
    if i.state == "none":
        return w("nothing needed")
    detail = i.detail if i.key in ("drugs", "signature", "follow-up") else ""
    since = w.short_date(i.since) if i.since and i.key == "results" else ""
    owner = w(i.owner) if i.owner else ""
    return " · ".join(x for x in (detail, owner, w("since %(date)s", date=since) if since else "") if x)


def diagnosis_rows(stay: Stay, lang: str) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(id=x["id"], name=r.concept(x.get("code"), lang), code=_icd(x), since=str(x.get("recordedDate") or "")[:10])
        for x, _ in stay.diagnoses()
    ]


def _icd(x: Resource) -> str:
    return next(
        (str(k.get("code")) for k in (x.get("code") or {}).get("coding") or () if "icd" in str(k.get("system")).lower()), ""
    )


def drug_rows(stay: Stay, lang: str) -> list[SimpleNamespace]:
    """Inpatient drugs in alphabetical order, each with its words and since when."""
    out = []
    for d in stay.drugs():
        dosage = (d.get("dosageInstruction") or [{}])[0]
        name = _drug_name(d, lang) or str((d.get("medicationReference") or {}).get("display") or "")
        since = r.moment(d.get("authoredOn"))
        out.append(SimpleNamespace(id=d["id"], name=name, sig=str(dosage.get("text") or ""), since=since))
    return sorted(out, key=lambda x: x.name)


def _drug_name(d: Resource, lang: str) -> str:
    """The drug as the chart names it in the reader's language."""
    known = r.drug(d, {}, lang)
    return known.name if known else r.concept(d.get("medicationCodeableConcept"), lang)


def people(stay: Stay) -> list[tuple[str, str]]:
    """(Practitioner id, name) of who may follow something up: the attending first, then the care team."""
    found = {stay.doctor_id: stay.doctor} if stay.doctor_id else {}
    for team in stay.mine("CareTeam"):
        for p in team.get("participant") or ():
            reference = str(r.first(p, "member", "reference") or "")
            if reference.startswith("Practitioner/"):
                found.setdefault(reference.removeprefix("Practitioner/"), str(r.first(p, "member", "display") or ""))
    return list(found.items())


def paper_rows(stay: Stay) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(
            code=code,
            id=p["id"],
            title=str(p.get("title") or TITLES.get(code, code)),
            signed=stay.signed(p),
        )
        for code, p in stay.papers()
    ]  # fmt: skip


def choices(w: Words) -> dict[str, Any]:
    return {
        "results": [(k, m if w.lang == "en" else vi) for k, (vi, m) in RESULTS.items() if k not in ("5", "8")],
        "kinds": [(k, m if w.lang == "en" else vi) for k, (vi, m, *_) in KINDS.items()],
        "sections": [(k, w(m), vi) for k, _, vi, m in SECTIONS],
    }


def ended(stay: Stay, w: Words) -> SimpleNamespace:
    """How a finished stay ended, in words."""
    e = stay.encounter
    result = next(
        (
            str(r.first(x, "valueCoding", "code"))
            for x in e.get("extension") or ()
            if str(x.get("url")).endswith("/treatment-result")
        ),
        "",
    )
    kind = r.code_of(r.first(e, "hospitalization", "dischargeDisposition"))
    return SimpleNamespace(
        at=stay.visit.end,
        result=w(RESULTS[result][1]) if result in RESULTS else "",
        kind=w(KINDS[kind][1]) if kind in KINDS else r.concept(r.first(e, "hospitalization", "dischargeDisposition"), w.lang),
        diagnoses=[
            str(r.first(d, "condition", "display") or "") for d in e.get("diagnosis") or () if r.code_of(d.get("use")) == "DD"
        ],
    )


def home_drugs(stay: Stay) -> list[Resource]:
    """What was prescribed to take home."""
    found = [
        d
        for d in stay.mine("MedicationRequest")
        if r.code_of(d.get("category")) == "discharge" and d.get("status") != "entered-in-error"
    ]
    return sorted(found, key=lambda d: r.concept(d.get("medicationCodeableConcept")))


__all__ = [
    "PAPER",
    "choices",
    "composed",
    "diagnosis_rows",
    "drug_rows",
    "ended",
    "fields",
    "home_drugs",
    "paper_rows",
    "people",
    "rail_view",
    "standing",
]
