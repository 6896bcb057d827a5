"""The compartments beside the Patient's are R4's: every parameter exists, and they equal the published definitions."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from longbien.fhir import compartments, definitions


@pytest.mark.parametrize("name", compartments.NAMES)
def test_every_parameter_is_a_reference_of_its_type_that_may_point_to_the_holder(name: str) -> None:
    for type_, codes in definitions.compartment(name).items():
        for code in codes:
            found = definitions.search_params(type_)[code]
            assert found.kind == "reference" and (not found.targets or name in found.targets), (type_, code)


def test_they_equal_the_published_definitions(shared: Path) -> None:
    """Those that HL7's examples hold; RelatedPerson's is not among them. The Patient's is compiled from its definition."""
    names, seen = ("Device", "Encounter", "Practitioner"), 0
    with lzma.open(shared / "data/fhir/r4-examples.ndjson.xz", "rb") as lines:
        for line in lines:
            r = json.loads(line)["resource"]
            if r["resourceType"] != "CompartmentDefinition" or r["code"] not in names or r["id"] == "example":
                continue
            seen += 1
            rows = {x["code"]: tuple(c for c in x["param"] if c != "{def}") for x in r["resource"] if x.get("param")}
            rows.pop("AuditEvent", None)
            assert dict(definitions.compartment(r["code"])) == rows
    assert seen == len(names)


def test_another_name_is_no_compartment() -> None:
    with pytest.raises(KeyError):
        definitions.compartment("Organization")
