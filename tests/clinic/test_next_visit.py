"""The follow-up takes an hour of the room's schedule, where the room has one."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from clinic_browser import Browser, Came
from test_clinic_pages import AMLO, all_of, form

from longbien.base import clock
from longbien.record.change import Update
from longbien.record.store import Store
from longbien.web import times

ROOM = "sn-tm-pk"


def a_day(ahead: int) -> date:
    """A weekday about so many days ahead."""
    found = clock.local(clock.now()).date() + timedelta(days=ahead)
    while found.weekday() > 4:
        found += timedelta(days=1)
    return found


def at(day: date, hour: str) -> datetime:
    return datetime.combine(day, datetime.strptime(hour, "%H:%M").time(), clock.HANOI)


async def offered(browser: Browser, patient: str, encounter: str, day: date) -> list[str]:
    fields = form(encounter, AMLO, followup=f"{day:%d/%m/%Y}") | {"act": "dx.add.E78.5"}
    answer = await browser.post(f"/patients/{patient}/visit", fields)
    return re.findall(r"<option(?: selected)?>(\d\d:\d\d)</option>", answer.text)


async def sign(browser: Browser, patient: str, encounter: str, day: date, hour: str) -> Any:
    sent = form(encounter, AMLO, followup=f"{day:%d/%m/%Y}") | {"followup_at": hour}
    return await browser.post(f"/patients/{patient}/visit", sent)


async def test_the_hours_of_the_day_are_offered_and_the_chosen_one_is_taken(enter: Any, came: Came, house: Store) -> None:
    (patient, encounter), browser, day = await came(), await enter(), a_day(20)
    assert {"07:30", "11:15", "13:30", "16:15"} <= set(await offered(browser, patient, encounter, day))
    answer = await sign(browser, patient, encounter, day, "08:15")
    assert answer.headers.get("x-go", "").endswith("done=signed"), answer.text[:1500]
    [booked] = await all_of(house, "Appointment", patient)
    assert booked["start"] == clock.instant(at(day, "08:15")) and booked["minutesDuration"] == 15
    slot = booked["slot"][0]["reference"].removeprefix("Slot/")
    assert slot == times.slot_id(ROOM, at(day, "08:15"), 0)
    slip = next(c for c in await all_of(house, "Composition", patient) if c["type"]["text"] == "Giấy hẹn khám lại")
    assert f"08:15 {day:%d/%m/%Y}" in str(slip)


async def test_an_hour_whose_places_are_gone_is_offered_no_more(enter: Any, came: Came, house: Store) -> None:
    (patient, encounter), browser, day = await came(), await enter(), a_day(27)
    room = times.Room(ROOM, "Phòng khám", ())
    await house.commit([Update(times.slot(room, at(day, "09:00"), 15, n, "busy")) for n in range(2)])
    assert "09:00" not in await offered(browser, patient, encounter, day)
    answer = await sign(browser, patient, encounter, day, "09:00")
    assert answer.status_code == 422 and "chọn giờ khác" in answer.text and not await all_of(house, "Appointment", patient)
    assert (await sign(browser, patient, encounter, day, "09:15")).headers.get("x-go", "").endswith("done=signed")


async def test_a_day_alone_is_booked_as_before(enter: Any, came: Came, house: Store) -> None:
    (patient, encounter), browser, day = await came(), await enter(), a_day(34)
    assert (await sign(browser, patient, encounter, day, "")).headers.get("x-go", "").endswith("done=signed")
    [booked] = await all_of(house, "Appointment", patient)
    assert "slot" not in booked


@pytest.mark.parametrize("hour", ["07:31", "25:99", "<b>"])
async def test_what_is_no_hour_of_the_room_is_refused(enter: Any, came: Came, house: Store, hour: str) -> None:
    (patient, encounter), browser = await came(), await enter()
    assert (await sign(browser, patient, encounter, a_day(41), hour)).status_code == 422
    assert not await all_of(house, "Appointment", patient)


async def test_a_room_without_hours_offers_none(enter: Any, came: Came, house: Store) -> None:
    assert await times.room(house, "bv-sn-site") is None and await times.room(house, "") is None
