"""The newest observations of each code: Observation/$lastn in one statement.
http://hl7.org/fhir/R4/observation-operation-lastn.html

Observations are of one group when the first coding of their code is the same, or, where there is none with a system, the folded
text. Of one moment all come, even when that is more than was asked for (the standard allows it)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longbien.base.errors import Invalid, Issue
from longbien.base.fold import fold
from longbien.base.sql import queries
from longbien.fhir import json

from . import trail
from .engine import Engine
from .page import Entry, Page
from .scope import Scope
from .search.compile import Compiler
from .search.parse import Handling, parse
from .search.run import entries
from .search.statement import Statement
from .types import number

Q = queries(__file__, "sql/lastn.sql")
TYPE = "Observation"
MOST = 100
TEXTS, ROWS = 2000, 5000
SUBJECTS = ("patient", "subject")


async def lastn(
    engine: Engine, scope: Scope, params: Sequence[tuple[str, str]], most: int, handling: Handling, base_url: str
) -> Page:
    """`params`: a search that names a patient (or subject) and a category or code. Raises Invalid, Forbidden."""
    query = parse(TYPE, params, handling)
    named = {a.param.code for a in query.asks}
    if not named & set(SUBJECTS):
        raise Invalid("$lastn needs the parameter patient (or subject).", code="required")
    if not named & {"category", "code", "combo-code"}:
        raise Invalid("$lastn needs the parameter category or code.", code="required")
    if query.sort or query.include or query.revinclude or query.has or query.cursor or query.summary or query.elements:
        raise Invalid("$lastn takes conditions only: no sorting, including or paging.", code="not-supported")
    compiler = Compiler(engine, scope, base_url)
    compiler.may_read(TYPE)
    s = Statement()
    where = await compiler.rows_sql(TYPE, [*query.asks], "h", s)
    sql = Q.newest.replace("{where}", where).replace("{most}", str(most))
    rows = await engine.db.fetch(sql.replace("{texts}", str(TEXTS + 1)).replace("{rows}", str(ROWS + 1)), *s.args, search=True)
    page = Page(TYPE, self_params=[*query.kept, ("max", str(most))], issues=query.issues, base_url=base_url)
    page.path = f"{TYPE}/$lastn"
    coded = [r for r in rows if r["code"] is not None]
    texts = [r for r in rows if r["code"] is None]
    if len(rows) > ROWS or len(texts) > TEXTS:
        page.issues.append(Issue("warning", "too-costly", "There are more groups than can be given at once: narrow the search."))
    page.entries = await entries(engine, coded[:ROWS], "match")
    page.entries += _by_text(await entries(engine, texts[:TEXTS], "match"), [r["dlo"] for r in texts], most)
    page.total = len(page.entries) if len(rows) <= ROWS and len(texts) <= TEXTS else None
    await _audit(engine, scope, page, query.asked)
    return page


def _by_text(found: list[Entry], when: list[Any], most: int) -> list[Entry]:
    """Of each text the newest, in order of the texts."""
    groups: dict[str, list[tuple[Any, Entry]]] = {}
    for entry, at in zip(found, when, strict=False):
        code = json.loads(entry.body, strict=False).get("code", {})
        coding = next((c.get("display") or c.get("code") for c in code.get("coding", ())), None)
        groups.setdefault(fold(str(code.get("text") or coding or "")), []).append((at, entry))
    kept: list[Entry] = []
    for _, of in sorted(groups.items()):
        last = of[min(most, len(of)) - 1][0]
        kept += [entry for n, (at, entry) in enumerate(of) if n < most or at == last]
    return kept


async def _audit(engine: Engine, scope: Scope, page: Page, asked: Sequence[tuple[str, str]]) -> None:
    why = f"{scope.reason}: Observation/$lastn?{'&'.join(f'{k}={v}' for k, v in asked)}".removeprefix(": ")
    nobody = trail.line(scope, "operation", n=0, type=number(TYPE), why=why)
    people: dict[int | None, int] = {}
    for e in page.entries:
        people[e.pat] = people.get(e.pat, 0) + 1
    await engine.trail.write([nobody._replace(pat=pat, n=n) for pat, n in people.items()] or [nobody])
