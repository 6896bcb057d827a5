"""Beds on a real database: one patient in a bed, whoever writes and however two meet."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid, LongbienError, PreconditionFailed
from longbien.base.ids import new_id
from longbien.record.change import Update
from longbien.ward import beds, rules
from longbien.ward.reads import ward_now

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def stay(house: SimpleNamespace, id_: str) -> tuple[int, dict[str, Any]]:
    stored = await house.store.read("Encounter", id_)
    return stored.version, json.loads(stored.body)


async def bed_status(house: SimpleNamespace, id_: str) -> str:
    return rules.bed_status(json.loads((await house.store.read("Location", id_)).body))


async def empty(house: SimpleNamespace) -> None:
    """Everybody has gone."""
    for ward in house.places.wards.values():
        now = await ward_now(house.engine, house.as_("ha").scope, ward, clock.now())
        for x in now.lying.values():
            await house.store.commit([Update(rules.finished(x.stay, clock.now()))])


@pytest.fixture(autouse=True)
async def nobody(house: SimpleNamespace) -> None:
    await empty(house)


async def test_a_move_is_written_and_the_bed_left_waits_to_be_cleaned(house: SimpleNamespace) -> None:
    _, id_ = await house.a_patient("tm-b1")
    known, now = house.places, clock.now()
    await beds.transfer(house.as_("ha"), await stay(house, id_), known.beds["tm-b5"], known.wards["tm-w"], now, now)
    _, after = await stay(house, id_)
    assert rules.lies(after)[0] == "tm-b5"
    assert await bed_status(house, "tm-b1") == "H"
    await beds.set_status(house.as_("ha"), known.beds["tm-b1"], known.wards["tm-w"], "U")
    assert await bed_status(house, "tm-b1") == "U"


async def test_two_who_take_the_last_bed_one_wins_and_the_other_is_told(house: SimpleNamespace) -> None:
    (_, one), (_, two) = await house.a_patient("tm-b1"), await house.a_patient("tm-b2")
    known, now = house.places, clock.now()
    target, ward = known.beds["hstc-b1"], known.wards["hstc-w"]
    a, b = await stay(house, one), await stay(house, two)
    done = await asyncio.gather(
        beds.transfer(house.as_("ha"), a, target, ward, now, now), beds.transfer(house.as_("lan"), b, target, ward, now, now),
        return_exceptions=True,
    )  # fmt: skip
    lost = [x for x in done if isinstance(x, BaseException)]
    assert len(lost) == 1 and isinstance(lost[0], Conflict) and lost[0].code == beds.TAKEN
    inside = [rules.lies((await stay(house, x))[1])[0] for x in (one, two)]
    assert inside.count("hstc-b1") == 1


async def test_many_at_once_fill_each_bed_once(house: SimpleNamespace) -> None:
    people = [await house.a_patient("") for _ in range(8)]
    known, now = house.places, clock.now()

    async def try_all(id_: str) -> str:
        for bed in ("tm-b1", "tm-b2", "tm-b3"):
            try:
                await beds.transfer(house.as_("ha"), await stay(house, id_), known.beds[bed], known.wards["tm-w"], now, now)
            except Conflict:
                continue
            return bed
        return ""

    got = await asyncio.gather(*(try_all(x) for _, x in people))
    assert sorted(x for x in got if x) == ["tm-b1", "tm-b2", "tm-b3"]


async def test_the_same_holds_for_whoever_writes_the_resource_itself(house: SimpleNamespace) -> None:
    await house.a_patient("tm-b1")
    patient, id_ = await house.a_patient("")
    _, other = await stay(house, id_)
    other["location"] = [{"location": {"reference": "Location/tm-b1"}, "status": "active"}]
    with pytest.raises(Conflict, match="another visit holds"):
        await house.store.commit([Update(other)])
    assert patient


async def test_a_bed_that_is_kept_is_not_given_away(house: SimpleNamespace) -> None:
    (_, waits), (_, one) = await house.a_patient(""), await house.a_patient("tm-b1")
    known, now = house.places, clock.now()
    await beds.keep(house.as_("lan"), await stay(house, waits), known.beds["tm-b3"], known.wards["tm-w"], now)
    with pytest.raises(Conflict):
        await beds.transfer(house.as_("ha"), await stay(house, one), known.beds["tm-b3"], known.wards["tm-w"], now, now)
    await beds.transfer(house.as_("ha"), await stay(house, waits), known.beds["tm-b3"], known.wards["tm-w"], now, now)
    assert rules.lies((await stay(house, waits))[1])[0] == "tm-b3"


async def test_two_who_move_one_patient_the_second_is_told(house: SimpleNamespace) -> None:
    _, id_ = await house.a_patient("tm-b1")
    known, now, seen = house.places, clock.now(), await stay(house, id_)
    await beds.transfer(house.as_("ha"), seen, known.beds["tm-b2"], known.wards["tm-w"], now, now)
    with pytest.raises(PreconditionFailed):
        await beds.transfer(house.as_("lan"), seen, known.beds["tm-b3"], known.wards["tm-w"], now, now)


@pytest.mark.parametrize(("shift", "code"), [(timedelta(hours=1), "future"), (timedelta(hours=-30), "before")])
async def test_a_move_at_an_impossible_time_is_refused(house: SimpleNamespace, shift: timedelta, code: str) -> None:
    _, id_ = await house.a_patient("tm-b1")
    known, now = house.places, clock.now()
    with pytest.raises(Invalid) as why:
        await beds.transfer(house.as_("ha"), await stay(house, id_), known.beds["tm-b2"], known.wards["tm-w"], now + shift, now)
    assert why.value.code == code


async def test_an_admission_ends_the_visit_to_the_emergency_room(house: SimpleNamespace) -> None:
    patient, before = await house.a_patient("")
    known, now, id_ = house.places, clock.now(), new_id()
    said = beds.Admission(patient, known.beds["tm-b4"], known.wards["tm-w"], now, "Suy tim", None, await stay(house, before))
    await beds.admit(house.as_("lan"), said, id_, {"reference": "Organization/h"})
    assert (await stay(house, before))[1]["status"] == "finished"
    _, made = await stay(house, id_)
    assert (made["status"], made["class"]["code"], rules.lies(made)[0]) == ("in-progress", "IMP", "tm-b4")
    with pytest.raises(LongbienError):  # the same form sent twice
        await beds.admit(house.as_("lan"), said, id_, {"reference": "Organization/h"})


async def test_who_cares_for_patients_changes_nothing_else_of_a_bed(house: SimpleNamespace) -> None:
    stored = await house.store.read("Location", "tm-b1")
    location = json.loads(stored.body)
    for wrong in ({"name": "Ghế"}, {"status": "inactive"}, {"partOf": {"reference": "Location/tm-2"}}):
        with pytest.raises(Forbidden):
            await house.as_("ha").commit([Update(location | wrong)])
    far = json.loads((await house.store.read("Location", "far-b1")).body)
    with pytest.raises(Forbidden):
        await house.as_("ha").commit([Update(rules.with_status(far, "C"))])


async def test_the_ward_reads_who_lies_there_and_nobody_else(house: SimpleNamespace) -> None:
    _, here = await house.a_patient("tm-b1")
    await house.a_patient("hstc-b1")
    now = await ward_now(house.engine, house.as_("ha").scope, house.places.wards["tm-w"], clock.now())
    assert list(now.lying) == [here]
    assert set(now.beds) == {f"tm-b{n}" for n in range(1, 7)}
