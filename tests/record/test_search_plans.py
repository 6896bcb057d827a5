"""No cliff: what a page costs is counted in pages of the database that its plan touches (EXPLAIN, BUFFERS), on a record with a hot
patient of 100,000 observations among 50,000 of others. Rows are made by SQL; nothing is measured by the clock."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from longbien.access.rows import CareRows
from longbien.base.ids import key64, patient_key
from longbien.record import life
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.search import slots
from longbien.record.search.compile import Compiler
from longbien.record.search.keys import param_key
from longbien.record.search.parse import encode_cursor, parse
from longbien.record.types import number

LOINC = "http://loinc.org"
HOT, OTHERS, EACH = 100_000, 500, 100
CODES = 200
"""Code n stands on every 200th observation; code 'rare' on ten of the hot patient's."""
PAGE = 21


MAKE = f"""
INSERT INTO head (rid, pat, code, dlo, dhi, upd, val, ver, type, id, terms)
SELECT g, CASE WHEN g <= {HOT} THEN $1::int8 ELSE ($2::int8[])[1 + (g - {HOT} - 1) / {EACH}] END, c.keys[1], d.at,
       d.at + interval '1 second', timestamptz '2020-01-01' + make_interval(secs => g), g % 100, 1, $3::int2, 'o' || g,
       ARRAY[$4::int8, c.keys[1], c.keys[2], $5::int8, ($6::int8[])[1 + g % 2000]]
FROM generate_series(1, {HOT + OTHERS * EACH}) g
JOIN LATERAL (SELECT CASE WHEN g <= {HOT} AND g % 10000 = 0 THEN $7::int8[]
              ELSE ARRAY[($8::int8[])[1 + g % {CODES}], ($9::int8[])[1 + g % {CODES}]] END AS keys) c ON true
JOIN LATERAL (SELECT timestamptz '2000-01-01' + make_interval(mins => (g::int8 * 7919 % 10000000)::int) AS at) d ON true
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def crowd(engine: Engine, record_urls: tuple[str, str]) -> None:
    patients = [patient_key(f"p{n}") for n in range(OTHERS)]
    bits = slots.bits("Observation")
    there = sum(bits[p] for p in ("date", "code", "status", "patient", "subject", "encounter"))
    way = f"Observation.code|{LOINC}|"
    owner = await asyncpg.connect(record_urls[0])
    await owner.execute(
        MAKE, patient_key("hot"), patients, number("Observation"), there, key64("Observation.status=final"),
        [key64(f"Observation.encounter|Encounter/e{n}") for n in range(2000)],
        [key64(way + "rare"), key64("Observation.code=rare")],
        [key64(f"{way}c{n}") for n in range(CODES)], [key64(f"Observation.code=c{n}") for n in range(CODES)],
    )  # fmt: skip
    await owner.execute(
        f"""INSERT INTO head (rid, pat, dlo, dhi, upd, ver, type, id, terms)
            SELECT 1000000 + n, ($1::int8[])[1 + n % {OTHERS}], now(), now(), now(), 1, $2::int2, 'e' || n,
                   ARRAY[0, CASE WHEN n = 7 THEN $3::int8 ELSE $4::int8 END] FROM generate_series(0, 1999) n""",
        patients, number("Encounter"), key64("Encounter.status=planned"), key64("Encounter.status=finished"),
    )  # fmt: skip
    await owner.execute(
        "INSERT INTO head (rid, pat, upd, ver, type, id, terms) VALUES (2000000, $1, now(), 1, $2, 'hot', $3::int8[])",
        patient_key("hot"), number("Patient"), [0, key64("Patient.identifier=H1"), key64("Patient.identifier|urn:h|H1")],
    )  # fmt: skip
    await owner.execute(  # what code c10 stands on has c9 as its second coding
        "INSERT INTO code2 (code, dlo, rid, pat) SELECT $1::int8, dlo, rid, pat FROM head WHERE code = $2",
        key64(f"{way}c9"), key64(f"{way}c10"),
    )  # fmt: skip
    await owner.execute("INSERT INTO ver (rid, upd, ver, op, body) SELECT rid, upd, 1, 1, '' FROM head")
    p, type_ = param_key("Observation.encounter"), number("Encounter")
    await owner.execute(f"INSERT INTO ref SELECT rid, {p}, {type_}, packed_id('e' || rid % 2000) FROM head WHERE rid < 1000000")
    # components: codes of their own, which no search below asks for
    await owner.execute(
        "INSERT INTO code2 (code, dlo, rid, pat, val) SELECT code # 1, dlo, rid, pat, val FROM head WHERE rid < 1000000"
    )
    await owner.execute("VACUUM ANALYZE")
    await owner.close()


async def statement(engine: Engine, asked: str, after: list[Any] | None = None) -> tuple[str, list[Any]]:
    type_, _, query = asked.partition("?")
    params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    params += [("_page", encode_cursor(after))] if after else []
    sql, args = (await Compiler(engine, system("t")).heads(parse(type_ or None, params), None)).page(PAGE)
    return sql, args


async def explained(engine: Engine, sql: str, args: Any) -> tuple[int, str]:
    await engine.db.fetch(sql, *args, search=True)
    rows = await engine.db.fetch("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + sql, *args, search=True)
    plan = json.loads(rows[0][0])[0]["Plan"]
    text = "\n".join(r[0] for r in await engine.db.fetch("EXPLAIN " + sql, *args, search=True))
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], text


async def cost(engine: Engine, asked: str, after: list[Any] | None = None) -> tuple[int, str]:
    """Pages touched by the statement and by what was looked up before it, and the plans."""
    asked_before: list[tuple[str, Any]] = []
    real = engine.db.fetch

    async def recording(sql: str, *args: Any, search: bool = False) -> Any:
        asked_before.append((sql, args))
        return await real(sql, *args, search=search)

    engine.db.fetch = recording  # type: ignore[method-assign]
    try:
        last = await statement(engine, asked, after)
    finally:
        engine.db.fetch = real  # type: ignore[method-assign]
    found = [await explained(engine, sql, args) for sql, args in [*asked_before, last]]
    return sum(n for n, _ in found), "\n\n".join(text for _, text in found)


async def cursor(engine: Engine, asked: str, skip: int) -> list[Any]:
    """The place behind the first `skip` rows."""
    type_, _, query = asked.partition("?")
    params = [(k, v) for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    heads = await Compiler(engine, system("t")).heads(parse(type_ or None, params), None)
    sql, args = heads.page(skip)
    rows = await engine.db.fetch(sql, *args, search=True)
    assert len(rows) == skip
    return heads.cursor(rows[-1])


@pytest.mark.parametrize(
    ("asked", "most"),
    [
        ("Observation?patient=hot", 150),
        ("Observation?patient=hot&_sort=date", 150),
        ("Observation?patient=hot&date=ge2010-01-01", 150),
        (f"Observation?patient=hot&code={LOINC}|c7", 6000),
        (f"Observation?patient=hot&code={LOINC}|rare", 300),
        ("Observation?patient=hot&code=rare", 300),
        (f"Observation?code={LOINC}|c7", 300),
        (f"Observation?code={LOINC}|c7&date=ge2010-01-01&date=lt2010-02-01", 300),
        ("Observation?encounter=Encounter/e7", 300),
        ("Observation?patient=hot&encounter=Encounter/e7", 300),
        ("Observation?encounter.status=planned", 600),
        ("Observation?patient=p7&encounter.status=planned", 900),
        ("Observation?patient=hot&encounter.status=finished", 2000),
        ("Encounter?_has:Observation:encounter:code=rare", 300),
        ("Patient?_has:Observation:patient:code=rare", 300),
        ("Patient?_has:Observation:patient:status=final", 6000),
        ("Encounter?_has:Observation:encounter:status=final", 12000),
        ("Observation?_id=" + ",".join(f"o{n * 7}" for n in range(1000)), 9000),
        ("Observation?code=" + ",".join(f"x{n}" for n in range(999)) + ",rare", 6000),
        ("Observation?encounter=" + ",".join(f"Encounter/none{n}" for n in range(999)) + ",Encounter/e7", 6000),
        ("Observation?patient=hot&code=" + ",".join(f"c{n}" for n in range(100, 150)), 300),
        ("Observation?patient=hot&code=" + ",".join(f"x{n}" for n in range(999)) + ",c7", 6000),
        ("Observation?code=" + ",".join(f"c{n}" for n in range(190)), 8000),
        ("Patient?name=" + ",".join(f"ng{n}" for n in range(1000)), 5000),
        ("Observation?patient=" + ",".join(f"p{n}" for n in range(20)), 3000),
    ],
)
async def test_what_a_page_costs_does_not_grow_with_the_record(engine: Engine, asked: str, most: int) -> None:
    touched, plan = await cost(engine, asked)
    assert touched <= most, f"{touched} pages\n{plan}"
    assert "Seq Scan on head" not in plan.split("\n\n")[-1], plan  # what is looked up before stops by itself


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (f"Observation?code={LOINC}|c7&date=ge2018-12-01", PAGE),
        (f"Observation?code={LOINC}|c7&date=ge2018-12-01&date=lt2019-01-01", PAGE),
        (f"Observation?code={LOINC}|c9&date=ge2018-12-01", PAGE),
        (f"Observation?code={LOINC}|c9&date=ge2018-12-01&date=lt2018-12-08", PAGE),
        (f"Observation?code={LOINC}|nowhere&date=ge2018-12-01", 0),
    ],
)
async def test_a_kept_plan_reads_what_a_page_needs(engine: Engine, asked: str, found: int) -> None:
    """A plan that is made once for every value sees none of them. It must neither read every older row of a code for what lasts
    long, nor the newest rows of the record for those of a second coding."""
    sql, args = await statement(engine, asked)
    values = ", ".join(f"'{a}'" for a in args)
    async with engine.db.transaction() as connection:
        assert await connection.fetchval("SHOW plan_cache_mode") == "force_generic_plan"
        await connection.execute(f"PREPARE kept AS {sql}")
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE kept({values})")
        await connection.execute("DEALLOCATE kept")
    plan = json.loads(rows[0][0])[0]["Plan"]
    assert bool(plan["Actual Rows"]) is bool(found)
    touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert touched <= 300, f"{touched} pages\n{json.dumps(plan, indent=1)}"


@pytest.mark.parametrize(
    "asked",
    [
        "Observation?patient=hot",
        "Observation?",
        "Observation?patient=hot&_sort=date",
        "Observation?status=final",
        "Observation?_sort=_lastUpdated",
        "?_type=Observation",
    ],
)
async def test_a_page_far_in_costs_what_the_first_costs(engine: Engine, asked: str) -> None:
    first, _ = await cost(engine, asked)
    far = await cursor(engine, asked, 90_000)
    touched, plan = await cost(engine, asked, far)
    assert touched <= 2 * first + 50, f"{first} pages first, {touched} far in\n{plan}"


@pytest.mark.parametrize("name", ["patient", "columns", "kinds", "parts", "bodies"])
async def test_the_chart_is_driven_by_the_patients_key(engine: Engine, name: str) -> None:
    """Each of the chart's statements finds its rows by the patient's key and walks no table: what it costs is the patient's own
    life, and the tables may be spread over machines by that key."""
    observation, code = number("Observation"), key64(f"Observation.code|{LOINC}|c7") ^ 1
    given: dict[str, tuple[Any, ...]] = {
        "patient": (number("Patient"),), "columns": (observation, 1), "kinds": (observation,),
        "parts": (observation, [code]), "bodies": ([observation, number("Encounter")], 500),
    }  # fmt: skip
    doctor = replace(system("t"), rows=CareRows(key64("Organization/bv"), 90))
    kind = "h.type" if name == "bodies" else "$2::smallint"
    sql, args = life._scoped(
        doctor, life._PARTS if name == "parts" else getattr(life.Q, name), kind, patient_key("p7"), *given[name]
    )
    plan = "\n".join(r[0] for r in await engine.db.fetch("EXPLAIN " + sql, *args, search=True))
    assert re.search(r"Index Cond: \(+(h\.|c\.)?pat = ", plan), plan
    assert "Seq Scan on head" not in plan and "Seq Scan on code2" not in plan and "Seq Scan on ver" not in plan, plan
