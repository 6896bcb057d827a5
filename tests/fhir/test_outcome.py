"""OperationOutcome is always a legal resource, whatever the issues quote."""

from __future__ import annotations

import re
from pathlib import Path

from longbien import fhir
from longbien.base.errors import Issue, LongbienError
from longbien.fhir import definitions
from longbien.fhir.outcome import outcome
from longbien.fhir.validate import validate


def test_each_issue_is_shown_with_its_place():
    found = outcome([Issue("error", "required", "status is required", "Observation"), Issue("warning", "value", "odd")])
    assert found["resourceType"] == "OperationOutcome"
    assert found["issue"][0] == {
        "severity": "error",
        "code": "required",
        "details": {"text": "status is required"},
        "expression": ["Observation"],
    }
    assert "expression" not in found["issue"][1]


def test_no_issue_means_all_ok():
    assert outcome([])["issue"][0]["code"] == "informational"


def test_the_outcome_of_hostile_text_is_valid():
    hostile = outcome(
        [Issue("error", "value", "\x00<script>alert(1)</script>\x1b", "Patient.\x07name"), Issue("fatal", "structure", "")]
    )
    assert [i for i in validate(hostile) if i.severity != "information"] == []


def test_every_code_that_rooms_use_is_an_issue_type():
    known = definitions.value_set("http://hl7.org/fhir/ValueSet/issue-type")["http://hl7.org/fhir/issue-type"]
    source = Path(fhir.__file__).parent
    used = {
        c for f in source.rglob("*.py") for c in re.findall(r'(?:error|warn|say|severity)\(\s*"([a-z-]+)"', f.read_text("utf-8"))
    }
    used |= {kind.code for kind in [LongbienError, *LongbienError.__subclasses__()]}
    assert len(used) > 15
    assert used <= known
