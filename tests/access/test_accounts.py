"""Accounts, passwords, tokens' scopes, drafts, looks."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import pytest
from at_the_door import PASSWORD, person, request, signed_in

from longbien.access import accounts, drafts, looked, passwords, smart, tokens
from longbien.access.accounts import NewAccount
from longbien.access.door import Door
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from longbien.record.change import Create, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store


@dataclass
class Demo:
    login: str
    display: str
    role: str = "nurse"
    practitioner_id: str = "dd-ha"
    organization_id: str = "bv-sn"
    department_id: str = "sn-tm"
    patient_id: str = ""


async def test_the_demos_people_sign_in_and_a_second_run_changes_no_password(door: Door, engine: Engine) -> None:
    people = [Demo("dd.ha", "ĐD. Phạm Thu Hà"), Demo("dd.nga", "ĐD. Bùi Thị Nga")]
    assert await accounts.ensure(engine, door.hasher, people, "chào buổi sáng") == 2
    assert await accounts.ensure(engine, door.hasher, people, "chào buổi chiều") == 2
    made = await door.sign_in(request(method="POST"), " DD.HA ", "chào buổi sáng")
    assert (made.actor.practitioner, made.actor.organization, made.actor.department) == ("dd-ha", "bv-sn", "sn-tm")
    assert await accounts.ensure(engine, door.hasher, [], "chào buổi sáng") == 0


COMMON = [
    "short",
    "123456789",
    "1234567890",
    "0000000000",
    "password123",
    "Password2026!",
    "qwertyuiop",
    "matkhau123",
    "abababababab",
    "abcdefghij",
    "adminadmin",
    "bs.minh2026",
    "benhvien2026",
]


@pytest.mark.parametrize("bad", [*COMMON, "x" * 201, "đủ dài\0nhưng"])
def test_what_anybody_tries_first_is_no_password(bad: str) -> None:
    with pytest.raises(Invalid):
        passwords.check(bad, "bs.minh", "Lê Hoàng Minh")


@pytest.mark.parametrize("good", [PASSWORD, "correct horse battery", "sông Hồng mùa nước lên", "longbien-demo-2026", "xK9#mQ2$vL"])
def test_a_long_enough_phrase_is_a_password(good: str) -> None:
    passwords.check(good, "bs.minh", "Lê Hoàng Minh")


async def test_the_same_password_from_another_keyboard_opens(door: Door) -> None:
    login = await person(door)
    decomposed = unicodedata.normalize("NFD", PASSWORD)
    assert decomposed != PASSWORD
    await door.sign_in(request(method="POST"), login, decomposed)


async def test_only_those_who_manage_accounts_make_them(door: Door, engine: Engine) -> None:
    doctor, _ = await signed_in(door)
    it, _ = await signed_in(door, "it")
    new = NewAccount("new.person", "New Person", "nurse", organization="bv-sn")
    with pytest.raises(Forbidden):
        await accounts.create(engine, door.hasher, doctor, new, PASSWORD)
    number = await accounts.create(engine, door.hasher, it, new, PASSWORD)
    with pytest.raises(Conflict):
        await accounts.create(engine, door.hasher, it, new, PASSWORD)
    with pytest.raises(Forbidden):
        await accounts.disable(engine, doctor, number)
    await accounts.disable(engine, it, number)
    with pytest.raises(Unauthenticated):
        await door.sign_in(request(method="POST", address="10.2.0.1"), "new.person", PASSWORD)
    await accounts.enable(engine, it, number)
    await accounts.reset_password(engine, door.hasher, it, number, "một mật khẩu khác hẳn")
    await door.sign_in(request(method="POST", address="10.2.0.2"), "new.person", "một mật khẩu khác hẳn")
    for wrong in (("X y", "N", "nurse"), ("fine", "", "nurse"), ("fine", "N", "machine"), ("fine", "N", "god")):
        with pytest.raises(Invalid):
            await accounts.create(engine, door.hasher, it, NewAccount(*wrong))
    with pytest.raises(NotFound):
        await accounts.disable(engine, it, 2_000_000)


@pytest.mark.parametrize("bad", ["", "patient/*.rs", "openid", "system/*", "system/Patient.sr", "system/*.rs; DROP"])
def test_a_machine_has_system_scopes_only(bad: str) -> None:
    with pytest.raises(Invalid):
        smart.machine(bad)


async def test_a_token_may_what_its_scope_says(door: Door, engine: Engine) -> None:
    await Store(engine, system("x")).commit([Update({"resourceType": "Patient", "id": "tok"})])
    token = await tokens.create_token(engine, "Phòng xét nghiệm", "system/Patient.rs")
    store = await door.store(request(authorization=f"Bearer {token}"))
    await store.read("Patient", "tok")
    with pytest.raises(Forbidden):
        await store.read("Observation", "x")
    with pytest.raises(Forbidden):
        await store.commit([Create({"resourceType": "Patient"})])
    everything = await tokens.create_token(engine, "all", hours=1)
    full = await door.store(request(authorization=f"bearer {everything}"))
    assert full.scope.unlimited and full.scope.reads is None and full.scope.writes is None
    all_ = "system/*.*"
    for name, scope, hours in (("", all_, None), ("x" * 101, all_, None), ("a", "nonsense", None), ("a", all_, -1)):
        with pytest.raises(Invalid):
            await tokens.create_token(engine, name, scope, hours)


async def test_a_machine_has_no_password(door: Door, engine: Engine) -> None:
    await tokens.create_token(engine, "robot")
    with pytest.raises(Unauthenticated):
        await door.sign_in(request(method="POST", address="10.3.0.1"), "machine:robot", "")


async def test_a_draft_is_its_writers_alone(door: Door, engine: Engine) -> None:
    mine, _ = await signed_in(door)
    other, _ = await signed_in(door)
    await drafts.save(engine.db, mine, "p1", "note", '{"text": "đau ngực"}')
    await drafts.save(engine.db, mine, "p1", "note", '{"text": "đau ngực trái"}')
    found = await drafts.load(engine.db, mine, "p1", "note")
    assert found is not None and found[0] == '{"text": "đau ngực trái"}'
    assert await drafts.load(engine.db, other, "p1", "note") is None and await drafts.load(engine.db, mine, "p2", "note") is None
    assert [d["form"] for d in await drafts.listed(engine.db, mine, "p1")] == ["note"]
    for form, content in (("", "x"), ("note", "x" * 300_000), ("note", "\0"), ("n" * 201, "x")):
        with pytest.raises(Invalid):
            await drafts.save(engine.db, mine, "p1", form, content)
    await drafts.drop(engine.db, mine, "p1", "note")
    assert await drafts.load(engine.db, mine, "p1", "note") is None


async def test_looks_within_half_an_hour_are_one_visit(door: Door, engine: Engine) -> None:
    actor, _ = await signed_in(door)
    assert await looked.look(engine.db, actor, "p1") is None
    assert await looked.look(engine.db, actor, "p1") is None
    await engine.db.execute("UPDATE looked SET at = now() - interval '2 days' WHERE account = $1", actor.number)
    yesterday = await engine.db.fetchval("SELECT at FROM looked WHERE account = $1", actor.number)
    assert await looked.look(engine.db, actor, "p1") == yesterday
    assert await looked.look(engine.db, actor, "p1") == yesterday
