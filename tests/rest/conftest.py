"""The real application on the module's own PostgreSQL, entered through the real door with a real token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from longbien.access.tokens import create_token
from longbien.app import App, create_app

BASE = "http://hanoi.test"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(record_urls: tuple[str, str]) -> AsyncIterator[App]:
    made = create_app(record_urls[1])
    async with made.router.lifespan_context(made):
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def anonymous(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """May do everything."""
    token = await create_token(app.state.engine, "rest tests")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=headers) as made:
        yield made
