"""Keeping the price lists: what a spreadsheet would change, and writing it in one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from longbien.base.errors import Invalid
from longbien.record.change import Update
from longbien.record.store import Store
from longbien.record.types import number
from longbien.web.desk import scoped

from . import tariff, tariff_file
from .reads import Q, _decode
from .tariff import KINDS


async def known(store: Store) -> Collection[tuple[str, str]]:
    """(kind, code) of everything in the catalogue of what can be ordered, and of what has a price."""
    sql, args = scoped(store.scope, Q.definitions, number("ActivityDefinition"))
    rows = await store.engine.db.fetch(sql, *args)
    found = set((await tariff.fresh(store.engine, store.scope)).of)
    for body in await store.engine.unpack_all([r["body"] for r in rows]):
        for c in (_decode(body).get("code") or {}).get("coding") or ():
            if c.get("system") in KINDS:
                found.add((KINDS[c["system"]], str(c.get("code"))))
    return found


async def preview(store: Store, data: bytes, facility: str) -> tariff_file.Judged:
    """What a spreadsheet would do. Raises Invalid for one that cannot be read at all."""
    prices = await tariff.fresh(store.engine, store.scope)
    given = await asyncio.to_thread(tariff_file.rows, data)
    return tariff_file.judge(given, await known(store), prices, facility)


async def write(store: Store, judged: tariff_file.Judged) -> int:
    """Write what was judged to be right, all of it or nothing. Raises Invalid while there are faults."""
    if judged.faults:
        raise Invalid("The price list has faults: nothing was written.", code="business-rule", status=422)
    changes = [Update(tariff.definition(p)) for p in (*judged.shortened, *judged.prices)]
    if changes:
        await store.commit(changes)
        tariff.stale(store.engine)
    return len(judged.prices)
