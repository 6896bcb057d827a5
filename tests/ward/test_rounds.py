"""The drug round by its rules: what is due, late, missed; what may be given; what a scan answers."""

# ruff: noqa: E501 - resources stand as they are read

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from longbien.base import clock
from longbien.ward import rounds


def at(hour: int, minute: int = 0, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=clock.HANOI)


def an_order(id_: str = "o", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "id": id_, "status": "active", "intent": "order", "authoredOn": clock.instant(at(9, day=20)),
        "medicationCodeableConcept": {"coding": [{"system": "x", "code": "apix5"}, {"system": "atc", "code": "B01AF02"}], "text": "Apixaban"},
        "dosageInstruction": [{"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                               "doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg"}}]}], **more,
    }  # fmt: skip


def needed(**more: Any) -> dict[str, Any]:
    dosage = {"asNeededBoolean": True, "timing": {"repeat": {"frequency": 1, "period": 6, "periodUnit": "h"}},
              "doseAndRate": [{"doseQuantity": {"value": 500, "unit": "mg"}}], **more}  # fmt: skip
    return an_order("prn", dosageInstruction=[dosage])


STAY = {"id": "e"}
BY = {"reference": "Practitioner/ha", "display": "ĐD. Hà"}


def given(order: dict[str, Any], due: datetime | None, when: datetime, reason: str = "") -> dict[str, Any]:
    line = rounds.line(order, "vi")
    assert line is not None
    id_ = rounds.record_id(line.id, due) if due else f"x{when:%H%M}"
    return rounds.administration(line, STAY, "p", due, when, BY, id_=id_, reason=reason)


def states(now: datetime, *written: dict[str, Any], order: dict[str, Any] | None = None) -> dict[str, str]:
    low, high = now - timedelta(hours=24), now + timedelta(hours=24)
    lines = rounds.sheet([order or an_order()], written, low, high, now, "vi")
    return {f"{d.due:%d %H}": d.state for d in lines[0].doses}


@pytest.mark.parametrize(
    ("hour", "minute", "state"),
    [(6, 59, "later"), (7, 0, "soon"), (7, 29, "soon"), (7, 30, "due"), (8, 0, "due"), (8, 30, "due"), (8, 31, "late"), (11, 59, "late"),
     (12, 1, "missed")],
)  # fmt: skip
def test_a_dose_of_eight_through_the_morning(hour: int, minute: int, state: str) -> None:
    assert states(at(hour, minute))["24 08"] == state


def test_a_dose_is_missed_once_the_next_one_is_due() -> None:
    often = an_order(dosageInstruction=[{"timing": {"repeat": {"frequency": 1, "period": 2, "periodUnit": "h"}}}])
    assert states(at(10), order=often)["24 08"] == "missed"


def test_what_was_given_is_given_whenever_it_was() -> None:
    order = an_order()
    assert states(at(14), given(order, at(8), at(9, 15)))["24 08"] == "given"


def test_what_was_not_given_says_why() -> None:
    order = an_order()
    assert states(at(9), given(order, at(8), at(8, 5), "refused"))["24 08"] == "refused"
    assert states(at(9), given(order, at(8), at(8, 5), "fasting"))["24 08"] == "held"


def test_what_was_written_by_mistake_leaves_the_dose_open() -> None:
    wrong = given(an_order(), at(8), at(8, 5)) | {"status": "entered-in-error"}
    assert states(at(8, 10), wrong)["24 08"] == "due"


def test_the_night_dose_belongs_to_the_day_that_begins() -> None:
    six = an_order(dosageInstruction=[{"timing": {"repeat": {"frequency": 4, "period": 1, "periodUnit": "d"}}}])
    assert states(at(23, 40), order=six)["25 00"] == "due"


def test_an_urgent_order_is_due_when_it_is_written() -> None:
    now = at(9, 10)
    urgent = an_order(priority="stat", authoredOn=clock.instant(at(9, 5)))
    line = rounds.sheet([urgent], [], now - timedelta(hours=12), now + timedelta(hours=12), now, "vi")[0]
    assert [(f"{d.due:%H:%M}", d.state) for d in line.doses] == [("09:05", "due"), ("20:00", "later")]


def test_a_dose_may_be_given_an_hour_early_and_no_earlier() -> None:
    line = rounds.line(an_order(), "vi")
    assert line is not None
    assert rounds.may_give(line, at(8), at(7)) == ""
    assert rounds.may_give(line, at(8), at(6, 59)) == "too-early"


@pytest.mark.parametrize(("status", "why"), [("on-hold", "hold"), ("stopped", "ended"), ("completed", "ended"), ("active", "")])
def test_only_an_order_that_runs_is_given(status: str, why: str) -> None:
    line = rounds.line(an_order(status=status), "vi")
    assert line is not None and rounds.may_give(line, at(8), at(8)) == why


def test_as_needed_waits_for_its_interval_and_stops_at_the_most_of_a_day() -> None:
    order = needed(maxDosePerPeriod={"numerator": {"value": 1000, "unit": "mg"}, "denominator": {"value": 1, "unit": "d"}})
    line = rounds.sheet([order], [given(order, None, at(2, 40))], at(0), at(23), at(8), "vi")[0]
    assert rounds.may_give(line, None, at(8)) == "too-soon"
    assert rounds.may_give(line, None, at(8, 40)) == ""
    line = rounds.sheet([order], [given(order, None, at(2, 40)), given(order, None, at(9))], at(0), at(23), at(16), "vi")[0]
    assert rounds.may_give(line, None, at(16)) == "too-much"
    assert rounds.may_give(line, None, at(2, 41, 25)) == ""


def test_one_dose_of_one_order_has_one_id() -> None:
    assert rounds.record_id("o", at(8)) == rounds.record_id("o", at(8).astimezone(None))
    assert len({rounds.record_id(o, at(h)) for o in ("o", "p") for h in (8, 20)}) == 4


@pytest.mark.parametrize(("code", "found"), [("apix5", True), ("B01AF02", True), ("b01af02", True), ("apix2", False), ("", False)])
def test_a_scanned_code_answers_by_the_orders_own_codes(code: str, found: bool) -> None:
    line = rounds.line(an_order(), "vi")
    assert line is not None and bool(rounds.scanned(code, [line])) == found
