"""Claims of the demo city: every closed visit passes the tables, and record -> XML -> record keeps what is coded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from itertools import chain
from typing import Any

import pytest
import pytest_asyncio

from longbien.base import clock
from longbien.base.errors import NotFound
from longbien.billing.axis import Origin, facts, of_visit, resources
from longbien.billing.claims import compose
from longbien.billing.claims.compose.case import Case
from longbien.demo import catalogues, charging, facilities, orderables, population, prices
from longbien.fhir import systems as s
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.wire import claims_xml

pytestmark = pytest.mark.asyncio(loop_scope="session")
PEOPLE, SEED = 24, 20261123
MANNER = Manner(references="trust", checked=True, summarise=True)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cases(engine: Engine) -> AsyncIterator[list[Case]]:
    """Every closed visit of some people, read as claims are: all of their years charged, not only the last weeks."""
    store, today = Store(engine, system("test")), population.demo_day(clock.now())
    ground = chain(facilities.resources(), prices.resources(), catalogues.medications(), orderables.orderables())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charging, "BACK", timedelta(days=5000))
        lives = [population.person(i, SEED, today) for i in range(PEOPLE)]
        everything = [*ground, *chain.from_iterable([*life, *charging.charging(life, today)] for life in lives)]
    for n in range(0, len(everything), 500):
        await store.commit([Update(r) for r in everything[n : n + 500]], MANNER)
    closed = [str(r["id"]) for life in lives for r in life if r["resourceType"] == "Encounter" and r["status"] == "finished"]
    yield [await compose.case_of(store, i) for i in closed]


def day(case: Case) -> date:
    assert case.end is not None
    return clock.local(clock.now()).date()


async def test_every_claim_of_the_demo_city_passes_the_tables(cases: list[Case]) -> None:
    assert len(cases) > 200
    made = [(case, compose.rows(case)) for case in cases]
    wrong = [
        (case.id, f.table, f.field, f.text % f.values)
        for case, claim in made for f in claims_xml.check(claim, day(case)) if f.level == "stop"
    ]  # fmt: skip
    assert wrong == []
    have = {name for _, claim in made for name in claim}
    assert {"XML1", "XML2", "XML3", "XML4", "XML5", "XML8"} <= have


async def test_every_check_in_passes_its_table(cases: list[Case]) -> None:
    wrong = [f.text % f.values for c in cases for f in claims_xml.check(compose.check_in(c), day(c)) if f.level == "stop"]
    assert wrong == []


async def test_amounts_are_those_of_the_bill(cases: list[Case]) -> None:
    for case in cases:
        head = compose.rows(case)["XML1"][0]
        assert case.bill is not None and facts.exact(head["T_TONGCHI_BV"]) == facts.exact(case.bill.total)
        assert facts.exact(head["T_BHTT"]) == facts.exact(case.bill.insurer)


async def test_record_to_xml_to_record_keeps_every_coded_fact(cases: list[Case]) -> None:
    for case in cases:
        claim = compose.rows(case)
        back = claims_xml.read(claims_xml.write(claim, day(case))).claims[0]
        head = back["XML1"][0]
        made = [of_visit.person(head, "p", {}), *resources(back, Origin("bv", case.facility_code), "p")]
        assert facts.of_rows(claim) == facts.of_resources(made), case.id
        assert coded(case) <= received(made), (case.id, coded(case) - received(made))


def coded(case: Case) -> set[tuple[str, ...]]:
    """What the record itself holds in codes of this visit, before any claim was made of it."""
    found: set[tuple[str, ...]] = {("icd", c) for c in case.icd}
    found |= {("number", str(i["value"])) for i in case.patient["identifier"] if i["system"] in (s.CITIZEN_ID,)}
    found |= {("begin", f"{case.begin:%Y-%m-%dT%H:%M}"), ("end", f"{case.end:%Y-%m-%dT%H:%M}")}
    for o in case.all("Observation"):
        if any(c.get("code") == "laboratory" for x in o["category"] for c in x["coding"]):
            value = o["valueQuantity"]["value"] if "valueQuantity" in o else o.get("valueString")
            unit = (o.get("valueQuantity") or {}).get("unit") or ""
            code = next(c["code"] for c in o["code"]["coding"] if c["system"] == s.LAB)
            found.add(("lab", code, facts.exact(value) or str(value), str(unit)))
    for share in case.shares:
        found.add(("charged", share.line.code, facts.exact(share.line.quantity), facts.exact(share.total)))
    return found


def received(made: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    """The same of what was received."""
    out: set[tuple[str, ...]] = set()
    for f in facts.of_resources(made):
        if f[0] == "disease":
            out.add(("icd", f[1]))
        elif f[0] == "person":
            out.add(("number", f[4]))
        elif f[0] == "visit":
            out |= {("begin", f[2]), ("end", f[3])}
        elif f[0] == "index":
            out.add(("lab", f[1], f[2], f[3]))
        elif f[0] == "amount" and f[4] == "total":
            out.add(("charged", f[1], f[2], f[5]))
    return out


async def test_a_visit_that_nobody_has_is_not_there(engine: Engine) -> None:
    with pytest.raises(NotFound):
        await compose.claim(Store(engine, system("test")), "no-such-visit")
