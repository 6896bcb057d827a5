"""Requests of patients against the real record: filed, listed, answered, corrected, closed; and what nobody may do."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any

import pytest
from at_the_door import PASSWORD, cookie_of, request

from longbien.access.accounts import NewAccount, create
from longbien.access.door import Door
from longbien.access.rights import correcting, filing, restricting
from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.base.ids import patient_key
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

SYSTEM = system("test")


async def arrives(door: Door, role: str, organization: str | None = None, patient: str | None = None) -> Any:
    login = f"r.{secrets.token_hex(4)}"
    account = NewAccount(login, f"Người {role}", role, None, organization, patient=patient)
    await create(door.engine, door.hasher, None, account, PASSWORD)
    came = await door.sign_in(request(method="POST"), login, PASSWORD)
    return await door.actor(request(cookie=cookie_of(came.set_cookie)))


async def treated(engine: Engine, patient: str, hospital: str = "bv-r") -> None:
    """A patient who was seen at a hospital ten days ago, with a value."""
    now = clock.now()
    start, end = (clock.instant(now - timedelta(days=d)) for d in (10, 9))
    about = {"reference": f"Patient/{patient}"}
    made: list[dict[str, Any]] = [
        {"resourceType": "Organization", "id": hospital, "name": "Bệnh viện R"},
        {"resourceType": "Patient", "id": patient, "name": [{"text": "Đinh Thị Lụa"}], "birthDate": "1952-03-14"},
        {"resourceType": "Encounter", "id": f"{patient}-e", "status": "finished", "subject": about,
         "period": {"start": start, "end": end},
         "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
         "serviceProvider": {"reference": f"Organization/{hospital}", "display": "Bệnh viện R"}},
        {"resourceType": "Observation", "id": f"{patient}-o", "status": "final", "subject": about,
         "code": {"coding": [{"system": "http://loinc.org", "code": "1988-5"}]}},
    ]  # fmt: skip
    await Store(engine, SYSTEM).commit([Update(r) for r in made])


def asker(patient: str) -> dict[str, Any]:
    return {"reference": f"Patient/{patient}", "display": "Đinh Thị Lụa"}


async def filed(door: Door, actor: Any, patient: str, kind: str = "correct", hospital: str = "bv-r") -> Any:
    return await filing.file(door, actor, patient, hospital, kind, "Ngày sinh của tôi ghi sai.", asker=asker(patient))


async def test_a_request_goes_from_the_phone_to_the_office_and_back(door: Door, engine: Engine) -> None:
    await treated(engine, "way")
    lua, officer = await arrives(door, "patient", patient="way"), await arrives(door, "records", "bv-r")
    made = await filed(door, lua, "way", "copy")
    store = await door.store_for(officer, "PATRQT")
    assert made.id in [r.id for r in await filing.worklist(store, "bv-r")]
    await filing.answer(door, officer, made.id, "acknowledge", "")
    await filing.answer(door, officer, made.id, "extend", "Hồ sơ còn ở khoa.")
    done = await filing.answer(door, officer, made.id, "grant", "Mời bà đến phòng 12 lấy bản sao.")
    assert done.status == "completed" and [s.act for s in done.steps] == ["acknowledge", "extend", "grant"]
    assert made.id not in [r.id for r in await filing.worklist(store, "bv-r")]
    own = await door.store_for(lua)
    assert [r.outcome for r in await filing.of_patient(own, "way")] == ["Mời bà đến phòng 12 lấy bản sao."]
    told = [json.loads(e.body) for e in (await own.search("Communication", [("category", "notice")], patient="way")).matches]
    assert len(told) == 3 and any("phòng 12" in c["payload"][0]["contentString"] for c in told)
    kinds = await engine.db.fetch("SELECT why FROM audit WHERE pat = $1 AND actor = $2", patient_key("way"), officer.number)
    assert any("request copy: grant" in (k["why"] or "") for k in kinds)


async def test_nobody_asks_about_another_and_no_hospital_answers_for_another(door: Door, engine: Engine) -> None:
    await treated(engine, "mine")
    await treated(engine, "theirs")
    await treated(engine, "elsewhere", "bv-s")
    lua, officer, other = (
        await arrives(door, "patient", patient="mine"),
        await arrives(door, "records", "bv-r"),
        await arrives(door, "records", "bv-s"),
    )  # fmt: skip
    with pytest.raises(NotFound):
        await filed(door, lua, "theirs")
    with pytest.raises(Invalid):  # a hospital that holds nothing of hers
        await filed(door, lua, "mine", hospital="bv-s")
    made = await filed(door, lua, "mine")
    for act in ("acknowledge", "grant", "refuse"):
        with pytest.raises(NotFound):
            await filing.answer(door, other, made.id, act, "Trả lời hộ.")
    with pytest.raises(NotFound):
        await filing.take_back(door, await arrives(door, "patient", patient="theirs"), made.id)
    for role in ("doctor", "nurse", "clerk", "head", "it"):
        with pytest.raises(Forbidden):
            await filing.answer(door, await arrives(door, role, "bv-r"), made.id, "grant", "Tôi trả lời.")
    with pytest.raises(Forbidden):
        await filing.answer(door, lua, made.id, "grant", "Tự tôi đồng ý.")
    assert (await filing.one(await door.store_for(officer, "PATRQT"), made.id))[0].status == "requested"


async def test_one_answers_a_request_once(door: Door, engine: Engine) -> None:
    await treated(engine, "once-r")
    lua, officer = await arrives(door, "patient", patient="once-r"), await arrives(door, "records", "bv-r")
    made = await filed(door, lua, "once-r")
    await filing.answer(door, officer, made.id, "refuse", "Ngày sinh khớp với căn cước.")
    with pytest.raises(Conflict):
        await filing.answer(door, officer, made.id, "grant", "Đổi ý.")
    with pytest.raises(Conflict):
        await filing.take_back(door, lua, made.id)


async def test_too_many_open_requests_are_refused(door: Door, engine: Engine) -> None:
    await treated(engine, "many")
    lua = await arrives(door, "patient", patient="many")
    for _ in range(filing.MOST_OPEN):
        await filed(door, lua, "many", "view")
    with pytest.raises(Conflict):
        await filed(door, lua, "many", "view")


async def test_a_request_on_paper_counts_from_its_day(door: Door, engine: Engine) -> None:
    await treated(engine, "paper")
    officer = await arrives(door, "records", "bv-r")
    came = clock.local(clock.now()).date() - timedelta(days=20)
    made = await filing.on_paper(door, officer, "paper", "withdraw", "", came, "Đinh Thị Lụa")
    assert made.channel == "paper" and made.overdue(clock.local(clock.now()).date())
    with pytest.raises(NotFound):
        await filing.on_paper(door, await arrives(door, "records", "bv-s"), "paper", "view", "Xem đơn thuốc cũ", came, "Ai đó")


async def test_a_correction_is_a_new_version_with_its_provenance(door: Door, engine: Engine) -> None:
    await treated(engine, "fix")
    lua, officer = await arrives(door, "patient", patient="fix"), await arrives(door, "records", "bv-r")
    made = await filed(door, lua, "fix")
    with pytest.raises(Invalid):
        await correcting.correct(door, officer, made.id, "birthDate", "14/03/1953", "Đã sửa ngày sinh.")
    await correcting.correct(door, officer, made.id, "birthDate", "1953-03-14", "Đã sửa ngày sinh theo căn cước.")
    own = await door.store_for(lua)
    assert json.loads((await own.read("Patient", "fix")).body)["birthDate"] == "1953-03-14"
    assert json.loads((await own.vread("Patient", "fix", 1)).body)["birthDate"] == "1952-03-14"
    why = [json.loads(e.body) for e in (await own.search("Provenance", [("target", "Patient/fix")])).matches]
    assert why and why[0]["entity"][0]["what"]["reference"] == "Patient/fix/_history/1"
    assert (await filing.of_patient(own, "fix"))[0].status == "completed"


async def reads(door: Door, actor: Any, type_: str, id_: str) -> bool:
    try:
        await (await door.store_for(actor)).read(type_, id_)
    except NotFound:
        return False
    return True


async def test_a_closed_record_is_closed_to_all_staff_but_a_stub_and_open_to_its_patient(door: Door, engine: Engine) -> None:
    await treated(engine, "shut")
    await treated(engine, "free")
    lua, officer, doctor = (
        await arrives(door, "patient", patient="shut"),
        await arrives(door, "records", "bv-r"),
        await arrives(door, "doctor", "bv-r"),
    )  # fmt: skip
    assert await reads(door, doctor, "Observation", "shut-o")
    made = await filed(door, lua, "shut", "restrict")
    await restricting.restrict(door, officer, made.id, "Theo yêu cầu của bà.")
    for type_, id_ in (("Observation", "shut-o"), ("Patient", "shut"), ("Encounter", "shut-e")):
        assert not await reads(door, doctor, type_, id_)
        assert await reads(door, lua, type_, id_)
    assert await reads(door, officer, "Patient", "shut") and not await reads(door, officer, "Observation", "shut-o")
    assert await reads(door, doctor, "Observation", "free-o") and await door.why(doctor, "shut") is None
    found = await (await door.store_for(doctor)).search("Observation", [("_id", "shut-o,free-o"), ("_total", "accurate")])
    assert found.total == 1
    await restricting.lift(door, officer, "shut", "Bà xin mở lại.")
    assert await reads(door, doctor, "Observation", "shut-o")


async def test_erasing_while_retention_runs_closes_instead_and_says_no(door: Door, engine: Engine) -> None:
    await treated(engine, "erase")
    lua, officer = await arrives(door, "patient", patient="erase"), await arrives(door, "records", "bv-r")
    made = await filed(door, lua, "erase", "erase")
    done = await restricting.restrict(door, officer, made.id, "Còn trong thời hạn lưu trữ 10 năm; hồ sơ đã được đóng.")
    assert done.status == "rejected" and await restricting.running(engine.db, "erase") is not None
    with pytest.raises((Conflict, Forbidden, NotFound)):
        await restricting.restrict(door, await arrives(door, "doctor", "bv-r"), made.id, "Tôi cũng đóng.")
