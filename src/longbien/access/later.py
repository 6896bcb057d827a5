"""The warrant of work that goes on after its request is answered (a bulk export): made anew each time the work goes on, of what the
asker may do now. It ends with their account, and with the token they came with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longbien.base.errors import Forbidden
from longbien.record.scope import Scope

from .door import Door


async def again(door: Door, said: Mapping[str, Any], reason: str) -> Scope:
    """`said`: what record.export.remembered kept of the asker's scope. Raises Forbidden."""
    actor = await door.again(int(said["actor"]), said["token"])
    if actor is None:
        raise Forbidden("The account or the token that asked for this has ended.")
    return door.scope(actor, said["purpose"] or None, reason=reason)
