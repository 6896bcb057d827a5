"""The card on a patient's own first page: bills that wait to be paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longbien.web.me.shell import Whom, found
from longbien.web.page import Call

from . import bills


async def to_pay(call: Call, shell: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """None where nothing waits."""
    one: Whom = shell["whom"]
    waiting = await found(one, "Invoice", ("status", "issued"), ("_count", "20"))
    known = [b for i in waiting if (b := await bills.one(call.engine.db, str(i["id"]))) and b.owed and b.ended is None]
    return {"bills": known, "to": one.to} if known else None
