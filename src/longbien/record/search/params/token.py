"""Token parameters: codings, identifiers, codes, booleans (R4 search.html#token)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from longbien.base.fold import fold
from longbien.base.ids import key64
from longbien.fhir import definitions

from ..ask import Ask, Bind, Cond, plain, split
from ..keys import LONGEST, TEXT, key, param_key, word
from ..slots import code_param

SELECTIVE = frozenset(("identifier", "phone", "email", "telecom", "group-identifier", "udi-di"))
"""Tokens that few resources share."""
Add = Callable[[int], Any]


def coding(prefix: str, c: Any, add: Add) -> None:
    if not isinstance(c, dict):
        return
    code, system = c.get("code"), c.get("system")
    if system:
        add(key(f"{prefix}|{system}|"))
    if code:
        add(key(f"{prefix}|{system or ''}|{code}"))
        add(word(f"{prefix}={code}", prefix, code))
    if c.get("display"):
        text(prefix, c["display"], add)


def text(prefix: str, shown: Any, add: Add) -> None:
    """What :text looks at: a display, or the text of a concept or of an identifier's type."""
    if isinstance(shown, str) and (folded := fold(shown[: 4 * LONGEST])[:LONGEST]):
        add(word(f"{prefix}{TEXT}={folded}", prefix + TEXT, folded))


def identifier(prefix: str, i: Any, add: Add) -> None:
    if not isinstance(i, dict):
        return
    value, system = i.get("value"), i.get("system")
    if system:
        add(key(f"{prefix}|{system}|"))
    if value:
        add(key64(f"{prefix}|{system or ''}|{value}"))
        add(key64(f"{prefix}={value}"))
    kind = i.get("type") or {}
    if kind:
        text(prefix, kind.get("text"), add)
    if value and kind:
        for c in kind.get("coding") or ():
            if c.get("code"):
                add(key64(f"{prefix}:of-type|{c.get('system', '')}|{c['code']}|{value}"))


def digits(text: str) -> str:
    """A telephone number as digits, +84 and 0084 as 0: what people type differs."""
    d = "".join(c for c in text if c.isdigit())
    if text.lstrip().startswith("+84") or d.startswith("0084"):
        return "0" + d[d.index("84") + 2 :]
    return d


def contact(prefix: str, c: Any, add: Add) -> None:
    value = c.get("value") if isinstance(c, dict) else None
    if not value:
        return
    if c.get("system"):
        add(key(f"{prefix}|{c['system']}|"))
    add(key64(f"{prefix}|{c.get('system', '')}|{value}"))
    add(key64(f"{prefix}={value}"))
    if c.get("system") in ("phone", "sms", "fax") and (d := digits(value)):
        add(key64(f"{prefix}={d}"))


def sorted_by(prefix: str, value: Any, strs: set[tuple[int, str]]) -> None:
    """Numbers of people and things are too many for the vocabulary: their rows of str are there to sort by."""
    found = value.get("value") if isinstance(value, dict) else None
    if isinstance(found, str) and (folded := fold(found[: 4 * LONGEST])[:LONGEST]):
        strs.add((param_key(prefix), folded))


def index(prefix: str, value: Any, kind: str, add: Add) -> None:
    if kind == "CodeableConcept":
        if isinstance(value, dict):
            for c in value.get("coding") or ():
                coding(prefix, c, add)
            if "text" in value:
                text(prefix, value["text"], add)
    elif kind == "Coding":
        coding(prefix, value, add)
    elif kind == "Identifier":
        identifier(prefix, value, add)
    elif kind == "ContactPoint":
        contact(prefix, value, add)
    elif isinstance(value, bool):
        shown = "true" if value else "false"
        add(word(f"{prefix}={shown}", prefix, shown))
    elif isinstance(value, str):
        add(word(f"{prefix}={value}", prefix, value))


def codings(value: Any, kind: str) -> list[tuple[str, str]]:
    """(system, code) of every coding in a value."""
    listed = value.get("coding") or () if kind == "CodeableConcept" and isinstance(value, dict) else [value]
    return [(c.get("system", ""), c["code"]) for c in listed if isinstance(c, dict) and c.get("code")]


@cache
def implicit(type_: str, code: str) -> frozenset[str] | None:
    """The code systems that a parameter over plain `code` elements means without naming them; None where it is not such a one."""
    param = definitions.search_params(type_).get(code)
    expression = param.expression if param else ""
    systems: set[str] = set()
    for part in (p.strip() for p in expression.split(" | ")):
        if not part.startswith(type_ + "."):
            continue
        element = definitions.structure(type_).elements.get(part[len(type_) + 1 :])
        if element is None or element.types[0].code not in ("code", "boolean") or not element.binding:
            continue
        systems |= set(definitions.value_set(element.binding[1].split("|")[0]) or ())
    return frozenset(systems) or None


def keys(ask_type: str, code: str, text: str) -> list[int]:
    """The keys of one written token: code, system|code, |code, system|."""
    prefix = f"{ask_type}.{code}"
    parts = [plain(p) for p in split(text, "|")]
    if len(parts) == 1:
        return [key64(f"{prefix}={parts[0]}")]
    system, value = parts[0], "|".join(parts[1:])
    found = [key64(f"{prefix}|{system}|{value}")]
    if system and value and system in (implicit(ask_type, code) or ()):
        found.append(key64(f"{prefix}={value}"))
    return found


def has(h: str, found: list[int], bind: Bind) -> str:
    """Rows that carry one of the keys."""
    if len(found) == 1:
        return f"{h}.terms @> ARRAY[{bind(found[0])}::int8]"
    return f"{h}.terms && {bind(found)}::int8[]"


def _of_type(ask: Ask, text: str) -> int:
    parts = [plain(p) for p in split(text, "|")]
    if len(parts) != 3 or not all(parts):
        raise ask.bad(":of-type takes system|code|value.")
    return key64(f"{ask.prefix}:of-type|{parts[0]}|{parts[1]}|{parts[2]}")


def where(ask: Ask, h: str, bind: Bind, looked_up: list[int] | None = None) -> Cond:
    """looked_up: the keys of a modifier that asks terminology or the vocabulary first (concepts.keys)."""
    if looked_up is not None:
        sql = has(h, looked_up, bind) if looked_up else "false"
        return Cond(f"NOT ({sql})") if ask.modifier == "not-in" else Cond(sql, typed=True, keys=tuple(looked_up))
    if ask.modifier in (None, "not"):
        if any(v in ("", "|") for v in ask.values):
            raise ask.bad("a token is missing.")
        found = [k for v in ask.values for k in keys(ask.type, ask.param.code, v)]
        if ask.modifier == "not":
            return Cond(f"NOT ({has(h, found, bind)})")
        hot = tuple(found) if ask.param.code == code_param(ask.type) and all(_full(v) for v in ask.values) else ()
        return Cond(has(h, found, bind), typed=True, hot=hot, selective=ask.param.code in SELECTIVE, keys=tuple(found))
    if ask.modifier == "of-type":
        return Cond(has(h, [_of_type(ask, v) for v in ask.values], bind), typed=True)
    raise ask.unsupported()


def _full(text: str) -> bool:
    parts = split(text, "|")
    return len(parts) == 2 and all(parts)
