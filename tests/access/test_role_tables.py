"""Every role does exactly what its table says, at the store itself: generated from the tables, for every R4 type and right; and a
change of rights reaches every process within a second."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from at_the_door import CHEAP, request
from test_relations import House, order, ref, staff, tonight

from longbien.access import accounts, cover, facility, policy
from longbien.access.actor import Actor
from longbien.access.door import Door
from longbien.access.resource_types import KINDS, NAMES
from longbien.access.roles import MACHINES, RIGHTS, ROLES, Role
from longbien.access.sentences import RIGHTS as RIGHTS_IN_WORDS
from longbien.base import clock
from longbien.base.errors import Forbidden, LongbienError, NotFound
from longbien.base.ids import patient_key
from longbien.fhir import definitions
from longbien.record.change import Create, Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

TYPES = [t for t in definitions.types() if t not in ("DomainResource", "Resource")]
PEOPLE = [r for r in ROLES.values() if r.name not in MACHINES]
INSIDE = [r.name for r in PEOPLE if r.rows in ("care", "order", "care-ever")]


def test_every_type_stands_in_exactly_one_kind_and_what_is_named_has_a_name() -> None:
    named = sorted(t for kind in KINDS.values() for t in kind.types)
    assert named == sorted(TYPES)
    for role in ROLES.values():
        for grant in role.grants:
            assert grant.named <= set(NAMES) and grant.named <= set(TYPES), role.name
            assert set(grant.kinds) <= set(KINDS) and set(grant.rights) <= set(RIGHTS), role.name
            assert grant.purpose is None or grant.purpose in role.purposes, role.name
            assert grant.rights in RIGHTS_IN_WORDS, "a combination of rights without words"


def test_nobody_deletes_what_was_written_about_a_patient_but_a_misfiled_scan() -> None:
    patients = set().union(*(KINDS[k].types for k in KINDS if k not in ("directory", "definitions")))
    assert {(r.name, t) for r in PEOPLE for t in r.types("d") & patients} == {
        ("records", "DocumentReference"), ("records", "DocumentManifest"),
    }  # fmt: skip


def test_a_right_for_one_purpose_is_not_there_for_another() -> None:
    head = Actor(1, "x", "person", "X", "head", organization="bv")
    assert not policy.scope(head, "TREAT", settings=CHEAP).may_read("PaymentNotice")
    assert policy.scope(head, "HOPERAT", settings=CHEAP).may_read("PaymentNotice")


def test_a_scope_is_its_roles_table_for_every_type_right_and_purpose() -> None:
    for role in PEOPLE:
        for purpose in role.purposes:
            scope = policy.scope(Actor(1, "x", "person", "X", role.name, organization="bv"), purpose, settings=CHEAP)
            for type_ in TYPES:
                may = {
                    g for grant in role.grants if grant.purpose in (None, purpose) and type_ in grant.types for g in grant.rights
                }
                assert scope.may_read(type_) == ("r" in may), (role.name, purpose, type_)
                got = (scope.may("create", type_), scope.may("update", type_), scope.may("delete", type_))
                assert got == ("c" in may, "u" in may, "d" in may), (role.name, purpose, type_)


@pytest.mark.parametrize("name", [r.name for r in PEOPLE])
async def test_the_store_refuses_every_type_and_verb_that_the_table_does_not_name(engine: Engine, name: str) -> None:
    role = ROLES[name]
    store = Store(engine, policy.scope(Actor(900_001, "x", "person", "X", name, organization="bv-t", patient="px"), settings=CHEAP))
    default = role.purposes[0]

    async def refused(work: Any) -> bool:
        """By type; what the type allows ends otherwise (not there, another's record)."""
        try:
            await work
        except Forbidden as why:
            return "into this record" not in why.text and "facility's care" not in why.text
        except LongbienError:
            return False
        return False

    wrong = []
    for type_ in TYPES:
        asked = {
            "r": store.read(type_, "no-such"),
            "c": store.commit([Create({"resourceType": type_})], Manner(checked=True)),
            "d": store.commit([Delete(type_, "no-such")]),
        }
        for right, work in asked.items():
            if await refused(work) != (type_ not in role.types(right, default)):  # type: ignore[arg-type]
                wrong.append((type_, right))
    assert wrong == []


def record(patient: str) -> list[dict[str, Any]]:
    """One of many kinds, and an order for each service."""
    who, now, text = ref(f"Patient/{patient}"), clock.instant(clock.now()), {"text": "x"}
    clinical = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    made: list[dict[str, Any]] = [
        {"resourceType": "Observation", "status": "final", "code": text, "subject": who},
        {"resourceType": "Condition", "code": text, "subject": who, "clinicalStatus": clinical},
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "medicationCodeableConcept": text,
         "subject": who, "authoredOn": now},
        {"resourceType": "MedicationDispense", "status": "completed", "medicationCodeableConcept": text, "subject": who},
        {"resourceType": "DiagnosticReport", "status": "final", "code": text, "subject": who},
        {"resourceType": "DocumentReference", "status": "current", "subject": who, "content": [{"attachment": {"title": "x"}}]},
        {"resourceType": "ClinicalImpression", "status": "completed", "subject": who},
        {"resourceType": "Task", "status": "requested", "intent": "order", "for": who},
        {"resourceType": "Coverage", "status": "active", "beneficiary": who, "payor": [{"display": "x"}]},
        {"resourceType": "Invoice", "status": "issued", "subject": who},
        {"resourceType": "Specimen", "subject": who},
        {"resourceType": "Flag", "status": "active", "code": text, "subject": who},
        {"resourceType": "Consent", "status": "active", "scope": text, "category": [text], "patient": who, "policyRule": text},
    ]  # fmt: skip
    return [{**r, "id": f"{patient}-{r['resourceType'].lower()}"} for r in made] + [
        {**order(patient, "108252007"), "id": f"{patient}-lab"},
        {**order(patient, "363679005"), "id": f"{patient}-img"},
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two(engine: Engine) -> tuple[House, House]:
    """One's own facility and another, a full record in each."""
    mine, other = await House().build(engine), await House().build(engine)
    for house in (mine, other):
        await Store(engine, system("records")).commit([Update(r) for r in record(house.patient["tim"])])
    return mine, other


async def done(work: Any) -> bool:
    try:
        await work
    except (Forbidden, NotFound):
        return False
    return True


@pytest.mark.parametrize("name", INSIDE)
async def test_a_role_reads_creates_changes_and_deletes_in_an_own_patients_record_exactly_what_its_table_says(
    door: Door, two: tuple[House, House], name: str
) -> None:
    role, (mine, _) = ROLES[name], two
    actor, _ = await staff(door, mine, name)
    store = await door.store_for(actor)
    wrong = []
    for resource in record(mine.patient["tim"]):
        type_, id_ = resource["resourceType"], resource["id"]
        new = {k: v for k, v in resource.items() if k != "id"}
        for right, work in (
            ("r", store.read(type_, id_)), ("u", store.commit([Update(resource)])), ("c", store.commit([Create(new)])),
        ):  # fmt: skip
            if await done(work) != (type_ in role.types(right, role.purposes[0])):  # type: ignore[arg-type]
                wrong.append((type_, right))
        if type_ not in role.types("d"):
            assert not await done(store.commit([Delete(type_, id_)]))
    assert wrong == []


@pytest.mark.parametrize("name", [r.name for r in PEOPLE])
async def test_another_facilitys_patient_is_refused_to_every_role_and_the_refusal_is_a_line(
    door: Door, two: tuple[House, House], name: str
) -> None:
    role, (mine, other) = ROLES[name], two
    actor = await actor_of(door, mine, role)
    store = await door.store_for(actor)
    patient = other.patient["tim"]
    tried = 0
    for resource in record(patient):
        type_, id_ = resource["resourceType"], resource["id"]
        for work in (store.read(type_, id_), store.commit([Update(resource)]), store.commit([Delete(type_, id_)])):
            assert not await done(work), (type_, id_)
            tried += 1
        found = await store.search(type_, [("patient", patient)]) if type_ in store.scope.reads else None
        assert found is None or not found.matches
    lines = await door.engine.db.fetch(
        "SELECT outcome FROM audit WHERE actor = $1 AND pat = $2 AND outcome = 4", actor.number, patient_key(patient)
    )
    # a read of a type that the role may not read names no record, everything else does
    assert len(lines) >= tried - sum(r["resourceType"] not in store.scope.reads for r in record(patient))


async def actor_of(door: Door, house: House, role: Role) -> Actor:
    if role.name in ("patient", "carer"):
        own = house.patient["none" if role.name == "patient" else "noi"]
        made = accounts.NewAccount(f"p.{house.id}.{role.name}", "X", role.name, None, None, None, own)
        number = await accounts.create(door.engine, door.hasher, None, made)
        actor = await door.again(number, None)
        assert actor is not None
        return actor
    return (await staff(door, house, role.name))[0]


class Process:
    """The other web process."""

    def __init__(self, url: str):
        here = Path(__file__).parent
        self._child = subprocess.Popen(
            [sys.executable, str(here / "another_process.py"), url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": f"{here.parents[1] / 'src'}:{here}"},
        )  # fmt: skip

    async def ask(self, cookie: str, patient: str) -> str:
        assert self._child.stdin and self._child.stdout
        self._child.stdin.write(f"{cookie} {patient}\n")
        self._child.stdin.flush()
        return (await asyncio.to_thread(self._child.stdout.readline)).strip()

    def end(self) -> None:
        self._child.communicate("\n", timeout=20)


@pytest.fixture
def process(record_urls: tuple[str, str]) -> Iterator[Process]:
    made = Process(record_urls[1])
    yield made
    made.end()


async def test_a_change_of_rights_is_in_force_in_every_process_within_a_second(door: Door, process: Process) -> None:
    engine = door.engine
    house = await House().build(engine)
    doctor, cookie = await staff(door, house, "doctor", "tim")
    head, _ = await staff(door, house, "head", "noi")
    it, _ = await staff(door, house, "it")

    async def both(patient: str) -> set[str]:
        await asyncio.sleep(1.01)
        try:
            actor = await door.actor(request(cookie=cookie))
            await (await door.store_for(actor)).read("Patient", patient)
            here = f"{actor.role} opens"
        except LongbienError as error:
            here = type(error).__name__
        return {here, await process.ask(cookie, patient)}

    mine, theirs = house.patient["tim"], house.patient["noi"]
    assert await both(theirs) == {"doctor opens"}
    await facility.set_strict(engine, it, house.id, True)
    assert await both(theirs) == {"NotFound"}
    number = await cover.give(engine, head, tonight(doctor.number, department=house.department["noi"]), settings=CHEAP)
    assert await both(theirs) == {"doctor opens"}
    await cover.end(engine, head, number)
    assert await both(theirs) == {"NotFound"}
    await accounts.move(engine, it, doctor.number, house.department["noi"])
    assert await both(theirs) == {"doctor opens"} and await both(mine) == {"NotFound"}
    await accounts.set_role(engine, it, doctor.number, "nurse")
    assert await both(theirs) == {"nurse opens"}
    await accounts.set_role(engine, it, doctor.number, "director")
    assert await both(theirs) == {"Forbidden"}
    await accounts.disable(engine, it, doctor.number)
    assert await both(theirs) == {"Unauthenticated"}
