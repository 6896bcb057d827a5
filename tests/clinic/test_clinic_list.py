# ruff: noqa: E501 - rows of what is typed and what it becomes
"""Whose turn it is, what a form says, what is copied: pure parts of the clinic's pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from longbien.clinic import actions, forms, phrases, readings
from longbien.clinic.acts import fresh_vitals
from longbien.clinic.readings import Reading
from longbien.clinic.worklist import Row, line, waiting
from longbien.web.chart.record import Visit

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)


def row(ticket: str, minutes: int, state: str = "waiting") -> Row:
    came = NOW + timedelta(minutes=minutes)
    return Row(ticket, ticket, 1, ticket, "", came, "", "arrived", "", "", True, state, ticket, came)


def order(*rows: Row, recent: str = "") -> list[str]:
    return [r.ticket for r in line(rows, list(recent), NOW)]


def test_two_of_those_ahead_then_one_of_the_others() -> None:
    rows = [row("B01", -50), row("B02", -40), row("A01", -30), row("A02", -20), row("A03", -10)]
    assert order(*rows) == ["A01", "A02", "B01", "A03", "B02"]
    assert order(*rows, recent="AA") == ["B01", "A01", "A02", "B02", "A03"]


def test_who_is_early_for_an_appointment_stands_behind_everybody() -> None:
    assert order(row("C01", 30), row("B01", -5), row("C02", -20)) == ["C02", "B01", "C01"]


def test_without_numbers_the_order_is_that_of_coming() -> None:
    assert [r.name for r in line([row("", 5), row("", -5)], [], NOW)] == ["", ""]
    assert [r.state for r in waiting([row("B02", 0, "missed"), row("B01", 0)])] == ["waiting", "missed"]


def test_a_form_says_diagnoses_in_order_and_lines_by_their_number() -> None:
    typed = forms.read([
        ("reason", "  đau đầu "), ("dx", "I10"), ("dx", "E11.9?"), ("dx_more", "j45.9, I10, rác"),
        ("rx.1.code", "b"), ("rx.1.s", "1"), ("rx.0.code", "a"), ("rx.0.days", "7"), ("rx.2.name", "không mã"),
    ])  # fmt: skip
    assert typed.dx == [("I10", False), ("E11.9", True), ("J45.9", False)]
    assert [(x.code, x.doses[0], x.days) for x in typed.lines] == [("a", "", "7"), ("b", "1", "")]
    assert typed.texts == {"reason": "đau đầu"}
    again = forms.restored(typed.visit_json(), typed.lines_json())
    assert again == typed


def test_a_draft_that_cannot_be_read_is_an_empty_one() -> None:
    assert forms.restored("{", None) == forms.Typed() == forms.restored('{"texts": 3}', "[]")


def test_copied_vital_signs_are_those_of_today() -> None:
    before = "Tỉnh, HA 118/78 mmHg, mạch 71 lần/phút. Tim đều, T1 T2 rõ."
    assert fresh_vitals(before, "HA 152/88 mmHg, mạch 80 lần/phút") == "HA 152/88 mmHg, mạch 80 lần/phút.\nTỉnh. Tim đều, T1 T2 rõ."
    assert fresh_vitals(before, "") == "Tỉnh. Tim đều, T1 T2 rõ."  # another day's figures never stay


def test_a_template_fills_what_is_empty_and_adds_to_what_is_not() -> None:
    t = phrases.Phrase("template", "x", "T", "", {"exam": "Tim đều.", "plan": "Tiếp tục."})
    assert phrases.filled({"exam": "Phổi không ran."}, t) == {"exam": "Phổi không ran.\nTim đều.", "plan": "Tiếp tục."}
    assert phrases.filled({"exam": "Tim đều."}, t)["exam"] == "Tim đều."


def test_the_houses_templates_name_fields_that_there_are() -> None:
    for p in phrases.of_house("sn-tm"):
        assert p.content and (p.kind == "phrase" or set(p.content) <= set(phrases.FIELDS))
    assert phrases.of_house("sn-tm")[0].name.startswith("Tái khám")


def test_a_prescription_number_is_the_facility_seven_letters_and_the_kind() -> None:
    made = actions.prescription_number("01234", "once", "c")
    assert re.fullmatch(r"[0-9A-Za-z]{5}[0-9a-z]{7}-[cnhyCNHTY]", made) and made.startswith("01234")
    assert made == actions.prescription_number("01234", "once", "c") != actions.prescription_number("01234", "other", "c")


def request(id_: str, of: str, at: str, number: str = "", status: str = "active", category: str = "community") -> Reading:
    body = {
        "id": id_, "status": status, "authoredOn": at, "encounter": {"reference": f"Encounter/{of}"},
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category", "code": category}]}],
    }  # fmt: skip
    if number:
        body["groupIdentifier"] = {"system": readings.codes.PRESCRIPTION_NUMBER, "value": number}
    return Reading(body, 1)


def test_the_last_prescription_is_the_newest_of_another_visit() -> None:
    found = [
        request("now", "v3", "2026-11-30T09:00:00+07:00", "N3"),
        request("b1", "v2", "2026-10-28T09:00:00+07:00", "N2"),
        request("b2", "v2", "2026-10-28T09:00:00+07:00", "N2", "completed"),
        request("a", "v1", "2026-09-28T09:00:00+07:00", "N1"),
        request("ward", "v9", "2026-11-20T09:00:00+07:00", "", "active", "inpatient"),
    ]
    earlier = readings.before(found, "v3")
    assert earlier.whole and {r["id"] for r in earlier.requests} == {"b1", "b2"}
    assert [r.id for r in readings.own(found, "v3")] == ["now"]


def test_without_any_prescription_what_is_taken_at_home_is_repeated() -> None:
    found = [request("x", "v1", "2026-01-01"), request("old", "v1", "2025-01-01", status="completed")]
    earlier = readings.before(found, "v3")
    assert not earlier.whole and [r["id"] for r in earlier.requests] == ["x"]


def seen(at: datetime, status: str) -> Visit:
    return Visit("v", at, None, "AMB", status, "bv", "BV", "")


def test_who_came_before_midnight_is_not_lost_at_midnight_or_at_new_year() -> None:
    before = datetime(2026, 12, 31, 16, 40, tzinfo=UTC)  # 23:40 in Hanoi
    after = before + timedelta(minutes=40)
    assert readings.of_today(seen(before, "in-progress"), after) and readings.of_today(seen(before, "arrived"), after)
    assert not readings.of_today(seen(before, "finished"), after)
    assert not readings.of_today(seen(before, "in-progress"), after + timedelta(days=2))
    assert readings.of_today(seen(after, "planned"), after)
