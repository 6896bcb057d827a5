"""$lastn, $meta and its changes, $match."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from longbien.record.match import score

LOINC = "http://loinc.org"
SID = "https://longbien.example/fhir/sid/citizen-id"


async def put(client: httpx.AsyncClient, resource: dict[str, Any]) -> dict[str, Any]:
    answer = await client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def observation(id_: str, day: str, code: str | None, text: str = "", status: str = "final") -> dict[str, Any]:
    concept: dict[str, Any] = {"text": text} if text else {}
    if code:
        concept["coding"] = [{"system": LOINC, "code": code}]
    category = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
    return {
        "resourceType": "Observation", "id": id_, "status": status, "code": concept, "category": [category],
        "subject": {"reference": "Patient/last-1"}, "effectiveDateTime": day,
    }  # fmt: skip


async def fill(client: httpx.AsyncClient) -> None:
    await put(client, {"resourceType": "Patient", "id": "last-1"})
    for n in range(5):
        await put(client, observation(f"k-{n}", f"2026-01-0{n + 1}", "2823-3"))
        await put(client, observation(f"na-{n}", f"2026-02-0{n + 1}", "2951-2"))
        await put(client, observation(f"text-{n}", f"2026-03-0{n + 1}", None, "Đường máu" if n % 2 else "duong mau"))
    await put(client, observation("na-same", "2026-02-05", "2951-2"))


async def ids(client: httpx.AsyncClient, asked: str) -> list[str]:
    answer = await client.get(f"/fhir/Observation/$lastn?{asked}")
    assert answer.status_code == 200, answer.text
    return [e["resource"]["id"] for e in answer.json().get("entry", ())]


async def test_the_newest_of_each_code(client: httpx.AsyncClient) -> None:
    await fill(client)
    assert set(await ids(client, "patient=last-1&category=laboratory")) == {"k-4", "na-4", "na-same", "text-4"}
    two = await ids(client, "patient=Patient/last-1&category=laboratory&max=2")
    assert set(two) == {"k-4", "k-3", "na-4", "na-same", "text-4", "text-3"} and two.index("k-4") < two.index("k-3")
    assert await ids(client, f"subject=Patient/last-1&code={LOINC}|2823-3&date=lt2026-01-03") == ["k-1"]
    assert await ids(client, "patient=nobody&category=laboratory") == []
    posted = {"resourceType": "Parameters", "parameter": [
        {"name": "patient", "valueString": "last-1"}, {"name": "code", "valueString": "2823-3"}, {"name": "max", "valueInteger": 1},
    ]}  # fmt: skip
    answer = (await client.post("/fhir/Observation/$lastn", json=posted)).json()
    assert [e["resource"]["id"] for e in answer["entry"]] == ["k-4"]


@pytest.mark.parametrize(
    "asked",
    ["category=laboratory", "patient=last-1", "patient=last-1&category=x&max=0", "patient=last-1&category=x&max=1000",
     "patient=last-1&category=x&_sort=date", "patient=last-1&category=x&_include=Observation:patient", "patient=1&code=a&date=no"],
)  # fmt: skip
async def test_lastn_says_what_is_wrong(client: httpx.AsyncClient, asked: str) -> None:
    answer = await client.get(f"/fhir/Observation/$lastn?{asked}")
    assert answer.status_code == 400 and answer.json()["resourceType"] == "OperationOutcome"


def the_meta(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    (one,) = answer.json()["parameter"]
    assert one["name"] == "return"
    found: dict[str, Any] = one["valueMeta"]
    return found


def labels(**more: list[dict[str, str]]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": more}]}


async def test_labels_are_added_and_taken_away_in_new_versions(client: httpx.AsyncClient) -> None:
    tag, other = {"system": "urn:t", "code": "a"}, {"system": "urn:t", "code": "b"}
    await put(client, {"resourceType": "Basic", "id": "meta-1", "code": {"text": "x"}, "meta": {"tag": [tag]}})
    at = "/fhir/Basic/meta-1"
    assert the_meta(await client.get(f"{at}/$meta"))["tag"] == [tag]
    more = the_meta(await client.post(f"{at}/$meta-add", json=labels(tag=[other, tag], security=[tag])))
    assert more["tag"] == [tag, other] and more["security"] == [tag] and more["versionId"] == "2"
    assert the_meta(await client.post(f"{at}/$meta-add", json=labels(tag=[other])))["versionId"] == "2", "nothing new: no version"
    assert len((await client.get("/fhir/Basic?_tag=urn:t|b")).json()["entry"]) == 1
    less = the_meta(await client.post(f"{at}/$meta-delete", json=labels(tag=[tag, other])))
    assert "tag" not in less and less["security"] == [tag] and less["versionId"] == "3"
    assert (await client.get(at)).json()["meta"] == less
    late = await client.post(f"{at}/$meta-add", json=labels(tag=[tag]), headers={"If-Match": 'W/"1"'})
    assert late.status_code == 412
    assert (await client.post(f"{at}/$meta-add", json={"resourceType": "Parameters"})).status_code == 400
    assert (await client.get(f"{at}/$meta-add")).status_code == 405
    assert (await client.get("/fhir/Basic/none/$meta")).status_code == 404
    assert (await client.get("/fhir/Basic/$meta")).status_code == 404
    assert (await client.post(f"{at}/$meta-add", json=labels(tag=[{"system": "no uri at all <>"}]))).status_code in (200, 422)


HOA: dict[str, Any] = {
    "resourceType": "Patient", "gender": "female", "birthDate": "1961-03-08",
    "identifier": [{"system": SID, "value": "001161012345"}], "name": [{"family": "Nguyễn", "given": ["Thị", "Hoa"]}],
    "telecom": [{"system": "phone", "value": "0912 345 678"}],
}  # fmt: skip


async def found(client: httpx.AsyncClient, person: dict[str, Any], **more: Any) -> list[tuple[str, str, float]]:
    given = [{"name": "resource", "resource": person}]
    given += [{"name": k, "valueBoolean" if isinstance(v, bool) else "valueInteger": v} for k, v in more.items()]
    answer = await client.post("/fhir/Patient/$match", json={"resourceType": "Parameters", "parameter": given})
    assert answer.status_code == 200, answer.text
    grade = "http://hl7.org/fhir/StructureDefinition/match-grade"
    entries = answer.json().get("entry", ())
    assert all(e["search"]["extension"][0]["url"] == grade for e in entries)
    return [(e["resource"]["id"], e["search"]["extension"][0]["valueCode"], e["search"]["score"]) for e in entries]


async def test_who_is_it(client: httpx.AsyncClient) -> None:
    await put(client, HOA | {"id": "hoa"})
    await put(client, {"resourceType": "Patient", "id": "hoa-2", "gender": "female", "birthDate": "1961-03-08",
                       "name": [{"family": "Nguyễn", "given": ["Thị", "Hoa"]}]})  # fmt: skip
    await put(client, {"resourceType": "Patient", "id": "lan", "birthDate": "1990-01-01", "name": [{"text": "Trần Thị Lan"}]})
    by_number = await found(client, {"resourceType": "Patient", "identifier": HOA["identifier"]})
    assert by_number == [("hoa", "certain", 1.0)]
    by_name = {"resourceType": "Patient", "gender": "female", "birthDate": "1961-03-08", "name": [{"text": "nguyen thi hoa"}]}
    both = await found(client, by_name)
    assert {i for i, _, _ in both} == {"hoa", "hoa-2"} and {g for _, g, _ in both} == {"probable"}
    assert len(await found(client, by_name, count=1)) == 1
    assert await found(client, by_name, onlyCertainMatches=True) == []
    assert [i for i, _, _ in await found(client, HOA, onlyCertainMatches=True)] == ["hoa"]
    assert await found(client, {"resourceType": "Patient", "name": [{"text": "Không Ai"}]}) == []


def test_a_number_of_another_person_is_not_certain() -> None:
    other = HOA | {"name": [{"text": "Lê Văn Dũng"}], "birthDate": "1999-12-31"}
    assert score(HOA, HOA) == (1.0, "certain")
    assert score(other, HOA)[1] == "possible"
    assert score({"birthDate": "1961", "name": [{"text": "Hoa Nguyễn Thị"}]}, HOA)[0] < 0.5


@pytest.mark.parametrize(
    "body",
    [{"resourceType": "Observation"}, {"resourceType": "Patient", "gender": "F"}, {"resourceType": "Patient", "gender": "female"}],
)
async def test_match_says_what_is_wrong(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await client.post("/fhir/Patient/$match", json=body)
    assert answer.status_code == 400 and answer.json()["resourceType"] == "OperationOutcome"
