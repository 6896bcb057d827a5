"""Rest-hooks end to end: the real application, the real worker, a real receiver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from receiver import receiver

from longbien.base import clock
from longbien.subscriptions.service import Service

Resource = dict[str, Any]
HOOK = {"type": "rest-hook", "endpoint": "http://127.0.0.1/x"}


def subscription(criteria: str, url: str, **channel: Any) -> Resource:
    told = {"type": "rest-hook", "endpoint": url, "payload": "application/fhir+json"} | channel
    return {
        "resourceType": "Subscription", "status": "requested", "reason": "test", "criteria": criteria,
        "channel": {k: v for k, v in told.items() if v is not None},
    }  # fmt: skip


def observation(patient: str, value: int, **more: Any) -> Resource:
    return {
        "resourceType": "Observation", "status": "final", "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "valueQuantity": {"value": value, "unit": "g/L", "system": "http://unitsofmeasure.org", "code": "g/L"}, **more,
    }  # fmt: skip


async def until(ask: Callable[[], Any], what: str = "", seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not ask():
            await asyncio.sleep(0.02)


async def subscribe(client: httpx.AsyncClient, resource: Resource, wanted: str = "active") -> Resource:
    made = await client.post("/fhir/Subscription", json=resource)
    assert made.status_code == 201, made.text
    return await status_is(client, made.json()["id"], wanted)


async def status_is(client: httpx.AsyncClient, id: str, wanted: str) -> Resource:
    async with asyncio.timeout(15):
        while True:
            now: Resource = (await client.get(f"/fhir/Subscription/{id}")).json()
            if now["status"] == wanted:
                return now
            await asyncio.sleep(0.02)


async def patient(client: httpx.AsyncClient, id: str) -> str:
    made = await client.put(f"/fhir/Patient/{id}", json={"resourceType": "Patient", "id": id})
    assert made.status_code in (200, 201), made.text
    return id


async def end(client: httpx.AsyncClient, id: str) -> None:
    assert (await client.delete(f"/fhir/Subscription/{id}")).status_code in (200, 204)


async def test_each_version_that_matches_is_told_once_and_in_order(client: httpx.AsyncClient, service: Service) -> None:
    p = await patient(client, "one")
    with receiver() as r:
        sub = await subscribe(client, subscription("Observation?code=http://loinc.org|718-7&value-quantity=gt120", r.url))
        made = (await client.post("/fhir/Observation", json=observation(p, 130))).json()
        path = f"/fhir/Observation/{made['id']}"
        for value in (110, 140, 100, 150):  # some are overwritten before the matcher sees them: each is judged as it was
            assert (await client.put(path, json=observation(p, value, id=made["id"]))).status_code == 200
        await until(lambda: len(r.calls) == 3)
        assert [c.resource["valueQuantity"]["value"] for c in r.calls] == [130, 140, 150]
        assert [c.event for c in r.calls] == [1, 2, 3]
        assert {(c.method, c.path) for c in r.calls} == {("PUT", f"/hook/Observation/{made['id']}")}
        await end(client, sub["id"])


async def test_without_a_payload_nothing_but_the_fact_is_told(client: httpx.AsyncClient, service: Service) -> None:
    with receiver() as r:
        sub = await subscribe(client, subscription("Patient?gender=female", r.url, payload=None))
        await client.post("/fhir/Patient", json={"resourceType": "Patient", "gender": "male"})
        await client.post("/fhir/Patient", json={"resourceType": "Patient", "gender": "female"})
        await until(lambda: r.calls)
        assert [(c.method, c.path, c.body) for c in r.calls] == [("POST", "/hook", b"")]
        await end(client, sub["id"])


async def test_headers_are_sent_and_shown_to_nobody(client: httpx.AsyncClient, service: Service) -> None:
    with receiver() as r:
        given = subscription("Patient", r.url, header=["Authorization: Bearer very-secret"])
        sub = await subscribe(client, given)
        assert sub["channel"]["header"] == ["Authorization: ***"]
        await client.put(f"/fhir/Subscription/{sub['id']}", json=sub | {"reason": "still"})  # as it was read: the secret stays
        await status_is(client, sub["id"], "active")
        await client.post("/fhir/Patient", json={"resourceType": "Patient"})
        await until(lambda: r.calls)
        assert r.calls[0].headers["authorization"] == "Bearer very-secret"
        history = (await client.get(f"/fhir/Subscription/{sub['id']}/_history")).text
        assert "very-secret" not in history
        await end(client, sub["id"])


async def test_a_failing_subscriber_is_tried_again_and_loses_nothing(client: httpx.AsyncClient, service: Service) -> None:
    p = await patient(client, "two")
    answers = iter([500, 503, 200])
    with receiver(answer=lambda call: next(answers, 200)) as r:
        sub = await subscribe(client, subscription(f"Observation?patient={p}", r.url))
        for value in range(5):
            await client.post("/fhir/Observation", json=observation(p, value))
        await until(lambda: len(r.calls) == 5)
        assert [c.resource["valueQuantity"]["value"] for c in r.calls] == [0, 1, 2, 3, 4]
        assert [c.event for c in r.tried][:3] == [1, 1, 1], "the same event, the same number"
        await end(client, sub["id"])


async def test_one_who_hangs_harms_no_one(client: httpx.AsyncClient, service: Service) -> None:
    p = await patient(client, "three")
    with receiver(answer=lambda call: None) as stuck, receiver() as r:
        subs = [await subscribe(client, subscription(f"Observation?patient={p}", one.url)) for one in (stuck, r)]
        for value in range(10):
            await client.post("/fhir/Observation", json=observation(p, value))
        await until(lambda: len(r.calls) == 10)
        assert stuck.calls == [] and len(stuck.tried) < 10
        for s in subs:
            await end(client, s["id"])


async def test_a_patient_whose_event_is_refused_waits_and_others_go_on(client: httpx.AsyncClient, service: Service) -> None:
    bad, good = await patient(client, "bad"), await patient(client, "good")
    refuse = True

    def answer(call: Any) -> int:
        return 422 if refuse and call.body and call.resource["subject"]["reference"] == "Patient/bad" else 200

    with receiver(answer=answer) as r:
        sub = await subscribe(client, subscription("Observation?code=718-7", r.url))
        for value in range(3):
            await client.post("/fhir/Observation", json=observation(bad, value))
            await client.post("/fhir/Observation", json=observation(good, value))
        await until(lambda: len(r.calls) == 3)
        assert {c.resource["subject"]["reference"] for c in r.calls} == {"Patient/good"}
        refuse = False
        await until(lambda: len(r.calls) == 6)
        assert [c.resource["valueQuantity"]["value"] for c in r.calls[3:]] == [0, 1, 2]
        await end(client, sub["id"])


async def test_dead_letters_are_seen_and_played_again(client: httpx.AsyncClient, service: Service) -> None:
    p = await patient(client, "four")
    down = True
    with receiver(answer=lambda call: 500 if down else 200) as r:
        sub = await subscribe(client, subscription(f"Observation?patient={p}", r.url))
        await client.post("/fhir/Observation", json=observation(p, 7))
        broken = await status_is(client, sub["id"], "error")
        assert "500" in broken["error"]
        await until(lambda: len(r.tried) >= 4)
        where = f"/fhir/Subscription/{sub['id']}"
        async with asyncio.timeout(15):
            while not (dead := (await client.get(f"{where}/$dead-letters")).json().get("parameter")):
                await asyncio.sleep(0.05)
        parts = {x["name"]: x for x in dead[0]["part"]}
        assert parts["event-number"]["valueString"] == "1" and parts["attempts"]["valueInteger"] == 4
        down = False
        assert (await client.post(f"{where}/$replay")).status_code == 200
        await until(lambda: r.calls)
        assert r.calls[0].event == 1
        recovered = await status_is(client, sub["id"], "active")
        assert "error" not in recovered
        await end(client, sub["id"])


async def test_redirects_are_not_followed(client: httpx.AsyncClient, service: Service) -> None:
    with receiver() as secret, receiver(answer=lambda call: 302) as r:
        r.extra["location"] = secret.url
        sub = await subscribe(client, subscription("Patient", r.url))
        await client.post("/fhir/Patient", json={"resourceType": "Patient"})
        now = await status_is(client, sub["id"], "error")
        assert "redirects are not followed" in now["error"] and not secret.tried
        await end(client, sub["id"])


@pytest.mark.parametrize(
    ("change", "status", "where"),
    [
        ({"criteria": "Observation?nothing=1"}, 422, "Subscription.criteria"),
        ({"criteria": "Observation?code:wrong=1"}, 422, "Subscription.criteria"),
        ({"criteria": "Observation?date=yesterday"}, 422, "Subscription.criteria"),
        ({"criteria": "Observation?_sort=date"}, 422, "Subscription.criteria"),
        ({"criteria": "Observation?_include=Observation:subject"}, 422, "Subscription.criteria"),
        ({"criteria": "Nothing?code=1"}, 422, "Subscription.criteria"),
        ({"criteria": "Observation?code="}, 422, "Subscription.criteria"),
        ({"criteria": "?code=1"}, 422, "Subscription.criteria"),
        ({"criteria": "http://nowhere.test/topic"}, 422, "Subscription.criteria"),
        ({"end": "2001-01-01T00:00:00Z"}, 422, "Subscription.end"),
        ({"channel": {"type": "sms", "endpoint": "tel:1"}}, 422, "Subscription.channel.type"),
        ({"channel": {"type": "rest-hook"}}, 422, "Subscription.channel.endpoint"),
        ({"channel": {"type": "rest-hook", "endpoint": "http://10.0.0.1/x"}}, 422, "Subscription.channel.endpoint"),
        ({"channel": {"type": "rest-hook", "endpoint": "http://169.254.169.254/latest"}}, 422, "Subscription.channel.endpoint"),
        ({"channel": {"type": "rest-hook", "endpoint": "ftp://127.0.0.1/x"}}, 422, "Subscription.channel.endpoint"),
        ({"channel": {"type": "rest-hook", "endpoint": "http://a:b@127.0.0.1/x"}}, 422, "Subscription.channel.endpoint"),
        ({"channel": HOOK | {"header": ["no colon"]}}, 422, "Subscription.channel.header[0]"),
        ({"channel": HOOK | {"header": ["Host: x"]}}, 422, "Subscription.channel.header[0]"),
        ({"channel": HOOK | {"header": ["X: ***"]}}, 422, "Subscription.channel.header[0]"),
        ({"channel": HOOK | {"payload": "text/plain"}}, 422, "Subscription.channel.payload"),
    ],
)
async def test_what_cannot_be_served_is_refused_when_it_is_written(
    client: httpx.AsyncClient, change: Resource, status: int, where: str
) -> None:
    answer = await client.post("/fhir/Subscription", json=subscription("Observation", "http://127.0.0.1:1/") | change)
    assert answer.status_code == status, answer.text
    assert where in [e for i in answer.json()["issue"] for e in i.get("expression", [])], answer.text


async def test_a_switched_off_subscription_is_told_nothing(client: httpx.AsyncClient, service: Service) -> None:
    with receiver() as r:
        sub = await subscribe(client, subscription("Patient", r.url))
        off = await client.put(f"/fhir/Subscription/{sub['id']}", json=sub | {"status": "off"})
        assert off.json()["status"] == "off"
        await client.post("/fhir/Patient", json={"resourceType": "Patient"})
        on = await client.put(f"/fhir/Subscription/{sub['id']}", json=off.json() | {"status": "requested"})
        assert on.json()["status"] == "requested"
        await status_is(client, sub["id"], "active")
        last = (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
        await until(lambda: r.calls)
        await asyncio.sleep(0.2)
        assert [c.resource["id"] for c in r.calls] == [last["id"]]
        await end(client, sub["id"])


async def test_xml_is_sent_where_it_was_asked_for(client: httpx.AsyncClient, service: Service) -> None:
    with receiver() as r:
        sub = await subscribe(client, subscription("Organization", r.url, payload="application/fhir+xml"))
        await client.post("/fhir/Organization", json={"resourceType": "Organization", "name": "Bệnh viện E"})
        await until(lambda: r.calls)
        assert r.calls[0].headers["content-type"].startswith("application/fhir+xml")
        assert "<Organization" in r.calls[0].body.decode() and "Bệnh viện E" in r.calls[0].body.decode()
        await end(client, sub["id"])


async def test_its_end_is_kept(client: httpx.AsyncClient, service: Service) -> None:
    with receiver() as r:
        soon = (clock.now() + timedelta(seconds=1)).isoformat()
        sub = await subscribe(client, subscription("Organization", r.url) | {"end": soon})
        await asyncio.sleep(1.1)
        await client.post("/fhir/Organization", json={"resourceType": "Organization", "name": "too late"})
        await service.keep()
        assert (await client.get(f"/fhir/Subscription/{sub['id']}")).json()["status"] == "off"
        await asyncio.sleep(0.5)
        assert not r.tried
        await end(client, sub["id"])


def transaction(*entries: tuple[str, str, Resource]) -> Resource:
    """Each (method, url, resource); a PUT says that it replaces version 7."""
    made = []
    for method, url, resource in entries:
        match = {"ifMatch": 'W/"7"'} if method == "PUT" else {}
        made.append({"resource": resource, "request": {"method": method, "url": url, **match}})
    return {"resourceType": "Bundle", "type": "transaction", "entry": made}


async def test_a_transaction_that_fails_leaves_no_subscription_behind(client: httpx.AsyncClient, service: Service) -> None:
    with receiver() as r:
        new = ("POST", "Subscription", subscription("Patient", r.url))
        late = ("PUT", "Patient/tx", {"resourceType": "Patient", "id": "tx"})
        assert (await client.post("/fhir", json=transaction(new, late))).status_code in (409, 412)
        left = await service.engine.db.fetchval("SELECT count(*) FROM subscription WHERE plan->>'endpoint' = $1", r.url)
        assert left == 0
        wrong = ("POST", "Subscription", subscription("Observation?nothing=1", r.url))
        assert (await client.post("/fhir", json=transaction(wrong))).status_code == 422
        done = await client.post("/fhir", json=transaction(new))
        assert done.status_code == 200, done.text
        id = done.json()["entry"][0]["response"]["location"].split("Subscription/")[1].split("/")[0]
        await status_is(client, id, "active")
        await end(client, id)
