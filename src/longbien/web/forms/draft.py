"""A form that is being written and not signed: what is kept of it as it is typed (access/drafts.py), on whichever machine. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...base.errors import Invalid
from ...base.ids import new_id
from ...base.words import parse_instant
from ...fhir import json as fhir
from .filling import Fields
from .populate import Opening, Source, untouched
from .tree import Resource


@dataclass(slots=True)
class Draft:
    """fields: as typed. once: the response's id. copied: what was copied forward from `origin`, by field. record: what was
    drawn from the record. sources: charted values. page: the page that wrote last. version: of the response in the record (0:
    none); reason: why a completed one is amended. visit: the encounter it was begun in;
    about: patient and encounter as they were then, so that keeping a draft reads no record."""

    fields: Fields = field(default_factory=dict)
    once: str = field(default_factory=new_id)
    copied: Fields = field(default_factory=dict)
    origin: Resource = field(default_factory=dict)
    record: Fields = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    page: str = ""
    version: int = 0
    reason: str = ""
    visit: str = ""
    about: Resource = field(default_factory=dict)

    @classmethod
    def opened(cls, opening: Opening) -> Draft:
        return cls(fields=dict(opening.fields), record=dict(opening.from_record), sources=dict(opening.sources))

    @property
    def marks(self) -> set[str]:
        """Fields that still hold what was copied forward."""
        return untouched(self.copied, self.fields)

    @property
    def drawn(self) -> set[str]:
        """Fields that still hold what was drawn from the record or taken from what was charted."""
        charted = {n: list(s.texts) for n, s in self.sources.items()}
        return untouched(self.record, self.fields) | untouched(charted, self.fields)

    def dumps(self) -> str:
        kept = {n: [s.reference, s.at.isoformat(), list(s.texts)] for n, s in self.sources.items()}
        made = {
            "fields": self.fields, "once": self.once, "copied": self.copied, "origin": self.origin, "record": self.record,
            "sources": kept, "page": self.page, "version": self.version, "reason": self.reason,
            "visit": self.visit, "about": self.about,
        }  # fmt: skip
        return str(fhir.dumps(made), "utf-8")


def loads(text: str) -> Draft | None:
    """What was kept; None for what cannot be read."""
    try:
        given = fhir.loads(text)
        sources = {
            str(n): Source(str(r), _at(t), tuple(str(x) for x in texts)) for n, (r, t, texts) in dict(given["sources"]).items()
        }
        return Draft(
            _fields(given["fields"]), str(given["once"]), _fields(given["copied"]), dict(given["origin"]), _fields(given["record"]),
            sources, str(given["page"]), int(given["version"]), str(given.get("reason") or ""),
            visit=str(given.get("visit") or ""), about=dict(given.get("about") or {}),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, Invalid):
        return None


def _at(text: Any) -> datetime:
    return parse_instant(str(text))


def _fields(given: Mapping[str, Any]) -> Fields:
    return {str(k): [str(v) for v in texts] for k, texts in given.items()}
