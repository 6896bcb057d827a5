"""Any form filled with anything: it never fails, what was typed stays, and what comes of it is valid FHIR."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longbien.base import clock
from longbien.base.words import words
from longbien.fhir import json
from longbien.fhir.validate import validate
from longbien.web.entries import Writer
from longbien.web.forms import catalogue, draft, extract, filling, paper, populate, tree
from longbien.web.forms.filling import Fields
from longbien.web.forms.pages import without
from longbien.web.forms.populate import Opening
from longbien.web.forms.tree import Form, Item

NOW = clock.now()
ENV: dict[str, Any] = {"patient": {"resourceType": "Patient", "id": "a", "gender": "female", "birthDate": "1950-03"}, "encounter": None, "user": {}}  # noqa: E501 # fmt: skip
WRITER = Writer("a", "p", "BS. An", "o", "e")
JUNK = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["", " ", "hai", "1e9", "99/99/2026", "37,9", "<b>", "\x07x", "0", "-1", "a · b"]
)


def fitting(item: Item) -> st.SearchStrategy[str]:
    if item.choices:
        return st.sampled_from([c.key for c in item.choices])
    if item.type in tree.NUMBERS:
        low, high = int(item.low or 0), int(item.high or 100)
        return st.integers(low, max(low, high)).map(str)
    plain = {
        "boolean": ["true", "false"],
        "date": ["23/11/2026", "2020", "11/2020"],
        "dateTime": ["23/11/2026 06:10"],
        "time": ["06:10"],
    }
    return (
        st.sampled_from(plain[item.type]) if item.type in plain else st.sampled_from(["Khó thở", "J18.9 · Viêm phổi", "hai\ndòng"])
    )


@st.composite
def filled_in(draw: st.DrawFn, form: Form) -> Fields:
    """Some fields of a form, most of them as they should be."""
    out: Fields = {}
    names = populate.names(form.items)
    for name, item in draw(st.lists(st.sampled_from(names), max_size=40, unique_by=lambda x: x[0])):
        if item.type in ("group", "display") or item.calculated:
            continue
        times = draw(st.integers(1, 3)) if item.repeats else 1
        for row in ("*0", "*1") if "*0" in name and draw(st.booleans()) else ("*0",):
            out[name.replace("*0", row, 1)] = [draw(fitting(item) if draw(st.integers(0, 5)) else JUNK) for _ in range(times)]
    return out


@pytest.mark.parametrize("id_", list(catalogue.packaged()))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_typed_the_form_holds_it_and_what_comes_of_it_is_valid(id_: str, data: st.DataObject) -> None:
    form = catalogue.packaged()[id_]
    fields = data.draw(filled_in(form))
    env = ENV | {name: None for name, _ in form.queries}
    filled = filling.fill(form, fields, env, words("vi"), NOW)
    assert filled.wrong == []
    by_name = {n.name: n for n in filled.each()}
    for name, texts in fields.items():  # what was typed stands in the form, right or wrong
        node = by_name[name]
        assert node.raw == ([t for t in texts if t.strip()] if node.item.repeats else texts[:1])
    signing = extract.Signing("01a22bba-c5aa-74ce-a7ac-7da534be6cba", WRITER, NOW)
    made = extract.response(filled, signing, "completed")
    made = {k: v for k, v in made.items() if k != "item" or v}
    found = [made, *extract.extracted(filled, signing)]
    if form.kind in catalogue.PAPERS:
        found.append(paper.composition(filled, signing, catalogue.PAPERS[form.kind], "o", words("vi")))
    for x in found:
        wrong = [i for i in validate(json.loads(json.dumps(x))) if i.severity in ("fatal", "error")]
        assert [i for i in wrong if "section" not in str(i.expression)] == [], x["resourceType"]
    assert len({(x["resourceType"], x["id"]) for x in found}) == len(found)
    again = filling.fill(form, filling.fields_of(form, made, "vi"), env, words("vi"), NOW)
    assert again.response["item"] == filled.response["item"]
    kept = draft.Draft(fields=fields)
    back = draft.loads(kept.dumps())
    assert back is not None and back.fields == fields and back.once == kept.once


def test_a_draft_that_cannot_be_read_is_none() -> None:
    assert draft.loads("") is None and draft.loads("[]") is None and draft.loads('{"fields": 1}') is None
    assert draft.Draft.opened(Opening(fields={"a": ["1"]}, from_record={"a": ["1"]})).drawn == {"a"}


def test_a_row_taken_away_moves_the_others_up() -> None:
    fields = {"g*0/a": ["0"], "g*1/a": ["1"], "g*2/a": ["2"], "g*2": ["1"], "x/g*1/a": ["y"], "b": ["z"]}
    assert without(fields, "g", 1) == {"g*0/a": ["0"], "g*1/a": ["2"], "g*1": ["1"], "x/g*1/a": ["y"], "b": ["z"]}


def form_of(*items: dict[str, Any], **more: Any) -> Form:
    return tree.read(
        {"resourceType": "Questionnaire", "id": "q", "url": "https://x/q", "status": "active", "item": list(items), **more}
    )


def test_conditions_compare_as_the_standard_says() -> None:
    def when(operator: str, **answer: Any) -> dict[str, Any]:
        return {"linkId": "b", "type": "string", "enableWhen": [{"question": "a", "operator": operator, **answer}]}

    def on(item: dict[str, Any], typed: str) -> bool:
        form = form_of({"linkId": "a", "type": "decimal"}, item)
        fields = {"a": [typed]} if typed else {}
        return next(n.on for n in filling.fill(form, fields, ENV, words("vi"), NOW).each() if n.item.id == "b")

    assert (
        on(when(">", answerDecimal=5), "5,1") and not on(when(">", answerDecimal=5), "5") and not on(when(">", answerDecimal=5), "")
    )
    assert on(when(">=", answerDecimal=5), "5") and on(when("=", answerDecimal=5), "5,0") and on(when("!=", answerDecimal=5), "")
    assert on(when("exists", answerBoolean=False), "") and not on(when("exists", answerBoolean=True), "")


def test_a_condition_looks_in_its_own_row_first() -> None:
    rows = {"linkId": "g", "type": "group", "repeats": True, "item": [
        {"linkId": "a", "type": "boolean"},
        {"linkId": "b", "type": "string", "enableWhen": [{"question": "a", "operator": "=", "answerBoolean": True}]}]}  # fmt: skip
    fields = {"g*0/a": ["true"], "g*0/b": ["x"], "g*1/a": ["false"], "g*1/b": ["y"]}
    filled = filling.fill(form_of(rows), fields, ENV, words("vi"), NOW)
    assert {n.name: n.on for n in filled.each() if n.item.id == "b"} == {"g*0/b": True, "g*1/b": False}
    assert "y" not in str(filled.response["item"])  # not asked, so not answered


def test_a_form_that_never_settles_or_never_ends_is_left_as_it_is() -> None:
    url = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
    more = {"language": "text/fhirpath", "expression": "iif(%resource.item.exists(), %resource.item.answer.value + 1, 1)"}
    grows = {"linkId": "a", "type": "integer", "extension": [{"url": url, "valueExpression": more}]}
    filled = filling.fill(form_of(grows), {}, ENV, words("vi"), NOW)
    assert next(filled.each()).answers[0]["valueInteger"] <= filling.ROUNDS


def observation(code: str, value: Any, hours: float, unit: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": f"o{code}", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "effectiveDateTime": clock.instant(NOW - timedelta(hours=hours)), "valueQuantity": {"value": value, "code": unit},
    }  # fmt: skip


def test_what_is_charted_is_taken_while_it_is_fresh_and_in_its_own_unit() -> None:
    form = catalogue.packaged()["score-news2"]

    def taken(*charted: dict[str, Any]) -> list[str]:
        return populate.opening(form, ENV, charted, NOW, "vi").fields.get("asked/hr", [])

    assert taken(observation("8867-4", 88, 1, "/min")) == ["88"]
    assert taken(observation("8867-4", 88, 9, "/min")) == []
    assert taken(observation("8867-4", 88, 1, "/h")) == []
    assert taken(observation("8867-4", 8800, 1, "/min")) == []  # no living pulse


@pytest.mark.parametrize(
    "form, gender, years, fits",
    [
        ("record-obstetrics", "male", 30, False), ("record-obstetrics", "female", 30, True),
        ("record-obstetrics", "female", 5, False),
        ("record-paediatrics", "male", 15, True), ("record-paediatrics", "male", 16, False), ("score-news2", "male", 15, False),
        ("score-news2", "male", 16, True), ("score-apgar", "male", 0, True), ("score-apgar", "male", 1, False),
        ("record-internal", "male", 90, True),
    ],
)  # fmt: skip
def test_a_form_is_meant_for_an_age_and_a_sex(form: str, gender: str, years: int, fits: bool) -> None:
    birth = f"{clock.local(NOW).year - years}-01-01"
    assert filling.fits(catalogue.packaged()[form], gender, birth, NOW) is fits
    assert filling.fits(catalogue.packaged()[form], None, None, NOW)
