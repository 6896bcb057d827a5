"""Giving drugs on a real database: a dose is given once, whoever writes and however two meet."""

# ruff: noqa: E501 - resources stand as they are read

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid
from longbien.base.ids import new_id
from longbien.record.change import Create, Update
from longbien.ward import drugs, rounds
from longbien.ward.reads import Lying, patient_now

pytestmark = pytest.mark.asyncio(loop_scope="session")
BED = iter(["tm-b1", "tm-b2", "tm-b3", "tm-b4", "tm-b5", "tm-b6", "hstc-b1"])


async def a_dose(house: SimpleNamespace, **dosage: Any) -> tuple[Lying, rounds.Line, datetime]:
    """Somebody with an order that has a dose due now."""
    patient, stay = await house.a_patient(next(BED))
    now = clock.local(clock.now())
    due = now.replace(second=0, microsecond=0)
    timing = dosage if dosage else {"timing": {"event": [clock.instant(due)]}}
    order = {
        "resourceType": "MedicationRequest", "id": new_id(), "status": "active", "intent": "order", "authoredOn": clock.instant(now - timedelta(days=1)),
        "medicationCodeableConcept": {"text": "Apixaban 5 mg"}, "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{stay}"},
        "dosageInstruction": [{**timing, "doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg"}}]}],
    }  # fmt: skip
    await house.store.commit([Update(order)])
    return await _read(house, patient), _line(await _read(house, patient)), due


async def _read(house: SimpleNamespace, patient: str) -> Lying:
    found = await patient_now(house.engine, house.as_("ha").scope, patient, clock.now())
    assert found is not None
    return found


def _line(lying: Lying) -> rounds.Line:
    low, high = drugs.window(clock.now())
    return rounds.sheet(lying.here("MedicationRequest"), lying.all("MedicationAdministration"), low, high, clock.now(), "vi")[0]


def by(login: str) -> dict[str, str]:
    return {"reference": f"Practitioner/{login}", "display": login}


async def test_two_nurses_give_one_dose_and_it_is_written_once(house: SimpleNamespace) -> None:
    lying, line, due = await a_dose(house)
    now = clock.now()
    done = await asyncio.gather(
        *(drugs.write(house.as_(x), lying, line, due, now, by(x), once=new_id()) for x in ("ha", "nga")), return_exceptions=True
    )
    lost = [x for x in done if isinstance(x, BaseException)]
    assert len(lost) == 1 and isinstance(lost[0], Conflict) and lost[0].code == drugs.TWICE
    assert [d.state for d in _line(await _read(house, lying.id)).doses] == ["given"]


async def test_the_same_tap_sent_twice_is_one_dose(house: SimpleNamespace) -> None:
    lying, line, due = await a_dose(house)
    now = clock.now()
    for _ in range(2):
        await drugs.write(house.as_("ha"), lying, line, due, now, by("ha"), once="x")


async def test_who_refused_may_take_it_later(house: SimpleNamespace) -> None:
    lying, line, due = await a_dose(house)
    await drugs.write(house.as_("ha"), lying, line, due, clock.now(), by("ha"), once="x", reason="refused", said="buồn nôn")
    assert _line(await _read(house, lying.id)).doses[0].state == "refused"
    await drugs.write(house.as_("ha"), lying, line, due, clock.now(), by("ha"), once="x")
    assert _line(await _read(house, lying.id)).doses[0].state == "given"


async def test_a_dose_as_needed_is_not_given_twice_within_its_interval(house: SimpleNamespace) -> None:
    lying, line, _ = await a_dose(house, asNeededBoolean=True, timing={"repeat": {"frequency": 1, "period": 6, "periodUnit": "h"}})
    now = clock.now()
    done = await asyncio.gather(
        *(drugs.write(house.as_(x), lying, line, None, now, by(x), once=new_id()) for x in ("ha", "nga")), return_exceptions=True
    )
    assert sorted(type(x).__name__ for x in done) == ["Conflict", "NoneType"]


async def test_an_app_that_writes_the_dose_itself_is_stopped_too(house: SimpleNamespace) -> None:
    lying, line, due = await a_dose(house)
    await drugs.write(house.as_("ha"), lying, line, due, clock.now(), by("ha"), once="x")
    again = rounds.administration(line, lying.stay, lying.id, due, clock.now(), by("nga"), id_="another")
    with pytest.raises(Conflict, match="given already"):
        await house.store.commit([Create(again)])


async def test_a_mistake_is_taken_back_by_who_made_it_and_stays_to_be_seen(house: SimpleNamespace) -> None:
    lying, line, due = await a_dose(house)
    await drugs.write(house.as_("ha"), lying, line, due, clock.now(), by("ha"), once="x")
    id_ = rounds.record_id(line.id, due)
    with pytest.raises(Invalid):
        await drugs.undo(house.as_("nga"), lying, id_, by("nga"), clock.now())
    await drugs.undo(house.as_("ha"), lying, id_, by("ha"), clock.now())
    assert json.loads((await house.store.read("MedicationAdministration", id_)).body)["status"] == "entered-in-error"
    await drugs.write(house.as_("nga"), lying, line, due, clock.now(), by("nga"), once="x")
    assert _line(await _read(house, lying.id)).doses[0].by == "nga"
