"""Claims in the record: made, corrected, sent, refused, sent again; what happens when a gateway is away; the month; the pages."""

from __future__ import annotations

import asyncio
import gzip
import io
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from claims_house import ROWS, Browser, app, cheap, double, enter, facility_code, house, sender, visit
from doubles import Running
from openpyxl import Workbook

from claim_rows import a_check_in, a_claim
from longbien.app import App
from longbien.base import clock
from longbien.base.errors import Invalid, NotFound, Unavailable
from longbien.billing.claims import keeping, making, office, reactions, results, sending, shapes
from longbien.billing.claims.sending import Sender
from longbien.billing.claims.shapes import Correction, Kept
from longbien.fhir import json
from longbien.record.change import Update
from longbien.record.store import Store
from longbien.wire.claims_xml import read, signature

__all__ = ["app", "cheap", "double", "enter", "house", "sender"]
LATER = timedelta(days=2)
OTHER = "Organization/bv-bg"


async def made(house: Store, **more: object) -> Kept:
    id_ = await visit(house, **more)  # type: ignore[arg-type]
    kept, _ = await making.make(making.house(house.engine), id_, reactions.composed)
    return kept


async def now(house: Store, kept: Kept) -> Kept:
    return await making.find(making.house(house.engine), kept.id)


async def line(house: Store, kept: Kept) -> list[tuple[str, str, int]]:
    rows = await sending.history(house.engine, kept)
    return sorted((r["gateway"], r["state"], r["tries"]) for r in rows)


async def send(house: Store, kept: Kept) -> Kept:
    return await sending.send(making.house(house.engine), kept)


def fix(kept: Kept, field: str, value: str, why: str = "ghi nhầm", table: str = "XML1", row: int = 1) -> Correction:
    return Correction(table, row, field, "", value, why, "Tô Hải Yến", clock.instant(clock.now()))


# ---- made ----


async def test_a_visit_that_ended_has_a_claim(house: Store):
    kept = await made(house)
    assert (kept.state, kept.stops, kept.insured, kept.facility) == ("ready", 0, True, facility_code())
    assert kept.total > 0 and kept.insurer > 0 and kept.month == "2026-11" and kept.name == "Trần Thị Lụa"
    again, _ = await making.make(making.house(house.engine), kept.visit, reactions.composed)
    assert again.version == kept.version  # nothing changed, nothing written


async def test_the_reaction_puts_it_in_line_once_and_the_sweep_finds_what_was_missed(house: Store):
    id_ = await visit(house)
    store = making.house(house.engine)
    assert id_ in await reactions.missing(store, clock.now() - timedelta(days=7))
    for _ in range(2):
        await reactions.claim_of_ended_visit(store, {"id": id_})
    assert (
        await house.engine.db.fetchval("SELECT count(*) FROM job WHERE queue = $1 AND payload->>'visit' = $2", reactions.MAKE, id_)
        == 1
    )
    await reactions.made(house.engine, id_)
    assert id_ not in await reactions.missing(store, clock.now() - timedelta(days=7))
    await reactions.made(house.engine, "no-such-visit")


async def test_a_fault_keeps_it_back_and_a_correction_mends_it(house: Store):
    id_ = await visit(house)
    ROWS[id_]["XML1"][0]["MA_BENH_CHINH"] = "viêm"
    store = making.house(house.engine)
    kept, faults = await making.make(store, id_, reactions.composed)
    assert kept.state == "mend" and [f.field for f in faults if f.level == "stop"] == ["MA_BENH_CHINH"]
    with pytest.raises(Invalid, match="faults"):
        await sending.send(store, kept)
    mended, faults = await making.correct(store, kept, fix(kept, "MA_BENH_CHINH", "J18.9"), reactions.composed)
    assert mended.state == "ready" and faults == []
    assert (mended.corrections[0].was, mended.corrections[0].by) == ("viêm", "Tô Hải Yến")
    again, _ = await making.make(store, id_, reactions.composed)
    assert (await keeping.rows(again.rows))["XML1"][0]["MA_BENH_CHINH"] == "J18.9"  # it stays when the claim is made anew
    ROWS[id_]["XML1"][0]["MA_BENH_CHINH"] = "J15.9"  # mended in the record meanwhile: the record counts
    again, _ = await making.make(store, id_, reactions.composed)
    assert (await keeping.rows(again.rows))["XML1"][0]["MA_BENH_CHINH"] == "J15.9" and not again.corrections


@pytest.mark.parametrize(("field", "value", "why", "said"), [
    ("T_BHTT", "1", "x", "not corrected here"), ("MA_LK", "1", "x", "not corrected here"), ("KHONG_CO", "1", "x", "no such field"),
    ("HO_TEN", "A", "", "Say why"),
])  # fmt: skip
async def test_what_is_not_corrected_by_hand(house: Store, field: str, value: str, why: str, said: str):
    kept = await made(house)
    with pytest.raises(Invalid, match=said):
        await making.correct(making.house(house.engine), kept, fix(kept, field, value, why), reactions.composed)


async def test_a_correction_is_taken_back(house: Store):
    store = making.house(house.engine)
    kept = await made(house)
    kept, _ = await making.correct(store, kept, fix(kept, "GHI_CHU", "hẹn"), reactions.composed)
    kept, _ = await making.correct(store, kept, fix(kept, "GHI_CHU", "hẹn lại"), reactions.composed)
    assert [(c.was, c.value) for c in kept.corrections] == [("", "hẹn lại")]
    kept, _ = await making.correct(store, kept, fix(kept, "GHI_CHU", ""), reactions.composed)
    assert not kept.corrections


# ---- sent ----


async def test_a_claim_is_sent_signed_to_both_places(house: Store, sender: Sender, double: Running):
    kept = await send(house, await made(house))
    assert kept.state == "waiting"
    await sender.round(clock.now())
    assert (await now(house, kept)).state == "sent"
    for place in ("portal", "axis"):
        one = double.received[f"{place} {kept.link}"]
        assert one["times"] == 1 and one["signed"]
    answers = await sending.responses(house, kept.id)
    assert {(a["insurer"]["display"], a["outcome"]) for a in answers} == {("portal", "complete"), ("axis", "complete")}
    number = await house.engine.db.fetchval("SELECT min(number) FROM claim_sending WHERE claim = $1", kept.id)
    data = await sending.sent_bytes(house.engine, kept, number)
    found = signature.verify(data, [], clock.now())
    assert found is not None and read(data).claims[0]["XML1"][0]["MA_LK"] == kept.link
    with pytest.raises(NotFound):
        await sending.sent_bytes(house.engine, await made(house), number)


async def test_who_pays_alone_goes_to_the_axis_only_as_xml1_and_xml8(house: Store, sender: Sender, double: Running):
    kept = await send(house, await made(house, insured=False, stay=3))
    await sender.round(clock.now())
    assert (await now(house, kept)).state == "sent"
    assert double.received[f"axis {kept.link}"]["tables"] == ["XML1", "XML8"] and f"portal {kept.link}" not in double.received


async def test_no_answer_after_it_was_taken_makes_no_second_claim(house: Store, sender: Sender, double: Running):
    kept = await send(house, await made(house, insured=False))
    double.switch("hang")
    at = clock.now()
    await sender.round(at)
    assert (await now(house, kept)).state == "waiting" and await line(house, kept) == [("axis", "waiting", 1)]
    await sender.round(at)  # not due yet
    assert await line(house, kept) == [("axis", "waiting", 1)]
    await sender.round(at + timedelta(minutes=1))
    one = double.received[f"axis {kept.link}"]
    assert one["times"] == 2 and len(one["digests"]) == 1
    assert await line(house, kept) == [("axis", "taken", 2)] and (await now(house, kept)).state == "sent"


async def test_two_days_without_a_gateway_lose_nothing(house: Store, sender: Sender, double: Running):
    double.standing("down")
    kept = [await send(house, await made(house, insured=n % 2 == 0)) for n in range(4)]
    at, tries = clock.now(), 0
    while at < clock.now() + LATER:
        await sender.round(at)
        at += timedelta(minutes=90)
        tries += 1
    waiting = [x for k in kept for x in await line(house, k)]
    assert len(waiting) == 6 and all(state == "waiting" and n >= 20 for _, state, n in waiting)
    double.standing("")
    await sender.round(at)
    assert [(await now(house, k)).state for k in kept] == ["sent"] * 4
    for k in kept:
        assert all(v["times"] == 1 for name, v in double.received.items() if name.endswith(f" {k.link}"))


def test_back_off_grows_and_ends_at_an_hour():
    waits = [sending.wait(n) for n in range(1, 30)]
    assert waits[0] == timedelta(seconds=4) and waits == sorted(waits) and waits[-1] == timedelta(hours=1)


async def test_a_worker_that_died_leaves_it_to_the_next(house: Store, sender: Sender, double: Running):
    """Killed after the gateway took it and before anything was written."""
    kept = await send(house, await made(house, insured=False))
    row = (await house.engine.db.fetch(sending.Q.take, 8, clock.now()))[0]
    place = sender.gateways(row["facility"])["axis"]
    assert (await place.send(await keeping.content(row["digest"]))).taken  # and then it is gone
    assert await sender.round(clock.now()) == 0
    await sender.round(clock.now() + timedelta(minutes=11))
    assert double.received[f"axis {kept.link}"]["times"] == 2 and (await now(house, kept)).state == "sent"
    assert len(await sending.responses(house, kept.id)) == 1


async def test_a_worker_that_died_after_the_answer_leaves_no_claim_on_its_way(
    house: Store, sender: Sender, monkeypatch: pytest.MonkeyPatch
):
    kept = await send(house, await made(house, insured=False))

    async def dies(claim: str) -> None:
        raise Unavailable("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(sender, "_settle", dies)
        await sender.round(clock.now())
    assert (await now(house, kept)).state == "waiting" and await line(house, kept) == [("axis", "taken", 1)]
    assert await sender.settle_left(clock.now()) == 0
    assert await sender.settle_left(clock.now() + timedelta(minutes=2)) == 1
    assert (await now(house, kept)).state == "sent"


async def test_a_refused_claim_is_corrected_and_sent_again(house: Store, sender: Sender, double: Running):
    store = making.house(house.engine)
    kept = await send(house, await made(house, insured=False))
    double.switch(
        "refuse", [{"maLoi": "123", "moTa": "MA_BENH_CHINH không hợp lệ", "bang": "XML1", "stt": "1", "truong": "MA_BENH_CHINH"}]
    )
    await sender.round(clock.now())
    refused = await now(house, kept)
    assert refused.state == "refused" and "không hợp lệ" in refused.answer
    errors = (await sending.responses(house, kept.id))[0]["error"]
    assert errors[0]["code"]["coding"][0]["code"] == "123" and errors[0]["code"]["text"].startswith("XML1 1 MA_BENH_CHINH")
    again, _ = await making.make(store, kept.visit, reactions.composed)
    assert again.state == "refused"  # made anew without a change it stays what it is
    fixed, _ = await making.correct(store, refused, fix(kept, "MA_BENH_CHINH", "J15.9"), reactions.composed)
    assert fixed.state == "ready"
    await send(house, fixed)
    await sender.round(clock.now())
    assert (await now(house, kept)).state == "sent"
    one = double.received[f"axis {kept.link}"]
    assert one["head"]["MA_BENH_CHINH"] == "J15.9" and [x[1] for x in await line(house, kept)] == ["refused", "taken"]


async def test_a_newer_version_takes_the_place_of_one_that_waits(house: Store, sender: Sender, double: Running):
    store = making.house(house.engine)
    double.standing("down")
    kept = await send(house, await made(house, insured=False))
    await sender.round(clock.now())
    fixed, _ = await making.correct(store, await now(house, kept), fix(kept, "GHI_CHU", "mới"), reactions.composed)
    await send(house, fixed)
    double.standing("")
    await sender.round(clock.now() + timedelta(hours=2))
    assert [x[1] for x in await line(house, kept)] == ["dropped", "taken"]
    assert double.received[f"axis {kept.link}"]["times"] == 1


async def test_the_axis_may_say_later_that_it_did_not_want_it(house: Store, sender: Sender, monkeypatch: pytest.MonkeyPatch):
    kept = await send(house, await made(house, insured=False))
    await sender.round(clock.now())

    async def refused(transaction: str) -> sending.Answer:
        return sending.Answer("205", transaction, "", "Sai mã khoa")

    monkeypatch.setattr(sender.gateways(kept.facility)["axis"], "status", refused)
    while await sender.check(clock.now() + timedelta(minutes=11)):
        continue
    assert ((await now(house, kept)).state, (await now(house, kept)).answer) == ("refused", "Sai mã khoa")


async def test_ten_claims_at_once(house: Store, sender: Sender, double: Running):
    kept = [await send(house, await made(house)) for _ in range(10)]
    await asyncio.gather(sender.round(clock.now()), sender.round(clock.now()), sender.round(clock.now()))
    while await sender.round(clock.now()):
        continue
    assert [(await now(house, k)).state for k in kept] == ["sent"] * 10
    assert all(double.received[f"{p} {k.link}"]["times"] == 1 for k in kept for p in ("portal", "axis"))


async def test_who_comes_is_checked_in_once_something_was_ordered(house: Store, sender: Sender, double: Running):
    rows = a_check_in("x.check-in")
    rows["XML0"][0]["MA_CSKCB"] = facility_code()
    early = {"XML0": [{**rows["XML0"][0], "MA_DICH_VU": "", "TEN_DICH_VU": ""}]}
    assert not await sending.check_in(house.engine, "v-in", early)
    assert await sending.check_in(house.engine, "v-in", rows) and await sending.check_in(house.engine, "v-in", rows)
    await sender.round(clock.now())
    one = double.received["portal x.check-in"]
    assert (one["times"], one["tables"], one["signed"]) == (1, ["XML0"], True)
    alone = {"XML0": [{**rows["XML0"][0], "MA_LK": "x.alone", "MA_DOITUONG_KCB": "9"}]}
    assert await sending.check_in(house.engine, "v-alone", alone)
    await sender.round(clock.now())
    assert "portal x.alone" not in double.received


# ---- the month and the results ----


async def _desk(app: App, house: Store) -> office.Desk:
    return office.Desk(app.state.engine, house, making.house(house.engine), "bv-sn", facility_code())


async def test_a_month_is_closed_with_its_sums(
    app: App, house: Store, sender: Sender, double: Running, monkeypatch: pytest.MonkeyPatch
):
    kept = await send(house, await made(house, stay=2))
    await sender.round(clock.now())
    desk = await _desk(app, house)
    month = await office.month_of(desk, "2026-11")
    assert month.totals[-1].claims == len(month.rows) and any(r["HO_TEN"] == "Trần Thị Lụa" for r in month.rows)
    assert month.totals[-1].amounts["T_BHTT"] == sum(Decimal(r["T_BHTT"]) for r in month.rows)
    with pytest.raises(Invalid, match="not over"):
        await office.close(desk, "2026-11", 1)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 12, 3, 9, tzinfo=clock.HANOI))
    account = await app.state.engine.db.fetchval("SELECT min(number) FROM account")
    number = await office.close(desk, "2026-11", account)
    data = await office.summary_file(desk, number)
    assert data.count(b"<CHITIET_HS01BH>") == len(month.rows) and f"<T_BHTT>{kept.insurer}</T_BHTT>".encode() in data
    with pytest.raises(Invalid, match="closed already"):
        await office.close(desk, "2026-11", account)
    with pytest.raises(NotFound):
        await office.summary_file(office.Desk(desk.engine, desk.store, desk.house, "bv-x", "99999"), number)


def _xlsx(rows: list[list[object]]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


async def test_the_portals_results_become_work(app: App, house: Store, sender: Sender):
    kept = await send(house, await made(house))
    await sender.round(clock.now())
    desk = await _desk(app, house)
    data = _xlsx([["Kết quả giám định"], ["STT", "Mã liên kết", "Mã lỗi", "Lý do từ chối", "Bảng", "Dòng", "Số tiền từ chối"],
                  [1, kept.link, "T01", "Trùng dịch vụ", "XML3", 2, 37502], [2, "khong.co", "T02", "?", "", "", 0]])  # fmt: skip
    found = await office.import_results(desk, data)
    assert (found.refused, list(found.unknown), found.dong) == (1, ["khong.co"], Decimal(37502))
    assert ((await now(house, kept)).state, (await now(house, kept)).answer) == ("refused", "Trùng dịch vụ")
    assert (await office.import_results(desk, data)).refused == 0
    assert len([a for a in await sending.responses(house, kept.id) if a["outcome"] == "error"]) == 1


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2", b"\xff\xfe\x00", b"PK\x03\x04nonsense", b"%PDF-1.7"])
def test_a_file_that_holds_no_results_is_refused(data: bytes):
    with pytest.raises(Invalid):
        results.read(data)


def test_results_as_csv_with_semicolons():
    lines = results.read("MA_LK;MA_LOI;MO_TA\nx.1;205;Sai mã\n".encode())
    assert [(x.link, x.code, x.text) for x in lines] == [("x.1", "205", "Sai mã")]


# ---- the pages ----

Enter = Callable[..., Awaitable[Browser]]


@pytest.mark.parametrize(("lang", "words"), [("vi", "Hồ sơ BHYT"), ("en", "Insurance claims")])
async def test_the_office_sees_its_claims(enter: Enter, house: Store, lang: str, words: str):
    kept = await made(house)
    page = (await (await enter(lang=lang)).get("/claims?state=ready")).text
    assert words in page and kept.link in page


async def test_a_claim_is_corrected_and_sent_from_its_page(enter: Enter, house: Store):
    id_ = await visit(house)
    ROWS[id_]["XML3"][1]["NGAY_KQ"] = "202611300700"
    kept, _ = await making.make(making.house(house.engine), id_, reactions.composed)
    officer = await enter(lang="en")
    page = (await officer.get(f"/claims/{kept.id}")).text
    assert "NGAY_KQ (30/11/2026 07:00) comes before" in page and "Mend the faults first" in page
    form = (await officer.get(f"/claims/{kept.id}?table=XML3&row=2&field=NGAY_KQ")).text
    assert 'name="value"' in form and "202611300700" in form
    typed = {"table": "XML3", "row": "2", "field": "NGAY_KQ", "value": "202611300900"}
    wrong = await officer.post(f"/claims/{kept.id}/correct", **typed, why="")
    assert wrong.status_code == 400 and "Say why the field is corrected." in wrong.text and "202611300900" in wrong.text
    right = await officer.post(
        f"/claims/{kept.id}/correct", table="XML3", row="2", field="NGAY_KQ", value="202611300900", why="máy ghi sai"
    )
    assert right.status_code == 303, right.text
    assert (await officer.post(f"/claims/{kept.id}/send")).status_code == 303
    assert "on its way" in (await officer.get(f"/claims/{kept.id}")).text


async def test_all_that_are_ready_are_sent_at_once(enter: Enter, house: Store):
    kept = [await made(house) for _ in range(2)]
    answer = await (await enter()).post("/claims/send")
    assert answer.status_code == 200
    assert [(await now(house, k)).state for k in kept] == ["waiting"] * 2


async def test_the_months_page_and_a_results_file(enter: Enter, house: Store):
    officer = await enter(lang="en")
    assert "Summary 01/BH of 11/2026" in (await officer.get("/claims/month?m=2026-11")).text
    assert (await officer.post("/claims/month", m="2026-11")).status_code == 400
    bad = await officer.post("/claims/results", files={"file": ("x.csv", b"a;b\n1;2", "text/csv")})
    assert bad.status_code == 400 and "no column MA_LK" in bad.text
    none = await officer.post("/claims/results", files={"file": ("x.exe", b"MZ\x00\x01", "text/csv")})
    assert none.status_code == 400


async def test_a_long_stay_is_read_page_by_page(enter: Enter, house: Store):
    id_ = await visit(house, a_claim(f"{facility_code()}.long", drugs=30, services=120, stay=30))
    kept, _ = await making.make(making.house(house.engine), id_, reactions.composed)
    officer = await enter(lang="en")
    first = await officer.get(f"/claims/{kept.id}?table=XML3")
    assert "rows 1 to 12 of 120" in first.text and "from=12" in first.text and "Earlier rows" not in first.text
    last = await officer.get(f"/claims/{kept.id}?table=XML3&from=108")
    assert "rows 109 to 120 of 120" in last.text and "More rows" not in last.text and "Dịch vụ &lt;120&gt;" in last.text
    assert len(gzip.compress(first.content)) < 30_000
    assert (await officer.get(f"/claims/{kept.id}?table=XML3&from=x&row=9x&field=%00")).status_code == 200


async def test_another_facilitys_claim_of_a_patient_who_is_known_here_is_not_there(app: App, enter: Enter, house: Store):
    """She was at both hospitals: this office neither opens nor sends nor marks what the other one claims."""
    await visit(house)
    here = await made(house)
    there = await visit(house)
    body = json.loads((await house.read("Encounter", there)).body)
    subject = {"reference": f"Patient/p-{here.visit}"}
    await house.commit([Update({**body, "subject": subject, "serviceProvider": {"reference": OTHER}})])
    kept, _ = await making.make(making.house(house.engine), there, reactions.composed)
    browser = await enter()
    assert (await browser.get(f"/claims/{here.id}")).status_code == 200
    assert (await browser.get(f"/claims/{kept.id}")).status_code == 404
    for act in ("send", "make"):
        assert (await browser.post(f"/claims/{kept.id}/{act}")).status_code == 404, act
    desk = await _desk(app, house)
    found = await office.import_results(desk, f"MA_LK,MA_LOI,NOI_DUNG\n{kept.link},205,sai\n".encode())
    assert (found.refused, list(found.unknown)) == (0, [kept.link])
    assert (await now(house, kept)).version == kept.version and await line(house, kept) == []


async def test_nobody_else_opens_claims(enter: Enter, house: Store):
    kept = await made(house)
    doctor = await enter("bs.minh")
    for path in ("/claims", f"/claims/{kept.id}", "/claims/month"):
        assert (await doctor.get(path)).status_code == 403
    officer = await enter()
    assert (await officer.get("/claims/claim-none")).status_code == 404
    assert (await officer.get(f"/claims/{kept.id}/sent/99999999.xml")).status_code == 404


def test_a_claims_id_is_one_that_fhir_takes():
    assert shapes.claim_id("a") == "claim-a" and len(shapes.claim_id("x" * 64)) <= 64
