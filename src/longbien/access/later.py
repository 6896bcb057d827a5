"""The warrant of work that goes on after its request is answered (a bulk export): made anew each time the work goes on, of what the
asker was allowed then, and no longer once their account is disabled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longbien.base.db import Database
from longbien.base.errors import Forbidden
from longbien.record.scope import Everything, Scope


async def again(db: Database, said: Mapping[str, Any], reason: str) -> Scope:
    """A reading scope over every record, for whom it was given before (`said`: record.export.remembered). Raises Forbidden."""
    actor = int(said["actor"])
    disabled = await db.fetchval("SELECT disabled IS NOT NULL FROM account WHERE number = $1", actor) if actor else False
    if disabled is None or disabled:
        raise Forbidden("The account that asked for this is no longer there.")
    reads = None if said["reads"] is None else frozenset(said["reads"])
    return Scope(actor, said["label"], said["purpose"], reason, Everything(), said["org"], reads, frozenset(), said["address"])
