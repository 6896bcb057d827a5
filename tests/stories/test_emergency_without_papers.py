"""Somebody is brought in whom nobody knows: a record in seconds, care, a bed; then the chip ID says who it is, and there is a
record of that person already. The two become one, are taken apart after more was written, and become one again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from looking import coded, got, looked_at, of, order, scan, stocked, violations, vitals
from playwright.sync_api import Browser, Page, expect
from running import SEED, served

from longbien.base import clock
from longbien.demo import population
from longbien.fhir.systems import CITIZEN_ID, UNIDENTIFIED_NUMBER

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
UNKNOWN = "Chưa rõ danh tính"
SAID = {
    "vi": {"has": "đã mang số này", "along": "mang theo", "drug": "Natri clorid", "now": "cần ngay",
           "reason": "Căn cước gắn chip quét tại giường, ảnh đúng người"},
    "en": {"has": "has this number already", "along": "along", "drug": "Sodium chloride", "now": "needed now",
           "reason": "Chip ID scanned at the bed, the photo is his"},
}  # fmt: skip
BED = {"vi": "sn-cc-g01", "en": "sn-cc-g05"}


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    with served(record_urls[1], range(24)) as running:
        stocked(running)
        yield running


def known_men() -> list[dict[str, object]]:
    """Men of the demo city with a citizen's number, of about sixty, who lie in no bed today."""
    day = population.demo_day(clock.now())
    found = []
    for i in range(24):
        life = population.person(i, SEED, day)
        p = next(r for r in life if r["resourceType"] == "Patient")
        open_ = any(r["resourceType"] == "Encounter" and r["status"] != "finished" for r in life)
        if (
            p["gender"] == "male"
            and not open_
            and len(p["birthDate"]) == 10
            and any(i["system"] == CITIZEN_ID for i in p["identifier"])
        ):
            found.append(p)
    return sorted(found, key=lambda p: abs(int(p["birthDate"][:4]) - 1964))


def chip(patient: dict[str, object]) -> str:
    """What the QR of this person's chip ID says."""
    number = next(i["value"] for i in patient["identifier"] if i["system"] == CITIZEN_ID)  # type: ignore[attr-defined]
    born = "".join(reversed(str(patient["birthDate"]).split("-")))
    return f"{number}||{patient['name'][0]['text'].upper()}|{born}|Nam|Trúc Bạch, Ba Đình, Hà Nội|01012022"  # type: ignore[index]


def brought_in(clerk: Page) -> str:
    """From the desk to a visit in the emergency room, in seconds; the id of the new record."""
    clerk.goto("/reception")
    began = time.monotonic()
    clerk.locator('a[href$="kind=unidentified"]').click()
    clerk.fill("#name", "áo sơ mi xanh, sẹo ở cằm")
    clerk.fill("#age", "60")
    clerk.locator("label:has(input[name=sex][value=male])").click()
    clerk.fill("#reason", "Ngã xe máy, lơ mơ")
    clerk.locator("button[name=room]").click()
    clerk.wait_for_url("**/reception/patients/*")
    assert time.monotonic() - began < 8
    return clerk.url.split("/")[-1].partition("?")[0]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_nobody_knows_who_it_is_and_then_two_records_are_one(house: SimpleNamespace, enter: Enter, lang: str) -> None:
    said, known = SAID[lang], known_men()[0 if lang == "vi" else 1]
    stands = str(known["id"])
    clerk, nurse, doctor = enter("tn.lan", lang), enter("dd.hanh", lang), enter("bs.dung", lang)

    stranger = brought_in(clerk)
    looked_at(clerk, f"emergency-taken-in-{lang}")
    number = next(i["value"] for i in got(house, "Patient", stranger)["identifier"] if i["system"] == UNIDENTIFIED_NUMBER)

    # triage: the nurse measures; the warning score is there for everybody
    nurse.goto(f"/patients/{stranger}")
    expect(nurse.locator("#strip h1 b")).to_have_text(UNKNOWN)
    expect(nurse.locator("#strip")).to_contain_text(number)
    vitals(nurse, systolic="92", diastolic="55", pulse="124", temperature="36", breaths="24", spo2="93")

    # the doctor sees who waits, calls, orders a test and a drug
    doctor.goto("/clinic")
    row = doctor.locator(f"#worklist tr[data-href*='{stranger}']")
    expect(row).to_contain_text(UNKNOWN)
    looked_at(doctor, f"emergency-waits-{lang}")
    row.locator("form button").click()
    doctor.wait_for_selector("#visit[data-ready]")
    doctor.fill("#v-exam", "GCS 13, đồng tử đều, bụng chướng nhẹ.")
    doctor.locator("#v-exam").press("Escape")
    expect(doctor.locator("[data-saved-at]").first).to_contain_text(":")
    order(doctor, "cong thuc mau", "natri clorid 0,9")
    looked_at(doctor, f"emergency-ordered-{lang}")

    # a bed; what runs goes on there
    nurse.goto("/ward/admit")
    nurse.locator(f"#worklist tr[data-href*='{stranger}'] a.btn").first.click()
    nurse.locator(f"input[name=bed][value={BED[lang]}]").check()
    looked_at(nurse, f"emergency-admit-{lang}")
    nurse.locator("#go").click()
    nurse.wait_for_url("**/ward?**")
    card = nurse.locator(f"#bed-{BED[lang]}")
    expect(card).to_contain_text("NEWS")
    expect(card).to_contain_text("60")
    nurse.goto(f"/ward/mar?patient={stranger}")
    expect(nurse.locator(".mar")).to_contain_text(said["drug"])
    expect(nurse.locator(".mar")).to_contain_text(said["now"])
    looked_at(nurse, f"emergency-drugs-{lang}")

    # a colleague writes on while the clerk finds out who it is
    doctor.goto(f"/patients/{stranger}")
    doctor.keyboard.press("n")
    doctor.fill("#note-plan", "Chụp cắt lớp sọ não, hội chẩn ngoại.")
    expect(doctor.locator("#form-note [data-saved-at]")).to_contain_text(":")
    expect(doctor.locator(".chart[data-listening]")).to_be_attached()

    clerk.goto(f"/reception/patients/{stranger}")
    scan(clerk, "#scan", "rác|không phải thẻ")
    expect(clerk.locator(".field.wrong #scan")).to_be_visible()
    scan(clerk, "#scan", chip(known))
    expect(clerk.locator("main [role=alert]")).to_contain_text(said["has"])
    assert got(house, "Patient", stranger)["name"][0]["use"] == "anonymous"
    looked_at(clerk, f"emergency-known-{lang}")
    joined = join(clerk, stands, stranger, said["reason"], f"emergency-compare-{lang}")

    # the open chart goes to the record that stands, with what was being written
    doctor.wait_for_url(f"**/patients/{stands}*")
    expect(doctor.locator("#toast")).to_contain_text(said["along"])
    expect(doctor.locator("#note-plan")).to_have_value("Chụp cắt lớp sọ não, hội chẩn ngoại.")
    looked_at(doctor, f"emergency-one-record-{lang}")
    doctor.goto(f"/patients/{stranger}/orders")
    doctor.wait_for_url(f"**/patients/{stands}/orders*")
    expect(doctor.locator(".orders-table").first).to_contain_text(said["drug"])
    assert {"8867-4", "2708-6"} & coded(of(house, "Observation", stands)) and not of(house, "Observation", stranger)
    stay = next(e for e in of(house, "Encounter", stands) if e["status"] == "in-progress")
    assert stay["location"][-1]["location"]["reference"] == f"Location/{BED[lang]}"
    running = [m for m in of(house, "MedicationRequest", stands) if m["status"] == "active"]
    assert any("Natri clorid" in str(m["medicationCodeableConcept"]) for m in running)
    clerk.goto("/reception")
    scan(clerk, "#q", number)
    expect(clerk.locator("#desk")).to_contain_text(str(known["name"][0]["text"]).split()[-1])  # type: ignore[index]

    # more is written, then somebody doubts: taken apart, each row where it belongs
    nurse.goto(f"/patients/{stands}")
    vitals(nurse, pulse="108", spo2="96")
    clerk.goto(f"/reception/merges/{joined}")
    looked_at(clerk, f"emergency-take-apart-{lang}")
    for box in clerk.locator("input[name=along]").all():
        box.check()
    clerk.locator("main form button.danger").click()
    clerk.wait_for_url("**/reception/duplicates?done=undone")
    mine = of(house, "Observation", stranger)
    assert {x["valueQuantity"]["value"] for x in mine if "8867-4" in coded([x])} == {124, 108}
    assert not any(e["status"] == "in-progress" for e in of(house, "Encounter", stands))
    nurse.goto("/ward")
    expect(nurse.locator(f"#bed-{BED[lang]}")).to_contain_text(UNKNOWN)
    doctor.goto(f"/patients/{stands}")
    assert "Chụp cắt lớp" not in doctor.content()  # not a word of one in the other's

    # and once more, for good
    clerk.goto(f"/reception/duplicates/compare?one={stands}&other={stranger}")
    assert violations(clerk) == []
    join(clerk, stands, stranger, said["reason"])
    nurse.goto("/ward")
    expect(nurse.locator(f"#bed-{BED[lang]}")).to_contain_text(str(known["name"][0]["text"]).split()[-1])  # type: ignore[index]
    pulses = [x["valueQuantity"]["value"] for x in of(house, "Observation", stands) if "8867-4" in coded([x])]
    assert {124, 108} <= set(pulses)


def join(clerk: Page, stands: str, gone: str, reason: str, picture: str = "") -> str:
    """Two records made one on the page that compares them; the id of the joining."""
    if "compare" not in clerk.url:
        clerk.locator("a[href*='/duplicates/compare']").click()
    clerk.locator(f"input[name=stands][value='{stands}']").check()
    clerk.fill("#reason", reason)
    if picture:
        looked_at(clerk, picture)
    clerk.locator("form[action$='/join'] button").click()
    clerk.wait_for_url("**/reception/duplicates?done=joined")
    return str(clerk.locator("a[href*='/reception/merges/']").first.get_attribute("href")).rsplit("/", 1)[1]
