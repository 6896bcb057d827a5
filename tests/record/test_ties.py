"""Who has to do with a patient by name: what each resource says, and that the table follows the record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from longbien.base.ids import patient_key
from longbien.record import reindex, ties
from longbien.record.change import Delete, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.search.params.dates import LATEST
from longbien.record.store import Store

CATEGORY = "http://snomed.info/sct"


def ref(text: str) -> dict[str, str]:
    return {"reference": text}


def ends(resource: dict[str, Any]) -> set[int]:
    return {t.who for t in ties.of(resource)}


def keys(*references: str) -> set[int]:
    return {ties.work(r.removeprefix("work/")) if r.startswith("work/") else ties.who(r) for r in references}


def test_a_stay_ties_its_people_its_places_and_its_facility() -> None:
    stay = {
        "resourceType": "Encounter", "id": "e", "status": "in-progress", "subject": ref("Patient/p"),
        "participant": [{"individual": ref("Practitioner/bs")}, {"individual": ref("PractitionerRole/vt")}, {"type": []}],
        "location": [{"location": ref("Location/g01")}, {"location": ref("Location/g02"), "period": {"start": "2026-03-02"}}],
        "serviceProvider": ref("Organization/bv"), "period": {"start": "2026-03-01"},
    }  # fmt: skip
    assert ends(stay) == keys("Practitioner/bs", "PractitionerRole/vt", "Location/g01", "Location/g02", "Organization/bv")
    spans = {t.who: (t.lo, t.hi) for t in ties.of(stay)}
    assert (
        spans[ties.who("Location/g02")][0] > spans[ties.who("Location/g01")][0] and spans[ties.who("Practitioner/bs")][1] == LATEST
    )
    assert ends({**stay, "status": "entered-in-error"}) == set() == ends({**stay, "status": "cancelled"})


@pytest.mark.parametrize(
    ("code", "works"),
    [("108252007", {"laboratory"}), ("363679005", {"imaging"}), ("387713003", set()), (None, {"laboratory", "imaging"})],
)
def test_an_order_waits_for_those_whose_work_it_is(code: str | None, works: set[str]) -> None:
    order: dict[str, Any] = {"resourceType": "ServiceRequest", "id": "o", "status": "active", "requester": ref("Practitioner/bs")}
    if code:
        order["category"] = [{"coding": [{"system": CATEGORY, "code": code}]}]
    assert ends(order) == keys("Practitioner/bs", *(f"work/{w}" for w in works))


def test_what_is_done_counts_for_a_month_and_what_goes_on_without_end() -> None:
    drug = {"resourceType": "MedicationRequest", "id": "m", "status": "active", "authoredOn": "2026-01-01T08:00:00+07:00"}
    ((_, lo, hi),) = ties.of(drug)
    assert (lo, hi) == (datetime(2026, 1, 1, 1, tzinfo=UTC), LATEST)
    ((_, lo, hi),) = ties.of({**drug, "status": "completed"})
    assert hi - lo == ties.LINGER
    ((_, lo, hi),) = ties.of({**drug, "status": "completed", "authoredOn": "9999-12-31"})
    assert hi <= LATEST


def test_junk_ties_nobody_and_breaks_nothing() -> None:
    elsewhere = [{"individual": ref("http://x/Practitioner/y")}]
    for value in (None, 1, "x", [], [None], [{"individual": "x"}], {"individual": {"reference": 7}}, elsewhere):
        assert ends({"resourceType": "Encounter", "id": "e", "participant": value, "period": value, "location": value}) == set()
    assert ends({"resourceType": "Observation", "id": "o", "performer": [ref("Practitioner/bs")]}) == set()


async def test_the_table_follows_the_record_and_a_pass_makes_the_same(engine: Engine) -> None:
    store = Store(engine, system("ties"))
    team = {"resourceType": "CareTeam", "id": "team", "status": "active", "subject": ref("Patient/tied"),
            "participant": [{"member": ref("Practitioner/a")}, {"member": ref("Practitioner/b")}]}  # fmt: skip
    await store.commit([Update({"resourceType": "Patient", "id": "tied"})])
    await store.commit([Update({"resourceType": "Practitioner", "id": x}) for x in "abc"] + [Update(team)])

    async def there() -> set[int]:
        return {r["who"] for r in await engine.db.fetch("SELECT who FROM tie WHERE pat = $1", patient_key("tied"))}

    assert await there() == keys("Practitioner/a", "Practitioner/b")
    await store.commit([Update({**team, "participant": [{"member": ref("Practitioner/c")}]})])
    assert await there() == keys("Practitioner/c")
    await engine.db.execute("DELETE FROM tie")
    await reindex.ask(engine, ["CareTeam"])
    while await reindex.step(engine):
        pass
    assert await there() == keys("Practitioner/c")
    await store.commit([Delete("CareTeam", "team")])
    assert await there() == set()
