"""Page: what a search found, and the Bundle it becomes. The Bundle is made by joining bytes; bodies are not parsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import quote

from longbien.base import clock, ids
from longbien.base.errors import Issue
from longbien.fhir import json

Mode = Literal["match", "include"]


class Entry(NamedTuple):
    """One resource of a page. `body` is the JSON to send as it is."""

    type: str
    id: str
    version: int
    updated: datetime
    body: bytes
    mode: Mode
    pat: int | None
    rid: int


@dataclass
class Page:
    """type: None for a search over all types. total: None where it was not asked for and is not known. self_params: what was
    understood. next_params: the search for the next page, None on the last. issues: what the client should know."""

    type: str | None
    entries: list[Entry] = field(default_factory=list)
    total: int | None = None
    self_params: list[tuple[str, str]] = field(default_factory=list)
    next_params: list[tuple[str, str]] | None = None
    issues: list[Issue] = field(default_factory=list)
    base_url: str = ""
    path: str | None = None
    """Where the search was asked, below the base; the type where None (a compartment: 'Patient/1/Observation')."""

    @property
    def matches(self) -> list[Entry]:
        return [e for e in self.entries if e.mode == "match"]

    def link(self, params: Sequence[tuple[str, str]]) -> str:
        """The URL of a search with these parameters."""
        where = self.path if self.path is not None else self.type or ""
        place = "/".join(p for p in (self.base_url.rstrip("/"), where) if p)
        asked = "&".join(f"{quote(k, safe=_SAFE)}={quote(v, safe=_SAFE)}" for k, v in params)
        return f"{place}?{asked}" if asked else place

    def bundle(self) -> bytes:
        """The searchset Bundle."""
        links: list[tuple[str, str]] = [("self", self.link(self.self_params))]
        if self.next_params is not None:
            links.append(("first", self.link([p for p in self.self_params if p[0] != "_page"])))
            links.append(("next", self.link(self.next_params)))
        meta = f'{{"lastUpdated":"{clock.instant(clock.now())}"}}'
        head = f'{{"resourceType":"Bundle","id":"{ids.new_id()}","meta":{meta},"type":"searchset"'
        parts = [head.encode()]
        if self.total is not None:
            parts.append(b',"total":%d' % self.total)
        parts.append(b',"link":' + _array([_link(relation, url) for relation, url in links]))
        entries = self._entries()
        if self.issues:
            entries.append(self._outcome())
        if entries:
            parts.append(b',"entry":' + _array(entries))
        return b"".join([*parts, b"}"])

    def _entries(self) -> list[bytes]:
        """Types and ids are plain ASCII (ids.FHIR_ID): only the base is quoted."""
        base = json.dumps(f"{self.base_url.rstrip('/')}/" if self.base_url else "")[:-1]
        tail = {mode: b',"search":{"mode":"%s"}}' % mode.encode() for mode in ("match", "include")}
        return [
            b'{"fullUrl":%s%s/%s","resource":%s%s' % (base, e.type.encode(), e.id.encode(), e.body, tail[e.mode])
            for e in self.entries
        ]

    def _outcome(self) -> bytes:
        issue = [{"severity": i.severity, "code": i.code, "diagnostics": i.text} for i in self.issues]
        body = json.dumps({"resourceType": "OperationOutcome", "issue": issue})
        return b'{"fullUrl":"urn:uuid:%s","resource":%s,"search":{"mode":"outcome"}}' % (ids.new_id().encode(), body)


_SAFE = ":,$/-._~*"


def _array(parts: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(parts) + b"]"


def _link(relation: str, url: str) -> bytes:
    return b'{"relation":"%s","url":%s}' % (relation.encode(), json.dumps(url))
