"""A search as a restriction of a scope (patient/Observation.rs?category=laboratory), made into a condition on a row by the search's
own compiler of parameters: a row is in the scope exactly when the search would find it.

Only what needs nothing but the row itself and its index is taken: no chains, no _has, no value sets, nothing about lists of
results. Everything else is refused when the scope is read."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qsl

from longbien.base.errors import Invalid, LongbienError
from longbien.fhir import definitions
from longbien.record.scope import Bind
from longbien.record.search.ask import Ask
from longbien.record.search.params import dates, reference, token, uri
from longbien.record.search.parse import parse

_WHERE = {"token": token.where, "date": dates.where, "reference": reference.where, "uri": uri.where}
_PLAIN = {"token": (None, "not"), "date": (None,), "reference": (None,), "uri": (None,)}
_OF_LISTS = frozenset({"_count", "_sort", "_elements", "_page", "_type", "_summary", "_total", "_contained", "_containedType",
                       "_include", "_revinclude", "_format", "_pretty"})  # fmt: skip
_BESIDE = frozenset({"_id", "_lastUpdated", "_list", "_text", "_content"})


def check(type_: str, query: str) -> None:
    """Raises Invalid, naming what cannot restrict a scope."""
    sql(type_, query, "h", lambda value: "$1")


@lru_cache(maxsize=1000)
def _asks(type_: str, query: str) -> tuple[Ask, ...]:
    try:
        given = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=10)
        if any(not value or name.partition(":")[0] in _OF_LISTS for name, value in given):
            raise _refused(type_, query)
        asked = parse(type_, given, "strict")
    except ValueError:
        raise _refused(type_, query) from None
    except LongbienError as why:
        raise Invalid(f"The scope's search on {type_}: {why.text}", code="not-supported") from None
    if asked.has or not asked.asks:
        raise _refused(type_, query)
    for ask in asked.asks:
        known = ask.param.code in definitions.search_params(type_) and ask.param.code not in _BESIDE
        if not known or ask.chain is not None or ask.modifier not in _PLAIN.get(ask.param.kind, ()):
            raise _refused(type_, ask.name)
    return tuple(asked.asks)


def _refused(type_: str, what: str) -> Invalid:
    return Invalid(
        f"The scope's search on {type_}, {what[:80]!r}: a scope can be restricted by codes, dates, references and addresses of the "
        "resource itself.",
        code="not-supported",
    )


def sql(type_: str, query: str, alias: str, bind: Bind) -> str:
    """The condition on a row of head that stands under `alias`."""
    return " AND ".join(_WHERE[ask.param.kind](ask, alias, bind).sql for ask in _asks(type_, query))
