"""_text and _content: folded words, in the same commit as the resource, kept only where a setting wants them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from longbien.base.errors import Invalid, NotSupported, Unavailable
from longbien.base.ids import patient_key
from longbien.record import full_text, reindex
from longbien.record.change import Delete, Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import Bind, RowSQL, Scope, system
from longbien.record.search.compile import Compiler
from longbien.record.search.params import words
from longbien.record.search.parse import parse
from longbien.record.store import Store

TRUST = Manner(references="trust", checked=True)


def told(text: str) -> dict[str, Any]:
    return {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'}


def condition(id_: str, of: str, text: str | None, **more: Any) -> dict[str, Any]:
    r = {"resourceType": "Condition", "id": id_, "subject": {"reference": f"Patient/{of}"}, **more}
    return r if text is None else r | {"text": told(text)}


async def put(engine: Engine, *resources: dict[str, Any]) -> None:
    await Store(engine, system("t")).commit([Update(r) for r in resources], TRUST)


async def found(engine: Engine, asked: str, *, scope: Scope | None = None, handling: Any = "strict") -> list[str]:
    type_, _, query = asked.partition("?")
    params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    page = await Store(engine, scope or system("t")).search(type_ or None, params, handling=handling)
    return sorted(e.id for e in page.matches)


async def passes(engine: Engine) -> None:
    for _ in range(2000):
        if not await reindex.step(engine):
            if not await engine.db.fetchval(reindex.Q.waiting):
                return
            await asyncio.sleep(0.02)
    raise AssertionError("the passes do not end")


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def conditions(engine: Engine) -> None:
    await put(
        engine,
        condition("dtd", "an", "<p>Đái tháo <b>đường</b> típ 2 &amp; tăng huyết áp</p>"),
        condition("bone", "an", "metastases in the bone"),
        condition("liver", "binh", "liver: Metastases", note=[{"text": "Ghi chú: gan nhiễm mỡ"}]),
        condition("coded", "binh", None, code={"text": "Viêm phổi", "coding": [{"system": "urn:icd", "code": "J18.9"}]}),
        {"resourceType": "Patient", "id": "an", "text": told("Nguyễn Thị An, đường Láng")},
    )


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("dai thao duong", "dtd"),
        ("ĐÁI THÁO", "dtd"),
        ("đường and 2", "dtd"),
        ("(bone OR liver) and metastases", "bone liver"),
        ("metastases not liver", "bone"),
        ("metastases NOT (bone or thao)", "liver"),
        ("bone,huyet", "bone dtd"),
        ("metas*", "bone liver"),
        ("metas", ""),
        ("gan", ""),
        ("b", ""),
        ("xhtml", ""),
        ("huyet-ap", "dtd"),
    ],
)
async def test_words_of_the_narrative(engine: Engine, asked: str, wanted: str) -> None:
    assert await found(engine, f"Condition?_text={asked}") == wanted.split()


async def test_over_all_types_and_in_chains(engine: Engine) -> None:
    assert await found(engine, "?_text=duong") == ["an", "dtd"]
    assert await found(engine, "?_text=duong&_type=Patient") == ["an"]
    assert await found(engine, "Condition?patient._text=lang") == ["bone", "dtd"]


@pytest.mark.parametrize(
    "asked",
    ['"bone metastases"', "not bone", "bone or not liver", "(bone", "bone)", "()", "!!!", "(" * 30 + "a", "a " * 200],
)
async def test_wrong_questions_are_refused(engine: Engine, asked: str) -> None:
    with pytest.raises(Invalid, match="_text"):
        await found(engine, f"Condition?_text={asked}")


async def test_a_new_version_and_a_deletion_take_words_away(engine: Engine) -> None:
    await put(engine, condition("moving", "an", "sốt rét"))
    assert await found(engine, "Condition?_text=sot ret") == ["moving"]
    await put(engine, condition("moving", "an", "cúm"))
    assert await found(engine, "Condition?_text=sot ret") == []
    assert await found(engine, "Condition?_text=cum") == ["moving"]
    await Store(engine, system("t")).commit([Delete("Condition", "moving")])
    assert await found(engine, "?_text=cum") == []
    assert not await engine.db.fetchval("SELECT count(*) FROM narrative n JOIN head h USING (rid) WHERE h.deleted")


class _Only:
    def __init__(self, *ids: str):
        self.pats = [patient_key(i) for i in ids]

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"{row.pat} = ANY({bind(self.pats)}::int8[])"


async def test_a_limited_scope_finds_no_more(engine: Engine) -> None:
    scope = Scope(7, "nurse", "TREAT", "on the ward", _Only("an"), reads=frozenset({"Condition"}), writes=frozenset())
    assert await found(engine, "Condition?_text=metastases", scope=scope) == ["bone"]
    assert await found(engine, "?_text=metastases", scope=scope) == ["bone"]
    assert await found(engine, "?_text=lang", scope=scope) == [], "Patient is not read by it"


async def test_all_content_when_the_setting_wants_it(engine: Engine) -> None:
    with pytest.raises(NotSupported, match="LONGBIEN_FULL_TEXT"):
        await found(engine, "Condition?_content=gan")
    assert await full_text.want(engine, "all")
    assert not await full_text.want(engine, "all"), "that is no change"
    with pytest.raises(Unavailable, match="being indexed"):
        await found(engine, "Condition?_content=gan")
    await put(engine, condition("late", "an", None, note=[{"text": "gan to"}]))
    await passes(engine)
    assert await found(engine, "Condition?_content=gan") == ["late", "liver"]
    assert await found(engine, "Condition?_content=viem phoi J18.9") == ["coded"]
    assert await found(engine, "Condition?_content=dai thao duong") == ["dtd"], "the narrative is content too"
    assert await found(engine, "?_content=urn") == [] and await found(engine, "?_content=Patient") == []
    assert await found(engine, "Condition?_text=metastases") == ["bone", "liver"]


async def test_off_it_is_refused_and_the_rows_go(engine: Engine) -> None:
    assert await full_text.want(engine, "off")
    await put(engine, condition("silent", "an", "metastases"))
    with pytest.raises(NotSupported):
        await found(engine, "Condition?_text=metastases", handling="lenient")
    await passes(engine)
    assert await engine.db.fetchval("SELECT (SELECT count(*) FROM narrative) + (SELECT count(*) FROM content)") == 0
    assert await full_text.want(engine, "narrative")
    with pytest.raises(Unavailable):
        await found(engine, "Condition?_text=metastases")
    await passes(engine)
    assert await found(engine, "Condition?_text=metastases") == ["bone", "liver", "silent"]
    with pytest.raises(Invalid):
        await full_text.want(engine, "everything")


async def test_the_index_drives(engine: Engine) -> None:
    await put(engine, *[condition(f"x{n}", "binh", f"số {n} tay") for n in range(3000)])
    await engine.db.execute("SELECT record_analyze()")
    heads = await Compiler(engine, system("t")).heads(parse("Condition", [("_text", "2345")], "strict"))
    sql, args = heads.page(21)
    plan = "\n".join(r[0] for r in await engine.db.fetch("EXPLAIN " + sql, *args, search=True))
    assert "narrative_words" in plan and "Seq Scan" not in plan, plan


def test_a_text_without_end_is_cut_at_a_word() -> None:
    many = words.distinct(" ".join(f"từ{n}" for n in range(200_000)))
    assert len(many.encode()) <= words.MOST_BYTES and many.split()[-1].startswith("tu")
