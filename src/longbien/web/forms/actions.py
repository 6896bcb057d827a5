"""What staff do with forms: open, keep, leave for a colleague, sign, amend, copy forward. All is written through the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from ...access import drafts
from ...access.actor import Actor
from ...base import clock
from ...base.errors import Conflict, Gone, Invalid, LongbienError, NotFound
from ...base.ids import new_id
from ...base.words import Words, words
from ...fhir import json
from ...record.change import Change, Create, Update
from ...record.store import Store
from ..entries import Writer
from . import catalogue, draft, filling, paper, phrases, populate
from .draft import Draft
from .extract import Signing, _author, extracted, own_id, response
from .filling import Filled
from .tree import Form, Resource

MOST_FOUND = 200
CHARTED = 300
CLOSED = ("completed", "amended")
COPIED = "https://longbien.org/fhir/StructureDefinition/copied-forward"
"""On an answer that still holds what was copied forward: a reference to the response it came from."""


@dataclass
class Desk:
    """One form of one patient in somebody's hands."""

    store: Store
    actor: Actor
    writer: Writer
    form: Form
    w: Words
    now: datetime
    patient: Resource = field(default_factory=dict)
    env: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"form:{self.form.id}"

    def filled(self, held: Draft) -> Filled:
        return filling.fill(self.form, held.fields, self.env, self.w, self.now)


async def desk(
    store: Store, actor: Actor, writer: Writer, form: Form, w: Words, now: datetime, key: str = ""
) -> tuple[Desk, tuple[Draft, datetime] | None]:
    """With what the form's expressions may name (patient, encounter, user), and what is kept of the form. Of a draft of this visit
    the draft itself says it: a page that keeps what is typed every half second is not a look into the record each time."""
    made = Desk(store, actor, writer, form, w, now)
    held = await load(made, key)
    if held is not None and held[0].about.get("patient") and held[0].visit == writer.encounter:
        made.patient = held[0].about["patient"]
        made.env = {**held[0].about, "user": _user(writer)}
        return made, held
    made.patient = json.loads((await store.read("Patient", writer.patient)).body)
    made.env = {"patient": made.patient, "encounter": await _encounter(store, writer.encounter), "user": _user(writer)}
    return made, held


def _user(writer: Writer) -> Resource:
    return {"resourceType": "Practitioner", "id": writer.practitioner or "unknown", "name": [{"text": writer.name}]}


async def _encounter(store: Store, id_: str) -> Resource | None:
    if not id_:
        return None
    try:
        found: Resource = json.loads((await store.read("Encounter", id_)).body)
        return found
    except LongbienError:
        return None


async def prepare(desk: Desk) -> None:
    """Ask the record what the form's queries want to know; into env. A query that may not be asked finds nothing."""
    for name, expression in desk.form.queries:
        asked = populate.query(expression, desk.env)
        desk.env[name] = await _bundle(desk, *asked) if asked else None


async def _bundle(desk: Desk, kind: str, params: list[tuple[str, str]]) -> Resource:
    try:
        found = await desk.store.search(kind, params, patient=desk.writer.patient)
        entries = [{"resource": json.loads(e.body)} for e in found.entries]
    except LongbienError:
        entries = []
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


async def charted(desk: Desk) -> list[Resource]:
    """The Observations that the form would take instead of asking, newest first."""
    codes, days = populate.wanted(desk.form)
    if not codes or not days:
        return []
    since = (desk.now - timedelta(days=float(days))).astimezone(UTC)
    params = [
        ("combo-code", ",".join(f"http://loinc.org|{c}" for c in sorted(codes))),
        ("date", f"ge{since:%Y-%m-%dT%H:%M:%SZ}"), ("_sort", "-date"), ("_count", str(CHARTED)),
    ]  # fmt: skip
    return [e["resource"] for e in (await _bundle(desk, "Observation", params))["entry"]]


async def load(desk: Desk, key: str = "") -> tuple[Draft, datetime] | None:
    """What this person has unsigned of this form."""
    found = await drafts.load(desk.store.engine.db, desk.actor, desk.writer.patient, key or desk.key)
    held = draft.loads(found[0]) if found else None
    return (held, found[1]) if held is not None and found else None


async def save(desk: Desk, held: Draft, key: str = "") -> datetime:
    held.visit = desk.writer.encounter
    held.about = {"patient": {k: v for k, v in desk.patient.items() if k not in ("photo", "text", "contained")}}
    held.about["encounter"] = desk.env.get("encounter")
    return await drafts.save(desk.store.engine.db, desk.actor, desk.writer.patient, key or desk.key, held.dumps())


async def drop(desk: Desk, key: str = "") -> None:
    await drafts.drop(desk.store.engine.db, desk.actor, desk.writer.patient, key or desk.key)


async def fresh(desk: Desk) -> Draft:
    """A form nobody has begun: with what the record knows."""
    await prepare(desk)
    return Draft.opened(populate.opening(desk.form, desk.env, await charted(desk), desk.now, desk.w.lang))


async def refresh(desk: Desk, held: Draft) -> None:
    """A draft that is opened again: what still holds what the record or the charted values said gets what they say now."""
    now_said, drawn = await fresh(desk), held.drawn
    for name in drawn:
        held.fields.pop(name, None)
    for name in {*now_said.record, *now_said.sources}:
        if name in drawn or not [t for t in held.fields.get(name, ()) if t.strip()]:
            held.fields[name] = now_said.fields[name]
    held.record, held.sources = now_said.record, now_said.sources


async def responses(store: Store, patient: str, form: Form | None = None, count: int = MOST_FOUND) -> list[tuple[Resource, int]]:
    """(response, version), newest first; of one form, or all."""
    params = [("_sort", "-authored"), ("_count", str(count))]
    if form is not None:
        params.append(("questionnaire", form.url))
    found = await store.search("QuestionnaireResponse", params, patient=patient)
    return [(json.loads(e.body), e.version) for e in found.matches]


async def last(desk: Desk, status: Sequence[str], visit: bool = False) -> tuple[Resource, int] | None:
    """The newest response of this form with one of these statuses; `visit`: of the visit that runs now only."""
    found = await responses(desk.store, desk.writer.patient, desk.form, 20)
    here = f"Encounter/{desk.writer.encounter}" if desk.writer.encounter else None
    mine = (r for r in found if not visit or (r[0].get("encounter") or {}).get("reference") == here)
    return next((r for r in mine if r[0].get("status") in status), None)


def goes_on(desk: Desk, given: Resource, version: int) -> Draft:
    """A response that a colleague (or oneself) left unfinished, to be gone on with."""
    return Draft(fields=filling.fields_of(desk.form, given, desk.w.lang), once=str(given["id"]), version=version)


def copy_forward(desk: Desk, held: Draft, given: Resource) -> Draft:
    """What the last form of this kind said, into the fields that are still empty and that a person fills; what is measured anew
    each time, or drawn from the record, is not copied. Each is marked until it is touched."""
    before = filling.fields_of(desk.form, given, desk.w.lang)
    fields, copied = dict(held.fields), {}
    for name, texts in before.items():
        item = desk.form.item(_last(name))
        marker = item is not None and item.type == "group"
        if item is None or (not marker and (not item.asked or item.links is not None or item.shown == "fresh")):
            continue
        now_there = [t for t in fields.get(name, ()) if t.strip()]
        if marker:
            fields.setdefault(name, texts)
        elif not now_there:
            fields[name], copied[name] = texts, texts
    origin = {"reference": f"QuestionnaireResponse/{given['id']}", "at": str(given.get("authored") or "")}
    origin["who"] = str((given.get("author") or {}).get("display") or "")
    return replace(held, fields=fields, copied=copied, origin=origin)


def template(desk: Desk, held: Draft) -> Draft:
    """What a normal finding reads like into each field of it that is still empty: to be read through, and marked until
    it was."""
    fields, copied = dict(held.fields), dict(held.copied)
    for name, item in populate.names(desk.form.items):
        said = phrases.usual(desk.form).get(item.id)
        if said and not [t for t in fields.get(name, ()) if t.strip()]:
            fields[name] = copied[name] = [said]
    return replace(held, fields=fields, copied=copied, origin=held.origin or {"template": desk.form.id})


def _last(name: str) -> str:
    return unquote(name.rpartition("/")[2].partition("*")[0])


def _marked(items: list[Resource], above: str, marks: set[str], origin: str, form: Form, seen: dict[str, int]) -> None:
    """Put the mark of what was copied and never touched on its answers."""
    for i in items:
        item = form.item(str(i["linkId"]))
        if item is None:
            continue
        name = f"{above}/{item.segment}" if above else item.segment
        if item.type == "group" and item.repeats:
            n = seen.get(name, 0)
            seen[name] = n + 1
            name = f"{name}*{n}"
        if name in marks:
            mark = {"url": COPIED, "valueReference": {"reference": origin} if origin else {"display": "template"}}
            i["answer"] = [{"extension": [mark], **a} for a in i["answer"]]
        _marked(i.get("item") or [], name, marks, origin, form, seen)
        for a in i.get("answer") or ():
            _marked(a.get("item") or [], name, marks, origin, form, seen)


def _signing(desk: Desk, held: Draft, amends: bool = False) -> Signing:
    untouched = {n: s for n, s in held.sources.items() if n in held.drawn}
    return Signing(held.once, desk.writer, desk.now, untouched, amends)


def _response(desk: Desk, held: Draft, filled: Filled, status: str) -> Resource:
    made = response(filled, _signing(desk, held), status)
    if held.marks:
        made["item"] = json.loads(json.dumps({"item": made["item"]}))["item"]
        _marked(made["item"], "", held.marks, str(held.origin.get("reference") or ""), desk.form, {})
    if not made["item"]:
        del made["item"]
    return made


async def _changes(desk: Desk, made: Resource, version: int) -> list[Change]:
    return [Update(made, if_match=version)] if version else [Create(made, id=made["id"])]


async def leave(desk: Desk, held: Draft) -> int:
    """Into the record as it is, in progress: for a colleague to go on with. Gives the version. Raises Conflict, Invalid."""
    made = _response(desk, held, desk.filled(held), "in-progress")
    stored = await desk.store.commit(await _changes(desk, made, held.version))
    return stored[0].version


async def sign(desk: Desk, held: Draft, filled: Filled) -> list[str]:
    """Complete the response; write what it says into the record; give what was written as Type/id. The filled form has no errors.
    Sent twice, it is written once. Raises Conflict (somebody else went on with it), Invalid."""
    signing = _signing(desk, held)
    made = _response(desk, held, filled, "completed")
    more = await _new(desk, extracted(filled, signing))
    code = catalogue.PAPERS.get(desk.form.kind)
    if code:
        more.append(paper.composition(filled, signing, code, desk.writer.organization, words("vi")))
    changes = [*await _changes(desk, made, held.version), *(Create(x, id=x["id"]) for x in more)]
    try:
        await desk.store.commit(changes)
    except Conflict:
        if not await _signed(desk, made):
            raise
    await drop(desk)
    return [f"{x['resourceType']}/{x['id']}" for x in (made, *more)]


async def _signed(desk: Desk, made: Resource) -> bool:
    """Was this very form, with these very answers, signed by this person already?"""
    known = await _known(desk, made["id"])
    mine = (known.get("author") or {}).get("reference") == _author(desk.writer).get("reference")
    same = known.get("item") == json.loads(json.dumps(made)).get("item")
    return known.get("status") in CLOSED and mine and same


async def _known(desk: Desk, id_: str) -> Resource:
    try:
        found: Resource = json.loads((await desk.store.read("QuestionnaireResponse", id_)).body)
        return found
    except LongbienError:
        return {}


async def apart(desk: Desk, held: Draft) -> None:
    """A draft whose form was signed meanwhile, here or by a colleague, with other answers: from now on a form of its own."""
    if (await _known(desk, held.once)).get("status") in CLOSED:
        held.once, held.version = new_id(), 0


async def _new(desk: Desk, found: list[Resource]) -> list[Resource]:
    """Of extracted Conditions, those that the running visit does not have yet under the same code."""
    conditions = [x for x in found if x["resourceType"] == "Condition"]
    if not conditions:
        return found
    params = [("clinical-status", "active"), ("_count", "200")]
    known = {k for e in (await _bundle(desk, "Condition", params))["entry"] for k in _diagnosis(e["resource"])}
    return [x for x in found if x["resourceType"] != "Condition" or not (_diagnosis(x) & known)]


def _diagnosis(x: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(visit, code) of a Condition."""
    visit = str((x.get("encounter") or {}).get("reference") or "")
    return {(visit, str(c["code"])) for c in (x.get("code") or {}).get("coding") or () if c.get("code")}


async def amend(desk: Desk, held: Draft, filled: Filled, before: Resource, reason: str) -> None:
    """A completed form, changed with a reason: a new version of the response and of what it had written, and a Provenance that says
    who and why. Raises Conflict (somebody else amended it), Invalid."""
    signing = _signing(desk, held, amends=True)
    made = _response(desk, held, filled, "amended")
    made["authored"], made["author"] = before.get("authored", made["authored"]), before.get("author", made["author"])
    for name in ("encounter", "subject"):
        if before.get(name):
            made[name] = before[name]
    more = extracted(filled, signing)
    code = catalogue.PAPERS.get(desk.form.kind)
    if code:
        more.append(paper.composition(filled, signing, code, desk.writer.organization, words("vi")))
    more, gone = await _also_gone(desk, before, more)
    why = _provenance(desk, made, reason, held.version + 1)
    changes: list[Change] = [Update(made, if_match=held.version)]
    changes += [Update(_same_time(x, before)) for x in [*more, *gone]]
    await desk.store.commit([*changes, Create(why, id=why["id"])])


def _same_time(x: Resource, before: Resource) -> Resource:
    """What was measured stays measured when it was."""
    if x["resourceType"] == "Observation" and before.get("authored") and x["status"] != "entered-in-error":
        return {**x, "effectiveDateTime": before["authored"]}
    return x


async def _also_gone(desk: Desk, before: Resource, now_there: list[Resource]) -> tuple[list[Resource], list[Resource]]:
    """What the form had written before and does not say any more: marked as entered in error. And of what it says, what is the same
    form's own (a diagnosis that the visit has from elsewhere is not written again)."""
    old = filling.fill(desk.form, filling.fields_of(desk.form, before, desk.w.lang), desk.env, desk.w, desk.now)
    ids = {(x["resourceType"], x["id"]) for x in now_there}
    signing = Signing(str(before["id"]), desk.writer, desk.now)
    gone, elsewhere = [], {}
    for x in extracted(old, signing):
        try:
            stored = await desk.store.read(x["resourceType"], x["id"])
        except (NotFound, Gone):  # it was in the record already when the form was signed
            elsewhere[x["id"]] = _says(x)
            continue
        if (x["resourceType"], x["id"]) not in ids:
            gone.append(_in_error(json.loads(stored.body)))
    return [x for x in now_there if elsewhere.get(x["id"]) != _says(x)], gone


def _says(x: Mapping[str, Any]) -> list[Any]:
    """What a resource says, without who, when and how."""
    return [v for k, v in sorted(x.items()) if k.startswith("value") or k in ("code", "component")]


def _in_error(x: Resource) -> Resource:
    if x["resourceType"] in ("Condition", "AllergyIntolerance"):
        kind = {"Condition": "condition-ver-status", "AllergyIntolerance": "allergyintolerance-verification"}[x["resourceType"]]
        coding = {"system": f"http://terminology.hl7.org/CodeSystem/{kind}", "code": "entered-in-error"}
        return {**{k: v for k, v in x.items() if k != "clinicalStatus"}, "verificationStatus": {"coding": [coding]}}
    return {**x, "status": "entered-in-error"}


def _provenance(desk: Desk, made: Resource, reason: str, version: int) -> Resource:
    code = {"system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation", "code": "UPDATE"}
    return {
        "resourceType": "Provenance",
        "id": own_id(str(made["id"]), f"why-{version}"),
        # the patient too: whose record a Provenance is in is told by what it is about
        "target": [{"reference": f"QuestionnaireResponse/{made['id']}"}, {"reference": f"Patient/{desk.writer.patient}"}],
        "recorded": clock.instant(desk.now),
        "reason": [{"text": reason}],
        "activity": {"coding": [code]},
        "agent": [{"who": _author(desk.writer)}],
    }


async def reasons(store: Store, patient: str, id_: str) -> list[Resource]:
    """Why a response was amended: Provenances, newest first."""
    try:
        found = await store.search("Provenance", [("target", f"QuestionnaireResponse/{id_}"), ("_count", "50")])
    except Invalid:
        return []
    made = [json.loads(e.body) for e in found.matches]
    return sorted(made, key=lambda p: str(p.get("recorded")), reverse=True)
