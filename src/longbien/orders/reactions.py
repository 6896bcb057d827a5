"""What the orders do when the record changed: the report closes the order, and so does a procedure that was done. Idempotent."""

from __future__ import annotations

from typing import Any

import msgspec

from ..base.errors import Gone, NotFound
from ..base.ids import FHIR_ID
from ..record.change import Update
from ..record.store import Store

Resource = dict[str, Any]
OVER = ("final", "amended", "corrected", "appended", "completed")
_decode = msgspec.json.Decoder().decode


async def close(store: Store, resource: Resource) -> None:
    """Complete the orders that a final report or a completed procedure answers. One that was revoked stays as it is."""
    if resource.get("status") not in OVER:
        return
    for ref in resource.get("basedOn") or ():
        type_, _, id_ = str(ref.get("reference") or "").partition("/")
        if type_ == "ServiceRequest" and FHIR_ID.match(id_):
            await _complete(store, id_)


async def _complete(store: Store, id_: str) -> None:
    try:
        stored = await store.read("ServiceRequest", id_)
    except (NotFound, Gone):
        return
    order: Resource = _decode(stored.body)
    if order.get("status") in ("active", "on-hold"):
        await store.commit([Update({**order, "status": "completed"}, if_match=stored.version)])
