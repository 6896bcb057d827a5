"""Every packaged form: a valid R4 Questionnaire whose expressions work, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from longbien.base import clock
from longbien.base.words import words
from longbien.fhir.validate import validate
from longbien.web.forms import catalogue, filling
from longbien.web.forms.tree import walk

FORMS = list(catalogue.packaged())


@pytest.mark.parametrize("id_", FORMS)
def test_it_is_a_valid_questionnaire_of_r4(id_: str) -> None:
    found = [i for i in validate(catalogue.resources()[id_]) if i.severity in ("fatal", "error")]
    assert found == []


@pytest.mark.parametrize("id_", FORMS)
def test_every_text_stands_in_both_languages_and_every_link_id_once(id_: str) -> None:
    form = catalogue.packaged()[id_]
    items = list(walk(form.items))
    assert len({i.id for i in items}) == len(items)
    for said in (form.title, *(i.text for i in items), *(c.text for i in items for c in i.choices)):
        assert bool(said.vi) == bool(said.en)
        assert not set(said.en.lower()) & set("ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"), said.en
    assert form.kind in {k for k, _ in catalogue.KINDS}


@pytest.mark.parametrize("id_", FORMS)
def test_no_expression_fails_on_an_empty_form(id_: str) -> None:
    env: dict[str, Any] = {
        "patient": {"resourceType": "Patient", "gender": "female", "birthDate": "1950-03-01"},
        "encounter": None,
        "user": {},
    }
    form = catalogue.packaged()[id_]
    env |= {name: None for name, _ in form.queries}
    assert filling.fill(form, {}, env, words("vi"), clock.now()).wrong == []
