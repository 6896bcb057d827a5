"""Cards as a scanner types them. Forms of the texts: read alike by several independent readers (docs/words.md names the fields)."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longbien.wire import citizen_card, insurance_card, scan
from longbien.wire.citizen_card import CitizenCard
from longbien.wire.insurance_card import InsuranceCard

CITIZEN = "001158004471|012345678|Đinh Thị Lụa|17061958|Nữ|Số 5, Phường Vĩnh Tuy, Hà Nội|12112021"
NAME = "Đinh Thị Lụa".encode().hex()
INSURANCE = (
    f"HT3010123456789|{NAME}|17/06/1958|2|{'Phường Vĩnh Tuy'.encode().hex()}|01 - 003|01/01/2026|31/12/2026|01/01/2026|0100|-|4"
    "|01/01/2020|15e0c|$"
)


def test_a_citizen_card_of_seven_parts_is_read() -> None:
    card = scan.read(CITIZEN)
    assert card == CitizenCard(
        "001158004471", "012345678", "Đinh Thị Lụa", "1958-06-17", "female", "Số 5, Phường Vĩnh Tuy, Hà Nội", "2021-11-12", ()
    )


def test_a_citizen_card_of_eleven_parts_is_read_alike() -> None:
    assert scan.read(CITIZEN + "|Cha|Mẹ||x") == scan.read(CITIZEN)


def test_decomposed_letters_become_the_usual_ones() -> None:
    card = scan.read(unicodedata.normalize("NFD", CITIZEN))
    assert isinstance(card, CitizenCard) and card.name == "Đinh Thị Lụa"


@pytest.mark.parametrize(
    ("given_birth", "meant"),
    [("17061958", "1958-06-17"), ("00001958", "1958"), ("00061958", "1958-06"), ("1958", "1958"), ("31021958", None), ("", None)],
)  # fmt: skip
def test_a_birth_date_is_as_exact_as_the_card_knows_it(given_birth: str, meant: str | None) -> None:
    card = scan.read(CITIZEN.replace("17061958", given_birth))
    assert isinstance(card, CitizenCard) and card.birth == meant


def test_what_does_not_fit_is_a_doubt_and_no_refusal() -> None:
    card = scan.read(CITIZEN.replace("001158", "999063"))
    assert isinstance(card, CitizenCard) and len(card.doubts) == 3


@pytest.mark.parametrize("number", ["00115800447", "0011580044711", "00115800447x", "٠٠١١٥٨٠٠٤٤٧١", "999158004471", ""])
def test_a_number_that_cannot_be_is_said_so(number: str) -> None:
    assert citizen_card.check(number)


def test_an_insurance_card_is_read() -> None:
    assert scan.read(INSURANCE) == InsuranceCard(
        "HT3010123456789", "HT", 3, "0123456789", "Đinh Thị Lụa", "1958-06-17", "female", "Phường Vĩnh Tuy", "01003",
        date(2026, 1, 1), date(2026, 12, 31),
    )  # fmt: skip


def test_a_card_of_ten_digits_says_no_level() -> None:
    card = scan.read(INSURANCE.replace("HT3010123456789", "0123456789"))
    assert isinstance(card, InsuranceCard) and (card.object, card.level, card.social) == (None, None, "0123456789")


def test_an_insurance_number_is_shown_in_its_groups() -> None:
    assert insurance_card.grouped("HT3010123456789") == "HT 3 01 0123456789"


@pytest.mark.parametrize(
    "text",
    ["", "https://example.vn/?q=1", "||||||", "abc|d", INSURANCE[:-1], INSURANCE.replace(NAME, "xyz"), "1" * 5000, "a|" * 1500],
)
def test_rubbish_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"card|code|long|\."):
        scan.read(text)


@given(st.text(max_size=300) | st.lists(st.text(max_size=20), min_size=7, max_size=15).map("|".join))
def test_no_scan_is_more_than_a_card_or_a_refusal(text: str) -> None:
    for tried in (text, text + "$", "001158004471|" + text, "HT3010123456789|" + text + "|$"):
        try:
            scan.read(tried)
        except ValueError as why:
            assert str(why).endswith(".")
