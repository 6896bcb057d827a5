"""A stay ends on paper: the patient, the doctor and the hospital sign its summary, its code is checked by a stranger, the record is
closed, added to, taken out; other hands (pyHanko, poppler's pdfsig) read the same three signatures."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from running import PASSWORD, SEED, fill, served

from longbien.access import accounts
from longbien.base import clock
from longbien.demo import facilities, population, slots
from longbien.fhir import json as fhir_json
from longbien.record.change import Update
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.records import export

pytestmark = pytest.mark.browser
KHOA = slots.person("ward", 5)


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    with served(record_urls[1], ()) as running:
        day = population.demo_day(clock.now())
        running.who = population.who(KHOA, SEED, day)
        running.run(prepare(running, day))
        yield running


async def prepare(house: SimpleNamespace, day: object) -> None:
    await fill(house.engine, (KHOA, 0), day)
    await accounts.ensure(house.engine, house.door.hasher, facilities.accounts(), PASSWORD)


async def leaves(house: SimpleNamespace) -> str:
    """The stay ends."""
    store = Store(house.engine, system("stories"))
    found = await store.search("Encounter", [("patient", house.who.id), ("status", "in-progress"), ("class", "IMP")])
    stay = fhir_json.loads(found.matches[0].body)
    stay["status"] = "finished"
    stay["period"]["end"] = clock.instant(clock.now())
    stay["location"] = [{**x, "status": "completed"} for x in stay.get("location") or ()]
    await store.commit([Update(stay)])
    return str(stay["id"])


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]


async def judged(pdf: bytes) -> list[tuple[str, bool, bool]]:
    """(field, intact and valid, covers everything but later signatures), by pyHanko, trusting nobody."""
    reader = PdfFileReader(io.BytesIO(pdf))
    out = []
    for embedded in reader.embedded_regular_signatures:
        status = await async_validate_pdf_signature(embedded, ValidationContext(trust_roots=[]))
        out.append((embedded.field_name, status.intact and status.valid, bool(status.docmdp_ok)))
    return out


def test_three_sign_anybody_checks_and_the_record_is_closed(
    enter: Callable[..., Page], house: SimpleNamespace, browser: Browser, tmp_path: Path
) -> None:
    house.stay = house.run(leaves(house))
    doctor = enter("bs.minh")
    doctor.goto("/papers/to-sign")
    assert violations(doctor) == []
    doctor.click(f"tr:has-text('{house.who.name.split()[-1]}') a.plain:has-text('Tóm tắt')")
    doctor.wait_for_url("**/papers/*")
    address = doctor.url
    assert violations(doctor) == []
    # the patient draws
    doctor.click("text=Để người bệnh ký")
    doctor.wait_for_url("**/patient")
    assert violations(doctor) == []
    doctor.click("text=Tôi đã đọc và ký")
    expect(doctor.locator(".banner[role=alert]")).to_contain_text("Chưa có nét ký nào")
    box = doctor.locator("#pad").bounding_box()
    assert box is not None
    doctor.locator("#pad").scroll_into_view_if_needed()
    box = doctor.locator("#pad").bounding_box()
    assert box is not None
    doctor.mouse.move(box["x"] + 30, box["y"] + 60)
    doctor.mouse.down()
    for n in range(30):
        doctor.mouse.move(box["x"] + 30 + 7 * n, box["y"] + 60 + (30 if n % 4 < 2 else -20))
    doctor.mouse.up()
    doctor.click("text=Tôi đã đọc và ký")
    doctor.wait_for_selector('html[data-done="patient"]', state="attached")
    # the doctor
    doctor.click("button:has-text('Ký')")
    doctor.wait_for_selector('html[data-done="signed"]', state="attached")
    expect(doctor.locator("main")).to_contain_text("PAdES B-B")
    # the hospital
    office = enter("hs.vinh")
    office.goto(address.replace("?done=signed", ""))
    office.click("text=Đóng chữ ký số của cơ sở")
    office.wait_for_selector('html[data-done="signed"]', state="attached")
    expect(office.locator("main")).to_contain_text("đã đủ chữ ký")
    assert violations(office) == []
    assert office.locator(".badge.crit").count() == 0
    code = office.locator("a.code").inner_text()
    pdf = office.request.get(address + ".pdf").body()
    # other hands
    assert house.run(judged(pdf)) == [
        ("patient", True, True), ("doctor", True, True), ("facility", True, True),
    ]  # fmt: skip
    (tmp_path / "a.pdf").write_bytes(pdf)
    if shutil.which("pdfsig"):
        said = subprocess.run(["pdfsig", str(tmp_path / "a.pdf")], capture_output=True, text=True).stdout
        assert said.count("Signature is Valid.") == 3
    # a copy on paper, and a stranger who checks both
    with office.expect_response("**/copy") as printed:
        office.click("text=In bản giấy")
    assert printed.value.status == 200
    stranger = browser.new_page()
    stranger.set_default_timeout(15_000)
    stranger.goto(f"{house.address}/verify/{code.lower()}")
    expect(stranger.locator("main, body").first).to_contain_text("Giấy thật")
    assert house.who.name not in stranger.content() and house.who.id not in stranger.content()
    assert violations(stranger) == []
    for content, words in ((pdf, "không sai một chữ"), (pdf[:-1] + b" ", "không phải bản đã ký")):
        stranger.set_input_files("#file", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": content})
        stranger.click("form[enctype] button")
        expect(stranger.locator("body")).to_contain_text(words)
    stranger.goto(f"{house.address}/verify/26-AAAA-BBBB-CCCC")
    expect(stranger.locator(".banner[role=alert]")).to_contain_text("Không có giấy nào")
    stranger.close()
    # closed, added to, taken out
    record = f"/patients/{house.who.id}/records/{house.stay}"
    office.goto(record)
    assert violations(office) == []
    office.fill("#why", "Người bệnh đã ra viện")
    office.click("form[action$='/state'] button")
    expect(office.locator("main header .badge.ok").first).to_have_text("đã đóng")
    expect(office.locator("main")).to_contain_text("Lưu trữ hồ sơ")
    doctor.goto(record)
    doctor.fill("#text", "Kết quả giải phẫu bệnh về muộn: lành tính.")
    doctor.fill("#why2", "Kết quả về sau khi đóng hồ sơ")
    doctor.click("form[action$='/addendum'] button")
    expect(doctor.locator("main")).to_contain_text("Kết quả về sau khi đóng hồ sơ")
    assert violations(doctor) == []
    taken = office.request.get(f"{record}.zip")
    with zipfile.ZipFile(io.BytesIO(taken.body())) as z:
        names = z.namelist()
        assert list(json.loads(z.read("HoSoBenhAn.json"))["HoSoBenhAn"]) == list(export.GROUPS)
        root = ElementTree.fromstring(z.read("HoSoBenhAn.xml"))
        assert {e.tag for e in root} == set(export.GROUPS)
        assert z.read("benh-an.pdf")[:4] == b"%PDF"
        assert [z.read(n) for n in names if n.startswith("giay/discharge-summary")] == [pdf]


def test_the_pages_in_english_can_be_read_by_all(enter: Callable[..., Page], house: SimpleNamespace) -> None:
    doctor = enter("bs.minh", "en")
    for path in ("/papers/to-sign", "/papers/keys", "/verify", f"/patients/{house.who.id}/papers"):
        answer = doctor.goto(path)
        assert answer is not None and answer.status == 200, path
        assert violations(doctor) == [], path
        words = re.sub(r"\s+", " ", doctor.locator("main").inner_text())
        assert "Giấy tờ cần ký" not in words
