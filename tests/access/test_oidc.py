"""OpenID Connect against a real provider (the reference implementation in JavaScript), in a process of its own: sign-in, linking,
VNeID's comparison, keys that change, and being signed out from there."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
import pytest_asyncio
from at_the_door import CHEAP, cookie_of, request, signed_in

from longbien.access.door import Door
from longbien.access.oidc_people import same
from longbien.access.oidc_settings import read
from longbien.access.settings import AccessSettings
from longbien.base.errors import Conflict, Invalid, Unauthenticated, Unavailable
from longbien.fhir.systems import CITIZEN_ID
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

ROOT = Path(__file__).resolve().parents[2]
BACK = "http://testserver/sign-in/with/{}/back"
PEOPLE = {
    "hoa": {"name": "NGUYEN THI HOA", "birthdate": "1990-05-17", "citizen_id": "001190012345"},
    "gia": {"name": "Nguyễn Thị Hoa", "birthdate": "1991-05-17", "citizen_id": "001190012345"},
    "minh": {"name": "Lê Hoàng Minh"},
    "tam": {"name": "TRAN THI TAM", "birthdate": "1985-02-03", "citizen_id": "001185012345"},
}
pytestmark = pytest.mark.asyncio(loop_scope="session")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    node = shutil.which("node")
    if node is None or not (ROOT / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("no node, or oidc-provider is not installed: make build")
    port = free_port()
    clients = [
        {"client_id": name, "client_secret": "a secret of the tests: 32 letters", "redirect_uris": [BACK.format(name)],
         "grant_types": ["authorization_code"], "response_types": ["code"],
         "post_logout_redirect_uris": ["http://testserver/sign-in"], "backchannel_logout_session_required": True,
         "backchannel_logout_uri": f"http://127.0.0.1:{port}/test/heard"}
        for name in ("city", "vneid", "staffid")
    ]  # fmt: skip
    env = {**os.environ, "PORT": str(port), "NODE_ROOT": str(ROOT), "PEOPLE": json.dumps(PEOPLE), "CLIENTS": json.dumps(clients)}
    script = Path(__file__).with_name("provider.mjs")
    with subprocess.Popen([node, str(script)], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None and "ready" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
        process.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def relying(engine: Engine, issuer: str) -> AsyncIterator[Door]:
    common = {"issuer": issuer, "client_secret": "a secret of the tests: 32 letters", "scopes": "openid profile"}
    providers = [
        {**common, "name": "city", "title": "City", "client_id": "city", "whom": "staff"},
        {
            **common,
            "name": "vneid",
            "title": "VNeID",
            "client_id": "vneid",
            "whom": "patients",
            "match": "citizen",
            "acr": ["high"],
        },
        {**common, "name": "staffid", "title": "Staff", "client_id": "staffid", "match": "citizen", "acr": ["high"]},
    ]  # fmt: skip
    made = Door(engine, AccessSettings(**{**CHEAP.__dict__, "oidc": json.dumps(providers)}))
    yield made
    await made.close()


def control(issuer: str, **asked: str) -> None:
    httpx.get(f"{issuer}/test/as", params=asked)


async def answered(door: Door, provider: str, link: int | None = None, cookie: str = "") -> tuple[dict[str, str], str]:
    """What the browser brings back, and its own cookie."""
    here = door.entry.browser(request(cookie=cookie) if cookie else request())
    own = cookie_of(here.set_cookie) if here.set_cookie else cookie
    where = await door.entry.relying(provider).begin(here.hash, BACK.format(provider), "/today", link)
    async with httpx.AsyncClient() as browser:
        for _ in range(10):
            answer = await browser.get(where)
            assert answer.status_code in (302, 303), answer.text[:400]
            where = urljoin(where, answer.headers["location"])
            if where.startswith("http://testserver/"):
                break
    return {k: v[0] for k, v in parse_qs(urlsplit(where).query).items()}, own


async def come(door: Door, provider: str, who: int | None = None, link: int | None = None) -> Any:
    answer, cookie = await answered(door, provider, link)
    return (await door.entry.provider(request(cookie=cookie), provider, answer, who))[0]


async def test_an_account_is_linked_by_its_owner_and_opens_from_then_on(relying: Door, issuer: str) -> None:
    control(issuer, who="minh")
    with pytest.raises(Unauthenticated):
        await come(relying, "city")
    actor, _ = await signed_in(relying)
    assert await come(relying, "city", who=actor.number, link=actor.number) is None
    signed = await come(relying, "city")
    assert (signed.actor.number, signed.actor.method) == (actor.number, "provider")
    other, _ = await signed_in(relying)
    with pytest.raises(Conflict):
        await come(relying, "city", who=other.number, link=other.number)
    with pytest.raises(Unauthenticated):
        await come(relying, "city", who=actor.number, link=other.number)


async def test_a_state_opens_once_and_only_in_its_own_browser(relying: Door, issuer: str) -> None:
    control(issuer, who="minh")
    answer, cookie = await answered(relying, "city")
    with pytest.raises(Unauthenticated):
        await relying.entry.provider(request(cookie=cookie.replace(cookie[-4:], "abcd")), "city", answer, None)
    with pytest.raises(Unauthenticated):
        await relying.entry.provider(request(cookie=cookie), "vneid", answer, None)
    answer, cookie = await answered(relying, "city")
    assert (await relying.entry.provider(request(cookie=cookie), "city", answer, None))[0] is not None
    with pytest.raises(Unauthenticated):
        await relying.entry.provider(request(cookie=cookie), "city", answer, None)
    answer, cookie = await answered(relying, "city")
    with pytest.raises(Unauthenticated):
        await relying.entry.provider(request(cookie=cookie), "city", {**answer, "iss": "http://evil.example"}, None)


async def test_the_providers_keys_may_change_at_any_time(relying: Door, issuer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    control(issuer, who="minh")
    assert await come(relying, "city") is not None
    httpx.get(f"{issuer}/test/rotate")
    monkeypatch.setattr("longbien.access.oidc.AGAIN", 0.0)
    assert await come(relying, "city") is not None


async def test_vneid_opens_the_record_whose_number_name_and_birth_date_agree(relying: Door, engine: Engine, issuer: str) -> None:
    patient = {"resourceType": "Patient", "id": "p-hoa", "birthDate": "1990-05-17", "name": [{"text": "Nguyễn Thị Hoa"}],
               "identifier": [{"system": CITIZEN_ID, "value": "001190012345"}]}  # fmt: skip
    await Store(engine, system("test")).commit([Update(patient)])
    control(issuer, who="gia")
    with pytest.raises(Unauthenticated):
        await come(relying, "vneid")
    control(issuer, who="hoa", acr="low")
    with pytest.raises(Unauthenticated):
        await come(relying, "vneid")
    control(issuer, who="hoa", acr="high")
    first = await come(relying, "vneid")
    assert (first.actor.role, first.actor.patient) == ("patient", "p-hoa")
    assert (await come(relying, "vneid")).actor.number == first.actor.number


async def test_staff_are_known_by_their_citizen_number_only_where_an_account_was_made_for_them(
    relying: Door, engine: Engine, issuer: str
) -> None:
    nurse = {"resourceType": "Practitioner", "id": "pr-tam", "birthDate": "1985-02-03", "name": [{"text": "Trần Thị Tâm"}],
             "identifier": [{"system": CITIZEN_ID, "value": "001185012345"}]}  # fmt: skip
    await Store(engine, system("test")).commit([Update(nurse)])
    control(issuer, who="tam", acr="high")
    with pytest.raises(Unauthenticated):
        await come(relying, "staffid")
    assert not await engine.db.fetchval("SELECT count(*) FROM account WHERE practitioner = 'pr-tam'"), "nobody becomes staff so"
    actor, _ = await signed_in(relying, "nurse", practitioner="pr-tam")
    control(issuer, who="tam", acr="low")
    with pytest.raises(Unauthenticated):
        await come(relying, "staffid")
    control(issuer, who="tam", acr="high")
    assert (await come(relying, "staffid")).actor.number == actor.number
    await engine.db.execute("UPDATE account SET disabled = now() WHERE number = $1", actor.number)
    with pytest.raises(Unauthenticated):
        await come(relying, "staffid")
    await engine.db.execute("UPDATE account SET disabled = NULL WHERE number = $1", actor.number)
    await Store(engine, system("test")).commit([Update({**nurse, "id": "pr-tam-2"})])
    await engine.db.execute("DELETE FROM identity WHERE provider = 'staffid'")
    with pytest.raises(Unauthenticated):
        await come(relying, "staffid")  # two people with one number: nobody


async def test_signing_out_here_ends_the_providers_own_session_and_comes_back(relying: Door, engine: Engine, issuer: str) -> None:
    control(issuer, who="minh")
    browser = httpx.AsyncClient()  # one browser for the provider's cookies
    here = relying.entry.browser(request())
    cookie = cookie_of(here.set_cookie or "")

    async def follow(where: str) -> tuple[str, list[str]]:
        """Through the provider's own pages until it leads back here; the paths on the way."""
        seen = []
        for _ in range(10):
            answer = await browser.get(where)
            seen.append(urlsplit(where).path)
            if answer.status_code == 200:  # it asks the person: yes
                action = re.search(r'action="([^"]+)"', answer.text)
                secret = re.search(r'name="xsrf" value="([^"]+)"', answer.text)
                assert action and secret, answer.text
                answer = await browser.post(action[1], data={"xsrf": secret[1], "logout": "yes"})
            assert answer.status_code in (302, 303), answer.text[:400]
            where = urljoin(where, answer.headers["location"])
            if where.startswith("http://testserver/"):
                return where, seen
        raise AssertionError(seen)

    async def comes() -> tuple[Any, list[str]]:
        known = relying.entry.browser(request(cookie=cookie))
        back, seen = await follow(await relying.entry.relying("city").begin(known.hash, BACK.format("city"), "/today", None))
        answer = {k: v[0] for k, v in parse_qs(urlsplit(back).query).items()}
        return (await relying.entry.provider(request(cookie=cookie), "city", answer, None))[0], seen

    signed, asked = await comes()
    assert any("/interaction/" in path for path in asked)
    _, asked = await comes()
    assert not any("/interaction/" in path for path in asked), "the provider still knows this browser"
    signed, _ = await comes()
    kept = await engine.db.fetchval("SELECT id_token FROM session WHERE provider = 'city' ORDER BY created DESC LIMIT 1")
    assert kept and b"eyJ" not in kept, "sealed"
    session = request(cookie=cookie_of(signed.set_cookie))
    removed, where = await relying.leave(session, "http://testserver/sign-in")
    assert "Max-Age=0" in removed and where is not None and where.startswith(issuer) and "id_token_hint=" in where
    with pytest.raises(Unauthenticated):
        await relying.actor(session)
    back, _ = await follow(where)
    assert back.startswith("http://testserver/sign-in")
    _, asked = await comes()
    assert any("/interaction/" in path for path in asked), "the provider asks again who this is"
    assert (await relying.leave(request(), "http://testserver/sign-in"))[1] is None, "nobody was signed in"
    _, own = await signed_in(relying)
    assert (await relying.leave(request(cookie=own), "http://testserver/sign-in"))[1] is None, "no provider began this one"
    await browser.aclose()


async def test_a_provider_that_is_away_keeps_nobody_signed_in(relying: Door, issuer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    control(issuer, who="minh")
    signed = await come(relying, "city")
    session = request(cookie=cookie_of(signed.set_cookie))

    async def away() -> dict[str, Any]:
        raise Unavailable("away")

    monkeypatch.setattr(relying.entry.relying("city"), "said", away)
    assert (await relying.leave(session, "http://testserver/sign-in"))[1] is None
    with pytest.raises(Unauthenticated):
        await relying.actor(session)


async def test_the_provider_ends_the_sessions_that_it_began(relying: Door, issuer: str) -> None:
    control(issuer, who="minh")
    signed = await come(relying, "city")
    here = request(cookie=cookie_of(signed.set_cookie))
    assert (await relying.actor(here)).method == "provider"
    token = httpx.get(f"{issuer}/test/logout", params={"sub": "minh"}).text
    await relying.entry.ended_there(request(), "city", token)  # another session of the provider's: this one goes on
    assert (await relying.actor(here)).method == "provider"
    with pytest.raises(Unauthenticated):
        await relying.entry.ended_there(request(), "city", token)  # used already
    with pytest.raises(Unauthenticated):
        await relying.entry.ended_there(request(), "city", token[:-6] + "abcdef")
    with pytest.raises(Unauthenticated):
        await relying.entry.ended_there(request(), "vneid", httpx.get(f"{issuer}/test/logout", params={"sub": "minh"}).text)
    newest = "SELECT sid FROM session WHERE provider = 'city' ORDER BY created DESC LIMIT 1"
    sid = await relying.engine.db.fetchval(newest)
    assert sid
    await relying.entry.ended_there(request(), "city", httpx.get(f"{issuer}/test/logout", params={"sub": "minh", "sid": sid}).text)
    with pytest.raises(Unauthenticated):
        await relying.actor(here)


async def test_a_name_is_the_same_whatever_its_accents_and_its_case() -> None:
    hoa = {"birthDate": "1990-05-17", "name": [{"family": "Nguyễn", "given": ["Thị", "Hoa"]}]}
    assert same(hoa, "NGUYEN THI HOA", "17/05/1990") and same(hoa, "Nguyễn  Thị Hoa", "19900517")
    assert not same(hoa, "Nguyễn Hoa", "1990-05-17") and not same(hoa, "Nguyễn Thị Hoa", "1990-05")


async def test_what_is_set_up_wrongly_is_said() -> None:
    good = {"name": "a", "title": "A", "issuer": "https://a.example", "client_id": "x"}
    assert read(json.dumps(good))[0].name == "a" and read("") == ()
    for bad in ({**good, "name": "A B"}, {**good, "match": "citizen"}, {**good, "issuer": "a"}, {**good, "more": 1}, [good, good]):
        with pytest.raises(Invalid, match="LONGBIEN_OIDC"):
            read(json.dumps(bad))
