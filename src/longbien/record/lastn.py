"""The newest observations of each code: Observation/$lastn in one statement.
http://hl7.org/fhir/R4/observation-operation-lastn.html

Observations are of one group when they share a coding of their code, also by way of a third one; without codings, when their
text is the same, however toned. Of one moment all come, even when that is more than was asked for (the standard allows it). The
database ranks by the first coding and says which codes ever stand together; what is left is grouped here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
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
    texts = sum(r["code"] is None for r in rows)
    cut = len(rows) > ROWS or texts > TEXTS
    if cut:
        page.issues.append(Issue("warning", "too-costly", "There are more groups than can be given at once: narrow the search."))
    rows = rows[:ROWS]
    page.entries = _chosen(await entries(engine, rows, "match"), rows, most)
    page.total = None if cut else len(page.entries)
    await _audit(engine, scope, page, query.asked)
    return page


def _chosen(found: list[Entry], rows: Sequence[Any], most: int) -> list[Entry]:
    """The newest of each group; groups in the order of their newest."""
    joined = _Groups()
    for a, b in (rows[0]["links"] or ()) if rows else ():
        joined.join(a, b)
    names: list[Hashable] = []
    for entry, row in zip(found, rows, strict=True):
        own = [*([row["code"]] if row["code"] is not None else []), *_names(entry.body)]
        for other in own[1:]:
            joined.join(own[0], other)
        names.append(own[0])
    groups: dict[Hashable, list[tuple[Any, Entry]]] = {}
    for entry, row, name in zip(found, rows, names, strict=True):
        groups.setdefault(joined.of(name), []).append((row["dlo"], entry))
    kept: list[Entry] = []
    for group in groups.values():  # newest first, as the rows are
        last = group[min(most, len(group)) - 1][0]
        kept += [entry for n, (at, entry) in enumerate(group) if n < most or at == last]
    return kept


def _names(body: bytes) -> list[Hashable]:
    concept = json.loads(body, strict=False).get("code", {})
    codings: list[Hashable] = [(c.get("system"), c["code"]) for c in concept.get("coding", ()) if c.get("code")]
    shown = next((c["display"] for c in concept.get("coding", ()) if c.get("display")), "")
    return codings or [fold(str(concept.get("text") or shown))]


class _Groups:
    """Which names mean the same."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def of(self, name: Hashable) -> Hashable:
        while (above := self._above.get(name, name)) != name:
            name = above
        return name

    def join(self, a: Hashable, b: Hashable) -> None:
        if (x := self.of(a)) != (y := self.of(b)):
            self._above[x] = y


async def _audit(engine: Engine, scope: Scope, page: Page, asked: Sequence[tuple[str, str]]) -> None:
    why = f"{scope.reason}: Observation/$lastn?{'&'.join(f'{k}={v}' for k, v in asked)}".removeprefix(": ")
    nobody = trail.line(scope, "operation", n=0, type=number(TYPE), why=why)
    people: dict[int | None, int] = {}
    for e in page.entries:
        people[e.pat] = people.get(e.pat, 0) + 1
    await engine.trail.write_of(nobody, people)
