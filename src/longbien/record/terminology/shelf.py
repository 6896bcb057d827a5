"""What a process keeps of terminology resources, by version, within bounds."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import zstandard

from longbien.base.db import Row
from longbien.base.errors import Invalid
from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.fhir import definitions, json
from longbien.fhir.definitions import Defined
from longbien.fhir.terminology import concepts, grammars
from longbien.fhir.terminology.compose import Members
from longbien.fhir.terminology.concepts import System
from longbien.fhir.terminology.library import split, too_costly

from ..scope import Bind, Rows, RowSQL

if TYPE_CHECKING:
    from ..engine import Engine

Q = queries(__file__, "sql/terminology.sql")
SHELF = 40 << 20
"""Bytes of JSON that a process keeps as objects (four to six times as much memory)."""
LARGEST = 32 << 20
"""Bytes of one CodeSystem, ValueSet or ConceptMap that is still worked with."""
MOST_VERSIONS = 500
"""Resources with the urls of one question."""
SUMMARIES = 20_000
ANSWERS = 16
ANSWERED_CODES = 100_000
"""How many worked out value sets are kept, with how many codes together."""
_IN_THREAD = 200_000
_DEFINED: dict[str, Defined] = {"CodeSystem": "codesystems", "ValueSet": "compositions", "ConceptMap": "conceptmaps"}


class Summary(msgspec.Struct, gc=False):
    """Which one of several versions this is."""

    url: str = ""
    version: str | None = None
    status: str = ""
    date: str | None = None

    @property
    def rank(self) -> tuple[Any, ...]:
        return {"active": 2, "retired": 0}.get(self.status, 1), _natural(self.version), self.date or ""


_summary = msgspec.json.Decoder(Summary).decode


def _natural(version: str | None) -> list[tuple[int, int, str]]:
    """2.10 after 2.9, 2026 after 4.0.1."""
    return [(int(p), 1, "") if p.isdigit() else (-1, 0, p) for p in re.findall(r"[0-9]{1,18}|[^0-9.]+", version or "")]


class Found(NamedTuple):
    """A resource of the record (rid, ver) or of the specification (rid 0)."""

    rid: int
    ver: int
    id: str
    summary: Summary


class Shelf:
    """One a process. Not for several threads."""

    def __init__(self) -> None:
        self._summaries: OrderedDict[tuple[int, int], Summary] = OrderedDict()
        self._objects: OrderedDict[tuple[Any, ...], tuple[Any, int]] = OrderedDict()
        self._weight = 0
        self._answers: OrderedDict[tuple[Any, ...], tuple[Members, tuple[Any, ...]]] = OrderedDict()
        self.lock = asyncio.Lock()

    def summary(self, key: tuple[int, int]) -> Summary | None:
        return self._summaries.get(key)

    def note(self, key: tuple[int, int], summary: Summary) -> None:
        self._summaries[key] = summary
        while len(self._summaries) > SUMMARIES:
            self._summaries.popitem(last=False)

    def take(self, key: tuple[Any, ...]) -> Any | None:
        found = self._objects.get(key)
        if found is None:
            return None
        self._objects.move_to_end(key)
        return found[0]

    def put(self, key: tuple[Any, ...], made: Any, weight: int) -> None:
        self._objects[key] = made, weight
        self._weight += weight
        while self._weight > SHELF and len(self._objects) > 1:
            _, (_, lighter) = self._objects.popitem(last=False)
            self._weight -= lighter

    def answered(self, key: tuple[Any, ...]) -> Members | None:
        """The codes of a value set that were worked out before; `key` names all that they were made of."""
        found = self._answers.get(key)
        if found is None:
            return None
        self._answers.move_to_end(key)
        return found[0]

    def remember(self, key: tuple[Any, ...], members: Members, made_of: tuple[Any, ...]) -> None:
        self._answers[key] = members, made_of
        while len(self._answers) > ANSWERS or (len(self._answers) > 1 and self._codes() > ANSWERED_CODES):
            self._answers.popitem(last=False)

    def _codes(self) -> int:
        return sum(len(m) for m, _ in self._answers.values())


def _unpacked_size(frame: bytes) -> int:
    return zstandard.get_frame_parameters(frame).content_size


class _OfNobody:
    """What no patient's record holds: all that the house itself, asking for no actor, is shown."""

    def sql(self, row: RowSQL, bind: Bind) -> str:
        return f"{row.pat} IS NULL"


class Resources:
    """Terminology resources as `rows` lets them be seen. Types: CodeSystem (given as System), ValueSet and ConceptMap (as dict)."""

    def __init__(self, engine: Engine, shelf: Shelf, rows: Rows | None = None):
        self.engine = engine
        self.shelf = shelf
        self.rows = rows or _OfNobody()

    async def find(self, type: str, canonicals: Iterable[str]) -> dict[str, Any]:
        """canonical -> what it means now; what is not known is left out. Without a version: an active one before a draft one before
        a retired one, then the highest version, then the record's before the specification's. Raises Invalid (422)."""
        wanted = set(canonicals)
        if not wanted:
            return {}
        stored = await self._stored(type, {split(c)[0] for c in wanted} | wanted)
        found: dict[str, Any] = {}
        for canonical in wanted:
            best = self._best(type, canonical, stored)
            made = await self._made(type, best) if best else grammars.SYSTEMS.get(canonical) if type == "CodeSystem" else None
            if made is not None:
                found[canonical] = made
        return found

    def _best(self, type: str, canonical: str, stored: Mapping[str, list[Found]]) -> Found | None:
        """Some of HL7's v2 tables have a bar in their very url: so the whole is looked at as a url too."""
        choice: list[Found] = []
        for url, version in {split(canonical), (canonical, None)}:
            own = self._of_specification(type, url)
            known = [*stored.get(url, ()), *([Found(0, 0, "", own)] if own else [])]
            choice += [f for f in known if version is None or f.summary.version == version]
        return max(choice, key=lambda f: (f.summary.rank, f.rid > 0, f.rid), default=None)

    def _of_specification(self, type: str, url: str) -> Summary | None:
        made = self._defined(type, url)
        if made is None:
            return None
        if isinstance(made, System):
            return Summary(url, made.version, "active")
        return Summary(url, made.get("version"), str(made.get("status", "")), made.get("date"))

    def _defined(self, type: str, url: str) -> Any | None:
        key = ("specification", type, url)
        made = self.shelf.take(key)
        if made is None and url in definitions.table(_DEFINED[type]):
            weight = len(definitions.table(_DEFINED[type])[url])
            raw = definitions.defined(_DEFINED[type], url)
            made = concepts.read(raw) if type == "CodeSystem" and raw is not None else raw
            self.shelf.put(key, made, weight)
        return made

    async def _stored(self, type: str, urls: set[str]) -> dict[str, list[Found]]:
        args: list[Any] = [[key64(f"{type}.url|{u}") for u in urls], MOST_VERSIONS + 1]

        def bind(value: Any) -> str:
            args.append(value)
            return f"${len(args)}"

        sql = Q.carrying.replace("{allowed}", self.rows.sql(RowSQL.of("h"), bind))
        rows = await self.engine.db.fetch(sql, *args, search=True)
        if len(rows) > MOST_VERSIONS:
            raise too_costly(f"There are over {MOST_VERSIONS} versions of {', '.join(sorted(urls))[:300]}.")
        found: dict[str, list[Found]] = {}
        for one in await self._summed(rows):
            found.setdefault(one.summary.url, []).append(one)
        return found

    async def _summed(self, rows: Sequence[Row]) -> list[Found]:
        if any(self.shelf.summary((r["rid"], r["ver"])) is None for r in rows):
            async with self.shelf.lock:
                await self._sum_up(rows)
        seen = ((r, self.shelf.summary((r["rid"], r["ver"]))) for r in rows)
        return [Found(r["rid"], r["ver"], r["id"], s) for r, s in seen if s is not None]

    async def _sum_up(self, rows: Sequence[Row]) -> None:
        new = [r for r in rows if self.shelf.summary((r["rid"], r["ver"])) is None]
        versions = {r["rid"]: r["ver"] for r in new}
        for at in range(0, len(new), 10):  # bodies may be large: a few at a time
            part = new[at : at + 10]
            for row in await self.engine.db.fetch(Q.bodies, [r["rid"] for r in part], [r["ver"] for r in part]):
                self.shelf.note((row["rid"], versions[row["rid"]]), await self._sum(row["body"]))

    async def _sum(self, frame: bytes) -> Summary:
        if _unpacked_size(frame) > LARGEST:
            raise too_costly(f"A code system, value set or concept map of over {LARGEST >> 20} MB is not worked with here.")
        body = await self.engine.unpack(frame)
        try:
            return await asyncio.to_thread(_summary, body) if len(body) > _IN_THREAD else _summary(body)
        except msgspec.ValidationError:
            return Summary()  # imported unchecked and not of the standard's shape: it is not found

    async def _made(self, type: str, one: Found) -> Any:
        if one.rid == 0:
            return self._defined(type, one.summary.url)
        return await self.version(type, one.rid, one.ver)

    async def version(self, type: str, rid: int, ver: int) -> Any:
        """One stored version as an object. Raises Invalid (422) where it is too large or has not the standard's shape."""
        key = (rid, ver)
        made = self.shelf.take(key)
        if made is None:
            async with self.shelf.lock:  # one large system is read at a time, and only once
                made = self.shelf.take(key)
                if made is None:
                    made, weight = await self._read(type, rid, ver)
                    self.shelf.put(key, made, weight)
        return made

    async def _read(self, type: str, rid: int, ver: int) -> tuple[Any, int]:
        rows = await self.engine.db.fetch(Q.bodies, [rid], [ver])
        if not rows:
            raise Invalid(f"The {type} was changed meanwhile.", code="conflict", status=409)
        if _unpacked_size(rows[0]["body"]) > LARGEST:
            raise too_costly(f"A {type} of over {LARGEST >> 20} MB is not worked with here.")
        body = await self.engine.unpack(rows[0]["body"])
        read = concepts.read if type == "CodeSystem" else json.loads
        made = await asyncio.to_thread(read, body) if len(body) > _IN_THREAD else read(body)
        return made, len(body)

    async def maps_from(self, code: str, reverse: bool, most: int) -> list[dict[str, Any]]:
        """ConceptMaps of the record that hold the code on that side, and those of the specification."""
        side = "target-code" if reverse else "source-code"
        args: list[Any] = [[key64(f"ConceptMap.{side}={code}"), key64(f"ConceptMap.{side}||{code}")], most + 1]

        def bind(value: Any) -> str:
            args.append(value)
            return f"${len(args)}"

        sql = Q.carrying.replace("{allowed}", self.rows.sql(RowSQL.of("h"), bind))
        rows = await self.engine.db.fetch(sql, *args, search=True)
        if len(rows) > most:
            raise too_costly(f"Over {most} concept maps speak of this code: name one with url.")
        found = [await self.version("ConceptMap", r["rid"], r["ver"]) for r in sorted(rows, key=lambda r: int(r["rid"]))]
        mine = {m.get("url") for m in found}
        return found + [self._defined("ConceptMap", u) for u in definitions.table("conceptmaps") if u not in mine]
