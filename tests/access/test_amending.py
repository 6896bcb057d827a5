"""What is added to an entry that a patient asks to correct: it says what is right and why, and nothing of what was goes."""

from __future__ import annotations

from typing import Any

import pytest

from longbien.access.rights.amending import AMENDABLE, Addendum, amended, title
from longbien.base import clock
from longbien.base.errors import Invalid
from longbien.fhir import validate

WHO = {"reference": "Practitioner/x", "display": "BS. Lê Hoàng Minh"}
PATIENT = {"reference": "Patient/p"}
CODE = {"text": "Tăng huyết áp"}
_STATE = "http://terminology.hl7.org/CodeSystem/"
ENTRIES: dict[str, dict[str, Any]] = {
    "Condition": {"subject": PATIENT, "code": CODE,
                  "clinicalStatus": {"coding": [{"system": _STATE + "condition-clinical", "code": "active"}]}},
    "AllergyIntolerance": {"patient": PATIENT, "code": CODE,
                           "clinicalStatus": {"coding": [{"system": _STATE + "allergyintolerance-clinical", "code": "active"}]}},
    "Observation": {"status": "final", "code": CODE, "subject": PATIENT, "note": [{"text": "đo khi nghỉ"}]},
    "Procedure": {"status": "completed", "code": CODE, "subject": PATIENT},
    "ClinicalImpression": {"status": "completed", "subject": PATIENT},
    "MedicationStatement": {"status": "active", "medicationCodeableConcept": CODE, "subject": PATIENT},
    "Immunization": {"status": "completed", "vaccineCode": CODE, "patient": PATIENT, "occurrenceDateTime": "2026-01-05"},
    "DiagnosticReport": {"status": "final", "code": CODE, "subject": PATIENT, "conclusion": "Bình thường."},
    "Composition": {"status": "final", "type": CODE, "subject": PATIENT, "date": "2026-01-05", "author": [WHO],
                    "title": "Tờ điều trị", "section": [{"title": "Khám", "text": {"status": "generated",
                                 "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Phổi trong</p></div>'}}]},
}  # fmt: skip


def entry(type_: str) -> dict[str, Any]:
    return {"resourceType": type_, "id": "x", **ENTRIES[type_]}


def more(*, wrong: bool = False, said: str = "Không dị ứng <b>penicillin</b>", reason: str = "Hỏi lại người bệnh") -> Addendum:
    return Addendum(said, reason, wrong, WHO)


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize("type_", AMENDABLE)
def test_each_kind_keeps_what_was_and_says_what_is_right_and_why(type_: str, wrong: bool) -> None:
    before = entry(type_)
    after = amended(before, more(wrong=wrong), clock.now())
    assert before == entry(type_), "the given one stays as it is"
    kept = {k: v for k, v in before.items() if k not in ("status", "note", "section", "conclusion", "clinicalStatus")}
    assert {k: after[k] for k in kept} == kept
    text = str(after)
    assert "Hỏi lại người bệnh" in text and all(str(n) in text for n in before.get("note", ()))
    assert before.get("conclusion", "") in text and str(before.get("section", "")).strip("[]") in text
    assert [i for i in validate.validate(after) if i.severity in ("error", "fatal")] == []
    with_status = after.get("status") or after.get("verificationStatus", {}).get("coding", [{}])[0].get("code")
    assert (with_status == "entered-in-error") is wrong
    if type_ in ("Observation", "DiagnosticReport", "Composition") and not wrong:
        assert after["status"] == "amended"


def test_what_is_typed_is_text_and_no_markup() -> None:
    div = amended(entry("Composition"), more(), clock.now())["section"][-1]["text"]["div"]
    assert "<b>" not in div and "&lt;b&gt;" in div


@pytest.mark.parametrize("said, reason", [("", "vì vậy"), ("đúng là", ""), ("x", "vì vậy"), ("a" * 2001, "vì vậy")])
def test_it_says_something_and_why(said: str, reason: str) -> None:
    with pytest.raises(Invalid):
        amended(entry("Condition"), more(said=said, reason=reason), clock.now())


def test_an_error_is_not_amended_and_other_kinds_are_not_amended_here() -> None:
    gone = amended(entry("Condition"), more(wrong=True), clock.now())
    for one in (gone, {"resourceType": "Patient", "id": "x"}, {"resourceType": "Consent", "id": "x", "status": "active"}):
        with pytest.raises(Invalid):
            amended(one, more(), clock.now())


def test_an_entry_is_called_what_the_record_calls_it() -> None:
    assert title(entry("Condition")) == "Tăng huyết áp" and title(entry("Composition")) == "Tờ điều trị"
    assert title({"resourceType": "ClinicalImpression"}) == "ClinicalImpression"
