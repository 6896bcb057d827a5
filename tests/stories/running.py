"""A running house for the browser's stories: a real database with a few people of the demo city, served by uvicorn in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import uvicorn
from starlette.applications import Starlette

from longbien.access import accounts
from longbien.access.door import Door
from longbien.app import PAGES, guard
from longbien.base import clock
from longbien.demo import facilities, population
from longbien.demo.catalogues import code_systems
from longbien.fhir.systems import DRUG, FLAG, ICD10_VN
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.web import routes

PASSWORD = "cau-thep-bac-qua-song"
SEED = 20261123


async def fill(engine: Engine, people: Sequence[int], day: Any = None) -> None:
    """Facilities, staff with accounts, and these people of the demo city."""
    store = Store(engine, system("stories"))
    manner = Manner(references="trust", checked=True, summarise=True)
    await store.commit([Update(r) for r in facilities.resources()], manner)
    await store.commit([Update(r) for r in code_systems() if r["url"] in (ICD10_VN, FLAG, DRUG)], manner)
    today = day or population.demo_day(clock.now())
    for i in people:
        life = population.person(i, SEED, today)
        for n in range(0, len(life), 500):
            await store.commit([Update(r) for r in life[n : n + 500]], manner)


def application(engine: Engine, door: Door) -> Starlette:
    app = Starlette(routes=PAGES)
    guard(engine)
    app.state.door = door
    routes.set_up(app.state, demo=True)
    return app


@contextlib.contextmanager
def served(url: str, people: Sequence[int], port: int = 0) -> Iterator[SimpleNamespace]:
    """Serve the pages on a database (the application's URL): gives address, loop, engine; run(coroutine) from the test's thread."""
    started = threading.Event()
    house = SimpleNamespace(error=None)

    async def main() -> None:
        engine = await Engine.open(url)
        guard(engine)
        door = Door(engine)
        try:
            if people:
                await fill(engine, people)
                await accounts.ensure(engine, door.hasher, facilities.accounts(), PASSWORD)
            config = uvicorn.Config(application(engine, door), log_level="warning", timeout_graceful_shutdown=1, lifespan="off")
            server = uvicorn.Server(config)
            server.install_signal_handlers = lambda: None  # type: ignore[method-assign]
            bound = socket.socket()
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(("127.0.0.1", port))
            house.address = f"http://127.0.0.1:{bound.getsockname()[1]}"
            house.engine, house.server, house.loop = engine, server, asyncio.get_running_loop()
            house.door = door
            started.set()
            await server.serve(sockets=[bound])
        finally:
            await door.close()
            await engine.close()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            house.error = error
        finally:
            started.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(240)
    if house.error:
        raise house.error
    house.run = lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, house.loop).result(60)
    try:
        yield house
    finally:
        house.server.should_exit = True
        thread.join(30)
