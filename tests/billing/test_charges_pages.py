"""The pages of charges through the application, in both languages: the bill, issuing it, papers, the clock, prices, revenue, the
patient's own bill."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from charges_house import ADULT, HOSPITAL, OTHER, client, dose, happened, house, order, own, report, visit
from charges_house import cheap as cheap

from longbien.base import clock
from longbien.base.words import words
from longbien.fhir import systems as s
from longbien.record.change import Update
from longbien.record.store import Store

__all__ = ["client", "house", "own"]
pytestmark = pytest.mark.asyncio(loop_scope="session")
NOW = clock.now()
DRAFT = "https://longbien.org/fhir/CodeSystem/task"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u00a0", " ")


async def a_stay(own: Store, id_: str, bed: str, of: str = ADULT) -> dict[str, Any]:
    made = visit(id_, of, "IMP", ago(2), where=bed)
    k = order(f"{id_}-k", of, id_, s.LAB, "K", ago(1.5))
    await happened(own, made, k)
    await happened(own, report(f"{id_}-kq", k, ago(1.4)), dose(f"{id_}-lt", of, id_, ago(1)))
    return made


@pytest.mark.parametrize(
    ("lang", "words"), [("vi", ("Các khoản đã tính", "Tạm tính")), ("en", ("What was charged", "Provisional"))]
)
async def test_the_bill_says_what_who_and_why(own: Store, client: Any, lang: str, words: tuple[str, str]) -> None:
    id_, bed = f"tr-{lang}", "sd-tm-1" if lang == "vi" else "sd-tm-2"
    await a_stay(own, id_, bed)
    page = await (await client("cashier", lang)).get(f"/patients/{ADULT}/bill?encounter={id_}&open=4")
    said = text(page.text)
    assert page.status_code == 200 and all(x in said for x in words)
    assert "564.000 đ" in said or "564,000 đ" in said  # 2 bed days, a test, two tablets
    assert "80" in said and "Paracetamol 500 mg" in said
    assert len(page.content) < 30_000


async def test_a_bill_is_issued_once_with_one_press_and_a_running_stays_is_not(own: Store, client: Any) -> None:
    made = await a_stay(own, "tr-is", "sd-tm-3")
    cashier = await client("cashier")
    form = {"csrf": cashier.token, "encounter": "tr-is"}
    early = await cashier.post(f"/patients/{ADULT}/bill/issue", data=form)
    assert early.status_code == 422 and "chưa ra viện" in early.text
    ended = {**made, "status": "finished", "period": {**made["period"], "end": clock.instant(NOW)}}
    await happened(own, ended)
    for _ in range(2):
        answer = await cashier.post(f"/patients/{ADULT}/bill/issue", data=form)
        assert answer.status_code == 303
    page = text((await cashier.get(answer.headers["location"])).text)
    assert "Đã phát hành hoá đơn" in page and re.search(r"SD-\d{6}-\d{5}", page)
    for table in ("billing_bill", "money_bill"):  # whatever LONGBIEN_SYSTEMS is, the ledger knows what the charges have issued
        assert len(await own.engine.db.fetch(f"SELECT number FROM {table} WHERE encounter = 'tr-is'")) == 1, table
    nurse = await client("nurse")
    assert (await nurse.post(f"/patients/{ADULT}/bill/issue", data={**form, "csrf": nurse.token})).status_code == 403


async def test_a_desk_makes_and_sees_the_bills_of_its_own_facility(own: Store, client: Any) -> None:
    """The patient was here too: what she had elsewhere is neither shown at this desk nor billed by it."""
    await own.commit([Update({"resourceType": "Organization", "id": "bv-xa", "name": "Bệnh viện Xa"})])
    await happened(own, visit("xa-ta", ADULT, "AMB", ago(1)))
    elsewhere = {**visit("xa-ho", ADULT, "AMB", ago(1)), "serviceProvider": {"reference": "Organization/bv-xa"}}
    k = order("xa-k", ADULT, "xa-ho", s.LAB, "K", ago(0.9))
    await happened(own, elsewhere, k)
    await happened(own, report("xa-kq", k, ago(0.8)))
    await happened(own, {**elsewhere, "status": "finished", "period": {**elsewhere["period"], "end": clock.instant(ago(0.5))}})
    cashier = await client("cashier")
    form = {"csrf": cashier.token, "encounter": "xa-ho"}
    assert (await cashier.post(f"/patients/{ADULT}/bill/issue", data=form)).status_code == 404
    for path in ("bill", "bill.pdf"):
        assert (await cashier.get(f"/patients/{ADULT}/{path}?encounter=xa-ho")).status_code == 404
    assert "xa-ho" not in (await cashier.get(f"/patients/{ADULT}/bill?encounter=xa-ta")).text
    assert await own.engine.db.fetchval("SELECT count(*) FROM billing_bill WHERE encounter = 'xa-ho'") == 0


@pytest.mark.parametrize("form", ["bill", "statement"])
async def test_the_papers_are_set(own: Store, client: Any, form: str) -> None:
    await a_stay(own, f"tr-pdf-{form}", "sd-tm-4" if form == "bill" else "sd-tm-5")
    answer = await (await client("cashier")).get(f"/patients/{ADULT}/bill.pdf?encounter=tr-pdf-{form}&form={form}")
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF-") and answer.headers["cache-control"] == "no-store"


async def test_anothers_visit_and_nonsense_are_not_found(own: Store, client: Any) -> None:
    await happened(own, visit("lk-other", OTHER, "AMB", ago(0.1)))
    cashier = await client("cashier")
    for query in ("encounter=lk-other", "encounter=nobody", "encounter=%00", "encounter=a%2Fb"):
        assert (await cashier.get(f"/patients/{ADULT}/bill?{query}")).status_code == 404, query
    odd = await cashier.get(f"/patients/{OTHER}/bill?open=zz&by=zz&page=99999999999")
    assert odd.status_code == 200


async def test_the_clock_names_what_holds_the_bill_and_whose_it_is_and_a_reminder_reaches_the_chart(
    own: Store, client: Any
) -> None:
    await a_stay(own, "tr-clock", "sd-tm-6", OTHER)
    waits = order("tr-clock-x", OTHER, "tr-clock", s.IMAGING, "XQ", ago(0.2), category=[{"coding": [{"code": "363679005"}]}])
    begun = {
        "resourceType": "Task", "id": "dc-clock", "status": "in-progress", "intent": "order",
        "code": {"coding": [{"system": DRAFT, "code": "discharge"}]}, "for": {"reference": f"Patient/{OTHER}"},
        "encounter": {"reference": "Encounter/tr-clock"}, "executionPeriod": {"start": clock.instant(ago(0.05))},
    }  # fmt: skip
    await own.commit([Update(waits), Update(begun)])
    cashier = await client("cashier")
    page = await cashier.get("/discharge-bills")
    said = text(page.text)
    assert page.status_code == 200 and "Lê Thị Ba" in said
    assert "XQ chưa trả kết quả" in said and "Chưa hoàn tất ra viện" in said
    form = {"csrf": cashier.token, "encounter": "tr-clock", "item": "order-tr-clock-x"}
    assert (await cashier.post("/discharge-bills/nudge", data=form)).headers["location"].endswith("nudged")
    assert "đã nhắc" in text((await cashier.get("/discharge-bills")).text)
    chart = text((await (await client("doctor")).get(f"/patients/{OTHER}")).text)
    assert "Thu ngân đang chờ" in chart and "khoản, tạm tính" in chart
    gone = {**form, "item": "order-nobody"}
    assert (await cashier.post("/discharge-bills/nudge", data=gone)).headers["location"].endswith("gone")
    english = text((await (await client("cashier", "en")).get("/discharge-bills?by=owner")).text)
    assert "XQ: no result yet" in english and "Imaging" in english


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_a_patient_reads_their_own_bill_and_nobody_elses(own: Store, client: Any, lang: str) -> None:
    await a_stay(own, f"tr-me-{lang}", "sd-tm-7" if lang == "vi" else "sd-tm-8")
    me = await client("patient", lang)
    page = await me.get(f"/me/bill?encounter=tr-me-{lang}&open=1")
    said = text(page.text)
    assert page.status_code == 200 and ("Tạm tính phải trả" if lang == "vi" else "So far you would pay") in said
    assert "Kali máu" in said
    assert (await me.get("/me")).status_code == 200
    await happened(own, visit("lk-secret", OTHER, "AMB", ago(0.1)))
    assert (await me.get("/me/bill?encounter=lk-secret")).status_code == 404


async def test_a_price_list_is_looked_at_before_it_is_written_and_with_a_fault_nothing_is(own: Store, client: Any) -> None:
    it = await client("it")

    async def sent(content: bytes, name: str = "gia.csv") -> Any:
        return await it.post("/tariff/preview", data={"csrf": it.token}, files={"file": (name, content, "text/csv")})

    bad = await sent(b"LOAI,MA,GIA,TU_NGAY\nxn,K,abc,01/01/2027\nxn,LA,1,01/01/2027\n")
    assert bad.status_code == 422 and "không phải số tiền" in bad.text and "không có trong danh mục" in bad.text
    for junk in (b"", b"PK\x03\x04junk", b"\x00\x01", b"MA,GIA\nK,1\n"):
        answer = await sent(junk)
        assert answer.status_code == 422, junk
    assert (await it.post("/tariff", data={"csrf": it.token})).headers["location"] == "/tariff"  # nothing was looked at
    good = await sent(b"LOAI,MA,GIA,GIA_BHYT,TU_NGAY\nxn,K,24.000,24000,01/01/2027\n")
    assert good.status_code == 200 and "24.000" in good.text
    before = await own.engine.db.fetchval("SELECT count(*) FROM head WHERE type = 20")
    assert "n=1" in (await it.post("/tariff", data={"csrf": it.token})).headers["location"]
    assert before is not None
    assert "Kali" in text((await it.get("/tariff?q=kali")).text)
    cashier = await client("cashier")
    assert (await cashier.get("/tariff")).status_code == 403


async def test_the_director_sees_sums_and_no_name(own: Store, client: Any) -> None:
    await happened(own, visit("lk-rev", OTHER, "AMB", ago(0.2), end=ago(0.1)))
    cashier = await client("cashier")
    issued = await cashier.post(f"/patients/{OTHER}/bill/issue", data={"csrf": cashier.token, "encounter": "lk-rev"})
    assert issued.status_code == 303, text(issued.text)
    page = await (await client("director")).get("/revenue")
    whole = await own.engine.db.fetchval("SELECT sum(gross) FROM billing_bill WHERE status IN ('issued', 'balanced')")
    assert (
        page.status_code == 200
        and words("vi").money(whole) in page.text
        and "Lê Thị Ba" not in page.text
        and OTHER not in page.text
    )
    assert (await cashier.get("/revenue")).status_code == 403
    assert HOSPITAL not in text((await (await client("director", "en")).get("/revenue")).text)


async def test_a_cashier_comes_to_the_bill_of_a_visit_from_the_desk_and_from_a_search(own: Store, client: Any) -> None:
    done = visit("tr-lk", ADULT, "AMB", ago(0.2), end=ago(0.1))
    await happened(own, done)
    cashier = await client("cashier", "en")
    to_it = f'href="/patients/{ADULT}/bill?encounter=tr-lk"'
    assert to_it in (await cashier.get("/cashier")).text
    assert f'href="/patients/{ADULT}/bill"' in (await cashier.get(f"/search/{ADULT}")).text
    assert f'href="/patients/{ADULT}/bill"' not in (await (await client("doctor", "en")).get(f"/search/{ADULT}")).text
    issued = await cashier.post(f"/patients/{ADULT}/bill/issue", data={"csrf": cashier.token, "encounter": "tr-lk"})
    assert issued.status_code == 303 and to_it not in (await cashier.get("/cashier")).text
