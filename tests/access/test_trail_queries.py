"""Who saw this patient; what did this member of staff do."""

from __future__ import annotations

import pytest
from at_the_door import CHEAP, signed_in

from longbien.access import purpose
from longbien.access.door import Door
from longbien.access.trail_queries import what_did, who_saw
from longbien.base.errors import Forbidden, NotFound
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store


async def test_who_saw_names_people_facility_reason_and_itself(door: Door, engine: Engine) -> None:
    hospital = {"resourceType": "Organization", "id": "bv-sn", "name": "Bệnh viện Sông Nhị"}
    await Store(engine, system("demo")).commit([Update({"resourceType": "Patient", "id": "seen"}), Update(hospital)])
    doctor, _ = await signed_in(door)
    with pytest.raises(NotFound):
        await who_saw(engine, door.scope(doctor), "seen")
    await purpose.state_purpose(engine, doctor, "seen", "TREAT", "hội chẩn qua điện thoại", settings=CHEAP)
    store = await door.store_for(doctor, patient="seen")
    await store.read("Patient", "seen")
    page = await who_saw(engine, door.scope(doctor), "seen")
    read, stated, refused, *rest = page.lines
    assert (read.what, read.type, read.id, read.version, read.patient, read.outcome) == (
        "read",
        "Patient",
        "seen",
        1,
        "seen",
        "success",
    )
    assert (read.name, read.role, read.organization, read.facility) == ("Lê Hoàng Minh", "doctor", "bv-sn", "Bệnh viện Sông Nhị")
    assert (read.purpose, read.why) == ("TREAT", "purpose: hội chẩn qua điện thoại")
    assert (stated.what, refused.what, refused.outcome) == ("purpose", "refused", "refused")
    assert [(line.what, line.name) for line in rest] == [("create", "Longbien")]
    again = await who_saw(engine, door.scope(doctor), "seen", count=2)
    assert [line.what for line in again.lines] == ["trail", "read"] and again.next == again.lines[-1].seq
    older = await who_saw(engine, door.scope(doctor), "seen", before=again.next, count=2)
    assert [line.what for line in older.lines] == ["purpose", "refused"]


async def test_what_one_did_is_for_oneself_and_those_who_answer_for_the_house(door: Door, engine: Engine) -> None:
    doctor, _ = await signed_in(door)
    nurse, _ = await signed_in(door, "nurse")
    records, _ = await signed_in(door, "records")
    elsewhere, _ = await signed_in(door, "records", "bv-other")
    own = await what_did(engine, doctor, doctor.number)
    assert [line.what for line in own.lines] == ["sign-in"]
    seen = await what_did(engine, records, doctor.number)
    assert [line.what for line in seen.lines] == ["trail", "sign-in"]
    for other in (nurse, elsewhere):
        with pytest.raises(Forbidden):
            await what_did(engine, other, doctor.number)
    lines = (await what_did(engine, nurse, nurse.number)).lines
    assert [(line.what, line.outcome) for line in lines] == [("trail", "refused"), ("sign-in", "success")]


async def test_an_odd_patient_id_is_only_unknown(door: Door, engine: Engine) -> None:
    doctor, _ = await signed_in(door)
    for odd in ("", "nobody", "' OR 1=1 --", "\0", "x" * 5000):
        with pytest.raises(NotFound):
            await who_saw(engine, door.scope(doctor), odd)
