"""The pages of permissions through the application: who may open them, in both languages, and what they let nobody do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hospitals import NAME, City, form_token, lines, newest

from longbien.access.roles import ROLES
from longbien.app import App
from longbien.base import clock
from longbien.base.ids import patient_key
from longbien.record.change import Update
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGES = {
    "/permissions": {"it", "director", "head", "records"},
    "/permissions/why": {"it", "director", "head", "records"},
    "/permissions/accounts": {"it"},
    "/cover": {"nurse", "doctor", "head", "it"},
}
STAFF = sorted(set(ROLES) - {"machine", "sender", "patient", "carer"})


async def account(app: App, login: Any) -> Any:
    return await app.state.engine.db.fetchrow("SELECT * FROM account WHERE name = $1 ORDER BY number DESC LIMIT 1", login)


@pytest.mark.parametrize("page", PAGES)
async def test_each_page_opens_to_those_whose_work_it_is_and_to_nobody_else(
    who: Any, city: City, anonymous: Any, page: str
) -> None:
    assert (await anonymous.get(page)).status_code == 303
    for role in STAFF:
        for lang in ("vi", "en"):
            browser = await who(role)
            answer = await browser.get(page, headers={"Cookie": f"longbien={browser.cookies['longbien']}; lang={lang}"})
            assert answer.status_code == (200 if role in PAGES[page] else 403), (role, page)
            if answer.status_code == 200:
                assert f'lang="{lang}"' in answer.text


async def test_every_role_is_told_in_both_languages(who: Any, city: City) -> None:
    browser = await who("records")
    for name, role in ROLES.items():
        page = (await browser.get(f"/permissions?role={name}")).text
        assert role.vi in page and "Ai được làm gì" in page
    assert "viện phí và thanh toán" in (await browser.get("/permissions?role=cashier")).text
    assert (await browser.get("/permissions?role=../../etc")).status_code == 200


async def test_why_names_the_rule_its_source_and_what_would_open_it(app: App, who: Any, city: City) -> None:
    doctor = await who("doctor")
    assert doctor
    login = (await account(app, "doctor a0"))["login"]
    records, it = await who("records"), await who("it")
    before = await newest(app.state.engine)
    opens = (await records.get(f"/permissions/why?login={login}&patient=p-a")).text
    assert "được xem" in opens and "Encounter/p-a-encounter" in opens
    shut = (await records.get(f"/permissions/why?login={login}&patient=p-b")).text
    assert "không được xem" in shut and "tiếp đón hoặc điều dưỡng ghi nhận" in shut and NAME not in shut
    blind = (await it.get(f"/permissions/why?login={login}&patient=p-a")).text
    assert "được xem" in blind and "p-a-encounter" not in blind, "who may not see the record does not learn of its visits"
    told = [
        x for x in await lines(app.state.engine, pat=patient_key("p-a")) if x["seq"] > before and "asked what account" in x["why"]
    ]
    assert len(told) == 2
    row = (await records.get(f"/permissions/why?login={login}&patient=p-a&about=Observation/p-a-observation")).text
    assert "được xem Observation" in row
    money = (await records.get(f"/permissions/why?login={login}&patient=p-a&about=PaymentNotice")).text
    assert "không được xem PaymentNotice" in money


@pytest.mark.parametrize(
    "query",
    ["login=nobody&patient=p-a", "login=x&patient=%00", "login=x&patient=../..", "login=LOGIN&patient=p-a&about=Nothing",
     "login=LOGIN&patient=p-a&about=Patient/%20%20x", "login=LOGIN&patient='--", "login=%ff&patient=p-a"],
)  # fmt: skip
async def test_a_question_that_cannot_be_asked_is_answered_in_words(app: App, who: Any, city: City, query: str) -> None:
    await who("doctor")
    login = (await account(app, "doctor a0"))["login"]
    answer = await (await who("records")).get("/permissions/why?" + query.replace("LOGIN", login))
    assert answer.status_code == 200 and 'role="alert"' in answer.text, answer.text[:300]


async def test_an_administrator_changes_accounts_of_the_own_facility_only(app: App, who: Any, city: City) -> None:
    it = await who("it")
    await who("nurse", "a", 8)
    await who("nurse", "b", 8)
    mine, theirs, own = [await account(app, n) for n in ("nurse a8", "nurse b8", "it a0")]
    listed = (await it.get("/permissions/accounts")).text
    assert "nurse a8" in listed.replace("<b>", "").replace("</b>", "") and "nurse b8" not in listed.replace("<b>", "").replace(
        "</b>", ""
    )
    csrf = form_token(it)
    for number, status in ((theirs["number"], 404), (2_000_000, 404), ("x", 404), (own["number"], 403)):
        if number != own["number"]:
            assert (await it.get(f"/permissions/accounts/{number}")).status_code == 404
        for act in ("disable", "enable", "role", "move"):
            form = {"csrf": csrf, "act": act, "role": "doctor"}
            answer = await it.post(f"/permissions/accounts/{number}", data=form)
            assert answer.status_code == status, (number, act, answer.status_code)
    at = f"/permissions/accounts/{mine['number']}"
    for form, status in (
        ({"act": "role", "role": "machine"}, 400), ({"act": "role", "role": "x"}, 400),
        ({"act": "move", "department": "bv-b"}, 400), ({"act": "sing"}, 400),
        ({"act": "role", "role": "doctor"}, 303), ({"act": "disable"}, 303), ({"act": "enable"}, 303),
    ):  # fmt: skip
        assert (await it.post(at, data={"csrf": csrf, **form})).status_code == status, form
    assert (await it.post(at, data={"act": "disable"})).status_code == 403, "no form of ours"
    assert (await (await who("head")).post(at, data={"csrf": form_token(await who("head")), "act": "disable"})).status_code == 403
    changed = await account(app, "nurse a8")
    assert changed["role"] == "doctor" and changed["disabled"] is None


async def test_strictness_is_the_administrators_and_of_the_own_facility(app: App, who: Any, city: City) -> None:
    it = await who("it")
    for to, status in (("on", 303), ("off", 303), ("maybe", 400)):
        assert (await it.post("/permissions/strict", data={"csrf": form_token(it), "to": to})).status_code == status
    head = await who("head")
    assert (await head.post("/permissions/strict", data={"csrf": form_token(head), "to": "on"})).status_code == 403


async def test_standing_in_is_given_shown_to_both_and_ended(app: App, who: Any, city: City) -> None:
    ward = {"resourceType": "Organization", "id": "bv-a-tim", "name": "Khoa Tim", "partOf": {"reference": "Organization/bv-a"}}
    await Store(app.state.engine, system("a ward")).commit([Update(ward)])
    head, doctor, foreign = await who("head"), await who("doctor"), await who("doctor", "b")
    to = (await account(app, "doctor a0"))["number"]
    now = clock.local(clock.now())
    form = {
        "csrf": form_token(head), "account": str(to), "whom": "department:bv-a-tim", "reason": "trực đêm khoa Tim",
        "begins": f"{now:%Y-%m-%dT%H:%M}", "until": f"{now + timedelta(hours=10):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    for wrong in (
        {"account": ""}, {"account": "9" * 12}, {"whom": "department:bv-b"}, {"whom": ""}, {"whom": "person:x"}, {"reason": ""},
        {"until": form["begins"]}, {"until": "soon"}, {"begins": "2026-13-45T99:99"}, {"until": "9999-01-01T00:00"},
    ):  # fmt: skip
        answer = await head.post("/cover", data={**form, **wrong})
        assert answer.status_code == 422 and 'role="alert"' in answer.text, (wrong, answer.status_code)
    assert (await doctor.post("/cover", data={**form, "csrf": form_token(doctor)})).status_code == 422, "not a doctor's to arrange"
    assert (await head.post("/cover", data=form)).status_code == 303
    for browser in (head, doctor):
        page = await browser.get("/cover")
        assert "trực đêm khoa Tim" in page.text and "Khoa Tim" in page.text and "đang hiệu lực" in page.text
    assert "trực đêm khoa Tim" not in (await foreign.get("/cover")).text
    number = await app.state.engine.db.fetchval("SELECT max(number) FROM cover")
    assert (await foreign.post(f"/cover/{number}/end", data={"csrf": form_token(foreign)})).status_code == 404
    assert (await doctor.post(f"/cover/{number}/end", data={"csrf": form_token(doctor)})).status_code == 303
    assert "đã hết" in (await doctor.get("/cover?done=ended")).text
    assert (await doctor.post(f"/cover/{number}/end", data={"csrf": form_token(doctor)})).status_code == 409
    assert (await doctor.post("/cover/x/end", data={"csrf": form_token(doctor)})).status_code == 400
