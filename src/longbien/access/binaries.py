"""Files behind documents: a Binary is nobody's by its type, so no role reads one. A room that keeps files asks here for the same
person's scope over Binaries alone, and uses it only for what a DocumentReference names that the person's own scope has opened."""

from __future__ import annotations

from dataclasses import replace

from longbien.record.scope import Everything, Scope
from longbien.record.store import Store

BINARY = frozenset({"Binary"})


def binaries(scope: Scope) -> Scope:
    """The same actor, purpose and reason, for Binaries and nothing else; nothing is deleted with it."""
    return replace(
        scope, rows=Everything(), reads=BINARY, writes=BINARY, creates=BINARY, updates=BINARY, deletes=frozenset(), gets=BINARY,
        searches=frozenset(), withheld=None,
    )  # fmt: skip


def behind(store: Store) -> Store:
    """The Binaries behind what `store` shows."""
    return Store(store.engine, binaries(store.scope))
