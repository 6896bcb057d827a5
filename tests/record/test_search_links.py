"""References followed both ways to any depth, hierarchies, words and value sets, orders: each on a small record made for it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from longbien.base.errors import Forbidden, Invalid, NotSupported
from longbien.base.ids import patient_key
from longbien.base.migrate import files
from longbien.record import reindex
from longbien.record.change import Create, Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import Bind, RowSQL, Scope, system
from longbien.record.search import include
from longbien.record.search.keys import packed_id
from longbien.record.store import Store

TRUST = Manner(references="trust", checked=True)
ICD = "http://hl7.org/fhir/sid/icd-10"


class Only:
    def __init__(self, *ids: str):
        self.pats = [patient_key(i) for i in ids]

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"({row.pat} IS NULL OR {row.pat} = ANY({bind(self.pats)}::int8[]))"


def only(*ids: str, reads: frozenset[str] | None = None) -> Scope:
    return Scope(7, "nurse", "TREAT", "on the ward", Only(*ids), reads=reads, writes=None)


def ref(to: str) -> dict[str, str]:
    return {"reference": to}


def concept(code: str, display: str | None = None, text: str | None = None, system_: str = ICD) -> dict[str, Any]:
    coding = {"system": system_, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]} | ({"text": text} if text else {})


def thing(type_: str, id_: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": type_, "id": id_, **more}


PEOPLE = [
    thing("Organization", "city", name="Sở Y tế"),
    thing("Organization", "bm", name="Bạch Mai", partOf=ref("Organization/city")),
    thing("Organization", "bm-icu", name="Hồi sức", partOf=ref("Organization/bm")),
    thing("Location", "house", name="Nhà A"),
    thing("Location", "floor", name="Tầng 2", partOf=ref("Location/house"), managingOrganization=ref("Organization/bm-icu")),
    thing("Location", "room", name="Phòng 201", partOf=ref("Location/floor")),
    thing("Practitioner", "doc", name=[{"family": "Trần", "given": ["Bác"]}]),
    thing("Practitioner", "two", name=[{"family": "Lê", "given": ["Hai"]}]),
    thing("Patient", "an", name=[{"family": "Nguyễn"}], managingOrganization=ref("Organization/bm"), gender="female",
          identifier=[{"system": "urn:so", "value": "B-2"}], generalPractitioner=[ref("Practitioner/doc")]),
    thing("Patient", "binh", name=[{"family": "Đặng"}], managingOrganization=ref("Organization/city"), gender="male",
          identifier=[{"system": "urn:so", "value": "A-1"}]),
    thing("Patient", "cuc", name=[{"family": "Vũ"}], generalPractitioner=[ref("Practitioner/two")]),
    thing("Encounter", "e1", status="finished", subject=ref("Patient/an"), participant=[{"individual": ref("Practitioner/doc")}],
          location=[{"location": ref("Location/room")}], serviceProvider=ref("Organization/bm-icu")),
    thing("Encounter", "e2", status="planned", subject=ref("Patient/binh"), participant=[{"individual": ref("Practitioner/two")}],
          location=[{"location": ref("Location/house")}], serviceProvider=ref("Organization/city")),
    thing("Condition", "c1", subject=ref("Patient/an"), encounter=ref("Encounter/e1"), onsetDateTime="2024-03-01",
          code=concept("J18.9", "Pneumonia, unspecified", "Viêm phổi"), verificationStatus=concept("confirmed", system_="urn:v")),
    thing("Condition", "c2", subject=ref("Patient/binh"), encounter=ref("Encounter/e2"), onsetDateTime="2024-01-01",
          code=concept("A00.0", "Cholera due to Vibrio"), severity=concept("mild", "Nhẹ", system_="urn:s")),
    thing("Condition", "c3", subject=ref("Patient/binh"), onsetDateTime="2024-02-01", code={"text": "Đau đầu kinh niên"}),
    thing("Observation", "o1", status="final", code=concept("x", system_="urn:x"), subject=ref("Patient/an"),
          encounter=ref("Encounter/e1"), effectiveDateTime="2024-03-01"),
    thing("Provenance", "p1", recorded="2024-01-01T00:00:00Z",
          target=[ref("Patient/an"), ref("Patient/binh"), ref("Condition/c1")]),
    thing("Account", "a1", subject=[ref("Patient/an"), ref("Patient/binh")], status="active"),
    thing("Questionnaire", "q1", url="http://q.vn/fall", version="2", title="Ngã", status="active"),
    thing("QuestionnaireResponse", "r1", questionnaire="http://q.vn/fall|2", status="completed", subject=ref("Patient/an")),
    thing("CodeSystem", "icd", url=ICD, status="active", content="fragment", concept=[
        {"code": "A00-B99", "concept": [{"code": "A00", "concept": [{"code": "A00.0"}, {"code": "A00.1"}]}]},
        {"code": "J18", "concept": [{"code": "J18.9"}]}]),
    thing("ValueSet", "vs1", url="http://vs.vn/cholera", status="active",
          compose={"include": [{"system": ICD, "filter": [{"property": "concept", "op": "is-a", "value": "A00"}]}]}),
    thing("ValueSet", "vs2", url="http://vs.vn/all", status="active", compose={"include": [{"system": ICD}],
          "exclude": [{"valueSet": ["http://vs.vn/cholera"]}]}),
    thing("ValueSet", "vs3", url="http://vs.vn/loop", status="active", compose={"include": [{"valueSet": ["http://vs.vn/loop"]}]}),
]  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def people(engine: Engine) -> None:
    await Store(engine, system("t")).commit([Create(r, id=r["id"]) for r in PEOPLE], TRUST)


async def ids(engine: Engine, asked: str, scope: Scope | None = None) -> list[str]:
    type_, _, query = asked.partition("?")
    params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    page = await Store(engine, scope or system("t")).search(type_ or None, params, handling="strict")
    return [e.id for e in page.matches]


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        # chains
        ("Condition?encounter.status=finished", ["c1"]),
        ("Condition?encounter.participant:Practitioner.family=tran", ["c1"]),
        ("Condition?encounter.location.organization.name=hoi", []),
        ("Condition?encounter.location.partof.organization.name=hoi", ["c1"]),
        ("Condition?encounter.location.partof.organization.partof.partof.name=so", ["c1"]),
        ("Condition?subject:Patient.organization.partof.name=so", ["c1"]),
        ("Condition?subject.general-practitioner:Practitioner.family=tran", ["c1"]),
        ("Observation?subject.name=nguyen", ["o1"]),
        ("Observation?patient=an&subject.name=nguyen", ["o1"]),
        ("Observation?patient=binh&subject.name=nguyen", []),
        ("Observation?encounter.subject:Patient.identifier=urn:so|B-2", ["o1"]),
        ("Condition?encounter.location:missing=true", []),
        ("Condition?encounter.service-provider=Organization/city", ["c2"]),
        ("Account?subject:Patient.family=dang", ["a1"]),
        ("Account?patient=binh", ["a1"]),
        ("Provenance?target:Patient.family=dang", ["p1"]),
        ("Provenance?target=Patient/binh", ["p1"]),
        ("QuestionnaireResponse?questionnaire.title=nga", ["r1"]),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed", ["q1"]),
        # _has
        ("Practitioner?_has:Encounter:participant:status=finished", ["doc"]),
        ("Location?_has:Encounter:location:_has:Condition:encounter:code=J18.9", ["room"]),
        ("Location?_has:Encounter:location:subject:Patient.family=nguyen", ["room"]),
        ("Patient?_has:Condition:patient:encounter.location.name=nha", ["binh"]),
        ("Organization?_has:Organization:partof:_has:Organization:partof:name=hoi", ["city"]),
        ("Condition?encounter._has:Observation:encounter:code=x", ["c1"]),
        ("Patient?_has:Provenance:target:recorded=2024&_sort=_id", ["an", "binh"]),
        ("Condition?_has:Provenance:target:recorded=2024", ["c1"]),
        ("Patient?_has:Condition:patient:code=A00.0&_has:Encounter:patient:status=planned", ["binh"]),
        # hierarchies
        ("Encounter?location:below=Location/house&_sort=_id", ["e1", "e2"]),
        ("Encounter?location:below=Location/floor", ["e1"]),
        ("Encounter?location:above=room&_sort=_id", ["e1", "e2"]),
        ("Encounter?location:above=Location/floor", ["e2"]),
        ("Organization?partof:below=Organization/city&_sort=_id", ["bm", "bm-icu"]),
        # words
        ("Condition?code:text=VIÊM", ["c1"]),
        ("Condition?code:text=phoi", ["c1"]),
        ("Condition?code:text=dau dau", ["c3"]),
        ("Condition?code:text=cholera", ["c2"]),
        ("Condition?code:text=%", []),
        ("Condition?severity:text=nhe", ["c2"]),
        # terminology
        (f"Condition?code:below={ICD}|A00", ["c2"]),
        (f"Condition?code:below={ICD}|A00-B99,{ICD}|J18&_sort=_id", ["c1", "c2"]),
        (f"Condition?code:above={ICD}|A00.0", ["c2"]),
        (f"Condition?code:above={ICD}|A00", []),
        ("Condition?code:in=http://vs.vn/cholera", ["c2"]),
        ("Condition?code:in=http://vs.vn/all", ["c1"]),
        ("Condition?code:not-in=http://vs.vn/cholera&_sort=_id", ["c1", "c3"]),
        ("Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender&_sort=_id", ["an", "binh"]),
        ("Patient?gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender", ["cuc"]),
        # orders
        ("Patient?_sort=identifier", ["binh", "an", "cuc"]),
        ("Patient?_sort=-identifier", ["an", "binh", "cuc"]),
        ("Patient?_sort=gender", ["an", "binh", "cuc"]),
        ("Patient?_sort=-gender", ["binh", "an", "cuc"]),
        ("Condition?_sort=code", ["c2", "c1", "c3"]),
        ("Condition?_sort=-code,_id", ["c1", "c2", "c3"]),
        ("Condition?_sort=patient,-code", ["c1", "c2", "c3"]),
        ("Condition?_sort=-subject,-onset-date", ["c3", "c2", "c1"]),
        ("Condition?_sort=encounter", ["c1", "c2", "c3"]),
        ("Condition?_sort=-encounter", ["c2", "c1", "c3"]),
        ("Location?_sort=organization,_id", ["floor", "house", "room"]),
        ("ValueSet?_sort=url", ["vs2", "vs1", "vs3"]),
        # missing, not
        ("Patient?gender:missing=true", ["cuc"]),
        ("Patient?_id:missing=false&_sort=_id", ["an", "binh", "cuc"]),
        ("Patient?_lastUpdated:missing=true", []),
        ("Patient?_id:not=an,cuc", ["binh"]),
        ("Patient?gender:not=male&_sort=_id", ["an", "cuc"]),
        ("Condition?encounter:missing=true", ["c3"]),
    ],
)  # fmt: skip
async def test_search_finds(engine: Engine, asked: str, wanted: list[str]) -> None:
    assert await ids(engine, asked) == wanted


@pytest.mark.parametrize(
    "asked",
    ["Condition?encounter.nothing=1", "Condition?code.x=1", "Condition?encounter:Planet.x=1",
     "Practitioner?_has:Encounter:nobody:x=1",
     "Patient?_has:Encounter:location:status=x", "Condition?code:below=A00", "Condition?code:below=urn:x|1",
     "Condition?subject:below=an",
     f"Condition?code:below={ICD}|Z99", "Condition?code:in=http://vs.vn/loop", "Condition?code:text=-", "Patient?_sort=_text",
     "Patient?_sort=_profile", "Patient?_sort:desc=name", "Patient?_contained=true", "Patient?_contained=perhaps",
     "Observation?_sort=code-value-concept", "Condition?" + "encounter.part-of." * 13 + "status=finished"],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused(engine: Engine, asked: str) -> None:
    if asked.endswith("text=-"):
        asked = asked[:-1] + " "
    with pytest.raises((Invalid, NotSupported)) as refused:
        await ids(engine, asked)
    assert refused.value.status == 400 and "Search parameter" in refused.value.text


async def test_the_scope_is_at_every_step(engine: Engine) -> None:
    binh = only("binh")
    assert await ids(engine, "Condition?encounter.status=finished,planned", binh) == ["c2"]
    # what is hidden leads nowhere and proves nothing
    assert await ids(engine, "Practitioner?_has:Encounter:participant:status=finished", binh) == []
    assert await ids(engine, "Location?_has:Encounter:location:_has:Condition:encounter:code=J18.9", binh) == []
    assert await ids(engine, "Provenance?target:Patient.family=nguyen", only("binh", "an")) == ["p1"]
    assert await ids(engine, "Condition?encounter._has:Observation:encounter:code=x", binh) == []
    blind = only("an", "binh", reads=frozenset({"Condition", "Observation"}))
    for asked in ("Condition?encounter.status=finished", "Condition?_has:Provenance:target:recorded=2024"):
        with pytest.raises(Forbidden):
            await ids(engine, asked, blind)


async def test_a_link_that_is_changed_or_gone_leads_there_no_more(engine: Engine) -> None:
    store = Store(engine, system("t"))
    moved = thing("Condition", "moved", subject=ref("Patient/cuc"), encounter=ref("Encounter/e1"))
    await store.commit([Create(moved, id="moved")], TRUST)
    asked = "Condition?patient=cuc&encounter.status="
    assert await ids(engine, asked + "finished") == ["moved"]
    await store.commit([Update(moved | {"encounter": ref("Encounter/e2")})], TRUST)
    assert await ids(engine, asked + "finished") == [] and await ids(engine, asked + "planned") == ["moved"]
    assert await ids(engine, "Encounter?_has:Condition:encounter:patient=cuc") == ["e2"]
    await store.commit([Delete("Condition", "moved")], TRUST)
    assert await ids(engine, "Encounter?_has:Condition:encounter:patient=cuc") == []


async def test_pages_of_every_order_are_the_whole(engine: Engine) -> None:
    priorities = ["asap", "stat", "urgent", None]
    many = [
        thing("Task", f"t{n}", status=["draft", "ready"][n % 2], intent="order", priority=priorities[n % 4],
              focus=ref(f"Condition/c{n % 3}"), owner=ref("Practitioner/doc") if n % 5 else None)
        for n in range(60)
    ]  # fmt: skip
    many = [{k: v for k, v in r.items() if v is not None} for r in many]
    store = Store(engine, system("t"))
    await store.commit([Create(r, id=r["id"]) for r in many], TRUST)
    for order in ("priority", "-priority,focus", "owner,-status,-_id", "-owner", "_lastUpdated,priority", "modified,-focus"):
        whole = await ids(engine, f"Task?_sort={order}&_count=100")
        assert sorted(whole) == sorted(r["id"] for r in many), order
        page = await store.search("Task", [("_sort", order), ("_count", "7")])
        seen = [e.id for e in page.matches]
        while page.next_params:
            page = await store.search("Task", page.next_params)
            seen += [e.id for e in page.matches]
        assert seen == whole, order
    by_priority = [
        next((r.get("priority") for r in many if r["id"] == i), None) for i in await ids(engine, "Task?_sort=priority&_count=100")
    ]
    assert by_priority == ["asap"] * 15 + ["stat"] * 15 + ["urgent"] * 15 + [None] * 15


async def included(engine: Engine, asked: str, scope: Scope | None = None) -> set[str]:
    type_, _, query = asked.partition("?")
    params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    page = await Store(engine, scope or system("t")).search(type_, params, handling="strict", base_url="http://h/fhir")
    return {f"{e.type}/{e.id}" for e in page.entries if e.mode == "include"}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("Location?_id=room&_include=Location:partof", {"Location/floor"}),
        ("Location?_id=room&_include:iterate=Location:partof", {"Location/floor", "Location/house"}),
        ("Location?_id=house&_revinclude:iterate=Location:partof", {"Location/floor", "Location/room"}),
        ("Encounter?_id=e1&_include=*", {"Patient/an", "Practitioner/doc", "Location/room", "Organization/bm-icu"}),
        ("Encounter?_id=e1&_include=Encounter:*:Location", {"Location/room"}),
        ("Encounter?_id=e1&_include=Encounter:location&_include:iterate=Location:*",
         {"Location/room", "Location/floor", "Location/house", "Organization/bm-icu"}),
        ("Condition?_id=c1&_include:iterate=*",
         {"Patient/an", "Encounter/e1", "Practitioner/doc", "Location/room", "Location/floor", "Location/house",
          "Organization/bm-icu", "Organization/bm", "Organization/city"}),
        ("Encounter?_id=e1&_revinclude=Condition:*", {"Condition/c1"}),
        ("Encounter?_id=e1&_revinclude=*", {"Condition/c1", "Observation/o1"}),
        ("Patient?_id=an&_revinclude=*", {"Condition/c1", "Encounter/e1", "Observation/o1", "Provenance/p1", "Account/a1",
                                          "QuestionnaireResponse/r1"}),
        ("Patient?_id=binh&_revinclude=Account:patient", {"Account/a1"}),
        ("Organization?_id=city&_revinclude:iterate=Organization:partof&_revinclude:iterate=Location:organization",
         {"Organization/bm", "Organization/bm-icu", "Location/floor"}),
        ("QuestionnaireResponse?_id=r1&_include=QuestionnaireResponse:questionnaire", {"Questionnaire/q1"}),
        ("Practitioner?_id=doc&_revinclude=Encounter:participant&_include:iterate=Encounter:subject:Patient",
         {"Encounter/e1", "Patient/an"}),
    ],
)  # fmt: skip
async def test_includes(engine: Engine, asked: str, wanted: set[str]) -> None:
    assert await included(engine, asked) == wanted


async def test_includes_stay_in_the_scope(engine: Engine) -> None:
    reads = frozenset({"Encounter", "Condition", "Patient"})
    assert await included(engine, "Encounter?_id=e2&_include=*&_revinclude=*", only("binh", reads=reads)) == {
        "Patient/binh", "Condition/c2"}  # fmt: skip
    assert await included(engine, "Practitioner?_id=two&_revinclude=*", only("binh")) == {"Encounter/e2"}


async def test_an_include_that_goes_on_too_long_says_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(include, "ROUNDS", 1)
    parts = [thing("Location", f"l{n}", partOf=ref(f"Location/l{n - 1}")) for n in range(1, 5)] + [thing("Location", "l0")]
    await Store(engine, system("t")).commit([Create(r, id=r["id"]) for r in parts], TRUST)
    page = await Store(engine, system("t")).search("Location", [("_id", "l4"), ("_include:iterate", "Location:partof")])
    assert len(page.entries) == 3 and "went round" in page.issues[0].text


async def test_counts_totals_and_what_a_page_may_hold(engine: Engine) -> None:
    store = Store(engine, system("t"))

    async def total(*params: tuple[str, str]) -> int | None:
        return (await store.search("Condition", list(params))).total

    assert await total() == 3 and await total(("_total", "none")) is None
    assert await total(("_count", "1")) is None and await total(("_count", "1"), ("_total", "accurate")) == 3
    assert await total(("_count", "1"), ("_total", "estimate")) == 3 and await total(("_summary", "count")) == 3
    page = await store.search("Condition", [("_count", "5000")])
    assert "at most 1000" in page.issues[0].text and page.issues[0].severity == "information"


async def test_summaries_hold_what_the_definitions_mark(engine: Engine) -> None:
    store = Store(engine, system("t"))
    text = {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"}
    full = thing("Observation", "full", status="final", code=concept("x"), text=text, note=[{"text": "n"}], valueInteger=3,
                 referenceRange=[{"text": "1-2"}], component=[{"code": concept("y"), "valueInteger": 1,
                 "interpretation": [concept("H")]}], method=concept("m"), category=[concept("lab")])  # fmt: skip
    await store.commit([Create(full, id="full")], TRUST)

    async def body(*params: tuple[str, str]) -> dict[str, Any]:
        page = await store.search("Observation", [("_id", "full"), *params])
        made: dict[str, Any] = json.loads(page.entries[0].body)
        assert made["meta"]["tag"][0]["code"] == "SUBSETTED"
        return {k: v for k, v in made.items() if k not in ("meta", "id", "resourceType")}

    component = [{"code": concept("y"), "valueInteger": 1}]
    short = {"status": "final", "code": full["code"], "valueInteger": 3, "component": component}
    assert await body(("_summary", "true")) == short
    assert set(await body(("_summary", "text"))) == {"text", "status", "code"}
    assert set(await body(("_summary", "data"))) == set(full) - {"text", "id", "resourceType"}
    assert set(await body(("_elements", "note,value"))) == {"status", "code", "note", "valueInteger"}


async def test_last_updated_in_every_prefix(engine: Engine) -> None:
    store = Store(engine, system("t"))
    seen = {}
    for n in range(3):
        stored = await store.commit([Create(thing("Basic", f"b{n}", code=concept("x")), id=f"b{n}")], TRUST)
        seen[f"b{n}"] = stored[0].updated
        await asyncio.sleep(0.003)
    await store.commit([Update(thing("Basic", "b0", code=concept("y")))], TRUST)  # an older version of b0 stays in the log
    middle = seen["b1"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    wanted = {"gt": {"b2", "b0"}, "ge": {"b1", "b2", "b0"}, "sa": {"b2", "b0"}, "lt": set(), "le": {"b1"}, "eb": set(),
              "eq": {"b1"}, "": {"b1"}, "ne": {"b2", "b0"}}  # fmt: skip
    for prefix, found in wanted.items():
        assert set(await ids(engine, f"Basic?_lastUpdated={prefix}{middle}")) == found, prefix
    assert await ids(engine, "Basic?_sort=_lastUpdated") == ["b1", "b2", "b0"]
    assert await ids(engine, "Basic?_sort=-_lastUpdated&_lastUpdated=lt2100&code=x") == ["b2", "b1"]
    page = await store.search("Basic", [("_sort", "-_lastUpdated"), ("_count", "1")])
    walked = [e.id for e in page.matches]
    while page.next_params:
        page = await store.search("Basic", page.next_params)
        walked += [e.id for e in page.matches]
    assert walked == ["b0", "b2", "b1"]
    assert (await ids(engine, "?_type=Basic")) == ["b0", "b2", "b1"]


async def test_an_upgrade_asks_for_what_is_there_to_be_indexed_again(engine: Engine, record_urls: tuple[str, str]) -> None:
    fill = next(text for name, text in files() if name.startswith("0051"))
    owner = await asyncpg.connect(record_urls[0])
    await owner.execute("DELETE FROM ref")
    await owner.execute(fill)
    await owner.close()
    assert await ids(engine, "Condition?encounter.service-provider=Organization/city") == []
    while await reindex.step(engine):
        pass
    assert await ids(engine, "Condition?encounter.service-provider=Organization/city") == ["c2"]


async def test_an_id_is_packed_alike_in_python_and_in_the_database(engine: Engine) -> None:
    uuid = "0190b6a4-5c1e-7000-8000-00000000abcd"
    urls = ("http://x.vn/Bảng-hỏi/1", "urn:uuid:" + uuid)
    for id_ in ("a", "x" * 14, "x" * 15, "x" * 16, "0" * 64, uuid, uuid.upper(), uuid.replace("-", "."), uuid + "0", *urls):
        row = await engine.db.fetchrow("SELECT packed_id($1::text) AS packed, plain_id($2::bytea) AS plain", id_, packed_id(id_))
        assert row is not None and (row["packed"], row["plain"]) == (packed_id(id_), id_)
    assert len(packed_id(uuid)) == 16 and len({len(packed_id("x" * n)) for n in (15, 16)} & {16}) == 0
