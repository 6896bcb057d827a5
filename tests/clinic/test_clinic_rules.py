"""Rules of the diagnoses of a visit, as sentences."""

from __future__ import annotations

from datetime import date

from longbien.clinic import rules
from longbien.clinic.rules import Dx, Finding

DAY = date(2026, 11, 30)
BORN = "1965-04-30"


def check(*codes: str, sex: str = "male", birth: str = BORN, finer: tuple[str, ...] = ()) -> list[Finding]:
    return rules.check([Dx(c, c) for c in codes], sex, birth, DAY, finer)


def stops(*codes: str, sex: str = "male", birth: str = BORN) -> list[str]:
    return [f.text for f in check(*codes, sex=sex, birth=birth) if f.level == "stop"]


def test_hypertension_of_an_adult_is_a_good_principal_diagnosis() -> None:
    assert check("I10") == []


def test_a_visit_without_a_diagnosis_is_not_signed() -> None:
    assert stops() == ["Choose the principal diagnosis."]


def test_a_germ_is_not_a_principal_diagnosis_but_may_stand_beside_one() -> None:
    assert stops("B95.0") == ["%(code)s may not be the principal diagnosis."]
    assert stops("J18.9", "B95.0") == []
    assert next(f for f in check("B95.0") if f.level == "stop").rule.endswith("A2")


def test_an_asterisk_needs_its_dagger_and_is_never_the_first() -> None:
    alone = check("I10", "G01")
    assert [f.text for f in alone if f.level == "stop"] == ["%(code)s* is only written with its cause †: %(daggers)s."]
    assert alone[0].offer and "A01.0" in rules.pairs()["G01"]
    assert stops("A01.0", "G01") == []
    assert "%(code)s may not be the principal diagnosis." in stops("G01", "A01.0")


def test_a_dagger_alone_is_right_and_says_what_may_follow() -> None:
    found = check("A01.0")
    assert [f.level for f in found] == ["note"] and "G01" in found[0].offer


def test_prostate_cancer_of_a_woman_is_stopped_and_of_unknown_sex_is_not() -> None:
    assert stops("C61", sex="female") == ["%(code)s is only of men."]
    assert stops("C61", sex="") == [] == stops("C61", sex="other")


def test_a_delivery_of_a_man_is_stopped() -> None:
    assert "%(code)s is only of women." in stops("O80.0", sex="male")


def test_an_age_outside_the_annex_warns_and_does_not_stop() -> None:
    found = check("I10", birth="2026-06-01")
    assert [(f.level, f.rule) for f in found] == [("warn", "QĐ 4469/QĐ-BYT 2020, A3.6")]
    assert check("I10", birth="2025-11-29") == []
    assert check("I10", birth="1965") == []  # a year alone decides nothing


def test_the_same_code_twice_and_more_than_twelve_others_are_stopped() -> None:
    assert stops("I10", "I10") == ["%(code)s stands twice."]
    many = [f"J0{i}.9" for i in range(7)] + [f"K2{i}.9" for i in range(7)]
    assert stops("I10", *many[:12]) == []
    assert stops("I10", *many[:13]) == ["At most %(n)s other diagnoses."]


def test_a_code_with_subdivisions_is_asked_to_be_finer() -> None:
    assert [f.level for f in check("E11", finer=("E11",))] == ["note"]


def test_every_age_annex_of_the_table_is_known() -> None:
    named = {a for annexes in rules.annexes().values() for a in annexes}
    assert named <= {*rules.AGES, *rules.SEXES, "A2"}


def test_valid_to_19_years_holds_until_the_day_before_the_20th_birthday() -> None:
    low, high, _ = rules.AGES["A3.4"]
    days = (date(2026, 11, 30) - date(2006, 12, 1)).days
    assert (low or 0) <= days <= (high or 0)
    assert days + 1 > (high or 0) - 1
