"""What is delivered passes its owner's rights at that moment, and every delivery is in the trail."""

from __future__ import annotations

import asyncio
import ipaddress

import httpx
import pytest
from callers import machine
from receiver import receiver
from test_rest_hook import end, observation, patient, status_is, subscribe, subscription, until

from longbien.access import tokens
from longbien.app import App
from longbien.base.outside import Outside, OutsideSettings, Refused, public, rules
from longbien.record import trail
from longbien.subscriptions.service import Service


async def test_who_may_not_read_a_type_cannot_watch_it(app: App, service: Service) -> None:
    async with await machine(app, "narrow", "system/Subscription.* system/Patient.rs") as narrow:
        answer = await narrow.post("/fhir/Subscription", json=subscription("Observation", "http://127.0.0.1:1/"))
        assert answer.status_code == 403
        through = "Patient?_has:Observation:patient:code=1"
        chained = await narrow.post("/fhir/Subscription", json=subscription(through, "http://127.0.0.1:1/"))
        assert chained.status_code == 403
    async with await machine(app, "reader", "system/*.rs") as reader:
        assert (await reader.post("/fhir/Subscription", json=subscription("Patient", "http://127.0.0.1:1/"))).status_code == 403


async def test_a_revoked_token_ends_what_was_made_with_it(app: App, client: httpx.AsyncClient, service: Service) -> None:
    engine = app.state.engine
    with receiver() as r:
        async with await machine(app, "leaver") as leaver:
            sub = await subscribe(leaver, subscription("Patient", r.url))
            number = next(t["number"] for t in await tokens.tokens(engine.db) if t["name"] == "leaver")
            await tokens.revoke(engine, number)
        service.matcher._scopes.clear()
        await client.post("/fhir/Patient", json={"resourceType": "Patient"})
        await asyncio.sleep(1.5)
        assert not r.tried
        await end(client, sub["id"])


async def test_every_delivery_is_in_the_trail(app: App, client: httpx.AsyncClient, service: Service) -> None:
    p = await patient(client, "trail")
    with receiver() as r:
        sub = await subscribe(client, subscription(f"Observation?patient={p}", r.url, payload=None))
        await client.post("/fhir/Observation", json=observation(p, 1))
        await until(lambda: r.calls)
        rows = await app.state.engine.db.fetch(
            "SELECT kind, ver, why FROM audit WHERE why LIKE $1", f"Subscription/{sub['id']} told to%"
        )
        assert [(trail.KINDS[x["kind"]], x["ver"]) for x in rows] == [("vread", 1)] and f":{r.port}" in rows[0]["why"]
        await end(client, sub["id"])


async def test_criteria_that_break_later_harm_no_one(app: App, client: httpx.AsyncClient, service: Service) -> None:
    with receiver() as r:
        broken = await subscribe(client, subscription("Patient?gender=male", r.url))
        good = await subscribe(client, subscription("Patient?gender=male", r.url))
        plan = '{"filters": ["Patient?gone=1"]}'
        await app.state.engine.db.execute("UPDATE subscription SET plan = plan || $2::jsonb WHERE id = $1", broken["id"], plan)
        await client.post("/fhir/Patient", json={"resourceType": "Patient", "gender": "male"})
        await until(lambda: r.calls)
        now = await status_is(client, broken["id"], "error")
        assert "could not be asked" in now["error"]
        for s in (broken, good):
            await end(client, s["id"])


REFUSED = [
    "http://example.org/", "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
    "https://169.254.169.254/", "https://a@example.org/", "gopher://example.org/", "https:///x", "https://exa mple.org/",
    "https://example.org/#x", "https://0x7f000001.\n/", "//example.org/x",
]  # fmt: skip


async def test_what_is_outside_and_may_be_called() -> None:
    open_, listed = Outside(OutsideSettings()), Outside(OutsideSettings(hosts="lab.test:8443, *.hn.test, 10.1.0.0/16"))
    for url in REFUSED:
        with pytest.raises(Refused):
            open_.check(url)
    assert open_.check("https://example.org/x?y=1") == ("example.org", 443)
    assert listed.check("http://lab.test:8443/") == ("lab.test", 8443) and listed.check("http://a.hn.test/") == ("a.hn.test", 80)
    assert listed.check("http://10.1.2.3/") == ("10.1.2.3", 80)
    for host in ("localhost", "127.0.0.1"):  # a name that leads to this machine is found out when it is looked up
        with pytest.raises(Refused):
            await open_.addresses(host, 443)
    assert not public(ipaddress.ip_address("64:ff9b::10.0.0.1")) and len(rules("a, b:80, [::1]:90")) == 3
