"""The roof: the one file that knows everybody. Opens the house (engine, door) and lays the routes.

uvicorn --factory longbien.app:create_app"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from longbien.access import accounts, anomalies, ceremony, consent_guard, later, peer, sessions, throttle
from longbien.access.apps import tokens as app_tokens
from longbien.access.apps.client import Clients
from longbien.access.door import Door
from longbien.access.rights import copying
from longbien.access.settings import AccessSettings
from longbien.access.shield import Shield
from longbien.base import background, clock, jobs, log
from longbien.base.department import Department
from longbien.base.errors import LongbienError, TooMany, Unavailable
from longbien.base.outside import Outside
from longbien.base.place import Place, checked
from longbien.billing.department import BILLING
from longbien.clinic.department import CLINIC
from longbien.demo.city import LOGINS
from longbien.importer.bulk import Bulk
from longbien.oauth import routes as oauth
from longbien.orders.department import ORDERS
from longbien.reception.department import RECEPTION
from longbien.record import checkpoint, export, full_text, reindex
from longbien.record.change import both
from longbien.record.engine import Engine
from longbien.record.full_text import FullTextSettings
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.records.department import RECORDS
from longbien.rest import content, faults
from longbien.rest.operations import export as bulk_export
from longbien.rest.routes import PREFIX, Fhir
from longbien.rest.send import send as rest_send
from longbien.rest.settings import RestSettings
from longbien.subscriptions.guard import Guard
from longbien.subscriptions.reactions import QUEUE as REACTION
from longbien.subscriptions.reactions import Reactions
from longbien.subscriptions.service import Service
from longbien.subscriptions.settings import SubscriptionSettings
from longbien.subscriptions.wire import Wire
from longbien.ward.department import WARD
from longbien.web import departments
from longbien.web import routes as web
from longbien.web.forms.department import FORMS

#: The rooms of the hospital, in the order in which they stand in the top bar.
DEPARTMENTS: tuple[Department, ...] = (RECEPTION, CLINIC, ORDERS, WARD, BILLING, RECORDS, FORMS)
departments.furnish(DEPARTMENTS)

#: Every page. The departments' come before the shell's own, which end in an address for every section of a chart.
PAGES: list[BaseRoute] = [*(route for d in DEPARTMENTS for route in d.routes), *web.ROUTES]

_log = log.get(__name__)
READY_SECONDS = 2.0
SOCKET = PREFIX + "/ws"
SIGNS_OF_LIFE = frozenset({"/healthz", "/readyz"})
CLEAN_EVERY = timedelta(minutes=1)
IDLE_EVERY = timedelta(hours=1)
TRAIN_EVERY = timedelta(minutes=10)


class App(Starlette):
    """/fhir goes straight to the FHIR face, past Starlette's routing: it has its own dispatch and its own faces for errors."""

    def __init__(self, fhir: Fhir, **more: Any):
        super().__init__(**more)
        self.router.redirect_slashes = False  # an address that is nearly right is not there; its redirect would repeat the Host
        self.fhir = fhir
        self.shield = Shield(AccessSettings.read().trusted_proxies)
        self.proxies = peer.networks(AccessSettings.read().trusted_proxies)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        kind = scope["type"]
        if kind != "lifespan":
            peer.unveiled(scope, self.proxies)
        if kind == "http":
            path: str = scope["path"]
            send = self.shield.guarded(scope, send)
            fhir = path.startswith(PREFIX) and path[len(PREFIX) :][:1] in ("", "/")
            if path not in SIGNS_OF_LIFE and (wait := self.shield.wait(scope)):
                await self._too_fast(scope, receive, send, fhir, wait)
                return
            if fhir:
                scope["app"] = self
                await self.fhir(scope, receive, send)
                return
        elif kind == "websocket":
            if self.shield.wait(scope):
                self._knock(scope)
                await send({"type": "websocket.close", "code": 1013})
                return
            if scope["path"] == SOCKET and self.fhir.wire is not None:
                await self.fhir.wire.websocket(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def _knock(self, scope: Any) -> None:
        """A line in the trail, one a second and address."""
        door: Door | None = getattr(self.state, "door", None)
        if door is not None:
            door.knocks.note(self.shield.address(scope), "too many requests")

    async def _too_fast(self, scope: Any, receive: Any, send: Any, fhir: bool, wait: float) -> None:
        """429 with the face of the door that was knocked at."""
        self._knock(scope)
        error = TooMany("Too many requests from this client. Wait, then go on.", max(1, ceil(wait)))
        if fhir:
            await rest_send(faults.answer(error), send, method=scope["method"], accept_encoding=b"")
            return
        text = "Quá nhiều yêu cầu. Xin chờ một chút.\nToo many requests. Wait a moment."
        await PlainTextResponse(text, 429, {"Retry-After": str(error.retry_after)})(scope, receive, send)


async def healthz(request: Request) -> Response:
    """The process runs."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The process can answer: its database does."""
    engine: Engine | None = getattr(request.app.state, "engine", None)
    try:
        if engine is None:
            raise Unavailable("The server is starting.")
        async with asyncio.timeout(READY_SECONDS):
            await engine.db.fetchval("SELECT 1")
    except (LongbienError, TimeoutError) as why:
        text = why.text if isinstance(why, LongbienError) else "The database does not answer."
        return JSONResponse({"status": "unavailable", "reason": text}, 503, {"Retry-After": "2"})
    return JSONResponse({"status": "ready"})


def create_app(database_url: str | None = None) -> App:
    """The application. The database is opened when the server starts (lifespan), closed when it stops."""
    fhir = Fhir()

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        given = Place.read().database_url
        if not (database_url or given):
            raise Unavailable("LONGBIEN_DATABASE_URL is not set: which database shall be opened?")
        url = database_url or checked(given)
        engine = await Engine.open(url)
        door = Door(engine)
        outside = Outside()
        engine.guards |= dict.fromkeys(content.TYPES, content.guard)
        engine.guards |= {"Subscription": Guard(outside, fhir.settings.base_url), "Consent": consent_guard.guard}
        guard(engine)
        fhir.wire = Wire(door, SubscriptionSettings.read().connections)
        app.state.engine, app.state.door, fhir.door = engine, door, door
        door.base_url, app.state.clients = fhir.settings.base_url, Clients(engine, outside)
        web.set_up(app.state, **await _demo(engine))
        try:
            yield
        finally:
            fhir.door = fhir.wire = None
            await outside.close()
            await door.close()
            await engine.close()

    return App(
        fhir,
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), *oauth.ROUTES, *PAGES],
        lifespan=lifespan,
    )


def guard(engine: Engine) -> None:
    """What departments ask of writes: all that ask of one type are asked, one after another, and so is who asked before them."""
    for department in DEPARTMENTS:
        for type_, asked in department.guards.items():
            engine.guards[type_] = both(engine.guards.get(type_), asked)


async def _demo(engine: Engine) -> dict[str, Any]:
    """Whether this record is the demo city, and then its logins: every page says so, the sign-in page shows them."""
    demo = await engine.db.fetchval("SELECT EXISTS (SELECT 1 FROM account WHERE login = $1)", LOGINS[0].name)
    return {"demo": demo, "demo_logins": LOGINS if demo else ()}


async def work(url: str, stop: asyncio.Event) -> None:
    """The background work until `stop`: subscriptions and jobs. Some jobs are always there: clearing away sessions and throttles
    that are over, disabling accounts that nobody uses, noting the trail's end elsewhere, training the dictionary that bodies are
    packed with, once there is enough to train on, and indexing again what a change asks for. Departments' jobs join here."""
    engine = await Engine.open(url, services=False)
    engine.live.start(hears=False)  # open pages hear of what is done here: a payment that came, a charge that was made
    engine.guards |= dict.fromkeys(content.TYPES, content.guard)
    engine.guards["Consent"] = consent_guard.guard
    guard(engine)
    settings = AccessSettings.read()
    door = Door(engine, settings)
    bulk: Bulk | None = None

    async def clean(payload: Mapping[str, Any]) -> datetime:
        await sessions.clean(engine.db, settings)
        await throttle.clean(engine.db)
        await ceremony.clean(engine.db)
        await app_tokens.clean(engine, door.settings)
        await background.clean(engine.db)
        await copying.clean(door)
        return clock.now() + CLEAN_EVERY

    async def idle(payload: Mapping[str, Any]) -> datetime:
        await accounts.disable_idle(engine, settings.idle_days)
        return clock.now() + IDLE_EVERY

    async def train(payload: Mapping[str, Any]) -> datetime:
        await engine.retrain()
        return clock.now() + TRAIN_EVERY

    async def note(payload: Mapping[str, Any]) -> datetime:
        marks = checkpoint.CheckpointSettings.read()
        if marks.folder is not None:
            checkpoint.write(marks.folder, await checkpoint.checkpoint(engine.db, checkpoint.Keys.read().signing()))
        return clock.now() + timedelta(minutes=max(1.0, marks.minutes))

    async def watch(payload: Mapping[str, Any]) -> datetime:
        await anomalies.make(engine, anomalies.yesterday(clock.now()))
        return anomalies.following(clock.now())

    await full_text.want(engine, FullTextSettings.read().mode)
    try:
        handlers: dict[str, jobs.Handler] = {
            "access.clean": clean,
            "access.idle": idle,
            "record.train": train,
            "audit.checkpoint": note,
            anomalies.QUEUE: watch,
            reindex.QUEUE: reindex.job(engine),
        }
        files, hours = bulk_export.folder(), RestSettings.read().export_hours
        handlers[export.QUEUE] = export.job(engine, files, hours, partial(later.again, door))
        handlers[export.CLEAN] = export.cleaner(engine, files)
        handlers[copying.QUEUE] = copying.job(door)
        reactions = Reactions(engine, Store(engine, system("a department's reaction")), DEPARTMENTS)
        handlers[REACTION] = reactions.job
        now_and_then = handlers.keys() - {export.QUEUE, copying.QUEUE, REACTION}
        for department in DEPARTMENTS:
            handlers |= {queue: make(engine) for queue, make in department.jobs.items()}
            now_and_then |= department.always
        for name in now_and_then:
            await jobs.enqueue(engine.db, name, key="always")
        bulk = Bulk(engine, door, url, Outside(), RestSettings.read().import_bytes)
        handlers["bulk.import"] = bulk.job
        service = Service(engine, door, Store(engine, system("subscriptions")))
        async with asyncio.TaskGroup() as group:
            group.create_task(service.run(stop))
            group.create_task(reactions.run(stop))
            group.create_task(jobs.Workers(engine.db, handlers).run(stop))
    finally:
        if bulk is not None:
            await bulk.close()
        await door.close()
        await engine.close()
