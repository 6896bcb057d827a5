"""Somebody dies on the ward: the chain of causes, the notice, what is called off; the chart says so, and nothing new can be
ordered, not even by the colleague who was just about to sign."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from looking import commit, got, looked_at, of, order, scan, stocked
from playwright.sync_api import Browser, Page, expect
from running import SEED, served

from longbien.base import clock
from longbien.demo import population, slots
from longbien.fhir.systems import CITIZEN_ID

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
KHOA, YEN = slots.person("ward", 5), slots.person("ward", 6)
SAID = {
    "vi": {"dead": "đã tử vong", "gone": "đã mất"},
    "en": {"dead": "has died", "gone": "deceased"},
}


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    with served(record_urls[1], (KHOA, YEN, 0)) as running:
        stocked(running)
        yield running


def cause(page: Page, line: str, typed: str, code: str, n: str, unit: str) -> None:
    """One line of the chain: found while typing, chosen by Enter, and how long it had lasted."""
    box = page.locator(f"[name='cause.{line}']")
    box.fill("")
    box.press_sequentially(typed, delay=15)
    page.wait_for_selector(f"#cause-{line}-options li[data-code='{code}']")
    page.locator(f"#cause-{line}-options li[data-code='{code}']").dispatch_event("mousedown")
    page.fill(f"[name='cause.{line}.n']", n)
    page.select_option(f"[name='cause.{line}.unit']", unit)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_death_ends_what_runs_and_nothing_new_begins(house: SimpleNamespace, enter: Enter, lang: str) -> None:
    said = SAID[lang]
    who = population.who(KHOA if lang == "vi" else YEN, SEED, population.demo_day(clock.now()))
    patient, given = got(house, "Patient", who.id), who.name.split()[-1]
    stay = next(e for e in of(house, "Encounter", who.id) if e["class"]["code"] == "IMP" and e["status"] == "in-progress")
    bed = stay["location"][-1]["location"]["reference"].removeprefix("Location/")
    ahead = clock.instant(clock.now() + timedelta(days=90))
    later = {"resourceType": "Appointment", "id": f"later-{lang}", "status": "booked", "start": ahead, "end": ahead,
             "participant": [{"actor": {"reference": f"Patient/{who.id}"}, "status": "accepted"}]}  # fmt: skip
    commit(house, later)
    doctor, colleague = enter("bs.minh", lang), enter("bs.tuan", lang)

    # a colleague is about to order
    colleague.goto(f"/patients/{who.id}")
    order(colleague, "cong thuc mau")
    colleague.goto(f"/patients/{who.id}")
    colleague.keyboard.press("o")
    colleague.keyboard.type("paracetamol 500")
    colleague.wait_for_selector("#order-hits li")
    colleague.keyboard.press("Enter")
    expect(colleague.locator("#orders .draft")).to_have_count(1)

    doctor.goto(f"/patients/{who.id}")
    doctor.keyboard.press("d")
    doctor.wait_for_url("**/discharge")
    doctor.locator(f"a[href='/patients/{who.id}/death']").click()
    doctor.wait_for_url("**/death")
    looked_at(doctor, f"death-{lang}")
    doctor.locator("#finish").click()
    expect(doctor.locator("tr:has([name='cause.a']) .msg.crit")).to_be_visible()
    cause(doctor, "a", "ngung tim", "I46.9", "5", "minute")
    doctor.locator("#finish").click()
    expect(doctor.locator("[name=confirmed]")).to_be_visible()  # that tells how, not of what: asked back once
    looked_at(doctor, f"death-mode-{lang}")
    assert "deceasedDateTime" not in got(house, "Patient", who.id)
    cause(doctor, "a", "suy ho hap", "J96.0", "3", "hour")
    cause(doctor, "b", "viem phoi", "J18.9", "1", "hour")
    cause(doctor, "c", "phoi tac nghen", "J44.9", "8", "year")
    doctor.fill("#told", "Con gái, báo trực tiếp tại giường")
    doctor.locator("#finish").click()
    expect(doctor.locator("tr:has([name='cause.b']) .msg.crit")).to_be_visible()  # shorter than what it brought about
    doctor.fill("[name='cause.b.n']", "6")
    doctor.select_option("[name='cause.b.unit']", "day")
    looked_at(doctor, f"death-chain-{lang}")
    doctor.locator("#finish").click()
    doctor.wait_for_selector("#take-back")
    looked_at(doctor, f"death-recorded-{lang}")

    # what ran has ended, what lay ahead is called off; what was taken for the laboratory still comes
    assert "deceasedDateTime" in got(house, "Patient", who.id)
    assert got(house, "Encounter", stay["id"])["status"] == "finished"
    assert {m["status"] for m in of(house, "MedicationRequest", who.id)} <= {"stopped", "completed", "cancelled"}
    assert got(house, "Appointment", later["id"])["status"] == "cancelled"
    assert got(house, "Location", bed)["operationalStatus"]["code"] == "H"
    assert any(s["status"] == "active" for s in of(house, "ServiceRequest", who.id))
    causes = [o for o in of(house, "Observation", who.id) if "69453-9" in str(o["code"])]
    assert len(causes) == 3
    notice = next(c for c in of(house, "Composition", who.id) if "death" in str(c["type"]))
    pdf = doctor.request.get(f"/papers/{notice['id']}.pdf")
    assert pdf.status == 200 and pdf.body().startswith(b"%PDF")
    doctor.goto("/papers/to-sign")
    expect(doctor.locator("main tr", has_text=given).first).to_be_visible()

    # the chart says so to everybody; the box takes no order
    doctor.goto(f"/patients/{who.id}")
    expect(doctor.locator("#strip .who .badge")).to_contain_text(said["gone"])
    doctor.locator("#write a[data-panel=order]").click()
    expect(doctor.locator("#orders #dead")).to_contain_text(said["dead"])
    expect(doctor.locator("#order-q")).to_be_disabled()
    looked_at(doctor, f"death-chart-{lang}")
    before = len(of(house, "MedicationRequest", who.id))
    colleague.keyboard.press("Control+Enter")  # the page of before
    expect(colleague.locator("#orders #dead")).to_contain_text(said["dead"])
    looked_at(colleague, f"death-too-late-{lang}")
    assert len(of(house, "MedicationRequest", who.id)) == before
    nurse = enter("dd.ha", lang)
    nurse.goto("/ward")
    expect(nurse.locator(f"#bed-{bed}")).not_to_contain_text(given)
    nurse.goto(f"/patients/{who.id}/admit")
    nurse.locator(".pick:not(.against):not(.taken)").first.click()
    nurse.fill("#reason", "Nhầm người")
    nurse.locator("#go").click()
    expect(nurse.locator("main [role=alert]").first).to_contain_text(said["dead"])
    clerk = enter("tn.lan", lang)
    clerk.goto("/reception")
    scan(clerk, "#q", next(i["value"] for i in patient["identifier"] if i["system"] == CITIZEN_ID))
    expect(clerk.locator("#desk")).to_contain_text(said["gone"])
    if clerk.locator(".who-card").count() == 0:
        clerk.locator("form[data-choose] button").first.click()
    expect(clerk.locator(".who-card .badge.warn")).to_contain_text(said["gone"])
    assert clerk.locator("#receive").count() == 0
    looked_at(clerk, f"death-desk-{lang}")

    # it was the wrong patient: within a week all of it comes back
    doctor.goto(f"/patients/{who.id}/death")
    doctor.locator("#take-back").click()
    doctor.wait_for_load_state()
    assert "deceasedDateTime" not in got(house, "Patient", who.id)
    assert got(house, "Encounter", stay["id"])["status"] == "in-progress"
    assert any(m["status"] == "active" for m in of(house, "MedicationRequest", who.id))
    assert got(house, "Appointment", later["id"])["status"] == "booked"
