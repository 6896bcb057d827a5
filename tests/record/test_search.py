"""Searches of one store: pages that neither lose nor repeat, includes that are whole, the scope in every part, plans that use
the key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from longbien.base.errors import Forbidden, Invalid, NotSupported
from longbien.base.ids import patient_key
from longbien.record.change import Create, Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import Bind, RowSQL, Scope, system
from longbien.record.search import include
from longbien.record.search.compile import Compiler
from longbien.record.search.parse import parse
from longbien.record.store import Store

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
PRESSURE = f"{LOINC}|85354-9"


def coded(code: str, system_: str = LOINC) -> dict[str, Any]:
    return {"coding": [{"system": system_, "code": code}]}


def patient(id_: str, family: str, born: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_, "name": [{"family": family, "given": ["Thị", "An"]}], "birthDate": born}


def observation(
    id_: str, of: str, code: str, day: str, value: float | None = None, unit: str = "mmol/L", **more: Any
) -> dict[str, Any]:
    r = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": coded(code),
        "subject": {"reference": f"Patient/{of}"},
    }
    quantity = {} if value is None else {"valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit}}
    return {**r, "effectiveDateTime": day, **quantity, **more}


def pressure(id_: str, of: str, day: str, systolic: int, diastolic: int) -> dict[str, Any]:
    def part(code: str, value: int) -> dict[str, Any]:
        amount = {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}
        return {"code": coded(code), "valueQuantity": amount}

    return observation(id_, of, "85354-9", day, component=[part("8480-6", systolic), part("8462-4", diastolic)])


TRUST = Manner(references="trust", checked=True)


@dataclass(frozen=True)
class Only:
    """The rows of these patients, and of nobody."""

    pats: tuple[int, ...]

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"({row.pat} IS NULL OR {row.pat} = ANY({bind(list(self.pats))}::int8[]))"


def only(*ids: str, reads: frozenset[str] | None = None) -> Scope:
    return Scope(7, "nurse", "TREAT", "on the ward", Only(tuple(patient_key(i) for i in ids)), reads=reads, writes=None)


async def put(engine: Engine, *resources: dict[str, Any]) -> None:
    for n in range(0, len(resources), 1000):
        await Store(engine, system("t")).commit([Create(r, id=r["id"]) for r in resources[n : n + 1000]], TRUST)


async def ids(engine: Engine, asked: str, scope: Scope | None = None, **more: Any) -> list[str]:
    type_, _, query = asked.partition("?")
    params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    page = await Store(engine, scope or system("t")).search(type_ or None, params, handling="strict", **more)
    return [e.id for e in page.matches]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def people(engine: Engine) -> None:
    await put(
        engine,
        patient("an", "Nguyễn", "1953-02-01"),
        patient("binh", "Đặng", "1990"),
        {"resourceType": "Practitioner", "id": "doc",
         "name": [{"text": "Trần Văn Bác"}],
         "identifier": [{"system": "urn:licence", "value": "0001"}]},
        {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"},
         "subject": {"reference": "Patient/an"},
         "participant": [{"individual": {"reference": "Practitioner/doc"}}],
         "period": {"start": "2024-01-05", "end": "2024-01-05"}},
        observation("k1", "an", "2823-3", "2024-01-05", 5.1, encounter={"reference": "Encounter/e1"}),
        observation("k2", "an", "2823-3", "2024-03-05", 6.4),
        observation("k3", "binh", "2823-3", "2024-02-05", 4.0),
        observation("w1", "an", "29463-7", "2024-02-05", 52, "kg"),
        observation("w2", "binh", "29463-7", "2024-02-05", 61000, "g"),
        {**observation("two", "an", "2345-7", "2024-01-06", 7.0),
         "code": {"coding": [{"system": LOINC, "code": "2345-7"}, {"system": "urn:local", "code": "GLU"}]}},
        pressure("bp1", "an", "2024-01-05", 150, 80),
        pressure("bp2", "binh", "2024-01-05", 120, 95),
        observation("own", "binh", "72514-3", "2024-01-09", 3, "1", performer=[{"reference": "Patient/an"}]),
        {**observation("who", "an", "72514-3", "2024-01-10", 4, "1", performer=[{"reference": "Patient/an"}]),
         "subject": {"display": "?"}},
        {"resourceType": "CarePlan", "id": "long", "status": "active", "intent": "plan", "subject": {"reference": "Patient/an"},
         "period": {"start": "2001-01-01"}},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("Patient?name=nguyen", ["an"]),
        ("Patient?family=DANG&given=an", ["binh"]),
        ("Patient?birthdate=1953", ["an"]),
        ("Observation?patient=an&code=2823-3", ["k2", "k1"]),
        (f"Observation?code={LOINC}|2823-3&date=ge2024-02-01&_sort=date", ["k3", "k2"]),
        ("Observation?code=urn:local|GLU", ["two"]),
        ("Observation?subject:Patient.name=dang&code=2823-3", ["k3"]),
        ("Observation?patient.birthdate=lt1960&code=2823-3", ["k2", "k1"]),
        ("Observation?encounter.participant:Practitioner.identifier=urn:licence|0001", ["k1"]),
        (f"Patient?_has:Observation:patient:code-value-quantity={LOINC}|2823-3$gt6", ["an"]),
        ("Practitioner?_has:Encounter:participant:patient=an", ["doc"]),
        (f"Observation?component-code-value-quantity={LOINC}|8480-6$gt140", ["bp1"]),
        ("Observation?component-code-value-quantity=8462-4$gt90||mm[Hg]", ["bp2"]),
        ("Observation?combo-code-value-quantity=8480-6$ge120&_sort=_id", ["bp1", "bp2"]),
        (f"Observation?value-quantity=gt55|{UCUM}|kg", ["w2"]),
        ("Observation?value-quantity=61000", ["w2"]),
        ("Observation?value-quantity=gt51&value-quantity=lt53", ["w1"]),
        ("Observation?performer=Patient/an&_sort=_id", ["own", "who"]),
        ("Observation?subject=Patient/an&code=72514-3", []),
        ("CarePlan?date=ge2024-01-01", ["long"]),
        ("CarePlan?date=lt2001", []),
        ("Observation?code:not=2823-3&patient=binh&_sort=_id", ["bp2", "own", "w2"]),
        ("Encounter?date=2024-01", ["e1"]),
        ("Encounter?participant=doc", ["e1"]),
        ("Encounter?location:missing=true", ["e1"]),
        ("?_id=an", ["an"]),
        ("Patient?_id=an,binh,nobody&_sort=-birthdate", ["binh", "an"]),
    ],
)
async def test_search_finds(engine: Engine, asked: str, wanted: list[str]) -> None:
    assert await ids(engine, asked) == wanted


async def test_a_row_of_another_patients_compartment_is_found_there_too(engine: Engine) -> None:
    assert "own" in await ids(engine, "Observation?code=72514-3", patient="an")
    assert "own" in await ids(engine, "Observation?code=72514-3", patient="binh")


@pytest.mark.parametrize(
    "asked",
    ["Patient?birthdate=soon", "Observation?value-quantity=much", "Patient?_count=-1", "Patient?_sort=photo", "Patient?_page=abc",
     "Observation?subject.name=x&date=2024-13", "Observation?code-value-quantity=1", "Patient?_include=Patient:nothing",
     "Patient?_total=all",
     "Patient?gender:in=http://nowhere", "Patient?general-practitioner:Planet=1", "Patient?name=%00\0"],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused_with_the_parameters_name(engine: Engine, asked: str) -> None:
    with pytest.raises((Invalid, NotSupported)) as refused:
        await ids(engine, asked)
    name = asked.partition("?")[2].split("&")[-1].partition("=")[0].partition(":")[0]
    assert refused.value.status == 400 and name in refused.value.text


async def test_an_unknown_parameter_is_refused_when_strict_and_told_when_lenient(engine: Engine) -> None:
    with pytest.raises(Invalid, match="shoe-size"):
        await ids(engine, "Patient?shoe-size=43")
    page = await Store(engine, system("t")).search("Patient", [("shoe-size", "43"), ("name", "dang")], base_url="http://h/fhir")
    bundle = json.loads(page.bundle())
    assert bundle["link"][0] == {"relation": "self", "url": "http://h/fhir/Patient?name=dang"}
    assert [e["search"]["mode"] for e in bundle["entry"]] == ["match", "outcome"]
    assert "shoe-size" in bundle["entry"][1]["resource"]["issue"][0]["diagnostics"]
    assert bundle["entry"][0]["fullUrl"] == "http://h/fhir/Patient/binh" and bundle["total"] == 1


async def test_pages_lose_and_repeat_nothing_while_others_write(engine: Engine) -> None:
    days = [f"2020-{m:02}-{d:02}" for m in range(1, 13) for d in range(1, 22)]
    await put(
        engine, patient("page", "Trang", "1970"), *[observation(f"p{n}", "page", "718-7", day, n) for n, day in enumerate(days)]
    )
    for query in (
        "patient=page",
        "patient=page&_sort=date",
        f"code={LOINC}|718-7",
        "patient=page&_sort=-_lastUpdated,value-quantity",
    ):
        store, seen, fresh = Store(engine, system("t")), [], 0
        params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&"))]
        page = await store.search("Observation", [*params, ("_count", "20")])
        while True:
            seen += [e.id for e in page.matches]
            if page.next_params is None:
                break
            fresh += 1
            await put(engine, observation(f"new-{len(query)}-{fresh}", "page", "718-7", "2020-06-15", 1))
            page = await store.search("Observation", page.next_params)
        old = [i for i in seen if i.startswith("p")]
        assert sorted(old) == sorted(f"p{n}" for n in range(len(days))), query
        assert len(seen) == len(set(seen)), query


async def test_a_deleted_resource_is_found_no_more(engine: Engine) -> None:
    await put(engine, observation("gone", "binh", "1742-6", "2024-05-05", 1))
    assert await ids(engine, f"Observation?code={LOINC}|1742-6") == ["gone"]
    await Store(engine, system("t")).commit([Update(observation("gone", "binh", "1742-6", "2024-05-06", 2))], TRUST)
    assert await ids(engine, "Observation?patient=binh&code=1742-6&date=2024-05-06") == ["gone"]
    assert await ids(engine, "Observation?patient=binh&code=1742-6&date=2024-05-05") == []
    await Store(engine, system("t")).commit([Delete("Observation", "gone")], TRUST)
    for asked in (f"Observation?code={LOINC}|1742-6", "Observation?patient=binh&code=1742-6", "Observation?_id=gone"):
        assert await ids(engine, asked) == []


async def test_includes_are_whole_or_say_that_they_are_not(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(
        engine, patient("many", "Nhiều", "1960"), *[observation(f"m{n}", "many", "6690-2", "2021-01-01", n) for n in range(2001)]
    )
    store = Store(engine, system("t"))
    page = await store.search("Patient", [("_id", "many"), ("_revinclude", "Observation:subject")])
    assert len([e for e in page.entries if e.mode == "include"]) == 2001 and not page.issues
    monkeypatch.setattr(include, "MOST", 2000)
    page = await store.search("Patient", [("_id", "many"), ("_revinclude", "Observation:subject")])
    assert len([e for e in page.entries if e.mode == "include"]) == 2000
    assert "2000 included" in page.issues[0].text


async def test_include_follows_and_goes_on(engine: Engine) -> None:
    store = Store(engine, system("t"))
    query = [("_id", "k1"), ("_include", "Observation:subject"), ("_include", "Observation:encounter"),
             ("_include:iterate", "Encounter:participant")]  # fmt: skip
    page = await store.search("Observation", query)
    assert {(e.type, e.id, e.mode) for e in page.entries} == {
        ("Observation", "k1", "match"), ("Patient", "an", "include"), ("Encounter", "e1", "include"),
        ("Practitioner", "doc", "include"),
    }  # fmt: skip
    page = await store.search("Practitioner", [("_id", "doc"), ("_revinclude", "Encounter:participant")])
    assert [e.id for e in page.entries] == ["doc", "e1"]


async def test_the_scope_is_in_every_part(engine: Engine) -> None:
    binh = only("binh")
    assert await ids(engine, "Observation?code=2823-3", binh) == ["k3"]
    assert await ids(engine, "Patient?name=thi&_sort=_id", only("an")) == ["an"]
    # on the way: a patient whom the scope hides opens nothing and proves nothing
    assert await ids(engine, "Observation?patient.name=nguyen", binh) == []
    assert await ids(engine, "Practitioner?_has:Encounter:participant:patient=an", binh) == []
    assert await ids(engine, f"Patient?_has:Observation:patient:code={LOINC}|2823-3", binh) == ["binh"]
    assert await ids(engine, f"Observation?component-code-value-quantity={LOINC}|8480-6$gt1", binh) == ["bp2"]
    assert await ids(engine, "Observation?encounter.participant:Practitioner.identifier=0001", binh) == []
    page = await Store(engine, binh).search("Practitioner", [("_id", "doc"), ("_revinclude", "Encounter:participant")])
    assert [e.id for e in page.entries] == ["doc"]
    page = await Store(engine, binh).search("Observation", [("performer", "Patient/an"), ("_include", "Observation:performer")])
    assert [e.id for e in page.entries] == ["own"]
    for asked in ("Observation?code=2823-3&_total=accurate&_count=0", "Observation?code=2823-3&_summary=count"):
        type_, _, query = asked.partition("?")
        params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&"))]
        assert (await Store(engine, binh).search(type_, params)).total == 1


async def test_a_type_that_may_not_be_read_is_not_passed_through(engine: Engine) -> None:
    scope = only("an", reads=frozenset({"Observation"}))
    assert await ids(engine, "Observation?code=2823-3", scope) == ["k2", "k1"]
    for asked in ("Patient?name=a", "Observation?patient.name=a", "Observation?encounter.date=2024"):
        with pytest.raises(Forbidden):
            await ids(engine, asked, scope)
    page = await Store(engine, scope).search("Observation", [("_id", "k1"), ("_include", "Observation:subject")])
    assert [e.type for e in page.entries] == ["Observation"] and "Patient" in page.issues[0].text
    assert await ids(engine, "?_id=an,k1", scope) == ["k1"]


async def test_a_search_leaves_a_line_for_each_patient_found_and_no_name(engine: Engine) -> None:
    last = await engine.db.fetchval("SELECT coalesce(max(seq), 0) FROM audit")
    await ids(engine, "Observation?code=2823-3")
    await ids(engine, "Patient?name=nobody")
    rows = await engine.db.fetch("SELECT pat, n, why FROM audit WHERE seq > $1 ORDER BY seq", last)
    assert {(r["pat"], r["n"]) for r in rows[:2]} == {(patient_key("an"), 2), (patient_key("binh"), 1)}
    assert rows[2]["n"] == 0 and rows[2]["pat"] is None and "nobody" not in rows[2]["why"] and "name=*" in rows[2]["why"]


async def test_count_nought_and_summaries(engine: Engine) -> None:
    store = Store(engine, system("t"))
    page = await store.search("Observation", [("code", "2823-3"), ("_count", "0")])
    assert page.total == 3 and page.entries == []
    page = await store.search("Observation", [("_id", "k1"), ("_elements", "status")])
    body = json.loads(page.entries[0].body)
    assert set(body) == {"resourceType", "id", "meta", "status", "code"} and body["meta"]["tag"][0]["code"] == "SUBSETTED"


async def plan(engine: Engine, asked: str) -> str:
    type_, _, query = asked.partition("?")
    compiler = Compiler(engine, system("t"))
    params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    sql, args = (await compiler.heads(parse(type_, params), None)).page(21)
    return "\n".join(r[0] for r in await engine.db.fetch("EXPLAIN " + sql, *args, search=True))


async def test_plans_are_driven_by_the_key_that_was_asked_for(engine: Engine, record_urls: tuple[str, str]) -> None:
    many = [patient(f"x{n}", f"Họ{n}", "1980-05-05") for n in range(300)]
    each = [(n, m) for n in range(300) for m in range(60)]
    rows = [observation(f"x{n}-{m}", f"x{n}", f"{m % 40}-0", f"20{m % 24:02}-05-05", m) for n, m in each]
    await put(engine, *many, *rows)
    owner = await asyncpg.connect(record_urls[0])
    await owner.execute("ANALYZE")
    await owner.close()
    wanted = {
        "Observation?patient=x5": "head_pat",
        "Observation?patient=x5&date=ge2015": "head_pat",
        "Observation?patient=x5&code=3-0": "head_pat",
        f"Observation?code={LOINC}|3-0": "head_code",
        f"Observation?code={LOINC}|3-0&date=ge2022-01-01": "head_code",
        "Observation?date=ge2023-01-01": "head_dt",
        "Patient?name=ho77": "str_p",
        "Observation?encounter=Encounter/e1": "head_gin",
        "Practitioner?identifier=urn:licence|0001": "head_gin",
    }
    for asked, index in wanted.items():
        text = await plan(engine, asked)
        assert index in text and "Seq Scan on head" not in text and "Seq Scan on ver" not in text, f"{asked}\n{text}"
