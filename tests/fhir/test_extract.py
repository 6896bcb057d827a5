"""Search parameter values: right types, and the written code gives what FHIRPath gives."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from examples import examples

from longbien.base.errors import Unavailable
from longbien.fhir import definitions, extract
from longbien.fhir.extract import extractor, patient_ids


@pytest.fixture(autouse=True)
def _built() -> None:
    try:
        definitions.types()
    except Unavailable as why:
        pytest.skip(str(why))


def found(resource: dict[str, Any]) -> dict[str, list[tuple[Any, str]]]:
    out: dict[str, list[tuple[Any, str]]] = {}
    for code, value, kind in extractor(resource["resourceType"])(resource):
        out.setdefault(code, []).append((value, kind))
    return out


def test_a_patient() -> None:
    phone, mail = {"system": "phone", "value": "1"}, {"system": "email", "value": "a@b.vn"}
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "meta": {"tag": [{"code": "t"}], "profile": ["http://x.vn/p"], "source": "urn:s", "security": [{"code": "R"}]},
        "name": [{"family": "Nguyễn", "given": ["Văn", None, "An"]}],
        "telecom": [phone, mail],
        "birthDate": "1970-01-02",
        "active": True,
        "gender": "male",
        "generalPractitioner": [{"reference": "Practitioner/1"}, {"reference": "Organization/2"}],
    }
    f = found(patient)
    assert f["_tag"] == [({"code": "t"}, "Coding")] and f["_security"] == [({"code": "R"}, "Coding")]
    assert f["_source"] == [("urn:s", "uri")]
    assert f["_profile"] == [("http://x.vn/p", "canonical")]
    assert f["given"] == [("Văn", "string"), ("An", "string")]
    assert f["phone"] == [(phone, "ContactPoint")] and f["email"] == [(mail, "ContactPoint")]
    assert f["telecom"] == [(phone, "ContactPoint"), (mail, "ContactPoint")]
    assert f["birthdate"] == [("1970-01-02", "date")]
    assert f["active"] == [(True, "boolean")] and f["gender"] == [("male", "code")]
    assert f["deceased"] == [(False, "boolean")]
    assert [kind for _, kind in f["general-practitioner"]] == ["Reference", "Reference"]
    assert "death-date" not in f and "_id" not in f


@pytest.mark.parametrize(
    ("element", "value", "answer"),
    [("deceasedBoolean", False, False), ("deceasedBoolean", True, True), ("deceasedDateTime", "2020", True)],
)
def test_deceased_is_computed(element: str, value: Any, answer: bool) -> None:
    assert found({"resourceType": "Patient", element: value})["deceased"] == [(answer, "boolean")]


def test_an_observation_with_its_composites() -> None:
    code, systolic = {"coding": [{"code": "85354-9"}]}, {"coding": [{"code": "8480-6"}]}
    low, high = {"value": 80, "unit": "mmHg"}, {"value": 120, "unit": "mmHg"}
    subject = {"reference": "Patient/1"}
    f = found(
        {
            "resourceType": "Observation",
            "code": code,
            "subject": subject,
            "effectivePeriod": {"start": "2020"},
            "valueQuantity": low,
            "component": [{"code": systolic, "valueQuantity": high}, {"code": systolic, "valueString": "x"}],
        }
    )
    assert f["subject"] == f["patient"] == [(subject, "Reference")]
    assert f["date"] == [({"start": "2020"}, "Period")]
    assert f["code-value-quantity"] == [(([(code, "CodeableConcept")], [(low, "Quantity")]), "composite")]
    component = ([(systolic, "CodeableConcept")], [(high, "Quantity")])
    assert f["component-code-value-quantity"] == [(component, "composite")]
    assert len(f["combo-code-value-quantity"]) == 2
    assert "code-value-string" not in f


def test_patient_is_only_a_patient_and_subject_is_everybody() -> None:
    group = {"reference": "Group/1"}
    f = found({"resourceType": "Observation", "subject": group})
    assert f["subject"] == [(group, "Reference")] and "patient" not in f
    contained = [{"resourceType": "Patient", "id": "c"}]
    inside = {"resourceType": "Observation", "contained": contained, "subject": {"reference": "#c"}}
    assert "patient" in found(inside)
    by_identifier = {"resourceType": "Observation", "subject": {"type": "Patient", "identifier": {"value": "1"}}}
    assert "patient" in found(by_identifier)


@pytest.mark.parametrize(
    ("element", "value", "param", "kind"),
    [
        ("onsetAge", {"value": 5}, "onset-age", "Age"),
        ("onsetRange", {"low": {"value": 5}}, "onset-age", "Range"),
        ("onsetDateTime", "2020", "onset-date", "dateTime"),
        ("onsetPeriod", {"start": "2020"}, "onset-date", "Period"),
        ("onsetString", "as a child", "onset-info", "string"),
    ],
)
def test_condition_onset_by_its_type(element: str, value: Any, param: str, kind: str) -> None:
    f = found({"resourceType": "Condition", element: value})
    assert {p: v for p, v in f.items() if "onset" in p} == {param: [(value, kind)]}


def test_a_composite_may_look_at_the_whole_resource() -> None:
    chromosome = {"text": "7"}
    variant = [{"start": 1, "end": 2}]
    f = found({"resourceType": "MolecularSequence", "referenceSeq": {"chromosome": chromosome}, "variant": variant})
    lists = ([(chromosome, "CodeableConcept")], [(1, "integer")], [(2, "integer")])
    assert f["chromosome-variant-coordinate"] == [(lists, "composite")]


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((k, _frozen(v)) for k, v in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else (type(value).__name__, value)


def test_the_written_code_gives_what_fhirpath_gives() -> None:
    """Over every fifth official example and all parameters of its type; sets, because `|` leaves out equal values."""
    compared = 0
    for name, resource in examples()[::5]:
        kind = resource["resourceType"]
        if not definitions.is_type(kind):
            continue
        before = copy.deepcopy(resource)
        fast = {(c, _frozen(v), t) for c, v, t in extractor(kind)(resource)}
        params = definitions.search_params(kind).values()
        params = [p for p in params if p.expression and p.code not in extract.ELSEWHERE]
        slow = {(c, _frozen(v), t) for p in params for c, v, t in extract.slow(p)(resource)}
        assert fast == slow, name
        assert resource == before
        compared += len(fast)
    assert compared > 4000


def test_wrong_shapes_raise_nothing() -> None:
    wrong = [5, "x", [], {}, [[1]], [None], {"reference": 5}, [{"reference": {}}], True]
    for kind in ("Patient", "Observation", "Encounter", "Bundle", "Group", "MolecularSequence"):
        keys = [e for e in definitions.structure(kind).elements if e and "." not in e]
        for key in keys:
            for value in wrong:
                resource = {"resourceType": kind, key.replace("[x]", "Quantity"): value}
                assert isinstance(extractor(kind)(resource), list)
                assert isinstance(patient_ids(resource), list)
    assert extractor("NoSuchType")({"resourceType": "NoSuchType", "meta": {"source": "urn:s"}}) == []


@pytest.mark.parametrize(
    ("resource", "ids"),
    [
        ({"resourceType": "Patient", "id": "p"}, ["p"]),
        ({"resourceType": "Patient", "id": "p", "link": [{"other": {"reference": "Patient/q"}}]}, ["p", "q"]),
        ({"resourceType": "Observation", "subject": {"reference": "Patient/1"}}, ["1"]),
        ({"resourceType": "Observation", "subject": {"reference": "http://h.vn/fhir/Patient/1/_history/2"}}, ["1"]),
        ({"resourceType": "Observation", "subject": {"reference": "Group/1"}}, []),
        ({"resourceType": "Observation", "subject": {"reference": "#p"}}, []),
        ({"resourceType": "Observation", "subject": {"reference": "Patient?identifier=Patient/1"}}, []),
        (
            {
                "resourceType": "Observation",
                "performer": [{"reference": "Patient/2"}, {"reference": "Patient/1"}],
                "subject": {"reference": "Patient/1"},
            },
            ["1", "2"],
        ),
        ({"resourceType": "Group", "member": [{"entity": {"reference": "Patient/1"}}, {"entity": {"reference":
        "Device/1"}}]}, ["1"]), ({"resourceType": "Appointment", "participant": [{"actor": {"reference":
        "Patient/1"}}]}, ["1"]), ({"resourceType": "Organization", "id": "o"}, []),
        ({"resourceType": 5}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_whose_record_a_resource_belongs_to(resource: dict[str, Any], ids: list[str]) -> None:
    assert patient_ids(resource) == ids


def test_every_parameter_of_the_compartment_is_followed() -> None:
    """compartment() names only codes that search_params() has, so nothing is left out of a patient's record
    silently."""
    for kind, codes in definitions.compartment("Patient").items():
        assert set(codes) <= set(definitions.search_params(kind)) | {"link"}, kind
