"""When the trail asks for a word, and when it does not."""

from __future__ import annotations

from longbien.access import anomaly_rules as rules

QUIET = {"items": 3, "night": 0, "night_at": None, "on_duty": False, "stated": False, "walled": False, "kin": {}}


def person(name: str, phone: str = "", address: str = "", patient: str | None = None) -> rules.Self:
    telecom = [{"system": "phone", "value": phone}] if phone else []
    return rules.selves({"telecom": telecom, "address": [{"text": address}] if address else []}, name, patient)


def test_who_has_nothing_to_do_with_the_patient_is_asked() -> None:
    assert rules.pair("doctor", [], **QUIET) == {"no-relation": {"n": 3}}
    assert rules.pair("records", [], **QUIET) == {}  # their work has no tie to a patient
    assert rules.pair("doctor", ["care"], **QUIET) == {} and rules.pair("doctor", ["care", "encounter"], **QUIET) == {}


def test_a_stated_purpose_has_a_reviewer_of_its_own() -> None:
    assert rules.pair("doctor", [], **{**QUIET, "stated": True, "walled": True}) == {}


def test_night_alone_is_not_asked_about_and_duty_never_is() -> None:
    night = {**QUIET, "night": 2, "night_at": "02:10"}
    assert rules.pair("nurse", ["care"], **night) == {}
    assert set(rules.pair("nurse", [], **night)) == {"no-relation", "night"}
    assert set(rules.pair("nurse", [], **{**night, "on_duty": True})) == {"no-relation"}
    kin = {"same-name": {}}
    assert set(rules.pair("nurse", ["care"], **{**night, "kin": kin})) == {"night", "same-name"}


def test_family_is_asked_about_unless_one_is_named_in_the_record() -> None:
    kin = {"family": {"how": "phone"}}
    assert set(rules.pair("doctor", ["care", "department"], **{**QUIET, "kin": kin})) == {"family"}
    assert rules.pair("doctor", ["care", "encounter"], **{**QUIET, "kin": kin}) == {}


def test_a_wall_is_asked_about() -> None:
    assert set(rules.pair("doctor", ["care"], **{**QUIET, "walled": True})) == {"wall"}


def test_what_makes_somebody_family() -> None:
    me = person("BS. Đặng Thu Trà", "0912 345 678", "12 Hàng Bài, Hoàn Kiếm, Hà Nội")
    nobody = person("Nguyễn Văn An", "0987654321", "1 Láng Hạ, Đống Đa, Hà Nội")
    assert rules.kin(me, nobody, [], works_here=False) == {}
    assert rules.kin(me, person("Đặng Văn Ba", "", "12 hang bai, hoan kiem, ha noi"), [], works_here=False) == {
        "family": {"how": "address"}
    }
    assert rules.kin(me, person("Lê Thị Na", "", "12 Hàng Bài, Hoàn Kiếm, Hà Nội"), [], works_here=False) == {}  # a lodger
    assert rules.kin(me, person("Lê Thị Na", "+84912345678"), [], works_here=False) == {"family": {"how": "phone"}}
    assert rules.kin(me, nobody, [person("Đặng Thu Trà")], works_here=False) == {"family": {"how": "relative"}}
    assert rules.kin(me, person("Đặng Thu Trà"), [], works_here=False) == {"same-name": {}}
    assert rules.kin(me, nobody, [], works_here=True) == {"colleague": {}}


def test_ones_own_record_is_ones_own() -> None:
    me = person("Đặng Thu Trà", "0912345678", patient="p1")
    assert rules.kin(me, person("Đặng Thu Trà", "0912345678", patient="p1"), [], works_here=True) == {}


def test_volume_is_against_ones_own_past_and_the_roles() -> None:
    assert rules.volume(80, 20, 15.0, 4.0, 200, 40.0) == {"volume": {"n": 80, "usual": 15, "role": 40}}
    assert rules.volume(39, 20, 15.0, 4.0, 200, 40.0) == {}  # much for oneself, not for the role
    assert rules.volume(60, 20, 55.0, 4.0, 200, 40.0) == {}  # much for the role, usual for oneself
    assert rules.volume(60, 0, None, None, 200, 40.0) == {} and rules.volume(90, 0, None, None, 200, 40.0)
    assert rules.volume(19, 20, 2.0, 0.0, 200, 3.0) == {} and rules.volume(500, 0, None, None, 0, None) == {}


def test_many_searches_and_hardly_a_record() -> None:
    assert rules.searches(40, 2) == {"searches": {"n": 40, "opened": 2}}
    assert rules.searches(40, 20) == {} and rules.searches(10, 0) == {}
