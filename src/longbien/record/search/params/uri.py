"""Uri parameters: the whole uri, or with :below what begins with it, with :above what it begins with (R4 search.html#uri)."""

from __future__ import annotations

from typing import Any

from longbien.base.ids import key64

from ..ask import Ask, Bind, Cond, any_of, plain
from ..keys import key, param_key
from .string import LONGEST, TOP
from .token import has


def index(prefix: str, value: Any, kind: str, add: Any, strs: set[tuple[int, str]]) -> None:
    if not isinstance(value, str):
        return
    add(key(f"{prefix}|{value}"))
    bare = value.split("|")[0]
    if bare != value:
        add(key(f"{prefix}|{bare}"))
    if "._" not in prefix:  # meta.profile stands on everything: not worth a row each
        strs.add((param_key(prefix), bare[:LONGEST]))


def above(uri: str) -> list[str]:
    """The uri and each of its parents, down to the host."""
    found = [uri]
    rest = uri.rstrip("/")
    while "/" in rest and not rest.rpartition("/")[0].endswith((":/", ":")):
        rest = rest.rpartition("/")[0]
        found += [rest, rest + "/"]
    return found


def where(ask: Ask, h: str, bind: Bind) -> Cond:
    values = [plain(v) for v in ask.values]
    if any(not v for v in values):
        raise ask.bad("a uri is missing.")
    if ask.modifier is None:
        found = [key64(f"{ask.prefix}|{v}") for v in values]
        return Cond(has(h, found, bind), typed=True, selective=True, keys=tuple(found))
    if ask.modifier == "above":
        return Cond(has(h, [key64(f"{ask.prefix}|{u}") for v in values for u in above(v)], bind), typed=True, selective=True)
    if ask.modifier == "below" and "._" not in ask.prefix:
        p = bind(param_key(ask.prefix))
        parts = []
        for v in values:
            root = v.rstrip("/")[:LONGEST]
            inside = f"(s.norm >= {bind(root + '/')} AND s.norm < {bind(root + '/' + TOP)})"
            parts.append(f"(s.norm = {bind(root)} OR {inside})")
        return Cond(f"{h}.rid IN (SELECT s.rid FROM str s WHERE s.p = {p} AND {any_of(parts)})", typed=True, selective=True)
    raise ask.unsupported()
