"""The validator against HL7's own material: every official example, the official validator's cases, and Synthea's lives.

What we refuse or judge differently is listed in docs/validator.md with its reason; these tests hold that page to the truth."""

from __future__ import annotations

import itertools
import lzma
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from longbien.base.errors import Invalid
from longbien.fhir import definitions, json, path
from longbien.fhir.validate import validate
from longbien.fhir.validate.context import Context
from longbien.fhir.validate.rules import RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "validator.md"


def listed(title: str) -> set[str]:
    """The first column of the table under a heading of docs/validator.md."""
    section = PAGE.read_text("utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.M))


def lines(file: Path) -> Iterator[dict]:
    with lzma.open(file) as f:
        for line in f:
            yield json.loads(line)


@pytest.fixture(scope="module")
def examples(shared: Path) -> list[dict]:
    return list(lines(shared / "data" / "fhir" / "r4-examples.ndjson.xz"))


def cases_of(shared: Path, form: str) -> list[dict]:
    """The cases of the official suite in one form (.json, .xml)."""
    return [c for c in lines(shared / "data" / "fhir" / "validator-cases.ndjson.xz") if c["file"].endswith(form)]


@pytest.fixture(scope="module")
def cases(shared: Path) -> list[dict]:
    return cases_of(shared, ".json")


def has_errors(resource: dict, **options: bool) -> bool:
    return any(i.severity in ("error", "fatal") for i in validate(resource, **options))


def exact(value: object) -> object:
    """A value whose comparison sees the precision of numbers and the order of members: 1.10 is not 1.1."""
    if isinstance(value, dict):
        return [(k, exact(v)) for k, v in value.items()]
    if isinstance(value, list):
        return ["list", *map(exact, value)]
    return value.as_tuple() if isinstance(value, Decimal) else (type(value), value)


def test_every_official_example_comes_back_equal_to_the_last_digit(examples):
    assert len(examples) == 2690
    for example in examples:
        again = json.loads(json.dumps(example["resource"]))
        assert exact(again) == exact(example["resource"]), example["file"]


def test_every_official_example_is_accepted_but_those_at_fault(examples):
    refused = {e["file"] for e in examples if has_errors(e["resource"])}
    assert refused == listed("Official examples that are refused")


# What the suite's manifest sets for a case ("noHtmlInMarkdown"), and the shared data does not carry.
OPTIONS = {"bad-markdown-no-html": {"html": False}}


def verdict(case: dict) -> bool:
    """True: errors. Set as HL7's validator is by default: unknown extensions are refused, comments in JSON passed over."""
    try:
        return has_errors(json.loads(case["content"], comments=True), strict=True, **OPTIONS.get(case["name"], {}))
    except Invalid:
        return True


def test_the_official_validator_is_agreed_with(cases):
    assert len(cases) == 93
    differs = {c["name"] for c in cases if verdict(c) != (c["errors"] > 0)}
    assert differs == listed("Cases of the official suite that are judged differently")
    assert len(differs) <= 0.04 * len(cases)


def test_lives_of_synthea_have_no_error(shared):
    with lzma.open(shared / "data" / "patients" / "synthea-617.ndjson.xz") as f:
        for line in itertools.islice(f, 12):
            found = [i for i in validate(json.loads(line)) if i.severity in ("error", "fatal")]
            assert found == []


def test_rules_by_hand_say_what_their_fhirpath_says(examples):
    """On every element of every example, a hand-written rule and the published expression give the same verdict."""
    differs: dict[str, int] = {}
    met: set[str] = set()
    compiled = {}
    for example in examples:
        resource = example["resource"]
        if len(json.dumps(resource)) > 100_000:
            continue
        context = Context(resource, True, False, False, None, None)
        for name, structure, value in typed(resource):
            for key in structure.elements[name.partition(".")[2]].constraints:
                rule = RULES.get(f"{structure.name}/{key}") or RULES.get(key)
                if rule is None:
                    continue
                met.add(key)
                if (name, key) not in compiled:
                    compiled[name, key] = path.holds(structure.constraints[key].expression, name)
                if rule(value, context) != compiled[name, key](value, {"resource": resource, "rootResource": resource}):
                    differs[key] = differs.get(key, 0) + 1
    assert len(met) > 80
    assert differs == {}


def typed(resource: dict) -> Iterator[tuple[str, definitions.Structure, dict]]:
    """Every object of a resource with its type's name (Observation.component, Period) and structure; not into resources."""
    stack = [(resource["resourceType"], definitions.structure(resource["resourceType"]), resource)]
    while stack:
        name, structure, value = stack.pop()
        yield name, structure, value
        below = name.partition(".")[2]
        for element in structure.elements.values():
            parent, _, last = element.path.rpartition(".")
            if parent != below or not element.path:
                continue
            for t in element.types:
                key = last.replace("[x]", t.code[0].upper() + t.code[1:])
                inner = t.code in ("BackboneElement", "Element")
                for v in value.get(key, []) if isinstance(value.get(key), list) else [value.get(key)]:
                    if isinstance(v, dict) and "resourceType" not in v and t.code != "Resource":
                        found = structure if inner else definitions.structure(t.code)
                        stack.append((f"{structure.name}.{element.path}" if inner else t.code, found, v))
