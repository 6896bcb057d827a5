"""_sort (R4 search.html#sort): what a row is ordered by, as SQL that is never null, so that a page can go on behind any row.

A row without the value comes last, both ways; but by a type's main date (and by none, which is the main date downwards) it stands
where -infinity stands, as the index has it. Of several values the first in the asked direction counts. Codes are ordered by code,
references by 'Type/id', quantities by the number in their canonical unit. The row's surrogate id settles what is equal."""

from __future__ import annotations

from dataclasses import dataclass

from longbien.fhir.definitions import SearchParam
from longbien.record.types import number

from . import registry, slots
from .keys import ELSEWHERE, key, param_key

TEXT = 'text COLLATE "C"'
TOP = "U&'\\+10FFFF'"


@dataclass(frozen=True)
class Key:
    """One sort key: an SQL expression that is never null, its direction, its type for the cursor."""

    sql: str
    down: bool
    cast: str


def sortable(type_: str | None, code: str, param: SearchParam | None) -> bool:
    """Whether a type's rows can be ordered by a parameter."""
    if code in ("_id", "_lastUpdated"):
        return True
    if type_ is None or param is None or param.kind in ("composite", "special") or code.startswith("combo-"):
        return False
    return param.kind not in ("uri", "string") or not code.startswith("_")  # of meta.profile, meta.source, _text no value is kept


def keys(type_: str | None, sort: list[tuple[str, bool]]) -> list[Key]:
    """The keys of a search over `type_`, as parse has checked them."""
    if not sort:
        return [Key("h.dlo", True, "timestamptz")]
    return [_key(type_, code, down) for code, down in sort]


def _key(type_: str | None, code: str, down: bool) -> Key:
    if code == "_id":
        return Key("h.id", down, TEXT)
    if code == "_lastUpdated":
        return Key("h.upd", down, "timestamptz")
    assert type_ is not None
    if code == slots.date_param(type_):
        return Key("h.dlo", down, "timestamptz")
    if code == slots.quantity_param(type_):
        return Key(f"coalesce(h.val, '{'-' if down else ''}Infinity')", down, "float8")
    param = registry.param(type_, code)
    assert param is not None
    code = param.code
    p, pick = param_key(f"{type_}.{code}"), "max" if down else "min"
    match param.kind:
        case "date":
            found = f"SELECT {pick}(d.lo) FROM ix_date d WHERE d.rid = h.rid AND d.p = {p}"
            last = "-infinity" if down else "9999-12-31 00:00+00"
            return Key(f"coalesce(({found}), timestamptz '{last}')", down, "timestamptz")
        case "number" | "quantity":
            value = f"coalesce({pick}(q.val) FILTER (WHERE q.unit <> 0), {pick}(q.val))"
            found = f"SELECT {value} FROM ix_qty q WHERE q.rid = h.rid AND q.p = {p}"
            return Key(f"coalesce(({found}), '{'-' if down else ''}Infinity'::numeric)", down, "numeric")
        case "token":
            found = f"SELECT {pick}(w.norm) FROM word w WHERE w.key = ANY(h.terms) AND w.p = {p}"
            either = "greatest" if down else "least"
            return _text(f"{either}(({found}), ({_string(p, pick)}))", down)
        case "reference":
            return _text(f"({_reference(type_, code, p, pick)})", down)
    return _text(f"({_string(p, pick)})", down)


def _text(found: str, down: bool) -> Key:
    last = "''" if down else TOP
    return Key(f"coalesce({found}, {last})", down, TEXT)


def _string(p: int, pick: str) -> str:
    return f"SELECT {pick}(s.norm) FROM str s WHERE s.rid = h.rid AND s.p = {p}"


def _reference(type_: str, code: str, p: int, pick: str) -> str:
    """Types are numbered in the order of their names, so the number stands for the name."""
    rows = f"SELECT lpad(r.type::text, 3, '0') || plain_id(r.id) AS place FROM ref r WHERE r.rid = h.rid AND r.p = {p}"
    if code not in slots.by_pat(type_):
        return f"SELECT {pick}(x.place) FROM ({rows}) x"
    patient = number("Patient")
    own = f"SELECT '{patient}' || n.id AS place FROM head n WHERE n.pat = h.pat AND n.type = {patient}"
    if len(slots.patient_params(type_)) > 1:
        own += f" AND NOT h.terms @> ARRAY[{key(type_ + ELSEWHERE)}::int8]"
    return f"SELECT {pick}(x.place) FROM ({own} UNION ALL {rows}) x"
