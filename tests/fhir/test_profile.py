"""Profiles, clause by clause: what a differential asks is asked of resources; what cannot be asked is refused when it is loaded."""

from __future__ import annotations

import copy
import time
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longbien.fhir.profile import Library, Unusable, check_definition, claims, judge
from longbien.fhir.profile.regex import safe_regex

SD = "http://hl7.org/fhir/StructureDefinition/"
X = "http://hanoi.example/fhir/StructureDefinition/"
LOINC = "http://loinc.org"


def sd(name: str, type_: str, *elements: dict[str, Any], base: str = "", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition", "url": X + name, "name": name, "status": "active", "type": type_,
        "kind": "resource", "abstract": False, "derivation": "constraint", "baseDefinition": base or SD + type_,
        "differential": {"element": list(elements)}, **more,
    }  # fmt: skip


def e(path: str, slice_name: str | None = None, **more: Any) -> dict[str, Any]:
    return {"path": path, **({"sliceName": slice_name} if slice_name else {}), **more}


def slicing(kind: str, path: str, rules: str = "open", ordered: bool = False) -> dict[str, Any]:
    return {"discriminator": [{"type": kind, "path": path}], "rules": rules, "ordered": ordered}


def library(*definitions: dict[str, Any], **more: Any) -> Library:
    found = {d["url"]: d for d in definitions}
    return Library(found.get, **more)


def wrong(resource: dict[str, Any], *definitions: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    """(place, text) of every error by the first definition."""
    found = judge(resource, library(*definitions, **more), also=[definitions[0]["url"]])
    assert not any("cannot be used" in i.text for i in found), found
    return [(i.expression, i.text) for i in found if i.severity == "error"]


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **more}


CITIZEN = "http://hanoi.example/sid/citizen"
PERSON = sd(
    "person", "Patient",
    e("Patient.identifier", slicing=slicing("value", "system"), min=1),
    e("Patient.identifier", "citizen", min=1, max="1"),
    e("Patient.identifier.system", min=1, fixedUri=CITIZEN),
    e("Patient.identifier.value", min=1, constraint=[
        {"key": "vn-1", "severity": "error", "human": "twelve digits", "expression": "matches('^[0-9]{12}$')"}]),
    e("Patient.name", max="2"),
    e("Patient.name.family", min=1, maxLength=10),
    e("Patient.deceasedBoolean", max="0"),
)  # fmt: skip


def test_a_profile_asks_what_its_differential_says() -> None:
    good = patient(identifier=[{"system": CITIZEN, "value": "001099012345"}], name=[{"family": "Nguyễn"}])
    assert wrong(good, PERSON) == []
    assert wrong(patient(), PERSON) == [("Patient", "identifier is required"), ("Patient", "identifier:citizen is required")]
    assert wrong(good | {"identifier": [{"system": "http://other", "value": "1"}]}, PERSON) == [
        ("Patient", "identifier:citizen is required")
    ]
    bad = good | {"identifier": [{"system": CITIZEN, "value": "12"}, {"system": CITIZEN, "value": "001099012345"}]}
    assert wrong(bad, PERSON) == [
        ("Patient.identifier[1]", "identifier:citizen is there 2 times; 1 is the most"),
        ("Patient.identifier[0].value", "vn-1: twelve digits"),
    ]
    assert wrong(good | {"name": [{"text": "An"}]}, PERSON) == [("Patient.name[0]", "family is required")]
    assert wrong(good | {"name": [{"family": "x" * 11}]}, PERSON)[0][0] == "Patient.name[0].family"


def test_ids_and_paths_lead_to_the_same() -> None:
    """A differential without ids is walked by its paths and the slices before; with ids by these."""
    with_ids = copy.deepcopy(PERSON)
    for element, identity in zip(with_ids["differential"]["element"][1:4], ("", ".system", ".value"), strict=True):
        element["id"] = "Patient.identifier:citizen" + identity
    bad = patient(identifier=[{"system": CITIZEN, "value": "12"}])
    assert wrong(bad, with_ids) == wrong(bad, PERSON) != []


def test_constraints_are_inherited_over_levels_and_only_tightened() -> None:
    one = sd("one", "Patient", e("Patient.birthDate", min=1))
    two = sd("two", "Patient", e("Patient.gender", min=1), base=X + "one")
    three = sd("three", "Patient", e("Patient.gender", patternCode="female"), base=X + "two")
    assert [t for _, t in wrong(patient(gender="male"), three, two, one)] == ["must hold 'female'", "birthDate is required"]
    looser = sd("looser", "Patient", e("Patient.birthDate", min=0), base=X + "one")
    with pytest.raises(Unusable, match="min 0 is less than the 1 of the base"):
        check_definition(looser, library(one))


def test_choices_are_narrowed() -> None:
    narrowed = sd("n", "Observation", e("Observation.value[x]", type=[{"code": "Quantity"}]), e("Observation.value[x].code", min=1))
    assert wrong({"resourceType": "Observation", "valueString": "x"}, narrowed)[0][1] == "must be Quantity, not string"
    assert wrong({"resourceType": "Observation", "valueQuantity": {"value": 1}}, narrowed) == [
        ("Observation.value", "code is required")
    ]
    short = sd("s", "Observation", e("Observation.valueQuantity.code", min=1))
    assert wrong({"resourceType": "Observation", "valueQuantity": {"value": 1}}, short)[0][1] == "code is required"
    typed = sd(
        "t", "Observation", e("Observation.value[x]", slicing=slicing("type", "$this")),
        e("Observation.value[x]", "valueQuantity", type=[{"code": "Quantity"}]), e("Observation.value[x].unit", min=1),
    )  # fmt: skip
    assert wrong({"resourceType": "Observation", "valueString": "x"}, typed) == []
    assert wrong({"resourceType": "Observation", "valueQuantity": {"value": 1}}, typed)[0][1] == "unit is required"


def coding(code: str, system: str = LOINC) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def components(rules: str, ordered: bool = False) -> dict[str, Any]:
    return sd(
        "c", "Observation",
        e("Observation.component", slicing=slicing("pattern", "code", rules, ordered)),
        e("Observation.component", "a", max="1"), e("Observation.component.code", patternCodeableConcept=coding("A")),
        e("Observation.component", "b"), e("Observation.component.code", patternCodeableConcept=coding("B")),
        e("Observation.component.valueQuantity", min=1),
    )  # fmt: skip


def observed(*codes: str) -> dict[str, Any]:
    return {"resourceType": "Observation", "component": [{"code": coding(c), "valueQuantity": {"value": 1}} for c in codes]}


@pytest.mark.parametrize(
    ("rules", "ordered", "codes", "said"),
    [
        ("open", False, "XBA", None),
        ("open", False, "AA", "component:a is there 2 times"),
        ("open", True, "ABX", None),
        ("open", True, "BA", "a must stand before b"),
        ("closed", False, "AX", "fits none of the slices"),
        ("closed", False, "BAB", None),
        ("openAtEnd", False, "ABXX", None),
        ("openAtEnd", False, "XA", "a must stand before what fits no slice"),
    ],
)
def test_slices_by_pattern_with_their_rules(rules: str, ordered: bool, codes: str, said: str | None) -> None:
    found = wrong(observed(*codes), components(rules, ordered))
    assert (found == []) if said is None else (len(found) == 1 and said in found[0][1])


def test_what_a_slice_asks_is_asked_of_its_values_only() -> None:
    resource = observed("A", "B", "X")
    for c in resource["component"]:
        del c["valueQuantity"]
    assert [p for p, _ in wrong(resource, components("open"))] == ["Observation.component[1]"]


def test_slices_by_existence_type_and_profile() -> None:
    exists = sd(
        "x", "Patient", e("Patient.telecom", slicing=slicing("exists", "period")),
        e("Patient.telecom", "old", max="1"), e("Patient.telecom.period", min=1),
        e("Patient.telecom", "now", max="1"), e("Patient.telecom.period", max="0"),
    )  # fmt: skip
    dated = {"value": "1", "period": {"start": "1999"}}
    assert wrong(patient(telecom=[dated, {"value": "2"}]), exists) == []
    assert [t for _, t in wrong(patient(telecom=[dated, dated]), exists)] == ["telecom:old is there 2 times; 1 is the most"]
    entries = sd(
        "b", "Bundle", e("Bundle.entry", slicing=slicing("type", "resource", "closed")),
        e("Bundle.entry", "p", min=1), e("Bundle.entry.resource", type=[{"code": "Patient"}]),
    )  # fmt: skip
    assert wrong({"resourceType": "Bundle", "entry": [{"resource": patient()}]}, entries) == []
    assert len(wrong({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Flag"}}]}, entries)) == 2
    born = sd("born", "Patient", e("Patient.birthDate", min=1))
    by_profile = sd(
        "bp", "Bundle", e("Bundle.entry", slicing=slicing("profile", "resource")),
        e("Bundle.entry", "born", min=1), e("Bundle.entry.resource", type=[{"code": "Patient", "profile": [X + "born"]}]),
    )  # fmt: skip
    assert wrong({"resourceType": "Bundle", "entry": [{"resource": patient(birthDate="1999")}]}, by_profile, born) == []
    assert wrong({"resourceType": "Bundle", "entry": [{"resource": patient()}]}, by_profile, born)[0][1] == "entry:born is required"


def test_slices_within_slices() -> None:
    re = sd(
        "re", "Patient",
        e("Patient.identifier", slicing=slicing("value", "system"), id="Patient.identifier"),
        e("Patient.identifier", "card", id="Patient.identifier:card"),
        e("Patient.identifier.system", id="Patient.identifier:card.system", fixedUri=CITIZEN),
        e("Patient.identifier", "card", id="Patient.identifier:card", slicing=slicing("value", "use")),
        e("Patient.identifier", "card/old", id="Patient.identifier:card/old", max="1"),
        e("Patient.identifier.use", id="Patient.identifier:card/old.use", fixedCode="old"),
    )  # fmt: skip
    old = {"system": CITIZEN, "use": "old"}
    assert wrong(patient(identifier=[old, {"system": CITIZEN}, {"system": "x", "use": "old"}]), re) == []
    assert wrong(patient(identifier=[old, old]), re) == [
        ("Patient.identifier[1]", "identifier:card/old is there 2 times; 1 is the most")
    ]


def test_references_by_type_and_by_the_profile_of_what_they_lead_to() -> None:
    born = sd("born", "Patient", e("Patient.birthDate", min=1))
    subject = sd("o", "Observation", e("Observation.subject", type=[{"code": "Reference", "targetProfile": [X + "born"]}]))
    asked = {"resourceType": "Observation", "subject": {"reference": "Patient/1"}}
    assert wrong(asked, subject, born) == []  # what is not at hand is judged by its type
    assert "not allowed here" in wrong(asked | {"subject": {"reference": "Group/1"}}, subject, born)[0][1]
    inside = asked | {"subject": {"reference": "#p"}, "contained": [patient(id="p")]}
    assert "conforms to none" in wrong(inside, subject, born)[0][1]
    assert wrong(inside | {"contained": [patient(id="p", birthDate="1999")]}, subject, born) == []
    bundle = {"resourceType": "Bundle", "entry": [
        {"fullUrl": "http://x/fhir/Observation/2", "resource": asked | {"meta": {"profile": [X + "o"]}}},
        {"fullUrl": "http://x/fhir/Patient/1", "resource": patient(id="1")},
    ]}  # fmt: skip
    found = [i for i in judge(bundle, library(subject, born)) if i.severity == "error"]
    assert [i.expression for i in found] == ["Bundle.entry[0].resource.subject"]
    bundle["entry"][1]["resource"]["meta"] = {"profile": [X + "born"]}  # it says so itself: then it is judged where it stands
    found = [i for i in judge(bundle, library(subject, born)) if i.severity == "error"]
    assert [i.expression for i in found] == ["Bundle.entry[1].resource"]
    chosen = sd(
        "m", "Observation", e("Observation.hasMember", slicing=slicing("type", "resolve()", "closed")),
        e("Observation.hasMember", "r", type=[{"code": "Reference", "targetProfile": [SD + "QuestionnaireResponse"]}]),
    )  # fmt: skip
    assert wrong({"resourceType": "Observation", "hasMember": [{"reference": "QuestionnaireResponse/1"}]}, chosen) == []
    assert wrong({"resourceType": "Observation", "hasMember": [{"reference": "Observation/1"}]}, chosen) != []


ETHNIC = sd(
    "ethnic", "Extension", e("Extension.extension", max="0"), e("Extension.url", fixedUri=X + "ethnic"),
    e("Extension.value[x]", min=1, type=[{"code": "code"}]), kind="complex-type",
    context=[{"type": "element", "expression": "Patient"}],
)  # fmt: skip


def test_extensions_by_their_definition_wherever_they_stand() -> None:
    def said(resource: dict[str, Any], *more: dict[str, Any]) -> list[tuple[str, str]]:
        return [(i.expression, i.text) for i in judge(resource, library(ETHNIC, *more)) if i.severity == "error"]

    good = {"url": X + "ethnic", "valueCode": "01"}
    assert said(patient(extension=[good])) == []
    assert said(patient(extension=[{"url": X + "ethnic", "valueString": "Kinh"}])) == [
        ("Patient.extension[0].value", "must be code, not string")
    ]
    assert "is required" in said(patient(extension=[{"url": X + "ethnic"}]))[0][1]
    assert "not allowed on Patient.name" in said(patient(name=[{"extension": [good]}]))[0][1]
    assert "not a modifierExtension" in said(patient(modifierExtension=[good]))[0][1]


def test_a_profile_slices_extensions_by_their_url() -> None:
    kinh = sd(
        "kinh", "Patient",
        e("Patient.extension", "ethnic", min=1, max="1", type=[{"code": "Extension", "profile": [X + "ethnic"]}]),
        e("Patient.birthDate.extension", "time", id="Patient.birthDate.extension:time", min=1,
          type=[{"code": "Extension", "profile": [SD + "patient-birthTime"]}]),
    )  # fmt: skip
    time_ = {"extension": [{"url": SD + "patient-birthTime", "valueDateTime": "1999-02-28T07:30:00+07:00"}]}
    good = patient(extension=[{"url": X + "ethnic", "valueCode": "01"}], birthDate="1999-02-28", _birthDate=time_)
    assert wrong(good, kinh, ETHNIC) == []
    assert [t for _, t in wrong(good | {"extension": [{"url": "http://other", "valueCode": "1"}]}, kinh, ETHNIC)] == [
        "extension:ethnic is required"
    ]
    without = {k: v for k, v in good.items() if k != "_birthDate"}
    assert [t for _, t in wrong(without, kinh, ETHNIC)] == ["extension:time is required"]
    assert wrong(good, kinh) == []  # a definition that is not loaded is known by its url


def test_bindings_fixed_values_and_limits() -> None:
    codes = {"http://vs/a": {LOINC: frozenset({"A"})}}
    bound = sd(
        "b", "Observation", e("Observation.code", binding={"strength": "required", "valueSet": "http://vs/a|1"}),
        e("Observation.method", fixedCodeableConcept={"text": "đo"}),
        e("Observation.valueQuantity.value", minValueDecimal=Decimal("1.0"), maxValueDecimal=9),
    )  # fmt: skip
    good = {
        "resourceType": "Observation",
        "code": coding("A"),
        "method": {"text": "đo"},
        "valueQuantity": {"value": Decimal("1.00")},
    }
    assert wrong(good, bound, codes_of=codes.get) == []
    assert "required value set" in wrong(good | {"code": coding("B")}, bound, codes_of=codes.get)[0][1]
    assert "must be exactly" in wrong(good | {"method": {"text": "x"}}, bound, codes_of=codes.get)[0][1]
    assert "the least" in wrong(good | {"valueQuantity": {"value": Decimal("0.9")}}, bound, codes_of=codes.get)[0][1]
    assert "the most" in wrong(good | {"valueQuantity": {"value": 10}}, bound, codes_of=codes.get)[0][1]
    found = judge(good, library(bound), also=[bound["url"]])
    assert [(i.severity, i.expression) for i in found] == [("information", "Observation.code")]  # what cannot be listed is told


def test_invariants_see_the_resource_and_are_bounded() -> None:
    asked = sd("i", "Patient", e("Patient.contact", constraint=[
        {"key": "c-1", "severity": "warning", "human": "own phone", "expression": "%resource.telecom.exists()"}]))  # fmt: skip
    found = judge(patient(contact=[{"gender": "male"}]), library(asked), also=[asked["url"]])
    assert [(i.severity, i.expression) for i in found] == [("warning", "Patient.contact[0]")]
    endless = (
        "descendants().where(%resource.descendants().where(%resource.descendants().where($this = 1).exists()).exists()).exists()"
    )
    costly = sd("x", "Patient", e("Patient", constraint=[{"key": "x", "severity": "error", "human": "x", "expression": endless}]))
    many = patient(name=[{"given": [str(n)]} for n in range(3000)])
    began = time.process_time()
    assert "more than can be looked at" in wrong(many, costly)[-1][1]
    assert time.process_time() - began < 20  # without a bound: days


def test_snapshot_only_definitions_are_used() -> None:
    made = sd("s", "Patient", e("Patient"), e("Patient.birthDate", min=1))
    made["snapshot"] = made.pop("differential")
    assert wrong(patient(), made) == [("Patient", "birthDate is required")]


HOSTILE = [
    ("its own base", sd("me", "Patient", e("Patient"), base=X + "me")),
    ("no element 'nickname'", sd("h", "Patient", e("Patient.nickname", min=1))),
    ("no slicing", sd("h", "Patient", e("Patient.name", "a", min=1))),
    ("position", sd("h", "Patient", e("Patient.name", slicing=slicing("position", "$this")), e("Patient.name", "a"))),
    ("fixes no value", sd("h", "Patient", e("Patient.name", slicing=slicing("value", "use")), e("Patient.name", "a"))),
    ("which is not there", sd("h", "Patient", e("Patient.name", slicing=slicing("value", "colour")), e("Patient.name", "a"))),
    ("restricted FHIRPath", sd("h", "Patient", e("Patient.name", slicing=slicing("value", "where(true)")), e("Patient.name", "a"))),
    ("without a discriminator", sd("h", "Patient", e("Patient.name", slicing={"rules": "open"}), e("Patient.name", "a"))),
    ("5000 are the most", sd("h", "Patient", *[e("Patient.name", min=0) for _ in range(10_000)])),
    ("more than max", sd("h", "Patient", e("Patient.name", min=3, max="2"))),
    ("not among those", sd("h", "Patient", e("Patient.birthDate", type=[{"code": "Quantity"}]))),
    ("for ever", sd("h", "Patient", e("Patient", constraint=[{"key": "x", "expression": "id.matches('^(a+)+$')"}]))),
    ("written out", sd("h", "Patient", e("Patient", constraint=[{"key": "x", "expression": "id.matches(id)"}]))),
    ("characters", sd("h", "Patient", *[e("Patient.name", constraint=[{"key": str(n), "expression": "true or " * 900 + "true"}])
                                       for n in range(40)])),
    ("FHIRPath", sd("h", "Patient", e("Patient", constraint=[{"key": "x", "expression": "id.("}]))),
    ("must begin with", sd("h", "Patient", e("Observation.code"))),
    ("cannot become", sd("h", "Patient", e("Patient.gender", binding={"strength": "example"}))),
    ("more than 30 levels", sd("h", "Questionnaire", e("Questionnaire" + ".item" * 40, min=1))),
    ("type Nothing", sd("h", "Patient", e("Patient.contained", type=[{"code": "Nothing"}]), e("Patient.contained.x"))),
]  # fmt: skip


@pytest.mark.parametrize(("said", "definition"), HOSTILE, ids=[s for s, _ in HOSTILE])
def test_a_definition_that_cannot_be_used_is_refused_with_its_reason(said: str, definition: dict[str, Any]) -> None:
    began = time.process_time()
    with pytest.raises(Unusable) as why:
        check_definition(definition, library())
    assert said in why.value.text
    assert time.process_time() - began < 20
    assert judge(patient(), library(definition), also=[definition["url"]])[0].severity == "error"


def test_what_grows_without_end_is_refused() -> None:
    slices = [
        x for n in range(2400) for x in (e("Questionnaire.item", f"s{n}"), e("Questionnaire.item.linkId", fixedString=f"{n}"))
    ]
    grown = sd("g", "Questionnaire", e("Questionnaire.item", slicing=slicing("value", "linkId")), *slices)
    with pytest.raises(Unusable, match="more than 40000 elements"):
        check_definition(grown, library())


def test_a_missing_base_is_no_fault_of_the_definition() -> None:
    with pytest.raises(Unusable) as why:
        check_definition(sd("h", "Patient", e("Patient.name", min=1), base=X + "later"), library())
    assert why.value.missing == X + "later"


@pytest.mark.parametrize(
    "regex",
    [
        r"(a+)+$",
        r"(a|a)*b",
        r"(a|ab)*c",
        r"(.*)*",
        r"(\w+\s?)+$",
        r"(a*)*",
        r".*.*.*.*x",
        "a?" * 60 + "a" * 60,
        "(a|a)" * 60,
        "((a|b|ab){16}){16}c",
        r"(x)\1+",
    ],
)
def test_regular_expressions_that_could_run_for_ever_are_refused(regex: str) -> None:
    with pytest.raises(Unusable):
        safe_regex(regex, "x")


@pytest.mark.parametrize(
    "regex", [r"^[0-9]{12}$", r"[^\s]+(\s[^\s]+)*", r"([A-Z]{2}[0-9]{2}){1,8}", r"(\.(0|[1-9][0-9]*))+", r".*@.*", r"^.*-.*$"]
)
def test_plain_ones_are_taken(regex: str) -> None:
    safe_regex(regex, "x")


def test_a_slow_regular_expression_spends_the_budget() -> None:
    slow = {"key": "s", "severity": "error", "human": "s", "expression": "matches('.*x')"}
    asked = sd("slow", "Patient", e("Patient.name.given", constraint=[slow]))
    began = time.process_time()
    assert "more than can be looked at" in wrong(patient(name=[{"given": ["a" * 9000] * 400}]), asked)[-1][1]
    assert time.process_time() - began < 20
    assert judge(patient(name=[{"given": ["a" * 20_000]}]), library(asked), also=[asked["url"]])[0].severity == "warning"


def test_a_version_that_is_not_here_is_not_taken_for_another() -> None:
    born = sd("born", "Patient", e("Patient.birthDate", min=1), version="2")
    for version, severity in (("", "error"), ("|2", "error"), ("|1", "warning")):
        assert [i.severity for i in judge(patient(meta={"profile": [X + "born" + version]}), library(born))] == [severity]


def test_claims_are_found_wherever_a_resource_is() -> None:
    one = patient(meta={"profile": ["a"]}, contained=[patient(meta={"profile": ["b"]})])
    assert list(claims({"resourceType": "Bundle", "entry": [{"resource": one}, 3, {"resource": None}]})) == ["a", "b"]
    assert list(claims({"resourceType": [], "meta": 3, "contained": 4})) == []


NAMES = [
    "path",
    "id",
    "min",
    "max",
    "type",
    "code",
    "slicing",
    "discriminator",
    "rules",
    "element",
    "constraint",
    "key",
    "expression",
    "binding",
    "valueSet",
    "profile",
    "coding",
    "system",
    "url",
    "extension",
    "identifier",
    "value",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(NAMES), x, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    element=st.dictionaries(st.sampled_from(["min", "max", "type", "slicing", "constraint", "binding", "sliceName", "id"]), JSON)
)
def test_no_definition_makes_it_raise_anything_else(element: dict[str, Any]) -> None:
    broken = sd("f", "Patient", {**element, "path": "Patient.identifier"})
    with suppress(Unusable):
        check_definition(broken, library())
    judge(patient(identifier=[{"system": "x"}]), library(broken), also=[broken["url"]])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(["identifier", "name", "extension", "contained", "meta", "deceasedBoolean", "_birthDate"]), JSON
    )
)
def test_no_resource_makes_it_raise(members: dict[str, Any]) -> None:
    judge({"resourceType": "Patient", **members}, library(PERSON, ETHNIC), also=[PERSON["url"]])
