"""$expand, $lookup, $validate-code, $subsumes and $translate, over the real application."""

from __future__ import annotations

import asyncio
import copy
import lzma
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
import pytest_asyncio

from longbien.access.tokens import create_token
from longbien.app import App, create_app
from longbien.demo import catalogues
from longbien.demo.starter import rows
from longbien.fhir import systems as s
from longbien.fhir.validate import validate

ICD = s.ICD10_VN
SHARED = Path(os.environ.get("LONGBIEN_SHARED") or Path(__file__).parents[2].parent / "shared")
GENDER = "http://hl7.org/fhir/administrative-gender"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """With the demo's catalogue of ICD-10 and laboratory tests, through the API."""
    for system in catalogues.code_systems():
        if system["url"] in (ICD, s.LAB):
            assert (await client.put(f"/fhir/CodeSystem/{system['id']}", json=system)).status_code == 201
    for value_set in catalogues.value_sets():
        if value_set["id"] in ("icd10-vn", "favourite-problems"):
            assert (await client.put(f"/fhir/ValueSet/{value_set['id']}", json=value_set)).status_code == 201
    return client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def second(app: App, record_urls: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Another worker on the same database."""
    made = create_app(record_urls[1])
    async with made.router.lifespan_context(made):
        headers = {"Authorization": f"Bearer {await create_token(made.state.engine, 'second worker')}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://two.test", headers=headers) as client:
            yield client


def sent(**given: Any) -> dict[str, Any]:
    """A Parameters resource: resources, Codings and CodeableConcepts by their shape, text as a string."""

    def one(name: str, value: Any) -> dict[str, Any]:
        if isinstance(value, bool):
            return {"name": name, "valueBoolean": value}
        if isinstance(value, int):
            return {"name": name, "valueInteger": value}
        if not isinstance(value, dict):
            return {"name": name, "valueString": value}
        kind = "resource" if "resourceType" in value else "valueCodeableConcept" if "coding" in value else "valueCoding"
        return {"name": name, kind: value}

    return {"resourceType": "Parameters", "parameter": [one(k.replace("__", "-"), v) for k, v in given.items()]}


async def expand(client: httpx.AsyncClient, query: str, **given: Any) -> dict[str, Any]:
    path = f"/fhir/ValueSet/{query}" if "$" in query else f"/fhir/ValueSet/$expand?{query}"
    answer = await (client.post(path, json=sent(**given)) if given else client.get(path))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert [i for i in validate(body) if i.severity == "error"] == []
    found: dict[str, Any] = body["expansion"]
    return found


async def codes(client: httpx.AsyncClient, query: str, **given: Any) -> list[str]:
    return [c["code"] for c in (await expand(client, query, **given)).get("contains", [])]


async def parameters(client: httpx.AsyncClient, path: str, **given: Any) -> dict[str, list[Any]]:
    answer = await (client.post(f"/fhir/{path}", json=sent(**given)) if given else client.get(f"/fhir/{path}"))
    assert answer.status_code == 200, answer.text
    found: dict[str, list[Any]] = {}
    for p in answer.json()["parameter"]:
        found.setdefault(p["name"], []).append(next(v for k, v in p.items() if k != "name"))
    return found


def small(url: str, version: str, *concepts: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "CodeSystem", "url": url, "version": version, "status": "active", "content": "complete",
            "name": "Small", "concept": [{"code": c, "display": f"{c} {version}"} for c in concepts], **more}  # fmt: skip


def all_of(url: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "ValueSet", "status": "active", "compose": {"include": [{"system": url, **more}]}}


# --- $expand


async def test_icd_is_found_by_words_without_tones(house: httpx.AsyncClient) -> None:
    by = f"url={quote(ICD)}?fhir_vs&count=10&filter="
    assert "E11" in await codes(house, by + quote("dai thao duong khong phu thuoc"))
    assert await codes(house, by + quote("đái tháo đường")) == await codes(house, by + quote("Đái Tháo Đường"))
    assert (await codes(house, by + "A00"))[0] == "A00"
    assert (await codes(house, by + "cholera"))[0] == "A00"
    first = (await expand(house, by + "A00.0&displayLanguage=en&includeDesignations=true"))["contains"][0]
    assert first["display"].startswith("Cholera due to")
    assert {d["language"] for d in first["designation"]} == {"en", "vi"}


async def test_a_value_set_by_id_by_url_and_sent_along(house: httpx.AsyncClient) -> None:
    by_id = await expand(house, "favourite-problems/$expand")
    by_url = await expand(house, f"url={s.BASE}/ValueSet/favourite-problems")
    assert by_id["contains"] == by_url["contains"]
    assert len(by_id["contains"]) == by_id["total"] > 50
    inline = all_of(ICD, filter=[{"property": "concept", "op": "is-a", "value": "A00"}])
    assert await codes(house, "$expand", valueSet=inline) == ["A00", "A00.0", "A00.1", "A00.9"]
    answer = await house.post("/fhir/ValueSet/$expand", json=inline)
    assert answer.json()["expansion"]["total"] == 4
    assert (await expand(house, f"url={quote(ICD)}?fhir_vs=isa/A00"))["total"] == 4


async def test_pages_join_to_the_whole_and_too_much_is_refused(house: httpx.AsyncClient) -> None:
    whole = await house.get(f"/fhir/ValueSet/icd10-vn/$expand?url={s.BASE}/ValueSet/icd10-vn")
    assert whole.status_code == 400  # both an instance and a url
    whole = await house.get("/fhir/ValueSet/icd10-vn/$expand")
    assert (whole.status_code, whole.json()["issue"][0]["code"]) == (422, "too-costly")
    total = (await expand(house, "icd10-vn/$expand?count=0"))["total"]
    assert total > 10_000
    found: list[str] = []
    for offset in range(0, total, 5000):
        found += await codes(house, f"icd10-vn/$expand?offset={offset}&count=5000")
    assert len(found) == len(set(found)) == total
    assert await codes(house, f"icd10-vn/$expand?offset={total}&count=10") == []


async def test_the_very_next_expansion_knows_what_was_written_on_any_worker(
    house: httpx.AsyncClient, second: httpx.AsyncClient
) -> None:
    url = "urn:test:fresh"
    made = (await house.post("/fhir/CodeSystem", json=small(url, "1", "a"))).json()
    for n in range(5):
        assert await codes(second, f"url={url}?fhir_vs") == [chr(97 + i) for i in range(n + 1)]
        assert await codes(house, f"url={url}?fhir_vs") == [chr(97 + i) for i in range(n + 1)]
        made = small(url, "1", *(chr(97 + i) for i in range(n + 2))) | {"id": made["id"]}
        assert (await house.put(f"/fhir/CodeSystem/{made['id']}", json=made)).status_code == 200
    assert (await house.delete(f"/fhir/CodeSystem/{made['id']}")).status_code in (200, 204)
    assert (await second.get(f"/fhir/ValueSet/$expand?url={url}?fhir_vs")).status_code == 422


async def test_many_who_ask_at_once_for_what_was_just_written(house: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
    url = "urn:test:many"
    large = small(url, "1", *(f"C{n}" for n in range(8000)))
    assert (await house.post("/fhir/CodeSystem", json=large)).status_code == 201
    asked = [codes(c, f"url={url}?fhir_vs&count=2&filter=C79") for c in (house, second) * 10]
    assert {tuple(found) for found in await asyncio.gather(*asked)} == {("C79", "C790")}


async def test_versions_stand_side_by_side(house: httpx.AsyncClient) -> None:
    url = "urn:test:versions"
    for version in ("2.10", "2.9"):
        await house.post("/fhir/CodeSystem", json=small(url, version, "x", f"only-{version}"))
    await house.post("/fhir/CodeSystem", json=small(url, "3.0", "x", "draft", status="draft"))
    assert await codes(house, f"url={url}?fhir_vs") == ["x", "only-2.10"]
    assert await codes(house, f"url={url}?fhir_vs|2.9") == ["x", "only-2.9"]
    assert await codes(house, f"url={url}?fhir_vs&system-version={url}|2.9") == ["x", "only-2.9"]
    assert await codes(house, f"url={url}?fhir_vs|2.9&force-system-version={url}|3.0") == ["x", "draft"]
    refused = await house.get(f"/fhir/ValueSet/$expand?url={url}?fhir_vs|2.9&check-system-version={url}|3.0")
    assert refused.status_code == 422
    assert (await parameters(house, f"CodeSystem/$lookup?system={url}&version=2.9&code=x"))["display"] == ["x 2.9"]
    assert (await house.get(f"/fhir/CodeSystem/$lookup?system={url}&version=7&code=x")).status_code == 404


async def test_a_fragment_is_honest(house: httpx.AsyncClient) -> None:
    url = "urn:test:part"
    await house.post("/fhir/CodeSystem", json=small(url, "1", "known", content="fragment"))
    found = await expand(house, f"url={url}?fhir_vs")
    assert {"name": "fragment", "valueUri": f"{url}|1"} in found["parameter"]
    for path in (
        f"CodeSystem/$validate-code?url={url}&code=other",
        f"ValueSet/$validate-code?url={url}?fhir_vs&system={url}&code=other",
    ):
        said = await parameters(house, path)
        assert said["result"] == [True]
        assert "part" in said["message"][0]
    missing = await house.get(f"/fhir/CodeSystem/$lookup?system={url}&code=other")
    assert missing.status_code == 404
    assert "may be a code of it" in missing.text
    said = await parameters(house, "CodeSystem/$validate-code?url=http://snomed.info/sct&code=1")
    assert said["result"] == [False]
    assert "not known" in said["message"][0]


async def test_supplements_are_refused(house: httpx.AsyncClient) -> None:
    url = "urn:test:supplement"
    extra = small(url, "1", "male", content="supplement", supplements=GENDER)
    assert (await house.post("/fhir/CodeSystem", json=extra)).status_code == 201
    for path in (f"CodeSystem/$lookup?system={url}&code=male", f"ValueSet/$expand?url={url}?fhir_vs"):
        answer = await house.get(f"/fhir/{path}")
        assert answer.status_code == 422
        assert "supplement" in answer.text


async def test_large_ones(house: httpx.AsyncClient) -> None:
    url = "urn:test:large"
    large = small(url, "1")
    large["concept"] = [{"code": f"C{n}", "display": f"Khái niệm số {n}"} for n in range(40_000)]
    assert (await house.post("/fhir/CodeSystem", json=large)).status_code == 201
    assert (await expand(house, f"url={url}?fhir_vs&count=1&offset=39999"))["contains"][0]["code"] == "C39999"
    assert (await codes(house, f"url={url}?fhir_vs&count=3&filter={quote('khai niem 39998')}")) == ["C39998"]
    assert (await parameters(house, f"CodeSystem/$validate-code?url={url}&code=C40000"))["result"] == [False]


# --- $lookup, $validate-code, $subsumes


async def test_lookup_tells_names_parents_and_rules(house: httpx.AsyncClient) -> None:
    said = await parameters(house, f"CodeSystem/$lookup?system={ICD}&code=A00.0")
    assert said["display"][0].startswith("Bệnh tả")
    facts = {tuple(next(v for k, v in p.items() if k != "name") for p in parts) for parts in said["property"]}
    assert any(f[:2] == ("parent", "A00") for f in facts)
    of_women = {r["code"] for r in rows("icd10_vn") if r["sex"] == "F"}
    ruled = next(r["code"] for r in rows("icd10_vn") if r["sex"] == "F" and r["not_principal"] == "1")
    rules = (await parameters(house, f"CodeSystem/$lookup?system={ICD}&code={ruled}&property=sex&property=not-principal"))[
        "property"
    ]
    assert {(p[0]["valueCode"], p[1].get("valueString", p[1].get("valueBoolean"))) for p in rules} == {
        ("sex", "F"), ("not-principal", True)}  # fmt: skip
    women = all_of(ICD, filter=[{"property": "sex", "op": "=", "value": "F"}])
    assert set(await codes(house, "$expand", valueSet=women)) == of_women
    english = await parameters(house, f"CodeSystem/$lookup?system={ICD}&code=A00.0&displayLanguage=en")
    assert english["display"][0].startswith("Cholera")
    only = await parameters(house, f"CodeSystem/$lookup?system={ICD}&code=A00&property=child")
    assert len(only["property"]) == 3
    assert "designation" not in only
    unit = await parameters(house, "CodeSystem/$lookup", coding={"system": s.UCUM, "code": "mmol/L"})
    assert unit["display"] == ["millimole per liter"]
    gender = await parameters(house, f"CodeSystem/$lookup?system={GENDER}&code=female")
    assert (gender["display"], gender["version"]) == (["Female"], ["4.0.1"])


async def test_validate_code_in_a_code_system(house: httpx.AsyncClient) -> None:
    at = "CodeSystem/$validate-code"
    assert (await parameters(house, f"{at}?url={ICD}&code=A00"))["result"] == [True]
    assert (await parameters(house, f"{at}?url={ICD}&code=A00&display={quote('bệnh  TẢ')}"))["result"] == [True]
    assert (await parameters(house, f"{at}?url={ICD}&code=A00&display=Cholera"))["result"] == [True]
    wrong = await parameters(house, f"{at}?url={ICD}&code=A00&display=Malaria")
    assert wrong["result"] == [False]
    assert wrong["display"] == ["Bệnh tả"]
    assert (await parameters(house, f"{at}?url={s.UCUM}&code=mg/dL"))["result"] == [True]
    assert (await parameters(house, f"{at}?url={s.UCUM}&code=mg/dl/foo"))["result"] == [False]
    assert (await parameters(house, "CodeSystem/icd10-vn/$validate-code?code=ZZZ"))["result"] == [False]
    several = {"coding": [{"system": ICD, "code": "ZZZ"}, {"system": GENDER, "code": "male"}]}
    assert (await parameters(house, at, codeableConcept=several))["result"] == [True]
    assert (await parameters(house, at, codeableConcept=several, url=ICD))["result"] == [False]
    assert (await parameters(house, at, codeSystem=small("urn:x", "1", "a"), code="a"))["result"] == [True]


async def test_validate_code_in_a_value_set(house: httpx.AsyncClient) -> None:
    at = "ValueSet/$validate-code"
    set_ = "url=http://hl7.org/fhir/ValueSet/administrative-gender"
    assert (await parameters(house, f"{at}?{set_}&system={GENDER}&code=male&display=male"))["result"] == [True]
    assert (await parameters(house, f"{at}?{set_}&system={GENDER}&code=m"))["result"] == [False]
    assert (await parameters(house, f"{at}?{set_}&system=urn:x&code=male"))["result"] == [False]
    assert (await parameters(house, f"{at}?url=http://hl7.org/fhir/ValueSet/ucum-units&system={s.UCUM}&code=kg"))["result"] == [
        True
    ]
    assert (await house.get(f"/fhir/{at}?{set_}&code=male")).status_code == 400
    favourite = await codes(house, "favourite-problems/$expand")
    said = await parameters(house, f"ValueSet/favourite-problems/$validate-code?system={ICD}&code={favourite[0]}")
    assert said["result"] == [True]
    both = {"coding": [{"system": "urn:x", "code": "1"}, {"system": ICD, "code": favourite[1]}]}
    assert (await parameters(house, "ValueSet/favourite-problems/$validate-code", codeableConcept=both))["result"] == [True]
    without = all_of(ICD)
    without["compose"]["exclude"] = [{"system": ICD, "concept": [{"code": "A00"}]}]
    assert (await parameters(house, at, valueSet=without, coding={"system": ICD, "code": "A00"}))["result"] == [False]
    assert (await parameters(house, at, valueSet=without, coding={"system": ICD, "code": "A01"}))["result"] == [True]


@pytest.mark.parametrize(
    ("a", "b", "outcome"),
    [("A00", "A00.0", "subsumes"), ("A00.0", "A00", "subsumed-by"), ("A00", "A00", "equivalent"), ("A00", "E11", "not-subsumed")],
)
async def test_subsumption_in_icd(house: httpx.AsyncClient, a: str, b: str, outcome: str) -> None:
    assert (await parameters(house, f"CodeSystem/$subsumes?system={ICD}&codeA={a}&codeB={b}"))["outcome"] == [outcome]
    both = {"codingA": {"system": ICD, "code": a}, "codingB": {"system": ICD, "code": b}}
    assert (await parameters(house, "CodeSystem/$subsumes", **both))["outcome"] == [outcome]
    assert (await parameters(house, f"CodeSystem/icd10-vn/$subsumes?codeA={a}&codeB={b}"))["outcome"] == [outcome]


async def test_chapters_subsume_through_groups(house: httpx.AsyncClient) -> None:
    parents = {r["code"]: r["parent"] for r in rows("icd10_vn")}
    chapter = parents[parents["A00"]]
    said = await parameters(house, f"CodeSystem/$subsumes?system={ICD}&codeA={quote(chapter)}&codeB=A00.9")
    assert said["outcome"] == ["subsumes"]


# --- $translate


async def test_translate_by_the_specifications_map_and_by_ones_own(house: httpx.AsyncClient) -> None:
    use = "http://hl7.org/fhir/address-use"
    at = "ConceptMap/$translate"
    said = await parameters(house, f"{at}?url=http://hl7.org/fhir/ConceptMap/101&system={use}&code=home")
    assert said["result"] == [True]
    own = {"resourceType": "ConceptMap", "url": "urn:test:map", "status": "active", "group": [
        {"source": ICD, "target": s.ICD10, "element": [
            {"code": "A00", "target": [{"code": "A00", "equivalence": "equal"}]},
            {"code": "A01", "target": [{"equivalence": "unmatched"}]},
            {"code": "A02", "target": [{"code": "A02.9", "equivalence": "narrower", "comment": "one of it"}]}]}]}  # fmt: skip
    made = (await house.post("/fhir/ConceptMap", json=own)).json()
    for path in (f"{at}?url=urn:test:map", f"{at}?targetsystem={s.ICD10}", f"ConceptMap/{made['id']}/$translate?"):
        said = await parameters(house, f"{path}&system={ICD}&code=A00")
        match = {p["name"]: next(v for k, v in p.items() if k != "name") for p in said["match"][0]}
        assert (said["result"], match["concept"]["code"], match["equivalence"]) == ([True], "A00", "equal")
    assert (await parameters(house, f"{at}?url=urn:test:map&system={ICD}&code=A01"))["result"] == [False]
    assert (await parameters(house, f"{at}?url=urn:test:map&system={ICD}&code=B99"))["result"] == [False]
    back = await parameters(house, f"{at}?url=urn:test:map&system={s.ICD10}&code=A02.9&reverse=true")
    assert {"name": "equivalence", "valueCode": "wider"} in back["match"][0]
    assert (await parameters(house, at, conceptMap=own, coding={"system": ICD, "code": "A00"}))["result"] == [True]


# --- who may, what is audited, what is wrong


async def test_every_question_is_in_the_trail(house: httpx.AsyncClient, app: App) -> None:
    before = await app.state.engine.db.fetchval("SELECT max(seq) FROM audit")
    await parameters(house, f"CodeSystem/$lookup?system={ICD}&code=A00")
    lines = await app.state.engine.db.fetch("SELECT action, why FROM audit WHERE seq > $1", before)
    assert [(r["action"], "$lookup" in r["why"]) for r in lines] == [(b"E", True)]


LOOP = {
    "resourceType": "ValueSet",
    "url": "urn:test:loop",
    "status": "active",
    "compose": {"include": [{"valueSet": ["urn:test:loop"]}]},
}


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("ValueSet/$expand", {}, 400),
        ("ValueSet/$expand?url=urn:nowhere", {}, 404),
        ("ValueSet/nobody/$expand", {}, 404),
        (f"ValueSet/$expand?url={ICD}?fhir_vs&count=-1", {}, 400),
        (f"ValueSet/$expand?url={ICD}?fhir_vs&count=x", {}, 400),
        (f"ValueSet/$expand?url={ICD}?fhir_vs&guess=1", {}, 400),
        (f"ValueSet/$expand?url={ICD}?fhir_vs&context=x", {}, 400),
        (f"ValueSet/$expand?url={ICD}?fhir_vs&activeOnly=perhaps", {}, 400),
        (f"ValueSet/$expand?url={ICD}?fhir_vs=refset/1", {}, 422),
        (f"ValueSet/$expand?url={ICD}?fhir_vs=isa/nothing", {}, 422),
        (f"ValueSet/$expand?url={ICD}?fhir_vs&filter={'x' * 300}", {}, 400),
        (f"ValueSet/$expand?url={s.UCUM}?fhir_vs&count=10", {}, 422),
        ("ValueSet/$expand?url=http://snomed.info/sct?fhir_vs", {}, 422),
        ("ValueSet/$expand", {"valueSet": "text"}, 400),
        ("ValueSet/$expand", {"valueSet": {"resourceType": "Patient"}}, 400),
        ("ValueSet/$expand", {"valueSet": LOOP, "url": "urn:x"}, 400),
        ("ValueSet/$expand", {"valueSet": {"resourceType": "ValueSet", "compose": {"include": [{"system": 5}]}}}, 422),
        ("ValueSet/$expand", {"valueSet": {"resourceType": "ValueSet", "compose": {"include": "x"}}}, 422),
        ("ValueSet/$expand", {"valueSet": all_of(ICD, filter=[{"property": "code", "op": "regex", "value": "("}])}, 422),
        ("ValueSet/$expand", {"valueSet": all_of(ICD, filter=[{"property": "concept", "op": "near", "value": "A00"}])}, 422),
        ("CodeSystem/$lookup", {}, 400),
        (f"CodeSystem/$lookup?system={ICD}", {}, 400),
        (f"CodeSystem/$lookup?system={ICD}&code=nothing", {}, 404),
        ("CodeSystem/$lookup?system=urn:nowhere&code=x", {}, 404),
        ("CodeSystem/$lookup?code=x", {}, 400),
        ("CodeSystem/$lookup?system=x&code=x&coding=y", {}, 400),
        ("CodeSystem/$lookup", {"coding": {"system": ICD}}, 400),
        ("CodeSystem/$lookup", {"coding": {"system": ICD, "code": "A00", "version": 5}}, 400),
        ("CodeSystem/$validate-code?url=urn:nowhere&code=x", {}, 404),
        ("CodeSystem/$validate-code", {"codeableConcept": {"coding": []}}, 400),
        ("CodeSystem/$validate-code", {"codeableConcept": {"coding": "x"}}, 400),
        ("CodeSystem/$validate-code", {"codeSystem": {"resourceType": "CodeSystem", "concept": 5}, "code": "x"}, 422),
        ("ValueSet/$validate-code?url=urn:nowhere&system=x&code=x", {}, 404),
        (f"CodeSystem/$subsumes?system={ICD}&codeA=A00", {}, 400),
        (f"CodeSystem/$subsumes?system={ICD}&codeA=A00&codeB=nothing", {}, 404),
        ("CodeSystem/$subsumes", {"codingA": {"system": ICD, "code": "A00"}, "codingB": {"system": "urn:x", "code": "A00"}}, 400),
        ("ConceptMap/$translate", {}, 400),
        ("ConceptMap/$translate?code=x", {}, 400),
        ("ConceptMap/$translate?url=urn:nowhere&code=x&system=y", {}, 404),
        ("ConceptMap/$translate", {"conceptMap": {"resourceType": "ConceptMap", "group": 5}, "code": "x", "dependency": "x"}, 400),
        ("Patient/$expand", {}, 404),
        ("CodeSystem/x/$lookup", {}, 404),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said(house: httpx.AsyncClient, path: str, given: dict[str, Any], status: int) -> None:
    answer = await (house.post(f"/fhir/{path}", json=sent(**given)) if given else house.get(f"/fhir/{path}"))
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome"), answer.text


async def test_circles_that_are_stored_are_refused(house: httpx.AsyncClient) -> None:
    assert (await house.post("/fhir/ValueSet", json=LOOP)).status_code == 201
    for path in ("ValueSet/$expand?url=urn:test:loop", "ValueSet/$validate-code?url=urn:test:loop&system=x&code=y"):
        answer = await house.get(f"/fhir/{path}")
        assert answer.status_code == 422
        assert "includes itself" in answer.text


async def test_searches_ask_the_same_terminology(house: httpx.AsyncClient) -> None:
    patient = (await house.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
    condition = {"resourceType": "Condition", "subject": {"reference": f"Patient/{patient['id']}"},
                 "code": {"coding": [{"system": ICD, "code": "A00.1"}]}}  # fmt: skip
    assert (await house.post("/fhir/Condition", json=condition)).status_code == 201
    for query in (f"code:below={ICD}|A00", f"code:in={quote(ICD + '?fhir_vs=isa/A00')}"):
        assert (await house.get(f"/fhir/Condition?{query}&_summary=count")).json()["total"] == 1
    assert (await house.get(f"/fhir/Condition?code:below={ICD}|E11&_summary=count")).json()["total"] == 0


async def test_what_the_server_can_do_is_said(anonymous: httpx.AsyncClient) -> None:
    said = (await anonymous.get("/fhir/metadata?mode=terminology")).json()
    assert [i for i in validate(said) if i.severity == "error"] == []
    assert {"uri": s.UCUM} in [{"uri": c["uri"]} for c in said["codeSystem"]]
    assert said["expansion"]["paging"] is True
    full = (await anonymous.get("/fhir/metadata")).json()
    offered = {(r["type"], o["name"]) for r in full["rest"][0]["resource"] for o in r.get("operation", [])}
    assert {("ValueSet", "expand"), ("CodeSystem", "lookup"), ("ConceptMap", "translate")} <= offered


# --- HL7's own examples


async def test_hl7s_examples_expand_as_hl7_says(house: httpx.AsyncClient) -> None:
    path = SHARED / "data" / "fhir" / "r4-examples.ndjson.xz"
    if not path.is_file():
        pytest.skip("no shared data")
    with lzma.open(path) as f:
        every = [msgspec.json.decode(line)["resource"] for line in f]
    ours = [r for r in every if r["resourceType"] in ("ValueSet", "CodeSystem", "ConceptMap")]
    assert len(ours) > 1000
    ours = [r for n, r in enumerate(ours) if n % 12 == 0 or "expansion" in r]  # all of them take a minute
    tried: dict[str, int] = {}
    compared = 0
    for r in ours:
        kept = copy.deepcopy(r)
        assert (await house.put(f"/fhir/{r['resourceType']}/{r['id']}", json=kept)).status_code in (200, 201), r["id"]
    for r in ours:
        if r["resourceType"] == "ValueSet":
            answer = await house.get(f"/fhir/ValueSet/{r['id']}/$expand?count=1000")
            said = answer.json()
            tried[str(answer.status_code)] = tried.get(str(answer.status_code), 0) + 1
            assert answer.status_code in (200, 422), (r["id"], answer.text)
            if answer.status_code == 200:
                for c in said["expansion"].get("contains", [])[:3]:
                    query = f"system={quote(c['system'])}&code={quote(c['code'])}"
                    assert (await parameters(house, f"ValueSet/{r['id']}/$validate-code?{query}"))["result"] == [True]
                    compared += 1
        elif r["resourceType"] == "CodeSystem" and r.get("concept") and r["content"] != "supplement":
            code = r["concept"][0]["code"]
            said = await parameters(house, f"CodeSystem/$lookup?system={quote(r['url'])}&code={quote(code)}")
            assert said["display"]
        elif r["resourceType"] == "ConceptMap":
            for group in r.get("group", [])[:2]:
                element = group["element"][0]
                query = f"code={quote(element['code'])}" + (f"&system={quote(group['source'])}" if group.get("source") else "")
                assert "result" in await parameters(house, f"ConceptMap/{r['id']}/$translate?{query}")
    assert compared > 50, tried
    (said_by_hl7,) = [r["expansion"] for r in ours if r.get("url") == "http://hl7.org/fhir/ValueSet/inactive"]
    found = {c["code"]: c.get("inactive") for c in (await expand(house, "inactive/$expand"))["contains"]}
    assert {c["code"]: found[c["code"]] for c in said_by_hl7["contains"]} == {"CRT": True, "EXPEC": None, "OPT": None}


# --- other ways in


async def test_who_may_not_read_terminology_is_refused_and_it_is_noted(house: httpx.AsyncClient, app: App) -> None:
    token = await create_token(app.state.engine, "patients only", "system/Patient.rs")
    before = await app.state.engine.db.fetchval("SELECT max(seq) FROM audit")
    for path in (
        f"ValueSet/$expand?url={ICD}?fhir_vs",
        f"CodeSystem/$lookup?system={ICD}&code=A00",
        "ConceptMap/$translate?code=x&system=y",
    ):
        answer = await house.get(f"/fhir/{path}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 403
    assert await app.state.engine.db.fetchval("SELECT count(*) FROM audit WHERE seq > $1 AND outcome = 4", before) == 3


async def test_in_a_batch_and_in_xml(house: httpx.AsyncClient) -> None:
    urls = [
        f"CodeSystem/$lookup?system={ICD}&code=A00",
        f"ValueSet/$expand?url={ICD}?fhir_vs=isa/A00",
        "ValueSet/$expand?url=urn:no",
    ]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": u}} for u in urls]}
    entries = (await house.post("/fhir", json=batch)).json()["entry"]
    assert [e["response"]["status"][:3] for e in entries] == ["200", "200", "404"]
    assert entries[1]["resource"]["expansion"]["total"] == 4
    answer = await house.get(f"/fhir/{urls[1]}", headers={"Accept": "application/fhir+xml"})
    assert (answer.status_code, "<expansion>" in answer.text) == (200, True)


# --- junk

OPERATIONS = {
    "ValueSet/$expand": ("url", "filter", "count", "offset", "displayLanguage", "designation", "system-version", "valueSet"),
    "CodeSystem/$lookup": ("system", "code", "version", "property", "displayLanguage", "coding"),
    "CodeSystem/$validate-code": ("url", "code", "display", "codeSystem", "codeableConcept"),
    "ValueSet/$validate-code": ("url", "system", "code", "display", "valueSet", "coding"),
    "CodeSystem/$subsumes": ("system", "codeA", "codeB", "codingA"),
    "ConceptMap/$translate": ("url", "system", "code", "targetsystem", "reverse", "dependency", "conceptMap"),
}
FINE = {
    "url": f"{ICD}?fhir_vs=isa/A00", "system": ICD, "code": "A00", "codeA": "A00", "codeB": "A01", "targetsystem": s.ICD10,
}  # fmt: skip
JUNK: list[Any] = ["", " ", "|", "||", "'", "%", "\\", "{allowed}", "a" * 5000, "\uffff", "‮", "-1", "9" * 30, "NaN", "true", "#",
                   "?fhir_vs",                   "?fhir_vs=isa/", "urn:uuid:", {}, {"code": {}}, {"coding": [{}]},
                   {"resourceType": "ValueSet"}, 0, -5, True,
                   {"resourceType": "ValueSet", "compose": {"include": [{}]}, "extension": [5]}, {"resourceType": "CodeSystem"},
                   {"resourceType": "ConceptMap", "group": [{"element": [{"target": 5}]}], "url": 5}]  # fmt: skip


@pytest.mark.parametrize("path", OPERATIONS)
async def test_junk_is_never_a_fault_of_the_server(house: httpx.AsyncClient, path: str) -> None:
    names = OPERATIONS[path]
    for name in names:
        for junk in JUNK:
            fine = {k: v for k, v in FINE.items() if k in names and k != name}
            answers = [await house.post(f"/fhir/{path}", json=sent(**fine, **{name.replace("-", "__"): junk}))]
            if isinstance(junk, str):
                answers.append(await house.get(f"/fhir/{path}", params=fine | {name: junk}))
            for answer in answers:
                assert answer.status_code in (200, 400, 404, 422), (name, junk, answer.text)
                if answer.status_code != 200:
                    assert answer.json()["resourceType"] == "OperationOutcome"
