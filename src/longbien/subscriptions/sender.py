"""Calling a rest-hook: one subscriber's queue, in order, at least once.

A plain R4 subscription goes through its lanes side by side (a lane is one patient's record), one event a call; one on a topic gets
bundles in the order of their numbers. What fails is tried again, later and later; a subscriber that does not answer at all is left
alone meanwhile, and only he. http://hl7.org/fhir/R4/subscription.html#2.46.7.1"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from longbien.access.door import Door
from longbien.base import log
from longbien.base.errors import LongbienError
from longbien.base.outside import Outside, Reply
from longbien.base.sql import queries
from longbien.fhir import json as fhir_json
from longbien.fhir import xml
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.inside import inside
from longbien.record.store import Store

from . import notice
from .notice import Event
from .plan import JSON, XML
from .read import Sub, events, store
from .settings import SubscriptionSettings

Q = queries(__file__, "sql/subscriptions.sql")
_log = log.get(__name__)
LANES = 4
"""Lanes of one subscriber that are served at the same time."""
AT_ONCE = 64
"""Events that are taken from the queue at a time."""
WORRY = 3
"""Failures in a row after which the subscription says error."""
_OF_THE_EVENT = frozenset((400, 406, 409, 411, 412, 413, 415, 422))
"""Answers that speak of what was sent, not of the subscriber: the other lanes go on."""


class Failed(Exception):
    """`parks`: nothing more is sent to this subscriber for now. after: seconds that it asked to wait."""

    def __init__(self, text: str, parks: bool = True, after: float | None = None):
        super().__init__(text)
        self.text, self.parks, self.after = text, parks, after


class Sender:
    """`house`: the record as the system itself, to write how subscriptions fare."""

    def __init__(self, engine: Engine, door: Door, house: Store, outside: Outside, settings: SubscriptionSettings):
        self.engine, self.door, self.house, self.outside, self.settings = engine, door, house, outside, settings

    # -- one subscriber -----------------------------------------------------------------------------------------------

    async def serve(self, rid: int) -> None:
        """Everything that is due for one subscription, until there is nothing or something failed."""
        row = await self.engine.db.fetchrow(Q.one, rid)
        if row is None or row["status"] == "off":
            return
        sub = Sub.of(row)
        actor = await self.door.again(sub.account, sub.token)
        if actor is None:
            text = "The account or token that made this subscription has ended. Write it again with a good one."
            await self._failed(sub, Failed(text, after=self.settings.longest_wait), worry=0)
            return
        of = store(self.door, actor, sub, _host(sub))
        try:
            if not sub.greeted:
                await self._greet(sub)
            elif sub.plan.channel == "rest-hook":
                await (self._single if sub.plan.topic is None else self._bundled)(sub, of)
        except Failed as why:
            await self._failed(sub, why)

    async def _greet(self, sub: Sub) -> None:
        """The address is looked at; who is on a topic answers a handshake too. Only then the subscription is active."""
        if sub.plan.channel == "rest-hook":
            try:
                await self.outside.look(sub.plan.endpoint)
            except LongbienError as why:
                raise Failed(why.text) from None
            if sub.plan.topic is not None:
                await self._post(sub, notice.notification(sub.about._replace(status="requested"), "handshake"))
        await self.engine.db.execute(Q.greeted, sub.rid)
        await self.say(sub, "active", None)

    async def _single(self, sub: Sub, of: Store) -> None:
        while rows := list(await self.engine.db.fetch(Q.waiting, sub.rid, AT_ONCE)):
            lanes = [list(g) for _, g in groupby(sorted(rows, key=lambda r: (r["lane"], r["n"])), key=lambda r: r["lane"])]
            places = asyncio.Semaphore(LANES)

            async def lane(mine: list[Any], places: asyncio.Semaphore = places) -> tuple[int, Failed | None]:
                async with places:
                    return await self._lane(sub, of, mine)

            went = await asyncio.gather(*(lane(one) for one in lanes))
            taken, failed = sum(n for n, _ in went), [f for _, f in went if f]
            if taken:  # he is there, and takes some: only the lanes that failed wait
                await self._went_well(sub)
            elif failed:
                raise max(failed, key=lambda f: (f.parks, f.after or 0))

    async def _lane(self, sub: Sub, of: Store, rows: Sequence[Any]) -> tuple[int, Failed | None]:
        """In order; the first failure ends it, so that nothing overtakes. Gives how many were taken."""
        for n, row in enumerate(rows):
            try:
                (event,) = await events(of, [row])
                if not event.hidden:
                    await self._tell(sub, event)
            except Failed as why:
                await self._event_failed(sub, [row["n"]], row["attempts"], why)
                return n, why
            await self.engine.db.execute(Q.settle, sub.rid, [event.n], "h" if event.hidden else "s", 1)
        return len(rows), None

    async def _tell(self, sub: Sub, e: Event) -> None:
        """No payload: a call with an empty body, which says only that there is something. With one: the resource, put where it
        would be if the subscriber were a FHIR server."""
        extra = [("X-Longbien-Subscription", sub.id), ("X-Longbien-Event", str(e.n))]
        if not sub.plan.payload or e.gone:
            await self._call(sub, "POST", sub.plan.endpoint, extra, b"")
            return
        path, _, query = sub.plan.endpoint.partition("?")
        address = f"{path.rstrip('/')}/{e.type}/{e.id}" + (f"?{query}" if query else "")
        await self._call(
            sub, "PUT", address, [*extra, ("Content-Type", f"{sub.plan.payload}; charset=utf-8")], _as(e.body, sub.plan.payload)
        )

    async def _bundled(self, sub: Sub, of: Store) -> None:
        while True:
            rows = list(await self.engine.db.fetch(Q.waiting, sub.rid, sub.plan.most))
            if not rows and not await self._silent(sub):
                return
            kind = "event-notification" if rows else "heartbeat"
            about = sub.about._replace(status="active", error=None)
            try:
                await self._post(sub, notice.notification(about, kind, await events(of, rows), sub.plan.content))
            except Failed as why:
                if rows:
                    await self._event_failed(sub, [r["n"] for r in rows], rows[0]["attempts"], why)
                why.parks = True  # one order for all of them
                raise
            await self.engine.db.execute(Q.settle, sub.rid, [r["n"] for r in rows], "s", 1)
            await self._went_well(sub)
            if not rows:
                return

    async def _silent(self, sub: Sub) -> bool:
        """Whether it is time for a heartbeat."""
        return bool(sub.plan.heartbeat) and sub.rid in [r["rid"] for r in await self.engine.db.fetch(Q.due)]

    # -- the call -----------------------------------------------------------------------------------------------------

    async def _post(self, sub: Sub, body: bytes) -> None:
        await self._call(sub, "POST", sub.plan.endpoint, [("Content-Type", f"{JSON}; charset=utf-8")], body)

    async def _call(self, sub: Sub, method: str, address: str, extra: list[tuple[str, str]], body: bytes) -> None:
        """Raises Failed unless the answer is 2xx."""
        given = [(n.strip(), v.strip()) for n, _, v in (h.partition(":") for h in sub.headers)]
        seconds = min(sub.plan.timeout or self.settings.seconds, 2 * self.settings.seconds)
        try:
            reply = await self.outside.request(method, address, [*given, *extra, ("User-Agent", "Longbien")], body, seconds=seconds)
        except LongbienError as why:
            raise Failed(why.text) from None
        if not 200 <= reply.status < 300:
            moved = " (redirects are not followed)" if 300 <= reply.status < 400 else ""
            raise Failed(f"The subscriber answered {reply.status}{moved}.", reply.status not in _OF_THE_EVENT, _after(reply))

    # -- how it went --------------------------------------------------------------------------------------------------

    async def _went_well(self, sub: Sub) -> None:
        await self.engine.db.execute(Q.spoke, sub.rid)
        await self.say(sub, "active", None)

    def wait(self, failures: int, after: float | None = None) -> float:
        """Seconds: doubling, with jitter, so that those who failed together do not come back together."""
        longest = self.settings.longest_wait
        doubled: float = min(longest, self.settings.first_wait * 2.0 ** min(failures, 30))
        return min(longest, max(after or 0.0, doubled * random.uniform(0.5, 1.0)))  # noqa: S311

    async def _event_failed(self, sub: Sub, numbers: list[int], attempts: int, why: Failed) -> None:
        found = await self.engine.db.fetch(
            Q.event_failed, sub.rid, numbers, why.text, self.wait(attempts, why.after), self.settings.tries
        )
        if any(r["state"] == b"d" for r in found):
            _log.warning("Subscription/%s: event %s goes to the dead letters: %s", sub.id, numbers, why.text)
            await self.say(sub, "error", f"Event {numbers[0]} could not be told after {self.settings.tries} tries: {why.text}")

    async def _failed(self, sub: Sub, why: Failed, worry: int = WORRY) -> None:
        pause = self.wait(sub.failures, why.after)
        row = await self.engine.db.fetchrow(Q.sub_failed, sub.rid, why.parks, pause)
        if row is not None and row["failures"] >= worry and why.parks and row["status"] in ("requested", "active"):
            await self.say(sub, "error", why.text)

    async def say(self, sub: Sub, status: str, error: str | None) -> None:
        """The Subscription in the record tells how it fares; a version of it each time that this changes."""
        now = await self.engine.db.fetchrow(Q.one, sub.rid)
        if now is None or now["status"] in ("off", status):
            return
        try:
            async with inside(self.house) as within:
                stored = await within.read("Subscription", sub.id)
                resource = {k: v for k, v in fhir_json.loads(stored.body).items() if k != "error"} | {"status": status}
                if error:
                    resource["error"] = error
                await within.commit([Update(resource, if_match=stored.version)])
                await within.engine.db.execute(Q.status, sub.rid, status, error, now["status"])
        except LongbienError as why:  # somebody wrote it in this moment: the next time
            _log.info("Subscription/%s: its status could not be written: %s", sub.id, why.text)


def _as(body: bytes, payload: str) -> bytes:
    return xml.dumps(fhir_json.loads(body)) if payload == XML else body


def _host(sub: Sub) -> str:
    """Where it goes, for the trail: the host, as the rest of an address may hold a secret."""
    return sub.plan.endpoint.partition("://")[2].partition("/")[0].rpartition("@")[2] or sub.plan.channel


def _after(reply: Reply) -> float | None:
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
