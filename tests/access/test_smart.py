"""The language of scopes, without a database."""

from __future__ import annotations

import pytest

from longbien.access import smart
from longbien.access.apps import registry
from longbien.base.errors import Invalid

LAB = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"


def held(text: str) -> smart.Held:
    return smart.held(smart.read(text).ones)


def test_both_of_smarts_forms_say_the_same() -> None:
    assert held("system/*.*") == held("system/*.cruds") and held("patient/Patient.read") == held("patient/Patient.rs")
    assert held("user/Observation.write") == held("user/Observation.cud")


def test_each_letter_is_a_right_of_its_own() -> None:
    one = held("user/Patient.r user/Observation.cs user/Task.d")
    assert one.types("r") == {"Patient"} and one.types("s") == {"Observation"} and one.types("c") == {"Observation"}
    assert one.types("d") == {"Task"} and one.types("u") == frozenset() and one.types("r", "s") == {"Patient", "Observation"}


def test_everything_stays_everything_beside_a_named_type() -> None:
    assert held("system/*.rs system/Observation.cud").types("r") is None
    assert held("system/*.rs system/Observation.cud").types("c") == {"Observation"}


def test_patient_and_user_may_stand_beside_each_other() -> None:
    one = held("patient/*.rs user/Practitioner.rs")
    own = one.at_patient()
    assert own is not None and "Observation" in own and "Practitioner" not in own


def test_searches_of_one_type_are_alternatives_and_a_wider_scope_wins() -> None:
    two = held(f"patient/Observation.rs?category={LAB} patient/Observation.rs?category=vital-signs")
    assert len(dict(two.limited)["Observation"]) == 2
    assert held(f"patient/Observation.rs?category={LAB} patient/*.rs").limited == ()


@pytest.mark.parametrize(
    "text",
    [
        "system/Patient.sr", "system/*", "system/*.", "system/Nothing.rs", "patient/*.rs?category=x",
        "patient/Observation.cud?code=x",
        "patient/Observation.rs?code:in=http://x", "patient/Observation.rs?subject.name=x",
        "patient/Observation.rs?_has:Task:focus:status=x",
        "patient/Observation.rs?_count=1", "patient/Observation.rs?unknown=1", "patient/Observation.rs?category",
        "patient/Observation.rs?",
        "patient/Observation.rs?_include=Observation:subject", "patient/Patient.rs?name=An", "email", "patient/observation.rs",
        "patient/Observation.rs?category=x&category=", "user/Observation.rs?value-quantity=5", "launch/encounter2",
    ],
)  # fmt: skip
def test_what_cannot_be_held_exactly_is_no_scope(text: str) -> None:
    with pytest.raises(Invalid):
        smart.read(text)


@pytest.mark.parametrize(
    "text",
    [
        "patient/Observation.r user/Observation.s", "patient/Observation.r?code=x patient/Observation.s?code=y",
        "patient/Observation.rs?code=x patient/Observation.c",
    ],
)  # fmt: skip
def test_what_together_cannot_be_held_exactly_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        held(text)


ANYBODYS = [
    "http://example.com/", "https://*.example.com/", "https://u@x.vn/", "https://x.vn/#a", "data:text/html,x", "/back",
    "https://x.vn/\n", "app:/back", "http://127.0.0.1.evil.example/",
]  # fmt: skip


@pytest.mark.parametrize("uri", ANYBODYS)
def test_an_address_that_could_be_anybodys_is_not_registered(uri: str) -> None:
    with pytest.raises(Invalid):
        registry.check_redirect(uri)


@pytest.mark.parametrize("uri", ["https://x.vn/back?a=1", "http://127.0.0.1:8000/back", "http://[::1]/b", "vn.example.app:/back"])
def test_an_apps_own_address_is(uri: str) -> None:
    registry.check_redirect(uri)
