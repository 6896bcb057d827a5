"""The language of SMART scopes: what an app or a machine may do, in the words of SMART App Launch 1.0 (patient/Observation.read)
and 2.x (user/Observation.rs?category=laboratory). What cannot be held exactly is refused, never widened.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from longbien.base.errors import Invalid
from longbien.fhir import definitions
from longbien.record.types import number

from . import restrict

Level = Literal["patient", "user", "system"]
_ONE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]{1,60})\.(\*|read|write|c?r?u?d?s?)(?:\?(.+))?\Z")
_OPS = {"*": "cruds", "read": "rs", "write": "cud"}
READING = frozenset("rs")
OTHERS = ("openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter", "online_access", "offline_access")
"""What a scope may say beside resources."""
LONGEST = 4000


class One(NamedTuple):
    """A scope about resources. ops: letters of c r u d s. query: the search that it is restricted to ("": none)."""

    level: Level
    type: str
    ops: frozenset[str]
    query: str

    def __str__(self) -> str:
        letters = "".join(op for op in "cruds" if op in self.ops)
        return f"{self.level}/{self.type}.{letters}" + (f"?{self.query}" if self.query else "")


class Said(NamedTuple):
    """A scope text, read. ones in the order given; others of OTHERS."""

    ones: tuple[One, ...]
    others: frozenset[str]


@dataclass(frozen=True)
class Hold:
    """What is held of one type. queries: of reading, alternatives; () for every row."""

    level: Level
    ops: frozenset[str]
    queries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """By type; "*" stands for those that are not named."""

    holds: tuple[tuple[str, Hold], ...]

    def types(self, *ops: str) -> frozenset[str] | None:
        """The types with one of these rights; None: all."""
        by = dict(self.holds)
        rest = by.pop("*", None)
        if rest is None or not rest.ops.intersection(ops):
            return frozenset(t for t, hold in by.items() if hold.ops.intersection(ops))
        if all(hold.ops.intersection(ops) for hold in by.values()):
            return None
        return frozenset(t for t in definitions.types() if by.get(t, rest).ops.intersection(ops))

    def at_patient(self) -> frozenset[str] | None:
        """The types of which only the patient in context is held; None: all."""
        by = dict(self.holds)
        rest = by.pop("*", None)
        own = frozenset(t for t, hold in by.items() if hold.level == "patient")
        if rest is None or rest.level != "patient":
            return own
        return None if len(own) == len(by) else frozenset(t for t in definitions.types() if by.get(t, rest).level == "patient")

    @property
    def limited(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The types of which only some rows are held, with the searches that say which."""
        return tuple((t, hold.queries) for t, hold in self.holds if hold.queries)


@lru_cache(maxsize=1000)
def read(text: str) -> Said:
    """Raises Invalid, naming the part that is no scope of this server."""
    if len(text) > LONGEST:
        raise Invalid(f"A scope has at most {LONGEST} characters.", code="value")
    ones: list[One] = []
    others: set[str] = set()
    for part in text.split():
        if part in OTHERS:
            others.add(part)
        else:
            ones.append(one(part))
    return Said(tuple(dict.fromkeys(ones)), frozenset(others))


def one(part: str) -> One:
    found = _ONE.match(part)
    if not found or not found[3]:
        raise Invalid(
            f"Scope {part[:80]!r} is not of the form <patient, user or system>/<type or *>.<read, write, letters of cruds in this "
            "order, or *>, with a search after ? if wanted.",
            code="value",
        )
    level, type_, what, query = found[1], found[2], found[3], found[4] or ""
    if type_ != "*" and number(type_) is None:
        raise Invalid(f"Scope {part[:80]!r} names {type_}, which is not an R4 resource type.", code="value")
    ops = frozenset(_OPS.get(what, what))
    if query:
        if type_ == "*" or not ops <= READING:
            text = "a search can restrict reading (r, s) of a named type only."
            raise Invalid(f"Scope {part[:80]!r}: here {text}", code="not-supported")
        restrict.check(type_, query)
    return One(level, type_, ops, query)  # type: ignore[arg-type]


def held(ones: Iterable[One]) -> Held:
    """What several scopes hold together. Raises Invalid where it could not be held exactly: one type at two levels with different
    rights, or rows restricted in one way for reading and in another for searching."""
    given = tuple(ones)
    named = list(dict.fromkeys(o.type for o in given))
    holds = [(t, _hold(t, [o for o in given if o.type in (t, "*")])) for t in named]
    rest = next((hold for t, hold in holds if t == "*"), None)
    return Held(tuple(sorted((t, hold) for t, hold in holds if t == "*" or hold != rest)))


def _hold(type_: str, ones: Sequence[One]) -> Hold:
    levels = {o.level for o in ones}
    if len(levels) > 1:
        wide = [o for o in ones if o.level != "patient"]
        whole = frozenset[str]().union(*(o.ops for o in wide if not o.query))
        if any(not o.ops <= whole for o in ones if o.level == "patient") or len({o.level for o in wide}) > 1:
            raise Invalid(f"{type_} is asked for at two levels with different rights; ask for one of them.", code="not-supported")
        ones = wide
    ops = frozenset[str]().union(*(o.ops for o in ones))
    by_op = {op: _queries(op, ones) for op in ops & READING}
    alike = set(by_op.values())
    if len(alike) > 1:
        raise Invalid(f"{type_}: r and s must be restricted by the same searches here.", code="not-supported")
    queries = alike.pop() if alike else ()
    if queries and not ops <= READING:
        raise Invalid(f"{type_}: beside a restricted r or s, no c, u or d can be granted here.", code="not-supported")
    return Hold(ones[0].level, ops, queries)


def _queries(op: str, ones: Sequence[One]) -> tuple[str, ...]:
    """The searches that restrict an operation; () where a scope grants it whole."""
    mine = [o.query for o in ones if op in o.ops]
    return () if "" in mine else tuple(sorted(set(mine)))


@lru_cache(maxsize=1000)
def machine(text: str) -> Held:
    """The scope of a machine that comes by itself: system/ only. Raises Invalid."""
    said = read(text)
    if not said.ones:
        raise Invalid('A token needs a scope, such as "system/*.rs".', code="value")
    for o in said.ones:
        if o.level != "system":
            raise Invalid(f"Scope {str(o)[:80]!r}: a machine that comes by itself has system/ scopes only.", code="value")
    if said.others:
        raise Invalid(f"Scope {sorted(said.others)[0]!r} is for apps that act for a person.", code="value")
    return held(said.ones)


def within(asked: One, most: Sequence[One]) -> bool:
    """Whether what an app asks for is covered by one of the scopes that it was registered with."""
    return any(
        m.level == asked.level and m.type in (asked.type, "*") and asked.ops <= m.ops and m.query in ("", asked.query) for m in most
    )
