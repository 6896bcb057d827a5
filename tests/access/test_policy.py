"""What a scope opens: exactly the allowed patients, through the real store."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from at_the_door import CHEAP, person, request, signed_in

from longbien.access import accounts, policy, purpose, resource_types
from longbien.access.actor import Actor
from longbien.access.door import Door
from longbien.access.roles import ROLES
from longbien.access.rows import CareRows, IdentityRows, NewRows, OpenRows, Ordered, PurposeRows, Rule
from longbien.base.errors import Forbidden, Invalid, NotFound
from longbien.base.ids import patient_key
from longbien.fhir import definitions
from longbien.record.change import Create, Delete, Update
from longbien.record.engine import Engine
from longbien.record.index import org_key
from longbien.record.scope import RowSQL, system
from longbien.record.store import Store

SYSTEM = system("test")


def observation(patient: str, id: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id, "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1988-5"}]},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": "2026-01-05T08:00:00+07:00",
        "valueQuantity": {"value": 7, "unit": "mg/L", "system": "http://unitsofmeasure.org", "code": "mg/L"},
    }  # fmt: skip


async def people(engine: Engine, prefix: str, n: int) -> list[str]:
    """n patients with one observation each."""
    ids = [f"{prefix}-{k}" for k in range(n)]
    changes = [Create({"resourceType": "Patient", "id": i}, id=i) for i in ids]
    changes += [Create(observation(i, i + "-o"), id=i + "-o") for i in ids]
    await Store(engine, SYSTEM).commit(changes)
    return ids


async def under_care(engine: Engine, patient: str, organization: str, lo: str, hi: str) -> None:
    sql = f"INSERT INTO care (pat, org, lo, hi, rid) VALUES ($1, $2, now() + interval '{lo}', now() + interval '{hi}', 0)"
    await engine.db.execute(sql, patient_key(patient), org_key(organization))


async def may_open(store: Store, type: str, id: str) -> bool:
    try:
        await store.read(type, id)
    except NotFound:
        return False
    return True


@pytest.mark.parametrize("seed", range(6))
async def test_random_care_and_purposes_open_exactly_the_allowed_patients(door: Door, engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    ids = await people(engine, f"rnd{seed}", 12)
    orgs = [f"bv-{name}{seed}" for name in "abc"]
    actors = [(await signed_in(door, role, org))[0] for role in ("doctor", "nurse") for org in orgs]
    allowed: set[tuple[int, str]] = set()
    spans = {
        "now": ("-3 days", "1 day", True),
        "left lately": ("-100 days", "-89 days", True),
        "long gone": ("-400 days", "-91 days", False),
        "far ahead": ("20 days", "21 days", False),
        "tomorrow": ("20 hours", "30 hours", True),
        "still here": ("-2 days", "1000 years", True),
    }
    for _ in range(16):
        patient, org, (lo, hi, opens) = chance.choice(ids), chance.choice(orgs), chance.choice(list(spans.values()))
        await under_care(engine, patient, org, lo, hi)
        if opens:
            allowed |= {(a.number, patient) for a in actors if a.organization == org}
    ended: set[tuple[int, str]] = set()
    for _ in range(10):
        actor, patient = chance.choice(actors), chance.choice(ids)
        await purpose.state_purpose(engine, actor, patient, "TREAT", "consulted by telephone about this person", settings=CHEAP)
        if chance.random() < 0.3:
            await purpose.end_purpose(engine, actor, patient, settings=CHEAP)
            ended.add((actor.number, patient))
        else:
            ended.discard((actor.number, patient))
            allowed.add((actor.number, patient))
    by_care = await engine.db.fetch(
        "SELECT pat, org FROM care WHERE lo < now() + interval '1 day' AND hi > now() - interval '90 days'"
    )
    care = {(r["pat"], r["org"]) for r in by_care}
    for actor in actors:
        store = await door.store_for(actor)
        visible = set()
        for patient in ids:
            key = (actor.number, patient)
            expected = key in allowed and (key not in ended or (patient_key(patient), actor.org) in care)
            for type_, id_ in (("Patient", patient), ("Observation", patient + "-o")):
                assert await may_open(store, type_, id_) == expected, (actor, patient, type_)
            assert (await door.why(actor, patient) is not None) == expected
            visible |= {patient} if expected else set()
        page = await store.search(
            "Observation", [("code", "http://loinc.org|1988-5"), ("_count", "500"), ("_include", "Observation:subject")]
        )
        assert {e.id for e in page.entries if e.type == "Patient"} == visible
        assert {e.id for e in page.matches} == {p + "-o" for p in visible}
        found = await store.search("Patient", [("_id", ",".join(ids)), ("_count", "500"), ("_revinclude", "Observation:subject")])
        assert {e.id for e in found.matches} == visible
        assert {e.id for e in found.entries} == visible | {p + "-o" for p in visible}
        within = await store.search("Observation", [("_count", "0")], patient=ids[0])
        assert within.total == (1 if ids[0] in visible else 0)


async def test_an_encounter_opens_the_record_to_its_facility_and_its_removal_closes_it(door: Door, engine: Engine) -> None:
    (patient,) = await people(engine, "enc", 1)
    doctor, _ = await signed_in(door, "doctor", "bv-enc")
    store = await door.store_for(doctor)
    everything = Store(engine, SYSTEM)
    encounter = {
        "resourceType": "Encounter", "id": "enc-1", "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{patient}"}, "period": {"start": "2026-01-01T00:00:00Z"},
        "serviceProvider": {"reference": "Organization/bv-enc"},
    }  # fmt: skip
    assert not await may_open(store, "Patient", patient)
    await everything.commit([Update({"resourceType": "Organization", "id": "bv-enc", "name": "X"}), Update(encounter)])
    assert await may_open(store, "Patient", patient) and await may_open(store, "Encounter", "enc-1")
    await everything.commit([Delete("Encounter", "enc-1")])
    assert not await may_open(store, "Patient", patient)


async def test_an_expired_purpose_opens_nothing_more(door: Door, engine: Engine) -> None:
    (patient,) = await people(engine, "expired", 1)
    actor, _ = await signed_in(door)
    row = (
        "INSERT INTO purpose_grant (account, pat, purpose, reason, begins, until) VALUES ($1, $2, 'TREAT', 'an old reason', $3, $4)"
    )
    now = await engine.db.fetchval("SELECT now()")
    await engine.db.execute(row, actor.number, patient_key(patient), now.replace(year=now.year - 1), now)
    assert not await may_open(await door.store_for(actor), "Patient", patient)


async def test_a_purpose_needs_a_real_reason_a_duty_and_a_patient(door: Door, engine: Engine) -> None:
    (patient,) = await people(engine, "reason", 1)
    doctor, _ = await signed_in(door)
    for bad in ("", "aaaaaaaaaaaaaaaaa", "..............", "khám", "x" * 501, "11111 11111"):
        with pytest.raises(Invalid):
            await purpose.state_purpose(engine, doctor, patient, "TREAT", bad, settings=CHEAP)
    with pytest.raises(NotFound):
        await purpose.state_purpose(engine, doctor, "nobody", "TREAT", "consulted by telephone", settings=CHEAP)
    with pytest.raises(Forbidden):
        await purpose.state_purpose(engine, doctor, patient, "HRESCH", "a study that I should like to do", settings=CHEAP)
    for role in ("cashier", "insurance", "it", "director", "analyst", "records"):
        other, _ = await signed_in(door, role)
        with pytest.raises(Forbidden):
            await purpose.state_purpose(engine, other, patient, "TREAT", "consulted by telephone", settings=CHEAP)
    assert not await engine.db.fetchval("SELECT count(*) FROM purpose_grant WHERE pat = $1", patient_key(patient))


async def test_the_stated_reason_stands_in_the_trail_of_what_follows(door: Door, engine: Engine) -> None:
    (patient,) = await people(engine, "stated", 1)
    doctor, cookie = await signed_in(door)
    await purpose.state_purpose(engine, doctor, patient, "TREAT", "người bệnh gọi hỏi đơn thuốc", settings=CHEAP)
    await (await door.store(request(cookie=cookie), patient=patient)).read("Patient", patient)
    rows = await engine.db.fetch(
        "SELECT kind, outcome, why FROM audit WHERE pat = $1 AND actor = $2 ORDER BY seq", patient_key(patient), doctor.number
    )
    assert [tuple(r.values()) for r in rows] == [
        (14, 0, "TREAT: người bệnh gọi hỏi đơn thuốc"),
        (0, 0, "purpose: người bệnh gọi hỏi đơn thuốc"),
    ]


async def test_a_refused_record_leaves_a_line(door: Door, engine: Engine) -> None:
    (patient,) = await people(engine, "closed", 1)
    doctor, _ = await signed_in(door)
    assert not await may_open(await door.store_for(doctor), "Patient", patient)
    row = await engine.db.fetchrow(
        "SELECT outcome, kind FROM audit WHERE pat = $1 AND actor = $2", patient_key(patient), doctor.number
    )
    assert row is not None and tuple(row.values()) == (4, 16)


async def test_nobody_writes_into_a_record_that_is_not_open(door: Door, engine: Engine) -> None:
    mine, theirs = await people(engine, "writes", 2)
    doctor, _ = await signed_in(door, "doctor", "bv-w")
    await under_care(engine, mine, "bv-w", "-1 day", "1 day")
    store = await door.store_for(doctor)
    await store.commit([Create(observation(mine, "x"))])
    with pytest.raises(Forbidden):
        await store.commit([Create(observation(theirs, "x"))])
    with pytest.raises(NotFound):
        await store.commit([Update(observation(theirs, theirs + "-o"))])
    with pytest.raises(Forbidden):  # moving one's own patient's observation into another's record
        await store.commit([Update(observation(theirs, mine + "-o"))])
    with pytest.raises(NotFound):  # and taking another's into one's own
        await store.commit([Update(observation(mine, theirs + "-o"))])
    nobody = {k: v for k, v in observation(mine, "x").items() if k != "subject"}
    with pytest.raises(Forbidden):
        await store.commit([Create(nobody)])


async def test_a_clerk_begins_the_record_of_somebody_new_and_of_nobody_else(door: Door, engine: Engine) -> None:
    (known,) = await people(engine, "begin", 1)
    clerk, _ = await signed_in(door, "clerk")
    store = await door.store_for(clerk)
    await store.commit([Create({"resourceType": "Patient"})])
    with pytest.raises(NotFound):
        await store.commit([Update({"resourceType": "Patient", "id": known})])
    with pytest.raises(Forbidden):
        await store.commit([Create(observation(known, "x"))])


@pytest.mark.parametrize("role", ["it", "director", "security", "analyst", "patient", "carer", "no-such-role"])
async def test_roles_without_patients_see_none_even_under_care(engine: Engine, role: str) -> None:
    (patient,) = await people(engine, f"none-{role}", 1)
    await under_care(engine, patient, "bv-sn", "-1 day", "1 day")
    actor = Actor(999_999, "x", "person", "X", role, organization="bv-sn")
    store = Store(engine, policy.scope(actor, settings=CHEAP))
    for type_, id_ in (("Patient", patient), ("Observation", patient + "-o")):
        with pytest.raises((Forbidden, NotFound)):
            await store.read(type_, id_)
    with pytest.raises(Forbidden):
        await store.commit([Create({"resourceType": "Patient"})])


async def test_rows_without_a_patient_are_open_only_where_the_type_cannot_hold_one(door: Door, engine: Engine) -> None:
    group = {"resourceType": "Group", "id": "grp", "type": "person", "actual": True}
    basic = {"resourceType": "Basic", "id": "bsc", "code": {"text": "x"}}
    org = {"resourceType": "Organization", "id": "org-open", "name": "Bệnh viện"}
    flag = {"resourceType": "List", "id": "lst", "status": "current", "mode": "working"}
    await Store(engine, SYSTEM).commit([Update(r) for r in (group, basic, org, flag)])
    doctor, _ = await signed_in(door)
    store = await door.store_for(doctor)
    assert await may_open(store, "Organization", "org-open")
    assert not await may_open(store, "List", "lst")
    for type_, id_ in (("Group", "grp"), ("Basic", "bsc")):
        with pytest.raises(Forbidden):
            await store.read(type_, id_)


async def test_finding_opens_the_identity_of_anybody_and_nothing_else(door: Door, engine: Engine) -> None:
    (patient,) = await people(engine, "find", 1)
    clerk, _ = await signed_in(door, "clerk")
    store = door.finding(clerk)
    assert await may_open(store, "Patient", patient)
    with pytest.raises(Forbidden):
        await store.read("Observation", patient + "-o")
    with pytest.raises(Forbidden):
        await store.commit([Create({"resourceType": "Patient"})])
    with pytest.raises(Forbidden):
        door.finding((await signed_in(door, "analyst"))[0])


async def test_a_purpose_that_the_role_does_not_have_is_refused(door: Door) -> None:
    doctor, _ = await signed_in(door)
    for purpose_ in ("HPAYMT", "PUBHLTH", "nonsense", "ETREAT"):
        with pytest.raises(Forbidden):
            door.scope(doctor, purpose_)


async def test_a_change_of_role_takes_a_second(door: Door, engine: Engine) -> None:
    (patient,) = await people(engine, "moved", 1)
    await under_care(engine, patient, "bv-sn", "-1 day", "1 day")
    doctor, cookie = await signed_in(door)
    await (await door.store(request(cookie=cookie))).read("Observation", patient + "-o")
    await accounts.set_role(engine, None, doctor.number, "it")
    await asyncio.sleep(1.01)
    with pytest.raises(Forbidden):
        await (await door.store(request(cookie=cookie))).read("Observation", patient + "-o")


async def test_a_refusing_rule_before_an_opening_one_wins(engine: Engine) -> None:
    """The seam for consent and break-glass."""
    (patient,) = await people(engine, "seam", 1)
    await under_care(engine, patient, "bv-seam", "-1 day", "1 day")
    care = Rule("open", "care", CareRows(org_key("bv-seam"), 90))
    refused = Rule("close", "refused", IdentityRows())
    emergency = Rule("open", "emergency", IdentityRows())
    for rules, seen in (
        ((care,), True),
        ((refused, care), False),
        ((care, refused), True),
        ((emergency, refused, care), True),
        ((), False),
    ):
        allowed, args = _ask(Ordered(rules), patient)
        assert bool(await engine.db.fetchval(f"SELECT {allowed} AND $1::bigint IS NOT NULL", *args)) == seen


def _ask(rows: Ordered, patient: str) -> tuple[str, list[Any]]:
    args: list[Any] = [patient_key(patient)]

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    return rows.sql(RowSQL("$1::bigint", "103::smallint"), bind), args


def test_every_type_stands_in_exactly_one_group_and_every_name_is_a_type() -> None:
    r = resource_types
    groups = [r.DIRECTORY, r.DEFINITIONS, r.IDENTITY, r.CARE, r.MONEY, r.MACHINERY]
    named = [name for group in groups for name in group]
    concrete = [t for t in definitions.types() if t not in ("DomainResource", "Resource")]
    assert sorted(named) == sorted(concrete)


def test_what_is_open_is_in_no_patient_compartment() -> None:
    inside = set(definitions.compartment("Patient"))
    with_patients = {t for t in resource_types.OPEN & inside if definitions.compartment("Patient")[t]}
    assert with_patients <= {"Schedule"}  # Schedule.actor may be a Patient: such a row carries the patient's key, so it is not open


def test_every_role_names_real_types_and_purposes_and_only_machines_have_everything() -> None:
    types = set(definitions.types())
    for role in ROLES.values():
        assert role.purposes and (role.reads or frozenset()) <= types and (role.writes or frozenset()) <= types
        assert role.reads is not None and role.writes is not None
        assert (role.rows == "everything") == (role.name == "machine")
        assert not {"AuditEvent", "Binary", "Bundle", "Group"} & role.reads


def test_the_text_of_a_rule_does_not_depend_on_its_values() -> None:
    def text(rows: Any) -> str:
        n = iter(range(1, 99))
        return str(rows.sql(RowSQL.of("h"), lambda value: f"${next(n)}"))

    assert text(CareRows(1, 90)) == text(CareRows(-5, 30)) and text(PurposeRows(1)) == text(PurposeRows(2))
    care = Rule("open", "care", CareRows(1, 90))
    assert text(Ordered((Rule("open", "open", OpenRows()), care, Rule("open", "new", NewRows())))).count("h.pat") == 2


async def test_a_login_with_sql_or_html_is_only_a_wrong_login(door: Door) -> None:
    with pytest.raises(Invalid):
        await accounts.create(door.engine, door.hasher, None, accounts.NewAccount("x'; DROP TABLE account;--", "X", "doctor"))
    assert await person(door)
