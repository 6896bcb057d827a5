"""A stay ends; the board says what holds its bill; the cashier issues it with one press. Prices and revenue are looked at too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from looking import commit, looked_at
from playwright.sync_api import Page, expect

from longbien.base import clock
from longbien.billing.charges import reactions, tariff
from longbien.demo import prices
from longbien.fhir import systems as s
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.usefixtures("house")
NAMES = {"vi": "Trần Văn Bình", "en": "Lê Thị Sáng"}


def a_stay_that_ended(house: SimpleNamespace, id_: str, name: str, bed: str) -> None:
    now = clock.now()
    period = {"start": clock.instant(now - timedelta(days=2)), "end": clock.instant(now)}
    stay = {
        "resourceType": "Encounter", "id": f"{id_}-e", "status": "finished", "class": {"system": s.ACT_CODE, "code": "IMP"},
        "subject": {"reference": f"Patient/{id_}"}, "period": period, "serviceType": {"text": "Khoa Nội tim mạch"},
        "location": [{"location": {"reference": f"Location/{bed}", "display": bed}, "status": "completed", "period": period}],
        "serviceProvider": {"reference": "Organization/bv-sn", "display": "Bệnh viện Sông Nhị"},
    }  # fmt: skip
    person = {"resourceType": "Patient", "id": id_, "name": [{"text": name}], "gender": "male", "birthDate": "1951-05-06"}
    listed = [tariff.definition(p) for p in prices.prices() if p.kind == "service"]
    commit(house, person, stay, *listed)
    tariff.stale(house.engine)
    house.run(reactions.visit(Store(house.engine, system("story")), stay))


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_bill_is_issued_on_the_day_of_leaving(house: SimpleNamespace, enter: Callable[..., Page], lang: str) -> None:
    id_ = f"bill-{lang}"
    a_stay_that_ended(house, id_, NAMES[lang], "sn-tm-g38" if lang == "vi" else "sn-tm-g37")
    page = enter("tn.thao", lang)
    page.goto("/discharge-bills")
    row = page.locator("tr", has_text=NAMES[lang].split()[-1])
    expect(row).to_contain_text("Chưa phát hành hoá đơn" if lang == "vi" else "Bill not issued")
    looked_at(page, f"clock-{lang}")
    row.locator("a").first.click()
    expect(page.locator(".sums .pay").last).to_contain_text("540")
    page.locator(".bill-table a").first.click()
    expect(page.locator("tr.line").first).to_be_visible()
    looked_at(page, f"bill-{lang}")
    page.locator(".bill-sum form button").click()
    expect(page.locator(".bill-sum .code")).to_contain_text("SN-")
    looked_at(page, f"bill-issued-{lang}")
    page.goto("/discharge-bills")
    expect(row).to_contain_text("SN-")
    director = enter("gd.hung", lang)
    director.goto("/revenue")
    looked_at(director, f"revenue-{lang}")
    keeper = enter("it.khoa", lang)
    keeper.goto("/tariff?q=giường")
    looked_at(keeper, f"tariff-{lang}")
