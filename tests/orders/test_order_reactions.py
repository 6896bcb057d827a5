"""The report closes the order: after commit, once however often it is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from order_house import ADULT

from longbien.orders import reactions
from longbien.orders.department import ORDERS
from longbien.record.change import Create
from longbien.record.store import Store
from longbien.subscriptions.reactions import trigger

pytestmark = pytest.mark.asyncio(loop_scope="session")
WHO = {"reference": f"Patient/{ADULT}"}


async def order(own: Store, id_: str, status: str = "active") -> None:
    made = {
        "resourceType": "ServiceRequest",
        "id": id_,
        "status": status,
        "intent": "order",
        "subject": WHO,
        "code": {"text": "Kali"},
    }
    await own.commit([Create(made, id=id_)])


def report(status: str, *ids: str) -> dict[str, Any]:
    return {"resourceType": "DiagnosticReport", "status": status, "basedOn": [{"reference": f"ServiceRequest/{i}"} for i in ids]}


async def state(own: Store, id_: str) -> tuple[str, int]:
    stored = await own.read("ServiceRequest", id_)
    return json.loads(stored.body)["status"], stored.version


async def test_a_final_report_completes_its_orders_once(own: Store) -> None:
    await order(own, "yl-a")
    await order(own, "yl-b", "revoked")
    await reactions.close(own, report("preliminary", "yl-a"))
    assert await state(own, "yl-a") == ("active", 1)
    for _ in range(2):
        await reactions.close(own, report("final", "yl-a", "yl-b", "nobody"))
    assert await state(own, "yl-a") == ("completed", 2)
    assert await state(own, "yl-b") == ("revoked", 1)


async def test_the_card_names_searches_that_exist() -> None:
    for reaction in ORDERS.reactions:
        assert trigger(reaction.query)
