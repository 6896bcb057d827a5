"""The claims of the demo city's visits, made of their records: they validate against the field tables, sums and all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from longbien.base import clock
from longbien.billing.claims import keeping, making, reactions
from longbien.demo import facilities, population, prices
from longbien.demo.charging import charging
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.wire.claims_xml import read, write

PEOPLE, SEED = 24, 20261123


async def test_every_claim_of_the_city_validates(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LONGBIEN_DATA", str(tmp_path))
    house, manner = Store(engine, system("test")), Manner(references="trust", checked=True, summarise=True)
    await house.commit([Update(r) for r in [*facilities.resources(), *prices.resources()]], manner)
    day = population.demo_day(clock.now())
    for n in range(PEOPLE):
        life = population.person(n, SEED, day)
        await house.commit([Update(r) for r in [*life, *charging(life, day)]], manner)
    store = making.house(engine)
    visits = await reactions.missing(store, clock.now() - timedelta(days=60))
    charged, wrong = 0, []
    for visit in visits:
        kept, faults = await making.make(store, visit, reactions.composed)
        wrong += [(visit, f.table, f.row, f.field, f.text % f.values) for f in faults if f.level == "stop"]
        rows = await keeping.rows(kept.rows)
        charged += bool(rows.get("XML2") or rows.get("XML3"))
        assert read(write(rows, clock.local(clock.now()).date())).claims[0] == rows
    assert wrong == []
    assert len(visits) >= 3 and charged >= 1
