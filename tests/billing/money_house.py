"""A hospital of the demo city with its cashiers, for the tests of money: bills are written by the agreed shape (Invoice)."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest_asyncio

from longbien.access.accounts import NewAccount, create
from longbien.access.actor import Actor
from longbien.access.door import Door
from longbien.app import DEPARTMENTS
from longbien.base import clock, ids
from longbien.billing.charges.shapes import EXT_AMOUNTS
from longbien.billing.money import bills
from longbien.demo import facilities
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record.change import Create, Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

FACILITY = "bv-sn"
BIN, ACCOUNT = "970415", "113366668888"
_numbers = itertools.count(1)
PASSWORD = "mưa rào tháng bảy"


def cashiers() -> list[Any]:
    return [a for a in facilities.accounts() if a.role == "cashier" and a.organization_id == FACILITY][:2]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hospital(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    """engine, house (a store of the house itself), door, one and two: two cashiers (Actor), store(actor)."""
    house = Store(engine, system("test"))
    await house.commit([Update(r) for r in facilities.resources()], Manner(references="trust", checked=True, summarise=True))
    for department in DEPARTMENTS:
        engine.guards |= department.guards
    door = Door(engine)
    actors = []
    for a in cashiers():
        new = NewAccount(a.login, a.display, "cashier", a.practitioner_id, FACILITY, a.department_id)
        number = await create(engine, door.hasher, None, new, PASSWORD)
        actors.append(Actor(number, a.login, "person", a.display, "cashier", a.practitioner_id, FACILITY, a.department_id))
    await engine.db.execute(bills.Q.new_account, FACILITY, BIN, ACCOUNT, "BENH VIEN SONG NHUE")

    def store(actor: Actor) -> Store:
        return Store(engine, door.scope(actor, None, reason="test"))

    yield SimpleNamespace(engine=engine, house=house, door=door, one=actors[0], two=actors[1], store=store, db=engine.db)
    await door.close()


async def visit(house: Store, name: str = "Nguyễn Thị Na", **more: Any) -> tuple[str, str]:
    """(patient, encounter): somebody who was here today."""
    patient, encounter = ids.new_id(), ids.new_id()
    now = clock.instant(clock.now())
    await house.commit(
        [
            Create(
                {
                    "resourceType": "Patient",
                    "id": patient,
                    "active": True,
                    "name": [{"use": "official", "text": name}],
                    "birthDate": "1980-05-04",
                    "gender": "female",
                },
                id=patient,
            ),
            Create(
                {
                    "resourceType": "Encounter",
                    "id": encounter,
                    "status": "in-progress",
                    "class": {"system": s.ACT_CODE, "code": "AMB"},
                    "subject": {"reference": f"Patient/{patient}"},
                    "period": {"start": now},
                    "serviceProvider": {"reference": f"Organization/{FACILITY}"},
                    **more,
                },
                id=encounter,
            ),
        ]
    )
    return patient, encounter


def invoice(patient: str, encounter: str, amount: int, *, number: str = "", id_: str = "", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Invoice", "id": id_ or ids.new_id(), "status": "issued",
        "identifier": [{"system": bills.NUMBERS, "value": number or f"SN-TEST-{next(_numbers):05d}"}],
        "subject": {"reference": f"Patient/{patient}"}, "issuer": {"reference": f"Organization/{FACILITY}"},
        "date": clock.instant(clock.now()), "totalNet": {"value": amount, "currency": "VND"},
        "totalGross": {"value": amount, "currency": "VND"},
        "extension": [
            {"url": bills.EXT_ENCOUNTER, "valueReference": {"reference": f"Encounter/{encounter}"}},
            {"url": EXT_AMOUNTS, "extension": [{"url": "own", "valueMoney": {"value": amount, "currency": "VND"}}]},
        ],
        **more,
    }  # fmt: skip


async def billed(house: Store, amount: int, **more: Any) -> SimpleNamespace:
    """Somebody with a bill that was issued: patient, encounter, invoice, number, and the reference that is good for it."""
    patient, encounter = await visit(house)
    made = invoice(patient, encounter, amount, **more)
    await house.commit([Create(made, id=made["id"])])
    _, request = await bills.current(house.engine, made["id"])
    number = made["identifier"][0]["value"]
    return SimpleNamespace(patient=patient, encounter=encounter, invoice=made["id"], number=number, request=request, body=made)


async def status(house: Store, invoice_id: str) -> str:
    return str(json.loads((await house.read("Invoice", invoice_id)).body)["status"])
