"""JSON in and out: exact numbers, and a clear complaint for what is not JSON."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longbien.base.errors import Invalid
from longbien.fhir import json


@pytest.mark.parametrize("number", ["1.10", "0.00", "1E-22", "-0.0", "12345678901234567890.123456789", "-7", "0"])
def test_numbers_keep_their_text(number):
    assert json.dumps(json.loads('{"a":' + number + "}")) == ('{"a":' + number + "}").encode()


def test_decimals_and_integers_are_told_apart():
    found = json.loads('{"a": 1.0, "b": 1, "c": 1e2, "d": true}')
    assert [type(v) for v in found.values()] == [Decimal, int, Decimal, bool]


def test_order_and_text_are_kept():
    text = '{"z":"Nguyễn \\\\u0000 \U0001f600","a":[1,{"b":null}]}'.encode()
    assert json.dumps(json.loads(text)) == text


def test_a_byte_order_mark_is_skipped():
    assert json.loads(b"\xef\xbb\xbf{}") == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b'{"a": NaN}', "line 1, column 7"),
        (b'{\n "a": 1,\n}', "trailing comma in object at line 3, column 1"),
        (b'{"a": "\xff"}', "invalid UTF-8 at line 1, column 8"),
        (b'{"a": "\xed\xa0\x80"}', "invalid UTF-8 at line 1, column 8"),
        (b'{"a":\n "\\ud800 and more"}', "surrogate pair at line 2"),
        ('{"é": "\ud800"}', "surrogate is not a character at line 1, column 8"),
        (b'{"a": "b\\u0000"}', "NUL is not allowed at line 1, column 9"),
        (b'{"a\\u0000": 1}', "NUL is not allowed"),
        (b'{"a": "\x00"}', "line 1, column 8"),
        (b'{"a": [1', "ends too early"),
        (b"", "ends too early"),
        (b"{} {}", "trailing characters at line 1"),
        (b'{"a": 01}', "invalid number"),
        (b'{"a": 1e99999999999999999999}', "exponent out of range"),
        (b'{"a": ' + b"1" * 5000 + b"}", "out of range"),
        (b'{"a": 1, "b": {"a": 1, "c": 2, "\\u0061": 3}}', "'a' occurs twice in one object at line 1, column 32"),
        (b'{"x": "{\\"", "a": 1, "x": 1}', "'x' occurs twice"),
        (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", "more than 100 deep"),
        (b"[" * 100_000, "more than 100 deep"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
    ],
)
def test_what_is_no_json_is_refused_by_place(text, complaint):
    with pytest.raises(Invalid) as refused:
        json.loads(text)
    assert complaint in refused.value.text


def test_one_hundred_deep_is_allowed():
    assert json.parse(b"[" * 100 + b"]" * 100)


def test_one_name_in_many_objects_is_no_duplicate():
    assert json.loads(b'{"a": [{"b": 1.50}, {"b": "\\u00e9\\/"}], "b": 1}')


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), values))
def test_what_is_written_is_read_back_equal(value):
    written = json.dumps(value)
    if b"\\u0000" not in written:
        assert json.loads(written) == value


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.binary(max_size=40) | st.text(max_size=40))
def test_any_bytes_give_a_value_or_a_clear_refusal(data):
    try:
        assert isinstance(json.loads(data), dict)
    except Invalid as why:
        assert why.text
