"""Those who hold a connection open, in the web processes: a websocket, or server-sent events.

    websocket at [base]/ws          `bind [id]` -> `bound [id]`, then `ping [id]`: http://hl7.org/fhir/R4/subscription.html
                                    `bind-with-token [ticket]` -> a handshake, then notification Bundles (subscriptions-backport)
    GET Subscription/[id]/$events   with Accept: text/event-stream; each event's id is its number, so that a reader who was cut
                                    off goes on where he was (Last-Event-ID)

Nothing is queued for anybody: each connection reads its events from the table, a page at a time, as fast as the other end takes
them. Who does not take one in time is cut off, and may come back with the number that he has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import contextmanager
from typing import Any

from longbien.access.door import Door
from longbien.base import log
from longbien.base.errors import Forbidden, Invalid, LongbienError, Unauthenticated, Unavailable
from longbien.base.ids import FHIR_ID
from longbien.base.sql import queries
from longbien.record.store import Store

from . import notice
from .matcher import news_key
from .open import NEWEST, digest, own
from .plan import Plan
from .read import Sub, events, store

Q = queries(__file__, "sql/subscriptions.sql")
_log = log.get(__name__)
PATIENCE = 10.0
"""Seconds that the other end may take to receive a message, and to bind."""
BEAT = 15.0
"""Seconds of silence after which a sign of life is sent; the right to listen is asked again."""
PAGE = 20
MOST_BINDS = 50
_SSE = b"text/event-stream"

Message = Callable[[Any], Awaitable[None]]
Now = Callable[[], Awaitable[Store]]


class Wire:
    """One per web process."""

    def __init__(self, door: Door, connections: int):
        self.door = door
        self.free = connections

    @contextmanager
    def _place(self) -> Any:
        """Raises Unavailable when too many hold a connection."""
        if self.free <= 0:
            raise Unavailable("Too many subscribers hold a connection to this process.", 10)
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1

    # -- following one subscription -----------------------------------------------------------------------------------

    async def follow(self, sub: Sub, after: int, store_now: Now) -> AsyncIterator[tuple[Sub, list[notice.Event]]]:
        """New events in order, a page at a time; an empty list is silence. Ends when the subscription is off or gone. `store_now`:
        the record as the listener may see it at this moment; raises when he may not listen any more."""
        db = self.door.engine.db
        heard = asyncio.Event()
        stop = self.door.engine.live.listen(news_key(sub.id), lambda news: heard.set())
        try:
            while True:
                heard.clear()
                rows = list(await db.fetch(Q.between, sub.rid, after, NEWEST, PAGE))
                fresh = await db.fetchrow(Q.one, sub.rid)
                if fresh is None or fresh["status"] == "off":
                    return
                sub = Sub.of(fresh)
                if rows:
                    found = await events(await store_now(), rows)
                    after = rows[-1]["n"]
                    yield sub, found
                    continue
                try:
                    async with asyncio.timeout(BEAT):
                        await heard.wait()
                except TimeoutError:
                    await store_now()
                    yield sub, []
        finally:
            stop()

    # -- server-sent events -------------------------------------------------------------------------------------------

    async def stream(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Message, id: str) -> None:
        """Answers one GET for as long as it is held open. Raises LongbienError before anything was sent."""
        with self._place():
            sub = await own(await self.door.store(scope), id)
            if sub.status == "off":
                raise Invalid(f"Subscription/{id} is off.")
            after = _last_event(scope, sub)

            async def now() -> Store:
                actor = await self.door.actor(scope, touch=False)
                return store(self.door, actor, sub, "server-sent events")

            gone = asyncio.create_task(_disconnected(receive))
            telling = asyncio.create_task(self._tell(sub, after, now, send))
            try:
                await asyncio.wait([gone, telling], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (gone, telling):
                    task.cancel()
                results = await asyncio.gather(gone, telling, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, LongbienError | TimeoutError):
                    _log.error("a stream of events ended", exc_info=result)

    async def _tell(self, sub: Sub, after: int, now: Now, send: Message) -> None:
        headers = [(b"content-type", _SSE), (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
        await _in_time(send({"type": "http.response.start", "status": 200, "headers": headers}))

        async def say(text: bytes, more: bool = True) -> None:
            await _in_time(send({"type": "http.response.body", "body": text, "more_body": more}))

        hello = notice.notification(sub.about, "handshake", (), "empty")
        await say(b"retry: 3000\nevent: handshake\ndata: " + hello + b"\n\n")
        async for fresh, found in self.follow(sub, after, now):
            content = shown(sub.plan)
            for e in found:
                body = notice.notification(fresh.about, "event-notification", [e], content)
                await say(b"id: %d\nevent: notification\ndata: %b\n\n" % (e.n, body))
            if not found:
                await say(b": here\n\n")
        await say(b"event: off\ndata: {}\n\n", more=False)

    # -- websockets ---------------------------------------------------------------------------------------------------

    async def websocket(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Message) -> None:
        await receive()  # websocket.connect
        try:
            with self._place():
                try:
                    who = await self.door.store(scope)
                except Unauthenticated:
                    if any(n == b"authorization" for n, _ in scope["headers"]):
                        raise
                    who = None  # a ticket will say
                await send({"type": "websocket.accept"})
                await _Socket(self, scope, receive, send, who).run()
        except LongbienError:
            await send({"type": "websocket.close", "code": 1008})


class _Socket:
    def __init__(self, wire: Wire, scope: Any, receive: Callable[[], Awaitable[Any]], send: Message, who: Store | None):
        self.wire, self.scope, self.receive, self.out, self.who = wire, scope, receive, send, who
        self.turn = asyncio.Lock()
        self.bound: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        code, why = 1000, ""
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                tasks = {listening, *self.bound.values()}
                patience = None if self.bound else PATIENCE
                done, _ = await asyncio.wait(tasks, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if not done and not self.bound:
                    raise Invalid("Nothing was bound in time.")
                for task in done:
                    task.result()
                if listening in done:
                    return
                self.bound = {k: t for k, t in self.bound.items() if t not in done}
                if not self.bound:
                    return
        except LongbienError as error:
            code, why = 1008, error.text
        except TimeoutError:
            code, why = 1013, "You did not take the messages in time."
        except Exception as error:
            code, why = 1011, "Something went wrong here."
            _log.error("a websocket ended", exc_info=error)
        finally:
            tasks = {listening, *self.bound.values()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _quietly(
                self.out({"type": "websocket.close", "code": code, "reason": why.encode()[:120].decode("utf-8", "ignore")})
            )

    async def _listen(self) -> None:
        while True:
            message = await self.receive()
            if message["type"] == "websocket.disconnect":
                return
            word, _, rest = (message.get("text") or "").strip().partition(" ")
            if word == "bind" and FHIR_ID.match(rest.strip()):
                await self._bind(rest.strip())
            elif word == "bind-with-token":
                await self._bind_with(rest.strip())
            else:
                raise Invalid("Say 'bind [id]' or 'bind-with-token [ticket]'.")

    async def _bind(self, id: str) -> None:
        if self.who is None:
            raise Forbidden("Without a bearer token say 'bind-with-token [ticket]'.")

        async def now() -> Store:
            actor = await self.wire.door.actor(self.scope, touch=False)
            return store(self.wire.door, actor, sub, "a websocket")

        sub = await own(await self.wire.door.store(self.scope), id)
        await self._begin(sub, now, plain=sub.plan.topic is None)

    async def _bind_with(self, ticket: str) -> None:
        db = self.wire.door.engine.db
        row = await db.fetchrow(Q.ticket, digest(ticket))
        if row is None:
            raise Forbidden("This ticket is not known, or its time is over.")
        account, token = row["account"], row["token"]
        for rid in row["subs"]:
            found = await db.fetchrow(Q.one, rid)
            if found is None or found["account"] != account:
                continue
            sub = Sub.of(found)

            async def now(sub: Sub = sub) -> Store:
                actor = await self.wire.door.again(account, token)
                if actor is None:
                    raise Forbidden("The token that this ticket was made with has ended.")
                return store(self.wire.door, actor, sub, "a websocket")

            await now()
            await self._begin(sub, now, plain=False)

    async def _begin(self, sub: Sub, now: Now, plain: bool) -> None:
        if sub.plan.channel != "websocket" or sub.status == "off":
            raise Invalid(
                f"Subscription/{sub.id} is {'off' if sub.status == 'off' else 'told otherwise: its channel is no websocket'}."
            )
        if len(self.bound) >= MOST_BINDS:
            raise Invalid(f"One websocket binds at most {MOST_BINDS} subscriptions.")
        if sub.id in self.bound:
            return
        await self._say(f"bound {sub.id}" if plain else notice.notification(sub.about, "handshake", (), "empty").decode())
        self.bound[sub.id] = asyncio.create_task(self._pings(sub, now) if plain else self._bundles(sub, now))

    async def _pings(self, sub: Sub, now: Now) -> None:
        """R4: a ping says that there is something new, however much."""
        async for _, found in self.wire.follow(sub, sub.told, now):
            if any(not e.hidden for e in found):
                await self._say(f"ping {sub.id}")
            await self._told(sub, found)

    async def _bundles(self, sub: Sub, now: Now) -> None:
        async for fresh, found in self.wire.follow(sub, sub.told, now):
            if not found and not sub.plan.heartbeat:
                continue
            for n in range(0, len(found), sub.plan.most) if found else (0,):
                part = found[n : n + sub.plan.most]
                kind = "event-notification" if part else "heartbeat"
                await self._say(notice.notification(fresh.about, kind, part, shown(sub.plan)).decode())
                await self._told(sub, part)

    async def _told(self, sub: Sub, found: list[notice.Event]) -> None:
        if found:
            await self.wire.door.engine.db.execute(Q.told, sub.rid, found[-1].n)

    async def _say(self, text: str) -> None:
        async with self.turn:
            await _in_time(self.out({"type": "websocket.send", "text": text}))


def shown(plan: Plan) -> str:
    """How much of a resource goes down an open connection."""
    if plan.topic is not None:
        return plan.content
    return "full-resource" if plan.payload else "empty"


def _last_event(scope: Any, sub: Sub) -> int:
    """Where the listener stands: what he says he has, or now."""
    text = next((v.decode("latin-1").strip() for n, v in scope["headers"] if n == b"last-event-id"), "")
    if not text:
        return sub.events
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid("Last-Event-ID must be the number of an event.", code="value")
    return int(text)


async def _in_time(sending: Awaitable[None]) -> None:
    async with asyncio.timeout(PATIENCE):
        await sending


async def _quietly(sending: Awaitable[None]) -> None:
    try:
        await _in_time(sending)
    except (Exception, TimeoutError) as why:
        _log.debug("a websocket was closed at the other end: %s", type(why).__name__)


async def _disconnected(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
