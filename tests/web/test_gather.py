"""The chart's quick readers say what the careful ones say."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from longbien.demo import population
from longbien.fhir import json
from longbien.fhir.systems import EXT_EXPECTED_DISCHARGE
from longbien.web.chart import gather, record
from longbien.web.terms import Tongue

ODD: list[dict[str, Any]] = [
    {"resourceType": "Encounter", "id": "a", "status": "finished", "class": {"code": "AMB"}, "period": {"start": "2024"}},
    {"resourceType": "Encounter", "id": "b", "status": "finished", "class": {"code": "IMP"}},
    {"resourceType": "Encounter", "id": "c", "status": "cancelled", "class": {"code": "IMP"}, "period": {"start": "2024-01-02"}},
    {
        "resourceType": "Encounter", "id": "d", "status": "in-progress", "class": {"system": "urn:x"},
        "period": {"start": "2024-01-02T03:04:05Z"}, "serviceProvider": {"reference": "urn:uuid:7"}, "type": [{"coding": []}],
        "reasonCode": [{"coding": [{"code": "R05"}, {"code": "x", "display": "Cough"}]}],
        "location": [{"location": {"display": "Bed 3"}, "status": "active"}], "serviceType": {"text": "Lung"},
    },
    {"resourceType": "Encounter", "id": "f", "status": "in-progress", "class": {"code": "IMP"}, "period": {"start": "2024"},
     "extension": [{"url": EXT_EXPECTED_DISCHARGE, "valueDate": "2024-02-01"}],
     "type": [{"text": "Khám", "coding": [{"system": "urn:x", "code": "k", "display": "?"}]}]},
    {"resourceType": "Encounter", "id": "g", "status": "in-progress", "class": {"code": "IMP"}, "period": {"start": "2024"},
     "location": [{"location": {"display": "Bed 1"}, "status": "completed"}, {"location": {"display": "Bed 2"}, "status": "active"},
                  {"location": {"display": "Bed 9"}, "status": "reserved"}]},
    {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {}, "period": {"start": "yesterday"}},
]  # fmt: skip
MADE = [r for i in (1, 3, 40) for r in population.person(i, 1, date(2026, 11, 23)) if r["resourceType"] == "Encounter"]


@pytest.mark.parametrize("lang", ["vi", "en", Tongue("en", {("urn:x", "k"): "Examination"})])
def test_visits_are_read_the_same_from_few_fields_as_from_the_whole(lang: str) -> None:
    places = {"7": "Bệnh viện Sông Hồng"}
    bodies = [json.dumps(e) for e in ODD + MADE]
    quick = [gather.visit(x, places, lang) for x in gather.encounters(bodies)]
    assert len(MADE) > 20
    assert quick == [record.visit(json.loads(b), places, lang) for b in bodies]


def test_a_patient_is_where_they_were_moved_to() -> None:
    moved = next(e for e in ODD if e["id"] == "g")
    found = record.visit(moved, {}, "vi")
    assert found is not None and found.bed == "Bed 2"


def test_a_visit_of_an_impossible_shape_is_left_out() -> None:
    assert gather.encounters([b'{"resourceType":"Encounter","period":[1]}']) == []
