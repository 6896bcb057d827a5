"""From conditions to SQL: the one place that puts statements together. Values are bound, never written into the text; the scope's
condition is inside every statement, also for rows that are only on the way (chains, _has).

What the plans need (docs/why/storage.md): no condition on the type beside a selective term; the hot code through its own index, in
branches of a UNION with their own LIMIT; a date from a day on bounded below, long spans in a branch of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from longbien.base.errors import Forbidden, Invalid, TooMany
from longbien.base.ids import patient_key
from longbien.fhir import definitions, json
from longbien.fhir.references import literal
from longbien.record.engine import Engine
from longbien.record.scope import Scope
from longbien.record.types import number

from . import parse, slots
from .ask import Ask, Cond, all_of, any_of, plain, split
from .keys import ELSEWHERE, LONG, compartment_key, key, param_key
from .params import composite, dates, quantity, reference, string, token, uri
from .params import number as number_param
from .parse import Has, Query
from .targets import references_of

MOST_ON_THE_WAY = 5000
"""Rows that a chain or _has may pass through where no index on the patient serves it."""
MOST_BRANCHES = 8
_PLACEHOLDER = re.compile(r"\$(\d+)")
COLUMNS = "h.rid, h.ver, h.type, h.id, h.pat, h.upd"


class Statement:
    """A statement's values, as they are bound."""

    def __init__(self) -> None:
        self.args: list[Any] = []
        self._names = 0

    def bind(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def alias(self) -> str:
        self._names += 1
        return f"t{self._names}"


@dataclass(frozen=True)
class Key:
    """One sort key: an SQL expression that is never null, its direction, its type for the cursor."""

    sql: str
    down: bool
    cast: str


class Compiler:
    """Compiles for one scope. Steps that must ask the database first (chains over ids) are awaited, so methods are async."""

    def __init__(self, engine: Engine, scope: Scope, base_url: str = ""):
        self.engine = engine
        self.scope = scope
        self.base_url = base_url

    def may_read(self, type_: str) -> None:
        if not self.scope.may_read(type_):
            raise Forbidden(f"{self.scope.label} may not read {type_}.")

    # one condition

    async def cond(self, ask: Ask, h: str, s: Statement) -> Cond:
        code = ask.param.code
        if ask.modifier == "missing":
            return self._missing(ask, h)
        if ask.chain is not None:
            return await self._chain(ask, h, s)
        if code == "_id":
            if ask.modifier is not None:
                raise ask.unsupported()
            return Cond(f"{h}.id = ANY({s.bind([plain(v) for v in ask.values])}::text[])")
        if code == "_lastUpdated":
            return dates.last_updated(ask, h, s.bind)
        if ask.type == "Resource":
            return await self._any_type(ask, h, s)
        if code.startswith("combo-"):
            return await self._combo(ask, h, s)
        match ask.param.kind:
            case "token":
                return token.where(ask, h, s.bind)
            case "string":
                return string.where(ask, h, s.bind)
            case "reference":
                return reference.where(ask, h, s.bind, self.base_url)
            case "date":
                return dates.where(ask, h, s.bind)
            case "quantity":
                return quantity.where(ask, h, s.bind)
            case "number":
                return number_param.where(ask, h, s.bind)
            case "uri":
                return uri.where(ask, h, s.bind)
            case "composite":
                return await self._composite(ask, h, s)
        raise ask.unsupported()

    def _missing(self, ask: Ask, h: str) -> Cond:
        if ask.values not in (("true",), ("false",)):
            raise ask.bad(":missing is true or false.")
        bit = slots.bits(ask.type).get(ask.param.code)
        if bit is None:
            raise ask.unsupported()
        return Cond(f"{h}.terms[1] & {bit} {'=' if ask.values == ('true',) else '<>'} 0")

    async def _any_type(self, ask: Ask, h: str, s: Statement) -> Cond:
        """A parameter of every type, over all types: any type's key."""
        module = {"token": token, "uri": uri}.get(ask.param.kind)
        if module is None or ask.modifier is not None:
            raise ask.unsupported()
        prefixes = [f"{t}.{ask.param.code}" for t in definitions.types()]
        wanted = [f"{p}{way}" for p in prefixes for v in ask.values for way in (_way(v) if module is token else (f"|{plain(v)}",))]
        return Cond(token.has(h, [key(w) for w in wanted], s.bind), typed=True)

    async def _combo(self, ask: Ask, h: str, s: Statement) -> Cond:
        """combo-x: x of the resource, or component-x."""
        if ask.modifier not in (None, "not"):
            raise ask.unsupported()
        params = definitions.search_params(ask.type)
        plain_code = ask.param.code.removeprefix("combo-")
        parts = [
            await self.cond(ask._replace(param=params[code], modifier=None), h, s)
            for code in (plain_code, "component-" + plain_code)
        ]
        sql = any_of([p.sql for p in parts])
        return Cond(f"NOT {sql}") if ask.modifier else Cond(sql, typed=all(p.typed for p in parts))

    async def _composite(self, ask: Ask, h: str, s: Statement) -> Cond:
        if ask.modifier is not None:
            raise ask.unsupported()
        own = composite.nested(ask.type).get(ask.param.code)
        if own is not None:
            return composite.nested_where(ask, own, h, s.bind)
        params = definitions.search_params(ask.type)
        found: list[str] = []
        hot: tuple[int, ...] = ()
        typed = True
        for value in ask.values:
            texts = composite.parts_of(ask, value)
            conds = []
            for component, text in zip(ask.param.components, texts, strict=True):
                part = params.get(component.code)
                if part is None:
                    raise ask.unsupported()
                conds.append(await self.cond(Ask(ask.type, part, None, (text,), ask.name), h, s))
            found.append(all_of([c.sql for c in conds]))
            typed = typed and any(c.typed for c in conds)
        return Cond(any_of(found), typed=typed, hot=hot)

    # following references

    def _sub(self, type_: str, rest: str, ask_name: str, values: tuple[str, ...]) -> Ask | Has | None:
        if rest.startswith("_has:"):
            query = Query(type_)
            parse.take_has(query, rest, ",".join(values))
            return query.has[0]
        return parse.ask(type_, rest, values, ask_name)

    async def _chain(self, ask: Ask, h: str, s: Statement) -> Cond:
        assert ask.chain is not None
        narrowed, rest = ask.chain
        code = ask.param.code
        possible = (narrowed,) if narrowed else reference.targets(ask.type, code)
        subs = [(t, sub) for t in possible if (sub := self._sub(t, rest, ask.name, ask.values)) is not None]
        if not subs:
            raise ask.bad(f"{rest[:100]!r} is not known for what {code} points to.")
        if len(subs) > 20:
            raise ask.bad(f"name the type that is meant, as in {code}:Patient.{rest[:100]}.")
        parts: list[str] = []
        pat = False
        for target, sub in subs:
            self.may_read(target)
            if target == "Patient" and code in slots.by_pat(ask.type):
                t = s.alias()
                inner = await self.rows_sql(target, [sub], t, s)
                sql = f"{h}.pat IN (SELECT {t}.pat FROM head {t} WHERE {inner})"
                parts.append(self._not_elsewhere(ask.type, sql, h, s))
                pat = True
                continue
            places = [f"{target}/{r['id']}" for r in await self._found(target, [sub], ask.name)]
            if places:
                parts.append(reference.to(ask.type, code, places, h, s.bind).sql)
        if not parts:
            return Cond("false")
        return Cond(any_of(parts), typed=not pat, pat=pat and len(parts) == 1)

    def _not_elsewhere(self, type_: str, sql: str, h: str, s: Statement) -> str:
        if len(slots.patient_params(type_)) < 2:
            return sql
        return f"({sql} AND NOT {h}.terms @> ARRAY[{s.bind(key(type_ + ELSEWHERE))}::int8])"

    async def _found(self, type_: str, subs: list[Ask | Has], name: str, *, bodies: bool = False) -> list[Any]:
        """The rows that a chain passes through, MOST_ON_THE_WAY at most."""
        s = Statement()
        where = await self.rows_sql(type_, subs, "h", s)
        limit = s.bind(MOST_ON_THE_WAY + 1)
        if bodies:
            sql = f"""SELECT x.id, v.body FROM (SELECT h.rid, h.ver, h.id FROM head h WHERE {where} LIMIT {limit}::int) x
                      JOIN ver v ON v.rid = x.rid AND v.ver = x.ver"""
        else:
            sql = f"SELECT h.id, h.pat FROM head h WHERE {where} LIMIT {limit}::int"
        found = list(await self.engine.db.fetch(sql, *s.args, search=True))
        if len(found) > MOST_ON_THE_WAY:
            raise TooMany(f"Search parameter '{name}': over {MOST_ON_THE_WAY} {type_} resources on the way. Narrow it.")
        return found

    async def has(self, has: Has, h: str, s: Statement) -> Cond:
        self.may_read(has.source)
        sub = self._sub(has.source, has.rest, has.name, has.values)
        if sub is None:
            raise Invalid(parse.unknown(has.rest, has.source))
        if has.type == "Patient" and has.ref in slots.by_pat(has.source):
            t = s.alias()
            inner = await self.rows_sql(has.source, [sub], t, s)
            inner = self._not_elsewhere(has.source, inner, t, s)
            sql = f"{h}.pat IN (WITH m AS MATERIALIZED (SELECT {t}.pat FROM head {t} WHERE {inner}) SELECT m.pat FROM m)"
            return Cond(sql)
        found = await self._found(has.source, [sub], has.name, bodies=True)
        ids: set[str] = set()
        for body in await self.engine.unpack_all([r["body"] for r in found]):
            for text in references_of(json.loads(body), has.ref):
                at = literal(text)
                if at and not at[0] and at[1] == has.type:
                    ids.add(at[2])
        return Cond(f"{h}.id = ANY({s.bind(sorted(ids))}::text[])")

    # rows

    async def conds(self, asks: list[Ask | Has], h: str, s: Statement) -> list[Cond]:
        return [await (self.has(a, h, s) if isinstance(a, Has) else self.cond(a, h, s)) for a in asks]

    def frame(self, type_: str, conds: list[Cond], h: str, s: Statement) -> list[str]:
        """Type, not deleted, scope: what stands beside the conditions."""
        parts: list[str] = []
        sure = any(c.typed for c in conds) and not any(c.pat for c in conds)
        if not sure or not any(c.typed and c.selective for c in conds):
            parts.append(f"{h}.type = {number(type_)}")
        if not any(c.typed for c in conds):
            parts.append(f"NOT {h}.deleted")
        if not self.scope.unlimited:
            parts.append(self.scope.where(f"{h}.pat", f"{h}.type", s.bind))
        return parts

    async def rows_sql(self, type_: str, asks: list[Ask | Has], h: str, s: Statement) -> str:
        """The whole condition for rows of a type, as one expression."""
        conds = await self.conds(asks, h, s)
        return " AND ".join([c.sql for c in conds] + self.frame(type_, conds, h, s)) or "true"

    async def heads(self, query: Query, patient: str | None, more: list[Ask | Has] | None = None) -> Heads:
        """Everything that the page, the count and the estimate of one search are made of."""
        s = Statement()
        asks: list[Ask | Has] = [*query.asks, *query.has, *(more or [])]
        conds = await self.conds(asks, "h", s)
        if patient is not None:
            inside = f"h.pat = {s.bind(patient_key(patient))}"
            also = f"h.terms @> ARRAY[{s.bind(compartment_key(patient))}::int8]"
            conds.append(Cond(f"({inside} OR {also})", pat=True))
        if query.type is None:
            frame = ["NOT h.deleted"]
            reads = query.types or (tuple(self.scope.reads) if self.scope.reads is not None else ())
            for t in query.types:
                self.may_read(t)
            if reads or self.scope.reads is not None:
                frame.append(f"h.type = ANY({s.bind([number(t) for t in reads if number(t)])}::smallint[])")
            if not self.scope.unlimited:
                frame.append(self.scope.where("h.pat", "h.type", s.bind))
        else:
            frame = self.frame(query.type, conds, "h", s)
        return Heads(query, s, conds, frame)


def _way(text: str) -> tuple[str, ...]:
    parts = [plain(p) for p in split(text, "|")]
    return (f"={parts[0]}",) if len(parts) == 1 else (f"|{parts[0]}|{'|'.join(parts[1:])}",)


def used(sql: str, args: list[Any]) -> tuple[str, list[Any]]:
    """The statement with the values that it mentions only, numbered anew: branches leave some conditions out."""
    kept: dict[int, int] = {}

    def renumber(m: re.Match[str]) -> str:
        return f"${kept.setdefault(int(m[1]), len(kept) + 1)}"

    text = _PLACEHOLDER.sub(renumber, sql)
    return text, [args[n - 1] for n in kept]


class Heads:
    """The head query of one search: `page` and `count` give (sql, args)."""

    def __init__(self, query: Query, s: Statement, conds: list[Cond], frame: list[str]):
        self.query = query
        self._s = s
        self._conds = conds
        self._frame = frame
        self.keys = self._keys()

    def _keys(self) -> list[Key]:
        type_, sort = self.query.type, self.query.sort
        if not sort:
            return [Key("h.dlo", True, "timestamptz")]
        return [self._key(type_, code, down) for code, down in sort]

    def _key(self, type_: str | None, code: str, down: bool) -> Key:
        if code == "_id":
            return Key("h.id", down, 'text COLLATE "C"')
        if code == "_lastUpdated":
            return Key("h.upd", down, "timestamptz")
        assert type_ is not None
        p = param_key(f"{type_}.{code}")
        kind = definitions.search_params(type_)[code].kind
        if code == slots.date_param(type_):
            return Key("h.dlo", down, "timestamptz")
        if code == slots.quantity_param(type_):
            return Key(f"coalesce(h.val, '{'-' if down else ''}Infinity')", down, "float8")
        if kind == "date":
            pick, last = ("max", "hi") if down else ("min", "lo")
            default = "-infinity" if down else "9999-12-31 00:00+00"
            of = f"SELECT {pick}(d.{last}) FROM ix_date d WHERE d.rid = h.rid AND d.p = {p}"
            return Key(f"coalesce(({of}), timestamptz '{default}')", down, "timestamptz")
        if kind == "string":
            pick = "max" if down else "min"
            default = "''" if down else "U&'\\+10FFFF'"
            of = f"SELECT {pick}(s.norm) FROM str s WHERE s.rid = h.rid AND s.p = {p}"
            return Key(f"coalesce(({of}), {default})", down, 'text COLLATE "C"')
        pick, default = ("max", "'-Infinity'") if down else ("min", "'Infinity'")
        of = f"SELECT {pick}(q.val) FROM ix_qty q WHERE q.rid = h.rid AND q.p = {p} AND q.unit = 0"
        return Key(f"coalesce(({of}), {default}::numeric)", down, "numeric")

    @property
    def _by_date(self) -> bool:
        return self.keys[0].sql == "h.dlo" and len(self.keys) == 1

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
        if any(c.pat for c in conds) or not self._by_date or self.query.type is None:
            return [_select(columns, "head h", [c.sql for c in conds] + rest, tail)]
        hot = next((c for c in conds if c.hot and len(c.hot) <= MOST_BRANCHES // 2), None)
        sources: list[tuple[str, list[str]]] = [("head h", [])]
        if hot is not None:
            sources = []
            for k in hot.hot:
                at = self._s.bind(k)
                sources += [("head h", [f"h.code = {at}::int8"]),
                            ("code2 c JOIN head h ON h.rid = c.rid", [f"c.code = {at}::int8"])]  # fmt: skip
            rest = [r for r in rest if not r.startswith("h.type =")]
        since = next((c.since for c in conds if c.since is not None), None)
        bounds: list[list[str]] = [[]]
        if since is not None and self.query.type is not None:
            first = since - dates.SPAN if since > dates.EARLIEST + dates.SPAN else dates.EARLIEST
            at, long_ = self._s.bind(first), self._s.bind(key(self.query.type + LONG))
            bounds = [[f"h.dlo >= {at}"], [f"h.terms @> ARRAY[{long_}::int8]", f"h.dlo < {at}"]]
        others = [c.sql for c in conds if c is not hot]
        found = []
        for source, by_code in sources:
            for bound in bounds:
                own = bound
                if source.startswith("code2"):
                    own = [*bound, *(b.replace("h.dlo", "c.dlo") for b in bound if b.startswith("h.dlo"))]
                found.append(_select(columns, source, by_code + own + others + rest, tail))
        return found

    def page(self, limit: int) -> tuple[str, list[Any]]:
        """Heads of one page in order, with their bodies. Columns: COLUMNS, k0.., body."""
        after = self._after()
        order = ", ".join(f"{k.sql} {'DESC' if k.down else 'ASC'}" for k in self.keys)
        last = "DESC" if self.keys[-1].down else "ASC"
        at = self._s.bind(limit)
        columns = COLUMNS + "".join(f", {k.sql} AS k{n}" for n, k in enumerate(self.keys))
        branches = self._branches(columns, f"ORDER BY {order}, h.rid {last} LIMIT {at}::int", after)
        outer = ", ".join(f"x.k{n} {'DESC' if k.down else 'ASC'}" for n, k in enumerate(self.keys)) + f", x.rid {last}"
        inner = branches[0]
        if len(branches) > 1:
            inner = f"SELECT * FROM ({' UNION '.join(f'({b})' for b in branches)}) x ORDER BY {outer} LIMIT {at}::int"
        sql = f"""SELECT x.*, v.body FROM ({inner}) x
                  JOIN ver v ON v.rid = x.rid AND v.ver = x.ver ORDER BY {outer}"""
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


def _select(columns: str, source: str, where: list[str], tail: str) -> str:
    return f"SELECT {columns} FROM {source} WHERE {' AND '.join(where) or 'true'} {tail}"
