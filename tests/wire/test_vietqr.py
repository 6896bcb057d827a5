"""VietQR against published vectors, a library of another hand, and itself. Vectors: EMVCo TLV of NAPAS 247; the first is NAPAS's
own sample as it stands in the libraries' tests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vietnam_qr_pay import QRPay

from longbien.base.errors import Invalid
from longbien.wire.vietqr import Transfer, build, crc, plain, read

VECTORS = [
    (
        Transfer("970403", "0011012345678", 180000, bill="NPS6869", purpose="thanh toan don hang"),
        "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA530370454061800005802VN"
        "62340107NPS68690819thanh toan don hang63042E2E",
    ),
    (
        Transfer("970436", "1234567890"),
        "00020101021138540010A00000072701240006970436011012345678900208QRIBFTTA53037045802VN6304BE57",
    ),
    (
        Transfer("970415", "113366668888", 350000, purpose="VP BN0001 KCB"),
        "00020101021238560010A0000007270126000697041501121133666688880208QRIBFTTA530370454063500005802VN"
        "62170813VP BN0001 KCB630488D4",
    ),
]


def test_the_check_sum_is_crc16_ccitt_false() -> None:
    assert crc("123456789") == "29B1"


@pytest.mark.parametrize(("transfer", "text"), VECTORS)
def test_the_published_vectors(transfer: Transfer, text: str) -> None:
    assert build(transfer) == text
    assert read(text) == transfer


@pytest.mark.parametrize(("transfer", "text"), VECTORS)
def test_another_library_reads_what_we_build(transfer: Transfer, text: str) -> None:
    theirs = QRPay(build(transfer))
    assert theirs.is_valid
    assert (theirs.consumer.bank_bin, theirs.consumer.bank_number) == (transfer.bin, transfer.account)
    assert (theirs.amount or None) == (str(transfer.amount) if transfer.amount else None)
    assert (theirs.additional_data.purpose or "") == transfer.purpose


def test_another_library_builds_the_same() -> None:
    theirs = QRPay.init_viet_qr(bank_bin="970415", bank_number="113366668888", amount="1284500", purpose="LB7K2M9QXT4A")
    assert theirs.build() == build(Transfer("970415", "113366668888", 1_284_500, purpose="LB7K2M9QXT4A"))


ASCII = st.characters(min_codepoint=32, max_codepoint=126)


def _of(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True, alphabet=ASCII)


_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=25)


@given(
    st.builds(
        Transfer, _of(r"[0-9]{6}"), _of(r"[0-9A-Za-z]{1,19}"), st.none() | st.integers(1, 10**13 - 1), _text, _text, _text, _text,
        st.booleans(),
    )
)  # fmt: skip
def test_what_is_built_is_read_back(transfer: Transfer) -> None:
    assert read(build(transfer)) == transfer


@given(st.integers(0, 120), st.characters(min_codepoint=48, max_codepoint=90))
def test_one_wrong_character_is_always_noticed(at: int, letter: str) -> None:
    text = VECTORS[2][1]
    at %= len(text)
    if text[at] == letter:
        return
    with pytest.raises(Invalid):
        read(text[:at] + letter + text[at + 1 :])


@given(st.text(max_size=200))
def test_junk_is_refused_and_never_a_fault(text: str) -> None:
    with pytest.raises(Invalid):
        read(text)


@pytest.mark.parametrize(
    "wrong",
    [
        Transfer("97041", "1"), Transfer("970415", ""), Transfer("970415", "1" * 20), Transfer("970415", "1", 0),
        Transfer("970415", "1", -5), Transfer("970415", "1", 10**13), Transfer("970415", "1", 5, purpose="tiền khám"),
        Transfer("970415", "1", 5, purpose="x" * 26),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(wrong: Transfer) -> None:
    with pytest.raises(Invalid):
        build(wrong)


def test_a_code_of_another_scheme_is_told_apart() -> None:
    text = VECTORS[1][1][:-4].replace("A000000727", "A000000999")
    with pytest.raises(Invalid, match="none of NAPAS"):
        read(text + crc(text))


def test_diacritics_fall_off() -> None:
    assert plain("Đỗ Khánh Linh, phường Ô Chợ Dừa") == "Do Khanh Linh, phuong O Cho Dua"
