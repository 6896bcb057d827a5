"""A hospital of the demo city with its rooms, and a clerk, a nurse, a doctor at their doors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest_asyncio

from longbien.access.actor import Actor
from longbien.access.door import Door
from longbien.app import guard
from longbien.demo import facilities
from longbien.reception import rooms
from longbien.reception.identity import identifier
from longbien.reception.shapes import Author
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

NUMBERS = {"tn.lan": 901, "tn.mai": 902, "dd.ha": 903, "bs.minh": 904, "hs.vinh": 905}


def member(login: str) -> Actor:
    """The account of somebody of the demo city, without a session."""
    a = next(x for x in facilities.accounts() if x.login == login)
    return Actor(NUMBERS[login], login, "person", a.display, a.role, a.practitioner_id, a.organization_id, a.department_id)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hospital(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    """engine, house (a store of the house itself), store(login), finding(login), who(login), place."""
    house = Store(engine, system("test"))
    manner = Manner(references="trust", checked=True, summarise=True)
    await house.commit([Update(r) for r in facilities.resources()], manner)
    guard(engine)
    door = Door(engine)

    def store(login: str = "tn.lan") -> Store:
        return Store(engine, door.scope(member(login), None, reason="test"))

    def who(login: str = "tn.lan") -> Author:
        a = member(login)
        return Author(a.practitioner or "", a.name, a.organization or "")

    place = await rooms.facility(store(), "bv-sn")
    yield SimpleNamespace(
        engine=engine,
        house=house,
        door=door,
        store=store,
        who=who,
        place=place,
        finding=lambda login="tn.lan": door.finding(member(login)),
    )
    await door.close()


def person(id_: str, name: str = "Nguyễn Thị Na", number: str = "", born: str = "1980-05-04", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Patient", "id": id_, "active": True, "name": [{"use": "official", "text": name}], "birthDate": born,
        "gender": "female", **more,
    }  # fmt: skip
    if number:
        made["identifier"] = [identifier("citizen", number)]
    return made
