"""The law's clocks and the states of a request. No database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from longbien.access.rights import clocks, request, workdays
from longbien.base.errors import Conflict, Invalid

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("came", "n", "day"),
    [
        ("2026-11-30", 2, "2026-12-02"),
        ("2026-12-04", 2, "2026-12-08"),  # Friday: Monday, Tuesday
        ("2026-12-05", 2, "2026-12-08"),  # a Saturday counts from Monday
        ("2026-11-23", 2, "2026-11-26"),  # 24 November is a holiday from 2026 on
        ("2027-02-03", 2, "2027-02-12"),  # Tet from 4 to 10 February
        ("2026-08-21", 1, "2026-08-22"),  # a Saturday worked in exchange for 31 August
    ],
)
def test_working_days_leave_out_weekends_and_holidays(came: str, n: int, day: str) -> None:
    assert workdays.after_working_days(date.fromisoformat(came), n).isoformat() == day


def test_a_term_that_ends_on_a_day_off_ends_on_the_next_working_day() -> None:
    assert workdays.after_days(date(2026, 12, 2), 10) == date(2026, 12, 14)  # the 12th is a Saturday
    assert workdays.after_days(date(2027, 1, 28), 10) == date(2027, 2, 11)  # Tet
    assert workdays.after_days(date(2026, 11, 30), 10) == date(2026, 12, 10)


def test_the_table_says_which_years_it_knows() -> None:
    assert workdays.known(date(2027, 5, 1)) and not workdays.known(date(2031, 5, 1))


@pytest.mark.parametrize(
    ("kind", "answer", "latest"),
    [("view", "2026-12-10", "2026-12-21"), ("copy", "2026-12-10", "2026-12-21"), ("correct", "2026-12-10", "2026-12-21"),
     ("withdraw", "2026-12-15", "2026-12-30"), ("restrict", "2026-12-15", "2026-12-30"), ("erase", "2026-12-21", "2027-01-11")],
)  # fmt: skip
def test_each_kind_has_the_laws_term(kind: str, answer: str, latest: str) -> None:
    due = clocks.due(kind, date(2026, 11, 30))
    assert (due.receipt.isoformat(), due.answer.isoformat(), due.extended.isoformat()) == ("2026-12-02", answer, latest)


def test_no_term_before_the_law_and_none_for_an_unknown_kind() -> None:
    for kind, day in (("view", date(2025, 12, 31)), ("nonsense", date(2026, 5, 1))):
        with pytest.raises(Invalid):
            clocks.due(kind, day)


def task(kind: str = "correct", text: str = "Dị ứng ghi sai: tôi không dị ứng tôm.", **more: Any) -> dict[str, Any]:
    asker = {"reference": "Patient/p", "display": "Đinh Thị Lụa"}
    return request.made(kind, "p", "bv-sn", text, asker=asker, channel="phone", now=NOW, **more)


def test_a_request_is_read_as_it_was_made() -> None:
    found = request.read({**task(about="Observation/1"), "id": "t", "meta": {"versionId": "3"}})
    assert found is not None
    assert (found.kind, found.patient, found.facility, found.status, found.version) == ("correct", "p", "bv-sn", "requested", 3)
    assert found.next_due == date(2026, 12, 2) and found.about == "Observation/1" and found.asker == "Đinh Thị Lụa"
    assert not found.overdue(date(2026, 12, 2)) and found.overdue(date(2026, 12, 3))


def test_receipt_then_an_extension_once_then_an_answer() -> None:
    received = request.moved(task(), "acknowledge", "", who="Cô Thu", now=NOW)
    extended = request.moved(received, "extend", "Chờ bác sĩ xem lại.", who="Cô Thu", now=NOW)
    with pytest.raises(Conflict):
        request.moved(extended, "extend", "Chờ thêm nữa.", who="Cô Thu", now=NOW)
    done = request.read(request.moved(extended, "grant", "Đã sửa.", who="Cô Thu", now=NOW))
    assert done is not None and done.status == "completed" and done.outcome == "Đã sửa." and len(done.steps) == 3
    late = request.read(extended)
    assert late is not None and late.next_due == date(2026, 12, 21)


def test_what_is_over_stays_over_and_an_answer_needs_a_reason() -> None:
    refused = request.moved(task(), "refuse", "Còn trong thời hạn lưu trữ.", who="Cô Thu", now=NOW)
    assert refused["statusReason"] == {"text": "Còn trong thời hạn lưu trữ."}
    for act in ("grant", "refuse", "cancel", "acknowledge", "extend", "nonsense"):
        with pytest.raises(Conflict):
            request.moved(refused, act, "một lý do nào đó", who="x", now=NOW)
    with pytest.raises(Invalid):
        request.moved(task(), "refuse", " ", who="x", now=NOW)


@pytest.mark.parametrize(("kind", "text"), [("nonsense", "x" * 10), ("correct", "?"), ("view", "a" * 2001)])
def test_a_request_that_says_nothing_or_too_much_is_refused(kind: str, text: str) -> None:
    with pytest.raises(Invalid):
        task(kind, text)


def test_paper_counts_from_the_day_it_came_and_never_from_the_future() -> None:
    found = request.read(task("copy", "", came=date(2026, 11, 20)))
    assert found is not None and found.receipt == date(2026, 11, 25) and found.answer == date(2026, 11, 30)
    with pytest.raises(Invalid):
        task("copy", "", came=date(2026, 12, 1))


def test_other_tasks_are_no_requests() -> None:
    assert (
        request.read({"resourceType": "Task", "status": "completed", "code": {"coding": [{"code": "acknowledge-result"}]}}) is None
    )
    assert request.read({"resourceType": "Task"}) is None
