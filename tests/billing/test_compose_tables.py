"""The claim's tables: no field of decision 3176 is forgotten, and each is written as the decision says. No fixtures."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from longbien.base.clock import HANOI
from longbien.billing.claims import compose
from longbien.billing.claims.compose import spell, xml2
from longbien.billing.claims.compose.case import Case
from longbien.billing.claims.compose.routes import route_code
from longbien.billing.lines import ZERO, Bill, Facility, Line, Share, Visit
from longbien.fhir import systems as s
from longbien.wire import claims_xml

DAY = date(2026, 11, 30)
AT = datetime(2026, 11, 30, 8, 15, tzinfo=HANOI)


@pytest.mark.parametrize("name", [f"XML{n}" for n in range(16)])
def test_every_field_is_made_or_said_not_to_be_known_with_the_reason(name: str) -> None:
    table = compose.TABLES[name]
    wanted = {f.name for f in claims_xml.fields(name, DAY)}
    assert set(table.fields) | set(table.unknown) == wanted
    assert not set(table.fields) & set(table.unknown)
    assert all(len(why) > 8 for why in table.unknown.values())


def test_moments_are_of_hanoi_and_what_is_not_known_is_zeros() -> None:
    assert spell.at("2026-11-30T01:15:00Z") == "202611300815"
    assert spell.at("1958-03-14") == "195803140000"
    assert spell.at("1958") == "195800000000"
    assert spell.at("") == spell.at("nonsense") == ""
    assert spell.day("2026-11-30T23:59:00+07:00") == "20261130"


def test_amounts_have_two_places_and_numbers_no_zeros_at_the_end() -> None:
    assert spell.money(Decimal("45000")) == "45000.00"
    assert spell.money(Decimal("0.005")) == "0.01"
    assert [spell.number(x) for x in ("1.500", "10", "0.12349", "x")] == ["1.5", "10", "0.123", ""]


def test_text_is_composed_and_holds_nothing_that_xml_cannot() -> None:
    assert spell.text("Vie\u0302m  phổi\x0b\x00", 9) == "Viêm phổi"
    assert spell.plain("<div><p>Sốt &lt; 38</p><p>Ho</p></div>") == "Sốt < 38\nHo"


@pytest.mark.parametrize(
    "words, code",
    [
        ("Uống", "1.01"),
        ("Tiêm/truyền tĩnh mạch", "2.15"),
        ("Tiêm dưới da", "2.02"),
        ("Dán da", "3.03"),
        ("Nhỏ mắt", "6.01"),
        ("?", ""),
    ],
)
def test_a_route_has_its_code(words: str, code: str) -> None:
    assert route_code(words) == code


# ---- the dose ----


def drug(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "id": "rx",
        "medicationCodeableConcept": {"coding": [{"system": s.DRUG, "code": "para500"}]},
        "dosageInstruction": [{
            "text": "Uống 2 viên/lần, ngày 2 lần", "route": {"text": "Uống"},
            "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "viên"}}],
        }],
        "dispenseRequest": {"expectedSupplyDuration": {"value": 5, "unit": "ngày"}},
    } | more  # fmt: skip


def share(**more: Any) -> Share:
    line = Line(
        "ci-1", AT, "4", "40.1", "Paracetamol 500 mg", "viên", Decimal(20), Decimal(1000), Decimal(1000), own="para500", **more
    )
    total = Decimal("20000.00")
    return Share(line, total, total, ZERO, Decimal("16000.00"), Decimal("4000.00"), ZERO, Decimal(80))


def case(klass: str = "AMB", *drugs: dict[str, Any], shares: tuple[Share, ...] = ()) -> Case:
    encounter = {
        "resourceType": "Encounter", "id": "e", "class": {"code": klass}, "status": "finished",
        "period": {"start": "2026-11-30T08:00:00+07:00", "end": "2026-11-30T09:00:00+07:00"},
    }  # fmt: skip
    visit = Visit("e", "SN1", AT, AT, "01" if klass == "AMB" else "03", Facility("99001", "co-ban"))
    bill = Bill(visit, shares, "9", ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, 0, ZERO)
    return Case(encounter, {"id": "p"}, {}, {"MedicationRequest": drugs}, bill=bill)


def test_a_dose_is_written_as_the_decision_writes_it() -> None:
    assert xml2.dose(case("AMB", drug()), share()) == "2 viên/lần * 2 lần/ngày * 5 ngày [4 viên/ngày]"
    assert xml2.dose(case("IMP", drug()), share()) == "2 viên/lần * 2 lần/ngày [4 viên/ngày]"


def test_a_dose_without_numbers_keeps_its_words_and_without_a_prescription_says_what_was_given() -> None:
    vague = drug(dosageInstruction=[{"text": "Bôi mỏng tối"}])
    assert xml2.dose(case("AMB", vague), share()) == "Bôi mỏng tối"
    assert xml2.dose(case("AMB"), share()) == "20 viên"


def test_what_was_taken_back_is_not_on_the_claim_and_the_sums_are_those_of_the_rows() -> None:
    back = replace(share().line, id="ci-2", quantity=Decimal(-20), reverses="ci-1")
    gone = replace(share(), line=back, total=-share().total)
    other = replace(share(), line=replace(share().line, id="ci-3"))
    made = compose.rows(case("AMB", drug(), shares=(share(), gone, other)))
    assert [r["THANH_TIEN_BV"] for r in made["XML2"]] == ["20000.00"] == [made["XML1"][0]["T_THUOC"]]
    assert made["XML1"][0]["T_BHTT"] == "16000.00" and made["XML1"][0]["T_BNCCT"] == "4000.00"
