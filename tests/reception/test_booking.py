"""Appointments and their reminders, on a real record: the last place of a time, moving, cancelling, and messages that reach a real
mail server and the gateways' doubles."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from post_office import gateway, mail_server

from conftest import person
from longbien.base import clock, ids
from longbien.base.errors import LongbienError
from longbien.base.outside import Outside, OutsideSettings
from longbien.fhir import json
from longbien.reception import booking, carriers, reminders
from longbien.reception.booking import Asked, NoTime, Taken
from longbien.reception.settings import ReceptionSettings
from longbien.record.change import Update

DIAGNOSIS = "Tái khám HIV, lao phổi"
MONDAY = date(2026, 12, 7)


def at(hour: int, minute: int = 0, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time(hour, minute), clock.HANOI)


NOW = at(8, day=date(2026, 11, 30))


def test_the_times_of_a_room_are_those_of_its_hours() -> None:
    usual = booking.starts(booking.USUAL, MONDAY, 30)
    assert (usual[0], usual[-1], len(usual)) == (at(7, 30), at(16), 14)
    assert booking.starts(booking.USUAL, MONDAY + timedelta(days=6), 30) == []  # Sunday
    own = booking.hours_of({"hoursOfOperation": [{"daysOfWeek": ["sat"], "openingTime": "08:00:00", "closingTime": "09:00:00"}]})
    assert len(booking.starts(own, date(2026, 12, 5), 15)) == 4
    assert booking.hours_of({"hoursOfOperation": [{"daysOfWeek": ["mon"]}, {"openingTime": "9", "closingTime": "x"}]}) == ()


def test_nobody_is_woken_by_a_reminder() -> None:
    assert reminders.due(at(9), NOW, 24) == at(9, day=date(2026, 12, 6))
    assert reminders.due(at(7, 30), NOW, 34) == at(7, 30, day=date(2026, 12, 6))  # not at half past nine in the evening
    assert reminders.due(at(6), NOW, 24) == at(7, 30, day=date(2026, 12, 6))
    assert reminders.due(NOW + timedelta(hours=1), NOW, 24) is None
    assert reminders.due(NOW + timedelta(hours=5), NOW, 24) == NOW


def test_a_message_says_when_and_where_and_nothing_else() -> None:
    said = reminders.said("Bệnh viện Đa khoa Sông Nhị", "205", at(8, 30), "024 7100 0001", reminders.words("vi"))
    assert said.text == (
        "Bệnh viện Đa khoa Sông Nhị: bạn có lịch hẹn lúc 08:30 ngày 07/12/2026, phòng 205. Cần đổi lịch, gọi 024 7100 0001."
    )
    assert carriers.plain(said.text).isascii()


async def patient(h: SimpleNamespace, **telecom: str) -> str:
    id_ = ids.new_id()
    said = [{"system": "email" if k == "email" else "phone", "value": v} for k, v in telecom.items()]
    await h.house.commit([Update(person(id_, **({"telecom": said} if said else {})))])
    visit = {
        "resourceType": "Encounter", "id": ids.new_id(), "status": "finished", "subject": {"reference": f"Patient/{id_}"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "period": {"start": clock.instant(clock.now())}, "serviceProvider": {"reference": "Organization/bv-sn"},
    }  # fmt: skip
    await h.house.commit([Update(visit)])
    return id_


def asked(h: SimpleNamespace, room: str, start: datetime, capacity: int = 1, **more: Any) -> Asked:
    return Asked(h.place.room(room), start, ids.new_id(), 15, capacity, DIAGNOSIS, **more)


@pytest.mark.asyncio(loop_scope="session")
async def test_two_desks_want_the_last_place_and_one_has_it(hospital: SimpleNamespace) -> None:
    h = hospital
    one, other = await patient(h), await patient(h)

    async def desk(who: str, login: str) -> Any:
        try:
            return await booking.book(h.store(login), who, asked(h, "sn-tm-pk", at(9)), NOW)
        except Taken as no:
            return no

    pair = await asyncio.gather(desk(one, "tn.lan"), desk(other, "dd.ha"))
    assert sorted(isinstance(x, Taken) for x in pair) == [False, True]
    times = await booking.times(h.store(), h.place.room("sn-tm-pk"), MONDAY, 15, 1, NOW)
    assert [(t.taken, t.free) for t in times if t.start == at(9)] == [(1, 0)]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_form_sent_twice_books_once_and_no_time_is_none(hospital: SimpleNamespace) -> None:
    h, room = hospital, "sn-noi-pk"
    who, wanted = await patient(h), asked(h, room, at(10), 2)
    assert await booking.book(h.store(), who, wanted, NOW) == await booking.book(h.store(), who, wanted, NOW)
    for wrong in (at(12), at(10, 5), at(10, day=date(2026, 11, 27)), at(10, day=date(2028, 1, 3))):
        with pytest.raises(NoTime):
            await booking.book(h.store(), who, replace(wanted, once=ids.new_id(), start=wrong), NOW)
    times = await booking.times(h.store(), h.place.room(room), MONDAY, 15, 2, NOW)
    assert sum(t.taken for t in times) == 1


@pytest.mark.asyncio(loop_scope="session")
async def test_moving_and_cancelling_give_the_place_back(hospital: SimpleNamespace) -> None:
    h, room = hospital, hospital.place.room("sn-hh-pk")
    who = await patient(h)
    id_ = await booking.book(h.store(), who, asked(h, room.id, at(9)), NOW)
    await booking.move(h.store(), id_, asked(h, room.id, at(9)), NOW)  # the same time: nothing to do
    await booking.move(h.store(), id_, asked(h, room.id, at(14)), NOW)
    taken = {t.start: t.taken for t in await booking.times(h.store(), room, MONDAY, 15, 1, NOW)}
    assert (taken[at(9)], taken[at(14)]) == (0, 1)
    await booking.cancel(h.store(), id_, "bận việc")
    with pytest.raises(LongbienError):
        await booking.cancel(h.store(), id_, "")
    assert await booking.book(h.store(), who, asked(h, room.id, at(14)), NOW)  # the place was free again


@pytest.mark.asyncio(loop_scope="session")
async def test_a_follow_up_without_an_hour_gets_one(hospital: SimpleNamespace) -> None:
    h, room = hospital, hospital.place.room("sn-ntiet-pk")
    who = await patient(h)
    loose = {
        "resourceType": "Appointment", "id": "follow-1", "status": "booked", "start": clock.instant(at(7, 30)),
        "end": clock.instant(at(7, 45)), "participant": [
            {"actor": {"reference": f"Patient/{who}"}, "status": "accepted"},
            {"actor": {"reference": f"Location/{room.id}"}, "status": "accepted"}],
    }  # fmt: skip
    await h.store().commit([Update(loose)])
    assert [b["id"] for b, _ in await booking.of_room(h.store(), room, MONDAY)] == ["follow-1"]
    await booking.move(h.store(), "follow-1", asked(h, room.id, at(8, 30)), NOW)
    body = json.loads((await h.store().read("Appointment", "follow-1")).body)
    assert body["slot"] and body["start"] == clock.instant(at(8, 30))


def settings(**more: Any) -> ReceptionSettings:
    return ReceptionSettings.read({}, **more)


async def planned(h: SimpleNamespace, room: str, start: datetime, who: str, **more: Any) -> str:
    """A booked appointment that is in the outbox, due now."""
    id_ = await booking.book(h.store(), who, asked(h, room, start, 2, **more), NOW)
    body = json.loads((await h.house.read("Appointment", id_)).body)
    await reminders.plan(h.house, body)
    await h.engine.db.execute("UPDATE reception_reminder SET due = $2 WHERE appointment = $1", id_, NOW)
    return id_


async def state(h: SimpleNamespace, id_: str) -> tuple[str, str | None, str | None]:
    r = await h.engine.db.fetchrow("SELECT state, channel, said FROM reception_reminder WHERE appointment = $1", id_)
    return (r["state"], r["channel"], r["said"]) if r else ("none", None, None)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_reminder_reaches_a_real_mail_server_and_stands_in_the_record(hospital: SimpleNamespace) -> None:
    h = hospital
    who = await patient(h, email="na@example.vn")
    id_ = await planned(h, "sn-tn-pk", at(9), who)
    async with mail_server() as post:
        s = settings(smtp_host="127.0.0.1", smtp_port=post.port, smtp_tls="none", smtp_from="hen@song-nhi.example")
        sender = reminders.Sender(h.engine, carriers.carriers(s, Outside()), ["zalo", "sms", "email"])
        await sender.round(NOW)
        await sender.round(NOW + timedelta(hours=1))  # once
        (letter,) = post.letters
    text = letter.get_content()
    assert letter["To"] == "na@example.vn" and "09:00" in text and "phòng 110" in text
    for secret in ("HIV", "lao", "Truyền nhiễm", "Nguyễn Thị Na", DIAGNOSIS):
        assert secret.lower() not in (text + str(letter["Subject"])).lower()
    assert (await state(h, id_))[:2] == ("sent", "email")
    told = await h.house.search("Communication", [("subject", f"Patient/{who}")])
    assert len(told.matches) == 1 and DIAGNOSIS.encode() not in told.matches[0].body


@pytest.mark.asyncio(loop_scope="session")
async def test_zalo_first_then_sms_where_zalo_does_not_reach(hospital: SimpleNamespace) -> None:
    h = hospital
    one, other = await patient(h, mobile="0912345678"), await patient(h, mobile="0987654321")
    first, second = await planned(h, "sn-mat-pk", at(9), one), await planned(h, "sn-mat-pk", at(9), other)

    def zalo_says(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if body["phone"] == "84912345678":
            return 200, {"error": 0, "message": "Success", "data": {"msg_id": "z-1", "sent_time": "0"}}
        return 200, {"error": -118, "message": "Zalo account not existed"}

    async with gateway(zalo_says) as zalo, gateway(lambda _: (200, {"CodeResult": "100", "SMSID": "s-1"})) as sms:
        s = settings(
            zalo_url=zalo.url, zalo_token="zt", zalo_template="7", sms_url=sms.url, sms_key="k", sms_secret="s", sms_brand="SONGNHI"
        )
        outside = Outside(OutsideSettings.read({"LONGBIEN_OUTSIDE_HOSTS": "127.0.0.1"}))
        await reminders.Sender(h.engine, carriers.carriers(s, outside), ["zalo", "sms"]).round(NOW)
        await outside.close()
    assert (await state(h, first), await state(h, second)) == (("sent", "zalo", "z-1"), ("sent", "sms", "s-1"))
    headers, body = zalo.asked[0]
    assert headers["access_token"] == "zt" and body["template_id"] == "7"
    assert set(body["template_data"]) == {"facility", "date", "time", "room"}
    ((_, text),) = sms.asked
    assert text["Phone"] == "0987654321" and text["Content"].isascii() and text["RequestId"].startswith("lb-")
    assert DIAGNOSIS not in str(zalo.asked) + str(sms.asked) and "Mat" not in text["Content"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_gateway_that_is_away_is_tried_again_and_what_was_cancelled_is_dropped(hospital: SimpleNamespace) -> None:
    h = hospital
    who = await patient(h, mobile="0912345678")
    kept, gone = await planned(h, "sn-cxk-pk", at(9), who), await planned(h, "sn-cxk-pk", at(10), who)
    silent = await planned(h, "sn-cxk-pk", at(11), who, remind=False)
    await booking.cancel(h.store(), gone, "")
    answers = [(503, {}), (200, {"CodeResult": "100", "SMSID": "s-9"})]
    async with gateway(lambda _: answers.pop(0)) as sms:
        s = settings(sms_url=sms.url, sms_key="k", sms_secret="s", sms_brand="SONGNHI")
        outside = Outside(OutsideSettings.read({"LONGBIEN_OUTSIDE_HOSTS": "127.0.0.1"}))
        sender = reminders.Sender(h.engine, carriers.carriers(s, outside), ["sms"])
        await sender.round(NOW)
        assert (await state(h, kept))[0] == "waiting"
        await sender.round(NOW + timedelta(minutes=3))
        await outside.close()
    assert (await state(h, kept))[0] == "sent" and (await state(h, gone))[0] == "dropped" and (await state(h, silent))[0] == "none"


@pytest.mark.asyncio(loop_scope="session")
async def test_who_cannot_be_reached_is_said_to_be_so(hospital: SimpleNamespace) -> None:
    h = hospital
    id_ = await planned(h, "sn-tmh-pk", at(9), await patient(h, email="khong@example.vn"))
    async with mail_server("550 no such person") as post:
        s = settings(smtp_host="127.0.0.1", smtp_port=post.port, smtp_tls="none", smtp_from="hen@song-nhi.example")
        await reminders.Sender(h.engine, carriers.carriers(s, Outside()), ["email"]).round(NOW)
    assert (await state(h, id_))[0] == "failed"
    none = await planned(h, "sn-tmh-pk", at(10), await patient(h))
    await reminders.Sender(h.engine, carriers.carriers(s, Outside()), ["email"]).round(NOW)
    assert await state(h, none) == ("failed", None, "no way to reach the patient")
