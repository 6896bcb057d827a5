"""What Consents say, as rules; and which categories resources are of."""

from __future__ import annotations

from typing import Any

from longbien.base.ids import key64, patient_key
from longbien.record import directives as d
from longbien.record import sensitive

ACT = sensitive.ACT_CODE


def consent(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Consent", "id": "c", "status": "active", "patient": {"reference": "Patient/p"},
        "dateTime": "2026-03-01T08:00:00Z",
        "scope": {"coding": [{"code": "patient-privacy"}]}, "provision": {"provision": list(rules)}, **more,
    }  # fmt: skip


def label(code: str) -> dict[str, str]:
    return {"system": ACT, "code": code}


def test_a_permission_says_what_it_is_for_a_refusal_is_for_everything() -> None:
    permit, deny = d.directives(consent({"type": "permit"}, {"type": "deny"}))
    assert permit.cats == sensitive.ORDINARY and permit.purposes == d.TREATMENT
    assert deny.cats == sensitive.ALL and deny.purposes == d.EVERY_PURPOSE


def test_a_sensitive_category_is_opened_by_name_only() -> None:
    (rule,) = d.directives(consent({"type": "permit", "securityLabel": [label("HIV"), label("PSY")]}))
    assert rule.cats == sensitive.BY_CODE["hiv"].bit | sensitive.BY_CODE["mental"].bit


def test_readers_are_facilities_or_a_person_and_an_unknown_one_widens_a_refusal() -> None:
    actor = [{"role": {}, "reference": {"reference": "Organization/b"}}]
    assert d.directives(consent({"type": "permit", "actor": actor}))[0].reader == key64("Organization/b")
    group = [{"role": {}, "reference": {"reference": "Group/x"}}]
    assert d.directives(consent({"type": "permit", "actor": group})) == []
    assert d.directives(consent({"type": "deny", "actor": group}))[0].reader == d.ANYBODY


def test_what_is_not_understood_lets_a_permission_count_for_nothing_and_a_refusal_for_all() -> None:
    odd = {"code": [{"text": "x"}], "securityLabel": [label("HIV")]}
    assert d.directives(consent({"type": "permit", **odd})) == []
    assert d.directives(consent({"type": "deny", **odd}))[0].cats == sensitive.ALL


def test_only_what_is_in_force_counts() -> None:
    assert d.directives(consent({"type": "permit"}, status="inactive")) == []
    assert d.directives(consent({"type": "permit"}, scope={"coding": [{"code": "research"}]})) == []


def test_a_base_policy_is_older_than_its_exceptions() -> None:
    made = d.directives(
        consent({"type": "permit", "securityLabel": [label("HIV")]}, policyRule={"coding": [{"system": ACT, "code": "OPTOUT"}]})
    )
    assert [x.permit for x in sorted(made, key=lambda x: x.at)] == [False, True]


def test_nothing_is_dated_after_it_was_written() -> None:
    rule = d.directives(consent({"type": "deny"}, dateTime="2099-01-01", meta={"lastUpdated": "2026-03-02T00:00:00Z"}))[0]
    assert rule.at.year == 2026


def test_walls_stand_around_the_known_and_around_colleagues() -> None:
    vip = {"resourceType": "Patient", "id": "p", "meta": {"security": [label("CEL")]}}
    assert d.walls(vip) == [d.Wall(patient_key("p"), None)]
    person = {
        "resourceType": "Person", "id": "x",
        "link": [{"target": {"reference": "Patient/p"}}, {"target": {"reference": "Practitioner/dr"}}],
    }  # fmt: skip
    assert d.walls(person) == [d.Wall(patient_key("p"), "dr")]


def of(*codings: tuple[str, str], text: str = "") -> int:
    concept = {"coding": [{"system": s, "code": c} for s, c in codings], "text": text}
    return sensitive.bits({"resourceType": "Condition", "id": "c", "code": concept})


def test_codes_of_diagnoses_tests_and_drugs_have_categories() -> None:
    icd, loinc, atc = "http://hl7.org/fhir/sid/icd-10", "http://loinc.org", "http://www.whocc.no/atc"
    bit = {c.code: c.bit for c in sensitive.CATEGORIES}
    assert of((icd, "B20.1")) == bit["hiv"] and of((loinc, "56888-1")) == bit["hiv"] and of((atc, "J05AR10")) == bit["hiv"]
    assert of((icd, "F20.0")) == bit["mental"] and of((icd, "F11.2")) == bit["drug"] and of((icd, "Z30.0")) == bit["reproductive"]
    assert of((icd, "I10")) == 0 and of((icd, "J18.9"), text="Viêm phổi") == 0
    assert of(text="Sàng lọc HIV") == bit["hiv"] and of(text="HIVAN") == 0


def test_labels_of_the_author_and_contained_resources_count() -> None:
    bit = {c.code: c.bit for c in sensitive.CATEGORIES}
    labelled = {"resourceType": "Observation", "meta": {"security": [{"system": sensitive.CONFIDENTIALITY, "code": "R"}]}}
    assert sensitive.bits(labelled) == bit["restricted"]
    inside = {"resourceType": "List", "contained": [{"resourceType": "Condition", "code": {"coding": [
        {"system": "http://hl7.org/fhir/sid/icd-10", "code": "F32.1"}]}}]}  # fmt: skip
    assert sensitive.bits(inside) == bit["mental"]
    assert sensitive.bits({"resourceType": "Patient", "meta": labelled["meta"]}) == 0
