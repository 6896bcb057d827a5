"""The warrant for joining two records of one person and for taking that back: the only one by which what is written about a patient
is moved into another record. It sees every row of both (what is kept back from the actor moves along unseen), so the actor must be
able to open the record that stands, and the acts that use it show nothing of what they move."""

from __future__ import annotations

from dataclasses import replace

from longbien.base.errors import Forbidden, NotFound
from longbien.record.scope import Everything
from longbien.record.store import Store

from .actor import Actor
from .door import Door
from .roles import Permission


async def warrant(door: Door, actor: Actor, permission: Permission, patients: tuple[str, ...], reason: str) -> Store:
    """A store that may read and update every row, for the actor, with `reason` in the trail. patients: ids of the records that must
    be open to the actor. Raises Forbidden (not allowed to join), NotFound (a record is not open)."""
    if not actor.may(permission):
        raise Forbidden(f"{actor.name} may not join records.")
    for patient in patients:
        if await door.why(actor, patient) is None:
            raise NotFound("This record is not open to you.")
    own = door.scope(actor, reason=reason)
    whole = replace(own, rows=Everything(), reads=None, writes=None, creates=frozenset({"Provenance"}), updates=None,
                    deletes=frozenset(), gets=None, searches=None, versions=None)  # fmt: skip
    return Store(door.engine, whole)
