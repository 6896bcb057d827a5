"""FHIRPath Patch: the situations of HL7's published cases (fhir-test-cases r4/patch), written anew as JSON, and wrong patches.

Left out of HL7's: "Consecutive operations", whose expected result contradicts its own input."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from longbien.base.errors import LongbienError
from longbien.fhir import json as fhir_json
from longbien.fhir.patch import PatchError, fhirpath_patch


def op(type: str, path: str, value: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    parts += [{"name": k, "valueString" if isinstance(v, str) else "valueInteger": v} for k, v in more.items()]
    if value is not None:
        parts.append({"name": "value", **value})
    return {"name": "operation", "part": parts}


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(operations)}


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **more}


def ids(*numbers: int) -> dict[str, Any]:
    return patient(identifier=[{"system": "http://example.org", "value": f"value {n}"} for n in numbers])


def move(source: int, destination: int) -> dict[str, Any]:
    return op("move", "Patient.identifier", source=source, destination=destination)


def insert(n: int, at: int) -> dict[str, Any]:
    return op(
        "insert", "Patient.identifier", {"valueIdentifier": {"system": "http://example.org", "value": f"value {n}"}}, index=at
    )


CONTACT = patient(contact=[{"name": {"text": "a name"}, "gender": "male"}])
FEMALE = {"valueCode": "female"}
CASES: list[tuple[str, dict[str, Any], list[dict[str, Any]], dict[str, Any]]] = [
    ("no difference", patient(birthDate="1920-01-01"), [], patient(birthDate="1920-01-01")),
    ("replace a primitive", patient(birthDate="1920-01-01"), [op("replace", "Patient.birthDate", {"valueDate": "1930-01-01"})],
     patient(birthDate="1930-01-01")),
    ("delete a primitive", patient(birthDate="1920-01-01"), [op("delete", "Patient.birthDate")], patient()),
    ("add a primitive", patient(), [op("add", "Patient", {"valueDate": "1930-01-01"}, name="birthDate")],
     patient(birthDate="1930-01-01")),
    ("replace a nested primitive", CONTACT, [op("replace", "Patient.contact[0].gender", FEMALE)],
     patient(contact=[{"name": {"text": "a name"}, "gender": "female"}])),
    ("replace a nested primitive 2", CONTACT, [op("replace", "Patient.contact[0].name.text", {"valueString": "the name"})],
     patient(contact=[{"name": {"text": "the name"}, "gender": "male"}])),
    ("delete a nested primitive", CONTACT, [op("delete", "Patient.contact[0].gender")],
     patient(contact=[{"name": {"text": "a name"}}])),
    ("delete the last of an element", CONTACT, [op("delete", "Patient.contact[0].name.text")],
     patient(contact=[{"gender": "male"}])),
    ("add a nested primitive", patient(contact=[{"name": {"text": "a name"}}]),
     [op("add", "Patient.contact[0]", {"valueCode": "male"}, name="gender")], CONTACT),
    ("add a complex", patient(), [op("add", "Patient", {"valueCodeableConcept": {"text": "married"}}, name="maritalStatus")],
     patient(maritalStatus={"text": "married"})),
    ("replace a complex", patient(maritalStatus={"id": "1", "text": "married"}),
     [op("replace", "Patient.maritalStatus", {"valueCodeableConcept": {"id": "2", "text": "not married"}})],
     patient(maritalStatus={"id": "2", "text": "not married"})),
    ("delete a complex", patient(maritalStatus={"text": "married"}), [op("delete", "Patient.maritalStatus")], patient()),
    ("add an anonymous type", patient(),
     [op("add", "Patient", {"part": [{"name": "name", "valueHumanName": {"text": "a name"}}]}, name="contact")],
     patient(contact=[{"name": {"text": "a name"}}])),
    ("delete an anonymous type", CONTACT, [op("delete", "Patient.contact[0]")], patient()),
    ("list contents changed", ids(1, 2), [op("replace", "Patient.identifier[0].value", {"valueString": "value 2"}),
                                          op("replace", "Patient.identifier[1].value", {"valueString": "value 1"})], ids(2, 1)),
    ("insert at the end", ids(1, 2), [insert(3, 2)], ids(1, 2, 3)),
    ("insert within", ids(1, 2), [insert(3, 1)], ids(1, 3, 2)),
    ("insert at the beginning", ids(1, 2), [insert(3, 0)], ids(3, 1, 2)),
    ("insert into nothing", patient(), [insert(3, 0)], ids(3)),
    ("delete the first", ids(1, 2, 3), [op("delete", "Patient.identifier[0]")], ids(2, 3)),
    ("delete the second", ids(1, 2, 3), [op("delete", "Patient.identifier[1]")], ids(1, 3)),
    ("delete the last", ids(1, 2, 3), [op("delete", "Patient.identifier[2]")], ids(1, 2)),
    ("move 3 to 1", ids(1, 2, 3, 4), [move(3, 1)], ids(1, 4, 2, 3)),
    ("move 3 to 0", ids(1, 2, 3, 4), [move(3, 0)], ids(4, 1, 2, 3)),
    ("move 3 to 2", ids(1, 2, 3, 4), [move(3, 2)], ids(1, 2, 4, 3)),
    ("move 0 to 3", ids(1, 2, 3, 4), [move(0, 3)], ids(2, 3, 4, 1)),
    ("move twice", ids(1, 2, 3, 4), [move(1, 0), move(2, 1)], ids(2, 3, 1, 4)),
    ("move thrice", ids(1, 2, 3, 4), [move(3, 0), move(3, 1), move(3, 2)], ids(4, 3, 2, 1)),
    ("add to a list that is not there", patient(),
     [op("add", "Patient", {"valueIdentifier": {"system": "http://example.org", "value": "value 3"}}, name="identifier")], ids(3)),
    ("a narrative", patient(text={"status": "generated", "div": "<div>a</div>"}),
     [op("replace", "Patient.text.div", {"valueString": "<div>b</div>"})],
     patient(text={"status": "generated", "div": "<div>b</div>"})),
    # ours
    ("where", ids(1, 2), [op("delete", "Patient.identifier.where(value = 'value 1')")], ids(2)),
    ("delete what is not there", ids(1), [op("delete", "Patient.birthDate")], ids(1)),
    ("a choice takes its type's key", patient(), [op("add", "Patient", {"valueBoolean": False}, name="deceased")],
     patient(deceasedBoolean=False)),
    ("a choice of another type, in its place", patient(deceasedBoolean=False, gender="male"),
     [op("replace", "Patient.deceased", {"valueDateTime": "2020"})], patient(deceasedDateTime="2020", gender="male")),
    ("an extension of a primitive", patient(gender="male"),
     [op("add", "Patient.gender", {"valueExtension": {"url": "http://x", "valueString": "y"}}, name="extension")],
     patient(gender="male", _gender={"extension": [{"url": "http://x", "valueString": "y"}]})),
    ("and away again", patient(active=False, _active={"extension": [{"url": "http://x", "valueString": "y"}]}),
     [op("delete", "Patient.active.extension('http://x')")], patient(active=False)),
    ("primitives of a list keep their siblings", patient(name=[{"given": ["a", None, "c"], "_given": [None, {"id": "1"}, None]}]),
     [op("move", "Patient.name[0].given", source=1, destination=0), op("delete", "Patient.name.given[2]")],
     patient(name=[{"given": [None, "a"], "_given": [{"id": "1"}, None]}])),
    ("an extension of one in a list", patient(name=[{"given": ["a", "b"]}]),
     [op("add", "Patient.name[0].given[1]", {"valueExtension": {"url": "http://x", "valueString": "y"}}, name="extension")],
     patient(name=[{"given": ["a", "b"], "_given": [None, {"extension": [{"url": "http://x", "valueString": "y"}]}]}])),
    ("a contained resource", patient(),
     [op("add", "Patient", {"resource": {"resourceType": "Basic", "id": "b"}}, name="contained")],
     patient(contained=[{"resourceType": "Basic", "id": "b"}])),
    ("within a contained one", patient(contained=[{"resourceType": "Organization", "id": "b", "name": "x"}]),
     [op("replace", "Patient.contained[0].name", {"valueString": "y"})],
     patient(contained=[{"resourceType": "Organization", "id": "b", "name": "y"}])),
]  # fmt: skip

WRONG: list[tuple[str, Any, int]] = [
    ("not Parameters", {"resourceType": "Patient"}, 400),
    ("parameter is no list", {"resourceType": "Parameters", "parameter": {}}, 400),
    ("not an operation", {"resourceType": "Parameters", "parameter": [{"name": "x"}]}, 400),
    ("no parts", {"resourceType": "Parameters", "parameter": [{"name": "operation"}]}, 400),
    ("no such operation", patch(op("steal", "Patient")), 400),
    ("no path", patch({"name": "operation", "part": [{"name": "type", "valueCode": "delete"}]}), 400),
    ("no name", patch(op("add", "Patient", FEMALE)), 400),
    ("no value", patch(op("add", "Patient", name="gender")), 400),
    ("no index", patch(op("insert", "Patient.identifier", {"valueIdentifier": {"value": "x"}})), 400),
    ("no syntax", patch(op("delete", "Patient.identifier[")), 400),
    ("resolve", patch(op("delete", "Patient.managingOrganization.resolve().name")), 400),
    ("a variable", patch(op("delete", "Patient.where(%resource.exists()).gender")), 400),
    ("a costly function", patch(op("delete", "Patient.where(name.family.matches('(a+)+$')).gender")), 400),
    ("everything below", patch(op("delete", "Patient.descendants()")), 400),
    ("a value of no type", patch(op("replace", "Patient.gender", {"valueNonsense": 1})), 400),
    ("two values", patch(op("replace", "Patient.gender", {"valueCode": "male", "valueString": "x"})), 400),
    ("an empty value", patch(op("replace", "Patient.gender", {"valueCode": None})), 400),
    ("a path that is a number", patch({"name": "operation", "part": [{"name": "type", "valueCode": "delete"},
                                                                      {"name": "path", "valueInteger": 1}]}), 400),
    ("a missing element",
     patch(op("add", "Patient.identifier.where(use = 'official').period", {"valueDate": "2021"}, name="end")), 422),
    ("several elements", patch(op("delete", "Patient.identifier")), 422),
    ("the resource itself", patch(op("delete", "Patient")), 422),
    ("another type", patch(op("add", "Patient", {"valueString": "1930"}, name="birthDate")), 422),
    ("a type for a choice", patch(op("add", "Patient", {"valueQuantity": {"value": 1}}, name="deceased")), 422),
    ("no such element", patch(op("add", "Patient", {"valueString": "x"}, name="colour")), 422),
    ("there already", patch(op("add", "Patient", FEMALE, name="gender")), 422),
    ("beyond the list", patch(insert(3, 9)), 422),
    ("below the list", patch(insert(3, -1)), 422),
    ("move from nowhere", patch(move(7, 0)), 422),
    ("parts for a primitive", patch(op("replace", "Patient.gender", {"part": [{"name": "x", "valueString": "y"}]})), 422),
    ("a part that there is not", patch(op("add", "Patient", {"part": [{"name": "x", "valueString": "y"}]}, name="contact")), 422),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "operations", "after"), CASES, ids=[c[0] for c in CASES])
def test_as_published(name: str, before: dict[str, Any], operations: list[dict[str, Any]], after: dict[str, Any]) -> None:
    kept = copy.deepcopy(before)
    made = fhirpath_patch.apply(before, patch(*operations))
    assert made == after and fhir_json.dumps(made) == fhir_json.dumps(after)
    assert before == kept, "the resource given stays as it was"


@pytest.mark.parametrize(("name", "wrong", "status"), WRONG, ids=[w[0] for w in WRONG])
def test_what_is_wrong_is_named(name: str, wrong: Any, status: int) -> None:
    before = patient(identifier=[{"value": "1"}, {"value": "2"}], gender="male")
    with pytest.raises(PatchError) as error:
        fhirpath_patch.apply(before, wrong)
    assert error.value.status == status, error.value.text
    assert error.value.issues[0].text


def test_decimals_stay() -> None:
    before = fhir_json.loads('{"resourceType":"Observation","valueQuantity":{"value":4.10},"note":[{"text":"a"}]}')
    value = fhir_json.loads('{"valueDecimal":4.200}')
    made = fhirpath_patch.apply(before, patch(op("replace", "Observation.value.value", value)))
    assert fhir_json.dumps(made) == b'{"resourceType":"Observation","valueQuantity":{"value":4.200},"note":[{"text":"a"}]}'


def test_work_is_bounded() -> None:
    """Paths times values: an hour's work is refused in no time."""
    large = patient(identifier=[{"system": "http://x", "value": str(n)} for n in range(20_000)])
    condition = " or ".join(["value = 'none'"] * 100)
    with pytest.raises(PatchError) as error:
        fhirpath_patch.apply(large, patch(*[op("delete", f"Patient.identifier.where({condition})")] * 1000))
    assert error.value.code == "too-costly"
    with pytest.raises(PatchError) as error:
        fhirpath_patch.apply(patient(), patch(*[op("delete", "Patient.gender")] * 1001))
    assert error.value.code == "too-costly"


def _mangled(value: Any, r: random.Random) -> Any:
    if r.random() < 0.08:
        return r.choice([None, 1, -1, "", "x", [], {}, [[]], True, "Patient", "Patient.name", "name", {"a": {}}, 10**30])
    if isinstance(value, dict):
        return {k: _mangled(v, r) for k, v in value.items() if r.random() > 0.03}
    if isinstance(value, list):
        return [_mangled(v, r) for v in value if r.random() > 0.03]
    return value


def test_mangled_patches_of_mangled_resources_raise_ours_only() -> None:
    r = random.Random(5)
    for n in range(6000):
        _, before, operations, _ = CASES[n % len(CASES)]
        resource = _mangled(before, r) if n % 2 else before
        if not isinstance(resource, dict):
            continue
        try:
            fhirpath_patch.apply(resource, _mangled(patch(*operations, *CASES[r.randrange(len(CASES))][2]), r))
        except LongbienError as error:
            assert error.status in (400, 422)
