"""Two stays or visits side by side."""

from __future__ import annotations

import re

import pytest
from two_stays import PATIENT

from hospital_app import Browser

LINE = re.compile(r"<tr>(?:(?!</tr>).)*?</tr>", re.S)


def line(html: str, word: str) -> str:
    """The row of the table that speaks of `word`, without its tags."""
    found = next((m for m in LINE.findall(html) if word in m and "<th" in m), "")
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


async def test_without_a_word_the_last_stay_stands_beside_the_one_before_it(house: object, browser: Browser) -> None:
    page = (await (await browser()).get(f"/patients/{PATIENT}/compare")).text
    assert re.search(r'<option value="stay-old" selected>', page) and re.search(r'<option value="stay-now" selected>', page)
    assert line(page, "Viêm phổi") == "Viêm phổi – J18.9 chỉ lần sau"
    assert line(page, "Tăng huyết áp") == "Tăng huyết áp I10 I10 ="
    assert line(page, "Amlodipin") == "Amlodipin 5 mg 10 mg đổi liều"
    assert line(page, "Losartan") == "Losartan 50 mg – chỉ lần trước"
    assert line(page, "Kali") == "Kali mmol/L 4,1 lúc đầu 5,6, 2 trị số 3,1 −1,0"


async def test_any_two_can_be_chosen_and_the_earlier_stands_left(house: object, browser: Browser) -> None:
    page = (await (await browser(lang="en")).get(f"/patients/{PATIENT}/compare?left=stay-now&right=seen")).text
    left = page.index('id="compare-left"')
    assert page.index('value="seen" selected', left) < page.index('id="compare-right"')
    assert "Compare two visits or stays" in page and "Essential (primary) hypertension" in line(page, "Essential")


@pytest.mark.parametrize("query", ["left=nothing&right=nothing", "left=stay-old&right=stay-old", "left=%27&right=%00"])
async def test_what_is_no_visit_of_this_patient_counts_as_not_said(house: object, browser: Browser, query: str) -> None:
    answer = await (await browser()).get(f"/patients/{PATIENT}/compare?{query}")
    assert answer.status_code == 200 and answer.text.count(" selected>") == 2


async def test_where_there_is_one_visit_only_the_page_says_so(house: object, browser: Browser) -> None:
    page = (await (await browser()).get("/patients/nb-moi/compare")).text
    assert "Chưa có hai lần khám để so sánh." in page


async def test_it_is_one_act_away_from_the_overview(house: object, browser: Browser) -> None:
    page = (await (await browser()).get(f"/patients/{PATIENT}")).text
    assert f'href="/patients/{PATIENT}/compare" data-go="c"' in page


async def test_an_episode_that_is_read_leads_to_its_comparison_with_the_one_before(house: object, browser: Browser) -> None:
    client = await browser()
    page = (await client.get(f"/patients/{PATIENT}/read/Encounter/stay-now")).text
    assert f'href="/patients/{PATIENT}/compare?right=stay-now"' in page
    assert re.search(r'<option value="stay-old" selected>', (await client.get(f"/patients/{PATIENT}/compare?right=stay-now")).text)
