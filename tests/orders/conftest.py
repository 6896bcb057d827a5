"""A hospital with a doctor, a nurse, an engineer and two patients; the whole catalogue; the real application.

house      the application; house.state.engine, house.state.door
browser    browser("doctor") -> an HTTP client signed in as that role, `.token` for its forms
own        the house's own store: sees everything"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from order_house import ADULT, people

from hospital_app import HOSPITAL, Browser, doors, running, settings
from longbien.access.accounts import NewAccount
from longbien.app import App
from longbien.demo import catalogues, orderables
from longbien.record.change import Manner, Update
from longbien.record.scope import system
from longbien.record.store import Store


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(record_urls: tuple[str, str]) -> AsyncIterator[App]:
    with settings():
        async with running(record_urls[1], people()) as app:
            facts = [*catalogues.observation_definitions(), *catalogues.medications(), *orderables.resources()]
            manner = Manner(references="trust", checked=True, summarise=True)
            await Store(app.state.engine, system("test")).commit([Update(r) for r in facts], manner)
            yield app


@pytest.fixture
def own(house: App) -> Store:
    """The house's own store: sees everything."""
    return Store(house.state.engine, system("test"))


def _account(role: str, lang: str) -> NewAccount:
    login, name = f"t.{role}.{lang}", f"{role} {lang}"
    if role == "patient":
        return NewAccount(login, name, role, None, HOSPITAL, patient=ADULT)
    return NewAccount(login, name, role, f"nv-{role}", HOSPITAL)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(house: App) -> AsyncIterator[Browser]:
    async with doors(house, _account) as opened:
        yield opened
