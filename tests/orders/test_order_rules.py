"""What is true of orders and allergies: no I/O."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from longbien.base import clock
from longbien.base.words import words
from longbien.demo import orderables
from longbien.fhir import systems as s
from longbien.fhir.validate import validate
from longbien.orders import actions, allergy, rules
from longbien.orders import compose as c
from longbien.orders import definitions as d
from longbien.orders.index import Index

NOW = datetime(2026, 12, 31, 23, 50, tzinfo=clock.HANOI)
W = words("en")


@pytest.fixture(scope="module")
def index() -> Index:
    return Index([i for r in orderables.orderables() if (i := d.read(r))])


def context(**more: Any) -> c.Context:
    return c.Context("p1", NOW, **{"encounter": "e1", "practitioner": "d1", "name": "BS. Minh", **more})


def drug(index: Index, code: str) -> dict[str, Any]:
    item = index.by_code["drug", code]
    return c.compose(c.first_line("a", item, context(inpatient=True)), item, context(inpatient=True), "x-1")


def reacts(text: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance", "id": "a1", "code": {"text": text}, "criticality": "high",
        "verificationStatus": {"coding": [{"system": s.ALLERGY_VERIFICATION, "code": "confirmed"}]}, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reacted_to", "ordered", "level"),
    [
        ("Penicillin", "amox500", "stop"),  # the same class
        ("Dị ứng amoxicilin", "amox500", "stop"),  # the same substance
        ("Penicillin", "ceftri1", "warn"),  # another side chain of the family
        ("Penicillin", "mero1", "note"),
        ("Penicillin", "para500", None),
        ("Aspirin", "ibu400", "stop"),  # cross-intolerance of COX-1 inhibitors
        ("Aspirin", "para500", "note"),
        ("Tôm", "amox500", None),
        ("Allopurinol", "allo300", "stop"),
        ("Co-trimoxazole", "furo40", "note"),  # no meaningful cross-reaction, said quietly
        ("Ciprofloxacin", "levo500", "stop"),
    ],
)
def test_a_recorded_allergy_meets_a_drug(index: Index, reacted_to: str, ordered: str, level: str | None) -> None:
    if ("drug", ordered) not in index.by_code:
        pytest.skip(f"no {ordered} in the table")
    found = allergy.check(drug(index, ordered), [reacts(reacted_to)])
    assert (found[0].level if found else None) == level


def test_an_unconfirmed_mild_reaction_does_not_stop(index: Index) -> None:
    unsure = {"coding": [{"system": s.ALLERGY_VERIFICATION, "code": "unconfirmed"}]}
    found = allergy.check(drug(index, "amox500"), [reacts("Penicillin", criticality="low", verificationStatus=unsure)])
    assert [m.level for m in found] == ["warn"]


def test_a_refuted_or_resolved_allergy_says_nothing(index: Index) -> None:
    refuted = {"coding": [{"code": "refuted"}]}
    assert allergy.check(drug(index, "amox500"), [reacts("Penicillin", verificationStatus=refuted)]) == []
    assert allergy.check(drug(index, "amox500"), [reacts("Penicillin", clinicalStatus={"coding": [{"code": "resolved"}]})]) == []


def test_an_allergy_by_its_atc_code_is_known_without_words(index: Index) -> None:
    coded = reacts("", code={"coding": [{"system": s.ATC, "code": "J01CA04"}]})
    assert allergy.check(drug(index, "amox500"), [coded])[0].same


def test_contrast_meets_an_imaging_order_only_with_contrast() -> None:
    known = [reacts("Thuốc cản quang")]
    with_it = {"resourceType": "ServiceRequest", "code": {"text": "Chụp CLVT sọ não có tiêm thuốc cản quang"}}
    without = {"resourceType": "ServiceRequest", "code": {"text": "Chụp CLVT sọ não không tiêm thuốc cản quang"}}
    assert [m.level for m in allergy.check(with_it, known)] == ["stop"]
    assert allergy.check(without, known) == []


def test_an_allergy_that_nobody_knows_is_not_passed_over() -> None:
    assert allergy.unrecognised([reacts("Thuốc nam lá đắng")])
    assert allergy.unrecognised([reacts("Penicillin")]) == []
    assert allergy.unrecognised([reacts("Tôm", category=["food"])]) == []


# ---- lines and requests


def test_enter_takes_the_usual_dose_and_it_is_valid_fhir(index: Index) -> None:
    item = index.by_code["drug", "para500"]
    line = c.first_line("a", item, context())
    assert (line.dose, line.times, line.days) == ("500", "4", "7")
    made = c.compose(line, item, context(requisition="261231000001"), "once-1")
    assert [i.text for i in validate(made) if i.severity == "error"] == []
    assert made["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] == 500
    assert made["dispenseRequest"]["quantity"] == {"value": 28, "unit": "viên"}
    assert made["dispenseRequest"]["validityPeriod"]["end"].startswith("2027-01-07")  # over the end of the year
    assert made["groupIdentifier"]["value"] == "261231000001"


def test_every_orderable_makes_valid_fhir(index: Index) -> None:
    wrong = []
    for item in index.items:
        line = c.first_line("a", item, context(inpatient=True))
        made = c.compose(line, item, context(inpatient=True), "once-1", "261231000002")
        wrong += [(item.id, i.text) for i in validate(made) if i.severity == "error"]
    assert wrong == []


def test_a_childs_dose_is_never_the_adults(index: Index) -> None:
    item = index.by_code["drug", "para500"]
    line = c.first_line("a", item, context(child=True))
    assert (line.dose, line.text) == ("", "")
    assert c.wrong(line, item, context(child=True), W) == {"dose": "A child's dose: write it."}


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [("dose", "0,5", True), ("dose", "0.5", True), ("dose", "nhiều", False), ("dose", "-1", False), ("dose", "NaN", False),
     ("times", "25", False), ("times", "x", False), ("days", "0", False), ("days", "91", False), ("days", "", False)],
)  # fmt: skip
def test_fields_are_asked_back_when_they_cannot_be(index: Index, field: str, value: str, right: bool) -> None:
    item = index.by_code["drug", "para500"]
    line = c.first_line("a", item, context())
    setattr(line, field, value)
    assert (field not in c.wrong(line, item, context(), W)) is right


def test_changed_numbers_never_stand_beside_the_old_sentence(index: Index) -> None:
    item = index.by_code["drug", "para500"]
    line = c.first_line("a", item, context())
    line.dose = "1000"
    assert c.instruction(line, item) == "1000 mg/lần, 4 lần/ngày, uống"
    line.text = "khi sốt trên 38,5"
    assert c.instruction(line, item) == "khi sốt trên 38,5"


def test_tablets_are_counted_up_to_whole_ones(index: Index) -> None:
    item = index.by_code["drug", "amlo5"]
    assert c.handed_out(c.Line("a", item.id, dose="2,5", times="1", days="7"), item) == 4
    combined = index.by_id["cd-drug-imipe"]
    assert c.handed_out(c.Line("a", combined.id, dose="500", times="4", days="7"), combined) == 0  # the strength does not say


def test_decimals_keep_what_was_typed() -> None:
    assert c.number("2,50") == Decimal("2.50")
    assert c.number("Infinity") is None


# ---- there already


def order(code: str, status: str = "active", hours: float = 2, id_: str = "o1") -> dict[str, Any]:
    at = clock.instant(NOW - timedelta(hours=hours))
    coding = [{"system": s.LAB, "code": code}]
    return {"resourceType": "ServiceRequest", "id": id_, "status": status, "code": {"coding": coding}, "authoredOn": at}


def test_what_is_ordered_and_open_is_said() -> None:
    said = rules.duplicates([order("K", id_="new")], [order("K")], [], NOW, W, "en")
    assert [v.level for v in said] == ["warn"]
    assert "not done yet" in said[0].text
    assert rules.duplicates([order("K", id_="new")], [order("K", status="completed"), order("NA")], [], NOW, W) == []


def test_a_result_of_the_last_day_is_shown_and_an_older_one_is_not() -> None:
    def result(hours: float) -> dict[str, Any]:
        at = clock.instant(NOW - timedelta(hours=hours))
        return {"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": s.LAB, "code": "K"}]},
                "effectiveDateTime": at, "valueQuantity": {"value": Decimal("6.2"), "unit": "mmol/L"}}  # fmt: skip

    said = rules.duplicates([order("K", id_="new")], [], [result(18)], NOW, words("vi"))
    assert said[0].level == "note"
    assert "6,2 mmol/L" in said[0].text
    assert rules.duplicates([order("K", id_="new")], [], [result(25)], NOW, W) == []


def test_the_same_twice_in_one_order_is_said_once() -> None:
    said = rules.duplicates([order("K", id_="a"), order("K", id_="b")], [], [], NOW, W)
    assert [v.about for v in said] == [1]


# ---- from ordered to done


def about(type_: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": type_, "id": "r1", **more}


@pytest.mark.parametrize(
    ("found", "key"),
    [
        ([], "ordered"),
        ([about("Specimen", status="available", collection={"collectedDateTime": "2026-12-31T22:00:00+07:00"})], "taken"),
        ([about("Specimen", status="unsatisfactory")], "ordered"),
        ([about("ImagingStudy", status="available", started="2026-12-31T22:00:00+07:00")], "reading"),
        ([about("DiagnosticReport", status="preliminary"), about("Specimen")], "part"),
        ([about("DiagnosticReport", status="final", issued="2026-12-31T23:00:00+07:00"), about("Specimen")], "result"),
        ([about("DiagnosticReport", status="entered-in-error")], "ordered"),
        ([about("Procedure", status="completed")], "done"),
        ([about("Task", status="accepted")], "accepted"),
    ],
)
def test_how_far_an_order_has_come(found: list[dict[str, Any]], key: str) -> None:
    assert rules.stage(order("K"), found).key == key


def test_what_is_over_is_over() -> None:
    assert rules.stage(order("K", "revoked"), []).key == "cancelled"
    assert rules.stage(order("K", "completed"), []).finished
    assert rules.stage(order("K", "entered-in-error"), []).key == "error"


def test_the_last_prescription_is_the_newest_group() -> None:
    def one(id_: str, at: str, group: str) -> dict[str, Any]:
        return {"resourceType": "MedicationRequest", "id": id_, "status": "active", "authoredOn": at,
                "groupIdentifier": {"value": group}}  # fmt: skip

    old, a, b = one("1", "2026-10-01T08:00:00Z", "x"), one("2", "2026-11-01T08:00:00Z", "y"), one("3", "2026-11-01T08:00:00Z", "y")
    assert [r["id"] for r in actions.last_prescription([old, a, b])] == ["2", "3"]
    assert actions.last_prescription([]) == []
