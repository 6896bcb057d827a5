"""docs/howto/profiles.md, run as it stands: its files, its commands, and what it says that they answer."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from longbien.demo import population
from longbien.fhir import systems
from longbien.fhir.profile import Library, judge

PAGE = (Path(__file__).resolve().parents[2] / "docs/howto/profiles.md").read_text("utf-8")
FILES: dict[str, Any] = {n: json.loads(j) for n, j in re.findall(r"^`(\S+\.json)`.*?\n\n```json\n(.*?)```", PAGE, re.M | re.S)}
COMMAND = re.compile(r'^    curl -X (\w+) "?\$FHIR(/\S+?)"? -d @(\S+)\n((?:    # .*\n)+)', re.M)


async def test_the_page_does_what_it_says(client: httpx.AsyncClient) -> None:
    commands = COMMAND.findall(PAGE)
    assert len(commands) == PAGE.count("    curl ") == 5
    assert len(FILES) == 4
    for method, address, file, said in commands:
        answer = await client.request(method, "/fhir" + address, json=FILES[file])
        for line in said.splitlines():
            status, _, text = line.removeprefix("    # ").partition(" ")
            assert answer.status_code == int(status), answer.text
            issues = answer.json().get("issue", [])
            assert not text or text in told(issues) or text in [i["details"]["text"] for i in issues], answer.text
        if answer.status_code == 422:
            assert len(told(answer.json()["issue"])) == len(said.splitlines())


def told(issues: list[dict[str, Any]]) -> list[str]:
    return [f"{i['expression'][0]} {i['details']['text']}" for i in issues if i.get("expression")]


def test_the_systems_and_the_extension_are_those_of_the_house() -> None:
    assert systems.CITIZEN_ID in PAGE
    assert systems.INSURANCE_NUMBER in PAGE
    assert FILES["ethnicity.json"]["url"] == systems.EXT_ETHNICITY


def test_the_people_of_the_demo_city_conform() -> None:
    known = {FILES[f]["url"]: FILES[f] for f in ("vn-patient.json", "ethnicity.json")}
    library = Library(known.get)
    patients = [r for life in population.generate(40, 7, date(2026, 11, 23)) for r in life if r["resourceType"] == "Patient"]
    assert len(patients) >= 40
    for patient in patients:
        assert judge(patient, library, also=[FILES["vn-patient.json"]["url"]]) == []


def test_the_warning_of_the_year_is_one() -> None:
    known = {FILES[f]["url"]: FILES[f] for f in ("vn-patient.json", "ethnicity.json")}
    other_year = FILES["binh.json"] | {"birthDate": "1998-02-28"}
    assert [i.severity for i in judge(other_year, Library(known.get))] == ["warning"]
    assert judge(FILES["binh.json"], Library(known.get)) == []
