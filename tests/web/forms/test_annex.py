"""The official forms: which there are, what they keep of the law's text, and that each can be filled to its last line."""

from __future__ import annotations

from pathlib import Path

import pytest

from filled_form import filled
from longbien.web.forms import catalogue, compact, printed
from longbien.web.forms.tree import walk

RECORDS = {i: f for i, f in catalogue.packaged().items() if f.kind == "record"}
BLANKS = Path(__file__).parents[4] / "shared" / "vietnam" / "forms_tt32"


def test_all_29_records_of_annex_xxviii_are_there() -> None:
    numbers = sorted(printed.number(f) for f in RECORDS.values())
    assert numbers == [f"{n:02d}/BV-01" for n in range(1, 30)]


@pytest.mark.parametrize("id_", RECORDS)
def test_each_can_be_filled_to_its_last_line_without_an_error(id_: str) -> None:
    made = filled(RECORDS[id_])
    assert [(n.name, n.error) for n in made.errors] == [] and made.wrong == []
    assert made.response["item"][-1]["item"]


@pytest.mark.parametrize("id_", RECORDS)
def test_nothing_that_is_a_condition_asks_for_a_question_that_is_not_there(id_: str) -> None:
    form = RECORDS[id_]
    known = {i.id for i in walk(form.items)}
    assert {w.question for i in walk(form.items) for w in i.when} <= known


def test_what_charts_and_diagnoses_know_of_the_base_is_kept() -> None:
    form = RECORDS["record-burns"]
    pulse, main = form.item("pulse"), form.item("main_dx")
    assert pulse is not None and pulse.extract and pulse.links is not None
    assert main is not None and main.context == "Condition"


def test_numbers_move_on_where_a_form_has_a_line_more() -> None:
    admitted = RECORDS["record-psychiatry"].item("admitted")
    assert admitted is not None and admitted.prefix == "13."


def test_a_line_that_is_none_says_which() -> None:
    with pytest.raises(compact.Wrong, match="oops"):
        compact.compiled("record-x", "number: 99\ntitle: A | B\nbase: record-internal\n\noops", catalogue.resources())
    with pytest.raises(compact.Wrong, match="nothere"):
        compact.compiled("record-x", "number: 99\ntitle: A | B\nbase: record-internal\n\n@nothere", catalogue.resources())


def test_right_and_left_eye_stand_side_by_side() -> None:
    form = RECORDS["record-eye-anterior"]
    found = [x for x in printed.lines(form, filled(form).response, []) if x["k"] == "sides"]
    assert len(found) > 30
    assert [c["label"] for c in found[0]["cells"]] == ["MP", "MT"]


def test_a_disease_stands_in_words_with_its_code_in_boxes() -> None:
    form = RECORDS["record-internal"]
    rows = [c for x in printed.lines(form, filled(form).response, []) if x["k"] == "row" for c in x["cells"] if c["t"] == "code"]
    assert {(c["text"], c["code"]) for c in rows} == {("Viêm phổi", "J18.9")}


def test_who_signs_follows_the_form() -> None:
    def who(id_: str, summed_up: bool) -> list[str]:
        return [key for key, _ in printed.signers(RECORDS[id_], summed_up)]

    assert who("record-internal", True) == ["facility", "head", "doctor", "treating"]
    assert who("record-internal", False) == ["facility", "head", "doctor"]
    assert who("record-dental-outpatient", True) == ["facility", "doctor", "treating"]
    assert who("record-commune", True) == ["doctor"]


@pytest.mark.skipif(not BLANKS.is_dir(), reason="the blank forms are not at hand")
@pytest.mark.parametrize(("id_", "blank", "words"), [
    ("record-psychiatry", "7_benh_an_tam_than.md", ("Khả năng phân tích", "Hoạt động bản năng", "Trình độ văn hoá")),
    ("record-gynaecology", "4_benh_an_phu_khoa.md", ("Tầng sinh môn", "Các túi cùng", "Tính chất kinh nguyệt")),
    ("record-haematology", "9_benh_an_huyet_hoc_truyen_mau.md", ("Huyết tương tươi đông lạnh", "Kháng thể bất thường")),
    ("record-eye-squint", "25_benh_an_mat_sup_mi_lac.md", ("Điểm cận", "Chức năng cơ nâng mi", "Tương ứng võng mạc")),
    ("record-traditional", "18_benh_an_noi_tru_yhct.md", ("Bất nội ngoại nhân", "Pháp điều trị", "BIỆN CHỨNG LUẬN TRỊ")),
])  # fmt: skip
def test_the_forms_own_words_are_those_of_the_blank(id_: str, blank: str, words: tuple[str, ...]) -> None:
    official = (BLANKS / blank).read_text(encoding="utf-8")
    ours = " ".join(t for i in walk(RECORDS[id_].items) for t in (i.text.vi, *(c.text.vi for c in i.choices)))
    for word in words:
        assert word in official and word in ours, word
