"""The reception's pages through the application, in Vietnamese and English: what is wrong is said at its field and nothing is lost,
a form sent twice writes once, junk is never a fault of ours, and nobody sees what is not theirs."""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from conftest import person
from longbien.access.accounts import NewAccount, create
from longbien.access.sessions import csrf
from longbien.app import App, create_app
from longbien.base import clock, ids
from longbien.demo import facilities
from longbien.reception.pages.routes import ROUTES
from longbien.record.change import Manner, Update
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")
BASE = "http://hanoi.test"
PASSWORD = "mưa rào tháng bảy"
Enter = Callable[..., Awaitable["Desk"]]


@dataclass
class Desk:
    """A browser signed in: get, post (with the session's token)."""

    http: httpx.AsyncClient

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def post(self, path: str, **data: Any) -> httpx.Response:
        return await self.http.post(path, data={"csrf": csrf(self.http.cookies["longbien"]), **data})


@pytest.fixture(scope="module")
def cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("TIME", "1"), ("MEMORY", "64")):
            patch.setenv(f"LONGBIEN_PASSWORD_{name}", value)
        patch.setenv("LONGBIEN_SECOND_FACTOR_ROLES", "none")
        patch.setenv("LONGBIEN_RATE_SESSION", "0")
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(record_urls: tuple[str, str], cheap_passwords: None) -> AsyncIterator[App]:
    made = create_app(record_urls[1])
    async with made.router.lifespan_context(made):
        store = Store(made.state.engine, system("test"))
        manner = Manner(references="trust", checked=True, summarise=True)
        await store.commit([Update(r) for r in facilities.resources()], manner)
        made.state.house = store
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def enter(app: App) -> AsyncIterator[Enter]:
    kept: dict[Any, Desk] = {}

    async def come_in(role: str = "clerk", lang: str = "vi", facility: str = "bv-sn", patient: str = "") -> Desk:
        if (role, lang, facility) not in kept:
            login = f"t.{secrets.token_hex(5)}"
            account = NewAccount(login, "Vũ Ngọc Lan", role, {"clerk": "tn-lan", "nurse": "dd-ha"}.get(role, "bs-minh"), facility)
            if patient:
                account = NewAccount(login, "Đinh Thị Lụa", role, patient=patient)
            await create(app.state.engine, app.state.door.hasher, None, account, PASSWORD)
            http = httpx.AsyncClient(
                transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE, headers={"Origin": BASE}
            )
            answer = await http.post("/sign-in", data={"name": login, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            http.cookies.set("lang", lang)
            kept[role, lang, facility] = Desk(http=http)
        return kept[role, lang, facility]

    yield come_in
    for desk in kept.values():
        await desk.http.aclose()


def form(**more: str) -> dict[str, str]:
    return {"name": "Nguyễn Thị Na", "birth": "04/05/1980", "sex": "female", "once": ids.new_id(), "sure": "1", **more}


@pytest.mark.parametrize(
    ("lang", "said", "again"),
    [("vi", "Thiếu 1 chữ số.", "Cần xem lại 2 ô."), ("en", "One digit is missing.", "2 fields need a look.")],
)
async def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(enter: Enter, lang: str, said: str, again: str) -> None:
    desk = await enter(lang=lang)
    answer = await desk.post(
        "/reception/register", **form(citizen_id="00118012345", birth="31/02/1980", house="Số 5 <b>"), room="sn-tm-pk"
    )
    assert answer.status_code == 422 and said in answer.text and again in answer.text
    assert 'value="00118012345"' in answer.text and "Số 5 &lt;b&gt;" in answer.text
    checked = (await desk.post("/reception/register/check", **form(citizen_id="00118012345"))).json()
    assert checked["faults"]["citizen_id"] == said


async def test_a_form_sent_twice_gives_one_number_and_no_name_stands_in_an_address(enter: Enter) -> None:
    desk = await enter()
    given = form(name="Phan Thị Hai Lần", citizen_id="001180000011", room="sn-tm-pk")
    one, two = [await desk.post("/reception/register", **given) for _ in range(2)]
    assert one.status_code == two.status_code == 303 and one.headers["location"] == two.headers["location"]
    assert re.fullmatch(r"/reception\?given=[0-9a-f-]+", one.headers["location"])
    page = await desk.get(one.headers["location"])
    assert "B0" in page.text and "Phan Thị Hai" in page.text


async def test_the_second_of_two_desks_is_shown_the_first(enter: Enter) -> None:
    desk = await enter()
    await desk.post("/reception/register", **form(citizen_id="001180000012"), room="sn-tm-pk")
    answer = await desk.post("/reception/register", **form(citizen_id="001180000012", name="Khác Hẳn"), room="sn-tm-pk")
    assert answer.status_code == 409 and "không đăng ký lần hai" in answer.text and "Chọn hồ sơ này" in answer.text


@pytest.mark.parametrize(
    ("lang", "said"), [("vi", "Trong hồ sơ có người rất giống"), ("en", "Somebody very like this is in the record")]
)
async def test_somebody_alike_is_asked_about_before_a_second_record_is_made(enter: Enter, lang: str, said: str) -> None:
    desk = await enter(lang=lang)
    name = "Mạc Thị Đôi Một" if lang == "vi" else "Mạc Thị Đôi Hai"
    await desk.post("/reception/register", **form(name=name), room="sn-tm-pk")
    again = {k: v for k, v in form(name=name).items() if k != "sure"}
    answer = await desk.post("/reception/register", **again, room="sn-tm-pk")
    assert answer.status_code == 409 and said in answer.text
    assert (await desk.post("/reception/register", **again, sure="1", room="sn-tm-pk")).status_code == 303


async def test_a_name_of_two_hundred_letters_goes_through_the_whole_desk(enter: Enter) -> None:
    desk = await enter()
    name = "Nguyễn " + "Ắ" * 193
    answer = await desk.post("/reception/register", **form(name=name), room="sn-noi-pk")
    assert answer.status_code == 303 and "ẮẮẮ" in (await desk.get(answer.headers["location"])).text
    paper = await desk.get(f"/reception/tickets/{answer.headers['location'].partition('=')[2]}.pdf")
    assert paper.status_code == 200 and paper.content.startswith(b"%PDF-")
    assert (await desk.post("/reception/register", **form(name=name + "x"), room="sn-noi-pk")).status_code == 422


async def test_the_queue_is_worked_by_its_room_and_seen_by_nobody_elsewhere(enter: Enter) -> None:
    desk, doctor, away = await enter(), await enter("doctor"), await enter("clerk", "vi", "bv-bg")
    for n in range(2):
        await desk.post("/reception/register", **form(name=f"Đỗ Thị Chờ {'Một' if n else 'Hai'}"), room="sn-th-pk")
    page = await doctor.get("/rooms/sn-th-pk/queue")
    assert "Đỗ Thị Chờ" in page.text and "B01" in page.text
    assert (await away.get("/rooms/sn-th-pk/queue")).status_code == 404
    assert (await doctor.post("/rooms/sn-th-pk/queue", act="next")).status_code == 303
    called = await doctor.get("/rooms/sn-th-pk/queue")
    task = re.search(r'name="task" value="([0-9a-f-]+)"><button class="btn primary" name="act" value="enter"', called.text)
    assert task
    assert (await doctor.post("/rooms/sn-th-pk/queue", act="enter", task=task[1])).status_code == 303
    late = await doctor.post("/rooms/sn-th-pk/queue", act="miss", task=task[1])
    assert late.status_code == 409 and "vừa được xử lý ở nơi khác" in late.text
    assert (await away.post("/rooms/sn-th-pk/queue", act="finish", task=task[1])).status_code == 404
    assert (await doctor.post("/rooms/sn-th-pk/queue", act="fly", task=task[1])).status_code == 404
    moved = await doctor.post("/rooms/sn-th-pk/queue", act="move", task=task[1], to="sn-mat-pk", once=ids.new_id())
    assert moved.status_code == 303 and "Đỗ Thị Chờ" in (await doctor.get("/rooms/sn-mat-pk/queue")).text


async def test_the_board_needs_nobody_and_names_nobody(enter: Enter, app: App) -> None:
    desk = await enter()
    await desk.post("/reception/register", **form(name="Hoàng Thị Kín", reason="Khám HIV"), room="sn-tn-pk")
    nobody = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)
    board = await nobody.get("/display/sn-tn-pk")
    assert board.status_code == 200 and "B01" in board.text
    assert not any(x in board.text for x in ("Hoàng", "Kín", "HIV", "1980"))
    assert (await nobody.get("/display/sn-tm-g01")).status_code == 404 == (await nobody.get("/display/x")).status_code
    assert (await nobody.get("/rooms/sn-tn-pk/queue")).status_code == 303
    await nobody.aclose()


async def test_a_patient_of_another_hospital_is_opened_by_the_act_and_the_trail_says_so(enter: Enter, app: App) -> None:
    desk = await enter()
    await app.state.house.commit([Update(person("far-1", "Cao Thị Xa", number="001180000099"))])
    shown = await desk.post("/reception", patient="far-1")
    assert "Gần đây chưa khám ở đây" in shown.text
    answer = await desk.post("/reception/receive", patient="far-1", room="sn-tm-pk", once=ids.new_id())
    assert answer.status_code == 303
    why = await app.state.engine.db.fetchval("SELECT reason FROM purpose_grant ORDER BY number DESC LIMIT 1")
    assert "tiếp đón vào khám" in why
    again = await desk.post("/reception/receive", patient="far-1", room="sn-tm-pk", once=ids.new_id())
    assert again.headers["location"].endswith("&again=1")


async def test_a_scanned_card_renews_the_insurance_with_the_visit(enter: Enter, app: App) -> None:
    desk = await enter()
    old = {
        "resourceType": "Coverage",
        "id": "far-2-c",
        "status": "active",
        "subscriberId": "HT3010123456777",
        "beneficiary": {"reference": "Patient/far-2"},
        "payor": [{"display": "x"}],
        "period": {"start": "2020-01-01", "end": "2020-12-31"},
    }
    number = {"identifier": [{"system": "https://longbien.example/fhir/sid/insurance-card", "value": "HT3010123456777"}]}
    await app.state.house.commit([Update({**person("far-2", "Cao Thị Thẻ"), **number}), Update(old)])
    year = clock.now().year
    card = f"HT3010123456777|{'Cao Thị Thẻ'.encode().hex()}|04/05/1980|2|-|99 - 001|01/01/{year}|31/12/{year}|x|x|-|4|x|y|$"
    shown = await desk.post("/reception", q=card)
    assert "Lấy từ thẻ vừa quét" in shown.text and "hưởng 95 %" in shown.text and "1.1 Đúng nơi đăng ký" in shown.text
    answer = await desk.post("/reception/receive", patient="far-2", insurance=card, room="sn-tm-pk", line="1.1", once=ids.new_id())
    assert answer.status_code == 303
    kept = (await app.state.house.read("Coverage", "far-2-c")).body.decode()
    assert f"{year}-12-31" in kept and '"network":"99001"' in kept


async def test_two_records_are_joined_and_taken_back_on_the_pages(enter: Enter, app: App) -> None:
    desk = await enter()
    for n, number in enumerate(("001180000055", "")):
        given = form(name="Tống Thị Trùng", citizen_id=number, once=f"pair-{n}")
        assert (await desk.post("/reception/register", **given, room=("sn-tm-pk", "sn-noi-pk")[n])).status_code == 303
    assert "Tống Thị" in (await desk.get("/reception/duplicates")).text
    pair = {"one": "pair-0-p", "other": "pair-1-p"}
    assert "trùng họ tên" in (await desk.get("/reception/duplicates/compare", params=pair)).text
    short = await desk.post("/reception/duplicates/join", **pair, stands="pair-0-p", reason="x")
    assert short.status_code == 422 and "vì sao biết" in short.text
    assert (await desk.post("/reception/duplicates/join", **pair, stands="pair-0-p", reason="cùng một người")).status_code == 303
    id_ = await app.state.engine.db.fetchval("SELECT provenance FROM reception_merge WHERE survivor = 'pair-0-p'")
    assert "chuyển" in (await desk.get("/reception/duplicates")).text
    assert (await desk.get(f"/reception/merges/{id_}")).status_code == 200
    assert (await (await enter("clerk", "vi", "bv-bg")).get(f"/reception/merges/{id_}")).status_code == 404
    assert (await desk.post(f"/reception/merges/{id_}")).status_code == 303
    twice = await desk.post(f"/reception/merges/{id_}")
    assert twice.status_code == 409 and "đã được hoàn tác" in twice.text
    assert (await (await enter("doctor")).get("/reception/duplicates")).status_code == 403


async def test_who_had_no_name_gets_one_and_a_number_of_somebody_else_leads_to_joining(enter: Enter) -> None:
    desk = await enter()
    answer = await desk.post("/reception/register", kind="unidentified", name="áo xanh", age="40", sex="male", once="unk-1")
    assert answer.headers["location"] == "/reception/patients/unk-1-p?done=registered"
    assert "Chưa rõ danh tính" in (await desk.get("/reception/patients/unk-1-p")).text
    await desk.post("/reception/register", **form(citizen_id="001080000066", name="Lý Văn Bảy", sex="male"), room="sn-tm-pk")
    taken = {"name": "Lý Văn Bảy", "birth": "04/05/1980", "sex": "male", "citizen_id": "001080000066"}
    there = await desk.post("/reception/patients/unk-1-p/identify", **taken)
    assert there.status_code == 409 and "đã mang số này" in there.text and "/reception/duplicates/compare" in there.text
    free = await desk.post("/reception/patients/unk-1-p/identify", **{**taken, "citizen_id": "001080000067"})
    assert free.status_code == 303
    page = (await desk.get("/reception/patients/unk-1-p")).text
    assert "KRSN" in page and "trước đây" in page and "001080000067" in page
    wrong = await desk.post("/reception/patients/unk-1-p/identify", scan="rác")
    assert wrong.status_code == 422
    assert (
        await desk.post("/reception/patients/unk-1-p/carers", carer_name="Lý Thị Em", carer_telephone="09", once="c1")
    ).status_code == 422
    assert (await desk.post("/reception/patients/unk-1-p/carers", carer_name="Lý Thị Em", once="c1")).status_code == 303
    assert (await desk.post("/reception/patients/unk-1-p/carers/c1/end")).status_code == 303


@pytest.mark.parametrize(("lang", "said"), [("vi", "vừa có người đặt"), ("en", "has just taken the last place")])
async def test_a_full_time_is_said_to_be_full(enter: Enter, lang: str, said: str) -> None:
    desk = await enter(lang=lang)
    day = clock.local(clock.now()).date() + timedelta(days=7 if lang == "vi" else 14)
    while day.weekday() > 4:
        day += timedelta(days=1)
    answers = []
    for n in range(3):
        await desk.post("/reception/register", **form(name=f"Hẹn {lang} {n}", once=f"book-{lang}-{n}"), room="")
        answers.append(
            await desk.post(
                "/appointments/book", patient=f"book-{lang}-{n}-p", room="sn-tm-pk", start=f"{day}T09:00", once=f"bk-{lang}-{n}"
            )
        )
    assert [a.status_code for a in answers] == [303, 303, 409] and said in answers[2].text
    page = await desk.get(f"/appointments?room=sn-tm-pk&day={day}")
    assert page.text.count(f"/appointments/bk-{lang}-") >= 2
    gone = await desk.post(f"/appointments/bk-{lang}-0/cancel", room="sn-tm-pk", day=str(day))
    assert gone.status_code == 303
    assert (await desk.post(f"/appointments/bk-{lang}-0/cancel", room="sn-tm-pk", day=str(day))).status_code == 409


@pytest.mark.parametrize(
    ("lang", "said", "called"), [("vi", "Số khám hôm nay", "Đang gọi số này"), ("en", "Your number today", "It is called now")]
)
async def test_a_patient_sees_their_number_at_home(enter: Enter, lang: str, said: str, called: str) -> None:
    desk, doctor = await enter(), await enter("doctor")
    room = "sn-cxk-pk" if lang == "vi" else "sn-tmh-pk"
    given = await desk.post("/reception/register", **form(name=f"Đinh Thị Lụa {lang}", once=f"home-{lang}"), room=room)
    assert given.status_code == 303
    home = await enter("patient", lang, "", f"home-{lang}-p")
    page = await home.get("/me")
    assert said in page.text and "B01" in page.text
    assert (await doctor.post(f"/rooms/{room}/queue", act="next")).status_code == 303
    assert called in (await home.get("/me")).text
    assert (await home.get("/reception")).status_code == 403 == (await home.get(f"/rooms/{room}/queue")).status_code


async def test_junk_is_never_a_fault_of_ours(enter: Enter) -> None:
    chance = random.Random(20261130)
    desks = [await enter(), await enter("nurse"), await enter("doctor")]
    values = [
        "",
        "x",
        "../..",
        "0",
        "-1",
        "9" * 400,
        "\0",
        "é",
        "' OR 1=1",
        "<script>",
        "{}",
        "null",
        "2026-13-45",
        "a|b|c|d|e|f|g",
        "|" * 14 + "$",
        "sn-tm-pk",
        "far-1",
        "unk-1-p",
        "2026-11-30T09:00",
        "Ắ" * 3000,
    ]
    fields = [
        "q",
        "citizen",
        "insurance",
        "patient",
        "room",
        "once",
        "priority",
        "need",
        "reason",
        "line",
        "telephone",
        "name",
        "birth",
        "sex",
        "citizen_id",
        "ward",
        "card",
        "card_ends",
        "kind",
        "sure",
        "act",
        "task",
        "to",
        "stands",
        "one",
        "other",
        "along",
        "start",
        "day",
        "move",
        "scan",
        "carer_name",
        "age",
        "part",
        "given",
        "mark",
        "unlink",
    ]
    wrong = []
    for _ in range(400):
        route: Any = chance.choice(ROUTES)
        path = re.sub(
            r"\{[^}]+\}", lambda _: chance.choice(["x", "far-1", "unk-1-p", "sn-tm-pk", "9" * 70, "%00", "é"]), route.path
        )
        given = {chance.choice(fields): chance.choice(values) for _ in range(chance.randrange(6))}
        desk = chance.choice(desks)
        answer = await (desk.post(path, **given) if "POST" in route.methods else desk.get(path, params=given))
        if answer.status_code >= 500:
            wrong.append((path, given, answer.status_code))
    assert wrong == []
