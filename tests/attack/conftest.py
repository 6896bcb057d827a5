"""Two hospitals in one record, and everybody who may try something: the real application on the module's own PostgreSQL.

city       the patients of both hospitals, with resources of every kind that matters; ids by name
who        who("doctor", "a") -> an HTTP client signed in as that role at hospital a or b, as a browser is (cookie, own page)
machine    machine("system/*.*") -> an HTTP client with a bearer token of that scope
anonymous  an HTTP client that is nobody"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hospitals import BASE, PASSWORD, City, build

from longbien.access.accounts import NewAccount, create
from longbien.access.tokens import create_token
from longbien.app import App, create_app

Who = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture(scope="module")
def cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGBIEN_PASSWORD_TIME", "1")
        patch.setenv("LONGBIEN_PASSWORD_MEMORY", "64")
        patch.setenv("LONGBIEN_SECOND_FACTOR_ROLES", "none")
        patch.setenv("LONGBIEN_RATE_SESSION", "0")  # whoever tries everything asks faster than people do
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(record_urls: tuple[str, str], cheap_passwords: None) -> AsyncIterator[App]:
    made = create_app(record_urls[1])
    async with made.router.lifespan_context(made):
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def city(app: App) -> City:
    return await build(app.state.engine)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clients(app: App) -> AsyncIterator[dict[Any, httpx.AsyncClient]]:
    """Every client made in this module, closed at its end."""
    made: dict[Any, httpx.AsyncClient] = {}
    yield made
    for one in made.values():
        await one.aclose()


def client(app: App, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE, headers=headers)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def anonymous(app: App, clients: dict[Any, httpx.AsyncClient]) -> httpx.AsyncClient:
    return clients.setdefault("nobody", client(app))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def who(app: App, city: City, clients: dict[Any, httpx.AsyncClient]) -> Who:
    """One account for each role and hospital (and `nth`), signed in once."""

    async def signed_in(role: str, hospital: str = "a", nth: int = 0) -> httpx.AsyncClient:
        key = (role, hospital, nth)
        if key not in clients:
            login = f"t.{secrets.token_hex(5)}"
            own = {"patient": city.patient[hospital]} if role == "patient" else {}
            account = NewAccount(login, f"{role} {hospital}{nth}", role, f"{role}-{hospital}", city.hospital[hospital], **own)
            door = app.state.door
            await create(app.state.engine, door.hasher, None, account, PASSWORD)
            browser = client(app, Origin=BASE)
            answer = await browser.post("/sign-in", data={"name": login, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            clients[key] = browser
        return clients[key]

    return signed_in


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def machine(app: App, clients: dict[Any, httpx.AsyncClient]) -> Who:
    async def with_token(scope: str = "system/*.*") -> httpx.AsyncClient:
        if scope not in clients:
            token = await create_token(app.state.engine, f"machine {len(clients)}", scope)
            clients[scope] = client(app, Authorization=f"Bearer {token}")
        return clients[scope]

    return with_token
