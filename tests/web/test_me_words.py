"""How a patient is spoken to, and what their pages make of resources."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from longbien.base.words import words
from longbien.web.me import plans, results
from longbien.web.me.words import called, clock, day, plain, spoken

VI, EN = words("vi"), words("en")
TODAY = date(2026, 11, 30)
NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)  # 09:00 in Hanoi


@pytest.mark.parametrize(
    ("sex", "age", "word"),
    [("female", 74, "bà"), ("male", 60, "ông"), ("female", 35, "chị"), ("male", 20, "anh"), ("male", 9, "bạn"), ("", 50, "bạn"),
     ("other", 70, "bạn"), ("female", None, "bạn")],
)  # fmt: skip
def test_people_are_called_by_age(sex: str, age: int | None, word: str) -> None:
    assert called(sex, age) == word


def test_a_mother_is_spoken_to_about_her_child() -> None:
    said = spoken(VI, sex="male", birth="2020-04-01", name="Phạm Gia Bảo", today=TODAY, own=False, reader_sex="female")
    assert (said.you, said.whose, said.hello) == ("chị", "bé Bảo", "Chào chị")
    assert spoken(EN, sex="male", birth="2020-04-01", name="Phạm Gia Bảo", today=TODAY, own=False).whose == "Bảo’s"
    assert spoken(VI, sex="female", birth="1952", name="Đinh Thị Lụa", today=TODAY, own=True).whose == "bà"


@pytest.mark.parametrize(
    ("hour", "minute", "vi", "en"),
    [(8, 30, "8 giờ 30 sáng", "8:30 in the morning"), (14, 0, "2 giờ chiều", "2:00 in the afternoon"),
     (12, 15, "12 giờ 15 trưa", "12:15 at noon"), (19, 5, "7 giờ 5 tối", "7:05 in the evening"),
     (0, 0, "0 giờ sáng", "12:00 in the morning")],
)  # fmt: skip
def test_the_clock_as_people_say_it(hour: int, minute: int, vi: str, en: str) -> None:
    in_hanoi = datetime.fromisoformat(f"2026-11-30T{hour:02d}:{minute:02d}:00+07:00")
    assert clock(VI, in_hanoi) == vi and clock(EN, in_hanoi) == en


def test_near_days_have_names() -> None:
    assert [day(VI, date(2026, 11, n), NOW) for n in (29, 30)] == ["hôm qua", "hôm nay"]
    assert day(VI, date(2026, 12, 10), NOW) == "thứ Năm 10/12" and day(EN, date(2026, 12, 10), NOW) == "Thursday 10/12"


def test_tests_have_plain_names() -> None:
    assert plain("4548-4", "vi") == "Đường máu 3 tháng" and plain("no-such", "vi") == ""


def lab(id_: str, when: str, value: float, mark: str = "N") -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id_, "status": "final", "effectiveDateTime": when,
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}], "text": "HbA1c"},
        "valueQuantity": {"value": value, "unit": "%"}, "interpretation": [{"coding": [{"code": mark}]}],
        "referenceRange": [{"high": {"value": 6.5}}],
    }  # fmt: skip


def test_results_stand_by_day_what_is_odd_first_and_know_the_value_before() -> None:
    morning = "2026-11-30T06:20:00+07:00"
    wrong = {**lab("c", morning, 5), "status": "entered-in-error"}
    made = [lab("a", "2026-08-02T07:00:00+07:00", 8.3, "H"), lab("b", morning, 7.8, "HH"), wrong, {"resourceType": "Observation"}]
    days = results.mornings(made, VI, "vi")
    assert [d.day.isoformat() for d in days] == ["2026-11-30", "2026-08-02"]
    newest = days[0].values[0]
    assert (newest.name, newest.text, newest.level, newest.high) == ("Đường máu 3 tháng", "7,8", "hi", 6.5)
    assert newest.before is not None and newest.before.text == "8,3" and not days[0].fine


def test_appointments_that_are_over_or_cancelled_are_not_the_next() -> None:
    at = {"resourceType": "Appointment", "participant": [{"actor": {"reference": "Practitioner/x", "display": "BS. Minh"}}]}
    days = (("late", "booked", "12-20"), ("soon", "booked", "12-10"), ("no", "cancelled", "12-01"), ("past", "booked", "11-29"))
    made = [{**at, "id": i, "status": s, "start": f"2026-{d}T08:30:00+07:00"} for i, s, d in days]
    found = plans.appointments(made, "vi", NOW)
    assert [(a.id, a.doctor) for a in found] == [("soon", "BS. Minh"), ("late", "BS. Minh")]


def test_only_notices_that_say_something_are_told() -> None:
    def told(id_: str, code: str, **more: Any) -> dict[str, Any]:
        return {"id": id_, "status": "completed", "sent": "2026-11-29T08:00:00+07:00", "category": [{"coding": [{"code": code}]}],
                "payload": [{"contentString": "Có kết quả."}], **more}  # fmt: skip

    made = [
        told("a", "notice"),
        told("b", "instruction"),
        told("c", "notice", status="entered-in-error"),
        told("d", "notice", payload=[]),
    ]
    assert [n.id for n in plans.notices(made)] == ["a"]
