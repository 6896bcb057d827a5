"""A visit ends, its claim is sent, the gateway refuses it; the insurance officer sees why, corrects the field and sends it again.
The gateways are doubles, a process of their own; the worker that hands in is the real one."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from running import PASSWORD, SEED, served

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "billing"))

from claims_house import accounts_file, facility_code
from doubles import Running, gateways

from longbien.access import accounts
from longbien.base import clock, jobs
from longbien.billing.claims import making, reactions, sending
from longbien.demo import facilities, population, prices
from longbien.demo.charging import charging
from longbien.record.change import Manner, Update
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.browser
REASON = {
    "maLoi": "124",
    "bang": "XML1",
    "stt": "1",
    "truong": "MA_BENH_CHINH",
    "moTa": "Mã bệnh chính không phù hợp với chẩn đoán",
}


@pytest.fixture(scope="module")
def double() -> Iterator[Running]:
    with gateways() as running:
        yield running


@pytest.fixture(scope="module")
def house(
    record_urls: tuple[str, str], browser: Browser, double: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimpleNamespace]:
    folder = tmp_path_factory.mktemp("claims")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGBIEN_DATA", str(folder))
        patch.setenv("LONGBIEN_CLAIMS_ACCOUNTS", str(accounts_file(folder, facility_code())))
        patch.setenv("LONGBIEN_OUTSIDE_HOSTS", f"127.0.0.1:{double.port}")
        for name in ("PORTAL", "AXIS", "AXIS_LOGIN"):
            patch.setenv(f"LONGBIEN_CLAIMS_{name}", double.address)
        with served(record_urls[1], ()) as running:
            running.claims = running.run(prepare(running))
            stop = asyncio.Event()
            asyncio.run_coroutine_threadsafe(hand_in(running, stop), running.loop)
            yield running
            running.loop.call_soon_threadsafe(stop.set)


async def prepare(house: SimpleNamespace) -> list[str]:
    """The city's hospitals, some of its people with what their visits cost, the claims of those visits; gives the ids of the
    insured ones of the officer's hospital that are ready."""
    store, manner = Store(house.engine, system("stories")), Manner(references="trust", checked=True, summarise=True)
    await store.commit([Update(r) for r in [*facilities.resources(), *prices.resources()]], manner)
    day = population.demo_day(clock.now())
    for n in range(60):
        life = population.person(n, SEED, day)
        await store.commit([Update(r) for r in [*life, *charging(life, day)] if r["resourceType"] != "Invoice"], manner)
    officers = [a for a in facilities.accounts() if a.login == "bh.yen"]
    await accounts.ensure(house.engine, house.door.hasher, officers, PASSWORD)
    at_work, ours = making.house(house.engine), []
    for visit in await reactions.missing(at_work, clock.now() - reactions.BACK * 4):
        kept, _ = await making.make(at_work, visit, reactions.composed)
        if kept.insured and kept.state == "ready" and kept.facility == facility_code():
            ours.append(kept.id)
    return ours


async def hand_in(house: SimpleNamespace, stop: asyncio.Event) -> None:
    workers = jobs.Workers(house.engine.db, {sending.QUEUE: sending.job(house.engine)})
    await jobs.enqueue(house.engine.db, sending.QUEUE, key="always")
    await workers.run(stop)


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]


def seen(page: Page, name: str) -> None:
    """A picture for whoever wants to look: LONGBIEN_PICTURES names the folder."""
    if folder := os.environ.get("LONGBIEN_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


WORDS = {
    "vi": SimpleNamespace(nav="Hồ sơ BHYT", send="Gửi đi", again="Gửi lại", refused="Bị từ chối", why="Vì sao", value="Giá trị",
                          keep="Lưu nội dung sửa", ready="sẵn sàng gửi", taken="đã tiếp nhận", month="Chốt tháng"),
    "en": SimpleNamespace(nav="Insurance claims", send="Send", again="Send again", refused="Refused", why="Why", value="Value",
                          keep="Keep the correction", ready="ready to send", taken="taken by the portal", month="Close the month"),
}  # fmt: skip


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_refused_claim_is_corrected_and_sent_again(
    enter: Callable[..., Page], house: SimpleNamespace, double: Running, lang: str
) -> None:
    said, claim = WORDS[lang], house.claims.pop()
    page = enter("bh.yen", lang)
    page.get_by_role("link", name=said.nav).click()
    expect(page.get_by_role("heading", level=1, name=said.nav)).to_be_visible()
    seen(page, f"list-{lang}")
    assert violations(page) == []

    double.switch("refuse", [REASON])
    page.goto(f"/claims/{claim}")
    seen(page, f"one-{lang}")
    assert violations(page) == []
    page.get_by_role("button", name=said.send, exact=True).click()
    refused = page.get_by_role("heading", name=said.refused, exact=True)
    expect(refused).to_be_visible(timeout=30_000)  # the page looks for the answer by itself
    expect(page.get_by_text(REASON["moTa"]).first).to_be_visible()
    seen(page, f"refused-{lang}")
    assert violations(page) == []

    page.goto("/claims?state=refused")
    expect(page.get_by_role("cell", name=REASON["moTa"]).first).to_be_visible()
    seen(page, f"refused-list-{lang}")
    page.goto(f"/claims/{claim}")
    page.get_by_role("link", name="XML1 1 MA_BENH_CHINH").click()
    page.get_by_label(said.value, exact=True).fill("J18.9")
    page.get_by_label(said.why, exact=True).fill("Bác sĩ điều trị xác nhận viêm phổi")
    seen(page, f"edit-{lang}")
    assert violations(page) == []
    page.get_by_role("button", name=said.keep).click()
    expect(page.get_by_text(said.ready, exact=True).first).to_be_visible()
    seen(page, f"corrected-{lang}")

    page.get_by_role("button", name=said.again, exact=True).click()
    expect(page.locator(".head").get_by_text(said.taken, exact=True)).to_be_visible(timeout=30_000)
    seen(page, f"taken-{lang}")
    link = page.get_by_role("heading", level=1).inner_text()
    for place in ("portal", "axis"):
        one = double.received[f"{place} {link}"]
        assert one["head"]["MA_BENH_CHINH"] == "J18.9" and one["signed"] and one["times"] <= 2

    page.goto("/claims")
    page.get_by_role("link", name=said.month).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("01/BH")
    assert violations(page) == []
    page.goto(f"/claims/month?m={clock.local(clock.now()):%Y-%m}")
    expect(page.get_by_role("columnheader", name="T_BHTT")).to_be_visible()
    seen(page, f"month-{lang}")
