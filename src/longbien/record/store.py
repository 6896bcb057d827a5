"""Store: the record as one actor may see it. Each verb delegates. An answer leaves only after its trail line is durable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from longbien.base.db import Row
from longbien.base.errors import Forbidden, Gone, NotFound
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.fhir import extract, json

from . import everything, lastn, trail, write
from . import history as past
from .change import Change, Manner, Stored
from .engine import Engine
from .page import Page
from .scope import RowSQL, Scope
from .search import run
from .search.parse import Handling
from .types import number

Q = queries(__file__, "sql/store.sql")
NEWEST = 2**31 - 1


class History(NamedTuple):
    """A page of one resource's versions; `newest` is the number of its newest one, and so of all that there are. below: where the
    next page begins, None where nothing is left."""

    versions: list[Stored]
    newest: int
    below: int | None


class Store:
    def __init__(self, engine: Engine, scope: Scope):
        self.engine = engine
        self.scope = scope

    async def read(self, type: str, id: str) -> Stored:
        """The current version. Raises NotFound (also for what the scope hides), Gone, Forbidden (the type)."""
        row = await self._one(Q.read, "read", type, id)
        stored = await self._stored(type, id, row)
        if stored.deleted:
            raise Gone(f"{type}/{id} was deleted.")
        return stored

    async def vread(self, type: str, id: str, version: int) -> Stored:
        """One version. Raises as read does."""
        row = await self._one(Q.vread, "vread", type, id, min(version, NEWEST))
        stored = await self._stored(type, id, row)
        if stored.deleted:
            raise Gone(f"{type}/{id} was deleted in version {version}.")
        if not self._about(stored):
            await self._refuse(type, row)
            raise NotFound(f"{type}/{id} is not known.")
        return stored

    async def history(
        self, type: str, id: str, *, count: int = 50, below: int = NEWEST, since: datetime | None = None,
        at: tuple[datetime, datetime] | None = None,
    ) -> History:  # fmt: skip
        """Versions newest first, deletions as rows with no body. since, at: see past.Asked. Raises NotFound (also for what the
        scope hides), Forbidden (the type)."""
        await self._allowed(type, self.scope.may_get(type) and self.scope.may_see_versions(type))
        low, high = at or (None, None)
        sql, args = self._with_scope(
            past.Q.of_one, id, number(type), min(below, NEWEST), count + 1, since or past.EARLIEST, low, high
        )
        rows = await self.engine.db.fetch(sql, *args)
        if not rows:
            await self._unknown(type, id)
            raise NotFound(f"{type}/{id} is not known.")
        first = rows[0]
        if not first["allowed"]:
            await self._refuse(type, first)
            raise NotFound(f"{type}/{id} is not known.")
        found = [{**r, "type": number(type), "id": id} for r in rows if r["ver"] is not None]
        page, more = found[:count], len(found) > count > 0
        await self.engine.trail.write(
            [trail.line(self.scope, "history", pat=first["pat"], rid=first["rid"], type=number(type), n=len(page))]
        )
        versions = [s for s in await past.versions(self.engine, page) if self._about(s)]
        return History(versions, first["newest"], page[-1]["ver"] if more else None)

    async def history_of(self, type: str | None, asked: past.Asked) -> past.Found:
        """Versions of one type, or of all that the scope may read (type None), newest first. Raises Forbidden, Unavailable."""
        if type is not None:
            await self._allowed(type, self.scope.may_search(type) and self.scope.may_see_versions(type))
        found = await past.history(self.engine, self.scope, type, asked)
        return found._replace(versions=[s for s in found.versions if self._about(s)])

    async def search(
        self, type: str | None, params: Sequence[tuple[str, str]], *, handling: Handling = "lenient", base_url: str = "",
        patient: str | None = None, within: tuple[str, str] | None = None,
    ) -> Page:  # fmt: skip
        """One page. `type` None: over all types. `patient`: within that patient's compartment only; `within`: in this one, such as
        ("Encounter", id). See search.run.search."""
        place = ("Patient", patient) if patient is not None else within
        return await run.search(self.engine, self.scope, type, params, handling=handling, base_url=base_url, within=place)

    async def everything(
        self, type: str, id: str | None, asked: everything.Asked, base_url: str, params: Sequence[tuple[str, str]]
    ) -> tuple[Page, int | None]:
        """A page of $everything and where to go on: see everything.everything. `params`: what was asked, for the trail."""
        place = "/".join(p for p in (type, id, "$everything") if p)
        why = f"{place}?{urlencode(params)}" if params else place
        why = f"{self.scope.reason}: {why}".removeprefix(": ")
        return await everything.everything(self.engine, self.scope, type, id, asked, base_url, why)

    async def lastn(self, params: Sequence[tuple[str, str]], most: int, handling: Handling, base_url: str) -> Page:
        """The newest observations of each code: see lastn.lastn."""
        return await lastn.lastn(self.engine, self.scope, params, most, handling, base_url)

    async def commit(self, changes: Sequence[Change], manner: Manner = Manner()) -> list[Stored]:
        """Do all of `changes` or none: see write.commit."""
        return await write.commit(self.engine, self.scope, changes, manner)

    async def _allowed(self, type: str, allowed: bool) -> None:
        if not allowed:
            await self.engine.trail.write([trail.line(self.scope, "refused", type=number(type), outcome=trail.REFUSED)])
            raise Forbidden(f"{self.scope.label} may not read {type}.")

    def _about(self, stored: Stored) -> bool:
        """Whether a version speaks of the patient whose record the resource is in now: a resource may have been moved, and who may
        see the one patient may not see what was said of the other."""
        if self.scope.unlimited or stored.pat is None or not stored.body:
            return True
        named = extract.patient_ids(json.loads(stored.body, strict=False))
        return not named or any(patient_key(p) == stored.pat for p in named)

    async def _unknown(self, type: str, id: str) -> None:
        """Asking for what is not there leaves a line as asking for what is hidden does: so it takes as long, and guessing shows."""
        if not self.scope.unlimited:
            why = f"{self.scope.reason}: {type}/{id}".removeprefix(": ")
            await self.engine.trail.write(
                [trail.line(self.scope, "refused", type=number(type), outcome=trail.REFUSED, n=0, why=why)]
            )

    def _with_scope(self, sql: str, *args: Any) -> tuple[str, list[Any]]:
        values = list(args)

        def bind(value: Any) -> str:
            values.append(value)
            return f"${len(values)}"

        return sql.replace("{allowed}", self.scope.where(RowSQL.of("h"), bind)), values

    async def _one(self, sql: str, kind: str, type: str, id: str, *more: Any) -> Row:
        await self._allowed(type, self.scope.may_get(type) and (kind != "vread" or self.scope.may_see_versions(type)))
        row = await self._decided(sql, id, number(type), *more)
        if row is None:
            await self._unknown(type, id)
            raise NotFound(f"{type}/{id} is not known.")
        if not row["allowed"]:
            await self._refuse(type, row)
            raise NotFound(f"{type}/{id} is not known.")
        await self.engine.trail.write(
            [trail.line(self.scope, kind, pat=row["pat"], rid=row["rid"], ver=row["ver"], type=number(type))]
        )
        return row

    async def _decided(self, sql: str, *args: Any) -> Row | None:
        """A row and whether it is `allowed`: by what opens most rows, and only where that does not open it by everything that may.
        What is not there is asked for twice as well, so that it takes as long as what is hidden."""
        values = list(args)

        def bind(value: Any) -> str:
            values.append(value)
            return f"${len(values)}"

        surely = self.scope.surely(RowSQL.of("h"), bind)
        if surely != "false":
            row = await self.engine.db.fetchrow(sql.replace("{allowed}", surely), *values)
            if row is not None and row["allowed"]:
                return row
        sql, values = self._with_scope(sql, *args)
        return await self.engine.db.fetchrow(sql, *values)

    async def _refuse(self, type: str, row: Row) -> None:
        await self.engine.trail.write(
            [trail.line(self.scope, "refused", pat=row["pat"], rid=row["rid"], type=number(type), outcome=trail.REFUSED)]
        )

    async def _stored(self, type: str, id: str, row: Row) -> Stored:
        body = await self.engine.unpack(row["body"]) if row["body"] else b""
        return Stored(type, id, row["ver"], row["upd"], body, row["deleted"], row["rid"], row["pat"])
