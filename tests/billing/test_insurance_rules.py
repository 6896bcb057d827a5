"""The insurance's rules, each by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from longbien.base.words import words
from longbien.billing.rules import facts, tables
from longbien.billing.rules.audit import judged
from longbien.billing.rules.checks import CHECKS, check
from longbien.billing.rules.facts import Case, Order, Result, Span, Staff, Step
from longbien.fhir import systems as s

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)


def drug(atc: str, **more: Any) -> Order:
    return replace(Order("0", "drug", frozenset({(s.ATC, atc), (s.DRUG, "x")}), "Thuốc", NOW, "nv-1"), **more)


def lab(code: str, **more: Any) -> Order:
    return replace(Order("0", "service", frozenset({(s.LAB, code)}), "Xét nghiệm", NOW, "nv-1"), **more)


def codes(case: Case) -> list[str]:
    return [f.rule.code for f in check(tables.running(date(2026, 11, 30), "order"), case)]


def test_every_kind_of_the_table_is_checked_and_every_text_can_be_said() -> None:
    assert {r.kind for r in tables.table()} <= set(CHECKS)
    for rule in tables.table():
        assert rule.vi and rule.en and rule.source and rule.sure in ("high", "medium", "low")
        assert not rule.example or "xample" in rule.source


@pytest.mark.parametrize(("icd", "want"), [("M17.1", []), ("I10", ["IND-01"]), ("", ["DX-01"])])
def test_glucosamine_only_for_the_knee(icd: str, want: list[str]) -> None:
    assert codes(Case([drug("M01AX05")], diagnoses=frozenset({icd} if icd else ()))) == want


def test_a_diagnosis_written_with_the_order_counts() -> None:
    assert codes(Case([drug("M01AX05", reasons=frozenset({"M17.0"}))])) == []


@pytest.mark.parametrize(
    ("value", "ago", "want"), [("24", 1, []), ("25", 1, []), ("26", 1, ["RES-01"]), ("20", 4, ["RES-01"]), (None, 1, ["RES-01"])]
)
def test_albumin_needs_a_low_result_of_the_last_days(value: str | None, ago: int, want: list[str]) -> None:
    there = [Result(frozenset({(s.LOINC, "1751-7")}), D(value), NOW - timedelta(days=ago))] if value else []
    assert codes(Case([drug("B05AA01")], diagnoses=frozenset({"K74.6"}), results=there)) == want


@pytest.mark.parametrize(
    ("icd", "days", "want"), [("J02", 30, []), ("J02", 31, ["DUR-01"]), ("I10", 90, []), ("I10", 91, ["DUR-01"])]
)
def test_how_long_a_prescription_may_be(icd: str, days: int, want: list[str]) -> None:
    long = drug("C08CA01", days=days, community=True)
    assert codes(Case([long], diagnoses=frozenset({icd}))) == want
    assert codes(Case([replace(long, community=False)], diagnoses=frozenset({icd}))) == []


@pytest.mark.parametrize(
    ("code", "ago", "want"), [("HBA1C", 30, ["DUP-01"]), ("HBA1C", 90, []), ("CT01", 6, ["DUP-03"]), ("CBC", 1, [])]
)
def test_the_same_within_a_period(code: str, ago: int, want: list[str]) -> None:
    before = lab(code, ref="ServiceRequest/old", at=NOW - timedelta(days=ago))
    assert codes(Case([lab(code)], past=[before])) == want


def test_another_study_of_the_same_kind_is_no_repeat() -> None:
    assert codes(Case([lab("CT01")], past=[lab("CT02", ref="y", at=NOW - timedelta(days=1))])) == []


@pytest.mark.parametrize(("level", "want"), [("ban-dau", ["LVL-01", "APP-01"]), ("co-ban", ["APP-01"]), ("", ["APP-01"])])
def test_a_reserve_antibiotic_asks_for_level_and_consultation(level: str, want: list[str]) -> None:
    assert codes(Case([drug("J01DH02")], diagnoses=frozenset({"A41.9"}), level=level)) == want


def test_a_consultation_of_this_visit_approves_it() -> None:
    asked = Order("c", "consult", frozenset(), "Hội chẩn", NOW - timedelta(hours=1), encounter="v")
    case = Case([drug("J01DH02", encounter="v")], diagnoses=frozenset({"A41.9"}), past=[asked])
    assert codes(case) == []
    assert codes(replace(case, past=[replace(asked, encounter="another")])) == ["APP-01"]
    assert codes(replace(case, past=[replace(asked, at=NOW + timedelta(hours=1))])) == ["APP-01"]


def test_staff_without_a_licence_and_outside_their_hours() -> None:
    day = (frozenset({"mon"}), "07:00", "17:00")
    case = Case([lab("CBC")], staff={"nv-1": Staff("BS. An", "", (day,))})
    assert codes(case) == ["STF-01"]
    assert codes(replace(case, orders=[lab("CBC", at=NOW + timedelta(hours=10))])) == ["STF-01", "STF-02"]
    assert codes(replace(case, staff={"nv-1": Staff("BS. An", "000123")})) == []
    assert codes(replace(case, staff={})) == []


def whole(**more: Any) -> Case:
    base = Case([lab("CBC")], diagnoses=frozenset({"I10"}), begin=NOW - timedelta(hours=2), end=NOW + timedelta(hours=2), main="c1")
    return replace(base, **more)


def found(case: Case) -> list[str]:
    return [f.rule.code for f in judged(case)]


def test_a_visit_in_order_has_no_finding() -> None:
    step = Step("ServiceRequest/1", "CBC", NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=50))
    assert found(whole(steps=[step])) == []


def test_times_out_of_order_are_found_by_the_minute() -> None:
    early, late = NOW - timedelta(minutes=5), NOW + timedelta(minutes=5)
    assert found(whole(steps=[Step("r", "CBC", NOW, early, late)])) == ["SEQ-02"]
    assert found(whole(steps=[Step("r", "CBC", NOW, late, NOW)])) == ["SEQ-03"]
    assert found(whole(steps=[Step("r", "CBC", NOW, None, early)])) == ["SEQ-04"]
    assert found(whole(steps=[Step("r", "CBC", NOW.replace(second=50), NOW.replace(second=1), None)])) == []


def test_an_order_outside_the_visit_and_no_main_diagnosis() -> None:
    assert found(whole(main="", orders=[lab("CBC", at=NOW + timedelta(hours=3))])) == ["DX-02", "SEQ-01"]
    assert found(whole(main="", end=None)) == []


def test_two_beds_at_once() -> None:
    hour = timedelta(hours=1)
    one, two = Span("G1", NOW, NOW + 2 * hour), Span("G2", NOW + hour, None)
    assert found(whole(beds=[one, two])) == ["BED-01"]
    assert found(whole(beds=[replace(one, end=NOW + hour), two])) == []


def test_one_surgeon_at_two_tables() -> None:
    hour = timedelta(hours=1)
    mine = Span("Mổ ruột thừa", NOW, NOW + hour, "Procedure/1", ("bs-1",))
    other = Span("Mổ đẻ", NOW + hour / 2, NOW + 2 * hour, "Procedure/2", ("bs-1", "bs-2"))
    case = whole(operations=[mine], other_operations=[mine, other], staff={"bs-1": Staff("BS. Bình", "1")})
    hits = judged(case)
    assert [h.rule.code for h in hits] == ["OPS-01"]
    assert "BS. Bình" in hits[0].text(words("vi")) and "BS. Bình" in hits[0].text(words("en"))
    assert found(replace(case, other_operations=[mine, replace(other, who=("bs-2",))])) == []


def test_a_rule_counts_from_its_first_to_its_last_day() -> None:
    rule = replace(tables.by_code()["IND-01"], begins=date(2026, 1, 2), ends=date(2026, 1, 3))
    assert [rule.runs(date(2026, 1, d)) for d in (1, 2, 3, 4)] == [False, True, True, False]


def test_facts_are_read_from_resources() -> None:
    got = facts.order(
        {
            "resourceType": "MedicationRequest", "id": "m", "authoredOn": "2026-11-30T09:00:00+07:00",
            "category": [{"coding": [{"code": "community"}]}], "requester": {"reference": "Practitioner/nv-1"},
            "medicationCodeableConcept": {"coding": [{"system": s.ATC, "code": "M01AX05"}], "text": "Glucosamin"},
            "dispenseRequest": {"expectedSupplyDuration": {"value": 30, "code": "d"}},
            "reasonCode": [{"coding": [{"system": s.ICD10, "code": "M17"}]}],
        }
    )  # fmt: skip
    assert (got.ref, got.kind, got.name, got.at, got.who, got.days, got.community) == (
        "MedicationRequest/m", "drug", "Glucosamin", NOW, "nv-1", 30, True,
    )  # fmt: skip
    assert got.atc == {"M01AX05"} and got.reasons == {"M17"}
    assert (
        facts.icd(
            {"code": {"coding": [{"system": s.ICD10, "code": "I10"}]}, "verificationStatus": {"coding": [{"code": "refuted"}]}}
        )
        == set()
    )


def test_a_finding_names_what_it_is_about() -> None:
    hit = judged(whole(orders=[drug("C08CA01", name="Amlodipin 5 mg", days=91, community=True)]))[0]
    assert hit.sentence(words("vi")).startswith("Amlodipin 5 mg: Đơn ngoại trú 91 ngày")
