"""XML against what others wrote: HL7's examples there and back, the XML cases of HL7's validator suite, and a converter of another
house (npm's `fhir`) that reads what we write and writes what we read."""

from __future__ import annotations

import itertools
import json as plain_json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from test_validator import cases_of, has_errors, lines, listed

from longbien.base.errors import Invalid
from longbien.fhir import json, xml

ROOT = Path(__file__).resolve().parents[2]
CONVERT = Path(__file__).parent / "node" / "convert.mjs"
EVERY = int(os.environ.get("LONGBIEN_XML_EVERY", "5"))
"""The other converter writes each n-th example (it takes 8 ms for one); 1: all."""


@pytest.fixture(scope="module")
def examples(shared: Path) -> list[dict]:
    return list(lines(shared / "data" / "fhir" / "r4-examples.ndjson.xz"))


def numbers_as_text(value: Any) -> Any:
    """1.10 and 1.1 differ, and 1 is not true."""
    if isinstance(value, dict):
        return {k: numbers_as_text(v) for k, v in value.items()}
    if isinstance(value, list):
        return [numbers_as_text(v) for v in value]
    return f"number {value}" if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def test_every_official_example_goes_to_xml_and_comes_back_equal_to_the_last_digit(examples: list[dict]) -> None:
    assert len(examples) == 2690
    for n, example in enumerate(examples):
        again = xml.loads(xml.dumps(example["resource"], pretty=bool(n % 2)))
        assert numbers_as_text(again) == numbers_as_text(example["resource"]), example["file"]


# -- the official validator's cases -----------------------------------------------------------------------------------


def verdict(case: dict) -> bool:
    try:
        return has_errors(xml.loads(case["content"].encode()), strict=True)
    except Invalid:
        return True


def test_the_official_validator_is_agreed_with_in_xml_too(shared: Path) -> None:
    found = cases_of(shared, ".xml")
    assert len(found) == 27
    differs = {c["name"] for c in found if verdict(c) != (c["errors"] > 0)}
    assert differs == listed("Cases in XML that are judged differently")


def test_of_all_cases_97_in_a_hundred_are_agreed_with(shared: Path) -> None:
    """JSON is compared case by case in test_validator.py."""
    cases = len(cases_of(shared, ".json")) + len(cases_of(shared, ".xml"))
    titles = ("Cases of the official suite that are judged differently", "Cases in XML that are judged differently")
    assert sum(len(listed(t)) for t in titles) <= 0.03 * cases


def test_every_case_in_xml_is_read_but_those_that_are_none(shared: Path) -> None:
    refused = {}
    for case in cases_of(shared, ".xml"):
        try:
            resource = xml.loads(case["content"].encode())
        except Invalid as why:
            refused[case["name"]] = why.text
        else:
            assert xml.loads(xml.dumps(resource)) == resource, case["name"]
    assert refused.keys() == {"xml-fail", "japanese-utf8-ok", "capabilitystatement-measure-processor"}
    for name in ("xml-fail", "japanese-utf8-ok"):
        assert "no text between elements" in refused[name]  # as HL7's says: Text should not be present
    assert "<identifier> is unknown" in refused["capabilitystatement-measure-processor"]


# -- another house's converter ----------------------------------------------------------------------------------------


def converted(asked: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    node = shutil.which("node")
    if node is None or not (ROOT / "node_modules" / "fhir").is_dir():
        pytest.skip("npm's `fhir` is not installed: make .venv/dev.stamp")
    said = "\n".join(plain_json.dumps(a) for a in asked)
    done = subprocess.run([node, CONVERT], input=said, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return [plain_json.loads(line) for line in done.stdout.splitlines()]


def as_they_see_it(value: Any) -> Any:
    """What their converter keeps apart: it gives decimals as text, the div without blanks between its tags and with its own
    way of writing attributes and entities, and empty lists beside `_member`."""
    if isinstance(value, dict):
        seen = {k: _bare(v) if k == "div" else as_they_see_it(v) for k, v in value.items()}
        return {k: v for k, v in seen.items() if v != []}
    if isinstance(value, list):
        return [as_they_see_it(v) for v in value]
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _bare(div: Any) -> str:
    """The words of a narrative, without markup."""
    text = re.sub(r"""<!--.*?-->|<(?:[^<>"']|"[^"]*"|'[^']*')*>""", "", div, flags=re.S)
    for entity, character in (("&#39;", "'"), ("&quot;", '"'), ("&gt;", ">"), ("&lt;", "<"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return re.sub(r"\s+", "", text)


def test_another_converter_reads_what_we_write(examples: list[dict]) -> None:
    answers = converted({"xml": xml.dumps(e["resource"]).decode()} for e in examples)
    assert len(answers) == len(examples)
    faults = {}
    for example, answer in zip(examples, answers, strict=True):
        if "fault" in answer:
            faults[example["file"]] = answer["fault"]
        else:
            assert as_they_see_it(answer["json"]) == as_they_see_it(example["resource"]), example["file"]
    # It knows no exponents.
    assert {f: text.rpartition(": ")[0] for f, text in faults.items()} == {
        "Observation-decimal.json": "Error: Value should be a decimal number but got"
    }


def test_we_read_what_another_converter_writes(examples: list[dict]) -> None:
    some = list(itertools.islice(examples, 0, None, EVERY))
    answers = converted({"json": plain_json.loads(json.dumps(e["resource"]))} for e in some)
    for example, answer in zip(some, answers, strict=True):
        try:
            found = xml.loads(answer["xml"].encode())
        except Invalid:
            # It leaves a less-than sign in a narrative's attribute as it is.
            assert example["file"] in ("StructureDefinition-Duration.json",), example["file"]
            continue
        assert _folded(found) == _folded(example["resource"]), example["file"]


def _folded(value: Any) -> Any:
    """Their attributes hold line ends and tabs as they are, which every XML reader takes as blanks; and their numbers went through
    JavaScript."""
    if isinstance(value, dict):
        return {k: _bare(v) if k == "div" else _folded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_folded(v) for v in value]
    if isinstance(value, str):
        return re.sub(r"\r\n|[\r\n\t]", " ", value)
    return float(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else value
