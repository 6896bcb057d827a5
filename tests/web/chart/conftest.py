"""A hospital with one patient of two stays and a visit, and the real application.

house      the application
browser    await browser("doctor", "vi") -> an HTTP client signed in, `.token` for its forms
own        the house's own store: sees everything"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from two_stays import people

from hospital_app import Browser, doors, running, settings
from longbien.app import App
from longbien.record.scope import system
from longbien.record.store import Store


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(record_urls: tuple[str, str]) -> AsyncIterator[App]:
    with settings():
        async with running(record_urls[1], people()) as app:
            yield app


@pytest.fixture
def own(house: App) -> Store:
    return Store(house.state.engine, system("test"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(house: App) -> AsyncIterator[Browser]:
    async with doors(house) as opened:
        yield opened
