"""The catalogues as FHIR: every code that a person carries is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from longbien.demo import catalogues, starter
from longbien.fhir import systems as s
from longbien.fhir.validate import validate

Resource = dict[str, Any]


def _codings(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if "system" in value and "code" in value and "value" not in value:
            yield value["system"], value["code"]
        for v in value.values():
            yield from _codings(v)
    elif isinstance(value, list):
        for v in value:
            yield from _codings(v)


def test_every_local_code_in_use_is_in_its_code_system(everything: list[Resource], fixed: list[Resource]) -> None:
    known = set(catalogues.displays())
    used = {c for r in [*everything, *fixed] for c in _codings(r) if c[0] in s.CODE_SYSTEMS}
    assert len(used) > 300
    assert not used - known


def test_every_code_system_is_there_once() -> None:
    urls = [r["url"] for r in catalogues.code_systems()]
    assert sorted(urls) == sorted(s.CODE_SYSTEMS)


def test_icd10_has_names_parents_and_rules() -> None:
    codes = {c[0]: c for c in catalogues.icd10()}
    assert len(codes) > 12_000
    assert codes["I10"][1] == "Bệnh lý tăng huyết áp"
    assert all(not parent or parent in codes for _, _, _, parent, *_ in codes.values())
    assert codes["B95.0"][4] is True and codes["I10"][4] is False
    assert codes["O80.0"][5] == "F" and codes["N40"][5] == "M"
    assert codes["E11.2"][3] == "E11"


def test_intervals_of_a_test_are_those_of_its_bands() -> None:
    potassium = next(r for r in catalogues.observation_definitions() if r["id"] == "xn-k")
    bands = starter.bands("K")
    of_kind = [x for x in potassium["qualifiedInterval"] if x["category"] == "critical"]
    assert len(of_kind) == sum(b.critical_low is not None or b.critical_high is not None for b in bands)
    assert float(of_kind[-1]["range"]["high"]["value"]) == bands[-1].critical_high


def test_ids_are_stable_and_legal(fixed: list[Resource]) -> None:
    assert [r["id"] for r in catalogues.resources()] == [r["id"] for r in catalogues.resources()]
    assert "thuoc-ca-glu" in {r["id"] for r in fixed}


@pytest.mark.parametrize("part", ["fixed", "people"])
def test_everything_is_valid_r4(part: str, fixed: list[Resource], city: list[list[Resource]]) -> None:
    found = fixed if part == "fixed" else [r for person in [*city[::6], *city[:10], city[75], city[225]] for r in person]
    try:
        validate({"resourceType": "Patient"})
    except (ImportError, FileNotFoundError) as missing:
        pytest.skip(f"the FHIR definitions are not compiled: {missing}")
    wrong = [(r["resourceType"], r["id"], i) for r in found for i in validate(r) if i.severity in ("error", "fatal")]
    assert not wrong[:3]
    assert validate({"resourceType": "Patient", "gender": "x"}), "the validator finds what is wrong"
