"""The door: sessions, tokens, and what it refuses."""

from __future__ import annotations

import asyncio
import time

import pytest
from at_the_door import CHEAP, PASSWORD, cookie_of, person, request, signed_in

from longbien.access import accounts, sessions, tokens
from longbien.access.door import Door
from longbien.access.settings import AccessSettings
from longbien.base.errors import Forbidden, TooMany, Unauthenticated
from longbien.record.engine import Engine


async def test_a_password_opens_a_session_and_the_cookie_is_the_person(door: Door) -> None:
    actor, cookie = await signed_in(door)
    found = await door.actor(request(cookie=cookie))
    assert (found.number, found.role, found.organization, found.address) == (actor.number, "doctor", "bv-sn", "10.0.0.1")


async def test_nobody_comes_in_without_cookie_or_token(door: Door) -> None:
    for strange in (request(), request(cookie="longbien=" + "x" * 43), request(authorization="Bearer lb_nothing"),
                    request(authorization="Basic YTpi"), request(cookie="longbien=é")):  # fmt: skip
        with pytest.raises(Unauthenticated):
            await door.actor(strange)


async def test_the_cookie_is_http_only_lax_and_host_bound_over_https(door: Door) -> None:
    login = await person(door)
    plain = (await door.sign_in(request(method="POST"), login, PASSWORD)).set_cookie
    safe = (await door.sign_in(request(method="POST", scheme="https"), login, PASSWORD)).set_cookie
    assert plain.startswith("longbien=") and "HttpOnly" in plain and "SameSite=Lax" in plain and "Secure" not in plain
    assert safe.startswith("__Host-longbien=") and safe.endswith("; Secure") and "Path=/" in safe and "Domain" not in safe


async def test_signing_in_again_ends_the_older_session_of_the_browser(door: Door) -> None:
    login = await person(door)
    first = cookie_of((await door.sign_in(request(method="POST"), login, PASSWORD)).set_cookie)
    await door.actor(request(cookie=first))
    second = cookie_of((await door.sign_in(request(method="POST", cookie=first), login, PASSWORD)).set_cookie)
    assert first != second
    await door.actor(request(cookie=second))
    with pytest.raises(Unauthenticated):
        await door.actor(request(cookie=first))


async def test_signing_out_ends_the_session_at_once(door: Door) -> None:
    _, cookie = await signed_in(door)
    await door.actor(request(cookie=cookie))
    removed = await door.sign_out(request(method="POST", cookie=cookie))
    assert "Max-Age=0" in removed
    with pytest.raises(Unauthenticated):
        await door.actor(request(cookie=cookie))


async def test_the_database_holds_no_secret_that_opens_anything(door: Door, engine: Engine) -> None:
    _, cookie = await signed_in(door)
    secret = cookie.split("=")[1]
    token = await tokens.create_token(engine, "lis")
    for table in ("session", "api_token", "account", "audit"):
        text = await engine.db.fetchval(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")
        assert secret not in text and token not in text and PASSWORD not in text


async def test_a_session_ends_when_idle_and_at_its_absolute_end(engine: Engine) -> None:
    soon = Door(engine, AccessSettings(password_time=1, password_memory=64, idle_minutes=1.2 / 60))
    _, cookie = await signed_in(soon)
    await soon.actor(request(cookie=cookie))
    await asyncio.sleep(1.4)
    with pytest.raises(Unauthenticated):
        await soon.actor(request(cookie=cookie))
    short = Door(engine, AccessSettings(password_time=1, password_memory=64, session_hours=0.3 / 3600))
    _, cookie = await signed_in(short)
    await asyncio.sleep(1.2)
    with pytest.raises(Unauthenticated):
        await short.actor(request(cookie=cookie))


async def test_a_page_that_keeps_itself_up_to_date_does_not_keep_the_session_alive(door: Door, engine: Engine) -> None:
    actor, cookie = await signed_in(door)
    await engine.db.execute("UPDATE session SET seen = now() - interval '5 minutes' WHERE account = $1", actor.number)
    await door.actor(request(cookie=cookie), touch=False)
    idle = "SELECT now() - seen > interval '4 minutes' FROM session WHERE account = $1"
    assert await engine.db.fetchval(idle, actor.number)
    await door.actor(request(cookie=cookie))
    assert not await engine.db.fetchval(idle, actor.number)


async def test_what_is_taken_away_is_gone_in_every_process_within_a_second(door: Door, engine: Engine) -> None:
    other = Door(engine, CHEAP)  # stands for another process: it has its own memory
    token = await tokens.create_token(engine, "taken")
    actor, cookie = await signed_in(door)
    by_token, by_cookie = request(authorization=f"Bearer {token}"), request(cookie=cookie)
    machine = await other.actor(by_token)
    await other.actor(by_cookie)
    number = next(t["number"] for t in await tokens.tokens(engine.db) if t["name"] == "taken")
    await tokens.revoke(engine, number)
    await accounts.set_role(engine, None, actor.number, "cashier")
    started = time.monotonic()
    await asyncio.sleep(1.01)
    with pytest.raises(Unauthenticated):
        await other.actor(by_token)
    assert (await other.actor(by_cookie)).role == "cashier"
    await accounts.disable(engine, None, actor.number)
    await asyncio.sleep(1.01)
    with pytest.raises(Unauthenticated):
        await other.actor(by_cookie)
    assert machine.kind == "machine" and time.monotonic() - started < 10


async def test_the_hot_path_asks_the_database_once_a_second_at_most(door: Door, engine: Engine) -> None:
    token = await tokens.create_token(engine, "hot")
    asked = 0
    ask = door._by_token._ask

    async def counting(digest: bytes):  # type: ignore[no-untyped-def]
        nonlocal asked
        asked += 1
        return await ask(digest)

    door._by_token._ask = counting
    try:
        started = time.monotonic()
        for _ in range(20):
            await asyncio.gather(*(door.actor(request(authorization=f"Bearer {token}")) for _ in range(50)))
        assert asked <= 1 + int(time.monotonic() - started)
    finally:
        door._by_token._ask = ask


async def test_a_token_expires(door: Door, engine: Engine) -> None:
    token = await tokens.create_token(engine, "short", hours=0.2 / 3600)
    await asyncio.sleep(0.3)
    with pytest.raises(Unauthenticated):
        await door.actor(request(authorization=f"Bearer {token}"))


async def test_a_request_with_a_cookie_from_another_site_changes_nothing(door: Door) -> None:
    _, cookie = await signed_in(door)
    await door.actor(request(method="POST", cookie=cookie, origin="http://testserver"))
    await door.actor(request(method="POST", cookie=cookie, sec_fetch_site="same-origin"))
    csrf = door.csrf(request(cookie=cookie))
    await door.actor(request(method="PUT", cookie=cookie, x_csrf_token=csrf))
    for bad in (request(method="POST", cookie=cookie, origin="http://evil.example"),
                request(method="POST", cookie=cookie, origin="null"),
                request(method="DELETE", cookie=cookie, sec_fetch_site="cross-site"),
                request(method="POST", cookie=cookie, sec_fetch_site="same-site", x_csrf_token="guess"),
                request(method="POST", cookie=cookie),
                request(type="websocket", cookie=cookie, origin="http://evil.example"),
                request(type="websocket", cookie=cookie)):  # fmt: skip
        with pytest.raises(Forbidden):
            await door.actor(bad)


async def test_a_form_token_belongs_to_one_session(door: Door) -> None:
    _, mine = await signed_in(door)
    _, other = await signed_in(door)
    token = door.csrf(request(cookie=mine))
    door.check_csrf(request(cookie=mine), token)
    for given in ("", None, "é", token[:-1], door.csrf(request(cookie=other))):
        with pytest.raises(Forbidden):
            door.check_csrf(request(cookie=mine), given)
    with pytest.raises(Forbidden):
        door.check_csrf(request(), "")
    assert token not in mine


async def test_a_signing_in_form_from_another_site_is_refused(door: Door) -> None:
    login = await person(door)
    with pytest.raises(Forbidden):
        await door.sign_in(request(method="POST", origin="http://evil.example"), login, PASSWORD)


async def test_changing_a_password_ends_the_other_sessions(door: Door, engine: Engine) -> None:
    login = await person(door)
    one = cookie_of((await door.sign_in(request(method="POST"), login, PASSWORD)).set_cookie)
    two = cookie_of((await door.sign_in(request(method="POST"), login, PASSWORD)).set_cookie)
    here = request(method="POST", cookie=one, origin="http://testserver")
    with pytest.raises(Unauthenticated):
        await door.change_password(here, "not this one", "chuồn chuồn bay thấp")
    await door.change_password(here, PASSWORD, "chuồn chuồn bay thấp")
    await door.actor(request(cookie=one))
    with pytest.raises(Unauthenticated):
        await door.actor(request(cookie=two))
    with pytest.raises(Unauthenticated):
        await door.sign_in(request(method="POST"), login, PASSWORD)
    made = await door.sign_in(request(method="POST"), login, "chuồn chuồn bay thấp")
    assert len(await sessions.of(engine.db, made.actor, CHEAP)) == 2


async def test_unknown_and_wrong_get_the_same_words(door: Door) -> None:
    login = await person(door)
    said = set()
    for tried in (login, "nobody.here"):
        with pytest.raises(Unauthenticated) as refused:
            await door.sign_in(request(method="POST", address="10.0.0.9"), tried, "wrong wrong wrong")
        said.add(refused.value.text)
    assert said == {"Login or password is wrong. 4 tries left before a wait."}


async def test_wrong_passwords_make_one_wait_even_with_the_right_one(door: Door) -> None:
    login = await person(door)
    lefts = []
    for _ in range(5):
        with pytest.raises(Unauthenticated) as refused:
            await door.sign_in(request(method="POST", address="10.0.0.7"), login, "wrong wrong wrong")
        lefts.append(refused.value.text.split(". ")[1].split(" ")[0])
    assert lefts == ["4", "3", "2", "1", "The"]
    with pytest.raises(TooMany) as wait:
        await door.sign_in(request(method="POST", address="10.0.0.7"), login, PASSWORD)
    assert wait.value.retry_after == 1
    await door.sign_in(request(method="POST", address="10.0.0.8"), login, PASSWORD)  # elsewhere the owner still gets in
    await asyncio.sleep(1.05)
    await door.sign_in(request(method="POST", address="10.0.0.7"), login, PASSWORD)


async def test_many_guesses_at_once_gain_nothing(door: Door) -> None:
    login = await person(door)
    tries = [door.sign_in(request(method="POST", address="10.0.0.6"), login, f"guess number {n}") for n in range(40)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(a, Unauthenticated) for a in answers) <= 6
    assert all(isinstance(a, Unauthenticated | TooMany) for a in answers)


async def test_an_unknown_login_costs_the_same_time(engine: Engine) -> None:
    slow = Door(engine, AccessSettings(password_time=2, password_memory=16384))
    login = await person(slow)
    took: dict[str, list[float]] = {login: [], "nobody.at.all": []}
    for n in range(4):
        for tried, times in took.items():
            started = time.perf_counter()
            with pytest.raises(Unauthenticated):
                await slow.sign_in(request(method="POST", address=f"10.1.0.{n}"), tried, "wrong wrong wrong")
            times.append(time.perf_counter() - started)
    known, unknown = (min(t) for t in took.values())
    assert 0.4 < known / unknown < 2.5


async def test_hashing_does_not_hold_up_the_others(engine: Engine) -> None:
    slow = Door(engine, AccessSettings(password_time=3, password_memory=65536, password_at_once=1))
    login = await person(slow)
    waiting = asyncio.create_task(slow.sign_in(request(method="POST"), login, PASSWORD))
    turns = 0
    while not waiting.done():
        await asyncio.sleep(0.001)
        turns += 1
    await waiting
    assert turns > 10, "the loop stood still while the password was hashed"


async def test_forwarded_addresses_are_believed_from_trusted_proxies_only(engine: Engine) -> None:
    behind = Door(engine, AccessSettings(trusted_proxies="10.9.0.0/16"))
    token = await tokens.create_token(engine, "proxied")
    auth = f"Bearer {token}"
    through = request(address="10.9.0.1", authorization=auth, x_forwarded_for="6.6.6.6, 203.0.113.7, 10.9.3.3")
    assert (await behind.actor(through)).address == "203.0.113.7"
    forged = request(address="198.51.100.4", authorization=auth, x_forwarded_for="203.0.113.7")
    assert (await behind.actor(forged)).address == "198.51.100.4"
    nonsense = request(address="10.9.0.1", authorization=auth, x_forwarded_for="<script>")
    assert (await behind.actor(nonsense)).address == "10.9.0.1"
    login = await person(behind)
    over_https = request(method="POST", address="10.9.0.1", x_forwarded_proto="https")
    assert (await behind.sign_in(over_https, login, PASSWORD)).set_cookie.startswith("__Host-")


async def test_everything_at_the_door_leaves_a_line(door: Door, engine: Engine) -> None:
    before = await engine.db.fetchval("SELECT coalesce(max(seq), 0) FROM audit")
    actor, cookie = await signed_in(door)
    await door.sign_out(request(method="POST", cookie=cookie))
    with pytest.raises(Unauthenticated):
        await door.sign_in(request(method="POST", address="10.0.0.5"), actor.login, "wrong wrong wrong")
    with pytest.raises(Unauthenticated):
        await door.sign_in(request(method="POST", address="10.0.0.5"), "a password typed here", "x")
    for _ in range(30):
        with pytest.raises(Unauthenticated):
            await door.actor(request(address="10.0.0.4", authorization="Bearer lb_stolen"))
    await door.knocks.close()
    rows = await engine.db.fetch(
        "SELECT actor, outcome, n, addr, why FROM audit WHERE seq > $1 AND kind <> 15 ORDER BY seq", before
    )
    lines = [tuple(r.values()) for r in rows]
    assert (actor.number, 0, 1, "10.0.0.1", "password") in lines
    assert (actor.number, 0, 1, "10.0.0.1", "signed out") in lines
    assert (actor.number, 4, 1, "10.0.0.5", "wrong password") in lines
    assert (-1, 4, 1, "10.0.0.5", "unknown login") in lines
    stolen = [line for line in lines if line[4] == "unknown token"]
    assert sum(line[2] for line in stolen) == 30 and len(stolen) < 10
    assert not [line for line in lines if "typed here" in line[4]]
