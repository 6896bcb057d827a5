"""Random people, patients, consents, emergencies and questions: no row, id, count or name that the policy forbids is in any answer.

The oracle is a second reading of the policy in plain Python (`Oracle`), from what was written, not from what the tables say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longbien.access import glass
from longbien.access.accounts import NewAccount, create
from longbien.access.actor import Actor
from longbien.app import App
from longbien.base import clock
from longbien.base.errors import NotFound
from longbien.base.ids import patient_key
from longbien.record import export, matching
from longbien.record.change import Manner, Update
from longbien.record.life import life as read_life
from longbien.record.scope import RowSQL, system
from longbien.record.sensitive import BY_CODE
from longbien.record.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOSPITALS = ("h1", "h2", "h3")
READERS = (("doctor", "h1"), ("doctor", "h2"), ("nurse", "h2"), ("doctor", "h3"))
CODES = {"hiv": "B20", "mental": "F32.1", "drug": "F11.2", "reproductive": "Z30.0", None: "I10"}
ICD = "http://hl7.org/fhir/sid/icd-10"
_number = count(1)


@dataclass(frozen=True)
class Made:
    """One resource: made at a hospital, of a category or of none."""

    kind: str
    at: str
    category: str | None


@dataclass(frozen=True)
class Said:
    """One Consent. reader: a hospital, a member of staff or everybody. withdrawn: written, then ended."""

    permit: bool
    reader: str | None
    categories: tuple[str, ...]
    withdrawn: bool


@dataclass(frozen=True)
class Life:
    """One patient: cared for at `cares`, walled or not."""

    cares: frozenset[str]
    made: tuple[Made, ...]
    said: tuple[Said, ...]
    known: bool
    broken: frozenset[tuple[str, str]]


makes = st.builds(
    Made, st.sampled_from(("Condition", "Observation", "DiagnosticReport", "MedicationRequest")), st.sampled_from(HOSPITALS),
    st.sampled_from((*CODES,)),
)  # fmt: skip
says = st.builds(
    Said, st.booleans(), st.sampled_from((None, *(f"Organization/{h}" for h in HOSPITALS), "Practitioner/doctor-h2")),
    st.lists(st.sampled_from(("ordinary", "hiv", "mental", "drug")), max_size=2, unique=True).map(tuple), st.booleans(),
)  # fmt: skip
lives = st.builds(
    Life, st.frozensets(st.sampled_from(HOSPITALS)), st.lists(makes, min_size=1, max_size=5).map(tuple),
    st.lists(says, max_size=4).map(tuple), st.sampled_from((False, False, False, True)),
    st.frozensets(st.sampled_from(READERS), max_size=1),
)  # fmt: skip


@dataclass
class Oracle:
    """docs/why/access.md read again: an emergency opens; what the patient keeps back is closed; a wall is closed; care opens, and
    so does a permission that names the reader."""

    life: Life

    def sees(self, role: str, at: str, one: Made) -> bool:
        if (role, at) in self.life.broken:
            return True
        if one.at != at and not self._shared(role, at, one.category):
            return False
        if self.life.known:
            return False
        return at in self.life.cares or self._named(role, at, one.category)

    def _shared(self, role: str, at: str, category: str | None) -> bool:
        for reader in (f"Practitioner/{role}-{at}", f"Organization/{at}", None):
            last = self._last(reader, category)
            if last is not None:
                return last.permit
        return category is None

    def _last(self, reader: str | None, category: str | None) -> Said | None:
        words = [s for s in self.life.said if not s.withdrawn and s.reader == reader and _about(s, category)]
        return words[-1] if words else None

    def _named(self, role: str, at: str, category: str | None) -> bool:
        """One permission to this very person or facility that is the last word for that reader."""
        readers = (f"Practitioner/{role}-{at}", f"Organization/{at}")
        return any((last := self._last(r, category)) is not None and last.permit for r in readers)


def _about(said: Said, category: str | None) -> bool:
    named = category or "ordinary"
    return named in said.categories if said.categories else category is None or not said.permit


@dataclass
class World:
    app: App
    browsers: dict[tuple[str, str], httpx.AsyncClient] = field(default_factory=dict)
    actors: dict[tuple[str, str], Actor] = field(default_factory=dict)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(app: App) -> Any:
    made = World(app)
    engine, door = app.state.engine, app.state.door
    resources: list[dict[str, Any]] = [{"resourceType": "Organization", "id": h, "name": h} for h in HOSPITALS]
    resources += [{"resourceType": "Practitioner", "id": f"{r}-{h}"} for r, h in READERS]
    await Store(engine, system("test")).commit([Update(r) for r in resources])
    for role, h in READERS:
        login = f"prop.{role}.{h}"
        await create(engine, door.hasher, None, NewAccount(login, f"{role} {h}", role, f"{role}-{h}", h), "một mật khẩu rất dài")
        account = await engine.db.fetchval("SELECT number FROM account WHERE login = $1", login)
        actor = await door.again(account, None)
        made.actors[role, h] = actor
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        browser = httpx.AsyncClient(transport=transport, base_url="http://hanoi.test", headers={"Origin": "http://hanoi.test"})
        answer = await browser.post("/sign-in", data={"name": login, "password": "một mật khẩu rất dài"})
        assert answer.status_code == 303
        made.browsers[role, h] = browser
    yield made
    for browser in made.browsers.values():
        await browser.aclose()


def resource(one: Made, id_: str, patient: str, word: str) -> dict[str, Any]:
    code = {"coding": [{"system": ICD, "code": CODES[one.category]}, {"system": "urn:prop", "code": word}], "text": word}
    made: dict[str, Any] = {
        "resourceType": one.kind, "id": id_, "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{patient}-made-{one.at}"},
    }  # fmt: skip
    if one.kind == "MedicationRequest":
        return made | {"status": "active", "intent": "order", "medicationCodeableConcept": code}
    return made | {"code": code} | ({} if one.kind == "Condition" else {"status": "final"})


def stays(patient: str, at: str, *, now: bool) -> dict[str, Any]:
    """An encounter that opens the record now, or one of long ago that only says where something was made."""
    began = clock.now() - timedelta(days=0 if now else 900)
    period = {"start": clock.instant(began), **({} if now else {"end": clock.instant(began + timedelta(days=1))})}
    return {
        "resourceType": "Encounter", "id": f"{patient}-{'now' if now else 'made'}-{at}", "period": period,
        "status": "in-progress" if now else "finished", "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"}, "serviceProvider": {"reference": f"Organization/{at}"},
    }  # fmt: skip


def consent(patient: str, n: int, said: Said) -> dict[str, Any]:
    rule: dict[str, Any] = {"type": "permit" if said.permit else "deny"}
    if said.reader:
        rule["actor"] = [{"role": {"text": "reads"}, "reference": {"reference": said.reader}}]
    if said.categories:
        rule["securityLabel"] = [
            {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"} if c == "ordinary"
            else {"system": BY_CODE[c].system, "code": BY_CODE[c].label} for c in said.categories
        ]  # fmt: skip
    at = clock.now() - timedelta(hours=2) + timedelta(minutes=n)
    return {
        "resourceType": "Consent", "id": f"{patient}-consent-{n}", "status": "active",
        "patient": {"reference": f"Patient/{patient}"},
        "scope": {"coding": [{"code": "patient-privacy"}]}, "category": [{"text": "privacy"}], "dateTime": clock.instant(at),
        "policy": [{"uri": "urn:law"}], "provision": {"provision": [rule]},
    }  # fmt: skip


async def write(world: World, life: Life, patient: str) -> dict[str, Made]:
    """Everything of one patient; gives its clinical resources by id."""
    store = Store(world.app.state.engine, system("test"))
    who: dict[str, Any] = {"resourceType": "Patient", "id": patient, "name": [{"text": f"{patient} Bí Mật"}]}
    if life.known:
        who["meta"] = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CEL"}]}
    made = {f"{patient}-r{n}": one for n, one in enumerate(life.made)}
    changes = [who, *(stays(patient, h, now=False) for h in HOSPITALS), *(stays(patient, h, now=True) for h in sorted(life.cares))]
    changes += [resource(one, id_, patient, f"word{id_}") for id_, one in made.items()]
    entries = [{"item": {"reference": f"{one.kind}/{id_}"}} for id_, one in made.items()]
    changes.append({"resourceType": "List", "id": f"{patient}-list", "status": "current", "mode": "working",
                    "subject": {"reference": f"Patient/{patient}"}, "entry": entries})  # fmt: skip
    await store.commit([Update(r) for r in changes], Manner(checked=True))
    for n, said in enumerate(life.said):
        written = consent(patient, n, said)
        await store.commit([Update(written)], Manner(checked=True))
        if said.withdrawn:
            await store.commit([Update({**written, "status": "inactive"})], Manner(checked=True))
    for reader in life.broken:
        door = world.app.state.door
        why = "Không tỉnh, cần biết ngay mọi thứ"
        await glass.break_glass(door.engine, world.actors[reader], patient, "other", why, settings=door.settings)
    return made


def questions(patient: str, made: dict[str, Made]) -> list[str]:
    one = next(iter(made))
    kinds = sorted({m.kind for m in made.values()})
    asked = [f"{k}?patient=Patient/{patient}&_count=100" for k in kinds]
    asked += [f"{k}?patient=Patient/{patient}&_sort=-_lastUpdated&_summary=text" for k in kinds]
    asked += [f"{k}?patient:Patient.name={patient}&_elements=subject" for k in kinds if k != "Observation"]
    asked += [f"Patient?_has:{k}:patient:code=urn:prop|word{i}" for i, m in made.items() if (k := m.kind) != "MedicationRequest"]
    asked += [f"Patient?_id={patient}&_revinclude={k}:patient" for k in kinds]
    asked += [f"Encounter?patient=Patient/{patient}&_revinclude={k}:encounter&_include=Encounter:patient" for k in kinds]
    asked += [f"{k}?_list={patient}-list" for k in kinds]
    asked += [f"Patient/{patient}/{k}?_count=50" for k in kinds]
    asked += [f"{made[one].kind}?code:text=word{one}", f"Patient/{patient}/$everything", "_history?_count=100"]
    asked += [f"{m.kind}/{i}{tail}" for i, m in made.items() for tail in ("", "/_history", "/_history/1")]
    return asked


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(life=lives)
async def test_no_answer_tells_what_the_policy_forbids(world: World, life: Life) -> None:
    patient = f"prop{next(_number)}x"
    made = await write(world, life, patient)
    oracle = Oracle(life)
    for (role, at), browser in world.browsers.items():
        seen = {id_ for id_, one in made.items() if oracle.sees(role, at, one)}
        for question in questions(patient, made):
            answer = await browser.get(f"/fhir/{question}")
            assert answer.status_code < 500
            for id_ in made.keys() - seen:
                # a List names what is in it, a question what it asks for: its own words are no answer
                told = answer.text if id_ not in question else json.dumps(_resources(answer))
                told = (
                    told
                    if f"{patient}-list" not in told
                    else json.dumps([r for r in _resources(answer) if r["resourceType"] != "List"])
                )
                assert f'"{id_}"' not in told and f"/{id_}" not in told and f'"word{id_}"' not in told, (role, at, question)
        await _whole(world, browser, role, at, patient, made, seen)


def _resources(answer: httpx.Response) -> list[dict[str, Any]]:
    body = answer.json()
    if body["resourceType"] == "OperationOutcome":
        return []
    if body["resourceType"] != "Bundle":
        return [body]
    # that something is withheld may be said beside the matches (search.mode outcome); it is no resource of anybody
    found = [e["resource"] for e in body.get("entry", ()) if "resource" in e]
    return [r for r in found if r["resourceType"] != "OperationOutcome"]


async def _whole(
    world: World, browser: httpx.AsyncClient, role: str, at: str, patient: str, made: dict[str, Made], seen: set[str]
) -> None:
    """What is allowed is all there, is counted right, is what a subscription would be told and what an export would hold."""
    engine, scope = world.app.state.engine, world.app.state.door.scope(world.actors[role, at])
    for kind in {m.kind for m in made.values()}:
        wanted = {i for i in seen if made[i].kind == kind}
        found = await browser.get(f"/fhir/{kind}", params={"patient": f"Patient/{patient}", "_count": "100"})
        assert {r["id"] for r in _resources(found)} == wanted, (role, at, kind)
        counted = await browser.get(f"/fhir/{kind}", params={"patient": f"Patient/{patient}", "_summary": "count"})
        assert counted.json()["total"] == len(wanted)
        rows = await engine.db.fetch(
            "SELECT rid, id, ver FROM head WHERE id = ANY($1::text[])", [i for i in made if made[i].kind == kind]
        )
        versions = {matching.At(r["rid"], r["ver"]): r["id"] for r in rows}
        async with matching.view(engine) as view:
            told = await matching.matching(view, scope, matching.criteria(kind, []), list(versions))
        assert {versions[t] for t in told} == wanted
    part = export.Part(-1)
    asked = export.Asked("patient", "", ("Condition", "Observation", "DiagnosticReport", "MedicationRequest"), None, (patient,), ())
    top = await engine.db.fetchval("SELECT max(rid) FROM head WHERE pat = $1", patient_key(patient))
    while not await export._gather(engine, scope, asked, 2**62, top, part):
        pass
    held = b"\n".join(line for lines in part.lines.values() for line in lines).decode()
    assert {i for i in made if f'"{i}"' in held} == seen
    await _chart(world, role, at, patient, made, seen)


async def _chart(world: World, role: str, at: str, patient: str, made: dict[str, Made], seen: set[str]) -> None:
    """The chart's reading holds what is allowed; and where a record counts as open as a whole, nothing in it is closed."""
    engine, scope = world.app.state.engine, world.app.state.door.scope(world.actors[role, at])
    try:
        lived = await read_life(engine, scope, patient, ("Condition", "DiagnosticReport", "MedicationRequest"))
        told = b"\n".join(body for bodies in lived.bodies.values() for body in bodies).decode()
    except NotFound:
        told = ""
    assert {i for i in made if f'"{i}"' in told} == {i for i in seen if made[i].kind != "Observation"}
    assert not await _open_as_a_whole(world, role, at, patient) or seen == set(made)
    assert await _surely_open(world, role, at, patient) & set(made) <= seen


async def _surely_open(world: World, role: str, at: str, patient: str) -> set[str]:
    """Ids of the rows that the cheap question says are open."""
    engine, scope = world.app.state.engine, world.app.state.door.scope(world.actors[role, at])
    args: list[Any] = [patient_key(patient)]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    rows = await engine.db.fetch(f"SELECT h.id FROM head h WHERE h.pat = $1 AND {scope.surely(RowSQL.of('h'), bind)}", *args)
    return {row["id"] for row in rows}


async def _open_as_a_whole(world: World, role: str, at: str, patient: str) -> bool:
    engine, scope = world.app.state.engine, world.app.state.door.scope(world.actors[role, at])
    args: list[Any] = [patient_key(patient)]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    found: bool = await engine.db.fetchval(f"SELECT {scope.whole('$1::bigint', bind)}", *args)
    return found


async def test_a_record_without_anything_sensitive_is_open_as_a_whole_and_one_with_it_is_not(world: World) -> None:
    plain = Life(frozenset({"h1"}), (Made("Condition", "h1", None), Made("Condition", "h2", None)), (), False, frozenset())
    hiv = Life(frozenset({"h1"}), (Made("Condition", "h1", None), Made("Condition", "h2", "hiv")), (), False, frozenset())
    await write(world, plain, "plain-whole")
    await write(world, hiv, "hiv-whole")
    assert await _open_as_a_whole(world, "doctor", "h1", "plain-whole")
    assert not await _open_as_a_whole(world, "doctor", "h1", "hiv-whole")
    assert not await _open_as_a_whole(world, "doctor", "h3", "plain-whole")


async def test_the_cheap_question_opens_what_care_alone_opens_and_nothing_of_whom_something_was_ever_said(world: World) -> None:
    made = (Made("Condition", "h1", None), Made("Condition", "h2", None), Made("Condition", "h2", "hiv"))
    quiet = await write(world, Life(frozenset({"h1"}), made, (), False, frozenset()), "quiet-sure")
    plain = {i for i, one in quiet.items() if one.category is None}
    assert await _surely_open(world, "doctor", "h1", "quiet-sure") & set(quiet) == plain
    assert not await _surely_open(world, "doctor", "h3", "quiet-sure") & set(quiet)
    said = Said(False, None, ("ordinary",), True)  # even what was withdrawn again
    spoke = await write(world, Life(frozenset({"h1"}), made, (said,), False, frozenset()), "spoke-sure")
    assert not await _surely_open(world, "doctor", "h1", "spoke-sure") & set(spoke)
