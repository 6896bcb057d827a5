"""The head query of one search: which rows, in which order, from where on. One SELECT, or branches each served by its own index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from longbien.base.errors import Invalid
from longbien.record.types import number

from .ask import Cond
from .keys import LONG, key, long_key
from .params import dates
from .parse import Query
from .sort import Key, keys
from .statement import Statement, used

MOST_BRANCHES = 8
_ORDER = re.compile(r"\bh\.(dlo|rid)\b")
COLUMNS = "h.rid, h.ver, h.type, h.id, h.pat, h.upd"
_LASTS = "CASE WHEN isfinite(h.dlo) THEN h.dhi - h.dlo > interval '32 days' ELSE h.dhi > h.dlo END"
"""Spans more than dates.SPAN, in the words of index head_long."""
_SECOND = "code2 c CROSS JOIN LATERAL (SELECT * FROM head x WHERE x.rid = c.rid OFFSET 0) h"
"""Rows by a later coding. OFFSET 0: each looked up by its key in the order of code2_code. A kept plan that may choose hashes the
newest rows of the whole record, to find that none has the code."""


class Past(NamedTuple):
    """Rows, table by table, of resources as they were at some version."""

    head: list[Any]
    str: list[Any]
    ix_date: list[Any]
    ix_qty: list[Any]
    code2: list[Any]
    ref: list[Any]


class Heads:
    """The head query of one search: `page` and `count` give (sql, args)."""

    def __init__(self, query: Query, s: Statement, conds: list[Cond], frame: list[str]):
        self.query = query
        self._s = s
        self._conds = conds
        self._frame = frame
        # over all types only the log is in order; one patient's rows are sorted by date as everywhere
        sort = query.sort or ([("_lastUpdated", True)] if query.type is None and not any(c.pat for c in conds) else [])
        self.keys = keys(query.type, sort)

    @property
    def steady(self) -> bool:
        """One plan is right for every value, so the server may keep it (planning takes longer than such a search itself): rows by
        id, one patient's rows, rows by a rare term (no index gives them in order, so none can tempt), and one code's rows by date
        with nothing beside it. Elsewhere a plan that does not see the values cannot know which is rare (docs/why/storage.md)."""
        conds = self._conds
        if self.query.type is None:
            return False
        if any(c.steady for c in conds):
            return True
        if not self._by_date:
            return False
        if any(c.typed and c.selective and "@>" in c.sql for c in conds) and not any(c.hot or c.pat for c in conds):
            return True
        return any(len(c.hot) == 1 for c in conds) and not any("@>" in c.sql for c in conds if not c.hot)

    @property
    def _by_date(self) -> bool:
        return self.keys[0].sql == "h.dlo" and len(self.keys) == 1

    @property
    def _by_log(self) -> bool:
        """In order of the last update, and nothing narrows: the log's index has the order."""
        return self.keys[0].sql == "h.upd" and len(self.keys) == 1 and not any(c.pat or c.selective or c.few for c in self._conds)

    def _log(self, columns: str, tail: str, after: str | None) -> str:
        """A walk through the log, newest or oldest first; of each resource its current version counts."""
        where = [*(c.sql for c in self._conds), *self._frame]
        if after:
            sign, at = ("<=", ">=")[not self.keys[0].down], _value(self.keys[0], (self.query.cursor or [])[1])
            where += [after, f"h.upd {sign} {self._s.bind(at)}"]
        if self.query.type is not None:
            where.append(f"w.type = {number(self.query.type)}")
        sql = _select("{columns}", "ver w JOIN head h ON h.rid = w.rid AND h.ver = w.ver", where, tail)
        return sql.replace("h.upd", "w.upd").replace("{columns}", columns)

    def _after(self) -> str | None:
        """Rows behind the cursor, in the order of the keys, then rid."""
        cursor = self.query.cursor
        if cursor is None:
            return None
        if len(cursor) != len(self.keys) + 2 or cursor[0] != self.signature or not isinstance(cursor[-1], int):
            raise Invalid("Search parameter '_page': this page belongs to another search.")
        bind = self._s.bind
        values = [_value(k, v) for k, v in zip(self.keys, cursor[1:-1], strict=True)]
        down = self.keys[-1].down
        if len(self.keys) == 1:
            sign = "<" if down else ">"
            key_ = self.keys[0]
            return f"({key_.sql}, h.rid) {sign} ({bind(values[0])}::{key_.cast}, {bind(cursor[-1])}::int8)"
        sql = f"h.rid {'<' if down else '>'} {bind(cursor[-1])}::int8"
        for k, v in reversed(list(zip(self.keys, values, strict=True))):
            at = f"{bind(v)}::{k.cast}"
            sql = f"({k.sql} {'<' if k.down else '>'} {at} OR ({k.sql} = {at} AND {sql}))"
        return sql

    @property
    def signature(self) -> str:
        return ",".join(("-" if d else "") + c for c, d in self.query.sort)

    def _branches(self, columns: str, tail: str, after: str | None) -> list[str]:
        """One SELECT, or several whose union it is, each served by its own index."""
        rest = [*self._frame, *([after] if after else [])]
        conds = self._conds
        if "ORDER BY" in tail and self._by_log:
            return [self._log(columns, tail, after)]
        if any(c.pat for c in conds) or not self._by_date or self.query.type is None:
            return [_select(columns, "head h", [c.sql for c in conds] + rest, tail)]
        hot = next((c for c in conds if c.hot and len(c.hot) <= MOST_BRANCHES // 2), None)
        if hot is not None:
            rest = [r for r in rest if not r.startswith("h.type =")]
        others = [c.sql for c in conds if c is not hot] + rest
        since = next((c.since for c in conds if c.since is not None), None)
        first = None
        if since is not None and self.query.type is not None:
            first = self._s.bind(since - dates.SPAN if since > dates.EARLIEST + dates.SPAN else dates.EARLIEST)
        found = []
        for k in hot.hot if hot is not None else ():
            at = self._s.bind(k)
            begun = [f"h.dlo >= {first}"] if first else []
            found.append(_select(columns, "head h", [f"h.code = {at}::int8", *begun, *others], tail))
            second = [_of_code2(w) for w in (f"c.code = {at}::int8", *begun, *others)]
            found.append(_select(_of_code2(columns), _SECOND, second, _of_code2(tail)))
            if first:  # what had begun long before and may last until then
                before = f"h.dlo < {first}"
                found.append(_select(columns, "head h", [f"h.code = {at}::int8", _LASTS, before, *others], tail))
                term = f"h.terms @> ARRAY[{self._s.bind(long_key(k))}::int8]"
                found.append(_select(columns, "head h", [term, before, *others], tail))
        if hot is not None:
            return found
        if not first:
            return [_select(columns, "head h", others, tail)]
        long_ = f"h.terms @> ARRAY[{self._s.bind(key(self.query.type + LONG))}::int8]"
        bounds = ([f"h.dlo >= {first}"], [long_, f"h.dlo < {first}"])
        return [_select(columns, "head h", [*bound, *others], tail) for bound in bounds]

    def page(self, limit: int) -> tuple[str, list[Any]]:
        """Heads of one page in order, with their bodies. Columns: COLUMNS, k0.., body."""
        after = self._after()
        order = ", ".join(f"{k.sql} {'DESC' if k.down else 'ASC'}" for k in self.keys)
        last = "DESC" if self.keys[-1].down else "ASC"
        at = f"{limit:d}"  # written out: a kept plan should know how little is wanted
        columns = COLUMNS + "".join(f", {k.sql} AS k{n}" for n, k in enumerate(self.keys))
        branches = self._branches(columns, f"ORDER BY {order}, h.rid {last} LIMIT {at}", after)
        outer = ", ".join(f"x.k{n} {'DESC' if k.down else 'ASC'}" for n, k in enumerate(self.keys)) + f", x.rid {last}"
        inner = branches[0]
        if any(c.few for c in self._conds):
            every = self._branches(columns, "OFFSET 0", after)
            inner = f"SELECT * FROM ({' UNION '.join(f'({b})' for b in every)}) x ORDER BY {outer} LIMIT {at}"
        elif len(branches) > 1:
            inner = f"SELECT * FROM ({' UNION '.join(f'({b})' for b in branches)}) x ORDER BY {outer} LIMIT {at}"
        sql = f"""SELECT x.*, v.body FROM ({inner}) x
                  JOIN ver v ON v.rid = x.rid AND v.ver = x.ver ORDER BY {outer}"""
        return used(sql, self._s.args)

    def among(self, rids: Sequence[int], past: Past | None = None) -> tuple[str, list[Any]]:
        """Which of these rows match, whatever the page asks. The rows of `past` are taken as that says they were: in this statement
        the tables' names stand for what they held then."""
        bind = self._s.bind
        these = f"h.rid = ANY({bind(list(rids))}::bigint[])"
        sql = _select("h.rid", "head h", [these, *(c.sql for c in self._conds), *self._frame], "")
        if past is not None:
            gone = bind([row[0] for row in past.head])
            tables = (
                f"{table} AS NOT MATERIALIZED (SELECT * FROM public.{table} WHERE rid <> ALL({gone}::bigint[])"
                f" UNION ALL SELECT * FROM unnest({bind(rows)}::public.{table}[]))"
                for table, rows in past._asdict().items()
            )
            sql = f"WITH {', '.join(tables)} {sql}"
        return used(sql, self._s.args)

    def count(self, most: int | None = None) -> tuple[str, list[Any]]:
        """How many rows match in all (the cursor does not count); at most `most` where given."""
        tail = f"LIMIT {self._s.bind(most)}::int" if most is not None else ""
        branches = self._branches("h.rid", tail, None)
        if len(branches) == 1:
            return used(f"SELECT count(*) FROM ({branches[0]}) x", self._s.args)
        return used(f"SELECT count(*) FROM ({' UNION '.join(f'({b})' for b in branches)}) x", self._s.args)

    def cursor(self, row: Any) -> list[Any]:
        values = [row[f"k{n}"] for n in range(len(self.keys))]
        return [self.signature, *(v.isoformat() if isinstance(v, datetime) else str(v) if k.cast == "numeric" else v
                                  for k, v in zip(self.keys, values, strict=True)), row["rid"]]  # fmt: skip


def _value(k: Key, v: Any) -> Any:
    wrong = Invalid("Search parameter '_page': is not a page of ours.")
    try:
        if k.cast == "timestamptz":
            at = datetime.fromisoformat(v)
            return at if at.tzinfo else dates.EARLIEST  # the driver gives -infinity as a year 1 without a zone
        if k.cast == "numeric":
            return Decimal(v)
        if k.cast == "float8":
            return float(v)
    except (TypeError, ValueError, ArithmeticError):
        raise wrong from None
    if not isinstance(v, str):
        raise wrong
    return v


def _of_code2(text: str) -> str:
    """The date and the key by code2's own columns, which its index has in order. What looks elsewhere keeps its own names."""
    return text if "SELECT" in text else _ORDER.sub(r"c.\1", text)


def _select(columns: str, source: str, where: list[str], tail: str) -> str:
    return f"SELECT {columns} FROM {source} WHERE {' AND '.join(where) or 'true'} {tail}"
