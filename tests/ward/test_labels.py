"""Wristbands and labels: printed, then read back from the paper by an independent reader."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typst
import zxingcpp
from PIL import Image

from longbien.base.words import words
from longbien.fhir.systems import PATIENT_NUMBER
from longbien.ward import labels, mar
from longbien.ward.pages.prints import PAPER

PATIENT = {"id": "017cf0ff-b5db-843c-a673-25bdf86e98d4", "name": [{"text": "Nguyễn Văn Thưởng"}], "gender": "male",
           "birthDate": "1955-03-14",
           "identifier": [{"system": PATIENT_NUMBER, "value": "SN26.000123"}]}  # fmt: skip


def picture(data: dict[str, Any]) -> Image.Image:
    """The first page as a printer of 300 dpi puts it on paper."""
    template = PAPER / "wristband.typ"
    made = typst.compile(str(template), root=str(template.parent), format="png", ppi=300.0, ignore_system_fonts=True, font_paths=[],
                         sys_inputs={"data": json.dumps(data)})  # fmt: skip
    first = made[0] if isinstance(made, list) else made
    assert isinstance(first, bytes)
    return Image.open(io.BytesIO(first)).convert("L")


@pytest.mark.parametrize("kind", ["band", "label"])
@pytest.mark.parametrize("patient", [PATIENT, {k: v for k, v in PATIENT.items() if k != "identifier"}], ids=["number", "id"])
def test_the_code_is_read_back_from_paper(kind: str, patient: dict[str, Any]) -> None:
    data = labels.data(patient, "Khoa Nội tim mạch · P.412 · 12", True, kind, 2, date(2026, 11, 30), words("vi"))
    found = zxingcpp.read_barcode(picture(data))
    assert found is not None and found.text == labels.code(patient)
    assert found.text in mar.numbers(patient)


def test_a_number_that_bars_cannot_hold_gives_way_to_the_id() -> None:
    odd = PATIENT | {"identifier": [{"system": PATIENT_NUMBER, "value": "Số 12"}]}
    assert labels.code(odd) == PATIENT["id"]


def test_the_template_is_part_of_the_package() -> None:
    assert (Path(labels.__file__).parent / "paper" / "wristband.typ").is_file()
