"""longbien code-system: tables of codes become CodeSystems that can be imported."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from longbien.base.errors import Invalid
from longbien.commands import code_system
from longbien.fhir.terminology import concepts
from longbien.fhir.validate import validate

ICD = ["--url", "https://longbien.example/fhir/CodeSystem/icd10-vn", "--name", "ICD10VN", "--version", "4469-2020"]
COLUMNS = ["--display", "name_vi", "--designation", "en=name_en", "--level", "chapter_range=chapter_vi",
           "--level", "group=group_vi",           "--level", "type3=type3_vi", "--strip", "†*"]  # fmt: skip


def made(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    code_system.arguments(parser)
    assert code_system.run(parser.parse_args(arguments)) == 0
    found: dict[str, Any] = json.loads(capfdbinary.readouterr().out)
    return found


def test_the_ministrys_table_of_2020(shared: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    table = shared / "vietnam" / "codes" / "icd10_qd4469_2020_superseded.csv"
    found = made(capfdbinary, str(table), *ICD, *COLUMNS)
    assert [i for i in validate(found) if i.severity == "error"] == []
    assert (found["id"], found["version"], found["count"]) == ("icd10-vn-4469-2020", "4469-2020", len(found["concept"]))
    system = concepts.read(found)
    assert system.above("A00.0") == {"A00.0", "A00", "A00-A09", "A00-B99"}
    marked = system.find("A17.0")
    assert marked is not None
    assert list(marked.values("mark")) == ["†"]
    assert [d.language for d in marked.designation] == ["en"]


def test_a_table_with_parents_and_properties(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    table = tmp_path / "t.csv"
    table.write_text("code,display,up,sex\nA,Một,,\nA1,Hai,A,F\n\n", "utf-8")
    found = made(capfdbinary, str(table), *ICD, "--parent", "up", "--property", "sex=sex", "--fragment")
    assert found["content"] == "fragment"
    assert found["concept"][1] == {
        "code": "A1", "display": "Hai", "property": [{"code": "parent", "valueCode": "A"}, {"code": "sex", "valueString": "F"}]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("code,display\nA,Một\nA,Hai\n", []), ("code,display\n", []), ("code,name\nA,Một\n", []), ("", []),
        ("code,display\nA,Một\n", ["--property", "sex"]), ("code,display\nA,Một\n", ["--level", "x=y"]),
        ("code,display\n a\tb ,Một\n", []),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, text: str, more: list[str]) -> None:
    table = tmp_path / "t.csv"
    table.write_text(text, "utf-8")
    parser = argparse.ArgumentParser()
    code_system.arguments(parser)
    with pytest.raises(Invalid):
        code_system.run(parser.parse_args([str(table), *ICD, *more]))
