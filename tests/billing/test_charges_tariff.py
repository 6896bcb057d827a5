"""The price list: in force on a day, and what a spreadsheet may bring."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longbien.base.errors import Invalid
from longbien.billing.charges import tariff_file
from longbien.billing.charges.tariff import Price, Tariff, definition, read
from longbien.fhir.validate import validate

OLD = Price("lab", "K", "Kali máu", "lần", "1", date(2025, 1, 1), Decimal(22_000), Decimal(22_000))
KNOWN = {("lab", "K"), ("lab", "NA"), ("imaging", "XQ")}
HEAD = "LOAI,MA,GIA,GIA_BHYT,TU_NGAY,DEN_NGAY\n"


def judged(text: str, *prices: Price) -> tariff_file.Judged:
    return tariff_file.judge(tariff_file.rows((HEAD + text).encode()), KNOWN, Tariff(prices or (OLD,)), "")


def faults(text: str, *prices: Price) -> list[tuple[int, str]]:
    return [(f.row, f.column) for f in judged(text, *prices).faults]


def test_the_price_of_the_day_is_the_one_that_began_last_and_the_facilitys_own_goes_before() -> None:
    new = replace(OLD, begins=date(2026, 7, 1), price=Decimal(25_000))
    own = replace(OLD, facility="bv-a", price=Decimal(30_000))
    t = Tariff([OLD, new, own])

    def at(facility: str, day: date) -> Decimal:
        found = t.price("lab", "K", facility, day)
        return found.price if found else Decimal(-1)

    assert at("bv-b", date(2026, 6, 30)) == 22_000 and at("bv-b", date(2026, 7, 1)) == 25_000
    assert at("bv-a", date(2026, 7, 1)) == 30_000 and at("bv-b", date(2024, 12, 31)) == -1
    ended = Tariff([replace(OLD, ends=date(2025, 12, 31))])
    assert ended.price("lab", "K", "", date(2026, 1, 1)) is None


@given(
    st.decimals(0, 10**9, places=3), st.decimals(0, 10**9, places=3), st.dates(date(2000, 1, 1), date(2099, 1, 1)),
    st.sampled_from(["", "bv-a"]), st.booleans(),
)  # fmt: skip
def test_a_price_comes_back_from_its_definition_as_it_went_in(
    price: Decimal, insured: Decimal, begins: date, facility: str, demo: bool
) -> None:
    p = replace(OLD, price=price, insured=insured, begins=begins, facility=facility, demo=demo, claim="01.1", source="QĐ 1")
    assert read(definition(p)) == p
    assert [i for i in validate(definition(p)) if i.severity == "error"] == []


def test_a_new_price_ends_the_one_before_on_the_day_before() -> None:
    found = judged("xn,K,25.000,25000,01/07/2026,\n")
    assert [(p.price, p.begins, p.name) for p in found.prices] == [(Decimal(25_000), date(2026, 7, 1), "Kali máu")]
    assert [(p.id, p.ends) for p in found.shortened] == [(OLD.id, date(2026, 6, 30))] and not found.faults


def test_what_is_in_force_already_changes_nothing() -> None:
    found = judged("lab,K,22000,22000,2025-01-01,\n")
    assert (found.prices, found.shortened, found.same, found.faults) == ([], [], 1, [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lab,NOPE,1,1,01/01/2026,\n", [(2, "code")]),
        ("lab,K,-5,,01/01/2026,\n", [(2, "price")]),
        ("lab,K,bốn mươi,,01/01/2026,\n", [(2, "price")]),
        ("lab,K,NaN,,01/01/2026,\n", [(2, "price")]),
        ("lab,K,1.0005,,01/01/2026,\n", [(2, "price")]),
        ("lab,K,1000,2000,01/01/2026,\n", [(2, "insured")]),
        ("lab,K,1000,,32/01/2026,\n", [(2, "begins")]),
        ("lab,K,1000,,01/02/2026,01/01/2026\n", [(2, "ends")]),
        ("xe,K,1000,,01/02/2026,\n", [(2, "kind")]),
        ("lab,,1000,,01/02/2026,\n", [(2, "code")]),
        ("lab,K,1000,,01/02/2026,\nlab,K,1100,,01/02/2026,\n", [(3, "code")]),
        ("lab,NA,1000,,01/02/2026,01/04/2026\nlab,NA,1100,,01/03/2026,\n", [(3, "begins")]),
        ("lab,K,1000,,01/01/2025,\n", [(2, "begins")]),  # the same day, another amount
        ("lab,K,1000,,01/01/2024,\n", [(2, "begins")]),  # would run into the one that began in 2025
    ],
)
def test_a_fault_names_its_row_and_column(text: str, found: list[tuple[int, str]]) -> None:
    assert faults(text) == found


def test_a_row_that_ends_before_the_next_begins_is_right() -> None:
    assert faults("lab,K,1000,,01/01/2024,31/12/2024\n") == []


def test_a_workbook_is_read_as_csv_is() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Loại", "Mã", "Giá", "Giá BHYT", "Từ ngày"])
    book.active.append(["xn", "K", 25000, 25000.5, date(2026, 7, 1)])
    kept = io.BytesIO()
    book.save(kept)
    ((n, cells),) = tariff_file.rows(kept.getvalue())
    assert (
        n == 2
        and tariff_file.money(cells["insured"]) == Decimal("25000.5")
        and tariff_file.day(cells["begins"]) == date(2026, 7, 1)
    )


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04 no zip", b"\xff\xfe\x00", b"a,b\n1,2\n", (HEAD + "lab,K,1,1,1,1\n" * 20_002).encode()]
)
def test_what_is_no_price_list_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(Invalid):
        tariff_file.rows(data)


@given(st.text(max_size=40))
def test_a_cell_is_an_amount_of_three_places_or_is_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert tariff_file.money(text) == round(tariff_file.money(text), 3)
    with contextlib.suppress(ValueError):
        assert isinstance(tariff_file.day(text), date)
