"""A hospital with a doctor, a nurse, an engineer and two patients; the whole catalogue; the real application.

house      the application; house.state.engine, house.state.door
browser    browser("doctor") -> an HTTP client signed in as that role, `.token` for its forms
catalogue  the starter catalogue is in the record"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio
from order_house import ADULT, BASE, HOSPITAL, PASSWORD, Browser, people

from longbien.access.accounts import NewAccount, create
from longbien.access.sessions import csrf
from longbien.app import App, create_app
from longbien.demo import catalogues, orderables
from longbien.record.change import Manner, Update
from longbien.record.scope import system
from longbien.record.store import Store


@pytest.fixture(scope="module")
def cheap() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGBIEN_PASSWORD_TIME", "1")
        patch.setenv("LONGBIEN_PASSWORD_MEMORY", "64")
        patch.setenv("LONGBIEN_SECOND_FACTOR_ROLES", "none")
        patch.setenv("LONGBIEN_RATE_SESSION", "0")
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(record_urls: tuple[str, str], cheap: None) -> AsyncIterator[App]:
    app = create_app(record_urls[1])
    async with app.router.lifespan_context(app):
        store = Store(app.state.engine, system("test"))
        await store.commit([Update(r) for r in people()])
        facts = [*catalogues.observation_definitions(), *catalogues.medications(), *orderables.resources()]
        await store.commit([Update(r) for r in facts], Manner(references="trust", checked=True, summarise=True))
        yield app


@pytest.fixture
def own(house: App) -> Store:
    """The house's own store: sees everything."""
    return Store(house.state.engine, system("test"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(house: App) -> AsyncIterator[Browser]:
    made: dict[tuple[str, str], httpx.AsyncClient] = {}

    async def signed_in(role: str = "doctor", lang: str = "vi") -> httpx.AsyncClient:
        if (role, lang) not in made:
            login = f"t.{role}.{lang}"
            more = {"patient": ADULT} if role == "patient" else {}
            account = NewAccount(login, f"{role} {lang}", role, None if role == "patient" else f"nv-{role}", HOSPITAL, **more)
            await create(house.state.engine, house.state.door.hasher, None, account, PASSWORD)
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(house), base_url=BASE, headers={"Origin": BASE}, cookies={"lang": lang}
            )
            answer = await client.post("/sign-in", data={"name": login, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            client.token = csrf(client.cookies["longbien"])  # type: ignore[attr-defined]
            made[role, lang] = client
        return made[role, lang]

    yield signed_in
    for client in made.values():
        await client.aclose()
