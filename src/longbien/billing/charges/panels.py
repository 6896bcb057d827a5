"""What billing's charges put on others' pages: the open bill at the foot of the chart's strip, and on the patient's own home."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from longbien.base.ids import key64, patient_key
from longbien.record.types import number
from longbien.web.desk import scoped
from longbien.web.page import Call

from . import bills, mine, shapes
from .permissions import BILL, ISSUE
from .reads import Q

ITEMS = {
    "order": "result", "unpriced": "price", "quantity": "quantity", "discharge": "discharge", "papers": "papers",
    "issue": "issue", "category": "category",
}  # fmt: skip


async def strip(call: Call, shell: Any) -> dict[str, Any] | None:
    """The bill of the stay that runs: how many charges, issued or not, what is asked for by the cashier. Counted by the index,
    so that the chart does not wait for it."""
    stay, scope = shell["chart"].stay, call.scope(shell["reason"])
    if stay is None or not call.actor.may(BILL) or not scope.may_read("ChargeItem"):
        return None
    term = key64(f"ChargeItem.context|Encounter/{stay.id}")
    sql, args = scoped(scope, Q.count, patient_key(shell["person"].id), term, number("ChargeItem"))
    charges = await call.engine.db.fetchval(sql, *args)
    issued = await call.engine.db.fetchrow(Q.bill_of, stay.id)
    asked = await call.engine.db.fetch(Q.nudged, stay.id)
    if not charges and not issued:
        return None
    bill = None
    if issued:
        bill = SimpleNamespace(number=issued["number"], paid=issued["status"] == "balanced", to_pay=issued["to_pay"])
    return {
        "charges": charges, "encounter": stay.id, "patient": shell["person"].id,
        "issued": bill,
        "asked": asked[0]["at"] if asked else None,
    }  # fmt: skip


async def me(call: Call, shell: Any) -> dict[str, Any] | None:
    """A patient's own home: the bill of the visit that runs, or of one that is not paid."""
    one = shell["whom"]
    listed = await mine.visits(one)
    for e in listed[:3]:
        found = await bills.opened(one.store, str(e["id"]))
        paid = found.invoice is not None and found.invoice.get("status") == "balanced" and not found.stale
        if found.bill.shares and not paid and (e.get("status") != "finished" or found.bill.to_pay > 0):
            return {
                "visit": mine.line(e, call), "to_pay": found.bill.to_pay, "total": found.bill.total,
                "issued": found.invoice is not None and not found.stale, "to": one.to,
                "number": shapes.bill_number(found.invoice) if found.invoice else "",
            }  # fmt: skip
    return None


async def found(call: Call, shell: Any) -> dict[str, Any] | None:
    """Beside a person that was searched for: the way to the bill, for who issues bills. A cashier has no chart to find it in."""
    return {"patient": shell["person"].id} if call.actor.may(ISSUE) else None
