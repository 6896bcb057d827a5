"""The application with its background work beside it, on one database; what is outside is this machine only."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
import uvicorn
from callers import machine

from longbien.access.door import Door
from longbien.app import App, create_app
from longbien.base.outside import Outside, OutsideSettings
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.subscriptions.service import Service
from longbien.subscriptions.settings import SubscriptionSettings

QUICK = SubscriptionSettings(seconds=1.0, tries=4, first_wait=0.05, longest_wait=0.4)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(record_urls: tuple[str, str]) -> AsyncIterator[App]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGBIEN_OUTSIDE_HOSTS", "127.0.0.0/8")
        made = create_app(record_urls[1])
        async with made.router.lifespan_context(made):
            yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(app: App, record_urls: tuple[str, str]) -> AsyncIterator[Service]:
    """The worker, in this process."""
    engine = await Engine.open(record_urls[1], services=False)
    door = Door(engine)
    stop = asyncio.Event()
    made = Service(engine, door, Store(engine, system("t")), Outside(OutsideSettings(hosts="127.0.0.0/8")), QUICK)
    running = asyncio.create_task(made.run(stop))
    yield made
    stop.set()
    await running
    await door.close()
    await engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with await machine(app, "subscriber") as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(app: App) -> AsyncIterator[str]:
    """The application behind a real port; gives host:port."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", ws="websockets-sansio", log_config=None, timeout_graceful_shutdown=1)
    made = uvicorn.Server(config)
    running = asyncio.create_task(made._serve(sockets=[sock]))
    yield f"127.0.0.1:{sock.getsockname()[1]}"
    made.should_exit = True
    await running
