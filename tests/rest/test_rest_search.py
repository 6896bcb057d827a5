"""Search over HTTP: ways to ask, pages, handling. What each parameter means is tested in tests/record."""

from __future__ import annotations

import secrets
from typing import Any

import httpx


def says(answer: httpx.Response, status: int, code: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    issue = answer.json()["issue"][0]
    assert code is None or issue["code"] == code, issue
    return str(issue["details"]["text"])


async def people(client: httpx.AsyncClient, n: int) -> str:
    family = "T" + secrets.token_hex(5)
    for i in range(n):
        made = {"resourceType": "Patient", "name": [{"family": family}], "birthDate": f"19{50 + i}-01-01"}
        assert (await client.post("/fhir/Patient", json=made)).status_code == 201
    return family


async def test_get_and_post_ask_the_same(client: httpx.AsyncClient) -> None:
    family = await people(client, 3)
    by_get = (await client.get("/fhir/Patient", params={"name": family, "_sort": "birthdate"})).json()
    by_post = (await client.post("/fhir/Patient/_search", data={"name": family, "_sort": "birthdate"})).json()
    both = (await client.post("/fhir/Patient/_search?_sort=birthdate", data={"name": family})).json()
    assert by_get["type"] == "searchset" and by_get["total"] == 3
    ids = [e["resource"]["id"] for e in by_get["entry"]]
    assert [e["resource"]["id"] for e in by_post["entry"]] == ids == [e["resource"]["id"] for e in both["entry"]]
    assert by_get["entry"][0]["fullUrl"] == f"http://hanoi.test/fhir/Patient/{ids[0]}"
    assert by_get["entry"][0]["search"]["mode"] == "match"
    says(await client.post("/fhir/Patient/_search", json={"name": family}), 415)


async def test_next_links_walk_through_all_once(client: httpx.AsyncClient) -> None:
    family = await people(client, 7)
    next_: str | None = f"/fhir/Patient?name={family}&_count=3"
    seen: list[str] = []
    while next_:
        page = (await client.get(next_)).json()
        seen += [e["resource"]["id"] for e in page["entry"]]
        next_ = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    assert len(seen) == len(set(seen)) == 7


async def test_an_unknown_parameter_is_ignored_with_a_warning_or_refused(client: httpx.AsyncClient) -> None:
    family = await people(client, 1)
    lenient = (await client.get("/fhir/Patient", params={"name": family, "colour": "red"})).json()
    assert lenient["total"] == 1
    warning = lenient["entry"][-1]
    assert warning["search"]["mode"] == "outcome" and "colour" in str(warning["resource"])
    assert "colour" not in lenient["link"][0]["url"]
    strict = await client.get("/fhir/Patient?colour=red", headers={"Prefer": "handling=strict"})
    assert "colour" in says(strict, 400, "not-supported")


async def test_wrong_values_are_refused_either_way(client: httpx.AsyncClient) -> None:
    for query in ("birthdate=yesterday", "_count=-1", "_sort=colour", "_include=Patient:colour:x:y", "_page=abc", "_id=%00",
                  "birthdate=%FF", "_lastUpdated=2026-13-01", "general-practitioner:Nonsense.name=x"):  # fmt: skip
        for handling in ("strict", "lenient"):
            answer = await client.get(f"/fhir/Patient?{query}", headers={"Prefer": f"handling={handling}"})
            if handling == "strict" or answer.status_code != 200:
                assert says(answer, 400)


async def test_system_and_compartment_search(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
    mine: dict[str, Any] = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": f"Patient/{made['id']}"}
    }  # fmt: skip
    observation = (await client.post("/fhir/Observation", json=mine)).json()
    found = (await client.get(f"/fhir/Patient/{made['id']}/Observation")).json()
    assert [e["resource"]["id"] for e in found["entry"]] == [observation["id"]]
    for answer in (
        await client.get(f"/fhir?_id={made['id']},{observation['id']}"),
        await client.post("/fhir/_search", data={"_id": f"{made['id']},{observation['id']}"}),
    ):
        assert {e["resource"]["resourceType"] for e in answer.json()["entry"]} == {"Patient", "Observation"}


async def test_head_and_pretty(client: httpx.AsyncClient) -> None:
    family = await people(client, 1)
    assert (await client.head(f"/fhir/Patient?name={family}")).content == b""
    assert b'\n  "type": "searchset"' in (await client.get(f"/fhir/Patient?name={family}&_pretty=true")).content


async def test_compartments_by_get_and_post(client: httpx.AsyncClient) -> None:
    patient = (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).json()["id"]
    about = {"reference": f"Patient/{patient}"}
    visit = {"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB"}, "subject": about}
    encounter = (await client.post("/fhir/Encounter", json=visit)).json()["id"]
    here: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": about}
    one = (await client.post("/fhir/Observation", json={**here, "encounter": {"reference": f"Encounter/{encounter}"}})).json()["id"]

    async def ids(answer: httpx.Response) -> list[str]:
        assert answer.status_code == 200, answer.text
        return sorted(e["resource"]["id"] for e in answer.json().get("entry", ()))

    place = f"/fhir/Encounter/{encounter}"
    assert await ids(await client.get(f"{place}/Observation")) == [one]
    assert await ids(await client.post(f"{place}/Observation/_search", data={"status": "final"})) == [one]
    assert await ids(await client.post(f"{place}/Observation/_search", data={"status": "amended"})) == []
    assert await ids(await client.get(f"{place}/*")) == sorted([one, encounter])
    for all_types in (f"{place}/_search", f"{place}/*/_search"):
        assert await ids(await client.post(all_types, data={"_type": "Observation"})) == [one]
    assert await ids(await client.post(f"/fhir/Patient/{patient}/Observation/_search", data={})) == [one]
    assert "never in the compartment" in says(await client.get(f"{place}/Organization"), 400)
    assert (await client.get(f"/fhir/Organization/{encounter}/Observation")).status_code == 404
    assert (await client.get(f"{place}/Nonsense")).status_code == 404
    says(await client.get(f"{place}/Observation/_search"), 405)
