"""The last step of a destruction: what it takes away, what it leaves, and that it cannot happen early, in part, or by one person.

A hospital with a visit of 2010 (its term ended in 2020), another visit of the same patient, and another patient."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from house_of_papers import PLACE, opened, paper, stay
from starlette.applications import Starlette
from test_pages import Browser

from longbien.access import accounts
from longbien.access.accounts import NewAccount
from longbien.access.actor import Actor
from longbien.access.rights import belongings, destroying
from longbien.app import PAGES
from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Gone, Invalid, LongbienError
from longbien.base.ids import key64, new_id, patient_key
from longbien.fhir import json
from longbien.record import chain, trail
from longbien.record.change import Create, Manner, Update
from longbien.record.engine import Engine
from longbien.records import files, states
from longbien.web import routes

OLD, LATER, OTHER = "d-old", "d-later", "d-other"
END = "2010-03-04T10:00:00+07:00"
SECRET = "bí mật của lần khám cũ"
ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
LEAVES = ("str", "ix_date", "ix_qty", "code2", "care", "ref", "tie", "narrative", "content")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def h(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    hospital = await opened(engine)
    yield hospital
    await hospital.door.close()


async def officer(h: SimpleNamespace, role: str = "records") -> Actor:
    login = f"hs.{secrets.token_hex(4)}"
    await accounts.create(
        h.engine, h.door.hasher, None, NewAccount(login, f"Người {login}", role, None, "bv-sn"), "cau-thep-bac-qua-song"
    )
    row = await accounts.by_login(h.engine.db, login)
    return Actor(row["number"], login, "person", row["name"], role, None, "bv-sn", None)


def visit(id_: str, who: str, end: str = END) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "id": id_, "status": "finished", "subject": {"reference": f"Patient/{who}"},
        "serviceProvider": PLACE, "period": {"start": end, "end": end},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    }  # fmt: skip


def about(kind: str, id_: str, who: str, of: str, **more: Any) -> dict[str, Any]:
    named = {"subject": {"reference": f"Patient/{who}"}, "encounter": {"reference": f"Encounter/{of}"}}
    return {"resourceType": kind, "id": id_, **named, **more}


def measured(id_: str, who: str, of: str, text: str = SECRET) -> dict[str, Any]:
    return about("Observation", id_, who, of, status="final", code={"text": text}, valueString=text)


def sick(id_: str, who: str, of: str, *, listed: bool = False) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/condition-category"
    category = [{"coding": [{"system": system, "code": "problem-list-item" if listed else "encounter-diagnosis"}]}]
    status = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    return about("Condition", id_, who, of, code={"text": SECRET}, category=category, clinicalStatus=status)


async def a_record(h: SimpleNamespace, tag: str) -> SimpleNamespace:
    """A patient with an old visit that is full, a later one that names a diagnosis of it, and what belongs to neither."""
    who, old, later = f"p-{tag}", f"{OLD}-{tag}", f"{LATER}-{tag}"
    await h.write(
        {"resourceType": "Patient", "id": who, "name": [{"text": "Trần Thị Cũ"}], "birthDate": "1950-01-01"},
        visit(old, who), measured(f"o1-{tag}", who, old), measured(f"o2-{tag}", who, old),
        sick(f"c1-{tag}", who, old), sick(f"c2-{tag}", who, old, listed=True), sick(f"c3-{tag}", who, old),
        {**visit(later, who, clock.instant(clock.now())), "participant": stay("x")["participant"],
         "diagnosis": [{"condition": {"reference": f"Condition/c3-{tag}"}}]},
        measured(f"o3-{tag}", who, later, "kết quả mới"),
        {"resourceType": "AllergyIntolerance", "id": f"a-{tag}", "patient": {"reference": f"Patient/{who}"},
         "encounter": {"reference": f"Encounter/{old}"}, "code": {"text": "Penicillin"},
         "clinicalStatus": {"coding": [{"system": ALLERGY, "code": "active"}]}},
        {**paper(f"g-{tag}", "prescription", old, SECRET), "subject": {"reference": f"Patient/{who}"}},
    )  # fmt: skip
    await h.write(measured(f"o1-{tag}", who, old, f"{SECRET} sửa"))  # a second version
    shown = await h.desk("bs.minh").sign(f"g-{tag}", "doctor")
    return SimpleNamespace(who=who, old=old, later=later, tag=tag, document=shown.file.id, code=shown.file.code)


async def step(h: SimpleNamespace, one: SimpleNamespace, to: str) -> None:
    said = {
        "resourceType": "Provenance", "id": new_id(), "recorded": clock.instant(clock.now()), "agent": [{"who": {"display": "HS"}}],
        "target": [{"reference": f"Encounter/{one.old}"}, {"reference": f"Patient/{one.who}"}],
        "activity": {"coding": [{"system": states.STATES, "code": to}]}, "reason": [{"text": "hết việc"}],
    }  # fmt: skip
    await h.house.commit([Create(said, id=said["id"])], Manner(references="trust"))


async def archived(h: SimpleNamespace, one: SimpleNamespace) -> None:
    await step(h, one, "closed")
    await step(h, one, "archived")


def today() -> date:
    return clock.local(clock.now()).date()


async def agreed(h: SimpleNamespace) -> tuple[Actor, destroying.Minutes]:
    """Minutes of what is over now, with two signatures."""
    first, second = await officer(h), await officer(h)
    number = await destroying.propose(h.door, first, today())
    await destroying.sign(h.door, second, number)
    return second, next(m for m in await destroying.minutes(h.door, second) if m.number == number)


async def bodies(h: SimpleNamespace, text: str) -> int:
    """How many stored bodies, of all versions and of the files in them, say this."""
    found = 0
    for row in await h.engine.db.fetch("SELECT body FROM ver WHERE op <> 3"):
        body = await h.engine.unpack(row["body"])
        found += text.encode() in body or base64.b64encode(text.encode())[:-4] in body
    return found


async def rids(h: SimpleNamespace, *ids: str) -> list[int]:
    return [r["rid"] for r in await h.engine.db.fetch("SELECT rid FROM head WHERE id = ANY($1::text[])", list(ids))]


async def test_everything_of_the_record_goes_and_nothing_else(h: SimpleNamespace) -> None:
    one, same = await a_record(h, "whole"), await a_record(h, "spared")
    await archived(h, one)
    before = {r["rid"]: r["body"] for r in await h.engine.db.fetch("SELECT rid, ver, body FROM ver")}
    await h.engine.db.execute(
        "INSERT INTO draft (account, pat, form, content) SELECT number, $1, $2, $3 FROM account LIMIT 1",
        patient_key(one.who), f"visit.{one.old}", SECRET,
    )  # fmt: skip
    holder = await files.opened(h.house, one.document)
    first, second = await officer(h), await officer(h)
    over = [r for r, _ in await destroying.over(h.door, first, today()) if r.encounter == one.old]
    assert over
    number, words = await minutes_of(h, first, second, over)
    assert await destroying.carry_out(h.door, second, number, words, today()) != (0, 0)

    gone = [f"Observation/o1-{one.tag}", f"Observation/o2-{one.tag}", f"Condition/c1-{one.tag}", f"Composition/g-{one.tag}",
            f"DocumentReference/{one.document}", f"Binary/{holder.binary}", f"Encounter/{one.old}"]  # fmt: skip
    for name in gone:
        kind, _, id_ = name.partition("/")
        with pytest.raises(Gone):
            await h.house.read(kind, id_)
    stays = [f"Patient/{one.who}", f"Encounter/{one.later}", f"Observation/o3-{one.tag}", f"AllergyIntolerance/a-{one.tag}",
             f"Condition/c2-{one.tag}", f"Condition/c3-{one.tag}"]  # fmt: skip
    for name in stays:
        kind, _, id_ = name.partition("/")
        assert json.loads((await h.house.read(kind, id_)).body)["id"] == id_
    # every version, also the earlier ones
    first_version = json.loads((await h.house.vread("Observation", f"o1-{one.tag}", 1)).body)
    assert set(first_version) == {"resourceType", "id", "meta"} and first_version["meta"]["tag"][0]["code"] == "destroyed"
    # the other patient, with the same words, is as before
    kept = await rids(h, f"o1-{same.tag}", f"c1-{same.tag}", f"g-{same.tag}", same.old)
    now = {r["rid"]: r["body"] for r in await h.engine.db.fetch("SELECT rid, ver, body FROM ver")}
    assert all(before[r] == now[r] for r in kept)
    took = {r["rid"] for r in await h.engine.db.fetch("SELECT DISTINCT rid FROM ver_gone")}
    assert {r for r, b in now.items() if r in before and before[r] != b} == took
    rows = list(took)
    for table in LEAVES:
        assert await h.engine.db.fetchval(f"SELECT count(*) FROM {table} WHERE rid = ANY($1::bigint[])", rows) == 0, table
    assert await h.engine.db.fetchval("SELECT count(*) FROM draft WHERE form = $1", f"visit.{one.old}") == 0
    # nothing of it is found any more, and the trail and the chain of versions are whole
    page = await h.house.search("Observation", [("patient", f"Patient/{one.who}")])
    assert [e.id for e in page.matches] == [f"o3-{one.tag}"]
    await trail.catch_up(h.engine.db)
    await trail.seal_versions(h.engine.db)
    found = await chain.verify(h.engine.db)
    assert found.wrong == [] and found.gone > 5
    said = await h.engine.db.fetch("SELECT why FROM audit WHERE why LIKE $1 ORDER BY seq", f"destruction {number}%")
    assert [" begins" in r["why"] or "are gone" in r["why"] or "signed" in r["why"] for r in said] == [True] * len(said)
    # the code on the paper still tells what it told; nothing is added to a destroyed record
    assert await h.engine.db.fetchval("SELECT count(*) FROM paper_step WHERE code = $1", one.code) >= 2
    with pytest.raises(LongbienError, match="destroyed"):
        await h.house.commit([Update(measured("o9", one.who, one.old))], Manner(references="trust"))
    assert (await destroying.carry_out(h.door, second, number, words, today()))[1] == 0  # again: nothing


async def minutes_of(h: SimpleNamespace, first: Actor, second: Actor, records: list[destroying.Record]) -> tuple[int, str]:
    """Minutes of these alone, signed by two; as `propose` writes them of everything that is over."""
    real = destroying.over

    async def only(door: Any, actor: Any, day: date) -> Any:
        return [(r, k) for r, k in await real(door, actor, day) if r in records]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(destroying, "over", only)
        number = await destroying.propose(h.door, first, today())
    await destroying.sign(h.door, second, number)
    return number, next(m.words for m in await destroying.minutes(h.door, first) if m.number == number)


async def test_it_cannot_happen_early_nor_by_one_nor_unarchived_nor_with_wrong_words(h: SimpleNamespace) -> None:
    one = await a_record(h, "early")
    first, second = await officer(h), await officer(h)
    (record,) = [r for r, _ in await destroying.over(h.door, first, today()) if r.encounter == one.old]
    number, words = await minutes_of(h, first, second, [record])
    with pytest.raises(destroying.NotYet, match="archived"):
        await destroying.carry_out(h.door, first, number, words, today())
    await archived(h, one)
    for wrong in ("", "x", words.upper() + "1", f"{number}"):
        with pytest.raises(Invalid):
            await destroying.carry_out(h.door, first, number, wrong, today())
    with pytest.raises(destroying.NotYet, match="term"):
        await destroying.carry_out(h.door, first, number, words, date(2019, 1, 1))
    for role in ("doctor", "head", "it"):
        with pytest.raises(Forbidden):
            await destroying.carry_out(h.door, await officer(h, role), number, words, today())
    alone = await destroying.propose(h.door, first, today())
    lone = next(m for m in await destroying.minutes(h.door, first) if m.number == alone)
    with pytest.raises(Conflict, match="Two persons"):
        await destroying.carry_out(h.door, first, alone, lone.words, today())
    assert json.loads((await h.house.read("Observation", f"o2-{one.tag}")).body)["valueString"] == SECRET


async def test_a_restricted_record_is_not_destroyed(h: SimpleNamespace) -> None:
    one = await a_record(h, "held")
    await archived(h, one)
    first, second = await officer(h), await officer(h)
    (record,) = [r for r, _ in await destroying.over(h.door, first, today()) if r.encounter == one.old]
    number, words = await minutes_of(h, first, second, [record])
    await h.engine.db.execute(
        "INSERT INTO restriction (pat, patient, task, reason, made_by) VALUES ($1, $2, 't', 'người bệnh yêu cầu', 0)",
        patient_key(one.who), one.who,
    )  # fmt: skip
    with pytest.raises(destroying.NotYet, match="restricted"):
        await destroying.carry_out(h.door, first, number, words, today())
    with pytest.raises(Conflict):  # nor past the application's own look
        await belongings.take_away(h.engine, number, one.old, one.who)
    assert (await h.house.read("Encounter", one.old)).version >= 1
    assert await h.engine.db.fetchval("SELECT count(*) FROM ver_gone WHERE minutes = $1", number) == 0


DIRECT = "SELECT record_destroy($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"


async def test_the_database_refuses_by_itself_whatever_the_application_asks(h: SimpleNamespace) -> None:
    """The function is called past every check of the application."""
    one, stranger = await a_record(h, "direct"), await a_record(h, "stranger")
    first, second = await officer(h), await officer(h)
    records = [r for r, _ in await destroying.over(h.door, first, today()) if r.encounter == one.old]
    number, _ = await minutes_of(h, first, second, records)
    alone = await destroying.propose(h.door, first, today())

    async def asked(minutes: int, *, more: tuple[str, ...] = (), visit: str = one.old, fewer: int = 0) -> Any:
        async with h.engine.db.transaction() as connection:
            found = await belongings.gather(h.engine, connection, visit, one.who)
            rows = [*sorted(found.rows), *await rids(h, *more)]
            versions = await connection.fetch(belongings.Q.gone_versions, rows)
            versions = versions[: len(versions) - fewer]
            return await connection.fetchval(
                DIRECT, minutes, visit, belongings._type("Encounter"), key64(f"Encounter/{visit}"), patient_key(one.who),
                belongings._type("Binary"), belongings._type("Provenance"), rows, [v["rid"] for v in versions],
                [v["ver"] for v in versions], [b"x"] * len(versions),
            )  # fmt: skip

    with pytest.raises(Conflict):  # not archived
        await asked(number)
    await archived(h, one)
    for wrong in (
        asked(999_999),  # no such minutes
        asked(alone),  # one signature
        asked(number, visit=one.later),  # not in the minutes
        asked(number, more=(f"o1-{stranger.tag}",)),  # another patient's
        asked(number, more=(f"o3-{one.tag}",)),  # another visit's
        asked(number, more=(f"a-{one.tag}",)),  # what was not of it: an allergy names the visit, its parameter is none of these
        asked(number, fewer=1),  # a version too few
    ):
        try:
            done = await wrong
        except Conflict:
            continue
        pytest.fail(f"done: {done}")
    assert await bodies(h, SECRET) > 0
    assert await h.engine.db.fetchval("SELECT count(*) FROM ver_gone WHERE minutes = ANY($1::int[])", [number, alone]) == 0
    assert await asked(number) > 5  # asked rightly, it does what it is for
    with pytest.raises(LongbienError):
        await asked(number)  # once


async def test_the_log_lets_nobody_change_a_body_otherwise(h: SimpleNamespace, record_urls: tuple[str, str]) -> None:
    await a_record(h, "log")
    owner = await asyncpg.connect(record_urls[0])
    try:
        for sql in ("UPDATE ver SET body = 'x'", "UPDATE ver SET upd = now()", "DELETE FROM ver", "UPDATE ver_gone SET minutes = 1",
                    "DELETE FROM ver_gone"):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await owner.execute(sql)
    finally:
        await owner.close()
    for sql in ("INSERT INTO ver_gone (rid, ver, hash, minutes) VALUES (1, 1, 'x', 1)", "UPDATE ver SET body = 'x'"):
        with pytest.raises(Exception, match=r"permission|denied|may not"):
            await h.engine.db.execute(sql)


@pytest.mark.parametrize(("lang", "says"), [("vi", "Nhập mã in trên biên bản"), ("en", "Type the code")])
async def test_the_page_asks_for_the_code_of_the_printed_minutes(h: SimpleNamespace, lang: str, says: str) -> None:
    one = await a_record(h, f"page-{lang}")
    await archived(h, one)
    app = Starlette(routes=PAGES)
    app.state.door = h.door
    routes.set_up(app.state, demo=True)
    app.state.places = {}
    first, second = await officer(h), await officer(h)
    records = [r for r, _ in await destroying.over(h.door, first, today()) if r.encounter == one.old]
    number, words = await minutes_of(h, first, second, records)
    browser = await Browser(app).sign_in(second.login)
    page = await browser.get("/retention", lang)
    assert page.status_code == 200 and f"/retention/{number}/carry-out" in page.text
    wrong = await browser.post(f"/retention/{number}/carry-out", "/retention", lang=lang, words="x")
    assert wrong.status_code == 422 and says in wrong.text
    assert (await h.house.read("Encounter", one.old)).version == 1
    right = await browser.post(f"/retention/{number}/carry-out", "/retention", lang=lang, words=words)
    assert right.status_code == 303, right.text[:400]
    with pytest.raises(Gone):
        await h.house.read("Encounter", one.old)
    done = await browser.get(right.headers["location"], lang)
    assert done.status_code == 200 and f"/retention/{number}/carry-out" not in done.text
    printed = await browser.get(f"/retention/{number}.pdf")
    assert printed.content.startswith(b"%PDF")
