"""What is kept for full-text search: nothing, the narratives, or all text. A setting that the background work brings into the
database, where every process reads it (parameters.py); so processes cannot disagree about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longbien.base import log
from longbien.base.config import Settings, setting
from longbien.base.errors import Invalid
from longbien.fhir import definitions

from .engine import Engine
from .search import registry
from .search.params import words
from .types import number

_log = log.get(__name__)
MODES: dict[str, tuple[str, ...]] = {"off": (), "narrative": ("_text",), "all": ("_text", "_content")}


class FullTextSettings(Settings):
    mode: str = setting(
        "LONGBIEN_FULL_TEXT",
        "narrative",
        "What full-text search looks in: off (neither _text nor _content is answered), narrative (_text), all (_content too, for"
        " about 350 bytes a resource). The background work applies it, indexing again what is there.",
    )


async def want(engine: Engine, mode: str) -> bool:
    """Apply a mode; gives whether it was another one before. Raises Invalid."""
    if mode not in MODES:
        raise Invalid(f"LONGBIEN_FULL_TEXT={mode[:40]!r} cannot be used: say {', '.join(MODES)}.")
    every = [number(t) for t in definitions.types()]
    changed: bool = await engine.db.fetchval("SELECT search_want($1::text[], $2::smallint[])", list(MODES[mode]), every)
    if changed:
        _log.info("full-text search is now %r; what is there is indexed again", mode)
    return changed


def wanted() -> tuple[bool, bool]:
    """(narratives, all content): what is to be kept."""
    parts = registry.current.parts
    return parts.get("_text", (False, False))[0], parts.get("_content", (False, False))[0]


Rows = tuple[list[int], list[str], list[int], list[str]]


def rows(resources: Sequence[tuple[int, dict[str, Any]]], of: tuple[bool, bool]) -> Rows:
    """(rid, resource) -> the rows of narrative and of content, in columns. Pure."""
    texts: list[tuple[int, str]] = []
    contents: list[tuple[int, str]] = []
    for rid, resource in resources:
        if not of[1] and "text" not in resource:
            continue
        found = words.of(resource, *of)
        if found.text:
            texts.append((rid, found.text))
        if found.content:
            contents.append((rid, found.content))
    return [r for r, _ in texts], [w for _, w in texts], [r for r, _ in contents], [w for _, w in contents]
