"""JSON Patch: the examples of RFC 6902's appendix, and the faults that its text forbids."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from longbien.base.errors import Invalid
from longbien.fhir import json as fhir_json
from longbien.fhir.patch import PatchError, json_patch, settled


def op(op: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": op, "path": path} | {("from" if k == "origin" else k): v for k, v in more.items()}


GOOD: list[tuple[str, Any, list[dict[str, Any]], Any]] = [
    ("A.1 a member", {"foo": "bar"}, [op("add", "/baz", value="qux")], {"foo": "bar", "baz": "qux"}),
    ("A.2 an element", {"foo": ["bar", "baz"]}, [op("add", "/foo/1", value="qux")], {"foo": ["bar", "qux", "baz"]}),
    ("A.3 remove a member", {"baz": "qux", "foo": "bar"}, [op("remove", "/baz")], {"foo": "bar"}),
    ("A.4 remove an element", {"foo": [1, 2, 3]}, [op("remove", "/foo/1")], {"foo": [1, 3]}),
    ("A.5 replace", {"baz": "qux", "foo": "bar"}, [op("replace", "/baz", value="boo")], {"baz": "boo", "foo": "bar"}),
    ("A.6 move a value", {"foo": {"bar": 1}, "q": {}}, [op("move", "/q/t", origin="/foo/bar")], {"foo": {}, "q": {"t": 1}}),
    ("A.7 move an element", {"foo": ["all", "grass", "cows"]}, [op("move", "/foo/2", origin="/foo/1")],
     {"foo": ["all", "cows", "grass"]}),
    ("A.8 tests that hold", {"baz": "qux", "foo": ["a", 2, "c"]}, [op("test", "/baz", value="qux"), op("test", "/foo/1", value=2)],
     {"baz": "qux", "foo": ["a", 2, "c"]}),
    ("A.10 a nested member", {"foo": "bar"}, [op("add", "/child", value={"g": {}})], {"foo": "bar", "child": {"g": {}}}),
    ("A.11 unknown members of an operation", {}, [op("add", "/baz", value=1, xyz=123)], {"baz": 1}),
    ("A.14 escapes in order", {"/": 9, "~1": 10}, [op("test", "/~01", value=10)], {"/": 9, "~1": 10}),
    ("A.16 at the end", {"foo": ["bar"]}, [op("add", "/foo/-", value=["abc", "def"])], {"foo": ["bar", ["abc", "def"]]}),
    ("the root", {"foo": 1}, [op("add", "", value={"b": 1})], {"b": 1}),
    ("an empty name", {}, [op("add", "/", value=1)], {"": 1}),
    ("a digit as a name", {"a": 1}, [op("add", "/0", value=2)], {"a": 1, "0": 2}),
    ("add replaces", {"a": None}, [op("add", "/a", value=1)], {"a": 1}),
    ("a copy is another thing", {"a": {"x": 1}}, [op("copy", "/b", origin="/a"), op("add", "/b/x", value=2)],
     {"a": {"x": 1}, "b": {"x": 2}}),
    ("to where it is", {"a": 1}, [op("move", "/a", origin="/a")], {"a": 1}),
    ("objects have no order", {"a": {"x": 1, "y": [2]}}, [op("test", "/a", value={"y": [2], "x": 1})], {"a": {"x": 1, "y": [2]}}),
    ("numbers by value", {"a": Decimal("1.0")}, [op("test", "/a", value=1)], {"a": Decimal("1.0")}),
]  # fmt: skip

BAD: list[tuple[str, Any, Any, int]] = [
    ("A.9 a test that fails", {"baz": "qux"}, [op("test", "/baz", value="bar")], 422),
    ("A.12 no such holder", {"foo": "bar"}, [op("add", "/baz/bat", value="qux")], 422),
    ("A.15 text is no number", {"a": 10}, [op("test", "/a", value="10")], 422),
    ("true is not 1", {"a": True}, [op("test", "/a", value=1)], 422),
    ("beyond the list", {"a": [1, 2]}, [op("add", "/a/3", value=3)], 422),
    ("below the list", {"a": [1]}, [op("add", "/a/-1", value=3)], 422),
    ("1e0 is no index", {"a": [1, 2]}, [op("remove", "/a/1e0")], 422),
    ("01 is no index", {"a": [1, 2]}, [op("test", "/a/01", value=2)], 422),
    ("nothing after the last", {"a": [1]}, [op("remove", "/a/-")], 422),
    ("what is not there", {"a": 1}, [op("remove", "/b")], 422),
    ("what is not there", {"a": 1}, [op("replace", "/b", value=1)], 422),
    ("the root", {"a": 1}, [op("remove", "")], 422),
    ("no list", {"a": 1}, {"op": "add"}, 400),
    ("no object", {}, ["add"], 400),
    ("no such operation", {}, [op("spam", "/a")], 400),
    ("no value", {}, [op("add", "/a")], 400),
    ("no from", {}, [op("copy", "/a")], 400),
    ("no path", {}, [{"op": "remove"}], 400),
    ("no pointer", {}, [op("remove", "a")], 400),
    ("a bare ~", {}, [op("remove", "/a~b")], 400),
    ("a path that is a number", {}, [{"op": "remove", "path": 1}], 400),
    ("into itself", {"a": {"b": 1}}, [op("move", "/a/b/c", origin="/a")], 400),
]


@pytest.mark.parametrize(("name", "document", "patch", "expected"), GOOD, ids=[g[0] for g in GOOD])
def test_what_the_rfc_shows(name: str, document: Any, patch: list[Any], expected: Any) -> None:
    before = fhir_json.dumps({"x": document})
    assert json_patch.apply(document, patch) == expected
    assert fhir_json.dumps({"x": document}) == before, "the document given stays as it was"


@pytest.mark.parametrize(("name", "document", "patch", "status"), BAD, ids=[f"{b[0]} {n}" for n, b in enumerate(BAD)])
def test_what_is_wrong_is_named(name: str, document: Any, patch: Any, status: int) -> None:
    with pytest.raises(PatchError) as error:
        json_patch.apply(document, patch)
    assert error.value.status == status and error.value.issues[0].text
    if isinstance(patch, list):
        assert error.value.issues[0].expression.startswith("[0]")


def test_decimals_and_the_order_of_members_stay() -> None:
    document = fhir_json.loads('{"b":1.10,"a":{"z":2.500,"y":1},"c":[3.0]}')
    operations = fhir_json.parse('[{"op":"replace","path":"/a/z","value":2.50},{"op":"add","path":"/d","value":0}]')
    made = json_patch.apply(document, operations)
    assert fhir_json.dumps(made) == b'{"b":1.10,"a":{"z":2.50,"y":1},"c":[3.0],"d":0}'


def test_copies_of_copies_are_bounded() -> None:
    doubling = [op("copy", "/a/-", origin="/a")] * 60
    with pytest.raises(PatchError) as error:
        json_patch.apply({"a": [[1]]}, doubling)
    assert error.value.code == "too-costly"
    with pytest.raises(PatchError):
        json_patch.apply({}, [op("add", "/a", value=1)] * 5001)


def test_a_patch_leaves_the_same_resource_behind() -> None:
    before = {"resourceType": "Patient", "id": "1"}
    for after in ([], 1, {"resourceType": "Patient"}, {"resourceType": "Group", "id": "1"}):
        with pytest.raises(Invalid) as error:
            settled(before, after)
        assert error.value.status == 422


def test_a_narrative_made_from_data_goes_when_the_data_changes() -> None:
    text = {"status": "generated", "div": "<div/>"}
    before = {"resourceType": "Patient", "id": "1", "text": text, "gender": "male"}
    assert "text" not in settled(before, before | {"gender": "female"})
    assert settled(before, before | {"meta": {"tag": []}})["text"] == text
    new = {"status": "generated", "div": "<div>new</div>"}
    assert settled(before, before | {"gender": "female", "text": new})["text"] == new
    own = before | {"text": {"status": "additional", "div": "<div/>"}}
    with pytest.raises(PatchError):
        settled(own, own | {"gender": "female"})
