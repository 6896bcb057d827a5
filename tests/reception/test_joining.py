"""Two records of one person, joined and taken back: every moved row comes back, also after further writes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conftest import member, person
from longbien.access import joining as warrants
from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid
from longbien.fhir import json
from longbien.reception import joining
from longbien.reception.identity import identifier
from longbien.reception.permissions import MERGE
from longbien.record import people
from longbien.record.change import Manner, Update
from longbien.record.store import Store


def life(of: str) -> list[dict[str, Any]]:
    who, now = {"reference": f"Patient/{of}"}, clock.instant(clock.now())
    care: dict[str, Any] = {"serviceProvider": {"reference": "Organization/bv-sn"}}
    made: list[dict[str, Any]] = [
        {"resourceType": "Encounter", "id": f"{of}-e", "status": "finished", "subject": who, "period": {"start": now}, **care,
         "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
        {"resourceType": "Observation", "id": f"{of}-o", "status": "final", "code": {"text": "x"}, "subject": who,
         "encounter": {"reference": f"Encounter/{of}-e"}, "valueQuantity": {"value": json.loads(b'{"v": 1.10}')["v"]}},
        {"resourceType": "Condition", "id": f"{of}-c", "code": {"text": "x"}, "subject": who},
        {"resourceType": "Consent", "id": f"{of}-n", "status": "active", "patient": who, "dateTime": now,
         "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}]},
         "category": [{"text": "x"}], "policyRule": {"text": "x"}},
        {"resourceType": "RelatedPerson", "id": f"{of}-r", "patient": who, "name": [{"text": "Trần Văn Con"}]},
    ]  # fmt: skip
    return made


async def two(h: SimpleNamespace, a: str, b: str, **more: Any) -> None:
    numbers = {"identifier": [identifier("insurance", "HT3010123456789"), identifier("social", "0123456789", "secondary")]}
    patients = [person(a, "Trần Thị Hoà", **more), person(b, "Trần Thị Hòa", born="1980-05-04", **numbers)]
    await h.house.commit([Update(p) for p in patients])
    await h.house.commit([Update(r) for r in (*life(a), *life(b))], Manner(references="trust"))


async def whole(h: SimpleNamespace, *patients: str, login: str = "tn.lan") -> Store:
    return await warrants.warrant(h.door, member(login), MERGE, patients, "test")


async def bodies(h: SimpleNamespace, of: str) -> dict[str, Any]:
    """Every row of a record: key -> (body without meta, patient key)."""
    rows = await joining._rows(h.house, of)
    me = await h.house.read("Patient", of)
    found = {r.key: (_bare(r.body), r.pat) for r in rows if r.type != "Provenance"}
    return found | {f"Patient/{of}": (_bare(json.loads(me.body)), me.pat)}


def _bare(body: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in body.items() if k != "meta"}


@pytest.mark.asyncio(loop_scope="session")
async def test_joining_moves_every_row_and_taking_back_restores_every_row(hospital: SimpleNamespace) -> None:
    h = hospital
    await two(h, "j1-a", "j1-b")
    before_a, before_b = await bodies(h, "j1-a"), await bodies(h, "j1-b")
    done, moved = await joining.join(await whole(h, "j1-a", "j1-b"), h.who(), "j1-a", "j1-b", "cùng số thẻ BHYT", clock.now())
    assert moved == 5
    after = await bodies(h, "j1-a")
    assert {
        f"{t}/j1-b-{x}" for t, x in (("Encounter", "e"), ("Observation", "o"), ("Condition", "c"), ("RelatedPerson", "r"))
    } <= set(after)
    found, _ = await people.find(h.engine, h.finding().scope, people.read("Trần Thị Hòa 1980"))
    assert "j1-b" not in {json.loads(p.body)["id"] for p in found} and "j1-a" in {json.loads(p.body)["id"] for p in found}
    stands, gone = [json.loads((await h.house.read("Patient", x)).body) for x in ("j1-a", "j1-b")]
    assert stands["link"] == [{"other": {"reference": "Patient/j1-b"}, "type": "replaces"}]
    assert gone["active"] is False and gone["link"][0]["type"] == "replaced-by"
    assert any(i["value"] == "HT3010123456789" for i in stands["identifier"])
    story = json.loads((await h.house.read("Provenance", done)).body)
    assert len(story["target"]) == 2 + moved and story["activity"]["coding"][0]["code"] == "merge"
    # the trail tells in both records
    lines = await h.engine.db.fetch("SELECT DISTINCT pat FROM audit WHERE rid = (SELECT rid FROM head WHERE id = 'j1-b-o')")
    assert len(lines) == 2
    undone = await joining.take_back(await whole(h, "j1-a"), h.who(), done, [], clock.now())
    assert (undone.restored, undone.changed, undone.missing) == (5, [], [])
    assert await bodies(h, "j1-a") == before_a and await bodies(h, "j1-b") == before_b
    found, _ = await people.find(h.engine, h.finding().scope, people.read("Trần Thị Hòa 1980"))
    assert {"j1-a", "j1-b"} <= {json.loads(p.body)["id"] for p in found}


@pytest.mark.asyncio(loop_scope="session")
async def test_what_was_changed_since_goes_back_with_its_change_and_what_is_new_stays_or_goes_along(
    hospital: SimpleNamespace,
) -> None:
    h = hospital
    await two(h, "j2-a", "j2-b")
    before_a, before_b = await bodies(h, "j2-a"), await bodies(h, "j2-b")
    done, _ = await joining.join(await whole(h, "j2-a", "j2-b"), h.who(), "j2-a", "j2-b", "cùng một người", clock.now())
    seen = json.loads((await h.house.read("Observation", "j2-b-o")).body)
    await h.house.commit([Update({**seen, "status": "amended"})])  # a moved row is changed
    fresh = life("j2-a")
    for r in fresh:
        r["id"] += "-new"
        if "encounter" in r:
            r["encounter"] = {"reference": "Encounter/j2-a-e-new"}
    await h.house.commit([Update(r) for r in fresh])  # written into the record that stands
    patient = json.loads((await h.house.read("Patient", "j2-a")).body)
    telecom = [{"system": "phone", "value": "0912345678"}]
    await h.house.commit(
        [Update({**patient, "telecom": telecom, "identifier": [*patient["identifier"], identifier("passport", "B1234567")]})]
    )
    asked = await joining.later(await whole(h, "j2-a"), done)
    assert {x.key for x in asked} == {f"{r['resourceType']}/{r['id']}" for r in fresh}
    assert {x.group for x in asked if x.key.endswith("o-new")} == {"Encounter/j2-a-e-new"}
    along = ["Encounter/j2-a-e-new", "Observation/j2-a-o-new"]
    undone = await joining.take_back(await whole(h, "j2-a"), h.who(), done, along, clock.now())
    assert (undone.changed, undone.along) == (["Observation/j2-b-o"], 2)
    now_a, now_b = await bodies(h, "j2-a"), await bodies(h, "j2-b")
    assert now_b["Observation/j2-b-o"][0]["status"] == "amended"
    assert set(now_b) == set(before_b) | set(along)
    assert set(now_a) == set(before_a) | {x.key for x in asked} - set(along)
    mine = now_a["Patient/j2-a"][0]
    assert mine["telecom"] == telecom and [i["value"] for i in mine["identifier"]] == ["B1234567"] and "link" not in mine
    assert now_b["Patient/j2-b"] == before_b["Patient/j2-b"]


@pytest.mark.asyncio(loop_scope="session")
async def test_it_is_taken_back_once_and_a_later_joining_first(hospital: SimpleNamespace) -> None:
    h = hospital
    await two(h, "j3-a", "j3-b")
    await two(h, "j3-c", "j3-d")
    before = {x: await bodies(h, x) for x in ("j3-a", "j3-b", "j3-c")}
    first, _ = await joining.join(await whole(h, "j3-a", "j3-b"), h.who(), "j3-a", "j3-b", "cùng một người", clock.now())
    second, _ = await joining.join(await whole(h, "j3-a", "j3-c"), h.who(), "j3-c", "j3-a", "cùng một người", clock.now())
    with pytest.raises(Conflict):
        await joining.take_back(await whole(h, "j3-c"), h.who(), first, [], clock.now())
    await joining.take_back(await whole(h, "j3-c"), h.who(), second, [], clock.now())
    await joining.take_back(await whole(h, "j3-a"), h.who(), first, [], clock.now())
    with pytest.raises(Conflict):
        await joining.take_back(await whole(h, "j3-a"), h.who(), first, [], clock.now())
    for x, was in before.items():
        assert await bodies(h, x) == was


@pytest.mark.asyncio(loop_scope="session")
async def test_two_people_are_not_joined_and_who_may_not_does_not(hospital: SimpleNamespace) -> None:
    h = hospital
    await two(h, "j4-a", "j4-b", number="001180000111")
    other = person("j4-b", "Trần Thị Hòa", number="001180000222")
    await h.house.commit([Update(other)])
    with pytest.raises(Invalid) as no:
        await joining.join(await whole(h, "j4-a", "j4-b"), h.who(), "j4-a", "j4-b", "cùng một người", clock.now())
    assert no.value.text == joining.TWO_NUMBERS
    with pytest.raises(Forbidden):
        await whole(h, "j4-a", login="bs.minh")


@pytest.mark.asyncio(loop_scope="session")
async def test_an_unidentified_patient_becomes_who_they_are(hospital: SimpleNamespace) -> None:
    h = hospital
    unknown = {
        "resourceType": "Patient",
        "id": "j5-u",
        "active": True,
        "gender": "unknown",
        "name": [{"use": "anonymous", "text": "Chưa rõ danh tính, nam"}],
        "identifier": [identifier("unidentified", "KRSN261130001", "temp")],
    }
    await h.house.commit([Update(unknown), Update(person("j5-k", "Lý Văn Tám", number="001080000333"))])
    await h.house.commit([Update(r) for r in (*life("j5-u"), *life("j5-k"))], Manner(references="trust"))
    done, _ = await joining.join(await whole(h, "j5-k", "j5-u"), h.who(), "j5-k", "j5-u", "người nhà nhận mặt", clock.now())
    stands = json.loads((await h.house.read("Patient", "j5-k")).body)
    assert [n["text"] for n in stands["name"]] == ["Lý Văn Tám"]
    assert {(i["value"], i["use"]) for i in stands["identifier"]} >= {("KRSN261130001", "old"), ("001080000333", "official")}
    assert done


@pytest.mark.asyncio(loop_scope="session")
async def test_a_link_moves_nothing_and_can_be_taken_back(hospital: SimpleNamespace) -> None:
    h = hospital
    await two(h, "j6-a", "j6-b")
    a, b = [await h.store().read("Patient", x) for x in ("j6-a", "j6-b")]
    await joining.link(h.store(), json.loads(a.body), a.version, json.loads(b.body), b.version)
    a, b = [await h.store().read("Patient", x) for x in ("j6-a", "j6-b")]
    assert json.loads(a.body)["link"][0]["type"] == "seealso"
    await joining.link(h.store(), json.loads(a.body), a.version, json.loads(b.body), b.version, linked=False)
    assert "link" not in json.loads((await h.store().read("Patient", "j6-a")).body)


def test_names_numbers_and_places_of_both_are_kept() -> None:
    one: dict[str, Any] = {
        "resourceType": "Patient",
        "id": "1",
        "name": [{"text": "Lê Thị Hoa"}],
        "identifier": [identifier("citizen", "001180000001")],
        "address": [{"use": "home", "text": "Số 1, Phường Ba Đình"}],
    }
    other: dict[str, Any] = {
        "resourceType": "Patient",
        "id": "2",
        "name": [{"text": "Le Thi Hoa"}, {"text": "Lê Thị Hoà"}, {"text": "Lê Hoa"}],
        "birthDate": "1980",
        "identifier": [identifier("passport", "B1234567")],
        "address": [{"use": "home", "text": "Số 2, Xã Sóc Sơn"}],
    }
    stands, gone = joining.joined(one, other)
    assert [n["text"] for n in stands["name"]] == ["Lê Thị Hoa", "Lê Hoa"] and stands["name"][1]["use"] == "old"
    assert [a["use"] for a in stands["address"]] == ["home", "old"] and stands["birthDate"] == "1980"
    assert joining.taken_back(stands, one, stands) == one
    assert joining.taken_back(gone, other, gone) == other
