"""Keys of a client at an address of its own (jwks_uri): fetched, kept for some minutes, fetched again when the client has new ones;
never from a place that is not called from here."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import ECKey

from longbien.access.apps import client as clients
from longbien.access.apps import registry
from longbien.access.apps.client import ASSERTION, Clients
from longbien.access.apps.refusal import Refusal
from longbien.base.outside import Outside, OutsideSettings
from longbien.record.engine import Engine

pytestmark = pytest.mark.asyncio(loop_scope="session")
AT = "https://hanoi.test/oauth/token"


@pytest_asyncio.fixture(loop_scope="session")
async def place() -> AsyncIterator[SimpleNamespace]:
    """A web server with a key set: keys (what it gives), asked (how often), answer (a whole other answer)."""
    held = SimpleNamespace(keys=[], asked=0, answer=b"", status=200, wait=0.0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        held.asked += 1
        await asyncio.sleep(held.wait)
        body = held.answer or json.dumps({"keys": [k.as_dict(private=False) for k in held.keys]}).encode()
        writer.write(b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (held.status, len(body)) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    held.port = server.sockets[0].getsockname()[1]
    held.uri = f"http://127.0.0.1:{held.port}/jwks"
    yield held
    server.close()


def key(kid: str) -> Any:
    return ECKey.generate_key("P-384", {"kid": kid, "use": "sig"})


async def come(known: Clients, client: str, with_: Any) -> str:
    """The client that an assertion signed with this key is known as. Raises Refusal."""
    said = {"iss": client, "sub": client, "aud": AT, "exp": int(time.time()) + 120, "jti": secrets.token_hex(8)}
    given = jwt.encode({"alg": "ES384", "kid": with_.kid}, said, with_, algorithms=["ES384"])
    found = await known.known({"client_assertion": given, "client_assertion_type": ASSERTION}, None, None, (AT,))
    return found.client_id


async def registered(engine: Engine, place: Any) -> str:
    new = registry.NewApp("Lab", "system/Observation.rs", "private_key_jwt", jwks_uri=place.uri.replace("http://", "https://"))
    client, _ = await registry.register(engine, new)
    await engine.db.execute("UPDATE app SET jwks_uri = $2 WHERE client_id = $1", client, place.uri)  # the test's server has no TLS
    return client


async def test_keys_are_fetched_kept_and_fetched_again_when_the_client_has_new_ones(
    engine: Engine, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = Outside(OutsideSettings.read({"LONGBIEN_OUTSIDE_HOSTS": f"127.0.0.1:{place.port}"}))
    known, first, second = Clients(engine, outside), key("one"), key("two")
    place.keys, client = [first], await registered(engine, place)
    for _ in range(3):
        assert await come(known, client, first) == client
    assert place.asked == 1, "kept"
    place.keys = [second]
    with pytest.raises(Refusal):
        await come(known, client, second)
    assert place.asked == 1, "a key that nobody knows does not make us ask each time"
    monkeypatch.setattr(clients, "AGAIN", 0.0)
    assert await come(known, client, second) == client and place.asked == 2, "rotated"
    with pytest.raises(Refusal):
        await come(known, client, first)
    with pytest.raises(Refusal):
        await come(known, client, ECKey.generate_key("P-384", {"kid": "two"}))
    monkeypatch.setattr(clients, "KEPT", 0.0)
    place.keys = []
    with pytest.raises(Refusal):
        await come(known, client, second)  # taken away there, it opens nothing here once it is old
    await outside.close()


@pytest.mark.parametrize(
    "status, answer",
    [(404, b""), (200, b"<html>"), (200, b"{}"), (200, b'{"keys": 1}'), (200, b'{"keys": [{"kty": "oct", "k": "eA"}]}')],
)
async def test_what_is_no_key_set_opens_nothing(engine: Engine, place: Any, status: int, answer: bytes) -> None:
    outside = Outside(OutsideSettings.read({"LONGBIEN_OUTSIDE_HOSTS": f"127.0.0.1:{place.port}"}))
    place.keys, place.status, place.answer = [mine := key("one")], status, answer
    with pytest.raises(Refusal) as refused:
        await come(Clients(engine, outside), await registered(engine, place), mine)
    assert refused.value.status == 401
    await outside.close()


async def test_an_address_inside_the_house_is_not_called(engine: Engine, place: Any) -> None:
    outside = Outside(OutsideSettings.read({}))
    place.keys = [mine := key("one")]
    with pytest.raises(Refusal):
        await come(Clients(engine, outside), await registered(engine, place), mine)
    assert place.asked == 0
    await outside.close()
