"""Literal references, finding all references, rewriting them in a transaction."""

from __future__ import annotations

import copy

import pytest
from examples import lines

from longbien.base.errors import Unavailable
from longbien.fhir import definitions
from longbien.fhir.references import each, literal, rewrite


@pytest.fixture(autouse=True)
def _built() -> None:
    try:
        definitions.types()
    except Unavailable as why:
        pytest.skip(str(why))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Patient/1", ("", "Patient", "1", None)),
        ("Patient/1/_history/2", ("", "Patient", "1", "2")),
        ("http://h.vn/fhir/Patient/a.b-c", ("http://h.vn/fhir", "Patient", "a.b-c", None)),
        ("https://h.vn/Patient/1/_history/3", ("https://h.vn", "Patient", "1", "3")),
        ("Binary/1#frag", ("", "Binary", "1", None)),
        ("#p", None),
        ("urn:uuid:11111111-1111-1111-1111-111111111111", None),
        ("Patient?identifier=a|b", None),
        ("Patient/", None),
        ("/Patient/1", None),
        ("patient/1", None),
        ("Patient/" + "x" * 65, None),
        ("http://h.vn/fhir/metadata", None),
        ("Patient/1\n", None),
        ("", None),
    ],
)
def test_literal_reads_apart_what_names_a_type_and_an_id(text: str, parts: object) -> None:
    assert literal(text) == parts


def test_each_gives_every_reference_with_its_place() -> None:
    r = {
        "resourceType": "Observation",
        "contained": [{"resourceType": "Device", "id": "d", "owner": {"reference": "Organization/1"}}],
        "extension": [{"url": "u", "valueReference": {"reference": "Practitioner/9"}}],
        "subject": {"reference": "Patient/1"},
        "performer": [{"display": "no text"}, {"reference": "Practitioner/2"}],
    }
    assert [(key, text, place) for _, key, text, place in each(r)] == [
        ("reference", "Organization/1", "Observation.contained[0].owner"),
        ("reference", "Practitioner/9", "Observation.extension[0].valueReference"),
        ("reference", "Patient/1", "Observation.subject"),
        ("reference", "Practitioner/2", "Observation.performer[1]"),
    ]


def test_a_uri_that_is_called_reference_is_none() -> None:
    assert not list(each({"resourceType": "DetectedIssue", "reference": "http://x.vn/a"}))
    assert not list(each({"resourceType": "Immunization", "education": [{"reference": "http://x.vn/a"}]}))
    condition = {"expression": {"language": "text/cql", "reference": "http://x.vn/Library/1"}}
    assert not list(each({"resourceType": "PlanDefinition", "action": [{"condition": [condition]}]}))


def test_r4_has_no_other_text_that_is_called_reference() -> None:
    others = {
        f"{t}.{path}"
        for t in definitions.structure_names()
        for path, e in definitions.structure(t).elements.items()
        if path.split(".")[-1] == "reference" and any(x.code in ("uri", "url", "string") for x in e.types)
    }
    assert others == {
        "DetectedIssue.reference", "Expression.reference", "Immunization.education.reference", "Reference.reference",
    }  # fmt: skip


def test_the_references_inside_a_bundle_are_among_themselves() -> None:
    inner = {"resourceType": "Observation", "subject": {"reference": "Patient/1"}}
    assert not list(each({"resourceType": "Bundle", "entry": [{"resource": inner}]}))


A = "urn:uuid:11111111-1111-1111-1111-111111111111"
MAPPING = {A: "Patient/1", "#0": "never", "Patient?identifier=x": "Patient/2"}


def test_rewrite_changes_references_uris_and_links_but_no_canonical_text_or_identifier() -> None:
    r = {
        "resourceType": "QuestionnaireResponse",
        "text": {"status": "generated", "div": f'<div><a href="{A}#a">{A}</a><img alt="" src=\'{A}\'/></div>'},
        "identifier": {"system": A, "value": A},
        "questionnaire": A,
        "subject": {"reference": A, "display": A},
        "author": {"reference": "Patient?identifier=x"},
        "source": {"reference": "#0"},
        "extension": [{"url": "u", "valueUri": A}, {"url": "u", "valueCanonical": A}, {"url": "u", "valueString": A}],
    }
    before = copy.deepcopy(r)
    new = rewrite(r, MAPPING)
    assert r == before
    assert new["subject"] == {"reference": "Patient/1", "display": A}
    assert new["author"] == {"reference": "Patient/2"}
    assert new["source"] == {"reference": "#0"}
    assert new["questionnaire"] == A
    assert new["identifier"] == {"system": "Patient/1", "value": A}
    assert [list(e.values())[1] for e in new["extension"]] == ["Patient/1", A, A]
    assert new["text"]["div"] == f'<div><a href="Patient/1#a">{A}</a><img alt="" src="Patient/1"/></div>'


def test_rewrite_shares_what_does_not_change() -> None:
    r = {"resourceType": "Observation", "code": {"text": "x"}, "subject": {"reference": A}}
    new = rewrite(r, MAPPING)
    assert new["code"] is r["code"] and new["subject"] == {"reference": "Patient/1"}
    assert rewrite({"resourceType": "Observation"} | {"code": r["code"]}, {}) == {
        "resourceType": "Observation", "code": {"text": "x"},
    }  # fmt: skip
    same = {"resourceType": "Observation", "code": {"text": "x"}}
    assert rewrite(same, MAPPING) is same


def test_wrong_shapes_are_left_alone() -> None:
    odd = {"resourceType": "Patient", "name": [[A]], "link": A, "generalPractitioner": [None]}
    for wrong in ({}, {"resourceType": 5}, odd):
        assert rewrite(wrong, MAPPING) == wrong
        assert not list(each(wrong))


def test_a_synthetic_life_keeps_no_temporary_reference() -> None:
    bundle = next(lines("patients/synthea-617.ndjson.xz"))
    mapping = {e["fullUrl"]: f"{e['resource']['resourceType']}/{e['fullUrl'][9:]}" for e in bundle["entry"]}
    found = [text for e in bundle["entry"] for _, _, text, _ in each(rewrite(e["resource"], mapping))]
    assert len(found) > 500
    assert not [text for text in found if not literal(text) and not text.startswith("#")]
