"""SearchParameters stored at run time: searchable once indexed, never silently short before, by every process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from longbien.base.errors import Conflict, Invalid, NotSupported, Unavailable
from longbien.base.ids import patient_key
from longbien.record import index, parameters, reindex, write
from longbien.record.change import Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.inside import inside
from longbien.record.scope import Bind, RowSQL, Scope, system
from longbien.record.search import registry
from longbien.record.search.compile import Compiler
from longbien.record.search.parse import parse
from longbien.record.store import Store

X = "http://hanoi.example/fhir"
TRUST = Manner(references="trust", checked=True)


def parameter(code: str, kind: str, expression: str, base: str = "Patient", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter", "id": f"{base}-{code}", "url": f"{X}/SearchParameter/{base}-{code}", "name": "x",
        "status": "active", "description": code, "code": code, "base": [base], "type": kind, "expression": expression, **more,
    }  # fmt: skip


def extension(name: str, **value: Any) -> dict[str, Any]:
    return {"url": f"{X}/{name}", **value}


def path(name: str, base: str = "Patient", kind: str | None = None) -> str:
    of = f"{base}.extension.where(url = '{X}/{name}').value"
    return f"({of} as {kind})" if kind else of


def person(id_: str, *extensions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_, "name": [{"text": "Nguyễn Thị An"}], "extension": list(extensions), **more}


async def put(engine: Engine, *resources: dict[str, Any], manner: Manner = TRUST) -> None:
    await Store(engine, system("t")).commit([Update(r) for r in resources], manner)


async def found(engine: Engine, asked: str, *, handling: Any = "strict", scope: Scope | None = None) -> list[str]:
    type_, _, query = asked.partition("?")
    params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    page = await Store(engine, scope or system("t")).search(type_, params, handling=handling)
    return sorted(e.id for e in page.matches)


async def passes(engine: Engine) -> None:
    """Everything that was asked for, to its end."""
    for _ in range(300):
        if not await reindex.step(engine):
            if not await engine.db.fetchval(reindex.Q.waiting):
                return
            await asyncio.sleep(0.02)
    raise AssertionError("the passes do not end")


KINDS = [
    ("clan", "string", path("clan", kind="string"), extension("clan", valueString="Họ Nguyễn Cảnh"), "nguyen", None),
    ("clan2", "string", path("clan2", kind="string"), extension("clan2", valueString="Trần"), "tr\u1ea7n", None),
    ("blood", "token", path("blood", kind="CodeableConcept"),
     extension("blood", valueCodeableConcept={"coding": [{"system": "urn:abo", "code": "AB"}]}), "urn:abo|AB", "urn:abo|O"),
    ("donor", "token", path("donor"), extension("donor", valueBoolean=True), "true", "false"),
    ("since", "date", path("since", kind="date"), extension("since", valueDate="2019-05-02"), "ge2019-05", "2018"),
    ("height", "quantity", path("height", kind="Quantity"),
     extension("height", valueQuantity={"value": 1.7, "system": "http://unitsofmeasure.org", "code": "m"}),
     "gt160||cm", "gt180||cm"),
    ("siblings", "number", path("siblings", kind="integer"), extension("siblings", valueInteger=3), "gt2", "4"),
    ("home", "uri", path("home", kind="uri"), extension("home", valueUri="http://x.example/a"),
     "http://x.example/a", "http://x.example/b"),
    ("ward", "reference", path("ward", kind="Reference"), extension("ward", valueReference={"reference": "Location/w1"}),
     "Location/w1", "Location/w2"),
]  # fmt: skip


async def test_every_kind_is_searchable_before_and_after(engine: Engine) -> None:
    before = [e for _, _, _, e, _, _ in KINDS]
    await put(engine, person("old", *before), person("none"))
    await put(engine, *[parameter(c, k, x) for c, k, x, _, _, _ in KINDS])
    await put(engine, person("new", *before))
    with pytest.raises(Unavailable, match="being indexed"):
        await found(engine, "Patient?blood=AB")
    page = await Store(engine, system("t")).search("Patient", [("blood", "AB")], handling="lenient")
    assert [i.code for i in page.issues] == ["incomplete"], "said, where the client wants it all the same"
    await passes(engine)
    for code, _, _, _, yes, no in KINDS:
        wanted = ["new", "old"]
        if code == "clan":
            yes = "ho nguyen"
        assert await found(engine, f"Patient?{code}={yes}") == wanted, code
        assert await found(engine, f"Patient?{code}:missing=true") == ["none"], code
        assert await found(engine, f"Patient?{code}:missing=false") == wanted, code
        if no:
            assert await found(engine, f"Patient?{code}={no}") == [], code


async def test_no_new_versions_and_only_what_differs(engine: Engine) -> None:
    versions = await engine.db.fetchval("SELECT count(*) FROM ver")
    before = [r async for r in _dump(engine)]
    await reindex.ask(engine)
    await passes(engine)
    assert await engine.db.fetchval("SELECT count(*) FROM ver") == versions
    assert [r async for r in _dump(engine)] == before, "indexing again by the same definitions changes nothing"
    assert all(p.changed == 0 and p.finished for p in await reindex.progress(engine))


async def _dump(engine: Engine) -> Any:
    for table in ("head", "str", "ix_date", "ix_qty", "code2", "care"):
        for r in await engine.db.fetch(f"SELECT t.*, t.ctid FROM {table} t ORDER BY t.ctid"):
            yield (table, *r.values())


async def test_what_was_written_by_an_older_definition_is_not_found(engine: Engine) -> None:
    await put(engine, person("g1", extension("hue", valueString="xanh"), extension("tint", valueString="đỏ")))
    await put(engine, parameter("hue", "string", path("hue", kind="string")))
    await passes(engine)
    assert await found(engine, "Patient?hue=xanh") == ["g1"]
    await put(engine, parameter("hue", "string", path("tint", kind="string")))
    with pytest.raises(Unavailable):
        await found(engine, "Patient?hue=do")
    await passes(engine)
    assert await found(engine, "Patient?hue=do") == ["g1"]
    assert await found(engine, "Patient?hue=xanh") == []
    asked = await engine.db.fetchval("SELECT asked FROM reindex WHERE type = 103")
    await put(engine, {**parameter("hue", "string", path("tint", kind="string")), "description": "other words"})
    assert await found(engine, "Patient?hue=do") == ["g1"], "the same definition in other words is indexed already"
    assert await engine.db.fetchval("SELECT asked FROM reindex WHERE type = 103") == asked


async def test_retired_or_deleted_it_is_unknown_again(engine: Engine) -> None:
    hue = parameter("hue", "string", path("tint", kind="string"))
    await put(engine, {**hue, "status": "retired"})
    with pytest.raises(Invalid, match="not known"):
        await found(engine, "Patient?hue=do")
    await put(engine, hue)
    await passes(engine)
    assert await found(engine, "Patient?hue=do") == ["g1"]
    await Store(engine, system("t")).commit([Delete("SearchParameter", "Patient-hue")])
    with pytest.raises(Invalid, match="not known"):
        await found(engine, "Patient?hue=do")


async def test_pairs_of_a_repeating_element(engine: Engine) -> None:
    """A composite over communications of its own component parameters: both parts must hold of the same one."""
    await put(
        engine,
        parameter("tongue", "token", "Patient.communication.language"),
        parameter("tongue-preferred", "token", "Patient.communication.preferred"),
        parameter("tongue-pair", "composite", "Patient.communication", component=[
            {"definition": f"{X}/SearchParameter/Patient-tongue", "expression": "language"},
            {"definition": f"{X}/SearchParameter/Patient-tongue-preferred", "expression": "preferred"}]),
    )  # fmt: skip

    def speaks(**preferred: bool) -> list[dict[str, Any]]:
        return [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": c}]}, "preferred": p} for c, p in preferred.items()]

    await put(engine, person("vi", communication=speaks(vi=True, fr=False)), person("fr", communication=speaks(vi=False, fr=True)))
    await passes(engine)
    assert await found(engine, "Patient?tongue=vi&tongue-preferred=true") == ["fr", "vi"]
    assert await found(engine, "Patient?tongue-pair=vi$true") == ["vi"]
    assert await found(engine, "Patient?tongue-pair=urn:ietf:bcp:47|fr$true") == ["fr"]


async def test_followed_sorted_and_included(engine: Engine) -> None:
    sees = parameter("seen-at", "reference", path("seen-at", "Observation", "Reference"), "Observation", target=["Location"])
    rank = parameter("rank", "number", path("rank", kind="integer"))
    await put(engine, sees, rank, {"resourceType": "Location", "id": "room", "name": "Phòng khám 3"})

    def seen(id_: str, of: str, rank_: int) -> list[dict[str, Any]]:
        code = {"coding": [{"system": "urn:x", "code": "c"}]}
        place = extension("seen-at", valueReference={"reference": "Location/room"})
        who = person(of, extension("rank", valueInteger=rank_))
        return [who, {"resourceType": "Observation", "id": id_, "status": "final", "code": code, "extension": [place],
                      "subject": {"reference": f"Patient/{of}"}}]  # fmt: skip

    await put(engine, *seen("s1", "r1", 7), *seen("s2", "r2", 5))
    await passes(engine)
    assert await found(engine, "Observation?seen-at=Location/room") == ["s1", "s2"]
    assert await found(engine, "Observation?seen-at:Location.name=phong") == ["s1", "s2"]
    assert await found(engine, "Observation?patient.rank=7") == ["s1"]
    assert await found(engine, "Patient?_has:Observation:patient:seen-at=Location/room") == ["r1", "r2"]
    assert await found(engine, "Location?_has:Observation:seen-at:code=c") == ["room"]
    store = Store(engine, system("t"))
    told = parameter("told-by", "reference", path("told-by", "Observation", "Reference"), "Observation", target=["Patient"])
    said = seen("s3", "r3", 1)
    said[1]["extension"].append(extension("told-by", valueReference={"reference": "Patient/r1"}))
    said[1]["extension"].append(extension("told-by", valueReference={"reference": "Patient/r3"}))
    await put(engine, *said, told)
    await passes(engine)
    for of in ("r1", "r3"):  # also where the row is in that patient's own record
        assert await found(engine, f"Observation?told-by=Patient/{of}") == ["s3"]
        assert await found(engine, f"Observation?told-by.rank={'7' if of == 'r1' else '1'}") == ["s3"]
    assert await found(engine, "Patient?_has:Observation:told-by:code=c") == ["r1", "r3"]
    assert await found(engine, "Observation?told-by=Patient/r2") == []
    page = await store.search("Patient", [("rank", "gt1"), ("_sort", "rank")], handling="strict")
    assert [e.id for e in page.matches] == ["r2", "r1"]
    page = await store.search("Observation", [("_id", "s1"), ("_include", "Observation:seen-at")], handling="strict")
    assert [e.id for e in page.entries] == ["s1", "room"]
    page = await store.search("Location", [("_revinclude", "Observation:seen-at")], handling="strict")
    assert sorted(e.id for e in page.entries) == ["room", "s1", "s2", "s3"]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    (parameter("a", "token", "Patient.name.where("), "expression", "FHIRPath"),
    (parameter("a", "token", "Patient.colour"), "expression", "leads nowhere"),
    (parameter("a", "token", "Observation.code"), "expression", "leads nowhere"),
    (parameter("a", "date", "Patient.name"), "type", "HumanName"),
    (parameter("a", "token", "Patient.descendants()"), "expression", "descendants"),
    (parameter("a", "token", "Patient.name.where(family.matches('(a+)+$'))"), "expression", "matches"),
    (parameter("a", "token", "Patient.name.where(%resource.name.exists()).use"), "expression", "%resource"),
    (parameter("a", "token", "Patient.gender" + " | Patient.gender" * 200), "expression", "over 2000"),
    (parameter("a", "special", "Patient.name"), "type", "special"),
    (parameter("a", "token", "Patient.name", "Resource"), "base", "Resource"),
    (parameter("birthdate", "date", "Patient.birthDate"), "code", "R4 has"),
    ({**parameter("mine", "token", "Patient.gender"), "code": "_mine"}, "code", "must be a letter"),
    ({k: v for k, v in parameter("a", "token", "x").items() if k != "expression"}, "expression", "needed"),
    (parameter("a", "composite", "Patient", component=[]), "component", "exactly two"),
    (parameter("a", "composite", "Patient", component=[
        {"definition": "http://hl7.org/fhir/SearchParameter/individual-gender", "expression": "gender"},
        {"definition": "http://x.example/none", "expression": "name"}]), "component[1].definition", "no search parameter"),
    (parameter("a", "composite", "Patient", component=[
        {"definition": "http://hl7.org/fhir/SearchParameter/individual-gender", "expression": "gender"},
        {"definition": "http://hl7.org/fhir/SearchParameter/individual-birthdate", "expression": "birthDate"}]),
     "component[1].definition", "not date"),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "element", "said"), WRONG)
async def test_wrong_definitions_are_refused_naming_the_element(
    engine: Engine, resource: dict[str, Any], element: str, said: str
) -> None:  # fmt: skip
    with pytest.raises(Invalid) as refused:
        await put(engine, resource)
    assert refused.value.status == 422 and said in refused.value.text
    assert refused.value.issues[0].expression == f"SearchParameter.{element}"
    await put(engine, {**resource, "id": "kept", "status": "draft"})  # kept like any resource, without effect


async def test_a_code_is_held_by_one_and_what_r4_has_is_taken_as_it_is(engine: Engine) -> None:
    with pytest.raises(Invalid, match="SearchParameter/Patient-blood makes"):
        await put(engine, {**parameter("blood", "token", "Patient.gender"), "id": "another"})
    stamp = await engine.db.fetchval("SELECT stamp FROM search_state")
    own = "http://hl7.org/fhir/SearchParameter/individual-birthdate"
    await put(engine, {**parameter("birthdate", "date", "Patient.birthDate"), "id": "r4", "url": own})
    await put(engine, {**parameter("birthdate", "date", "Patient.birthDate"), "id": "national", "derivedFrom": own})
    assert await engine.db.fetchval("SELECT stamp FROM search_state") == stamp, "nothing to index"


async def test_every_process_learns_of_it_before_it_writes_or_searches(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that no news reaches is played by putting back what this one knew before."""
    monkeypatch.setattr(parameters, "quietly", _deaf)
    before = registry.current
    await put(engine, parameter("nick", "string", path("nick", kind="string")))
    registry.put(before)
    await put(engine, person("n1", extension("nick", valueString="Tí")))
    assert registry.current.find("Patient", "nick"), "the commit was refused by the database and repeated"
    await passes(engine)
    now = registry.current
    registry.put(before)
    assert await found(engine, "Patient?nick=ti") == ["n1"], "an unknown name is looked up before it is called unknown"
    await Store(engine, system("t")).commit([Delete("SearchParameter", "Patient-nick")])
    registry.put(now)
    with pytest.raises(Invalid, match="not known"):
        await found(engine, "Patient?nick=ti")
    registry.put(before)
    with pytest.raises(Conflict):
        async with inside(Store(engine, system("t"))) as within:
            await within.commit([Update(person("n2"))], TRUST)
    async with inside(Store(engine, system("t"))) as within:  # the client's repetition
        await within.commit([Update(person("n2"))], TRUST)


async def _deaf(_: Any) -> None:
    return None


async def test_a_commit_under_way_with_the_old_definitions_is_waited_for(engine: Engine) -> None:
    """Between its look at the stamp and its end: the pass begins only after it, so what it wrote is indexed."""
    async with engine.db.transaction() as slow:
        early = [Update(person("slow", extension("gait", valueString="chậm")))]
        await write.commit(engine, system("t"), early, TRUST, connection=slow)
        await put(engine, parameter("gait", "string", path("gait", kind="string")))
        assert not await reindex.step(engine), "the pass waits for the commit"
        with pytest.raises(Unavailable):
            await found(engine, "Patient?gait=cham")
    await passes(engine)
    assert await found(engine, "Patient?gait=cham") == ["slow"]


async def test_a_killed_pass_goes_on_and_writers_are_not_in_its_way(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "BATCH", 3)
    many = [person(f"m{n}", extension("age-group", valueCode=f"g{n % 3}"), birthDate=f"19{50 + n}") for n in range(20)]
    await put(engine, *many)
    await put(engine, parameter("age-group", "token", path("age-group")))
    for _ in range(3):
        assert await reindex.step(engine)
    with pytest.raises(RuntimeError), monkeypatch.context() as killed:  # inside a batch: nothing of it is kept
        killed.setattr(index, "side_rows", _dies)
        await reindex.step(engine)
    place = await engine.db.fetchrow("SELECT done, rid FROM reindex WHERE type = 103")
    assert place is not None and place["done"] == 9
    await put(engine, person("m19", extension("age-group", valueCode="moved"), birthDate="1800"), person("m0", birthDate="2020"))
    await passes(engine)
    assert await found(engine, "Patient?age-group=moved") == ["m19"]
    wanted = sorted(f"m{n}" for n in range(1, 19) if n % 3 == 0)
    assert await found(engine, "Patient?age-group=g0") == wanted


def _dies(*_: Any) -> Any:
    raise RuntimeError("killed")


class _Only:
    def __init__(self, *ids: str):
        self.pats = [patient_key(i) for i in ids]

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"{row.pat} = ANY({bind(self.pats)}::int8[])"


async def test_a_limited_scope_finds_no_more_by_it(engine: Engine) -> None:
    scope = Scope(7, "nurse", "TREAT", "on the ward", _Only("new"), reads=frozenset({"Patient"}), writes=frozenset())
    assert await found(engine, "Patient?blood=AB", scope=scope) == ["new"]
    assert await found(engine, "Patient?blood:missing=false", scope=scope) == ["new"]
    assert await found(engine, "Patient?blood:missing=true", scope=scope) == []


async def test_its_key_drives_the_plan(engine: Engine) -> None:
    await put(engine, *[person(f"x{n}") for n in range(1500)])
    await engine.db.execute("SELECT record_analyze()")
    for asked, index_name in (("blood=urn:abo|AB", "head_gin"), ("clan=ho nguyen", "str_p"), ("siblings=gt2", "ix_qty")):
        name, _, value = asked.partition("=")
        heads = await Compiler(engine, system("t")).heads(parse("Patient", [(name, value)], "strict"), None)
        sql, args = heads.page(21)
        plan = "\n".join(r[0] for r in await engine.db.fetch("EXPLAIN " + sql, *args, search=True))
        assert index_name in plan and "Seq Scan on head" not in plan, plan


async def test_what_it_cannot_do_is_said(engine: Engine) -> None:
    with pytest.raises(NotSupported):
        await found(engine, "Patient?siblings:above=3")
    with pytest.raises(Invalid):
        await found(engine, "Patient?siblings=many")


async def test_a_batch_begins_where_the_pass_has_come_to(engine: Engine) -> None:
    """Also under a plan that is kept for all values: else the pass would walk from the beginning for every batch."""
    async with engine.db.transaction() as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(r[0] for r in await connection.fetch("EXPLAIN " + reindex.Q.batch, 103, index.EARLIEST, 5, 10))
    assert "head_dt" in plan and "ROW(dlo, rid)" in plan.split("Index Cond")[1].split("\n")[0], plan


async def test_definitions_and_passes_never_wait_in_a_circle(engine: Engine) -> None:
    """Without one order of locks one of them dies of it (40P01, a Conflict) within a few rounds."""
    ended = asyncio.Event()

    async def work() -> None:
        while not ended.is_set():
            if not await reindex.step(engine):
                await asyncio.sleep(0)

    async def define(n: int) -> None:
        for turn in range(6):
            base = ("Basic", "Flag", "Slot")[(n + turn) % 3]
            await put(engine, parameter(f"turn{n}", "token", f"{base}.id", base))

    workers = [asyncio.create_task(work()) for _ in range(3)]
    await asyncio.gather(*(define(n) for n in range(4)))
    ended.set()
    await asyncio.gather(*workers)
    await passes(engine)
    assert all(o.ready for t in registry.current.by_type for o in registry.current.of(t)) or await parameters.fresh(engine.db)
    ready = await engine.db.fetchval("SELECT bool_and(ready) FROM search_parameter")
    assert ready
