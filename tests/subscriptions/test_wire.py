"""Connections that are held open, through a real server: a websocket client library nobody here wrote, and server-sent events."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from callers import machine
from test_rest_hook import end, observation, patient, subscribe
from test_topics import on_topic, status_of
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from longbien.app import App
from longbien.subscriptions.service import Service


def plain(criteria: str, **channel: Any) -> dict[str, Any]:
    return {
        "resourceType": "Subscription", "status": "requested", "reason": "test", "criteria": criteria,
        "channel": {"type": "websocket"} | channel,
    }  # fmt: skip


def dial(server: str, client: httpx.AsyncClient | None = None) -> connect:
    headers = {"Authorization": client.headers["authorization"]} if client else {}
    return connect(f"ws://{server}/fhir/ws", additional_headers=headers)


async def hear(ws: ClientConnection) -> str:
    return str(await asyncio.wait_for(ws.recv(), 15))


async def test_bind_bound_ping(client: httpx.AsyncClient, service: Service, server: str) -> None:
    p = await patient(client, "w-one")
    sub = await subscribe(client, plain(f"Observation?patient={p}"))
    async with dial(server, client) as ws:
        await ws.send(f"bind {sub['id']}")
        assert await hear(ws) == f"bound {sub['id']}"
        await client.post("/fhir/Observation", json=observation(p, 1))
        assert await hear(ws) == f"ping {sub['id']}"
    await client.post("/fhir/Observation", json=observation(p, 2))  # nobody listens
    await _numbered(client, sub["id"], 2)
    async with dial(server, client) as ws:  # who comes back is told that there was something
        await ws.send(f"bind {sub['id']}")
        assert [await hear(ws), await hear(ws)] == [f"bound {sub['id']}", f"ping {sub['id']}"]
    await end(client, sub["id"])


async def _numbered(client: httpx.AsyncClient, id: str, n: int) -> None:
    async with asyncio.timeout(15):
        while f'"valueString":"{n}"' not in (await client.get(f"/fhir/Subscription/{id}/$status")).text:
            await asyncio.sleep(0.02)


async def test_a_ticket_binds_without_a_token_and_bundles_come(client: httpx.AsyncClient, service: Service, server: str) -> None:
    p = await patient(client, "w-two")
    sub = await subscribe(client, on_topic("new-result", "", f"Observation?patient={p}", kind="websocket", content="full-resource"))
    given = (await client.get(f"/fhir/Subscription/{sub['id']}/$get-ws-binding-token")).json()["parameter"]
    ticket = next(x["valueString"] for x in given if x["name"] == "token")
    async with dial(server) as ws:
        await ws.send(f"bind-with-token {ticket}")
        assert status_of(json.loads(await hear(ws)))["type"] == "handshake"
        for value in range(3):
            await client.post("/fhir/Observation", json=observation(p, value))
        found: list[Any] = []
        while len(found) < 3:
            bundle = json.loads(await hear(ws))
            assert status_of(bundle)["type"] == "event-notification"
            found += [e["resource"]["valueQuantity"]["value"] for e in bundle["entry"][1:]]
        assert found == [0, 1, 2]
    await end(client, sub["id"])


@pytest.mark.parametrize("word", ["bind nobody", "bind-with-token wrong", "hello", "bind ../x", ""])
async def test_a_wrong_word_closes_the_socket_with_the_reason(client: httpx.AsyncClient, server: str, word: str) -> None:
    async with dial(server, client) as ws:
        await ws.send(word)
        with pytest.raises(ConnectionClosed) as closed:
            await hear(ws)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008 and closed.value.rcvd.reason


async def test_nobody_binds_what_is_anothers(app: App, client: httpx.AsyncClient, service: Service, server: str) -> None:
    sub = await subscribe(client, plain("Observation"))
    async with await machine(app, "stranger") as stranger:
        async with dial(server, stranger) as ws:
            await ws.send(f"bind {sub['id']}")
            with pytest.raises(ConnectionClosed):
                await hear(ws)
        assert (await stranger.get(f"/fhir/Subscription/{sub['id']}/$events")).status_code == 403
        assert (await stranger.post(f"/fhir/Subscription/{sub['id']}/$replay")).status_code == 403
        assert (await stranger.put(f"/fhir/Subscription/{sub['id']}", json=sub | {"reason": "mine"})).status_code == 403
    async with dial(server) as ws:  # without a token only a ticket binds
        await ws.send(f"bind {sub['id']}")
        with pytest.raises(ConnectionClosed):
            await hear(ws)
    with pytest.raises(InvalidStatus):
        await connect(f"ws://{server}/fhir/ws", additional_headers={"Authorization": "Bearer wrong"})
    await end(client, sub["id"])


@asynccontextmanager
async def listening(
    server: str, client: httpx.AsyncClient, id: str, **headers: str
) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    given = {"Authorization": client.headers["authorization"], "Accept": "text/event-stream", **headers}
    async with (
        httpx.AsyncClient(base_url=f"http://{server}", headers=given, timeout=15) as http,
        http.stream("GET", f"/fhir/Subscription/{id}/$events") as answer,
    ):
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
        yield _parts(answer)


async def _parts(answer: httpx.Response) -> AsyncIterator[dict[str, str]]:
    now: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, colon, value = line.partition(": ")
        if colon and name:
            now[name] = value
        elif not line and "data" in now:
            yield now
            now = {}


async def test_events_stream_and_go_on_where_they_were(client: httpx.AsyncClient, service: Service, server: str) -> None:
    p = await patient(client, "w-three")
    sub = await subscribe(client, plain(f"Observation?patient={p}", payload="application/fhir+json"))
    async with listening(server, client, sub["id"]) as parts:
        assert (await anext(parts))["event"] == "handshake"
        for value in range(2):
            await client.post("/fhir/Observation", json=observation(p, value))
        got = [await anext(parts) for _ in range(2)]
        assert [g["id"] for g in got] == ["1", "2"]
        assert json.loads(got[1]["data"])["entry"][1]["resource"]["valueQuantity"]["value"] == 1
    for value in range(2, 5):
        await client.post("/fhir/Observation", json=observation(p, value))
    async with listening(server, client, sub["id"], **{"Last-Event-ID": "1"}) as parts:
        await anext(parts)
        assert [(await anext(parts))["id"] for _ in range(4)] == ["2", "3", "4", "5"]
    await end(client, sub["id"])


async def test_a_stream_that_is_refused_says_why(client: httpx.AsyncClient, service: Service, server: str) -> None:
    given = {"Authorization": client.headers["authorization"], "Accept": "text/event-stream"}
    sub = await subscribe(client, plain("Observation"))
    async with httpx.AsyncClient(base_url=f"http://{server}", headers=given) as http:
        answer = await http.get("/fhir/Subscription/nobody/$events")
        assert answer.status_code == 404 and answer.json()["resourceType"] == "OperationOutcome"
        wrong = await http.get(f"/fhir/Subscription/{sub['id']}/$events", headers={"Last-Event-ID": "x"})
        assert wrong.status_code == 400 and "Last-Event-ID" in wrong.text
        assert (await http.get(f"/fhir/Subscription/{sub['id']}/$events", headers={"Authorization": ""})).status_code == 401
    await end(client, sub["id"])


async def test_who_does_not_read_is_cut_off_and_others_go_on(
    app: App, client: httpx.AsyncClient, service: Service, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = app.fhir.wire.free  # type: ignore[union-attr]
    monkeypatch.setattr("longbien.subscriptions.wire.PATIENCE", 0.5)
    p = await patient(client, "w-four")
    sub = await subscribe(client, plain(f"Observation?patient={p}", payload="application/fhir+json"))
    host, _, port = server.partition(":")
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    narrow.connect((host, int(port)))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=1024)
    asked = f"GET /fhir/Subscription/{sub['id']}/$events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
    writer.write(f"{asked}Authorization: {client.headers['authorization']}\r\n\r\n".encode())
    async with listening(server, client, sub["id"]) as parts:
        await anext(parts)
        long = "x" * 300_000
        for value in range(40):
            await client.post("/fhir/Observation", json=observation(p, value, note=[{"text": long}]))
        assert [(await anext(parts))["id"] for _ in range(40)] == [str(n) for n in range(1, 41)]
    taken = 0
    async with asyncio.timeout(15):
        while app.fhir.wire.free < everybody:  # type: ignore[union-attr]
            await asyncio.sleep(0.05)
        while chunk := await reader.read(65536):  # ends: the server has let go
            taken += len(chunk)
    assert taken < 40 * len(long)
    writer.close()
    await end(client, sub["id"])
