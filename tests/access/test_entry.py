"""The ways in beside the password: codes, recovery, invitations, badges; who is locked out and who is not."""

from __future__ import annotations

import pyotp
import pytest
from at_the_door import CHEAP, PASSWORD, cookie_of, person, request, signed_in

from longbien.access import accounts, invitations, pins, totp
from longbien.access.accounts import NewAccount
from longbien.access.door import Door
from longbien.access.entry import Locked, NeedsCode, Unfinished
from longbien.access.own_account import Own
from longbien.access.settings import AccessSettings
from longbien.base.db import Database
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthenticated
from longbien.record.engine import Engine

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"
pytestmark = pytest.mark.asyncio(loop_scope="session")


def made(engine: Engine, **more: object) -> Door:
    return Door(engine, AccessSettings(**{**CHEAP.__dict__, "secret_key": KEY, **more}))  # type: ignore[arg-type]


def come(cookies: tuple[str, ...], **more: str) -> dict[str, object]:
    return request(method="POST", cookie="; ".join(cookie_of(c) for c in cookies), origin="http://testserver", **more)


async def with_app(door: Door, login: str) -> tuple[str, list[str]]:
    """(seed, recovery codes) of a new authenticator app."""
    signed = await door.sign_in(request(method="POST"), login, PASSWORD)
    mine = Own(door.entry, come(signed.cookies), signed.actor)
    await mine.offer_app()
    seed = (await mine.state())["offered"]
    return seed, await mine.confirm_app(pyotp.TOTP(seed).now())


async def test_a_password_then_a_code_and_each_opens_once(engine: Engine) -> None:
    door = made(engine)
    login = await person(door)
    seed, recovery = await with_app(door, login)
    assert len(set(recovery)) == totp.CODES
    with pytest.raises(NeedsCode) as more:
        await door.sign_in(request(method="POST"), login, PASSWORD)
    here = come(more.value.cookies)
    with pytest.raises(Unauthenticated):
        await door.entry.code(here, more.value.step, pyotp.TOTP(seed).now())  # its time step was used when it was set up
    with pytest.raises(Unauthenticated):
        await door.entry.code(come(()), more.value.step, recovery[0])  # another browser
    signed = await door.entry.code(here, more.value.step, recovery[0])
    assert (signed.actor.method, signed.actor.factors) == ("password+recovery", 2)
    with pytest.raises(NeedsCode) as more:
        await door.sign_in(request(method="POST"), login, PASSWORD)
    with pytest.raises(Unauthenticated):
        await door.entry.code(come(more.value.cookies), more.value.step, recovery[0])
    kept = await engine.db.fetchval("SELECT string_agg(t::text, ' ') FROM totp t") + await engine.db.fetchval(
        "SELECT string_agg(t::text, ' ') FROM recovery_code t"
    )
    assert seed not in kept and recovery[1] not in kept


async def test_five_wrong_codes_end_the_step(engine: Engine) -> None:
    door = made(engine)
    login = await person(door)
    _, recovery = await with_app(door, login)
    with pytest.raises(NeedsCode) as more:
        await door.sign_in(request(method="POST"), login, PASSWORD)
    here = come(more.value.cookies)
    for _ in range(5):
        with pytest.raises((Unauthenticated, TooMany)):
            await door.entry.code(here, more.value.step, "000000")
    with pytest.raises((Unauthenticated, TooMany)):
        await door.entry.code(here, more.value.step, recovery[0])


async def test_a_short_password_alone_opens_only_the_page_that_sets_up_more(engine: Engine) -> None:
    door = made(engine, password_length=40)
    signed = await door.sign_in(request(method="POST"), await person(door), PASSWORD)
    assert signed.actor.factors == 0
    with pytest.raises(Unfinished):
        await door.actor(come(signed.cookies))
    assert (await door.actor(come(signed.cookies), unfinished=True)).number == signed.actor.number
    mine = Own(door.entry, come(signed.cookies), signed.actor)
    with pytest.raises(Invalid):
        await mine.set_password("còn ngắn quá thôi")
    await mine.set_password("một câu thật dài để không ai đoán ra được bao giờ")
    assert (await door.actor(come(signed.cookies))).factors == 1


async def test_a_role_that_needs_two_factors_gets_no_further_with_one(engine: Engine) -> None:
    door = made(engine, second_factor_roles="it, records")
    assert (await door.sign_in(request(method="POST"), await person(door, "it"), PASSWORD)).actor.factors == 0
    assert (await door.sign_in(request(method="POST"), await person(door, "nurse"), PASSWORD)).actor.factors == 1


async def test_strangers_lock_nobody_out_where_they_came_in_from_before(engine: Engine) -> None:
    door = made(engine, free_tries_login=6)
    login = await person(door)
    signed = await door.sign_in(request(method="POST", address="10.1.1.1"), login, PASSWORD)
    with pytest.raises(TooMany):
        for n in range(40):
            with pytest.raises(Unauthenticated):
                await door.sign_in(request(method="POST", address=f"203.0.113.{n}"), login, "wrong wrong wrong")
    with pytest.raises(TooMany):
        await door.sign_in(request(method="POST", address="198.51.100.9"), login, PASSWORD)
    await door.sign_in(request(method="POST", address="10.1.1.1"), login, PASSWORD)  # the network
    await door.sign_in(come(signed.cookies, address="198.51.100.10"), login, PASSWORD)  # the browser
    with pytest.raises(TooMany):  # but who guesses from there waits as well
        for _ in range(9):
            with pytest.raises(Unauthenticated):
                await door.sign_in(come(signed.cookies), login, "wrong wrong wrong")


async def test_a_locked_screen_lets_nobody_through_until_its_owner_shows_themselves(engine: Engine) -> None:
    door = made(engine)
    signed = await door.sign_in(request(method="POST"), await person(door), PASSWORD)
    here = come(signed.cookies)
    await door.entry.lock(here)
    with pytest.raises(Locked):
        await door.actor(here)
    with pytest.raises(Unauthenticated):
        await door.entry.unlock(here, password="wrong wrong wrong")
    await door.entry.unlock(here, password=PASSWORD)
    assert (await door.actor(here)).number == signed.actor.number


async def test_a_badge_opens_only_a_known_computer_after_a_full_sign_in_and_five_wrong_pins_end_it(engine: Engine) -> None:
    door = made(engine)
    nurse = await door.sign_in(request(method="POST"), await person(door, "nurse"), PASSWORD)
    await pins.set_pin(engine.db, door.hasher, nurse.actor.number, "2580")
    await pins.add_badge(engine.db, door.entry.seal, nurse.actor.number, "04A1B2C3")
    with pytest.raises(Unauthenticated):
        await door.entry.badge(request(method="POST"), "04A1B2C3", "2580")  # a computer that nobody came in from
    assert (await door.entry.badge(come(nurse.cookies), "04A1B2C3", "2580")).actor.method == "badge+pin"
    await engine.db.execute("UPDATE account SET signed_in = now() - interval '1 day' WHERE number = $1", nurse.actor.number)
    with pytest.raises(Unauthenticated):
        await door.entry.badge(come(nurse.cookies), "04A1B2C3", "2580")
    await engine.db.execute("UPDATE account SET signed_in = now() WHERE number = $1", nurse.actor.number)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await door.entry.badge(come(nurse.cookies), "04A1B2C3", "1111")
    with pytest.raises(Unauthenticated):
        await door.entry.badge(come(nurse.cookies), "04A1B2C3", "2580")
    with pytest.raises(Conflict):
        await pins.add_badge(engine.db, door.entry.seal, nurse.actor.number, "04A1B2C3")


async def test_an_invitation_opens_once_and_only_for_the_own_facility(engine: Engine) -> None:
    door = made(engine)
    it, _ = await signed_in(door, "it")
    number, secret = await invitations.invite(
        engine, door.hasher, door.settings, it, NewAccount(f"new.{it.number}", "Người Mới", "nurse", organization="bv-sn")
    )
    assert await invitations.good(engine, secret)
    signed = await invitations.accept(door.entry, request(method="POST"), secret)
    assert (signed.actor.number, signed.actor.factors) == (number, 0)
    with pytest.raises(Unauthenticated):
        await invitations.accept(door.entry, request(method="POST"), secret)
    other, _ = await signed_in(door, "it", "bv-khac")
    with pytest.raises(NotFound):
        await invitations.link(engine, door.settings, other, number)
    doctor, _ = await signed_in(door)
    with pytest.raises(Forbidden):
        await invitations.link(engine, door.settings, doctor, number)


async def test_an_account_that_nobody_used_for_45_days_is_disabled(engine: Engine, record_urls: tuple[str, str]) -> None:
    door = made(engine)
    idle, cookie = await signed_in(door)
    await signed_in(door)
    owner = await Database.open(record_urls[0])
    long_ago = "UPDATE account SET created = now() - interval '50 days', signed_in = now() - interval '46 days' WHERE number = $1"
    await owner.execute(long_ago, idle.number)
    await owner.close()
    assert await accounts.disable_idle(engine, 0) == []
    assert await accounts.disable_idle(engine, 45) == [idle.number]
    with pytest.raises(Unauthenticated):
        await made(engine).actor(request(cookie=cookie))
    with pytest.raises(Unauthenticated):
        await door.sign_in(request(method="POST"), idle.login, PASSWORD)
    await accounts.enable(engine, None, idle.number)
    assert await accounts.disable_idle(engine, 45) == []  # it counts anew
    await door.sign_in(request(method="POST"), idle.login, PASSWORD)


async def test_the_demos_password_opens_no_account_that_is_none_of_the_demos(engine: Engine) -> None:
    door = made(engine)
    login = await person(door)
    with pytest.raises(Invalid):
        await accounts.create(engine, door.hasher, None, NewAccount("x.demo", "A B", "nurse"), "cau-long-bien-1902")
    await engine.db.execute(
        "UPDATE account SET password = $2 WHERE login = $1", login, await door.hasher.hash("cau-long-bien-1902")
    )
    with pytest.raises(Unauthenticated):
        await door.sign_in(request(method="POST"), login, "cau-long-bien-1902")
    await engine.db.execute("UPDATE account SET demo = true WHERE login = $1", login)
    await door.sign_in(request(method="POST"), login, "cau-long-bien-1902")
    with pytest.raises(Unauthenticated):
        await made(engine, demo=False).sign_in(request(method="POST"), login, "cau-long-bien-1902")
    with pytest.raises(Conflict):
        await accounts.ensure(engine, door.hasher, [], "cau-long-bien-1902")
