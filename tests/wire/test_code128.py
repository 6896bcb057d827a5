"""Code 128: what is drawn is read back, by our own reader of bars and by an independent one (zxing)."""

from __future__ import annotations

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from longbien.base.errors import Invalid
from longbien.wire import code128

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)


def _drawn(text: str) -> Image.Image:
    """The bars three pixels a module, with their quiet zones."""
    scale, height = 3, 60
    image = Image.new("L", ((code128.width(text) + 2 * code128.QUIET) * scale, height), 255)
    for left, width in code128.bars(text):
        x = (left + code128.QUIET) * scale
        image.paste(0, (x, 0, x + width * scale, height))
    return image


def test_the_standards_own_example_of_a_check_digit() -> None:
    # ISO/IEC 15417, as every textbook shows it: "PJJ123C" in code set A has check digit 54; in B the start is one higher: 55
    assert code128.symbols("PJJ123C")[-2] == (104 + sum(n * v for n, v in enumerate((48, 42, 42, 17, 18, 19, 35), 1))) % 103


@pytest.mark.parametrize(
    "text", ["12", "1234", "BN0012345", "SN261123000017", "A1", "0123456789", "AB-1234567-C", "a b~!", "123456A12345678"]
)
def test_an_independent_reader_reads_what_is_drawn(text: str) -> None:
    found = zxingcpp.read_barcode(_drawn(text))
    assert found is not None and found.text == text
    assert found.format == zxingcpp.BarcodeFormat.Code128


def test_pairs_of_digits_take_one_symbol() -> None:
    assert len(code128.symbols("0123456789")) == 1 + 5 + 2


@given(PRINTABLE)
def test_every_text_comes_back(text: str) -> None:
    assert code128.read(code128.modules(text)) == text


@given(PRINTABLE, st.integers(1, 5))
def test_two_symbols_swapped_are_refused(text: str, at: int) -> None:
    widths = list(code128.modules(text))
    a, b = slice(6, 12), slice(6 + 6 * at, 12 + 6 * at)
    if b.stop > len(widths) - 13 or widths[a] == widths[b]:
        return
    widths[a], widths[b] = widths[b], widths[a]
    with pytest.raises(Invalid):
        code128.read(widths)


@pytest.mark.parametrize("text", ["", "Đinh", "x" * 81, "a\n"])
def test_what_it_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        code128.symbols(text)


@pytest.mark.parametrize("widths", [(), (1, 2, 3), (1,) * 19, (2,) * 25])
def test_what_is_no_code_is_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(Invalid):
        code128.read(widths)
