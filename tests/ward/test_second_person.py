"""High-alert drugs are given by two."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from test_ward_pages import an_order, nobody

from longbien.base.ids import new_id
from longbien.fhir import systems as s
from longbien.record.change import Update

__all__ = ["nobody"]  # empties the beds before each test
LANGS = pytest.mark.parametrize("lang", ["vi", "en"])
PASSWORD = "cau-thep-bac-qua-song"
ASKS = {"vi": "Người thứ hai: tên đăng nhập hoặc thẻ", "en": "Second person: login or badge"}


def known(code: str, high: bool) -> dict[str, Any]:
    out: dict[str, Any] = {"resourceType": "MedicationKnowledge", "id": f"tt-{code}", "status": "active",
                           "code": {"coding": [{"system": s.DRUG, "code": code}]}}  # fmt: skip
    extension = [{"url": f"{s.BASE}/StructureDefinition/drug-high-alert", "valueString": "1"}]
    return out | ({"extension": extension} if high else {})


async def a_card(house: SimpleNamespace, lang: str, high: bool = True, bed: str = "tm-b1") -> tuple[Any, str, dict[str, str], str]:
    await house.store.commit([Update(known("apix5", high))])
    patient, stay = await house.a_patient(bed)
    order, client = await an_order(house, patient, stay), house.client("ha", lang)
    page = (await client.get(f"/ward/mar?patient={patient}&order={order}")).text
    due = re.search(r"due=([^&\"#]+)", page)
    assert due
    at = due[1].replace("%3A", ":")
    card = (await client.get(f"/ward/mar?patient={patient}&order={order}&due={due[1]}")).text
    return client, patient, {"patient": patient, "order": order, "due": at, "act": "given", "once": new_id()}, card


async def given(house: SimpleNamespace, patient: str) -> list[Any]:
    return list((await house.store.search("MedicationAdministration", [("subject", f"Patient/{patient}")])).entries)


@LANGS
async def test_alone_it_is_not_written_and_with_a_colleague_both_stand_in_it(house: SimpleNamespace, lang: str) -> None:
    client, patient, fields, card = await a_card(house, lang)
    assert ASKS[lang] in card and "data-needs-network" in card
    alone = await client.post("/ward/mar/dose", **fields)
    assert alone.status_code == 422 and not await given(house, patient)
    wrong = await client.post("/ward/mar/dose", **fields, second="dd.nga", **{"second-secret": "không phải"})
    assert wrong.status_code == 422 and not await given(house, patient)
    both = await client.post("/ward/mar/dose", **fields, second="dd.nga", **{"second-secret": PASSWORD})
    assert both.status_code == 303
    [entry] = await given(house, patient)
    assert b"verifier" in entry.body and b"Practitioner/nga" in entry.body and b"Practitioner/ha" in entry.body


@pytest.mark.parametrize("who", ["dd.ha", "dd.lan", "nobody", ""])
async def test_neither_oneself_nor_a_clerk_nor_nobody_is_a_second_person(house: SimpleNamespace, who: str) -> None:
    client, patient, fields, _ = await a_card(house, "vi")
    answer = await client.post("/ward/mar/dose", **fields, second=who, **{"second-secret": PASSWORD})
    assert answer.status_code == 422 and not await given(house, patient)


async def test_a_pin_counts_as_well_and_a_wrong_one_does_not(house: SimpleNamespace) -> None:
    from_engine = house.engine.db
    number = await from_engine.fetchval("SELECT number FROM account WHERE login = 'dd.nga'")
    await from_engine.execute(
        "INSERT INTO pin (account, hash) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET hash = $2, failures = 0",
        number,
        await house.door.hasher.hash("4711"),
    )
    client, patient, fields, _ = await a_card(house, "vi")
    assert (await client.post("/ward/mar/dose", **fields, second="dd.nga", **{"second-secret": "4712"})).status_code == 422
    assert (await client.post("/ward/mar/dose", **fields, second="dd.nga", **{"second-secret": "4711"})).status_code == 303
    assert len(await given(house, patient)) == 1


async def test_an_ordinary_drug_needs_one_person_and_what_is_not_given_too(house: SimpleNamespace) -> None:
    client, _, fields, card = await a_card(house, "vi", high=False)
    assert ASKS["vi"] not in card and (await client.post("/ward/mar/dose", **fields)).status_code == 303
    client, _, fields, _ = await a_card(house, "vi", bed="tm-b2")
    refused = await client.post("/ward/mar/dose", **fields | {"act": "not", "reason": "refused"})
    assert refused.status_code == 303


async def test_the_hospital_may_decide_otherwise(house: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGBIEN_WARD_TWO_PERSONS", "false")
    client, _, fields, card = await a_card(house, "vi")
    assert ASKS["vi"] not in card and (await client.post("/ward/mar/dose", **fields)).status_code == 303
