"""Store: the record as one actor may see it. Each verb delegates. An answer leaves only after its trail line is durable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from longbien.base.db import Row
from longbien.base.errors import Forbidden, Gone, NotFound
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.fhir import extract, json

from . import everything, trail, write
from .change import Change, Manner, Stored
from .engine import Engine
from .page import Page
from .scope import Scope
from .search import run
from .search.parse import Handling
from .types import number

Q = queries(__file__, "sql/store.sql")
NEWEST = 2**31 - 1


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

    async def history(self, type: str, id: str, *, count: int = 50, below: int = NEWEST) -> list[Stored]:
        """Versions newest first, deletions as rows with no body; go on with below = the last one's version."""
        await self._may_read(type)
        sql, args = self._with_scope(Q.history, id, number(type), min(below, NEWEST), count)
        rows = await self.engine.db.fetch(sql, *args)
        if not rows and below == NEWEST:
            await self._unknown(type, id)
            raise NotFound(f"{type}/{id} is not known.")
        if rows and not rows[0]["allowed"]:
            await self._refuse(type, rows[0])
            raise NotFound(f"{type}/{id} is not known.")
        if rows:
            first = rows[0]
            await self.engine.trail.write(
                [trail.line(self.scope, "history", pat=first["pat"], rid=first["rid"], type=number(type), n=len(rows))]
            )
        bodies = await self.engine.unpack_all([r["body"] for r in rows if r["body"]])
        left = iter(bodies)
        found = [
            Stored(type, id, r["ver"], r["upd"], next(left) if r["body"] else b"", r["op"] == write.DELETE, r["rid"], r["pat"],
                   r["op"] == write.CREATE)
            for r in rows
        ]  # fmt: skip
        return [s for s in found if self._about(s)]

    async def search(
        self, type: str | None, params: Sequence[tuple[str, str]], *, handling: Handling = "lenient", base_url: str = "",
        patient: str | None = None,
    ) -> Page:  # fmt: skip
        """One page. `type` None: over all types. `patient`: within that patient's compartment only. See search.run.search."""
        return await run.search(self.engine, self.scope, type, params, handling=handling, base_url=base_url, patient=patient)

    async def everything(
        self, type: str, id: str | None, asked: everything.Asked, base_url: str, params: Sequence[tuple[str, str]]
    ) -> tuple[Page, int | None]:
        """A page of $everything and where to go on: see everything.everything. `params`: what was asked, for the trail."""
        place = "/".join(p for p in (type, id, "$everything") if p)
        why = f"{place}?{urlencode(params)}" if params else place
        why = f"{self.scope.reason}: {why}".removeprefix(": ")
        return await everything.everything(self.engine, self.scope, type, id, asked, base_url, why)

    async def commit(self, changes: Sequence[Change], manner: Manner = Manner()) -> list[Stored]:
        """Do all of `changes` or none: see write.commit."""
        return await write.commit(self.engine, self.scope, changes, manner)

    async def _may_read(self, type: str) -> None:
        if not self.scope.may_read(type):
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

        return sql.replace("{allowed}", self.scope.where("h.pat", "h.type", bind)), values

    async def _one(self, sql: str, kind: str, type: str, id: str, *more: Any) -> Row:
        if not self.scope.may_read(type):
            await self._may_read(type)
        sql, args = self._with_scope(sql, id, number(type), *more)
        row = await self.engine.db.fetchrow(sql, *args)
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

    async def _refuse(self, type: str, row: Row) -> None:
        await self.engine.trail.write(
            [trail.line(self.scope, "refused", pat=row["pat"], rid=row["rid"], type=number(type), outcome=trail.REFUSED)]
        )

    async def _stored(self, type: str, id: str, row: Row) -> Stored:
        body = await self.engine.unpack(row["body"]) if row["body"] else b""
        return Stored(type, id, row["ver"], row["upd"], body, row["deleted"], row["rid"], row["pat"])
