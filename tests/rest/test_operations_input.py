"""Wrong and odd input to $meta-add, $meta-delete, $match, $everything; and $lastn where codes stand together."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

LOINC = "http://loinc.org"


async def put(client: httpx.AsyncClient, resource: dict[str, Any]) -> None:
    answer = await client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert answer.status_code in (200, 201), answer.text


def given(*parameters: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(parameters)} if parameters else {"resourceType": "Parameters"}


def meta(**more: Any) -> dict[str, Any]:
    return given({"name": "meta", "valueMeta": more})


TAG = {"system": "http://tags", "code": "seen"}


@pytest.mark.parametrize("name", ["add", "delete"])
@pytest.mark.parametrize(
    "asked",
    [given(), meta(), meta(tag="x"), meta(tag=[1]), meta(tag=[None]), meta(tag=[[1]]), meta(tag=[{}]), meta(profile=[{"a": 1}]),
     meta(profile=[["a"]]), meta(tag=[{"system": ["x"], "code": {}}]), meta(tags=[TAG]), meta(tag=[TAG] * 101),
     given({"name": "meta", "valueString": "x"}),
     given({"name": "meta", "valueMeta": {"tag": [TAG]}}, {"name": "meta", "valueId": "x"})],
)  # fmt: skip
async def test_a_meta_that_is_none_is_refused(client: httpx.AsyncClient, asked: dict[str, Any], name: str) -> None:
    await put(client, {"resourceType": "Patient", "id": "odd", "meta": {"tag": [TAG]}})
    answer = await client.post(f"/fhir/Patient/odd/$meta-{name}", json=asked)
    assert answer.status_code == 400 and answer.json()["resourceType"] == "OperationOutcome"


async def test_if_match_is_kept_to_where_nothing_changes(client: httpx.AsyncClient) -> None:
    await put(client, {"resourceType": "Patient", "id": "odd", "meta": {"tag": [TAG]}})
    place = "/fhir/Patient/odd/$meta-add"
    assert (await client.post(place, json=meta(tag=[TAG]), headers={"If-Match": 'W/"1000"'})).status_code == 412
    same = await client.post(place, json=meta(tag=[TAG]))
    assert same.headers["etag"] == (await client.get("/fhir/Patient/odd")).headers["etag"]


A_PATIENT: dict[str, Any] = {"name": "resource", "resource": {"resourceType": "Patient", "name": [{"text": "Hoa"}]}}


@pytest.mark.parametrize(
    "asked",
    [given(), given(A_PATIENT, {"name": "count", "valueInteger": -1}), given(A_PATIENT, {"name": "count", "valueString": "x"}),
     given(A_PATIENT, {"name": "onlyCertainMatches", "valueString": "perhaps"}), given(A_PATIENT, A_PATIENT),
     given({"name": "resource", "resource": {"resourceType": "Patient", "name": "Hoa"}})],
)  # fmt: skip
async def test_a_match_that_cannot_be_meant_is_refused(client: httpx.AsyncClient, asked: dict[str, Any]) -> None:
    assert (await client.post("/fhir/Patient/$match", json=asked)).status_code == 400


@pytest.mark.parametrize(
    "person",
    [{"name": [{"text": "\u200b"}]}, {"name": [{"text": "* ?"}]}, {"name": [{"text": "%_\\"}], "birthDate": "1961"},
     {"name": [{"text": "a" * 5000}], "birthDate": "1961-02"}, {"identifier": [{"system": "http://x", "value": "a|b,c$d\\e"}]},
     {"identifier": [{"value": "1"}]}, {"telecom": [{"system": "email", "value": "x@y"}]},
     {"telecom": [{"system": "phone", "value": "+"}]}, {"name": [{"text": "-- ; ''"}]}, {"name": [{"use": "usual"}]}],
)  # fmt: skip
async def test_odd_people_are_looked_for_all_the_same(client: httpx.AsyncClient, person: dict[str, Any]) -> None:
    answer = await client.post("/fhir/Patient/$match", json={"resourceType": "Patient"} | person)
    assert answer.status_code in (200, 400), answer.text


@pytest.mark.parametrize(
    "asked",
    ["start=x", "end=2020-13", "start=2021&end=2020", "_count=0", "_count=-1", "_count=a", "_since=x", "_type=Foo", "_after=x",
     "_after=-5", "_after=99999999999999999999", "start=2019&start=2020", "_since=2020&_since=2021", "_count=1&_count=2"],
)  # fmt: skip
async def test_everything_says_which_parameter_is_wrong(client: httpx.AsyncClient, asked: str) -> None:
    await put(client, {"resourceType": "Patient", "id": "odd"})
    answer = await client.get(f"/fhir/Patient/odd/$everything?{asked}")
    at_fault = "end" if asked.startswith("start=2021") else asked.partition("=")[0]
    assert answer.status_code == 400 and at_fault in answer.text


async def test_lastn_of_codes_that_stand_together(client: httpx.AsyncClient) -> None:
    await put(client, {"resourceType": "Patient", "id": "codes"})
    lab = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
    codes = {"old": [(LOINC, "1")], "both": [("http://own", "K"), (LOINC, "1")], "own": [("http://own", "K")],
             "other": [(LOINC, "2")], "bare": [(None, "X")]}  # fmt: skip
    for n, (id_, codings) in enumerate(codes.items()):
        listed = [{"code": c} | ({"system": s} if s else {}) for s, c in codings]
        await put(client, {
            "resourceType": "Observation", "id": f"codes-{id_}", "status": "final", "category": [lab], "code": {"coding": listed},
            "subject": {"reference": "Patient/codes"}, "effectiveDateTime": f"2026-01-0{n + 1}",
        })  # fmt: skip

    async def ids(most: int) -> list[str]:
        found = (await client.get(f"/fhir/Observation/$lastn?patient=codes&category=laboratory&max={most}")).json()
        return [e["resource"]["id"].removeprefix("codes-") for e in found["entry"]]

    assert await ids(1) == ["bare", "other", "own"]
    assert await ids(2) == ["bare", "other", "own", "both"] and await ids(9) == ["bare", "other", "own", "both", "old"]
