"""Each rule of http://hl7.org/fhir/R4/http.html#trules and #brules that test_bundles does not hold already."""

from __future__ import annotations

import itertools
import secrets
from typing import Any

import httpx

SYSTEM = "http://longbien.test/rules"
URN = "urn:uuid:{:08x}-bfdc-4613-8bf2-c5e300945f0a".format


def patient(value: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value}], **more}


def observation(subject: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": subject}, **more}


def post(resource: dict[str, Any], full: str | None = None, **more: Any) -> dict[str, Any]:
    entry = {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"], **more}}
    return entry | ({"fullUrl": full} if full else {})


def put(resource: dict[str, Any], url: str | None = None, **more: Any) -> dict[str, Any]:
    address = url or f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": address}, **more}


def ask(method: str, url: str, **more: Any) -> dict[str, Any]:
    return {"request": {"method": method, "url": url}, **more}


async def sent(client: httpx.AsyncClient, *entries: Any, type: str = "transaction", prefer: str = "") -> httpx.Response:
    bundle = {"resourceType": "Bundle", "type": type, "entry": list(entries)}
    return await client.post("/fhir", json=bundle, headers={"Prefer": prefer} if prefer else {})


async def done(client: httpx.AsyncClient, *entries: Any, type: str = "transaction", prefer: str = "") -> list[dict[str, Any]]:
    answer = await sent(client, *entries, type=type, prefer=prefer)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["entry"]
    return found


def place(entry: dict[str, Any]) -> str:
    return "/".join(entry["response"]["location"].split("/")[:2])


async def read(client: httpx.AsyncClient, at: str) -> dict[str, Any]:
    answer = await client.get(f"/fhir/{at}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_order_of_the_entries_does_not_matter(client: httpx.AsyncClient) -> None:
    """In every order: the delete first, so that the conditional create finds nothing; the search last, and it finds both."""
    for order in itertools.permutations(range(4)):
        value = secrets.token_hex(6)
        old = (await client.post("/fhir/Patient", json=patient(value))).json()["id"]
        entries = [
            ask("DELETE", f"Patient/{old}"),
            post(patient(value), ifNoneExist=f"identifier={SYSTEM}|{value}"),
            put(patient(value, id=f"p-{value}")),
            ask("GET", f"Patient?identifier={SYSTEM}|{value}"),
        ]
        answered = await done(client, *(entries[n] for n in order))
        status = {n: answered[at]["response"]["status"] for at, n in enumerate(order)}
        assert status == {0: "204 No Content", 1: "201 Created", 2: "201 Created", 3: "200 OK"}
        assert answered[order.index(3)]["resource"]["total"] == 2


async def test_identities_that_overlap_make_it_fail(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    id_ = (await client.post("/fhir/Patient", json=patient(value))).json()["id"]
    condition = f"Patient?identifier={SYSTEM}|{value}"
    female = {"resourceType": "Parameters"}
    writes = [
        ask("DELETE", f"Patient/{id_}"),
        ask("DELETE", condition),
        put(patient(value, id=id_)),
        put(patient(value), condition),
        {"resource": female, "request": {"method": "PATCH", "url": f"Patient/{id_}"}},
        {"resource": female, "request": {"method": "PATCH", "url": condition}},
    ]
    for one, other in itertools.combinations(writes, 2):
        if one is writes[0] and other is writes[3]:
            continue  # what is deleted first is not found by the condition: nothing overlaps, and a new one is created
        for pair in ((one, other), (other, one)):
            answer = await sent(client, *pair)
            assert answer.status_code in (400, 404, 412), (pair, answer.text)
            assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await read(client, f"Patient/{id_}"))["meta"]["versionId"] == "1"


async def test_a_conditional_reference_finds_what_the_bundle_itself_creates(client: httpx.AsyncClient) -> None:
    """ "5. Resolve any conditional references" comes after the writes, through several steps."""
    value = secrets.token_hex(6)
    encounter = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": "AMB"},
        "identifier": [{"value": f"e-{value}"}],
        "subject": {"reference": f"Patient?identifier={SYSTEM}|{value}"},
    }
    lab = observation(f"Patient?identifier={SYSTEM}|{value}", encounter={"reference": f"Encounter?identifier=e-{value}"})
    first, second, person = await done(client, post(lab), post(encounter), post(patient(value)))
    stored = await read(client, place(first))
    assert stored["subject"]["reference"] == place(person) and stored["encounter"]["reference"] == place(second)
    assert (await read(client, place(second)))["subject"]["reference"] == place(person)


async def test_such_references_may_be_mixed_with_urns_both_ways(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    made = await done(
        client,
        post(observation(f"Patient?identifier={SYSTEM}|{value}"), URN(1)),
        post(observation(URN(3), hasMember=[{"reference": URN(1)}]), URN(2)),
        post(patient(value), URN(3)),
    )
    assert (await read(client, place(made[1])))["hasMember"] == [{"reference": place(made[0])}]


async def test_a_conditional_reference_that_does_not_find_one_makes_it_fail(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    reference = f"Patient?identifier={SYSTEM}|{value}"
    id_ = (await client.post("/fhir/Patient", json=patient(value))).json()["id"]
    two = await sent(client, post(observation(reference)), post(patient(value)))
    assert two.status_code == 412 and "Several" in two.text, "one in the store, one in the bundle"
    gone = await sent(client, post(observation(reference)), ask("DELETE", f"Patient/{id_}"))
    assert gone.status_code == 412 and "Nothing" in gone.text, "what the bundle deletes is not found"
    count = await sent(client, post(observation("Patient?_count=1")))
    assert count.status_code == 400, "only filtering parameters"
    assert (await read(client, f"Patient/{id_}"))["meta"]["versionId"] == "1"
    circle = patient(value + "x", link=[{"other": {"reference": f"Patient?identifier={value}y"}, "type": "seealso"}])
    assert (await sent(client, post(circle))).status_code == 412


async def test_a_version_specific_reference_stays_one(client: httpx.AsyncClient) -> None:
    id_ = (await client.post("/fhir/Patient", json=patient("x"))).json()["id"]
    base = "http://elsewhere.test/fhir/Patient"
    made = await done(
        client,
        post(observation(f"{URN(1)}/_history/7", focus=[{"reference": f"{base}/2/_history/3"}])),
        post(patient("y"), URN(1)),
        put(patient("x", id=id_), fullUrl=f"{base}/2"),
    )
    stored = await read(client, place(made[0]))
    assert stored["subject"]["reference"] == f"{place(made[1])}/_history/1"
    assert stored["focus"] == [{"reference": f"Patient/{id_}/_history/2"}]


async def test_links_are_replaced_but_canonicals_are_not(client: httpx.AsyncClient) -> None:
    questions = {"resourceType": "Questionnaire", "status": "draft", "url": URN(1), "derivedFrom": [URN(2)]}
    document = {"resourceType": "DocumentReference", "status": "current", "content": [{"attachment": {"url": URN(2)}}]}
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}
    made = await done(client, post(questions), post(document), post(binary, URN(2)))
    assert (await read(client, place(made[0])))["derivedFrom"] == [URN(2)]
    assert (await read(client, place(made[1])))["content"][0]["attachment"]["url"] == place(made[2])


async def test_what_is_not_in_the_bundle_is_left_untouched(client: httpx.AsyncClient) -> None:
    (entry,) = await done(client, post(observation("http://elsewhere.test/fhir/Patient/9")))
    assert (await read(client, place(entry)))["subject"]["reference"] == "http://elsewhere.test/fhir/Patient/9"


async def test_a_conditional_delete_takes_all_that_match(client: httpx.AsyncClient) -> None:
    for type in ("transaction", "batch"):
        value = secrets.token_hex(6)
        for _ in range(3):
            await client.post("/fhir/Patient", json=patient(value))
        entries = await done(
            client, ask("DELETE", f"Patient?identifier={value}"), ask("GET", f"Patient?identifier={value}"), type=type
        )
        assert entries[0]["response"]["status"] == "204 No Content" and entries[1]["resource"]["total"] == 0


async def test_operations_in_entries_see_the_writes(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    wrong = {"resourceType": "Patient", "gender": "blue"}
    for type in ("transaction", "batch"):
        entries = await done(
            client,
            ask("GET", f"Patient/p-{value}/$validate"),
            {"resource": wrong, "request": {"method": "POST", "url": "Patient/$validate"}},
            put(patient(value, id=f"p-{value}")),
            ask("POST", f"Patient/_search?identifier={value}"),
            ask("HEAD", f"Patient/p-{value}"),
            type=type,
        )
        assert [e["response"]["status"] for e in entries[:2]] == ["200 OK", "200 OK"]
        assert entries[0]["resource"]["resourceType"] == "OperationOutcome"
        assert entries[1]["resource"]["issue"][0]["severity"] == "error"
        assert entries[4]["response"]["etag"] == entries[2]["response"]["etag"] and "resource" not in entries[4]
        if type == "transaction":
            assert entries[3]["resource"]["total"] == 1


async def test_prefer_holds_for_the_entries(client: httpx.AsyncClient) -> None:
    for type in ("transaction", "batch"):
        for prefer, here in (
            ("return=minimal", None),
            ("return=representation", "resource"),
            ("return=OperationOutcome", "outcome"),
        ):
            made, gone = await done(client, post(patient("x")), ask("DELETE", "Patient/never-was"), type=type, prefer=prefer)
            found = made if here == "resource" else made["response"]
            assert {"resource", "outcome"} & {*made, *made["response"]} == ({here} if here else set())
            if here == "outcome":
                assert found["outcome"]["resourceType"] == "OperationOutcome"
            assert gone["response"]["status"].startswith("204")


async def test_in_a_batch_no_entry_may_lean_on_another(client: httpx.AsyncClient) -> None:
    """http://hl7.org/fhir/R4/http.html#brules: such references are not conformant; the entry says so, the others are done."""
    made, refused = await done(client, post(patient("x"), URN(1)), post(observation(URN(1))), type="batch")
    assert made["response"]["status"] == "201 Created" and refused["response"]["status"].startswith("400")
    assert refused["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[1].resource.subject"]


async def test_entries_without_a_body_are_answered_at_once(client: httpx.AsyncClient) -> None:
    entries = await done(client, ask("POST", "Patient"), ask("PUT", "Patient/1"), ask("PATCH", "Patient/1"), type="batch")
    assert [e["response"]["status"].split()[0] for e in entries] == ["400"] * 3


async def test_strict_handling_holds_for_the_entries(client: httpx.AsyncClient) -> None:
    (entry,) = await done(client, ask("GET", "Patient?colour=red"), type="batch", prefer="handling=strict")
    assert entry["response"]["status"].startswith("400")
    assert (await sent(client, ask("GET", "Patient?colour=red"), prefer="handling=strict")).status_code == 400


async def test_responses_stand_in_the_order_of_the_requests(client: httpx.AsyncClient) -> None:
    values = [secrets.token_hex(4) for _ in range(30)]
    for type in ("transaction", "batch"):
        entries = await done(client, *(post(patient(v)) for v in values), type=type, prefer="return=representation")
        assert [e["resource"]["identifier"][0]["value"] for e in entries] == values


async def test_conditions_of_entries(client: httpx.AsyncClient) -> None:
    """ifNoneMatch and ifModifiedSince of a read, ifMatch and ifNoneMatch of a write."""
    made = (await client.post("/fhir/Patient", json=patient("c"))).json()
    at, when = f"Patient/{made['id']}", made["meta"]["lastUpdated"]
    seen = [
        {"ifNoneMatch": 'W/"1"'},
        {"ifModifiedSince": when},
        {"ifModifiedSince": "2001-01-01T00:00:00Z"},
        {"ifModifiedSince": "no"},
    ]
    for type in ("transaction", "batch"):
        reads = [{"request": {"method": "GET", "url": at, **one}} for one in seen]
        entries = await done(client, *reads, type=type)
        assert [e["response"]["status"][:3] for e in entries] == ["304", "304", "200", "200"]
        assert ["resource" in e for e in entries] == [False, False, True, True]
    for condition, status in (
        ({"ifMatch": 'W/"9"'}, 412),
        ({"ifMatch": "9"}, 400),
        ({"ifNoneMatch": "*"}, 412),
        ({"ifNoneMatch": "1"}, 400),
    ):
        entry = put(made)
        entry["request"] |= condition
        answer = await sent(client, entry)
        assert answer.status_code == status, (condition, answer.text)
        assert (await done(client, entry, type="batch"))[0]["response"]["status"].startswith(str(status))
    fresh = put(patient("n", id=f"n-{secrets.token_hex(4)}"))
    fresh["request"]["ifMatch"] = "*"
    assert (await sent(client, fresh)).status_code == 412


async def test_a_search_as_a_reference_has_a_meaning_in_a_transaction_only(client: httpx.AsyncClient) -> None:
    wrong = observation("Patient?identifier=x")
    answer = await client.post("/fhir/Observation", json=wrong)
    assert answer.status_code == 422 and answer.json()["issue"][0]["expression"] == ["Observation.subject"]
    assert (await done(client, post(wrong), type="batch"))[0]["response"]["status"].startswith("422")
    fine = observation("http://elsewhere.test/find?x=Patient?y")
    assert (await client.post("/fhir/Observation", json=fine)).status_code == 201
