"""Topic subscriptions (http://hl7.org/fhir/uv/subscriptions-backport), over rest-hook, and the operations about them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from receiver import Receiver, receiver
from test_rest_hook import end, observation, patient, status_is, subscribe, until

from longbien.fhir.validate import validate
from longbien.subscriptions.service import Service
from longbien.subscriptions.topics import BASE, TOPICS, basic, find

EXT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
Resource = dict[str, Any]


def on_topic(name: str, url: str, *filters: str, content: str = "id-only", kind: str = "rest-hook", **channel: Any) -> Resource:
    narrowed = [{"url": EXT + "backport-filter-criteria", "valueString": f} for f in filters]
    return {
        "resourceType": "Subscription", "meta": {"profile": [EXT + "backport-subscription"]}, "status": "requested",
        "reason": "test", "criteria": BASE + name,
        **({"_criteria": {"extension": narrowed}} if narrowed else {}),
        "channel": {
            "type": kind, **({"endpoint": url} if url else {}), "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": EXT + "backport-payload-content", "valueCode": content}]}, **channel,
        },
    }  # fmt: skip


def status_of(bundle: Resource) -> dict[str, Any]:
    """The status of a notification: name -> value, events as lists."""
    assert bundle["type"] == "history" and bundle["entry"][0]["resource"]["resourceType"] == "Parameters"
    found: dict[str, Any] = {"events": []}
    for p in bundle["entry"][0]["resource"]["parameter"]:
        if p["name"] == "notification-event":
            found["events"].append({x["name"]: next(v for k, v in x.items() if k != "name") for x in p["part"]})
        else:
            found[p["name"]] = next(v for k, v in p.items() if k != "name")
    return found


def bundles(r: Receiver, kind: str = "event-notification") -> list[Resource]:
    return [c.resource for c in r.calls if status_of(c.resource)["type"] == kind]


def numbers(r: Receiver) -> list[int]:
    return [int(e["event-number"]) for b in bundles(r) for e in status_of(b)["events"]]


def encounter(p: str, status: str, kind: str = "IMP", **more: Any) -> Resource:
    act = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": kind}
    return {"resourceType": "Encounter", "status": status, "class": act, "subject": {"reference": f"Patient/{p}"}, **more}


async def test_a_handshake_then_events_by_number(client: httpx.AsyncClient, service: Service) -> None:
    p, other = await patient(client, "t-one"), await patient(client, "t-other")
    with receiver() as r:
        sub = await subscribe(client, on_topic("encounter-start", r.url, f"Encounter?patient=Patient/{p}"))
        assert len(bundles(r, "handshake")) == 1
        made = (await client.post("/fhir/Encounter", json=encounter(p, "planned"))).json()
        path = f"/fhir/Encounter/{made['id']}"
        await client.post("/fhir/Encounter", json=encounter(other, "in-progress"))
        for status in ("arrived", "in-progress", "in-progress", "finished"):
            assert (await client.put(path, json=encounter(p, status, id=made["id"]))).status_code == 200
        await client.post("/fhir/Encounter", json=encounter(p, "in-progress"))  # a create has nothing before
        await until(lambda: len(numbers(r)) == 2)
        first = status_of(bundles(r)[0])
        assert first["events"][0]["focus"] == {"reference": f"Encounter/{made['id']}"}
        assert first["subscription"] == {"reference": f"Subscription/{sub['id']}"} and first["topic"] == BASE + "encounter-start"
        assert numbers(r) == [1, 2]
        entry = bundles(r)[0]["entry"][1]
        assert entry["request"] == {"method": "PUT", "url": f"Encounter/{made['id']}"} and "resource" not in entry
        for call in r.calls:
            assert not [i for i in validate(call.resource) if i.severity == "error"]
        await end(client, sub["id"])


@pytest.mark.parametrize(
    ("content", "focus", "body"), [("empty", False, False), ("id-only", True, False), ("full-resource", True, True)]
)
async def test_as_much_is_told_as_was_asked_for(
    client: httpx.AsyncClient, service: Service, content: str, focus: bool, body: bool
) -> None:
    p = await patient(client, f"t-{content}")
    with receiver() as r:
        sub = await subscribe(client, on_topic("new-result", r.url, f"Observation?subject=Patient/{p}", content=content))
        await client.post("/fhir/Observation", json=observation(p, 1, status="preliminary"))
        await client.post("/fhir/Observation", json=observation(p, 2))
        await until(lambda: bundles(r))
        told = bundles(r)[0]
        assert ("focus" in status_of(told)["events"][0]) is focus
        assert [e.get("resource", {}).get("valueQuantity", {}).get("value") for e in told["entry"][1:]] == (
            [2] if body else [None] * focus
        )
        assert (p in str(told["entry"][1:])) is body
        await end(client, sub["id"])


async def test_admission_and_discharge_leave_out_who_only_comes_by(client: httpx.AsyncClient, service: Service) -> None:
    p = await patient(client, "t-adm")
    with receiver() as r:
        subs = [await subscribe(client, on_topic(t, r.url, f"Encounter?patient={p}")) for t in ("admission", "discharge")]
        for kind in ("AMB", "IMP"):
            made = (await client.post("/fhir/Encounter", json=encounter(p, "in-progress", kind))).json()
            await client.put(f"/fhir/Encounter/{made['id']}", json=encounter(p, "finished", kind, id=made["id"]))
        await until(lambda: len(bundles(r)) == 2)
        assert {status_of(b)["topic"] for b in bundles(r)} == {BASE + "admission", BASE + "discharge"}
        assert {status_of(b)["events"][0]["focus"]["reference"] for b in bundles(r)} == {f"Encounter/{made['id']}"}
        for s in subs:
            await end(client, s["id"])


async def test_any_change_tells_of_deletes_too_even_with_a_filter(client: httpx.AsyncClient, service: Service) -> None:
    with receiver() as r:
        sub = await subscribe(
            client, on_topic("Organization-change", r.url, "Organization?name:contains=Bạch", content="full-resource")
        )
        for name in ("Bệnh viện Bạch Mai", "Bệnh viện E"):
            made = (await client.post("/fhir/Organization", json={"resourceType": "Organization", "name": name})).json()
            assert (await client.delete(f"/fhir/Organization/{made['id']}")).status_code in (200, 204)
        await until(lambda: len(numbers(r)) == 2)
        methods = [e["request"]["method"] for b in bundles(r) for e in b["entry"][1:]]
        assert methods == ["POST", "DELETE"]
        await end(client, sub["id"])


async def test_no_handshake_no_subscription_and_the_events_wait(client: httpx.AsyncClient, service: Service) -> None:
    up = False
    p = await patient(client, "t-hand")
    with receiver(answer=lambda call: 200 if up else 503) as r:
        sub = await subscribe(client, on_topic("new-result", r.url, f"Observation?patient={p}"), "error")
        await client.post("/fhir/Observation", json=observation(p, 1))
        assert not bundles(r)
        up = True
        await status_is(client, sub["id"], "active")
        await until(lambda: numbers(r) == [1])
        await end(client, sub["id"])


async def test_a_heartbeat_when_nothing_happens(client: httpx.AsyncClient, service: Service) -> None:
    beat = [{"url": EXT + "backport-heartbeat-period", "valueUnsignedInt": 1}]
    with receiver() as r:
        sub = await subscribe(client, on_topic("Location-change", r.url, extension=beat))
        await until(lambda: bundles(r, "heartbeat"))
        await end(client, sub["id"])


async def test_how_it_fares_and_what_was_can_be_asked(client: httpx.AsyncClient, service: Service) -> None:
    p = await patient(client, "t-ask")
    with receiver() as r:
        sub = await subscribe(client, on_topic("new-result", r.url, f"Observation?patient={p}"))
        for value in range(4):
            await client.post("/fhir/Observation", json=observation(p, value))
        await until(lambda: len(numbers(r)) == 4)
        asked = (await client.get(f"/fhir/Subscription/{sub['id']}/$status")).json()
        assert asked["type"] == "searchset" and asked["total"] == 1
        said = {x["name"]: x for x in asked["entry"][0]["resource"]["parameter"]}
        assert said["events-since-subscription-start"]["valueString"] == "4" and said["type"]["valueCode"] == "query-status"
        path = f"/fhir/Subscription/{sub['id']}/$events?eventsSinceNumber=2&eventsUntilNumber=3&content=full-resource"
        past = (await client.get(path)).json()
        assert [e["event-number"] for e in status_of(past)["events"]] == ["2", "3"] and status_of(past)["type"] == "query-event"
        assert [e["resource"]["valueQuantity"]["value"] for e in past["entry"][1:]] == [1, 2]
        wrong = await client.get(f"/fhir/Subscription/{sub['id']}/$events?eventsSinceNumber=x")
        assert wrong.status_code == 400 and "eventsSinceNumber" in wrong.text
        assert (await client.get("/fhir/Subscription/nobody/$status")).status_code == 404
        await end(client, sub["id"])


async def test_topics_are_published(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/fhir/Subscription/$topics")).json()
    assert {e["resource"]["id"] for e in listed["entry"]} >= {f"topic-{t.name}" for t in TOPICS} | {"topic-Patient-change"}
    for t in (*TOPICS, find(BASE + "Patient-change")):
        assert t is not None and not [i for i in validate(basic(t)) if i.severity == "error"]
    said = (await client.get("/fhir/metadata")).json()["rest"][0]
    own = next(x for x in said["resource"] if x["type"] == "Subscription")
    assert {e["valueCanonical"] for e in own["extension"]} == {t.url for t in TOPICS}
    assert not [i for i in validate((await client.get("/fhir/metadata")).json()) if i.severity == "error"]


@pytest.mark.parametrize(
    ("filters", "channel"),
    [
        (["Encounter?nothing=1"], {}),
        (["Observation?code=1"], {}),
        (["patient=1"], {}),
        ([], {"extension": [{"url": EXT + "backport-heartbeat-period", "valueUnsignedInt": 99999999}]}),
        ([], {"extension": [{"url": EXT + "backport-max-count", "valueString": "x"}]}),
        ([], {"_payload": {"extension": [{"url": EXT + "backport-payload-content", "valueCode": "all"}]}}),
        ([], {"payload": "application/fhir+xml"}),
    ],
)
async def test_a_wrong_topic_subscription_is_refused(client: httpx.AsyncClient, filters: list[str], channel: Resource) -> None:
    asked = on_topic("encounter-start", "http://127.0.0.1:1/", *filters)
    answer = await client.post("/fhir/Subscription", json=asked | {"channel": asked["channel"] | channel})
    assert answer.status_code == 422 and "Subscription." in answer.text
