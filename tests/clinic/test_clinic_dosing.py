# ruff: noqa: E501 - rows of what is typed and what it becomes
"""From what is typed in a line of a prescription to quantity and words, and back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from longbien.clinic import dosing
from longbien.clinic.dosing import Drug, Line, Taken
from longbien.clinic.formulary import each, unit

AMLODIPIN = Drug("amlo5", "Amlodipin 5 mg")
MORPHIN = Drug("morph10v", "Morphin 30 mg", control="narcotic")
SALBUTAMOL = Drug("salbu", "Salbutamol bình xịt", unit="bình", route="Hít")
DAY = date(2026, 11, 30)


def read(
    s: str = "", n: str = "", a: str = "", e: str = "", days: str = "30", quantity: str = "", note: str = "", drug: Drug = AMLODIPIN
) -> dosing.Read:
    return dosing.read(Line(drug.code, drug.name, (s, n, a, e), days, quantity, note), drug)


def taken(*args: str, **more: str) -> Taken:
    found = read(*args, **more).taken
    assert found is not None
    return found


def test_one_in_the_morning_and_one_in_the_evening_for_thirty_days_are_sixty() -> None:
    assert taken("1", e="1").quantity == 60


def test_half_a_tablet_for_seven_days_is_four_whole_ones() -> None:
    assert taken("1/2", days="7").quantity == 4
    assert taken("0,5", days="7").quantity == 4
    assert taken("½", days="7").quantity == 4


def test_a_quantity_that_is_typed_wins_and_a_difference_is_told() -> None:
    line = taken("1", quantity="28")
    assert line.quantity == 28
    said = dosing.check([(AMLODIPIN, line)], "1965-01-01", DAY, weight=True, guardian=False)
    assert [s.level for s in said] == ["note"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("s", "một"),
        ("s", "51"),
        ("days", "0"),
        ("days", "91"),
        ("days", "x"),
        ("quantity", "-1"),
        ("quantity", "1,5"),
        ("quantity", "2001"),
    ],
)
def test_what_cannot_be_is_asked_back_at_its_field(field: str, value: str) -> None:
    wrong = read(**{"s": "1", **{field: value}}).errors
    assert set(wrong) == {"dose" if field == "s" else field}


def test_a_bottle_lasts_as_long_as_it_lasts_so_its_number_is_asked_for() -> None:
    assert "quantity" in read("2", drug=SALBUTAMOL).errors
    assert taken("2", quantity="1", drug=SALBUTAMOL).quantity == 1  # type: ignore[arg-type]


def test_nothing_said_of_how_it_is_taken_is_asked_back() -> None:
    assert "dose" in read(quantity="10").errors
    assert read(quantity="10", note="khi đau").errors == {}


def test_the_words_of_a_line() -> None:
    assert dosing.sig(taken("1", e="1"), AMLODIPIN, "sau ăn") == "Uống: sáng 1 viên, tối 1 viên, sau ăn"
    assert dosing.sig(taken("1/2"), AMLODIPIN) == "Uống: sáng 1/2 viên"
    assert dosing.sig(taken(quantity="10", note="uống 1 viên khi đau"), AMLODIPIN, "uống 1 viên khi đau") == "Uống 1 viên khi đau"


def test_quantities_below_ten_get_a_zero_and_narcotics_words() -> None:
    assert dosing.printed_quantity(Decimal(5), AMLODIPIN) == "05 viên"
    assert dosing.printed_quantity(Decimal(30), AMLODIPIN) == "30 viên"
    assert dosing.printed_quantity(Decimal(14), MORPHIN) == "Mười bốn viên"


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "Không"),
        (5, "Năm"),
        (10, "Mười"),
        (15, "Mười lăm"),
        (21, "Hai mươi mốt"),
        (25, "Hai mươi lăm"),
        (101, "Một trăm lẻ một"),
        (115, "Một trăm mười lăm"),
        (1005, "Một nghìn không trăm lẻ năm"),
        (2000, "Hai nghìn"),
    ],
)
def test_numbers_in_vietnamese_words(n: int, words: str) -> None:
    assert dosing.in_words(n) == words


def levels(drug: Drug, days: str) -> list[str]:
    return [s.level for s in dosing.check([(drug, taken("1", days=days))], "1965-01-01", DAY, weight=False, guardian=False)]


def test_more_than_thirty_days_warns_of_annex_vii_and_ninety_is_the_most() -> None:
    assert levels(AMLODIPIN, "30") == []
    assert levels(AMLODIPIN, "31") == ["warn"] == levels(AMLODIPIN, "90")
    assert "days" in read("1", days="91").errors


def test_a_narcotic_for_more_than_seven_days_warns() -> None:
    assert levels(MORPHIN, "7") == []
    assert levels(MORPHIN, "8") == ["warn"]


def test_a_child_under_72_months_needs_weight_and_who_brought_it() -> None:
    line = [(AMLODIPIN, taken("1", days="5"))]
    assert [s.level for s in dosing.check(line, "2022-01-01", DAY, weight=False, guardian=False)] == ["stop", "stop"]
    assert dosing.check(line, "2022-01-01", DAY, weight=True, guardian=True) == []
    assert dosing.check(line, "2020-11-30", DAY, weight=False, guardian=False) == []  # 72 months today


def test_a_drug_twice_is_stopped() -> None:
    line = (AMLODIPIN, taken("1"))
    assert [s.level for s in dosing.check([line, line], "1965-01-01", DAY, weight=True, guardian=True)] == ["stop"]


@pytest.mark.parametrize(("text", "cells", "note"), [
    ("Uống sáng 1 viên, tối 2 viên, sau ăn", ("1", "", "", "2"), "sau ăn"),
    ("Uống 1 viên/ngày, buổi tối", ("", "", "", "1"), ""),
    ("Uống 1 viên/lần, ngày 2 lần, sau ăn", ("1", "", "", "1"), "sau ăn"),
    ("Uống 1 viên/lần x 3 lần/ngày", ("1", "1", "", "1"), ""),
    ("Uống 1/2 viên/ngày", ("1/2", "", "", ""), ""),
    ("Uống 1 viên khi đau, cách nhau 6 giờ", ("", "", "", ""), "Uống 1 viên khi đau, cách nhau 6 giờ"),
])  # fmt: skip
def test_what_the_record_says_in_words_becomes_cells_or_stays_in_words(text: str, cells: tuple[str, ...], note: str) -> None:
    assert dosing.cells([{"text": text}], AMLODIPIN) == (cells, note)


def test_what_this_room_writes_is_read_back_as_it_was() -> None:
    from_record = [
        {"sequence": 1, "timing": {"repeat": {"when": ["MORN", "EVE"]}}, "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "viên"}}],
         "additionalInstruction": [{"text": "sau ăn"}]},
        {"sequence": 2, "timing": {"repeat": {"when": ["NOON"]}}, "doseAndRate": [{"doseQuantity": {"value": Decimal("0.5"), "unit": "viên"}}]},
    ]  # fmt: skip
    assert dosing.cells(from_record, AMLODIPIN) == (("1", "1/2", "", "1"), "sau ăn")


def test_the_unit_follows_from_the_form_and_a_usual_dose_from_the_strength() -> None:
    assert [unit(f) for f in ("Viên nén bao phim", "Gói uống", "Dung dịch tiêm", "Bình xịt định liều", "Thuốc nhỏ mắt", "Kem bôi da")] == [
        "viên", "gói", "ống", "bình", "lọ", "tuýp"]  # fmt: skip
    assert each(Decimal(1000), "mg", "Paracetamol 500 mg", "viên") == 2
    assert each(Decimal(10), "mg", "Perindopril 5 mg + 1,25 mg", "viên") == 1  # two strengths: nobody can say
    assert each(Decimal("2.5"), "mg", "Bisoprolol 5 mg", "viên") == Decimal("0.5")


def test_a_usual_dose_is_never_the_top_of_a_span() -> None:
    amox = Drug("amox500", "Amoxicilin 500 mg", usual="Uống 1-2 viên/lần x 2-3 lần/ngày", amount=Decimal(1), times=3)
    assert dosing.usual(amox) == (("1", "1", "", "1"), "")
    para = Drug("para500", "Paracetamol 500 mg", usual="Uống 1-2 viên/lần khi đau/sốt, tối đa 4 g/ngày", amount=Decimal(1), times=4)
    assert dosing.usual(para) == (("", "", "", ""), "Uống 1-2 viên/lần khi đau/sốt, tối đa 4 g/ngày")
    ceti = Drug("ceti10", "Cetirizin 10 mg", usual="Uống 1 viên x 1 lần/ngày, tối", amount=Decimal(1), times=1)
    assert dosing.usual(ceti) == (("", "", "", "1"), "")
    rabe = Drug("rabe20", "Rabeprazol 20 mg", usual="Uống 1 viên/ngày, trước ăn sáng 30 phút", amount=Decimal(1), times=1)
    assert dosing.usual(rabe) == (("1", "", "", ""), "trước ăn sáng 30 phút")
    assert dosing.usual(SALBUTAMOL)[0] == ("", "", "", "")


def test_methotrexate_by_the_day_is_stopped_and_by_the_week_in_words_is_not() -> None:
    mtx = Drug(
        "mtx25", "Methotrexat 2,5 mg", usual="Viêm khớp dạng thấp: 7,5-15 mg MỖI TUẦN MỘT LẦN, kèm acid folic", amount=Decimal(3)
    )
    daily = dosing.check([(mtx, taken("3", days="28"))], "1965-01-01", DAY, weight=True, guardian=True)
    assert [s.level for s in daily] == ["stop"]
    words = taken(quantity="12", note="Thứ Hai hằng tuần uống 3 viên", days="28")
    assert dosing.check([(mtx, words)], "1965-01-01", DAY, weight=True, guardian=True) == []
    assert dosing.usual(mtx)[0] == ("", "", "", "")
    alen = Drug("alen70", "Acid alendronic 70 mg", usual="Uống 1 viên/TUẦN, sáng đói", times=1)
    assert dosing.usual(alen)[0] == ("", "", "", "")
    told = {"text": alen.usual, "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}
    assert dosing.cells([told], alen)[0] == ("", "", "", "")
