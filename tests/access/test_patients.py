"""A patient sees exactly their own record; a carer exactly those that a living basis opens, for as long as it lives."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from at_the_door import PASSWORD, cookie_of, request

from longbien.access import carers, policy
from longbien.access.accounts import NewAccount, create
from longbien.access.door import Door
from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.record.change import Create, Delete, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

SYSTEM = system("test")


def observation(patient: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": f"{patient}-o", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1988-5"}]}, "subject": {"reference": f"Patient/{patient}"},
    }  # fmt: skip


async def patients(engine: Engine, *ids: str, birth: str = "1952-03-14") -> None:
    made: list[Any] = [
        Update({"resourceType": "Patient", "id": i, "birthDate": birth, "name": [{"text": f"Người {i}"}]}) for i in ids
    ]
    await Store(engine, SYSTEM).commit([*made, *(Update(observation(i)) for i in ids)])


async def arrives(door: Door, role: str, patient: str | None = None) -> Any:
    """A new account signed in: the actor that the session gives."""
    login = f"p.{secrets.token_hex(4)}"
    await create(door.engine, door.hasher, None, NewAccount(login, "Đinh Thị Lụa", role, patient=patient), PASSWORD)
    came = await door.sign_in(request(method="POST"), login, PASSWORD)
    return await door.actor(request(cookie=cookie_of(came.set_cookie)))


async def opens(door: Door, actor: Any, patient: str) -> bool:
    """The same answer to a read, to a search and to `why`, else the test fails."""
    store = await door.store_for(actor)
    try:
        await store.read("Observation", f"{patient}-o")
        read = True
    except NotFound:
        read = False
    searched = bool((await store.search("Observation", [("_id", f"{patient}-o"), ("_total", "accurate")])).total)
    assert read == searched == (await door.why(actor, patient) is not None)
    return read


async def test_a_patient_reads_their_own_record_and_nobody_elses(door: Door, engine: Engine) -> None:
    await patients(engine, "own-a", "own-b")
    actor = await arrives(door, "patient", "own-a")
    assert actor.patient == "own-a" and await door.why(actor, "own-a") == "own"
    assert await opens(door, actor, "own-a") and not await opens(door, actor, "own-b")
    everything = await (await door.store_for(actor)).search("Patient", [("_total", "accurate")])
    assert [e.id for e in everything.matches] == ["own-a"] and everything.total == 1


async def test_a_patient_writes_nothing_by_themselves_and_may_only_ask(door: Door, engine: Engine) -> None:
    await patients(engine, "ask-a", "ask-b")
    actor = await arrives(door, "patient", "ask-a")
    store = await door.store_for(actor)
    for change in (Create(observation("ask-a")), Create({"resourceType": "Patient"}), Delete("Observation", "ask-a-o")):
        with pytest.raises((Forbidden, NotFound)):
            await store.commit([change])
    task = {"resourceType": "Task", "status": "requested", "intent": "order"}
    with pytest.raises((Forbidden, NotFound)):
        await store.commit([Create({**task, "for": {"reference": "Patient/ask-a"}})])
    asking = Store(engine, policy.asking(actor, settings=door.settings, reason="xin bản sao"))
    await asking.commit([Create({**task, "for": {"reference": "Patient/ask-a"}})])
    with pytest.raises((Forbidden, NotFound)):
        await asking.commit([Create({**task, "for": {"reference": "Patient/ask-b"}})])
    with pytest.raises((Forbidden, NotFound)):
        await asking.commit([Create(task)])


async def test_staff_cannot_be_made_to_ask_as_patients_do(door: Door) -> None:
    with pytest.raises(Forbidden):
        policy.asking(await arrives(door, "nurse"), settings=door.settings, reason="x")


async def test_a_patients_account_names_a_patient_and_only_one_account_does(door: Door, engine: Engine) -> None:
    with pytest.raises(Invalid, match="names the Patient"):
        await create(engine, door.hasher, None, NewAccount("p.nobody", "Không Ai", "patient"))
    await arrives(door, "patient", "once")
    with pytest.raises(Conflict):
        await create(engine, door.hasher, None, NewAccount("p.second", "Hai Lần", "patient", patient="once"))


def relative(patient: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "RelatedPerson", "id": f"{patient}-me", "patient": {"reference": f"Patient/{patient}"}, **more}


def agreement(patient: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Consent", "id": f"{patient}-c", "status": "active", "patient": {"reference": f"Patient/{patient}"},
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "policyRule": {"coding": [{"code": "OPTIN"}]}, "dateTime": "2026-01-05", **more,
    }  # fmt: skip


def child_of(years: int) -> str:
    return f"{clock.local(clock.now()).year - years}-01-01"


async def test_a_mother_sees_her_child_until_it_is_of_age(door: Door, engine: Engine) -> None:
    await patients(engine, "kid", "kid-other", birth=child_of(6))
    await Store(engine, SYSTEM).commit([Update(relative("kid", active=True))])
    mother = await arrives(door, "carer")
    assert not await opens(door, mother, "kid")
    given = await carers.grant(engine, SYSTEM, None, mother.number, "RelatedPerson", "kid-me")
    assert clock.local(given.until).date().isoformat() == child_of(6 - 18)
    assert await opens(door, mother, "kid") and not await opens(door, mother, "kid-other")
    assert [c.patient for c in await carers.of(engine.db, mother)] == ["kid"]
    await carers.end(engine, SYSTEM, None, mother.number, "kid")
    assert not await opens(door, mother, "kid") and await carers.of(engine.db, mother) == []


async def test_her_reach_ends_when_she_is_marked_inactive_or_removed(door: Door, engine: Engine) -> None:
    await patients(engine, "kid2", "kid3", birth=child_of(9))
    store = Store(engine, SYSTEM)
    await store.commit([Update(relative(k, active=True)) for k in ("kid2", "kid3")])
    mother = await arrives(door, "carer")
    for kid in ("kid2", "kid3"):
        await carers.grant(engine, SYSTEM, None, mother.number, "RelatedPerson", f"{kid}-me")
        assert await opens(door, mother, kid)
    await store.commit([Update(relative("kid2", active=False)), Delete("RelatedPerson", "kid3-me")])
    assert not await opens(door, mother, "kid2") and not await opens(door, mother, "kid3")


async def test_a_relative_of_an_adult_needs_the_adults_consent_and_it_ends_with_it(door: Door, engine: Engine) -> None:
    await patients(engine, "old")
    store = Store(engine, SYSTEM)
    await store.commit([Update(relative("old", active=True)), Update(agreement("old"))])
    daughter = await arrives(door, "carer")
    with pytest.raises(Invalid, match="of age"):
        await carers.grant(engine, SYSTEM, None, daughter.number, "RelatedPerson", "old-me")
    await carers.grant(engine, SYSTEM, None, daughter.number, "Consent", "old-c")
    assert await opens(door, daughter, "old")
    await store.commit([Update(agreement("old", status="inactive"))])
    assert not await opens(door, daughter, "old")


async def test_a_basis_that_was_moved_to_another_patient_opens_neither(door: Door, engine: Engine) -> None:
    await patients(engine, "moved", "moved-to", birth=child_of(4))
    store = Store(engine, SYSTEM)
    await store.commit([Update(relative("moved", active=True))])
    mother = await arrives(door, "carer")
    await carers.grant(engine, SYSTEM, None, mother.number, "RelatedPerson", "moved-me")
    await store.commit([Update({**relative("moved", active=True), "patient": {"reference": "Patient/moved-to"}})])
    assert not await opens(door, mother, "moved") and not await opens(door, mother, "moved-to")


async def test_only_those_with_the_permission_make_carers_and_only_carers_are_made(door: Door, engine: Engine) -> None:
    await patients(engine, "who-makes", birth=child_of(5))
    await Store(engine, SYSTEM).commit([Update(relative("who-makes"))])
    mother, doctor, patient = await arrives(door, "carer"), await arrives(door, "doctor"), await arrives(door, "patient", "x-1")
    with pytest.raises(Forbidden):
        await carers.grant(engine, SYSTEM, doctor, mother.number, "RelatedPerson", "who-makes-me")
    with pytest.raises(NotFound):
        await carers.grant(engine, SYSTEM, None, patient.number, "RelatedPerson", "who-makes-me")
    with pytest.raises(Invalid):
        await carers.grant(engine, SYSTEM, None, mother.number, "Observation", "who-makes-o")
    clerk = await arrives(door, "clerk")
    with pytest.raises(NotFound):  # the record is not open to this clerk
        await carers.grant(engine, door.scope(clerk), clerk, mother.number, "RelatedPerson", "who-makes-me")


@pytest.mark.parametrize(
    ("birth", "day"),
    [("2010-05-04", "2028-05-04"), ("2012-02-29", "2030-02-28"), ("2010", "2028-01-01"), ("2010-07", "2028-07-01")],
)
def test_of_age_at_eighteen_and_what_is_not_known_prolongs_nothing(birth: str, day: str) -> None:
    assert carers.comes_of_age(birth).isoformat() == day


def test_a_relatives_period_and_a_consents_end_count() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    kid = {"birthDate": "2020-01-01"}
    told = carers.ends({"resourceType": "RelatedPerson", "period": {"end": "2027-01-31"}}, kid, now)
    assert told == datetime(2027, 1, 31, 17, tzinfo=UTC)  # the end of that day in Hanoi
    free = carers.ends({"resourceType": "Consent", "status": "active"}, {}, now)
    assert free - now == timedelta(days=366)
    for basis, patient in (
        ({"resourceType": "RelatedPerson", "period": {"end": "2026-01-31"}}, kid),
        ({"resourceType": "RelatedPerson"}, {}),
        ({"resourceType": "RelatedPerson", "active": False}, kid),
        ({"resourceType": "Consent", "status": "rejected"}, {}),
    ):
        with pytest.raises(Invalid):
            carers.ends(basis, patient, now)
