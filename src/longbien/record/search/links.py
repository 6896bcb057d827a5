"""Chains (`subject:Patient.name=`) and _has (R4 search.html#chaining, #has), to any depth, as semi-joins of one statement: through
head.pat where the reference is to the patient of the row's record, else through the rows of table `ref`. The planner begins where
the fewest rows are; the type, the scope and "not deleted" stand beside the conditions at every step.

A canonical ('http://x/Questionnaire/1|2') leads to every resource here that has this url, whatever its version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from longbien.base.errors import Forbidden, Invalid
from longbien.base.ids import FHIR_ID
from longbien.fhir import definitions
from longbien.fhir.references import literal
from longbien.record.scope import RowSQL
from longbien.record.types import number

from . import parse, slots
from .ask import Ask, Cond, any_of, plain
from .keys import ELSEWHERE, key, param_key
from .params.reference import targets
from .parse import Has, Query
from .statement import Statement, used

if TYPE_CHECKING:
    from .compile import Compiler

DEEPEST = 12
"""Steps that one condition may take: the planner looks at every order of joins."""
MOST_TARGETS = 20
MOST = 5000
"""Rows that a _has may lead through and still be looked up first."""
FEW = 200
"""Patients, or resources, that a chain may lead through and still have all their rows fetched before they are put in order."""


def sub(type_: str, rest: str, name: str, values: tuple[str, ...]) -> Ask | Has | None:
    """What follows a chain's dot, or _has's third colon, as a condition on `type_`; None where the type does not know it."""
    if name.count(".") + name.count("_has:") > DEEPEST:
        raise Invalid(f"Search parameter '{name[:200]}': takes over {DEEPEST} steps.", code="too-costly")
    if rest.startswith("_has:"):
        query = Query(type_)
        parse.take_has(query, rest, ",".join(values))
        return query.has[0]._replace(name=name)
    return parse.ask(type_, rest, values, name)


def not_elsewhere(type_: str, h: str, s: Statement) -> str:
    """'And head.pat comes from the type's main parameter', where it could come from another."""
    if len(slots.patient_params(type_)) < 2:
        return ""
    return f" AND NOT {h}.terms @> ARRAY[{s.bind(key(type_ + ELSEWHERE))}::int8]"


def _steps(c: Compiler, ask: Ask) -> list[tuple[str, Ask | Has]]:
    """The types that are meant, each with the condition on it."""
    assert ask.chain is not None
    narrowed, rest = ask.chain
    possible = (narrowed,) if narrowed else targets(ask.type, ask.param.code)
    found: list[tuple[str, Ask | Has]] = []
    wrong: Invalid | None = None
    for t in possible:
        try:
            step = sub(t, rest, ask.name, ask.values)
        except Invalid as error:
            wrong = error
            continue
        if step is not None:
            found.append((t, step))
    if not found:
        raise wrong or ask.bad(f"{rest[:100]!r} is not known for what {ask.param.code} points to.")
    if len(found) > MOST_TARGETS:
        raise ask.bad(f"name the type that is meant, as in {ask.param.code}:Patient.{rest[:100]}.")
    readable = [(t, step) for t, step in found if c.scope.may_search(t)]
    if not readable:
        raise Forbidden(f"{c.scope.label} may not read {found[0][0]}.")
    return readable


async def chain(c: Compiler, ask: Ask, h: str, s: Statement, *, narrow: bool) -> Cond:
    """narrow: other conditions leave few rows, so that a look from each of them is cheaper than finding all that are pointed to."""
    steps = _steps(c, ask)
    if len(steps) == 1 and not slots.canonical(ask.type, ask.param.code):
        return await _one(c, ask, *steps[0], h, s)
    every = f"({' UNION ALL '.join(await _all(c, ask, steps, None, s))})"
    few = await _few(c, f"SELECT x.rid FROM {every} x", s, [])
    if few is not None:
        return Cond(f"{h}.rid = ANY({s.bind(few)}::int8[])", typed=True, few=True, steady=True)
    if narrow:  # OFFSET 0: asked for each row, not all found first to be looked up in
        parts = await _all(c, ask, steps, h, s)
        return Cond(any_of([f"EXISTS ({p} OFFSET 0)" for p in parts]), typed=True)
    return Cond(f"{h}.rid IN {every}", typed=True)


async def _all(c: Compiler, ask: Ask, steps: list[tuple[str, Ask | Has]], h: str | None, s: Statement) -> list[str]:
    parts: list[str] = []
    wrong: Invalid | None = None
    for target, step in steps:
        try:
            parts += await _many(c, ask, target, step, h, s)
        except Invalid as error:  # what one target does not know another one may
            wrong = error
    if not parts:
        raise wrong or ask.bad("cannot be followed.")
    return parts


async def _one(c: Compiler, ask: Ask, target: str, step: Ask | Has, h: str, s: Statement) -> Cond:
    code, t = ask.param.code, s.alias()
    conds = await c.conds([step], t, s)
    inner = c.joined(target, conds, t, s)
    rare = any(x.selective or x.steady for x in conds)
    if target == "Patient" and code in slots.by_pat(ask.type):
        of = f"SELECT {t}.pat FROM head {t} WHERE {inner}"
        few = await _few(c, of, s, conds) if rare else None
        one = f"{h}.pat = {s.bind(few[0])}" if few and len(few) == 1 else f"{h}.pat = ANY({s.bind(few)}::int8[])"
        here = f"{h}.pat IN ({of})" if few is None else one
        sql = here + not_elsewhere(ask.type, h, s)
        # one patient's rows lie in order in the index: of a hot one not all are fetched
        return Cond(sql, pat=True, few=few is not None and len(few) > 1, steady=few is not None)
    r = s.alias()
    p = param_key(f"{ask.type}.{code}")
    of = f"""SELECT {r}.rid FROM ref {r} JOIN head {t} ON {_same(r, t)} AND {t}.type = {number(target)}
             WHERE {r}.p = {p} AND {r}.type = {number(target)} AND {inner}"""
    few = await _few(c, of, s, conds) if rare else None
    if few is not None:
        return Cond(f"{h}.rid = ANY({s.bind(few)}::int8[])", typed=True, few=True, steady=True)
    return Cond(f"{h}.rid IN ({of})", typed=True, selective=any(x.selective for x in conds))


async def _few(c: Compiler, of: str, s: Statement, conds: list[Cond], most: int = FEW) -> list[Any] | None:
    """The keys that a SELECT gives, when they are few: then the rows that they lead to are fetched and sorted, however the planner
    thinks that they lie. (It believes matches to be spread evenly, reads the whole type in order to find the first twenty, and
    never comes to the end when there are nineteen.) None where there are more than `most`."""
    sql, args = used(f"{of} LIMIT {most + 1}", s.args)
    steady = any(x.steady or (x.selective and "@>" in x.sql) for x in conds)
    rows = await c.engine.db.fetch(sql, *args, search=not steady)
    return None if len(rows) > most else sorted({r[0] for r in rows})


async def _many(c: Compiler, ask: Ask, target: str, step: Ask | Has, h: str | None, s: Statement) -> list[str]:
    """SELECTs of the rows that point to a matching `target`; with `h`, of whether this row does."""
    code = ask.param.code
    found = []
    if target == "Patient" and code in slots.by_pat(ask.type):
        t, x = s.alias(), h or s.alias()
        inner = await c.rows_sql(target, [step], t, s)
        own = f"{t}.pat = {x}.pat{not_elsewhere(ask.type, x, s)}"
        source = f"head {t}" if h else f"head {t}, head {x}"
        kind = "" if h else f" AND {x}.type = {number(ask.type)}"
        return [f"SELECT {x}.rid FROM {source} WHERE {own}{kind} AND {inner}"]
    for canonical in (False, True) if slots.canonical(ask.type, code) else (False,):
        if canonical and "url" not in definitions.search_params(target):
            continue
        t, r = s.alias(), s.alias()
        inner = await c.rows_sql(target, [step], t, s)
        mine = f" AND {r}.rid = {h}.rid" if h else ""
        found.append(f"SELECT {r}.rid FROM {_pointing(ask.type, code, target, canonical, r, t, s)}{mine} AND {inner}")
    return found


def _pointing(type_: str, code: str, target: str, canonical: bool, r: str, t: str, s: Statement) -> str:
    """FROM and WHERE of rows `r` of ref that lead to rows `t` of head."""
    p = param_key(f"{type_}.{code}")
    if not canonical:
        return f"""ref {r} JOIN head {t} ON {_same(r, t)} AND {t}.type = {number(target)}
                   WHERE {r}.p = {p} AND {r}.type = {number(target)}"""
    u = s.alias()
    return f"""ref {r} JOIN str {u} ON {u}.p = {param_key(target + ".url")} AND packed_id({u}.norm) = {r}.id
               JOIN head {t} ON {t}.rid = {u}.rid WHERE {r}.p = {p} AND {r}.type = 0"""


async def has(c: Compiler, has: Has, h: str, s: Statement) -> Cond:
    """Rows of has.type that a matching has.source points to."""
    c.may_read(has.source)
    c.whole(has.source, has.ref, has.name)
    step = sub(has.source, has.rest, has.name, has.values)
    if step is None:
        raise Invalid(parse.unknown(has.rest, has.source))
    if has.type not in targets(has.source, has.ref):
        raise Invalid(f"Search parameter '{has.name[:200]}': {has.ref} of {has.source} does not point to {has.type}.")
    if slots.canonical(has.source, has.ref) and "url" in definitions.search_params(has.type):
        return Cond(f"({await _by_id(c, has, step, h, s)} OR {await _by_url(c, has, step, h, s)})")
    t, r = s.alias(), s.alias()
    conds = await c.conds([step], t, s)
    inner = c.joined(has.source, conds, t, s)
    if has.type == "Patient" and has.ref in slots.by_pat(has.source):
        column, kind, named = "pat", "int8", f"{t}.pat"
        where = f"FROM head {t} WHERE {inner}{not_elsewhere(has.source, t, s)}"
    else:
        column, kind, named = "id", "text", f"plain_id({r}.id)"
        where = f"FROM head {t} JOIN ref {r} ON {r}.rid = {t}.rid WHERE {_to(r, has)} AND {inner}"
    found = await _few(c, f"SELECT {named} {where}", s, conds, MOST)
    if found is not None:
        return Cond(f"{h}.{column} = ANY({s.bind(found)}::{kind}[])", few=True, steady=len(found) <= FEW)
    # so many that a walk over what they point to soon finds a page. OFFSET 0: asked row by row
    same = f"{named} = {h}.{column}" if column == "pat" else f"{r}.id = packed_id({h}.id)"
    return Cond(f"EXISTS (SELECT {where} AND {same} OFFSET 0)")


def _same(r: str, t: str) -> str:
    """Row `r` of ref leads to row `t` of head; said both ways, so that either can be looked up by its index from the other."""
    return f"{t}.id = plain_id({r}.id) AND {r}.id = packed_id({t}.id)"


def _to(r: str, has: Has) -> str:
    return f"{r}.p = {param_key(f'{has.source}.{has.ref}')} AND {r}.type = {number(has.type)}"


async def _by_id(c: Compiler, has: Has, step: Ask | Has, h: str, s: Statement) -> str:
    t, r = s.alias(), s.alias()
    inner = await c.rows_sql(has.source, [step], t, s)
    return f"{h}.id IN (SELECT plain_id({r}.id) FROM head {t} JOIN ref {r} ON {r}.rid = {t}.rid WHERE {_to(r, has)} AND {inner})"


async def _by_url(c: Compiler, has: Has, step: Ask | Has, h: str, s: Statement) -> str:
    t, r, u = s.alias(), s.alias(), s.alias()
    inner = await c.rows_sql(has.source, [step], t, s)
    p = param_key(f"{has.source}.{has.ref}")
    return f"""{h}.rid IN (SELECT {u}.rid FROM head {t} JOIN ref {r} ON {r}.rid = {t}.rid AND {r}.p = {p} AND {r}.type = 0
               JOIN str {u} ON {u}.p = {param_key(has.type + ".url")} AND packed_id({u}.norm) = {r}.id WHERE {inner})"""


def _part_of(type_: str) -> str | None:
    """The parameter by which resources of a type are parts of one another (Location.partof)."""
    params = definitions.search_params(type_)
    return next((c for c in ("partof", "part-of") if c in params and type_ in params[c].targets), None)


def hierarchy(c: Compiler, ask: Ask, h: str, s: Statement) -> Cond:
    """location:below=Location/1: what points to it or to a part of it, however deep; :above: to it or what it is a part of."""
    places: dict[str, list[str]] = {}
    for v in ask.values:
        at = literal(plain(v))
        kinds = [at[1]] if at and not at[0] else [t for t in targets(ask.type, ask.param.code) if _part_of(t)]
        if not kinds or not all(_part_of(t) for t in kinds) or not (at or FHIR_ID.match(v)):
            raise ask.bad(f"{v[:200]!r} is not part of a hierarchy that :{ask.modifier} could follow.")
        for t in kinds:
            places.setdefault(t, []).append(at[2] if at else v)
    parts = [_whole(c, ask, t, ids, s) for t, ids in places.items()]
    return Cond(f"{h}.rid IN ({' UNION ALL '.join(parts)})", typed=True)


def _whole(c: Compiler, ask: Ask, type_: str, ids: list[str], s: Statement) -> str:
    """Rows that point to one of the places of a type, or to what is below or above it, going through visible places only."""
    c.may_read(type_)
    part, n, x = param_key(f"{type_}.{_part_of(type_)}"), number(type_), s.alias()
    scope = "" if c.scope.unlimited else " AND " + c.scope.where(RowSQL.of(x), s.bind)
    if ask.modifier == "below":
        step = f"""SELECT {x}.id FROM d JOIN ref r ON r.p = {part} AND r.type = {n} AND r.id = packed_id(d.id)
                   JOIN head {x} ON {x}.rid = r.rid WHERE NOT {x}.deleted{scope}"""
    else:
        step = f"""SELECT plain_id(r.id) FROM d JOIN head {x} ON {x}.id = d.id AND {x}.type = {n}
                   JOIN ref r ON r.rid = {x}.rid AND r.p = {part} AND r.type = {n} WHERE NOT {x}.deleted{scope}"""
    given = f'SELECT unnest({s.bind(ids)}::text[]) COLLATE "C" AS id'
    every = f"WITH RECURSIVE d AS ({given} UNION {step}) SELECT packed_id(d.id) FROM d"
    return f"SELECT r.rid FROM ref r WHERE r.p = {param_key(ask.prefix)} AND r.type = {n} AND r.id IN ({every})"
