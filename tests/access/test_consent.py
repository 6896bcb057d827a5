"""What patients let others see, take back, and what no refusal stops; on a real database."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from at_the_door import CHEAP

from longbien.access import accounts, consent, consent_guard, glass, purpose
from longbien.access.actor import Actor
from longbien.access.consent import Choice, Proof
from longbien.access.door import Door
from longbien.access.trail_queries import who_saw
from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid, LongbienError, NotFound
from longbien.base.ids import patient_key
from longbien.fhir import json
from longbien.record.change import Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.everything import WITHHELD, Asked
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.rest import search as rest_search

pytestmark = pytest.mark.asyncio(loop_scope="session")
ICD = "http://hl7.org/fhir/sid/icd-10"
WHY = "Ngất tại phòng khám, huyết áp 70/40"


def condition(id_: str, of: str, at: str, code: str) -> dict[str, Any]:
    return {
        "resourceType": "Condition", "id": id_, "subject": {"reference": f"Patient/{of}"},
        "encounter": {"reference": f"Encounter/{of}-{at}"}, "code": {"coding": [{"system": ICD, "code": code}]},
    }  # fmt: skip


def encounter(of: str, at: str) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "id": f"{of}-{at}", "status": "in-progress", "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{of}"}, "serviceProvider": {"reference": f"Organization/{at}"},
        "period": {"start": clock.instant(clock.now())},
    }  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def city(engine: Engine) -> Engine:
    engine.guards["Consent"] = consent_guard.guard
    made: list[dict[str, Any]] = [{"resourceType": "Organization", "id": h, "name": h.upper()} for h in ("bv1", "bv2", "bv3")]
    made += [{"resourceType": "Practitioner", "id": f"dr-{h}"} for h in ("bv1", "bv2", "bv3")]
    for p in ("both", "vip", "staff", "asked", "live", "far"):
        label = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CEL"}] if p == "vip" else []
        made.append(
            {
                "resourceType": "Patient",
                "id": p,
                "name": [{"text": "Nguyễn Văn An"}],
                **({"meta": {"security": label}} if label else {}),
            }
        )
        for h in ("bv1",) if p == "far" else ("bv1", "bv2"):
            made.append(encounter(p, h))
        made += [condition(f"{p}-flu", p, "bv1", "J10"), condition(f"{p}-hiv", p, "bv1", "B20"),
                 condition(f"{p}-mind", p, "bv1", "F32.1")]  # fmt: skip
    made.append({
        "resourceType": "Person", "id": "one", "link": [{"target": {"reference": "Patient/staff"}},
                                                         {"target": {"reference": "Practitioner/dr-bv2"}}],
    })  # fmt: skip
    await Store(engine, system("test")).commit([Update(r) for r in made], Manner(checked=True))
    return engine


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def doors(city: Engine) -> Any:
    door = Door(city, CHEAP)
    yield door
    await door.close()


async def _account(door: Door, role: str, at: str, **more: Any) -> Actor:
    login = f"{role}.{at}.{id(more) % 10_000_000}.{clock.now().microsecond}"
    new = accounts.NewAccount(login, f"{role} {at}", role, organization=at, practitioner=f"dr-{at}", **more)
    await accounts.create(door.engine, door.hasher, None, new, "một mật khẩu đủ dài")
    row = await door.engine.db.fetchval("SELECT number FROM account WHERE login = $1", login)
    actor = await door.again(row, None)
    assert actor is not None
    return actor


async def seen(door: Door, actor: Actor, of: str) -> set[str]:
    found = await (await door.store_for(actor)).search("Condition", [("patient", f"Patient/{of}")])
    return {e.id.removeprefix(f"{of}-") for e in found.entries}


async def test_ordinary_data_is_shared_with_who_cares_sensitive_data_is_not(doors: Door) -> None:
    assert await seen(doors, await _account(doors, "doctor", "bv1"), "both") == {"flu", "hiv", "mind"}
    assert await seen(doors, await _account(doors, "doctor", "bv2"), "both") == {"flu"}
    assert await seen(doors, await _account(doors, "doctor", "bv3"), "both") == set()


async def test_what_is_given_opens_and_what_is_withdrawn_closes_with_the_next_statement(doors: Door) -> None:
    own, other = await _account(doors, "doctor", "bv1"), await _account(doors, "doctor", "bv2")
    choice = Choice(True, ("Organization/bv2",), ("mental",))
    given = await consent.take(doors, own, "live", choice, Proof("paper", "GDY-001"))
    assert await seen(doors, other, "live") == {"flu", "mind"}
    await consent.withdraw(doors, own, "live", given.id)
    assert await seen(doors, other, "live") == {"flu"}
    with pytest.raises(Conflict):
        await consent.withdraw(doors, own, "live", given.id)
    refused = await consent.take(doors, own, "live", Choice(False, ("Organization/bv2",)), Proof("screen"))
    assert await seen(doors, other, "live") == set()
    assert await seen(doors, own, "live") == {"flu", "hiv", "mind"}, "what a facility made is its own"
    entries = await consent.ledger(doors, own, "live")
    assert [(e.status, e.choices[0].permit) for e in entries] == [("active", False), ("inactive", True)]
    assert entries[1].number == "GDY-001" and entries[1].taken_by == "doctor bv1" and len(entries[1].hash) == 64
    await consent.withdraw(doors, own, "live", refused.id)


async def test_the_narrower_reader_and_the_later_word_count(doors: Door) -> None:
    own, other = await _account(doors, "doctor", "bv1"), await _account(doors, "doctor", "bv2")
    made = [
        await consent.take(doors, own, "live", Choice(True, (), ("mental", "hiv")), Proof("screen")),
        await consent.take(doors, own, "live", Choice(False, ("Organization/bv2",), ("hiv",)), Proof("screen")),
        await consent.take(doors, own, "live", Choice(True, ("Practitioner/dr-bv2",), ("hiv",)), Proof("screen")),
    ]
    assert await seen(doors, other, "live") == {"flu", "mind", "hiv"}
    made.append(await consent.take(doors, own, "live", Choice(False, ("Practitioner/dr-bv2",), ("hiv",)), Proof("screen")))
    assert await seen(doors, other, "live") == {"flu", "mind"}
    held = await consent.standing(doors, "live", "Organization/bv2")
    assert (
        held.open["mental"] and held.said["mental"] and not held.open["hiv"] and held.open["ordinary"] and not held.said["ordinary"]
    )
    for one in made:
        await consent.withdraw(doors, own, "live", one.id)


async def test_a_named_facility_may_read_though_it_does_not_care_for_the_patient(doors: Door) -> None:
    own, stranger = await _account(doors, "doctor", "bv1"), await _account(doors, "doctor", "bv3")
    given = await consent.take(doors, own, "far", Choice(True, ("Organization/bv3",), ("ordinary",)), Proof("vneid", "VN-7"))
    assert await seen(doors, stranger, "far") == {"flu"} and await doors.why(stranger, "far") == "consent"
    await consent.withdraw(doors, own, "far", given.id)
    assert await seen(doors, stranger, "far") == set() and await doors.why(stranger, "far") is None


async def test_an_end_of_time_ends_it(doors: Door) -> None:
    own, other = await _account(doors, "doctor", "bv1"), await _account(doors, "doctor", "bv2")
    until = clock.now().replace(microsecond=0)
    with pytest.raises(Invalid):
        await consent.take(doors, own, "live", Choice(True, (), ("hiv",), until=until), Proof("screen"))
    assert await seen(doors, other, "live") == {"flu"}


async def test_the_ledger_is_only_added_to(doors: Door) -> None:
    own = await _account(doors, "doctor", "bv1")
    given = await consent.take(doors, own, "asked", Choice(False), Proof("screen"))
    store = Store(doors.engine, system("test"))
    said = json.loads((await store.read("Consent", given.id)).body)
    for change in (
        Delete("Consent", given.id),
        Update({**said, "provision": {"provision": [{"type": "permit"}]}}),
        Update({**said, "patient": {"reference": "Patient/live"}}),
    ):
        with pytest.raises(Invalid):
            await store.commit([change])
    await store.commit([Update({**said, "status": "inactive"})])
    with pytest.raises(Invalid):
        await store.commit([Update({**said, "status": "active"})])
    rows = await doors.engine.db.fetch("SELECT why FROM audit WHERE pat = $1 AND kind = 22 ORDER BY seq", patient_key("asked"))
    assert [r["why"].partition(":")[0] for r in rows] == ["active", "inactive"]
    assert consent.content_hash(said) in rows[0]["why"]


async def test_a_stated_purpose_takes_no_consent(doors: Door) -> None:
    stranger = await _account(doors, "doctor", "bv3")
    await purpose.state_purpose(doors.engine, stranger, "asked", "TREAT", "Được mời hội chẩn tối nay", settings=CHEAP)
    assert await seen(doors, stranger, "asked") == {"flu"}
    with pytest.raises(Forbidden):
        await consent.take(doors, stranger, "asked", Choice(True, ("Organization/bv3",), ("hiv",)), Proof("screen"))
    with pytest.raises(Forbidden):
        await consent.take(doors, await _account(doors, "cashier", "bv1"), "asked", Choice(True), Proof("screen"))
    with pytest.raises(NotFound):
        await consent.take(doors, await _account(doors, "doctor", "bv3"), "asked", Choice(True), Proof("screen"))


async def test_proof_is_asked_for(doors: Door) -> None:
    own = await _account(doors, "doctor", "bv1")
    with pytest.raises(Invalid):
        await consent.take(doors, own, "asked", Choice(True), Proof("paper"))
    with pytest.raises(Invalid):
        await consent.take(doors, own, "asked", Choice(True), Proof("paper", scan=("text/html", b"x")))
    given = await consent.take(doors, own, "asked", Choice(False), Proof("paper", scan=("application/pdf", b"%PDF-1.7 ...")))
    reference = json.loads(given.body)["sourceReference"]["reference"]
    kept = json.loads((await (await doors.store_for(own)).read("DocumentReference", reference.split("/")[1])).body)
    assert kept["content"][0]["attachment"]["size"] == 12
    await consent.withdraw(doors, own, "asked", given.id)


async def test_a_wall_asks_for_a_reason(doors: Door) -> None:
    stranger_to_both, colleague = await _account(doors, "doctor", "bv1"), await _account(doors, "doctor", "bv2")
    assert await seen(doors, stranger_to_both, "vip") == set() and await doors.why(stranger_to_both, "vip") is None
    assert await seen(doors, stranger_to_both, "staff") == {"flu", "hiv", "mind"}, "no colleagues of hers"
    assert await seen(doors, colleague, "staff") == set()
    await purpose.state_purpose(doors.engine, colleague, "staff", "TREAT", "Khám cho đồng nghiệp hôm nay", settings=CHEAP)
    assert await seen(doors, colleague, "staff") == {"flu"}


async def test_a_broken_glass_opens_all_at_once_tells_the_patient_and_is_reviewed(doors: Door) -> None:
    engine, doctor = doors.engine, await _account(doors, "doctor", "bv3")
    assert await seen(doors, doctor, "far") == set()
    await glass.break_glass(engine, doctor, "far", "unresponsive", WHY, settings=CHEAP, hours=2)
    assert await seen(doors, doctor, "far") == {"flu", "hiv", "mind"}
    assert await doors.why(doctor, "far") == f"emergency: {WHY}"
    assert doors.scope(doctor, reason=f"emergency: {WHY}").purpose == "ETREAT"
    told = await Store(engine, system("test")).search("Communication", [("patient", "Patient/far"), ("category", "notice")])
    said = json.loads(told.entries[0].body)
    assert WHY in said["payload"][0]["contentString"] and "doctor bv3 (BV3)" in said["payload"][0]["contentString"]
    head = await _account(doors, "head", "bv3")
    waiting = await glass.queue(engine, head)
    assert [(o.patient, o.category, o.seen > 0) for o in waiting] == [("far", "unresponsive", True)], waiting
    number = waiting[0].number
    with pytest.raises(Forbidden):
        await glass.queue(engine, doctor)
    with pytest.raises(NotFound):
        await glass.review(engine, await _account(doors, "head", "bv1"), number, "accept", "", settings=CHEAP)
    await glass.review(engine, head, number, "ask", "Vì sao không gọi bệnh viện kia?", settings=CHEAP)
    assert (await glass.mine(engine, doctor))[0].asked
    await glass.answer(engine, doctor, number, "Không ai trả lời lúc ba giờ sáng.", settings=CHEAP)
    await glass.review(engine, head, number, "accept", "", settings=CHEAP)
    assert await glass.queue(engine, head) == []
    counts = await glass.statistics(engine, head)
    assert (counts.openings, counts.accepted, counts.waiting) == (1, 1, 0) and counts.by_category == (("unresponsive", 1),)
    await glass.end(engine, doctor, "far", settings=CHEAP)
    assert await seen(doors, doctor, "far") == set()


async def test_a_glass_is_not_for_everybody_and_needs_a_reason(doors: Door) -> None:
    engine = doors.engine
    for role in ("clerk", "cashier", "records", "insurance"):
        with pytest.raises(Forbidden):
            await glass.break_glass(engine, await _account(doors, role, "bv3"), "far", "other", WHY, settings=CHEAP)
    doctor = await _account(doors, "doctor", "bv3")
    for category, reason, hours in (("other", "gấp", 1), ("nothing", WHY, 1), ("other", WHY, 48), ("other", WHY, 0.01)):
        with pytest.raises(Invalid):
            await glass.break_glass(engine, doctor, "far", category, reason, settings=CHEAP, hours=hours)
    with pytest.raises(NotFound):
        await glass.break_glass(engine, doctor, "nobody", "other", WHY, settings=CHEAP)
    assert await seen(doors, doctor, "far") == set()


async def test_a_refusal_does_not_stop_an_emergency_and_the_grant_is_one_persons(doors: Door) -> None:
    own, one, two = [await _account(doors, "doctor", h) for h in ("bv1", "bv2", "bv2")]
    refusal = await consent.take(doors, own, "both", Choice(False), Proof("screen"))
    assert await seen(doors, one, "both") == set()
    await glass.break_glass(doors.engine, one, "both", "allergy-or-drugs", WHY, settings=CHEAP)
    assert await seen(doors, one, "both") == {"flu", "hiv", "mind"} and await seen(doors, two, "both") == set()
    await consent.withdraw(doors, own, "both", refusal.id)


async def test_that_something_is_withheld_is_told_but_not_what_and_never_of_hiv(doors: Door) -> None:
    other = await _account(doors, "doctor", "bv2")
    scope = doors.scope(other)
    assert await consent.withheld(doors, scope, "live") == 1, "the mind, not the virus"
    page, _ = await Store(doors.engine, scope).everything("Patient", "live", Asked(), "http://x", [])
    assert [i.code for i in page.issues] == ["suppressed"]
    own = doors.scope(await _account(doors, "doctor", "bv1"))
    page, _ = await Store(doors.engine, own).everything("Patient", "live", Asked(), "http://x", [])
    assert not page.issues and await consent.withheld(doors, own, "live") == 0


async def test_a_search_about_one_patient_hints_that_something_is_withheld_whatever_it_asks_for(doors: Door) -> None:
    engine, other, own = doors.engine, await _account(doors, "doctor", "bv2"), await _account(doors, "doctor", "bv1")
    stranger = await _account(doors, "doctor", "bv3")

    async def hinted(actor: Any, asked: str, *more: tuple[str, str], within: tuple[str, str] | None = None) -> bool:
        scope = doors.scope(actor)
        request = SimpleNamespace(store=Store(engine, scope), prefer=SimpleNamespace(lenient=False), base_url="http://x")
        answer = await rest_search._page(request, asked, list(more), within)  # type: ignore[arg-type]
        found = (
            [e for e in json.loads(answer.body)["entry"] if e["search"]["mode"] == "outcome"] if b'"entry"' in answer.body else []
        )
        texts = {i["diagnostics"] for e in found for i in e["resource"]["issue"]}
        assert texts <= {WITHHELD}, "nothing more is told, and no number"
        return bool(found)

    about = ("patient", "Patient/live")
    for asked in ("Condition", "Observation", "Procedure", "Consent"):
        assert await hinted(other, asked, about), "the same for every type: what it is stays untold"
    assert await hinted(other, "Condition", ("subject", "Patient/live"), ("code", "nothing-like-it"))
    assert await hinted(other, "Condition", within=("Patient", "live"))
    assert not await hinted(own, "Condition", about), "who made it sees it"
    assert not await hinted(stranger, "Condition", about), "a record that is not open says nothing"
    for wide in ((), (("patient", "Patient/live,Patient/both"),), (("patient", "Patient/live"), ("patient", "Patient/both"))):
        assert not await hinted(other, "Condition", *wide), "only of a search about one patient"


async def test_two_who_write_consents_at_once_leave_what_both_said(doors: Door) -> None:
    own, other = await _account(doors, "doctor", "bv1"), await _account(doors, "doctor", "bv2")
    given = await asyncio.gather(
        *(consent.take(doors, own, "live", Choice(True, ("Organization/bv2",), (c,)), Proof("screen")) for c in ("hiv", "mental"))
    )
    assert await seen(doors, other, "live") == {"flu", "hiv", "mind"}
    for one in given:
        await consent.withdraw(doors, own, "live", one.id)


async def test_a_consent_that_names_a_category_is_itself_of_it(doors: Door) -> None:
    own, other = await _account(doors, "doctor", "bv1"), await _account(doors, "doctor", "bv2")
    given = await consent.take(doors, own, "live", Choice(False, (), ("hiv",)), Proof("screen"))
    with pytest.raises(LongbienError):
        await (await doors.store_for(other)).read("Consent", given.id)
    assert given.id not in {e.id for e in await consent.ledger(doors, other, "live")}
    await consent.withdraw(doors, own, "live", given.id)


async def test_who_saw_tells_nothing_of_what_is_withheld(doors: Door) -> None:
    own, other = await _account(doors, "doctor", "bv1"), await _account(doors, "doctor", "bv2")
    for id_ in ("live-hiv", "live-flu"):
        await (await doors.store_for(own)).read("Condition", id_)
    told = await who_saw(doors.engine, doors.scope(other), "live", count=500)
    assert "live-flu" in {line.id for line in told.lines} and not {"live-hiv", "live-mind"} & {line.id for line in told.lines}
    told = await who_saw(doors.engine, doors.scope(own), "live", count=500)
    assert {"live-flu", "live-hiv"} <= {line.id for line in told.lines}
