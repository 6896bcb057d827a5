"""The validator, fault by fault; and that nothing at all makes it raise."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longbien.fhir import definitions, json, path
from longbien.fhir.outcome import outcome
from longbien.fhir.validate import validate
from longbien.fhir.validate.invariants import ELSEWHERE
from longbien.fhir.validate.prose.terminology import is_ecl, is_loinc, is_sctid

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><b>Nguyễn Văn An</b></div>'},
    "identifier": [{"system": "http://example.org/citizen", "value": "001099012345"}],
    "name": [{"use": "official", "family": "Nguyễn", "given": ["Văn", "An"]}],
    "gender": "male",
    "birthDate": "1999-02-28",
    "_birthDate": {
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": "1999-02-28T07:30:00+07:00"}
        ]
    },
    "telecom": [{"system": "phone", "value": "0912345678"}],
    "generalPractitioner": [{"reference": "Practitioner/d1"}],
    "maritalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}]},
}
OBSERVATION = {
    "resourceType": "Observation",
    "status": "final",
    "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-11-23T08:00:00+07:00",
    "valueQuantity": {"value": Decimal("37.20"), "unit": "°C", "system": "http://unitsofmeasure.org", "code": "Cel"},
}
BASES = {"Patient": PATIENT, "Observation": OBSERVATION}


def errors(resource, **options):
    return [(i.expression, i.text) for i in validate(resource, **options) if i.severity in ("error", "fatal")]


def changed(base, **members):
    resource = copy.deepcopy(BASES[base])
    for name, value in members.items():
        if value is None:
            resource.pop(name)
        else:
            resource[name] = value
    return resource


@pytest.mark.parametrize("base", BASES)
def test_a_good_resource_has_no_issue(base):
    assert validate(BASES[base]) == []


SD = "http://hl7.org/fhir/StructureDefinition/"
ANIMAL = {"url": SD + "patient-animal", "extension": [{"url": "breed", "valueCodeableConcept": {"text": "x"}}]}
PLACE = {"url": SD + "patient-birthPlace", "valueString": "Hà Nội"}
LOST = {"url": SD + "data-absent-reason", "valueCode": "lost"}
FAULTS = [
    # structure
    ("Patient", {"nickname": "An"}, "Patient.nickname", "unknown"),
    ("Patient", {"name": {"family": "An"}}, "Patient.name", "must be an array"),
    ("Patient", {"name": []}, "Patient.name", "must not be empty"),
    ("Patient", {"name": [{}]}, "Patient.name[0]", "ele-1"),
    ("Patient", {"name": [{"id": "n"}]}, "Patient.name[0]", "ele-1"),
    ("Patient", {"name": [{"given": ["An", 3]}]}, "Patient.name[0].given[1]", "must be a string"),
    ("Patient", {"name": [{"given": ["An", None]}]}, "Patient.name[0].given[1]", "must be a string, not null"),
    ("Patient", {"name": [{"given": ["An"], "_given": [None, None]}]}, "Patient.name[0]._given", "same length"),
    ("Patient", {"name": [{"family": ""}]}, "Patient.name[0].family", "must not be empty"),
    ("Patient", {"name": [{"family": ["An"]}]}, "Patient.name[0].family", "must not be an array"),
    ("Patient", {"name": [{"family": "A\x01n"}]}, "Patient.name[0].family", "control character"),
    ("Patient", {"active": "true"}, "Patient.active", "must be true or false"),
    ("Patient", {"link": [{"type": "seealso"}]}, "Patient.link[0]", "other is required"),
    ("Patient", {"deceasedBoolean": True, "deceasedDateTime": "2020"}, "Patient", "Only one of"),
    ("Patient", {"deceasedString": "yes"}, "Patient.deceasedString", "deceased[x] has no such type"),
    ("Patient", {"id": "a b"}, "Patient.id", "is no id"),
    ("Patient", {"_gender": {"id": "x"}, "gender": None}, "Patient.gender", "ele-1"),
    ("Observation", {"status": None}, "Observation", "status is required"),
    ("Observation", {"code": None}, "Observation", "code is required"),
    # formats
    ("Patient", {"birthDate": "1999-02-29"}, "Patient.birthDate", "no day of the calendar"),
    ("Patient", {"birthDate": "28/02/1999"}, "Patient.birthDate", "is no date"),
    ("Patient", {"multipleBirthInteger": 1.5}, "Patient.multipleBirthInteger", "must be a whole number"),
    ("Observation", {"effectiveDateTime": "2026-11-23T08:00:00"}, "Observation.effectiveDateTime", "time zone"),
    ("Observation", {"issued": "2026-11-23"}, "Observation.issued", "is no instant"),
    ("Patient", {"photo": [{"contentType": "image/png", "data": "%%%"}]}, "Patient.photo[0].data", "not valid Base64"),
    ("Patient", {"photo": [{"contentType": "a/b", "data": "QUJD", "size": 2}]}, "Patient.photo[0]", "the data has 3 bytes"),
    ("Patient", {"implicitRules": "http://a b"}, "Patient.implicitRules", "is no URI"),
    ("Patient", {"name": [{"text": "<script>alert(1)</script>"}]}, "Patient.name[0].text", "active HTML"),
    # codes
    ("Patient", {"gender": "nam"}, "Patient.gender", "required value set"),
    ("Observation", {"status": "done"}, "Observation.status", "required value set"),
    # references
    ("Patient", {"generalPractitioner": [{"reference": "Patient/1"}]}, "Patient.generalPractitioner[0]", "is not allowed here"),
    ("Patient", {"managingOrganization": {"reference": "#o"}}, "Patient.managingOrganization", "ref-1"),
    ("Patient", {"managingOrganization": {"reference": "Hospital/1"}}, "Patient.managingOrganization", "no resource type"),
    ("Patient", {"managingOrganization": {"reference": "a hospital"}}, "Patient.managingOrganization", "is no reference"),
    # extensions
    ("Patient", {"extension": [{"url": "http://x.vn/a"}]}, "Patient.extension[0]", "ext-1"),
    ("Patient", {"extension": [{"url": "a", "valueString": "b"}]}, "Patient.extension[0]", "absolute URL"),
    ("Patient", {"extension": [{"valueString": "b"}]}, "Patient.extension[0]", "url is required"),
    ("Patient", {"extension": [PLACE]}, "Patient.extension[0]", "must have Address"),
    ("Patient", {"extension": [{"url": SD + "humanname-own-name", "valueString": "An"}]}, "Patient.extension[0]", "not allowed on"),
    ("Patient", {"extension": [LOST]}, "Patient.extension[0]", "required value set"),
    ("Patient", {"extension": [ANIMAL]}, "Patient.extension[0]", "has 0 of species"),
    # invariants by hand and through FHIRPath
    ("Patient", {"contact": [{"gender": "male"}]}, "Patient.contact[0]", "pat-1"),
    ("Patient", {"telecom": [{"value": "1"}]}, "Patient.telecom[0]", "cpt-2"),
    ("Patient", {"name": [{"text": "a", "period": {"start": "2021", "end": "2020"}}]}, "Patient.name[0].period", "per-1"),
    ("Observation", {"dataAbsentReason": {"text": "x"}}, "Observation", "obs-6"),
    ("Observation", {"component": [{"code": OBSERVATION["code"], "valueInteger": 1}]}, "Observation", "obs-7"),
    # vital signs
    ("Observation", {"category": None}, "Observation", "category vital-signs"),
    ("Observation", {"subject": None}, "Observation", "subject is required for a body temperature"),
]  # fmt: skip


@pytest.mark.parametrize(("base", "members", "expression", "text"), FAULTS)
def test_a_fault_is_named_by_place_and_reason(base, members, expression, text):
    found = errors(changed(base, **members))
    place = [(e, t) for e, t in found if e.split("[x]")[0] in (expression, expression.replace("deceasedDateTime", "deceased"))]
    assert any(text in t for _, t in place or found), found
    assert any(e == expression or expression.startswith(e) for e, _ in found), found


ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
GOOD = [
    ("Patient", {"deceasedBoolean": False}),
    ("Patient", {"name": [{"given": ["Văn", None], "_given": [{"id": "g"}, ABSENT]}]}),
    ("Patient", {"name": [{"_given": [ABSENT]}]}),
    ("Patient", {"birthDate": None}),
    ("Patient", {"extension": [{"url": "http://x.vn/a", "valueString": "Kinh"}]}),
    ("Patient", {"extension": [{"url": "http://x.vn/a", "extension": [{"url": "b", "valueCode": "c"}]}]}),
    ("Patient", {"managingOrganization": {"reference": "https://other.vn/fhir/Organization/1"}}),
    ("Patient", {"managingOrganization": {"reference": "urn:uuid:3f5b8d5e-9c1e-4d5b-8a59-0d5b4b8d7a10"}}),
    ("Patient", {"managingOrganization": {"reference": "Organization?identifier=http://x.vn|1"}}),
    ("Patient", {"managingOrganization": {"display": "K < 3.5 & <hemolysed>"}}),
    (
        "Patient",
        {"contained": [{"resourceType": "Organization", "id": "o", "name": "A"}], "managingOrganization": {"reference": "#o"}},
    ),
]


@pytest.mark.parametrize(("base", "members"), GOOD)
def test_what_is_legal_is_accepted(base, members):
    assert errors(changed(base, **members)) == []


CONTAINED = [
    ([{"resourceType": "Organization", "name": "A"}], "must have an id"),
    ([{"resourceType": "Organization", "id": "x", "name": "A"}], "dom-3: nothing refers"),
    ([{"resourceType": "Organization", "id": "o", "name": "A"}] * 2, "Two contained resources"),
    ([{"resourceType": "Organization", "id": "o", "name": "A", "meta": {"versionId": "1"}}], "dom-4"),
    ([{"resourceType": "Organization", "id": "o", "name": "A", "meta": {"security": [{"code": "R"}]}}], "dom-5"),
    ([{"resourceType": "Practitioner", "id": "o"}], "A reference to Practitioner is not allowed"),
    (
        [{"resourceType": "Organization", "id": "o", "name": "A", "contained": [{"resourceType": "Basic", "id": "b"}]}],
        "dom-2",
    ),
]


@pytest.mark.parametrize(("contained", "text"), CONTAINED)
def test_contained_resources_are_held_to_their_rules(contained, text):
    found = errors(changed("Patient", contained=contained, managingOrganization={"reference": "#o"}))
    assert any(text in t for _, t in found), found


def bundle(kind, *entries, **members):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **members}


REQUEST = {"method": "POST", "url": "Patient"}
BUNDLES = [
    (bundle("transaction", {"resource": PATIENT}), "bdl-3"),
    (bundle("batch-response", {"resource": PATIENT}), "bdl-4"),
    (bundle("collection", {"link": [{"relation": "self", "url": "http://x"}]}), "bdl-5"),
    (bundle("collection", {"fullUrl": "urn:uuid:3f5b8d5e-9c1e-4d5b-8a59-0d5b4b8d7a10", "resource": PATIENT},
            {"fullUrl": "urn:uuid:3f5b8d5e-9c1e-4d5b-8a59-0d5b4b8d7a10", "resource": PATIENT}), "bdl-7"),
    (bundle("collection", {"fullUrl": "Patient/p1", "resource": PATIENT}), "absolute URL"),
    (bundle("collection", {"fullUrl": "http://x.vn/Patient/p2", "resource": PATIENT}), "does not end with the id"),
    (bundle("document", {"resource": PATIENT}), "bdl-11"),
    (bundle("message", {"resource": PATIENT}), "bdl-12"),
    (bundle("collection", total=1), "bdl-1"),
    (bundle("searchset", {"resource": PATIENT, "search": {"mode": "outcome"}}), "must be an OperationOutcome"),
    (bundle("searchset", link=[{"relation": "self", "url": "http://x"}] * 2), "can occur only once"),
    (bundle("transaction",
            {"fullUrl": "urn:uuid:3f5b8d5e-9c1e-4d5b-8a59-0d5b4b8d7a10", "resource": PATIENT, "request": REQUEST},
            {"resource": {"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB"},
                          "serviceProvider": {"reference": "urn:uuid:3f5b8d5e-9c1e-4d5b-8a59-0d5b4b8d7a10"}},
             "request": REQUEST}), "A reference to Patient is not allowed here"),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "text"), BUNDLES)
def test_bundles_are_held_to_their_rules(resource, text):
    found = errors(resource)
    assert any(text in t for _, t in found), found
    if text.startswith("bdl-") and text != "bdl-5":
        assert not any(text in t for _, t in errors(resource, bundle_rules=False))


def test_deep_nesting_ends_in_an_issue():
    item = {"linkId": "1"}
    for _ in range(5000):
        item = {"linkId": "1", "item": [item]}
    found = validate({"resourceType": "QuestionnaireResponse", "status": "completed", "item": [item]})
    assert found[-1].severity == "fatal" and "nested too deep" in found[-1].text


def test_thousands_of_faults_are_cut_short():
    found = validate(changed("Patient", name=[{}] * 5000))
    assert len(found) == 501 and found[-1].code == "too-long"


@pytest.mark.parametrize("code", ["73211009", "404684003", "999000041000000102", "38341003"])
def test_snomed_identifiers_have_a_check_digit(code):
    assert is_sctid(code)
    assert not is_sctid(code[:-1] + str((int(code[-1]) + 1) % 10))
    assert not is_sctid(code + "x")


@pytest.mark.parametrize("code", ["34552-0", "8310-5", "85354-9", "2708-6"])
def test_loinc_codes_have_a_check_digit(code):
    assert is_loinc(code)
    assert not is_loinc(code[:-1] + str((int(code[-1]) + 1) % 10))


def test_a_wrong_snomed_code_is_kept_with_a_warning_and_refused_only_where_strict():
    def found(code, **more):
        coding = {"system": "http://snomed.info/sct", "code": code}
        return [i.severity for i in validate(changed("Observation", method={"coding": [coding]}), **more)]

    assert found("276885007x") == ["warning"]
    assert found("276885007x", strict=True) == ["error"]
    assert found("34552-0", strict=True) == ["warning"], "a LOINC code under SNOMED's name"
    assert found("73211009", strict=True) == found("73211009:116676008=72704001", strict=True) == []


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("<< 73211009 |Diabetes mellitus|", True),
        ("< 19829001 AND (<< 301867009 OR ^ 700043003)", True),
        ("<< 404684003 : 363698007 = << 39057004, 116676008 = *", True),
        ("234234 << 234234", False),
        ("(<< 73211009", False),
        ("", False),
    ],
)
def test_expression_constraints(text, good):
    assert is_ecl(text) is good


def test_best_practice_is_asked_for():
    bare = {"resourceType": "Patient"}
    assert validate(bare) == []
    assert ["dom-6" in i.text and i.severity == "warning" for i in validate(bare, best_practice=True)] == [True]


@pytest.mark.parametrize("value", [None, [], "Patient", 3, {}, {"resourceType": 3}, {"resourceType": "Resource"}])
def test_what_is_no_resource_is_said_to_be_none(value):
    assert validate(value)[0].severity in ("error", "fatal")


def test_every_invariant_of_r4_is_checked():
    """By hand or by an expression that can be compiled: none is passed over in silence."""
    for name in definitions.structure_names():
        for key, constraint in definitions.structure(name).constraints.items():
            if key not in ELSEWHERE:
                path.holds(constraint.expression, name)


MEMBERS = (
    ["url", "value", "id", "extension", "_value", "valueString", "reference", "system", "code", "coding", "text", "div"],
    ["type", "entry", "resource", "resourceType", "item", "contained", "start", "end", "low", "high", "_low"],
)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=True)
    | st.floats()
    | st.sampled_from(["", " ", "x", "2020", "#a", "Patient/1", "http://x.vn", "\x00", "<a", "%", "urn:uuid:1", "2020-13-45"])
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*MEMBERS[0], *MEMBERS[1]]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
SEEDS = [
    PATIENT,
    OBSERVATION,
    bundle("document", {"fullUrl": "urn:uuid:3f5b8d5e-9c1e-4d5b-8a59-0d5b4b8d7a10", "resource": OBSERVATION}),
    {"resourceType": "Questionnaire", "status": "draft", "item": [{"linkId": "1", "type": "group", "item": [{"linkId": "2"}]}]},
    {"resourceType": "ValueSet", "status": "draft", "compose": {"include": [{"system": "http://snomed.info/sct"}]}},
    {"resourceType": "CodeSystem", "property": [{"code": "a"}], "concept": [{"code": "b", "property": [{"code": "a"}]}]},
    {"resourceType": "Parameters", "parameter": [{"name": "a", "resource": PATIENT}, {"name": "b", "resource": OBSERVATION}]},
    {"resourceType": "StructureDefinition", "type": "Patient", "derivation": "constraint",
     "differential": {"element": [{"path": "Patient.name"}]}},
    {"resourceType": "Timing", "contained": [PATIENT]},
    {"resourceType": "MedicationRequest", "dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"start": "2020"}}}}]},
]  # fmt: skip


def places(value, path=()):
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield from places(inner, (*path, key))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SEEDS), st.data())
def test_mutated_resources_never_raise_and_give_a_valid_outcome(seed, data):
    resource = copy.deepcopy(seed)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([p for p in places(resource) if p]))
        holder = resource
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = data.draw(JSON_VALUES)
    issues = validate(resource, best_practice=True, strict=True)
    assert errors(outcome(issues)) == []


def test_an_outcome_survives_json():
    resource = outcome(validate({"resourceType": "Patient", "birthDate": "\u2028 x", "é": 1}))
    assert json.loads(json.dumps(resource)) == resource
    assert errors(resource) == []


def test_a_contained_resource_may_be_used_by_a_canonical_or_refer_to_its_container():
    assert errors(
        {
            "resourceType": "QuestionnaireResponse",
            "status": "completed",
            "questionnaire": "#q",
            "contained": [
                {"resourceType": "Questionnaire", "id": "q", "status": "draft"},
                {"resourceType": "Provenance", "id": "p", "recorded": "2026-11-23T08:00:00Z", "target": [{"reference": "#"}],
                 "agent": [{"who": {"display": "An"}}]},
            ],
        }
    ) == []  # fmt: skip


def test_many_contained_resources_are_found_without_search():
    n = 3000
    contained = [{"resourceType": "Practitioner", "id": f"d{i}"} for i in range(n)]
    resource = changed("Patient", contained=contained, generalPractitioner=[{"reference": f"#d{i}"} for i in range(n)])
    assert errors(resource) == []


def test_a_question_cannot_wait_for_one_inside_it():
    inner = {"linkId": "b", "type": "boolean"}
    when = [{"question": "b", "operator": "=", "answerBoolean": True}]
    group = {"linkId": "a", "type": "group", "enableWhen": when, "item": [inner]}
    form = {"resourceType": "Questionnaire", "status": "draft", "item": [group]}
    assert [e for e, _ in errors(form)] == ["Questionnaire.item[0].enableWhen[0]"]
    beside = {"linkId": "a", "type": "group", "enableWhen": when, "item": [{"linkId": "c", "type": "string"}]}
    assert errors(form | {"item": [inner, beside]}) == []


def test_an_address_of_a_resource_names_its_id():
    entry = {"fullUrl": "http://x.example/fhir/Patient/1", "resource": {"resourceType": "Patient", "active": True}}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
    assert "has no id" in errors(bundle)[0][1]
    posted = entry | {"request": {"method": "POST", "url": "Patient"}}
    assert errors(bundle | {"type": "transaction", "entry": [posted]}) == []


def test_a_picture_refers_to_what_is_contained():
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><img alt="x" src="#p"/></div>'
    seen = changed("Patient", contained=[{"resourceType": "Binary", "id": "p", "contentType": "image/png", "data": "AAAA"}])
    assert "dom-3" in errors(seen)[0][1]
    seen["text"] = {"status": "generated", "div": div}
    assert errors(seen) == []


def test_canonicals_and_extensions_of_other_versions_and_tags_in_markdown_when_strict():
    measure = {"resourceType": "Measure", "status": "draft", "library": ["Library/x"]}
    assert errors(measure) == []
    assert errors(measure, strict=True)[0][0] == "Measure.library[0]"
    old = "http://hl7.org/fhir/1.0/StructureDefinition/extension-Patient."
    assert errors(changed("Patient", extension=[{"url": old + "careProvider", "valueString": "x"}]), strict=True) == []
    for there in ("animal", "contact"):
        bad = changed("Patient", extension=[{"url": old + there, "valueString": "x"}])
        assert "R4 has" in errors(bad, strict=True)[0][1]
        assert errors(bad) == []
    note = changed("Observation", note=[{"text": "K <b>3.5</b> & a<b"}])
    assert errors(note) == []
    assert errors(note, html=False)[0][0] == "Observation.note[0].text"
