"""SearchParameters stored at run time: searchable once indexed, never silently short before, by every process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from longbien.base.errors import Conflict, Invalid, NotSupported, Unavailable
from longbien.base.ids import patient_key
from longbien.record import parameters, reindex, write
from longbien.record.change import Create, Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.inside import inside
from longbien.record.scope import Bind, Scope, system
from longbien.record.search import registry
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
     extension("height", valueQuantity={"value": 1.7, "system": "http://unitsofmeasure.org", "code": "m"}), "gt160||cm", "gt180||cm"),
    ("siblings", "number", path("siblings", kind="integer"), extension("siblings", valueInteger=3), "gt2", "4"),
    ("home", "uri", path("home", kind="uri"), extension("home", valueUri="http://x.example/a"), "http://x.example/a", "http://x.example/b"),
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
