"""What the ward does when the record changed: an order to the nurses, whoever wrote it, becomes a task."""

from __future__ import annotations

from typing import Any

from longbien.base import clock
from longbien.base.errors import Conflict
from longbien.record.change import Create
from longbien.record.store import Store
from longbien.web.chart import record as r

from . import care
from .codes import NURSING_ORDER

QUERY = f"ServiceRequest?category={NURSING_ORDER}&status=active"


async def first_task(store: Store, order: dict[str, Any]) -> None:
    """The first task of a nursing order; those that follow come as it is done. Twice is once: the id is the order's."""
    stay, patient = r.reference_id(order.get("encounter")), r.reference_id(order.get("subject"))
    what = r.concept(order.get("code"))
    if not stay or not patient or not what or order.get("intent") not in ("order", "original-order"):
        return
    now = clock.now()
    by = order.get("requester") or {"display": "?"}
    id_ = care.first_id(str(order["id"]))
    made = care.task(what[:200], care.first_due(order, now), now, patient, stay, by, id_, str(order["id"]))
    try:
        await store.commit([Create(made, id=id_)])
    except Conflict:
        return
