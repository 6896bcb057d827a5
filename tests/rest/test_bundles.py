"""Transactions and batches, conditional writes."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

import httpx

from longbien.app import App

SYSTEM = "http://longbien.test/id"


def says(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    issue: dict[str, Any] = answer.json()["issue"][0]
    return issue


def patient(value: str | None = None, **more: Any) -> dict[str, Any]:
    known = {"identifier": [{"system": SYSTEM, "value": value}]} if value else {}
    return {"resourceType": "Patient", **known, **more}


def observation(subject: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": subject}, **more}


def post(resource: dict[str, Any], full: str | None = None, **more: Any) -> dict[str, Any]:
    entry = {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"], **more}}
    return entry | ({"fullUrl": full} if full else {})


def ask(method: str, url: str, **more: Any) -> dict[str, Any]:
    return {"request": {"method": method, "url": url}, **more}


def bundle(*entries: dict[str, Any], type: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


async def sent(client: httpx.AsyncClient, made: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    answer = await client.post("/fhir", json=made, headers=headers)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["resourceType"] == "Bundle" and body["type"] == made["type"] + "-response"
    assert len(body.get("entry", [])) == len(made["entry"])
    return body.get("entry", [])  # type: ignore[no-any-return]


def place(entry: dict[str, Any]) -> str:
    """Type/id of what an entry wrote."""
    return "/".join(entry["response"]["location"].split("/")[:2])


async def test_entries_that_point_to_each_other_are_stored_with_their_new_ids(client: httpx.AsyncClient) -> None:
    a, b = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a", "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"
    text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{a}">he</a></div>'}
    left = patient(link=[{"other": {"reference": b}, "type": "seealso"}])
    right = patient(link=[{"other": {"reference": a}, "type": "seealso"}], text=text)
    first, second = await sent(client, bundle(post(left, a), post(right, b)))
    assert first["response"]["status"] == "201 Created" and first["response"]["etag"] == 'W/"1"'
    assert first["response"]["lastModified"] and "resource" not in first
    one, two = place(first), place(second)
    assert (await client.get(f"/fhir/{one}")).json()["link"][0]["other"]["reference"] == two
    back = (await client.get(f"/fhir/{two}")).json()
    assert back["link"][0]["other"]["reference"] == one and f'href="{one}"' in back["text"]["div"]


async def test_a_full_url_of_another_server_is_resolved_too(client: httpx.AsyncClient) -> None:
    base = "http://elsewhere.test/fhir"
    made = bundle(
        post(patient(), f"{base}/Patient/7"),
        post(observation("Patient/7"), f"{base}/Observation/8"),
        post(observation(f"{base}/Patient/7"), f"{base}/Observation/9"),
    )
    person, first, second = await sent(client, made)
    for entry in (first, second):
        assert (await client.get(f"/fhir/{place(entry)}")).json()["subject"]["reference"] == place(person)


async def test_a_conditional_reference_is_resolved_in_the_store(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    known = (await client.post("/fhir/Patient", json=patient(value))).json()
    (entry,) = await sent(client, bundle(post(observation(f"Patient?identifier={SYSTEM}|{value}"))))
    assert (await client.get(f"/fhir/{place(entry)}")).json()["subject"]["reference"] == f"Patient/{known['id']}"
    issue = says(await client.post("/fhir", json=bundle(post(observation("Patient?identifier=nobody-has-this")))), 412)
    assert issue["expression"] == ["Bundle.entry[0].resource.subject.reference"]


async def test_all_or_nothing(client: httpx.AsyncClient, app: App) -> None:
    value = secrets.token_hex(6)
    count = "SELECT count(*) FROM ver"
    before = await app.state.engine.db.fetchval(count)
    bad = bundle(post(patient(value)), post({"resourceType": "Observation", "status": "guess", "code": {"text": "x"}}))
    issue = says(await client.post("/fhir", json=bad), 422)
    assert issue["expression"] == ["Bundle.entry[1].resource.status"]
    says(await client.post("/fhir", json=bundle(post(patient(value)), post(observation("Patient/is-not-there")))), 422)
    says(await client.post("/fhir", json=bundle(post(patient(value)), ask("GET", "Patient/is-not-there"))), 404)
    stale = ask("PUT", "Patient/x-1", resource=patient(value, id="x-1"))
    stale["request"]["ifMatch"] = 'W/"7"'
    says(await client.post("/fhir", json=bundle(post(patient(value)), stale)), 412)
    assert await app.state.engine.db.fetchval(count) == before
    assert (await client.get(f"/fhir/Patient?identifier={value}")).json()["total"] == 0


async def test_order_is_delete_post_put_get_and_reads_see_the_writes(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    old = (await client.post("/fhir/Patient", json=patient(value))).json()
    id_ = f"own-{value}"
    entries = await sent(
        client,
        bundle(
            ask("GET", f"Patient/{id_}"),
            ask("GET", f"Patient?identifier={value}"),
            ask("PUT", f"Patient/{id_}", resource=patient(value, id=id_)),
            post(patient(value), ifNoneExist=f"identifier={SYSTEM}|{value}"),
            ask("DELETE", f"Patient/{old['id']}"),
            ask("DELETE", "Patient/never-was-there"),
        ),
    )
    read, found, put, made, gone, nothing = entries
    assert read["resource"]["id"] == id_ and read["response"]["status"] == "200 OK"
    assert found["resource"]["total"] == 2
    assert put["response"]["status"] == "201 Created"
    assert made["response"]["status"] == "201 Created", "what is deleted in the same transaction is not found"
    assert gone["response"]["status"] == nothing["response"]["status"] == "204 No Content"


async def test_one_resource_may_be_written_once_only(client: httpx.AsyncClient) -> None:
    twice = [ask("PUT", "Patient/twice", resource=patient(id="twice")) for _ in range(2)]
    assert "entry[0]" in str(says(await client.post("/fhir", json=bundle(*twice)), 400))
    urn = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"
    says(await client.post("/fhir", json=bundle(post(patient(), urn), post(patient(), urn))), 400)
    condition = {"ifNoneExist": f"identifier={SYSTEM}|{secrets.token_hex(4)}"}
    says(await client.post("/fhir", json=bundle(post(patient("a"), **condition), post(patient("a"), **condition))), 400)


async def test_what_cannot_be_read_names_its_place(client: httpx.AsyncClient) -> None:
    wrong: list[tuple[Any, str]] = [
        (bundle({"resource": patient()}), "Bundle.entry[0].request"),
        (bundle(post(patient()), "x"), "Bundle.entry[1]"),  # type: ignore[arg-type]
        (bundle(ask("STEAL", "Patient")), "Bundle.entry[0].request.method"),
        (bundle(ask("PUT", "Patient/1")), "Bundle.entry[0].resource"),
        (bundle(ask("PUT", "Patient/1", resource=patient(id="2"))), "Bundle.entry[0].resource.id"),
        (bundle(ask("POST", "Nonsense", resource=patient())), "Bundle.entry[0].request.url"),
        (bundle(ask("POST", "Observation", resource=patient())), "Bundle.entry[0].resource"),
        (bundle(ask("DELETE", "Patient")), "Bundle.entry[0].request.url"),
        (bundle(ask("GET", "http://elsewhere.test/Patient/1")), "Bundle.entry[0].request.url"),
        (bundle(ask("DELETE", "AuditEvent/1")), "Bundle.entry[0].request.method"),
        (bundle(type="searchset"), "Bundle.type"),
        ({"resourceType": "Bundle", "type": "transaction", "entry": {}}, "Bundle.entry"),
    ]
    for body, where in wrong:
        issue = says(await client.post("/fhir", json=body), 400)
        assert issue["expression"] == [where], issue
    says(await client.post("/fhir", json=patient()), 400)


async def test_representation_is_given_when_preferred(client: httpx.AsyncClient) -> None:
    (entry,) = await sent(client, bundle(post(patient())), Prefer="return=representation")
    assert entry["resource"]["resourceType"] == "Patient" and entry["fullUrl"].endswith(place(entry))


async def test_batch_entries_stand_for_themselves(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    entries = await sent(
        client,
        bundle(
            post(patient(value)),
            post({"resourceType": "Patient", "colour": "red"}),
            ask("GET", "Patient/is-not-there"),
            ask("GET", f"Patient?identifier={value}"),
            {"request": {"method": "GET"}},
            ask("POST", "", resource=bundle()),
            ask("PATCH", "Patient/1", resource=patient()),
            type="batch",
        ),
    )
    status = [e["response"]["status"].split()[0] for e in entries]
    assert status == ["201", "422", "404", "200", "400", "400", "400"]
    assert entries[3]["resource"]["total"] == 1, "creates come before reads"
    for e in (entries[1], entries[2], entries[4], entries[5], entries[6]):
        assert e["response"]["outcome"]["resourceType"] == "OperationOutcome"


async def test_an_empty_bundle_is_answered_empty(client: httpx.AsyncClient) -> None:
    for type in ("transaction", "batch"):
        answer = await client.post("/fhir", json={"resourceType": "Bundle", "type": type})
        assert answer.status_code == 200 and "entry" not in answer.json()


async def test_of_32_conditional_creates_at_once_one_creates(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    condition = {"If-None-Exist": f"identifier={SYSTEM}|{value}"}
    answers = await asyncio.gather(*(client.post("/fhir/Patient", json=patient(value), headers=condition) for _ in range(32)))
    assert sorted(a.status_code for a in answers) == [200] * 31 + [201]
    assert len({a.json()["id"] for a in answers}) == 1
    assert (await client.get(f"/fhir/Patient?identifier={value}")).json()["total"] == 1


async def test_of_16_transactions_with_one_condition_one_creates(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    urn = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"
    made = bundle(post(patient(value), urn, ifNoneExist=f"identifier={SYSTEM}|{value}"), post(observation(urn)))
    answers = await asyncio.gather(*(client.post("/fhir", json=made) for _ in range(16)))
    assert {a.status_code for a in answers} == {200}
    assert len({place(a.json()["entry"][0]) for a in answers}) == 1
    subject = place(answers[0].json()["entry"][0])
    assert (await client.get(f"/fhir/Observation?subject={subject}")).json()["total"] == 16


async def test_a_condition_that_several_match_is_412(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    for _ in range(2):
        await client.post("/fhir/Patient", json=patient(value))
    condition = f"identifier={SYSTEM}|{value}"
    says(await client.post("/fhir/Patient", json=patient(value), headers={"If-None-Exist": condition}), 412)
    says(await client.put(f"/fhir/Patient?{condition}", json=patient(value)), 412)
    says(await client.patch(f"/fhir/Patient?{condition}", json={"resourceType": "Parameters"}), 412)


async def test_a_condition_that_asks_nothing_or_nonsense_is_refused(client: httpx.AsyncClient) -> None:
    says(await client.post("/fhir/Patient", json=patient(), headers={"If-None-Exist": ""}), 400)
    says(await client.post("/fhir/Patient", json=patient(), headers={"If-None-Exist": "_count=1"}), 400)
    says(await client.post("/fhir/Patient", json=patient(), headers={"If-None-Exist": "colour=red"}), 400)
    says(await client.put("/fhir/Patient", json=patient()), 400)
    says(await client.delete("/fhir/Patient"), 400)
    says(await client.delete("/fhir/Patient?identifier="), 400)


async def test_conditional_update_and_delete(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    condition = f"identifier={SYSTEM}|{value}"
    first = await client.put(f"/fhir/Patient?{condition}", json=patient(value))
    assert first.status_code == 201
    second = await client.put(f"/fhir/Patient?{condition}", json=patient(value, gender="male"))
    assert second.status_code == 200 and second.json()["id"] == first.json()["id"] and second.json()["meta"]["versionId"] == "2"
    says(await client.put(f"/fhir/Patient?{condition}", json=patient(value, id="another")), 400)
    says(await client.put(f"/fhir/Patient?{condition}", json=patient(value), headers={"If-Match": 'W/"1"'}), 412)
    assert (await client.delete(f"/fhir/Patient?{condition}")).status_code == 204
    assert (await client.delete(f"/fhir/Patient?{condition}")).status_code == 204
    says(await client.get(f"/fhir/Patient/{first.json()['id']}"), 410)


async def test_ten_thousand_entries_take_linear_time_and_one_commit(client: httpx.AsyncClient, app: App) -> None:
    def large(n: int) -> dict[str, Any]:
        urn = "urn:uuid:{:08x}-bfdc-4613-8bf2-c5e300945f0a".format
        rest = [post(observation(urn(0)), urn(i)) for i in range(1, n)]
        return bundle(post(patient(), urn(0)), *rest)

    async def took(n: int) -> float:
        made = large(n)
        began = time.process_time()  # what this process works, not how long a loaded machine lets it wait
        entries = await sent(client, made)
        assert entries[-1]["response"]["status"] == "201 Created"
        return time.process_time() - began

    await took(100)
    small, great = await took(1000), await took(10_000)
    assert great < small * 10 * 2.5, f"1,000 took {small:.2f} s, 10,000 took {great:.2f} s"
    newest = await app.state.engine.db.fetch("SELECT xid, count(*) FROM ver GROUP BY xid ORDER BY 2 DESC LIMIT 1")
    assert newest[0][1] == 10_000


async def test_fifty_megabytes_of_entries_are_refused_or_taken_but_answered(client: httpx.AsyncClient) -> None:
    head = b'{"resourceType":"Bundle","type":"transaction","entry":['
    json_type = {"content-type": "application/fhir+json"}
    many = head + b",".join([b"{}"] * 15_000_000) + b"]}"
    says(await client.post("/fhir", content=many, headers=json_type), 413)
    entry = b'{"resource":{"resourceType":"Basic","code":{"text":"%s"}},"request":{"method":"POST","url":"Basic"}}' % (
        b"x" * 1_000_000
    )
    large = await client.post("/fhir", content=head + b",".join([entry] * 50) + b"]}", headers=json_type)
    assert large.status_code in (200, 413, 422), large.text[:500]
    assert large.json()["resourceType"] in ("Bundle", "OperationOutcome")
    entry = b'{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}'
    says(await client.post("/fhir", content=head + b",".join([entry] * 20_001) + b"]}", headers=json_type), 413)
