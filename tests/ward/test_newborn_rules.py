"""What is asked back when a child is born, as sentences."""

# ruff: noqa: E501 - a form on a line stays on it
from __future__ import annotations

from datetime import UTC, datetime, timedelta

from longbien.base.words import words
from longbien.ward.newborn_rules import low_weight, name, outcome, parse, premature

NOW = datetime(2026, 11, 30, 17, 10, tzinfo=UTC)  # 00:10 on 1 December in Hanoi
ADMITTED = NOW - timedelta(hours=5)
W = words("vi")
GOOD = {
    "day": "01/12/2026", "time": "00:05", "sex": "female", "grams": "3200", "weeks": "39", "apgar1": "8", "apgar5": "9", "order": "1", "of": "1",
}  # fmt: skip


def errors(**more: str) -> set[str]:
    return set(parse(GOOD | more, NOW, ADMITTED, W)[1])


def test_a_birth_just_after_midnight_is_of_the_new_day() -> None:
    b, wrong = parse(GOOD, NOW, ADMITTED, W)
    assert wrong == {} and b.at.astimezone(UTC) == datetime(2026, 11, 30, 17, 5, tzinfo=UTC)


def test_grams_are_not_kilograms() -> None:
    assert errors(grams="3.2") == {"grams"} and errors(grams="32000") == {"grams"} and errors(grams="") == {"grams"}


def test_apgar_is_asked_at_one_and_five_minutes_and_lies_between_0_and_10() -> None:
    assert errors(apgar1="") == {"apgar1"} and errors(apgar5="11") == {"apgar5"} and errors(apgar10="9") == set()


def test_a_child_born_dead_has_no_apgar_to_give() -> None:
    assert errors(alive="0", apgar1="", apgar5="") == set()


def test_a_birth_lies_between_the_mothers_admission_and_now() -> None:
    assert errors(time="01:00") == {"when"} and errors(day="30/11/2026", time="18:00") == {"when"}


def test_twins_have_numbers() -> None:
    assert errors(order="2", of="1") == {"order"} and errors(order="2", of="2") == set()
    assert name("Trần Thị Mai", "male", 2, 2) == "CB Trần Thị Mai 2" and name("Trần Thị Mai", "male", 1, 1) == "CB Trần Thị Mai"


def test_early_and_light_are_those_of_the_world_health_organization() -> None:
    assert premature(36) and not premature(37) and low_weight(2499) and not low_weight(2500)


def test_the_outcome_is_coded_in_the_mothers_record() -> None:
    assert outcome(1, True)[0] == "Z37.0" and outcome(1, False)[0] == "Z37.1" and outcome(2, True)[0] == "Z37.9"
