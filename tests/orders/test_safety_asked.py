"""The adviser of safety asks the record: what is taken, the kidney, a pregnancy, the catalogue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from order_house import ADULT, CHILD, act

from hospital_app import Browser
from longbien.base import clock
from longbien.base.department import Verdict
from longbien.base.words import Words
from longbien.fhir import systems as s
from longbien.orders.beside import safe
from longbien.record.change import Update
from longbien.record.store import Store

VI = Words("vi")


def rx(
    code: str, atc: str, name: str, *, id_: str = "", of: str = ADULT, status: str = "active", end_days: int | None = None
) -> dict[str, Any]:
    now = clock.now()
    out: dict[str, Any] = {
        "resourceType": "MedicationRequest", "status": status, "intent": "order", "subject": {"reference": f"Patient/{of}"},
        "authoredOn": clock.instant(now - timedelta(days=20)),
        "medicationCodeableConcept": {"coding": [{"system": s.DRUG, "code": code}, {"system": s.ATC, "code": atc}], "text": name},
    }  # fmt: skip
    if end_days is not None:
        out["dispenseRequest"] = {"validityPeriod": {"end": clock.instant(now + timedelta(days=end_days))}}
    return out | ({"id": id_} if id_ else {})


def egfr(value: int, days: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": "egfr", "status": "final", "subject": {"reference": f"Patient/{ADULT}"},
        "effectiveDateTime": clock.instant(clock.now() - timedelta(days=days)), "code": {"coding": [{"system": s.LOINC, "code": "98979-8"}]},  # noqa: E501
        "valueQuantity": {"value": value, "unit": "mL/min/{1.73_m2}", "system": s.UCUM, "code": "mL/min/{1.73_m2}"},
    }  # fmt: skip


async def said(own: Store, *drafts: dict[str, Any], of: str = ADULT) -> list[Verdict]:
    return list(await safe(own, of, list(drafts), VI))


async def test_the_record_tells_what_is_taken_and_what_is_over(house: object, own: Store) -> None:
    await own.commit([Update(rx("simva20", "C10AA01", "Simvastatin 20 mg", id_="rx-simva")),
                      Update(rx("warf5", "B01AA03", "Warfarin 5 mg", id_="rx-warf", end_days=-2))])  # fmt: skip
    clari = rx("clari500", "J01FA09", "Clarithromycin 500 mg")
    assert [v.level for v in await said(own, clari) if "Simvastatin" in v.text] == ["stop"]
    ibuprofen = rx("ibu400", "M01AE01", "Ibuprofen 400 mg")
    assert not [v for v in await said(own, ibuprofen) if "Warfarin" in v.text]  # its days are over


async def test_the_kidney_is_the_newest_egfr_and_the_rule_the_catalogues(house: object, own: Store) -> None:
    metformin = rx("metf500", "A10BA02", "Metformin 500 mg")
    assert any("không có eGFR" in v.text for v in await said(own, metformin))
    await own.commit([Update(egfr(24, 3))])
    [kidney] = [v for v in await said(own, metformin) if v.text.startswith("Thận")]
    assert kidney.level == "stop" and "eGFR 24" in kidney.text and "chống chỉ định" in kidney.reason


async def test_a_drug_that_the_catalogue_does_not_know_is_said_to_be_not_checked(house: object, own: Store) -> None:
    found = await said(own, {**rx("x", "", "Thuốc lạ"), "medicationCodeableConcept": {"text": "Thuốc lạ"}}, of=CHILD)
    assert [v.level for v in found] == ["note", "note"]


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_the_box_asks_for_a_reason_and_keeps_it(house: object, own: Store, browser: Browser, lang: str) -> None:
    await own.commit([Update(rx("simva20", "C10AA01", "Simvastatin 20 mg", id_="rx-simva"))])
    client = await browser(lang=lang)
    await act(client, ADULT, "discard")
    page = (await act(client, ADULT, "add:cd-drug-clari500")).text
    assert {"vi": "Chống chỉ định dùng cùng Simvastatin", "en": "Contraindicated with Simvastatin"}[lang] in page
    assert (await act(client, ADULT, "sign", once=f"safe-{lang}")).status_code == 422
    signed = await act(client, ADULT, "sign", once=f"safe-{lang}", **{"l1-override": "dị ứng penicilin, theo dõi CK"})
    assert signed.headers["X-Go"].startswith(f"/patients/{ADULT}/orders?done=orders")
    kept = await own.search("Provenance", [("target", f"MedicationRequest/safe-{lang}-1")])
    assert b"Simvastatin" in kept.entries[0].body
    await own.commit([Update(rx("clari500", "J01FA09", "x", id_=f"safe-{lang}-1", status="entered-in-error"))])
