"""Fluids by shift, recurring tasks, the treatment sheet, the score's reasons: by their rules."""

# ruff: noqa: E501 - cases stand in one line each

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from longbien.base import clock
from longbien.base.words import words
from longbien.ward import care, charting, fluids, signs
from longbien.ward.early import early, score
from longbien.web.entries import Writer
from longbien.web.forms.scores import SYSTEM

BY = {"reference": "Practitioner/ha", "display": "ĐD. Hà"}
W = words("vi")


def at(hour: int, minute: int = 0, day: int = 24, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=clock.HANOI)


def fluid(code: str, ml: int, when: datetime) -> dict[str, Any]:
    return fluids.observation(code, Decimal(ml), when, when, "p", "e", BY, f"{code}{when:%d%H%M}")


def test_fluids_are_summed_by_shift_and_by_a_day_that_begins_at_six() -> None:
    found = fluids.entries([
        fluid("in-oral", 200, at(5, 59)), fluid("in-oral", 300, at(6)), fluid("out-urine", 500, at(13, 59)), fluid("in-iv", 500, at(14)),
        fluid("out-urine", 250, at(2, day=25)),
    ])  # fmt: skip
    shifts, day, before = fluids.sums(found, at(3, day=25))
    assert [(int(s.into), int(s.out)) for s in shifts] == [(300, 500), (500, 0), (0, 250)]
    assert (day.into, day.out, day.balance) == (800, 750, 50)
    assert before.into == 200


def test_a_fluid_of_new_years_night_belongs_to_the_old_years_last_shift() -> None:
    night = at(1, day=1, month=1, year=2027)
    assert fluids.shift(night) == at(22, day=31, month=12)
    shifts, _, _ = fluids.sums(fluids.entries([fluid("out-urine", 100, night)]), night)
    assert [int(s.out) for s in shifts] == [0, 0, 100]


def test_what_was_entered_in_error_is_not_summed() -> None:
    assert fluids.entries([fluid("in-oral", 200, at(7)) | {"status": "entered-in-error"}]) == []


@pytest.mark.parametrize(
    ("text", "hours"),
    [("Đo huyết áp mỗi 4 giờ", 4), ("Hút đờm 2 giờ/lần", 2), ("Ngày 3 lần", 8), ("every 6 hours", 6), ("mỗi giờ", 1), ("Nằm đầu cao", None),
     ("mỗi 0 giờ", None), ("ngày 0 lần", None)],
)  # fmt: skip
def test_how_often_an_order_in_words_comes_again(text: str, hours: float | None) -> None:
    assert care.every(text) == hours


def test_a_task_of_a_recurring_order_begets_the_next_in_the_future() -> None:
    order = care.nursing_order("Đo huyết áp mỗi 4 giờ", at(8), "p", "e", BY, "o")
    first = care.task("Đo huyết áp", at(12), at(8), "p", "e", BY, "t", "o")
    then = care.following(first, order, at(21, 30), "t2")
    assert then is not None and then["restriction"]["period"]["end"] == clock.instant(at(0, day=25))
    assert care.following(first, order | {"status": "completed"}, at(12), "t2") is None
    assert care.following(first, care.nursing_order("Nằm đầu cao", at(8), "p", "e", BY, "o"), at(12), "t2") is None


def test_a_colleague_joins_the_team_once_and_may_leave() -> None:
    team = care.joined(care.joined({"participant": []}, "Điều dưỡng", BY), "Điều dưỡng", BY)
    assert len(team["participant"]) == 1
    assert "participant" not in care.parted(team, BY["reference"])


def test_the_sheet_puts_orders_beside_the_note_of_the_same_hand_and_hour() -> None:
    note = care.sheet("Đỡ khó thở.", "", [], at(8), "p", "e", BY, "h", "n")
    near = care.nursing_order("Nằm đầu cao", at(8, 30), "p", "e", BY, "o1")
    far = care.nursing_order("Thay băng", at(10), "p", "e", BY, "o2")
    rows = care.sheets([note], [near, far], "vi")
    assert [(f"{x.at.astimezone(clock.HANOI):%H:%M}", bool(x.course), [o[0] for o in x.orders]) for x in rows] == [
        ("10:00", False, ["Thay băng"]), ("08:00", True, ["Nằm đầu cao"]),
    ]  # fmt: skip


def charted(when: datetime, **values: str) -> list[signs.Sign]:
    entry = charting.chart(values, Writer("p", "ha", "ĐD. Hà", "h", "e"), "x", when, W)
    assert entry.errors == {}
    return signs.of(entry.resources)


WELL = {
    "systolic": "120",
    "diastolic": "70",
    "pulse": "72",
    "temperature": "36,8",
    "breaths": "16",
    "spo2": "97",
    "oxygen": "0",
    "level": "A",
}


def test_a_well_patient_scores_nothing_and_is_seen_again_in_twelve_hours() -> None:
    found = early(charted(at(8), **WELL), 60, at(8), W)
    assert found is not None and (found.total, found.complete, found.level) == (0, True, "")
    assert found.next == at(20)


def test_a_high_score_says_why_the_gravest_first() -> None:
    found = early(charted(at(8), **WELL | {"breaths": "26", "pulse": "115", "spo2": "93", "oxygen": "2"}), 60, at(8), W)
    assert found is not None and (found.total, found.level) == (3 + 2 + 2 + 2, "crit")
    assert found.why[0].startswith("nhịp thở 26")
    assert found.next == at(8, 30)


def test_what_is_missing_is_named_and_the_sum_is_not_called_complete() -> None:
    found = early(charted(at(8), pulse="72"), 60, at(8), W)
    assert found is not None and not found.complete and "SpO₂" in found.missing


def test_yesterdays_values_and_children_have_no_score() -> None:
    assert early(charted(at(8), **WELL), 60, at(23), W) is None
    assert early(charted(at(8), **WELL), 9, at(8), W) is None


@pytest.mark.parametrize(
    ("field", "text"), [("oxygen", "90"), ("level", "X"), ("pulse", "1320"), ("taken", "25:00"), ("pain", "11")]
)
def test_a_slip_of_the_finger_is_asked_back_beside_its_field(field: str, text: str) -> None:
    entry = charting.chart({"pulse": "72", field: text}, Writer("p", encounter="e"), "x", at(8), W)
    assert field in entry.errors


@pytest.mark.parametrize(("hour", "slot"), [(6, 6), (7, 6), (9, 10), (23, 22), (1, 2)])
def test_the_round_of_signs_is_the_nearest_of_the_wards_hours(hour: int, slot: int) -> None:
    assert signs.slot(at(hour, 30)).hour == slot or signs.slot(at(hour)).hour == slot


def test_the_round_after_midnight_is_one_of_the_day_that_begins() -> None:
    assert signs.slot(at(0, 30)) == at(2)
    assert signs.slot(at(23, 59)) == at(22) + timedelta(0)


def test_a_childs_score_is_the_last_sheet_that_was_filled_in() -> None:
    def sheet(total: int, when: datetime) -> dict[str, Any]:
        return {"code": {"coding": [{"system": SYSTEM, "code": "pews"}]}, "effectiveDateTime": clock.instant(when),
                "valueQuantity": {"value": total}, "component": [{"code": {"text": "Hô hấp"}, "valueInteger": total}]}  # fmt: skip

    found = score([sheet(2, at(6)), sheet(4, at(8))], charted(at(8), **WELL), 9, at(9), W)
    assert found is not None and (found.name, found.total, found.level, found.why) == ("PEWS", 4, "crit", ("Hô hấp (+4)",))
    assert score([sheet(4, at(8))], [], 9, at(23), W) is None
    assert score([], charted(at(8), **WELL), 60, at(8), W) is not None
