"""The official records of circular 32/2023 on paper: each with its number, its parts and a place for whoever signs it."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from filled_form import filled
from longbien.base import clock
from longbien.base.words import words
from longbien.records import official, papers, printing
from longbien.web.entries import Writer
from longbien.web.forms import catalogue, paper, printed
from longbien.web.forms.extract import Signing

RECORDS = {i: f for i, f in catalogue.packaged().items() if f.kind == "record"}


def composition(id_: str, *, part_b: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """What signing this form writes: the paper and the answers."""
    made = filled(RECORDS[id_], part_b=part_b)
    writer = Writer("na", "BS. Minh", "bs-minh", "ended")
    return paper.composition(made, Signing("qr1", writer, clock.now()), "record", "bv-sn", words("vi")), made.response


def page(id_: str, *, part_b: bool = True) -> dict[str, Any]:
    made, response = composition(id_, part_b=part_b)
    sources = papers.Sources(
        made, patient={"name": [{"text": "Nguyễn Thị Na"}]}, facility={"name": "Bệnh viện Sông Nhị"},
        form=official.form_of(made), response=response,
    )  # fmt: skip
    kind = papers.kind_of(made)
    assert kind is not None
    return papers.page(sources) | {
        "blocks": [{"key": b.key, "label": b.label, "signed": None} for b in kind.blocks], "draft": False, "converted": "",
        "addendum": "", "qr": "", "code": "", "address": "", "printed": [], "foot": "",
    }  # fmt: skip


def text_of(pdf: bytes) -> str:
    out = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    return " ".join(out.split())


@pytest.mark.parametrize("id_", RECORDS)
async def test_it_prints_with_its_number_and_a_place_for_each_who_signs(id_: str) -> None:
    form, data = RECORDS[id_], page(id_)
    made = await printing.paper(data)
    assert sorted(p.key for p in made.places) == sorted(k for k, _ in printed.signers(form, True))
    said = text_of(made.pdf)
    assert f"MS: {printed.number(form)}" in said
    for top in form.items:
        if top.text.vi:
            assert top.text.vi.upper().split("(")[0].strip()[:24] in said, top.text.vi


async def test_an_empty_part_b_is_not_signed_and_a_full_one_is() -> None:
    assert [b["key"] for b in page("record-internal", part_b=False)["blocks"]] == ["facility", "head", "doctor"]
    assert "treating" in [b["key"] for b in page("record-internal")["blocks"]]


def test_the_paper_is_called_by_its_own_name_in_both_languages() -> None:
    made, _ = composition("record-burns", part_b=True)
    kind = papers.kind_of(made)
    assert kind is not None and kind.name("vi") == "Bệnh án bỏng" and kind.name("en") == "Burns record"
    assert kind.mark == "MS: 11/BV-01"


def test_a_record_that_names_no_form_keeps_the_plain_page() -> None:
    made, _ = composition("record-burns", part_b=True)
    kind = papers.kind_of({k: v for k, v in made.items() if k != "extension"})
    assert kind is not None and kind.title == "Bệnh án" and [b.key for b in kind.blocks] == ["doctor", "head", "facility"]
