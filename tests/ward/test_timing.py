"""When a drug is due, by its order alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longbien.base import clock
from longbien.ward import timing


def at(day: int, hour: int, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=clock.HANOI)


def repeat(**more: Any) -> dict[str, Any]:
    return {"timing": {"repeat": more}}


BEGIN = at(20, 9, 30)


def hours(dosage: dict[str, Any], low: datetime, high: datetime, begin: datetime = BEGIN) -> list[str]:
    return [f"{t:%d %H:%M}" for t in timing.times(dosage, begin, low, high)]


@pytest.mark.parametrize(
    ("dosage", "wanted"),
    [
        (repeat(frequency=1, period=1, periodUnit="d"), ["24 08:00"]),
        (repeat(frequency=2, period=1, periodUnit="d"), ["24 08:00", "24 20:00"]),
        (repeat(frequency=3, period=1, periodUnit="d"), ["24 08:00", "24 14:00", "24 20:00"]),
        (repeat(frequency=4, period=1, periodUnit="d"), ["24 00:00", "24 06:00", "24 12:00", "24 18:00"]),
        (repeat(frequency=1, period=8, periodUnit="h"), ["24 06:00", "24 14:00", "24 22:00"]),
        (repeat(frequency=1, period=6, periodUnit="h"), ["24 00:00", "24 06:00", "24 12:00", "24 18:00"]),
        (repeat(frequency=1, period=12, periodUnit="h"), ["24 08:00", "24 20:00"]),
        (repeat(timeOfDay=["20:00:00", "05:30:00"]), ["24 05:30", "24 20:00"]),
        (repeat(when=["HS"]), ["24 21:00"]),
        (repeat(when=["AC"], offset=15), ["24 06:15", "24 11:15", "24 17:15"]),
        (repeat(when=["PCM"], offset=30), ["24 08:30"]),
        (repeat(frequency=1, period=2, periodUnit="d"), ["24 08:00"]),
        (repeat(frequency=1, period=3, periodUnit="d"), []),
        (repeat(frequency=1, period=1, periodUnit="wk", dayOfWeek=["tue"]), ["24 08:00"]),
        (repeat(frequency=1, period=1, periodUnit="wk", dayOfWeek=["wed"]), []),
    ],
)
def test_what_is_due_on_a_tuesday(dosage: dict[str, Any], wanted: list[str]) -> None:
    assert hours(dosage, at(24, 0), at(25, 0)) == wanted


def test_midnight_belongs_to_the_day_that_begins() -> None:
    six_hourly = repeat(frequency=4, period=1, periodUnit="d")
    assert hours(six_hourly, at(24, 18), at(25, 6)) == ["24 18:00", "25 00:00"]


def test_the_end_of_the_year_is_a_night_like_any_other() -> None:
    dosage = repeat(frequency=1, period=6, periodUnit="h")
    found = timing.times(dosage, at(1, 8, month=12), at(31, 18, month=12), at(1, 7, month=1, year=2027))
    assert [f"{t:%d/%m %H}" for t in found] == ["31/12 18", "01/01 00", "01/01 06"]


def test_nothing_is_due_before_the_order_was_written() -> None:
    assert hours(repeat(frequency=2, period=1, periodUnit="d"), at(20, 0), at(21, 0)) == ["20 20:00"]


def test_an_odd_interval_is_counted_from_the_order() -> None:
    assert hours(repeat(frequency=1, period=5, periodUnit="h"), at(20, 9), at(21, 0)) == ["20 09:30", "20 14:30", "20 19:30"]


def test_it_ends_when_the_order_says() -> None:
    three_days = repeat(frequency=1, period=1, periodUnit="d", boundsDuration={"value": 3, "code": "d"})
    assert hours(three_days, at(20, 0), at(30, 0)) == ["21 08:00", "22 08:00", "23 08:00"]
    until = repeat(frequency=2, period=1, periodUnit="d", boundsPeriod={"end": "2026-11-21T12:00:00+07:00"})
    assert hours(until, at(20, 0), at(30, 0)) == ["20 20:00", "21 08:00"]
    assert hours(repeat(frequency=2, period=1, periodUnit="d", count=3), at(20, 0), at(30, 0)) == [
        "20 20:00",
        "21 08:00",
        "21 20:00",
    ]


def test_single_moments() -> None:
    dosage = {"timing": {"event": ["2026-11-24T10:15:00+07:00", "2026-11-26T10:15:00+07:00"]}}
    assert hours(dosage, at(24, 0), at(25, 0)) == ["24 10:15"]


@pytest.mark.parametrize(
    "dosage",
    [{}, {"timing": {}}, repeat(), {"asNeededBoolean": True, **repeat(frequency=3, period=1, periodUnit="d")}, repeat(period=1)],
)
def test_what_says_no_when_is_never_due(dosage: dict[str, Any]) -> None:
    assert hours(dosage, at(20, 0), at(30, 0)) == []


@given(st.integers(1, 24), st.sampled_from(["h", "d", "wk", "mo", "min"]), st.integers(1, 48), st.integers(0, 60))
def test_two_windows_side_by_side_give_what_one_gives(often: int, unit: str, period: int, split: int) -> None:
    dosage = repeat(frequency=often, period=period, periodUnit=unit)
    low, high = at(21, 0), at(24, 0)
    middle = low + timedelta(hours=split)
    whole = timing.times(dosage, BEGIN, low, high)
    assert timing.times(dosage, BEGIN, low, middle) + timing.times(dosage, BEGIN, middle, high) == whole
    assert all(low <= t < high for t in whole)
