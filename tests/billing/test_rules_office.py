"""The insurance's rules in the house: asked before signing, run over a visit that is over, settled by the office."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from charges_house import (
    ADULT,
    HOSPITAL,
    OTHER,
    cheap,
    client,
    house,
    order,
    own,
    report,
    visit,
)

from longbien.base import clock
from longbien.base.ids import key64
from longbien.base.words import words
from longbien.billing.rules import audit, told, work
from longbien.billing.rules.advice import insurance
from longbien.billing.rules.card import CARD
from longbien.fhir import systems as s
from longbien.record.change import Update
from longbien.record.store import Store
from longbien.subscriptions.reactions import trigger

pytestmark = pytest.mark.asyncio(loop_scope="session")
__all__ = ["cheap", "client", "house", "own"]
NOW = clock.now().replace(second=0, microsecond=0)
FACILITY = key64(f"Organization/{HOSPITAL}")
HOUR = timedelta(hours=1)


def drug(atc: str = "M01AX05", encounter: str = "", of: str = ADULT, id_: str = "draft", **more: Any) -> dict[str, Any]:
    out = {
        "resourceType": "MedicationRequest", "id": id_, "status": "active", "intent": "order",
        "subject": {"reference": f"Patient/{of}"},
        "authoredOn": clock.instant(NOW), "requester": {"reference": "Practitioner/nv-doctor"},
        "category": [{"coding": [{"system": s.MEDICATION_CATEGORY, "code": "community"}]}],
        "medicationCodeableConcept": {"coding": [{"system": s.ATC, "code": atc}], "text": f"Thuốc {atc}"}, **more,
    }  # fmt: skip
    return out | ({"encounter": {"reference": f"Encounter/{encounter}"}} if encounter else {})


def condition(id_: str, encounter: str, code: str, of: str = ADULT) -> dict[str, Any]:
    return {
        "resourceType": "Condition", "id": id_, "subject": {"reference": f"Patient/{of}"},
        "encounter": {"reference": f"Encounter/{encounter}"},
        "code": {"coding": [{"system": s.ICD10, "code": code}]},
    }  # fmt: skip


async def licence(own: Store) -> None:
    who = {"resourceType": "Practitioner", "id": "nv-doctor", "name": [{"text": "BS. An"}]}
    await own.commit([Update({**who, "identifier": [{"system": s.PRACTICE_LICENCE, "value": "000123/HNO-GPHN"}]})])


async def test_a_rule_speaks_before_signing_and_is_counted_once_a_day(own: Store) -> None:
    await licence(own)
    await own.commit([Update(visit("kb-1", ADULT, "AMB", NOW - HOUR)), Update(condition("cd-1", "kb-1", "I10"))])
    for _ in range(2):
        said = await insurance(own, ADULT, [drug("C08CA01"), drug()], words("vi"))
    assert [(v.level, v.about) for v in said] == [("stop", 1)]
    assert "M17" in said[0].reason and said[0].source.startswith("IND-01")
    assert "knee" in (await insurance(own, ADULT, [drug()], words("en")))[0].reason
    assert (await told.rates(own.engine, FACILITY, NOW.date() - timedelta(days=1)))["IND-01"] == told.Rate(1, 0, 0)


async def test_a_reason_in_the_draft_is_enough(own: Store) -> None:
    knee = {"reasonCode": [{"coding": [{"system": s.ICD10, "code": "M17.1"}]}]}
    assert await insurance(own, ADULT, [drug(**knee)], words("vi")) == []


async def test_without_a_card_and_without_the_right_to_order_nothing_is_said(own: Store) -> None:
    assert await insurance(own, OTHER, [drug(of=OTHER)], words("vi")) == []
    nurse = Store(own.engine, replace(own.scope, creates=frozenset({"MedicationAdministration"})))
    assert await insurance(nurse, ADULT, [drug()], words("vi")) == []


async def test_a_test_ordered_lately_is_told(own: Store) -> None:
    old = order("yl-old", ADULT, "kb-1", s.LAB, "HBA1C", NOW - timedelta(days=20))
    await own.commit([Update(old)])
    again = order("draft", ADULT, "kb-1", s.LAB, "HBA1C", NOW)
    said = await insurance(own, ADULT, [again], words("vi"))
    assert [v.source[:6] for v in said] == ["DUP-01"]
    assert clock.local(NOW - timedelta(days=20)).strftime("%d/%m/%Y") in said[0].reason


async def test_an_order_of_ten_lines_is_judged_quickly(own: Store) -> None:
    drafts = [drug("C08CA01", "kb-1", id_=f"d{n}") for n in range(6)]
    drafts += [order(f"l{n}", ADULT, "kb-1", s.LAB, c, NOW) for n, c in enumerate(("CBC", "HBA1C", "LIPID", "CREA"))]
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        await insurance(own, ADULT, drafts, words("vi"))
        spent.append(time.perf_counter() - start)
    print(f"ten lines: {min(spent) * 1000:.1f} ms at best")
    assert min(spent) < 0.2


async def closed_visit(own: Store, id_: str, of: str = ADULT) -> dict[str, Any]:
    """A visit whose result came before its sample, with a drug against its indication and no main diagnosis."""
    made = visit(id_, of, "AMB", NOW - 3 * HOUR, end=NOW)
    asked = order(f"{id_}-yl", of, id_, s.LAB, "K", NOW - 2 * HOUR, "completed", requester={"reference": "Practitioner/nv-doctor"})
    tube = {
        "resourceType": "Specimen", "id": f"{id_}-mau", "subject": {"reference": f"Patient/{of}"},
        "request": [{"reference": f"ServiceRequest/{id_}-yl"}], "collection": {"collectedDateTime": clock.instant(NOW - HOUR)},
    }  # fmt: skip
    answer = report(f"{id_}-kq", asked, NOW - 2 * HOUR)
    given = drug(encounter=id_, id_=f"{id_}-th", authoredOn=clock.instant(NOW - HOUR))
    await own.commit([Update(x) for x in (made, asked, tube, answer, given, condition(f"{id_}-cd", id_, "I10"))])
    return made


async def open_of(own: Store, visit_: str) -> list[str]:
    items = await work.of_visit(own, ADULT, visit_)
    return sorted(work.rule_of(x) for x in items if x["status"] in work.OPEN)


async def test_a_visit_that_is_over_gives_work_once_and_what_is_mended_goes(own: Store) -> None:
    made = await closed_visit(own, "kb-2")
    hits = await audit(own, "kb-2")
    assert sorted(h.rule.code for h in hits) == ["DX-02", "IND-01", "SEQ-03"]
    for _ in range(2):
        await work.visit_over(own, made)
    assert await open_of(own, "kb-2") == ["DX-02", "IND-01", "SEQ-03"]
    whole = {**made, "diagnosis": [{"condition": {"reference": "Condition/kb-2-cd"}, "rank": 1}]}
    await own.commit([Update(whole)])
    assert await work.run(own, "kb-2") == 2
    assert await open_of(own, "kb-2") == ["IND-01", "SEQ-03"]


async def test_what_was_signed_all_the_same_is_counted_when_the_visit_is_over(own: Store) -> None:
    await own.commit([Update(visit("kb-3", OTHER, "AMB", NOW - HOUR))])
    await insurance(own, ADULT, [drug(encounter="kb-2"), drug("N06DX02", encounter="kb-2")], words("vi"))
    await work.visit_over(own, json.loads((await own.read("Encounter", "kb-2")).body))
    rates = await told.rates(own.engine, FACILITY, NOW.date() - timedelta(days=1))
    assert (rates["IND-02"].kept, rates["IND-02"].dropped, rates["IND-02"].percent) == (0, 1, 0)
    assert rates["IND-01"].kept == 1


async def test_a_visit_without_a_card_is_not_judged(own: Store) -> None:
    await own.commit([Update(visit("kb-4", OTHER, "AMB", NOW - 3 * HOUR, end=NOW))])
    assert await audit(own, "kb-4") == []


@pytest.mark.parametrize(
    ("lang", "rules", "checks"), [("vi", "Quy tắc bảo hiểm", "Kiểm tra BHYT"), ("en", "Rules of the insurance", "Insurance checks")]
)
async def test_the_office_sees_rules_and_findings(client: Any, lang: str, rules: str, checks: str) -> None:
    http = await client("insurance", lang)
    table = await http.get("/billing/rules")
    assert table.status_code == 200 and rules in table.text and "IND-01" in table.text and "%(" not in table.text
    listed = await http.get("/billing/findings")
    assert listed.status_code == 200 and checks in listed.text
    assert "Trần Thị" in listed.text and "SEQ-03" in listed.text
    assert "SEQ-03" not in (await http.get("/billing/findings?rule=IND-01")).text.split("</nav>")[-1]


async def test_a_finding_is_settled_with_words_once(client: Any, own: Store) -> None:
    http = await client("insurance")
    item = next(x for x in await work.of_visit(own, ADULT, "kb-2") if work.rule_of(x) == "SEQ-03")
    address = f"/billing/findings/{item['id']}"
    wordless = await http.post(address, data={"csrf": http.token, "act": "completed", "note": ""})
    assert wordless.status_code == 422 and "Hãy ghi ngắn gọn" in wordless.text
    done = await http.post(address, data={"csrf": http.token, "act": "rejected", "note": "Đồng hồ máy xét nghiệm chạy sai"})
    assert done.status_code == 303
    assert (await http.post(address, data={"csrf": http.token, "act": "completed", "note": "lần nữa"})).status_code == 422
    again = await http.post(address, data={"csrf": http.token, "act": "again"})
    assert again.status_code == 303
    assert await open_of(own, "kb-2") == ["IND-01"]
    assert (await http.post("/billing/findings/nobody", data={"csrf": http.token, "act": "again"})).status_code == 404


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_who_wrote_each_time_of_a_claim(client: Any, lang: str) -> None:
    http = await client("insurance", lang)
    answer = await http.get(f"/patients/{ADULT}/times/kb-2")
    assert answer.status_code == 200
    for field in ("XML1.NGAY_VAO", "XML1.NGAY_RA", "XML3.NGAY_YL", "XML3.NGAY_TH_YL", "XML3.NGAY_KQ", "XML2.NGAY_YL"):
        assert field in answer.text, field
    assert (await http.get(f"/patients/{OTHER}/times/kb-2")).status_code == 404
    assert (await http.get(f"/patients/{ADULT}/times/nobody")).status_code == 404


@pytest.mark.parametrize("role", ["cashier", "doctor", "director"])
async def test_nobody_else_comes_in(client: Any, role: str) -> None:
    http = await client(role)
    for address in ("/billing/rules", "/billing/findings", f"/patients/{ADULT}/times/kb-2"):
        assert (await http.get(address)).status_code in (403, 404)


async def test_the_card_names_searches_that_exist() -> None:
    for reaction in CARD.reactions:
        assert trigger(reaction.query)
