"""Papers on paper: read by Tesseract where it is installed, suggested, and named by a person; found by what they say."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import date
from types import SimpleNamespace

import pytest
import pytest_asyncio
import typst
from house_of_papers import opened
from PIL import Image

from longbien.base.errors import Invalid, PreconditionFailed
from longbien.base.ids import new_id
from longbien.fhir import json
from longbien.record.engine import Engine
from longbien.records import reading_paper, scans

TODAY = date(2026, 11, 30)
PAGE = """#set page(width: 160mm, height: 90mm, margin: 12mm)
#set text(font: "Libertinus Serif", size: 16pt, lang: "vi")
#align(center)[*GIẤY RA VIỆN*]
Họ và tên người bệnh: NGUYỄN THỊ NA

Chẩn đoán: viêm phổi thuỳ dưới phải

Hà Nội, ngày 26 tháng 11 năm 2019"""


def photo(angle: float) -> bytes:
    """A page as a scanner gives it, a little askew."""
    made = typst.compile(PAGE.encode(), format="png", ppi=200, ignore_system_fonts=True)
    assert isinstance(made, bytes)
    picture = Image.open(io.BytesIO(made)).convert("L").rotate(angle, expand=True, fillcolor=255)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def h(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    hospital = await opened(engine)
    yield hospital
    await hospital.door.close()


def test_kind_and_day_are_suggested_by_what_the_paper_says() -> None:
    text = "BỆNH VIỆN X\nĐƠN THUỐC\nNgày sinh 04/05/1980\nHà Nội, ngày 26 tháng 11 năm 2019"
    assert reading_paper.suggested_kind(text) == "prescription"
    assert reading_paper.suggested_dates(text, TODAY) == [date(2019, 11, 26), date(1980, 5, 4)]
    assert reading_paper.suggested_kind("một tờ giấy") == ""
    assert reading_paper.suggested_dates("ngày 31/02/2020, 01/01/2030", TODAY) == []


async def test_a_page_a_little_askew_is_read_with_its_tones() -> None:
    if not reading_paper.installed() or "vie" not in await reading_paper.languages():
        pytest.skip("no tesseract with Vietnamese: apt-get install tesseract-ocr tesseract-ocr-vie")
    found = await reading_paper.read("image/png", photo(2.5))
    assert found.how == "tesseract" and found.vietnamese
    assert "NGUYỄN THỊ NA" in found.text and "viêm phổi" in found.text
    assert reading_paper.suggested_kind(found.text) == "discharge-paper"
    assert reading_paper.suggested_dates(found.text, TODAY) == [date(2019, 11, 26)]


async def test_what_is_no_picture_is_kept_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await reading_paper.read("image/png", b"\x89PNG\r\n\x1a\nnothing")).text == ""
    monkeypatch.setattr(reading_paper.shutil, "which", lambda name: None)
    assert await reading_paper.read("image/png", photo(0)) == reading_paper.Read("", "missing")
    assert (await reading_paper.read("application/pdf", b"%PDF-1.4")).how == "missing"


async def test_a_person_says_what_it_is_and_it_is_found_by_its_words(h: SimpleNamespace) -> None:
    desk = h.desk("hs.vinh")
    data, once = photo(0), new_id()
    read = reading_paper.Read("GIẤY RA VIỆN\nChẩn đoán: viêm phổi thuỳ dưới", "tesseract", True)
    id_ = await scans.keep(desk, "na", "image/png", data, read, once)
    document, version, file = await scans.opened(desk, id_)
    assert file.pdf == data and document["docStatus"] == "preliminary"
    found = await desk.store.search("DocumentReference", [("_text", "viem phoi"), ("patient", "Patient/na")])
    assert [e.id for e in found.matches] == [id_]
    for kind, dated in (("", "2019-11-26"), ("nothing", "2019-11-26"), ("discharge-paper", "2027-01-01"), ("discharge-paper", "x")):
        with pytest.raises(Invalid):
            await scans.name(desk, id_, version, kind, dated, "", TODAY)
    await scans.name(desk, id_, version, "discharge-paper", "2019-11-26", "Viêm phổi, đã sửa.", TODAY)
    with pytest.raises(PreconditionFailed):
        await scans.name(desk, id_, version, "other", "2019-11-26", "", TODAY)
    after = json.loads((await desk.store.read("DocumentReference", id_)).body)
    assert after["docStatus"] == "final" and after["context"]["period"]["start"] == "2019-11-26"
    assert scans.text_of(after) == "Viêm phổi, đã sửa."
