"""The compiled definitions: what everybody else builds on."""

from __future__ import annotations

import pytest

from longbien.base.errors import Invalid
from longbien.fhir import definitions
from longbien.fhir.compile import compile_all


def test_r4_has_146_resource_types_in_alphabetical_order():
    types = definitions.types()
    assert len(types) == 146 and list(types) == sorted(types)
    assert types[0] == "Account" and types[-1] == "VisionPrescription"
    assert not {"Resource", "DomainResource", "MetadataResource", "SubscriptionStatus"} & set(types)


def test_search_params_of_a_type_include_those_of_every_resource():
    params = definitions.search_params("Observation")
    assert params["_id"].base == "Resource" and params["_text"].base == "DomainResource"
    assert params["code"].kind == "token" and "Observation.code" in params["code"].expression
    assert params["subject"].targets == ("Group", "Device", "Patient", "Location")
    composite = params["code-value-quantity"]
    assert [c.code for c in composite.components] == ["code", "value-quantity"]


def test_bundle_is_no_domain_resource():
    assert "_text" not in definitions.search_params("Bundle")
    assert "_lastUpdated" in definitions.search_params("Bundle")


def test_patient_compartment_names_search_parameters_that_exist():
    compartment = definitions.compartment("Patient")
    assert compartment["Observation"] == ("subject", "performer")
    for type_name, codes in compartment.items():
        assert set(codes) - {"{def}"} <= set(definitions.search_params(type_name)), type_name


def test_value_sets_are_listed_only_where_they_are_whole():
    gender = definitions.value_set("http://hl7.org/fhir/ValueSet/administrative-gender")
    assert gender == {"http://hl7.org/fhir/administrative-gender": {"male", "female", "other", "unknown"}}
    assert definitions.value_set("http://hl7.org/fhir/ValueSet/mimetypes") is None
    assert definitions.value_set("http://example.org/none") is None
    siblings = definitions.value_set("http://hl7.org/fhir/ValueSet/sibling-relationship-codes")
    assert siblings and "TWINSIS" in siblings["http://terminology.hl7.org/CodeSystem/v3-RoleCode"]


def test_displays_of_known_and_unknown_codes():
    assert definitions.code_display("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB") == "ambulatory"
    assert definitions.code_display("http://terminology.hl7.org/CodeSystem/v2-0203", "MR") == "Medical record number"
    assert definitions.code_display("http://loinc.org", "8310-5") is None


def test_elements_know_their_types_targets_and_content_references():
    observation = definitions.structure("Observation")
    assert [t.code for t in observation.elements["value[x]"].types][:2] == ["Quantity", "CodeableConcept"]
    assert "Patient" in observation.elements["subject"].types[0].targets
    assert observation.elements["component.referenceRange"].content_reference == "referenceRange"
    assert observation.constraints["obs-6"].severity == "error"


def test_a_folder_without_definitions_is_refused_by_name(tmp_path):
    with pytest.raises(Invalid, match=r"profiles-resources\.json is missing"):
        compile_all(tmp_path, tmp_path / "out")
