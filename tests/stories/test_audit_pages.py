"""Whoever answers for a facility asks the trail, in the browser: who saw, whom one saw, what asks for a word; in both languages."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from longbien.access import anomalies
from longbien.access.accounts import NewAccount, create
from longbien.access.door import Door
from longbien.base import clock
from longbien.base.ids import patient_key
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.index import org_key
from longbien.record.scope import Scope

PICTURES = os.environ.get("LONGBIEN_PICTURES")


def picture(page: Page, name: str) -> None:
    """Kept where LONGBIEN_PICTURES says, to be looked at."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def clean(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


async def _prepare(engine: Engine) -> dict[str, Any]:
    """An officer at the doctor's facility, and a patient whom the doctor has nothing to do with, looked at today."""
    org = await engine.db.fetchval("SELECT organization FROM account WHERE login = 'bs.minh'")
    password = "cau-thep-bac-qua-song"
    if not await engine.db.fetchval("SELECT EXISTS (SELECT 1 FROM account WHERE login = 'tt.dung')"):
        await create(engine, Door(engine).hasher, None, NewAccount("tt.dung", "Lưu Bá Dũng", "security", None, org), password)
    minh = await engine.db.fetchrow("SELECT number FROM account WHERE login = 'bs.minh'")
    stranger = await engine.db.fetchrow(
        "SELECT h.id, h.pat FROM head h WHERE h.type = 103 "
        "AND NOT EXISTS (SELECT FROM care c WHERE c.pat = h.pat AND c.org = $1) ORDER BY h.rid LIMIT 1",
        org_key(org),
    )  # fmt: skip
    scope = Scope(minh["number"], "doctor", "TREAT", "", org=org_key(org), address="10.1.2.3")
    await engine.trail.write([trail.line(scope, "page", pat=stranger["pat"], type=103, n=12)])
    assert await anomalies.make(engine, clock.local(clock.now()).date())
    return {"patient": stranger["id"], "account": minh["number"]}


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_trail_answers_and_what_asks_for_a_word_is_answered(
    house: SimpleNamespace, enter: Callable[..., Page], lang: str
) -> None:
    known = house.run(_prepare(house.engine))
    page = enter("tt.dung", lang)
    page.goto("/audit")
    clean(page)
    page.goto(f"/audit?patient={known['patient']}")
    page.get_by_role("row").filter(has_text="10.1.2.3").first.wait_for()
    clean(page)
    picture(page, f"audit-patient-{lang}")
    with page.expect_download() as kept:
        page.get_by_role("link", name="Xuất thành bảng" if lang == "vi" else "Export as a table").click()
    rows = list(csv.DictReader(io.StringIO(Path(kept.value.path()).read_text("utf-8-sig"))))
    assert any(r["address"] == "10.1.2.3" and r["patient"] == known["patient"] for r in rows)
    page.goto(f"/audit?person={known['account']}&span=all")
    page.get_by_role("row").filter(has_text="10.1.2.3").first.wait_for()
    clean(page)
    picture(page, f"audit-person-{lang}")
    page.goto("/audit?of=person")
    clean(page)
    page.goto("/audit/anomalies?state=all")
    clean(page)
    picture(page, f"audit-anomalies-{lang}")
    entry = page.get_by_role("article").first
    entry.get_by_role("textbox").fill("Đã hỏi: hội chẩn qua điện thoại.")
    entry.get_by_role("button", name="Có lý do" if lang == "vi" else "There is a reason").click()
    page.goto("/audit/anomalies?state=explained")
    page.get_by_text("Đã hỏi: hội chẩn qua điện thoại.").first.wait_for()
    clean(page)
    picture(page, f"audit-explained-{lang}")


def test_asking_and_taking_away_are_lines_of_their_own(house: SimpleNamespace, enter: Callable[..., Page]) -> None:
    known = house.run(_prepare(house.engine))
    page = enter("tt.dung")
    answer = page.request.get(f"/audit/lines.csv?patient={known['patient']}")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/csv")

    async def kinds() -> set[str]:
        rows = await house.engine.db.fetch(
            "SELECT a.kind FROM audit a JOIN account c ON c.number = a.actor WHERE c.login = 'tt.dung' AND a.pat = $1",
            patient_key(known["patient"]),
        )
        return {trail.KINDS[r["kind"]] for r in rows}

    assert {"trail", "export"} <= house.run(kinds())
    assert page.request.get("/audit?patient=" + "x" * 100).status in (200, 400, 422)
    for bad in ("/audit?person=abc", "/audit?patient=a/b", "/audit/lines.csv"):
        assert 400 <= page.request.get(bad).status < 500, bad
    nurse = enter("dd.ha")
    for path in (f"/audit?patient={known['patient']}", "/audit/anomalies", f"/audit/lines.csv?patient={known['patient']}"):
        assert nurse.request.get(path).status == 403, path
