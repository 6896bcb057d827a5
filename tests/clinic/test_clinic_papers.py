"""Follow-up, sick leave, referral: their rules, as sentences."""

from __future__ import annotations

from datetime import date

import pytest

from longbien.clinic import leave

DAY = date(2026, 11, 30)  # a Monday
GOOD = {"days": "3", "workplace": "Công ty A", "insurance": "0123456789", "method": "Nội khoa"}


def wrong(**more: str) -> set[str]:
    return set(leave.sick_leave({**GOOD, **more}, DAY, "1990-01-01", True).errors)


def test_three_days_from_today_end_the_day_after_tomorrow() -> None:
    found = leave.sick_leave(GOOD, DAY, "1990-01-01", True)
    assert (found.begin, found.end, found.errors) == (DAY, date(2026, 12, 2), {})


def test_thirty_days_over_the_year_end_as_the_claim_table_says() -> None:
    found = leave.sick_leave({**GOOD, "days": "30"}, date(2018, 7, 13), "1990-01-01", True)
    assert found.end == date(2018, 8, 11)  # the circular's own example
    assert leave.sick_leave({**GOOD, "days": "30"}, date(2026, 12, 20), "1990-01-01", True).end == date(2027, 1, 18)


def test_more_than_thirty_days_only_for_tuberculosis_and_the_loss_of_a_pregnancy() -> None:
    assert wrong(days="31") == {"days"} == wrong(days="0") == wrong(days="ba")
    assert wrong(days="180", tb="1") == set()
    assert wrong(days="181", tb="1") == {"days"}
    assert wrong(days="50", ended="1", weeks="13", cause="thai lưu") == set()
    assert wrong(days="50", ended="1", weeks="12", cause="thai lưu") == {"days"}


def test_the_loss_of_a_pregnancy_needs_its_weeks_and_cause() -> None:
    assert wrong(ended="1") == {"weeks", "cause"}
    assert wrong(ended="1", weeks="43", cause="x") == {"weeks"}


def test_workplace_insurance_number_and_method_are_asked_for() -> None:
    assert wrong(workplace="") == {"workplace"}
    assert wrong(insurance="012345678") == {"insurance"} == wrong(insurance="0000000000")
    assert wrong(method=" ") == {"method"}


def test_the_certificate_of_a_child_under_seven_names_a_parent() -> None:
    assert set(leave.sick_leave(GOOD, DAY, "2019-12-01", True).errors) == {"mother"}
    assert leave.sick_leave({**GOOD, "mother": "Lê Thị B"}, DAY, "2019-12-01", True).errors == {}
    assert leave.sick_leave(GOOD, DAY, "2019-11-30", True).errors == {}  # seven today


def test_without_a_signed_diagnosis_no_paper_is_written() -> None:
    assert "diagnosis" in leave.sick_leave(GOOD, DAY, "1990-01-01", False).errors


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("30/12/2026", date(2026, 12, 30)),
        ("30/12", date(2026, 12, 30)),
        ("15/1", date(2027, 1, 15)),
        ("+30", date(2026, 12, 30)),
        ("2026-12-30", date(2026, 12, 30)),
    ],
)
def test_a_day_is_read_as_people_type_it(text: str, day: date) -> None:
    assert leave.day(text, DAY) == day


@pytest.mark.parametrize("text", ["31/02/2027", "hôm nào", "30/11/2026", "29/11/2026", "01/01/2028", "06/12/2026"])
def test_a_follow_up_that_cannot_be_is_asked_back(text: str) -> None:
    found, error = leave.follow_up(text, DAY)
    assert found is None and error is not None


def test_no_follow_up_is_no_fault_and_a_preset_never_falls_on_a_sunday() -> None:
    assert leave.follow_up("", DAY) == (None, None)
    assert leave.open_day(date(2026, 12, 6)) == date(2026, 12, 7)


def test_a_referral_lacks_what_the_circular_asks_for() -> None:
    values = {f[0]: "x" for f in leave.REFERRAL_FIELDS} | {"to": "bv-a", "reason": "1"}
    assert leave.referral(values, {"bv-a": "BV A"}, True) == {}
    assert set(leave.referral({**values, "to": "bv-z", "signs": "", "reason": "9"}, {"bv-a": "BV A"}, True)) == {
        "to",
        "signs",
        "reason",
    }
    assert leave.referral({**values, "to": "", "to_other": "BV tỉnh B"}, {}, True) == {}
    assert set(leave.referral({**values, "escort": ""}, {"bv-a": "BV A"}, True)) == {"escort"}
