"""Finding people as people are found: words in any order, tones or none, slips, years, last digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from longbien.base.ids import patient_key
from longbien.record import people
from longbien.record.change import Create, Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.people import Nearby, find, last_seen, read, rebuild
from longbien.record.scope import Bind, RowSQL, Scope, system
from longbien.record.store import Store

TRUST = Manner(references="trust", checked=True)
EVERYBODY = system("test")


def person(id_: str, name: str, born: str, citizen: str, phone: str) -> dict[str, Any]:
    *given, last = name.split()[1:]
    return {
        "resourceType": "Patient", "id": id_, "birthDate": born,
        "name": [{"text": name, "family": name.split()[0], "given": [*given, last]}],
        "identifier": [{"system": "urn:citizen", "value": citizen}], "telecom": [{"system": "phone", "value": phone}],
    }  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def town(engine: Engine) -> None:
    listed = [
        person("thuy", "Nguyễn Thị Thúy", "1953-02-01", "001153000111", "+84 912 345 678"),
        person("thuy2", "Nguyễn Thị Thủy", "1953", "001153000222", "0987 000 222"),
        person("an", "Đặng Văn An", "1990-12-30", "001090000333", "0903333333"),
        person("an2", "Đặng Văn An", "1990-12-30", "001090000444", "0904444444"),
        person("long", "Lương Nguyễn Hoàng Long", "1971-03", "001071000555", "0905555555"),
    ]
    visit = {"resourceType": "Encounter", "id": "v", "status": "finished", "class": {"code": "AMB"},
             "period": {"start": "2026-02-03"},
             "subject": {"reference": "Patient/an"},
             "serviceProvider": {"reference": "Organization/tram", "display": "Trạm y tế"}}  # fmt: skip
    await Store(engine, EVERYBODY).commit([Create(r, id=r["id"]) for r in [*listed, visit]], TRUST)


async def ids(engine: Engine, text: str, scope: Scope = EVERYBODY) -> set[str]:
    found, _ = await find(engine, scope, read(text), Nearby())
    known = {r["rid"]: r["id"] for r in await engine.db.fetch("SELECT rid, id FROM head")}
    return {known[p.rid] for p in found}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("thuy nguyen thi 1953", {"thuy", "thuy2"}),
        ("thúy", {"thuy", "thuy2"}),
        ("NGUYỄN", {"thuy", "thuy2", "long"}),
        ("dang an", {"an", "an2"}),
        ("ng", {"thuy", "thuy2", "long"}),
        ("nguyen 1971", {"long"}),
        ("01/02/1953", {"thuy", "thuy2"}),
        ("thuy 02/02/1953", {"thuy2"}),
        ("15/03/1971", {"long"}),
        ("001153000111", {"thuy"}),
        ("000222", {"thuy2"}),
        ("0912345678", {"thuy"}),
        ("5678", {"thuy"}),
        ("+84 912 345 678", {"thuy"}),
        ("an 4444", {"an2"}),
        ("thuyy nguen", {"thuy", "thuy2"}),
        ("nobody", set()),
        ("%", set()),
        ("", set()),
    ],
)
async def test_people_are_found(engine: Engine, text: str, wanted: set[str]) -> None:
    assert await ids(engine, text) == wanted


async def test_just_these_tones_come_first(engine: Engine) -> None:
    found, more = await find(engine, EVERYBODY, read("thủy"))
    assert b"Th\xe1\xbb\xa7y" in found[0].body and not more


async def test_same_name_and_birth_date_are_marked(engine: Engine) -> None:
    found, _ = await find(engine, EVERYBODY, read("dang an"))
    assert all(p.twin for p in found)
    found, _ = await find(engine, EVERYBODY, read("thúy 1953"))
    assert not any(p.twin for p in found)


@dataclass(frozen=True)
class Only:
    pat: int

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"{row.pat} = {bind(self.pat)}"


async def test_the_scope_hides_people_and_their_visits(engine: Engine) -> None:
    scope = Scope(3, "clerk", "TREAT", "desk", Only(patient_key("an")), reads=None)
    assert await ids(engine, "dang an", scope) == {"an"}
    assert await ids(engine, "001090000444", scope) == set()
    seen = await last_seen(engine, scope, [patient_key("an"), patient_key("an2")])
    assert seen[patient_key("an")].where == "Trạm y tế" and seen[patient_key("an")].open
    assert seen[patient_key("an2")] == people.Seen(False, None, None)


async def test_the_read_model_follows_every_write_and_can_be_made_anew(engine: Engine) -> None:
    store = Store(engine, EVERYBODY)
    await store.commit([Create(person("new", "Vũ Thị Xuân", "2000-01-01", "001100000666", "0906666666"), id="new")], TRUST)
    assert await ids(engine, "xuân") == {"new"}
    await store.commit([Update(person("new", "Vũ Thị Hạ", "2000-01-01", "001100000777", "0906666666"))], TRUST)
    assert await ids(engine, "xuân") == set() and await ids(engine, "hạ vũ") == {"new"}
    assert await ids(engine, "001100000666") == set() and await ids(engine, "0777") == {"new"}
    before = (
        await engine.db.fetch("SELECT * FROM person ORDER BY rid"),
        await engine.db.fetch("SELECT * FROM person_number ORDER BY 2, 1"),
    )
    assert await rebuild(engine) == 6
    after = (
        await engine.db.fetch("SELECT * FROM person ORDER BY rid"),
        await engine.db.fetch("SELECT * FROM person_number ORDER BY 2, 1"),
    )
    assert before == after
    await store.commit([Delete("Patient", "new")], TRUST)
    assert await ids(engine, "hạ vũ") == set() and await ids(engine, "0777") == set()
