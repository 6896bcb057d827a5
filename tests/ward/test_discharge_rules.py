"""What holds a stay open and how it may end, said as sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from longbien.ward.discharge_compose import Extreme, lines, result_line
from longbien.ward.discharge_rules import Awaited, Standing, agree, days, letting_go, rail, ready, suggest, times

T = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)  # 10:00 in Hanoi
CULTURE = Awaited("o1", "Cấy máu", T - timedelta(hours=20), T - timedelta(hours=4), "Vi sinh")


def state(s: Standing, key: str) -> str:
    return next(i.state for i in rail(s) if i.key == key)


def test_an_awaited_result_holds_the_stay_and_names_its_owner() -> None:
    item = next(i for i in rail(Standing("Suy tim", awaited=[CULTURE])) if i.key == "results")
    assert (item.state, item.detail, item.owner, item.since) == ("waits", "1", "Vi sinh", CULTURE.ordered)


def test_a_result_let_go_holds_nothing() -> None:
    assert state(Standing(awaited=[Awaited("o1", "Cấy máu", T, T, let_go=True)]), "results") == "done"


def test_the_bill_is_never_done_while_no_money_is_connected() -> None:
    everything = Standing("x", 0, (), 2, 2, 1, T, "14/12", [("discharge-paper", True)], "BS. A")
    assert state(everything, "bill") == "unconnected"
    assert ready(rail(everything)) == (7, 8)


def test_the_signature_waits_for_every_paper() -> None:
    assert state(Standing(papers=[("a", True), ("b", False)]), "signature") == "open"
    assert state(Standing(papers=[("a", True), ("b", True)]), "signature") == "done"
    assert state(Standing(), "signature") == "open"


def test_each_drug_needs_a_choice_and_no_drug_needs_none() -> None:
    assert state(Standing(drugs=3, decided=2), "drugs") == "open"
    assert state(Standing(drugs=3, decided=3), "drugs") == "done"
    assert state(Standing(), "drugs") == "none"


def test_a_result_is_let_go_only_with_a_reason_and_a_person() -> None:
    assert "o1" in letting_go([CULTURE], {})
    assert "o1" in letting_go([CULTURE], {"o1": ("outpatient", "")})
    assert letting_go([CULTURE], {"o1": ("outpatient", "bs-minh")}) == {}


def test_leaving_comes_after_admission_and_not_in_the_future() -> None:
    assert times(T, T, T, []) is not None
    assert times(T - timedelta(days=1), T + timedelta(hours=1), T, []) is not None
    assert times(T - timedelta(days=1), T + timedelta(minutes=4), T, []) is None


def test_nothing_happens_to_a_patient_after_they_left() -> None:
    wrong = times(T - timedelta(days=3), T - timedelta(hours=2), T, [(T - timedelta(hours=1), "Furosemid")])
    assert wrong is not None and wrong[1]["what"] == "Furosemid" and wrong[1]["time"] == "09:00 30/11/2026"


def test_a_death_is_no_discharge() -> None:
    assert agree("5", "1") and agree("8", "1")


def test_result_and_kind_of_leaving_must_agree() -> None:
    assert agree("2", "1") == "" and agree("6", "4") == ""
    assert agree("6", "1") and agree("1", "2") and agree("", "1") and agree("2", "")


def test_days_of_a_stay_are_counted_by_hanois_midnight() -> None:
    before_midnight = datetime(2026, 12, 31, 16, 50, tzinfo=UTC)  # 23:50 on 31/12
    assert days(before_midnight, before_midnight + timedelta(minutes=20)) == 2
    assert days(T, T + timedelta(hours=2)) == 1


def test_what_is_injected_stops_and_what_is_swallowed_goes_home() -> None:
    assert [suggest("Uống", "1 viên", False), suggest("Hít", "2 nhát", False)] == ["home", "home"]
    assert [suggest("Tiêm tĩnh mạch", "40 mg", False), suggest("", "Truyền tĩnh mạch 500 ml", False)] == ["stop", "stop"]


def test_what_is_not_known_is_asked_and_what_was_taken_before_goes_on() -> None:
    assert suggest("", "theo chỉ dẫn", False) == "" and suggest("Tiêm dưới da", "Enoxaparin 40 mg", False) == ""
    assert suggest("Tiêm dưới da", "Insulin 14 đơn vị", True) == "home"


def test_a_result_says_first_last_and_worst() -> None:
    worst = Extreme("Creatinin", "µmol/L", 0, 168, 142, 182, datetime(2026, 11, 24, 1, tzinfo=UTC), 1, 7)
    assert result_line(worst) == "Creatinin: 168 → 142 µmol/L, cao nhất 182 (24/11)"
    only = Extreme("Troponin T", "ng/L", 1, 34, 34, 34, datetime(2026, 11, 23, 1, tzinfo=UTC), 1, 1)
    assert result_line(only) == "Troponin T: 34,0 ng/L (23/11)"


def test_a_narrative_becomes_lines() -> None:
    assert lines('<div xmlns="x"><p>Đỡ &lt; hôm qua</p><p> </p><p>Ăn được</p></div>') == "Đỡ < hôm qua\nĂn được"
