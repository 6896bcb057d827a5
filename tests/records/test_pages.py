"""The pages as a browser gets them, in both languages: a patient's one-time code, the public check, certificates, papers taken
in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from house_of_papers import opened, paper
from starlette.applications import Starlette

from longbien.access import accounts
from longbien.app import PAGES
from longbien.demo import facilities
from longbien.record.engine import Engine
from longbien.records import files
from longbien.web import routes

PASSWORD = "cau-thep-bac-qua-song"
ORIGIN = "http://longbien.test"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def h(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    hospital = await opened(engine)
    app = Starlette(routes=PAGES)
    app.state.door = hospital.door
    routes.set_up(app.state, demo=True)
    hospital.app = app
    yield hospital
    await hospital.door.close()


class Browser:
    def __init__(self, app: Starlette):
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ORIGIN, headers={"Origin": ORIGIN})

    async def sign_in(self, login: str) -> Browser:
        await self.client.get("/sign-in")
        answer = await self.client.post("/sign-in", data={"name": login, "password": PASSWORD})
        assert answer.status_code == 303, answer.text[:300]
        return self

    async def get(self, path: str, lang: str = "vi") -> httpx.Response:
        self.client.cookies.set("lang", lang)
        return await self.client.get(path)

    async def post(self, path: str, at: str, files: Any = None, lang: str = "vi", **fields: str) -> httpx.Response:
        page = await self.get(at, lang)
        found = re.search(r'data-csrf="([^"]+)"', page.text)
        data = {"csrf": found[1] if found else "", **fields}
        return await self.client.post(path, data=data, files=files)


@pytest.mark.parametrize(("lang", "words"), [("vi", "Giấy tờ cần ký"), ("en", "Papers to sign")])
async def test_what_waits_is_listed_and_signed_in_one_go(h: SimpleNamespace, lang: str, words: str) -> None:
    one, two = f"w1-{lang}", f"w2-{lang}"
    await h.write(paper(one, "prescription", "ended"), paper(two, "prescription", "ended"))
    doctor = await Browser(h.app).sign_in("bs.minh")
    page = await doctor.get("/papers/to-sign", lang)
    assert words in page.text and f"{one}:doctor" in page.text and f"{two}:doctor" in page.text
    found = re.search(r'data-csrf="([^"]+)"', page.text)
    assert found
    data = {"csrf": found[1], "paper": [f"{one}:doctor", "nothing:doctor", f"{two}:doctor"]}
    answer = await doctor.client.post("/papers/to-sign", data=data)
    assert answer.status_code == 200
    assert f"{one}:doctor" not in answer.text and f"{two}:doctor" not in answer.text
    for id_ in (one, two):
        assert len((await h.desk("bs.minh").look(id_)).signatures) == 1


async def test_signing_long_after_showing_who_one_is_asks_again(h: SimpleNamespace) -> None:
    await h.write(paper("late", "prescription", "ended"))
    doctor = await Browser(h.app).sign_in("bs.minh")
    await h.engine.db.execute("UPDATE session SET proved = now() - interval '2 hours'")
    answer = await doctor.post("/papers/late/sign", "/papers/late", block="doctor")
    assert answer.status_code == 303 and answer.headers["location"].startswith("/unlock?next=/papers/late")
    assert (await h.desk("bs.minh").look("late")).signatures == ()


async def test_a_patient_signs_with_a_code_that_holds_for_one_file_once(h: SimpleNamespace) -> None:
    made = facilities.Account("nb.na", "", "patient", "", "", "Nguyễn Thị Na", "", "na")
    await accounts.ensure(h.engine, h.door.hasher, [made], PASSWORD)
    await h.write(paper("c1", "consent-form", "ended"))
    nurse, patient = await Browser(h.app).sign_in("dd.ha"), await Browser(h.app).sign_in("nb.na")
    pad = await nurse.get("/papers/c1/patient")
    hashed = re.search(r'name="hash" value="([0-9a-f]{64})"', pad.text)
    assert hashed
    document = (await files.current(h.desk("dd.ha").store, ["c1"]))["c1"]["id"]
    told = await patient.post(f"/me/papers/{document}/code", "/me/papers")
    code = re.search(r"(\d{3} \d{3})", told.text)
    assert code
    wrong = await nurse.post("/papers/c1/patient", "/papers/c1/patient", hash=hashed[1], code="000 000")
    assert wrong.status_code == 422 and "Mã không đúng" in wrong.text
    right = await nurse.post("/papers/c1/patient", "/papers/c1/patient", hash=hashed[1], code=code[1])
    assert right.status_code == 303
    shown = await h.desk("dd.ha").look("c1")
    assert hashed[1] in shown.signatures[0].reason and "mã một lần" in shown.signatures[0].reason
    again = await nurse.post("/papers/c1/patient", "/papers/c1/patient", hash=hashed[1], code=code[1])
    assert again.status_code in (409, 422)


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_anybody_may_check_a_code_and_learns_nothing_of_the_patient(h: SimpleNamespace, lang: str) -> None:
    await h.write(paper(f"v-{lang}", "prescription", "ended"))
    shown = await h.desk("bs.minh").sign(f"v-{lang}", "doctor")
    stranger = Browser(h.app)
    page = await stranger.get(f"/verify/{shown.file.code}", lang)
    assert page.status_code == 200 and "Lê Hoàng Minh" in page.text
    for secret in ("Nguyễn Thị Na", "1980", shown.id, shown.file.id, "Ổn định"):
        assert secret not in page.text
    for content, status in ((shown.file.pdf, 200), (b"", 422), (b"no pdf", 422)):
        answer = await stranger.client.post(f"/verify/{shown.file.code}", files={"file": ("a.pdf", content)})
        assert answer.status_code == status
    assert (await stranger.get("/verify/26-AAAA-BBBB-CCCC", lang)).status_code == 404
    assert (await stranger.get("/verify?code='%00--", lang)).status_code == 404
    big = b"%PDF-" + b"x" * (9 << 20)
    assert (await stranger.client.post(f"/verify/{shown.file.code}", files={"file": ("a.pdf", big)})).status_code == 413


async def test_who_has_no_right_to_the_record_gets_no_paper_of_it(h: SimpleNamespace) -> None:
    await h.write(paper("hidden", "prescription", "ended"))
    other = next(a for a in facilities.accounts() if a.role == "doctor" and a.organization_id != "bv-sn")
    await accounts.ensure(h.engine, h.door.hasher, [other], PASSWORD)
    head = await Browser(h.app).sign_in(other.login)
    for path in ("/papers/hidden", "/papers/hidden.pdf", "/papers/hidden/page/1.png", "/patients/na/records/ended.json"):
        assert (await head.get(path)).status_code in (403, 404), path


async def test_a_paper_is_taken_in_and_named(h: SimpleNamespace) -> None:
    office = await Browser(h.app).sign_in("hs.vinh")
    picture = b"\x89PNG\r\n\x1a\n" + bytes(100)
    wrong = await office.post("/patients/na/scan", "/patients/na/scan", files={"file": ("a.exe", b"MZ")}, once="scan-0")
    assert wrong.status_code == 422 and "Chỉ nhận tệp" in wrong.text
    for _ in range(2):  # sent twice, kept once
        answer = await office.post("/patients/na/scan", "/patients/na/scan", files={"file": ("a.png", picture)}, once="scan-1")
        assert answer.status_code == 303 and answer.headers["location"].startswith("/papers/scans/scan-1")
    for lang, words in (("vi", "chưa xem"), ("en", "not looked at yet")):
        page = await office.get("/papers/scans/scan-1", lang)
        assert page.status_code == 200 and words in page.text
    assert (await office.get("/papers/scans/scan-1/file")).content == picture
    late = await office.post("/papers/scans/scan-1", "/papers/scans/scan-1", kind="other", dated="2999-01-01", act="name")
    assert late.status_code == 422 and "một ngày đã qua" in late.text
    done = await office.post(
        "/papers/scans/scan-1", "/papers/scans/scan-1", kind="other", dated="2019-01-01", text="Sổ khám", act="name"
    )
    assert done.status_code == 303
    assert "Giấy khác" in (await office.get("/patients/na/papers")).text
