"""What the forms mean: resources that the record accepts, and errors beside the fields."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from longbien.base.words import words
from longbien.fhir.validate import validate
from longbien.web import entries, terms
from longbien.web.entries import Entry, Writer

NOW = datetime(2026, 11, 23, 1, 12, tzinfo=UTC)
W = words("vi")
MINH = Writer("thuong", "bs-minh", "BS. Lê Hoàng Minh", "bv-sn", "stay")


def whole(entry: Entry) -> Entry:
    assert entry.errors == {} and entry.resources
    for r in entry.resources:
        assert [i for i in validate(r) if i.severity in ("error", "fatal")] == []
    return entry


def test_a_note_becomes_a_signed_composition_with_what_was_filled_in() -> None:
    (note,) = whole(entries.note({"subjective": "Đỡ <b> & đau\nngủ được", "plan": "x"}, MINH, "once", NOW, W)).resources
    assert [s["title"] for s in note["section"]] == ["Diễn biến", "Hướng xử trí"] and note["id"] == "once"
    assert "<p>Đỡ &lt;b&gt; &amp; đau</p><p>ngủ được</p>" in note["section"][0]["text"]["div"]
    assert entries.note({"plan": "  "}, MINH, "once", NOW, W).errors.keys() == {"subjective"}


def test_vital_signs_become_observations_and_pressure_one_panel() -> None:
    entry = whole(entries.vitals({"systolic": "118", "diastolic": "72", "temperature": "37,9"}, MINH, "once", NOW, W))
    by = {r["code"]["coding"][0]["code"]: r for r in entry.resources}
    assert str(by["8310-5"]["valueQuantity"]["value"]) == "37.9" and len(by["85354-9"]["component"]) == 2


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("temperature", "379", "Có phải 37,9?"),
        ("pulse", "9600", "Có phải 96?"),
        ("spo2", "abc", "Một con số"),
        ("weight", "-5", "Từ"),
    ],
)
def test_a_slip_of_the_finger_is_asked_back(field: str, typed: str, says: str) -> None:
    assert says in entries.vitals({field: typed}, MINH, "o", NOW, W).errors[field]


def test_pressure_needs_both_numbers_the_right_way_round() -> None:
    assert entries.vitals({"systolic": "120"}, MINH, "o", NOW, W).errors.keys() == {"diastolic"}
    assert entries.vitals({"systolic": "70", "diastolic": "120"}, MINH, "o", NOW, W).errors.keys() == {"diastolic"}
    assert entries.vitals({}, MINH, "o", NOW, W).errors.keys() == {"systolic"}


def test_a_moment_is_read_as_it_is_typed_and_never_lies_ahead() -> None:
    at = entries.taken("06:10", NOW)
    assert at is not None and f"{at:%d/%m %H:%M}" == "23/11 06:10"
    evening = entries.taken("22h15", NOW)
    assert evening is not None and f"{evening:%d/%m %H:%M}" == "22/11 22:15"
    assert (
        entries.taken("24/11 06:00", NOW) is None
        and entries.taken("99:99", NOW) is None
        and entries.taken("31/02 06:00", NOW) is None
    )


def test_an_allergy_and_a_problem_are_valid_and_ask_back_what_is_missing() -> None:
    given = {"substance": "Penicillin", "reaction": "phản vệ", "criticality": "high", "source": "confirmed", "onset": "2019"}
    (allergy,) = whole(entries.allergy(given, MINH, "once", NOW, W)).resources
    assert allergy["criticality"] == "high" and allergy["onsetDateTime"] == "2019"
    names = {t.code: t for t in terms.built_in()}
    (problem,) = whole(entries.problem({"code": "I10", "onset": "05/2019"}, MINH, "once", NOW, W, names)).resources
    assert problem["code"]["coding"][0]["code"] == "I10" and problem["onsetDateTime"] == "2019-05"
    assert entries.problem({"name": "cao ap"}, MINH, "o", NOW, W, names).errors["name"] == "Chọn một chẩn đoán trong danh sách."
    assert entries.allergy({"substance": "", "onset": "2090"}, MINH, "o", NOW, W).errors.keys() == {"substance", "onset"}


def test_an_acknowledgement_is_a_valid_completed_task() -> None:
    assert [i for i in validate(entries.acknowledgement("o1", MINH, "t1", NOW)) if i.severity == "error"] == []


@pytest.mark.parametrize("typed", ["tang huyet ap", "tăng huyết áp", "huyet tang ap", "I10", "i10"])
def test_a_diagnosis_is_found_as_it_is_typed(typed: str) -> None:
    assert "I10" in [t.code for t in terms.find(terms.built_in(), typed)][:3]


def test_nothing_is_found_for_nothing() -> None:
    assert terms.find(terms.built_in(), "  ") == [] and terms.find(terms.built_in(), "zzzzqq") == []
