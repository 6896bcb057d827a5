"""What codes are called: read from the record's own code systems, found by words, read again when they change."""

from __future__ import annotations

import pytest

from longbien.demo.catalogues import code_systems
from longbien.fhir import systems as s
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.web.chart.record import concept
from longbien.web.terms import Terms, find

ICD10 = {
    "resourceType": "CodeSystem",
    "id": "icd10-vn",
    "url": s.ICD10_VN,
    "version": "1",
    "status": "active",
    "content": "complete",
}


def concepts(*rows: tuple[str, str, str]) -> list[dict[str, object]]:
    return [{"code": c, "display": vi, "designation": [{"language": "en", "value": en}]} for c, vi, en in rows]


@pytest.mark.asyncio(loop_scope="session")
async def test_without_a_list_in_the_record_there_are_the_common_ones_and_it_is_known(engine: Engine) -> None:
    terms = await Terms().fresh(Store(engine, system("test")))
    assert not terms.whole and terms.find("tang huyet ap")[0].code == "I10"


@pytest.mark.asyncio(loop_scope="session")
async def test_the_records_own_list_is_read_and_read_again_when_it_changes(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longbien.web.terms.REFRESH", 0.0)
    store, terms = Store(engine, system("test")), Terms()
    await store.commit([Update({**ICD10, "concept": concepts(("Q99.8", "Bệnh thử nghiệm", "Test disease"))})])
    await terms.fresh(store)
    assert terms.whole and [t.code for t in terms.find("thu nghiem")] == ["Q99.8"]
    code = {"coding": [{"system": s.ICD10_VN, "code": "Q99.8", "display": "Bệnh thử nghiệm"}], "text": "Bệnh thử"}
    assert concept(code, terms.tongue("en")) == "Test disease" and concept(code, terms.tongue("vi")) == "Bệnh thử"
    await store.commit([Update({**ICD10, "concept": concepts(("Q99.9", "Bệnh khác hẳn", "Another"))})])
    await terms.fresh(store)
    assert terms.find("thu nghiem") == [] and terms.by_code["Q99.9"].en == "Another"


@pytest.mark.asyncio(loop_scope="session")
async def test_all_of_icd_10_is_found_by_vietnamese_words_quickly(engine: Engine) -> None:
    store = Store(engine, system("test"))
    whole = [Update(x) for x in code_systems() if x["url"] in (s.ICD10_VN, s.FLAG)]
    await store.commit(whole, Manner(references="trust", checked=True))
    terms = await Terms().fresh(Store(engine, system("test")))
    assert len(terms.icd10) > 11_000 and not any("-" in t.code for t in terms.icd10)
    assert "A00.0" in [t.code for t in terms.find("benh ta vibrio cholerae 01 cholerae")]  # nobody's favourite
    assert terms.find("suy tim")[0].common and terms.find("I50.1")[0].code == "I50.1"
    assert find(terms.icd10, "gãy cổ xương đùi")[0].code.startswith("S72")
    assert concept({"coding": [{"system": s.FLAG, "code": "fall-risk"}]}, terms.tongue("en")) == "High risk of falls"
