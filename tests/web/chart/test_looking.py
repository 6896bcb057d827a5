"""Since you last looked: only where the news stands and somebody sees them does a look count."""

from __future__ import annotations

from two_stays import PATIENT, potassium

from hospital_app import Browser
from longbien.app import App
from longbien.base import clock
from longbien.record.change import Update
from longbien.record.store import Store

LATER = "UPDATE looked SET at = now() - interval '2 hours'"


async def test_a_section_leaves_the_news_new_and_the_overview_ends_them(house: App, browser: Browser, own: Store) -> None:
    client, db = await browser("doctor"), house.state.engine.db
    await client.get(f"/patients/{PATIENT}")  # seen once: what comes after it is news
    await db.execute(LATER)
    await own.commit([Update(potassium("k-new", clock.now(), 5.2))])
    for section in ("labs", "notes", "orders", "compare"):
        assert (await client.get(f"/patients/{PATIENT}/{section}")).status_code == 200
    at = await db.fetchval("SELECT max(at) FROM looked")
    assert (clock.now() - at).total_seconds() > 3600
    assert "Kali 5,2" in (await client.get(f"/patients/{PATIENT}")).text
    at = await db.fetchval("SELECT max(at) FROM looked")
    assert (clock.now() - at).total_seconds() < 60


async def test_a_page_that_renews_itself_behind_another_does_not_count(house: App, browser: Browser) -> None:
    client, db = await browser("nurse"), house.state.engine.db
    await client.get(f"/patients/{PATIENT}")
    await db.execute(LATER)
    before = await db.fetchval("SELECT max(at) FROM looked")
    behind = {"X-By-Itself": "1", "X-In-View": "0"}
    await client.get(f"/patients/{PATIENT}?part=1", headers=behind)
    assert await db.fetchval("SELECT max(at) FROM looked") == before
    await client.get(f"/patients/{PATIENT}?part=1", headers={**behind, "X-In-View": "1"})
    assert await db.fetchval("SELECT max(at) FROM looked") > before


async def test_what_was_opened_by_a_section_stands_among_the_lately_opened(house: App, browser: Browser) -> None:
    client = await browser("head")
    await client.get(f"/patients/{PATIENT}/labs")
    assert (
        await house.state.engine.db.fetchval(
            "SELECT count(*) FROM looked l JOIN account a ON a.number = l.account WHERE a.login LIKE 't.head.%'"
        )
        == 0
    )
    assert "Trần Văn" in (await client.get("/today")).text
