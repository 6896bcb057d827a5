"""The names of identifier systems are settings."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from longbien.base.errors import Invalid
from longbien.fhir import systems
from longbien.fhir.systems import SystemSettings

ASK = "from longbien.fhir import systems as s; print(s.CITIZEN_ID, s.FACILITY_CODE, s.ICD10_VN)"


def names(**env: str) -> str:
    done = subprocess.run([sys.executable, "-c", ASK], env=os.environ | env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_each_can_be_chosen_and_all_have_one_beginning() -> None:
    found = names(LONGBIEN_SYSTEMS="https://yte.example/fhir", LONGBIEN_SYSTEM_CITIZEN_ID="urn:oid:1.2.3")
    assert found == "urn:oid:1.2.3 https://yte.example/fhir/sid/facility https://yte.example/fhir/CodeSystem/icd10-vn"
    assert SystemSettings.read({}).system("citizen-id") == "https://longbien.example/fhir/sid/citizen-id"


@pytest.mark.parametrize("wrong", ["citizen", "urn:x y", "http://x|y"])
def test_what_is_no_uri_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid, match="absolute URI"):
        SystemSettings.read({}).system("citizen-id", wrong)


def test_a_wrong_one_is_said_at_the_start() -> None:
    env = os.environ | {"LONGBIEN_SYSTEM_CITIZEN_ID": "citizen"}
    done = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Invalid: 'citizen' cannot name an identifier system" in done.stderr
    assert systems.CITIZEN_ID.startswith(systems.BASE)
