"""What is asked back when a death is recorded, as sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from longbien.ward.death_rules import Cause, cause_line, chain_errors, only_a_mode, time_error, underlying, within_a_day

NOW = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)


def test_the_lowest_line_is_the_underlying_cause() -> None:
    chain = [Cause("a", "J96.0", "Suy hô hấp"), Cause("b", "J18.9", "Viêm phổi"), Cause("c", "I63.9", "Nhồi máu não")]
    last = underlying(chain)
    assert last is not None and last.code == "I63.9"


def test_a_chain_begins_at_a_and_has_no_gap() -> None:
    assert set(chain_errors([])) == {"a"}
    assert set(chain_errors([Cause("a", "J96.0", "x"), Cause("c", "I63.9", "y")])) == {"b"}
    assert chain_errors([Cause("a", "I21.9", "x")]) == {}


def test_what_brought_it_about_lasted_at_least_as_long() -> None:
    wrong = [Cause("a", "J96.0", "x", 2, "day"), Cause("b", "J18.9", "y", 3, "hour")]
    assert set(chain_errors(wrong)) == {"b"}
    assert chain_errors([Cause("a", "J96.0", "x", 2, "hour"), Cause("b", "J18.9", "y"), Cause("c", "I10", "z", 10, "year")]) == {}


def test_a_mode_of_dying_alone_is_asked_back() -> None:
    assert only_a_mode([Cause("a", "I46.9", "Ngừng tim")])
    assert only_a_mode([Cause("a", "R57.0", "Sốc tim")])
    assert not only_a_mode([Cause("a", "I46.9", "Ngừng tim"), Cause("b", "I21.9", "Nhồi máu cơ tim")])
    assert not only_a_mode([Cause("a", "R96.0", "Chết đột ngột")]), "an unknown cause may be said"


def test_the_time_lies_between_admission_and_now() -> None:
    admitted = NOW - timedelta(days=1)
    assert time_error(NOW, NOW, "1955-03-14", admitted) == ""
    assert time_error(NOW + timedelta(hours=1), NOW, "", None)
    assert time_error(admitted - timedelta(hours=1), NOW, "", admitted)
    assert time_error(NOW, NOW, "2027", None)


def test_a_newborn_may_die_on_the_day_of_birth() -> None:
    assert time_error(NOW, NOW, "2026-11-30", None) == ""


def test_within_a_day_of_admission_is_told_apart() -> None:
    assert within_a_day(NOW, NOW - timedelta(hours=24)) is True
    assert within_a_day(NOW, NOW - timedelta(hours=24, minutes=1)) is False
    assert within_a_day(NOW, None) is None


def test_a_line_reads_as_on_the_paper() -> None:
    assert cause_line(Cause("a", "J96.0", "Suy hô hấp", 2, "hour")) == "a) Suy hô hấp (J96.0), 2 giờ"
