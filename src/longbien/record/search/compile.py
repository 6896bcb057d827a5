"""From conditions to SQL: the one place that puts statements together. Values are bound, never written into the text; the scope's
condition is inside every statement, also for rows that are only on the way (chains, _has).

What the plans need (docs/why/storage.md): no condition on the type beside a selective term; the hot code through its own index, in
branches of a UNION with their own LIMIT; a date from a day on bounded below, long spans in a branch of their own."""

from __future__ import annotations

from longbien.base.errors import Forbidden, Issue, NotSupported
from longbien.base.ids import key64, patient_key
from longbien.fhir import definitions
from longbien.record.engine import Engine
from longbien.record.parameters import incomplete
from longbien.record.scope import RowSQL, Scope
from longbien.record.types import number

from . import concepts, links, lists, many, registry, slots
from .ask import Ask, Cond, all_of, any_of, plain, split
from .heads import Heads
from .keys import compartment_key, param_key
from .params import composite, dates, near, quantity, reference, string, token, uri, words
from .params import number as number_param
from .parse import Has, Query
from .statement import Statement


class Compiler:
    """Compiles for one scope. What must ask the database first (value sets, the vocabulary) is awaited, so methods are async."""

    def __init__(self, engine: Engine, scope: Scope, base_url: str = ""):
        self.engine = engine
        self.scope = scope
        self.base_url = base_url
        self.lenient = False
        self.issues: list[Issue] = []
        """What the page's client should know."""

    def may_read(self, type_: str) -> None:
        if not self.scope.may_search(type_):
            verb = "search" if self.scope.may_read(type_) else "read"
            raise Forbidden(f"{self.scope.label} may not {verb} {type_}.")

    def whole(self, type_: str, code: str, name: str) -> None:
        """What is not wholly indexed yet (search/registry.py) is refused, or said to a lenient client. Raises Unavailable,
        NotSupported (full text that the settings leave out)."""
        wanted, ready = registry.state(type_, code)
        if not wanted:
            raise NotSupported(f"Search parameter '{name[:200]}': this server keeps no full text for it (LONGBIEN_FULL_TEXT).")
        if ready:
            return
        warning, refusal = incomplete(name, f"the {type_} resources are")
        if not self.lenient:
            raise refusal
        if warning not in self.issues:
            self.issues.append(warning)

    # one condition

    async def cond(self, ask: Ask, h: str, s: Statement, *, narrow: bool = False) -> Cond:
        code = ask.param.code
        self.whole(ask.type, code, ask.name)
        if code in words.TABLES:
            return words.where(ask, h, s.bind)
        if code == "_list":
            return await lists.where(self, ask, h, s)
        if ask.modifier == "missing":
            return self._missing(ask, h)
        if ask.chain is not None:
            return await links.chain(self, ask, h, s, narrow=narrow)
        if code == "_id":
            return self._id(ask, h, s)
        if code == "_lastUpdated":
            return dates.last_updated(ask, h, s.bind)
        if ask.type == "Resource":
            return await self._any_type(ask, h, s)
        if code.startswith("combo-"):
            return await self._combo(ask, h, s)
        match ask.param.kind:
            case "token":
                looked_up = await concepts.keys(self, ask) if ask.modifier in concepts.LOOKED_UP else None
                return token.where(ask, h, s.bind, looked_up)
            case "string":
                return string.where(ask, h, s.bind)
            case "reference":
                if ask.modifier in ("above", "below"):
                    return links.hierarchy(self, ask, h, s)
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
            case "special":
                return near.where(ask, h, s.bind)
        raise ask.unsupported()

    def _id(self, ask: Ask, h: str, s: Statement) -> Cond:
        if ask.modifier not in (None, "not"):
            raise ask.unsupported()
        same = f"{h}.id = ANY({s.bind([plain(v) for v in ask.values])}::text[])"
        return Cond(f"NOT ({same})") if ask.modifier else Cond(same, steady=True)

    def _missing(self, ask: Ask, h: str) -> Cond:
        if ask.values not in (("true",), ("false",)):
            raise ask.bad(":missing is true or false.")
        missing = ask.values == ("true",)
        if ask.param.code in ("_id", "_lastUpdated"):
            return Cond("false" if missing else "true")
        if ask.type == "Resource":
            return Cond(self._missing_of_any(ask, h, missing))
        bit = slots.bits(ask.type).get(ask.param.code)
        if bit is None and (own := registry.find(ask.type, ask.param.code)) is not None:
            sql = f"{h}.terms @> ARRAY[{key64(own.prefix + registry.THERE)}::int8]"
            return Cond(f"NOT {sql}") if missing else Cond(sql, typed=True)
        if bit is None:
            raise ask.unsupported()
        return Cond(f"{h}.terms[1] & {bit} {'=' if missing else '<>'} 0")

    def _missing_of_any(self, ask: Ask, h: str, missing: bool) -> str:
        """Over all types: the bit of a parameter differs from type to type."""
        by_bit: dict[int, list[int]] = {}
        for t in definitions.types():
            by_bit.setdefault(slots.bits(t).get(ask.param.code, 0), []).append(number(t) or 0)
        if not any(by_bit):
            raise ask.unsupported()
        there = [
            f"{h}.type IN ({', '.join(map(str, types))}) AND {h}.terms[1] & {bit} <> 0" for bit, types in by_bit.items() if bit
        ]
        return f"NOT ({' OR '.join(there)})" if missing else f"({' OR '.join(there)})"

    async def _any_type(self, ask: Ask, h: str, s: Statement) -> Cond:
        """A parameter of every type, over all types: any type's key."""
        module = {"token": token, "uri": uri}.get(ask.param.kind)
        if module is None or ask.modifier not in (None, "not") or (module is uri and ask.modifier):
            raise ask.unsupported()
        prefixes = [f"{t}.{ask.param.code}" for t in definitions.types()]
        wanted = [f"{p}{way}" for p in prefixes for v in ask.values for way in (_way(v) if module is token else (f"|{plain(v)}",))]
        sql = token.has(h, [key64(w) for w in wanted], s.bind)
        return Cond(f"NOT ({sql})") if ask.modifier else Cond(sql, typed=True)

    async def _combo(self, ask: Ask, h: str, s: Statement) -> Cond:
        """combo-x: x of the resource, or component-x."""
        if ask.param.kind == "composite" and ask.modifier is not None:
            raise ask.unsupported()
        params = definitions.search_params(ask.type)
        plain_code = ask.param.code.removeprefix("combo-")
        modifier = {"not": None, "not-in": "in"}.get(ask.modifier or "", ask.modifier)
        parts = [
            await self.cond(ask._replace(param=params[code], modifier=modifier), h, s)
            for code in (plain_code, "component-" + plain_code)
        ]
        sql = any_of([p.sql for p in parts])
        return Cond(f"NOT ({sql})") if modifier != ask.modifier else Cond(sql, typed=all(p.typed for p in parts))

    async def _composite(self, ask: Ask, h: str, s: Statement) -> Cond:
        if ask.modifier is not None:
            raise ask.unsupported()
        own = composite.nested(ask.type).get(ask.param.code)
        if own is None and (mine := registry.find(ask.type, ask.param.code)) is not None:
            own = mine.nested
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

    # rows

    async def conds(self, asks: list[Ask | Has], h: str, s: Statement) -> list[Cond]:
        """In the order of `asks`. Chains come last: how they are followed depends on whether the others leave few rows."""
        found: dict[int, Cond] = {}
        later = [n for n, a in enumerate(asks) if isinstance(a, Ask) and a.chain is not None]
        for n, a in enumerate(asks):
            if n not in later:
                found[n] = await (links.has(self, a, h, s) if isinstance(a, Has) else self.cond(a, h, s))
        for n, c in found.items():
            if len(c.keys) > many.SHORT:
                small = any(o.pat or (o.selective and len(o.keys) <= many.SHORT) for m, o in found.items() if m != n)
                found[n] = await many.long(self, c, h, s, narrow=small)
            elif c.recent is not None and asks[n].type != "Resource" and not any(o.pat or o.selective for o in found.values()):
                found[n] = await many.recent(self, asks[n].type, c, h, s)
        narrow = any(c.pat or c.selective for c in found.values())
        for n in later:
            a = asks[n]
            assert isinstance(a, Ask)
            found[n] = await self.cond(a, h, s, narrow=narrow)
        return [found[n] for n in range(len(asks))]

    def frame(self, type_: str, conds: list[Cond], h: str, s: Statement) -> list[str]:
        """Type, not deleted, scope: what stands beside the conditions."""
        parts: list[str] = []
        sure = any(c.typed for c in conds) and not any(c.pat for c in conds)
        if not sure or not any(c.typed and c.selective for c in conds):
            parts.append(f"{h}.type = {number(type_)}")
        if not any(c.typed for c in conds):
            parts.append(f"NOT {h}.deleted")
        if not self.scope.unlimited:
            own = next((c.own for c in conds if c.own), None)
            row = RowSQL.of(h)
            parts.append(self.scope.where(row if own is None else row._replace(pat=f"{own}::bigint"), s.bind))
        return parts

    async def rows_sql(self, type_: str, asks: list[Ask | Has], h: str, s: Statement) -> str:
        """The whole condition for rows of a type, as one expression."""
        return self.joined(type_, await self.conds(asks, h, s), h, s)

    def joined(self, type_: str, conds: list[Cond], h: str, s: Statement) -> str:
        return " AND ".join([c.sql for c in conds] + self.frame(type_, conds, h, s)) or "true"

    def _within(self, query: Query, s: Statement) -> Cond:
        """In the compartment query.within: R4's own definition of it, type by type."""
        assert query.within is not None
        holder, id_ = query.within
        if holder == "Patient":
            inside = f"h.pat = {s.bind(patient_key(id_))}"
            also = f"h.terms @> ARRAY[{s.bind(compartment_key(id_))}::int8]"
            return Cond(f"({inside} OR {also})", pat=True)
        listed = definitions.compartment(holder)
        types = [query.type] if query.type else list(query.types) or list(listed)
        ps = [param_key(f"{t}.{code}") for t in types for code in listed.get(t, ())]
        at = s.bind(id_)
        parts = []
        if ps:
            of = f"r.p = ANY({s.bind(ps)}::int[]) AND r.type = {number(holder)} AND r.id = packed_id({at})"
            parts.append(f"SELECT r.rid FROM ref r WHERE {of}")
        if holder in types and holder in listed:
            parts.append(f"SELECT x.rid FROM head x WHERE x.id = {at} AND x.type = {number(holder)} AND NOT x.deleted")
        return Cond(f"h.rid IN ({' UNION ALL '.join(parts)})", typed=True, selective=True) if parts else Cond("false")

    async def heads(self, query: Query, more: list[Ask | Has] | None = None) -> Heads:
        """Everything that the page, the count and the estimate of one search are made of."""
        s = Statement()
        asks: list[Ask | Has] = [*query.asks, *query.has, *(more or [])]
        for code, _ in query.sort:
            if (own := registry.find(query.type, code)) is not None:
                self.whole(own.type, own.param.code, "_sort")
        conds = await self.conds(asks, "h", s)
        if query.within is not None:
            conds.append(self._within(query, s))
        if query.type is None:
            frame = ["NOT h.deleted"]
            every = self.scope.searchable
            reads = query.types or tuple(every or ())
            for t in query.types:
                self.may_read(t)
            if reads or every is not None:
                frame.append(f"h.type = ANY({s.bind([number(t) for t in reads if number(t)])}::smallint[])")
            if not self.scope.unlimited:
                frame.append(self.scope.where(RowSQL.of("h"), s.bind))
        else:
            frame = self.frame(query.type, conds, "h", s)
        return Heads(query, s, conds, frame)


def _way(text: str) -> tuple[str, ...]:
    parts = [plain(p) for p in split(text, "|")]
    return (f"={parts[0]}",) if len(parts) == 1 else (f"|{parts[0]}|{'|'.join(parts[1:])}",)
