"""Events as their owner may see them now: every version goes through the owner's own scope, and leaves a line in the trail, each
time before it is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from longbien.access.actor import Actor
from longbien.access.door import Door
from longbien.base.errors import Forbidden, NotFound
from longbien.record.store import Store
from longbien.record.types import type_name

from .notice import About, Event
from .plan import Plan


class Sub(NamedTuple):
    """A row of table subscription."""

    rid: int
    id: str
    account: int
    token: int | None
    base: str
    plan: Plan
    headers: tuple[str, ...]
    status: str
    error: str | None
    greeted: bool
    ends: Any
    events: int
    told: int
    failures: int
    spoke: Any
    retry: Any

    @classmethod
    def of(cls, row: Any) -> Sub:
        fields = dict(row)
        return cls(**fields | {"plan": Plan.of_json(json.loads(fields["plan"])), "headers": tuple(fields["headers"])})

    @property
    def about(self) -> About:
        return About(self.id, self.plan.topic, self.status, self.base, self.events, self.error)


def store(door: Door, actor: Actor, sub: Sub, where: str) -> Store:
    """What the owner may see, with the reason that the trail is to give."""
    return Store(door.engine, door.scope(actor, reason=f"Subscription/{sub.id} told to {where}"[:300]))


async def events(of: Store, rows: Sequence[Any]) -> list[Event]:
    """Rows of subscription_event with what may be told of them."""
    return [await _event(of, row) for row in rows]


async def _event(of: Store, row: Any) -> Event:
    type_ = type_name(row["type"])
    hidden, body = False, b""
    try:
        if row["gone"]:
            found = (await of.history(type_, row["fid"], count=1, below=row["ver"] + 1)).versions
            hidden = not found or found[0].version != row["ver"]
        else:
            body = (await of.vread(type_, row["fid"], row["ver"])).body
    except (Forbidden, NotFound):
        hidden = True
    return Event(row["n"], row["at"], type_, row["fid"], row["ver"], row["gone"], hidden, body)
