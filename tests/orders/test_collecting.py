"""Taking specimens: the round's list, a label scanned, a form taken; each tube once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from order_house import ADULT, CHILD, act

from hospital_app import Browser
from longbien.base.ids import patient_key
from longbien.record.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def specimens(own: Store, patient: str = ADULT) -> list[dict[str, Any]]:
    page = await own.search("Specimen", [("_count", "100")], patient=patient)
    return [json.loads(e.body) for e in page.entries]


async def signed(browser: Browser, own: Store, once: str, *codes: str, patient: str = ADULT) -> list[str]:
    """Numbers of the tubes of what was ordered."""
    doctor = await browser()
    for code in codes:
        await act(doctor, patient, f"add:cd-lab-{code}")
    assert "X-Go" in (await act(doctor, patient, "sign", once=once)).headers
    stored = [json.loads((await own.read("ServiceRequest", f"{once}-{n + 1}")).body) for n in range(len(codes))]
    return [r["identifier"][0]["value"] for r in stored]


async def test_a_scanned_label_takes_its_tube_and_says_whose_it_is(browser: Browser, own: Store) -> None:
    numbers = await signed(browser, own, "once-c1", "k", "cbc")
    nurse = await browser("nurse")
    page = (await nurse.get("/orders/collect")).text
    assert all(n in page for n in numbers)
    assert "Trần Thị" in page
    data = {"csrf": nurse.token, "number": f" {numbers[0]}\r"}  # type: ignore[attr-defined]
    said = await nurse.post("/orders/collect", data=data)
    assert said.status_code == 200
    assert "Đã lấy: Trần Thị Lụa" in said.text
    made = [x for x in await specimens(own) if x["accessionIdentifier"]["value"] == numbers[0]]
    assert len(made) == 1
    assert made[0]["collection"]["collector"]["reference"] == "Practitioner/nv-nurse"
    assert numbers[1] in (await nurse.get("/orders/collect")).text
    again = await nurse.post("/orders/collect", data=data)
    assert again.status_code == 422
    assert "đã lấy mẫu" in (await nurse.get(f"/patients/{ADULT}/orders")).text


async def test_a_whole_form_is_taken_once_by_two_at_once(browser: Browser, own: Store) -> None:
    numbers = set(await signed(browser, own, "once-c2", "na", "glu", "inr"))
    form = json.loads((await own.read("ServiceRequest", "once-c2-1")).body)["requisition"]["value"]
    nurse, doctor = await browser("nurse"), await browser()
    both = await asyncio.gather(
        *(c.post(f"/patients/{ADULT}/orders/{form}/collected", data={"csrf": c.token}) for c in (nurse, doctor))  # type: ignore[attr-defined]
    )
    assert [r.status_code for r in both] == [303, 303]
    taken = [x["accessionIdentifier"]["value"] for x in await specimens(own)]
    assert sorted(n for n in taken if n in numbers) == sorted(numbers)


async def test_a_cancelled_order_is_not_taken(browser: Browser, own: Store) -> None:
    (number,) = await signed(browser, own, "once-c3", "urea", patient=CHILD)
    doctor, nurse = await browser(), await browser("nurse")
    sent = {"csrf": doctor.token, "order": "ServiceRequest/once-c3-1", "why": "Không cần nữa"}  # type: ignore[attr-defined]
    await doctor.post(f"/patients/{CHILD}/orders/cancel", data=sent)
    assert number not in (await nurse.get("/orders/collect")).text
    answer = await nurse.post("/orders/collect", data={"csrf": nurse.token, "number": number})  # type: ignore[attr-defined]
    assert answer.status_code == 422
    assert await specimens(own, CHILD) == []


async def test_who_takes_no_specimens_sees_no_list(browser: Browser) -> None:
    assert (await (await browser("pharmacist")).get("/orders/collect")).status_code == 403


async def test_each_patient_on_the_list_has_a_line_in_the_trail(browser: Browser, own: Store) -> None:
    await signed(browser, own, "once-c4", "crp")
    nurse = await browser("nurse")
    before = await own.engine.db.fetchval("SELECT coalesce(max(seq), 0) FROM audit")
    await nurse.get("/orders/collect")
    found = await own.engine.db.fetch("SELECT pat FROM audit WHERE seq > $1 AND pat IS NOT NULL", before)
    assert {r["pat"] for r in found} >= {patient_key(ADULT)}
