"""The real application with a hospital in it, and HTTP clients that are signed in: for the fixtures of several rooms' tests.

settings()                         cheap passwords, no second factor, no limit of speed
async with running(url, people)    the application, its record filled with these resources
async with doors(app, account)     open(role, lang) -> an HTTP client signed in as that role, `.token` for its forms"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest

from longbien.access.accounts import NewAccount, create
from longbien.access.sessions import csrf
from longbien.app import App, create_app
from longbien.record.change import Update
from longbien.record.scope import system
from longbien.record.store import Store

BASE = "http://sonhong.test"
PASSWORD = "mưa rào tháng bảy"
HOSPITAL = "bv-song-hong"
Browser = Callable[..., Awaitable[httpx.AsyncClient]]
CHEAP = {"PASSWORD_TIME": "1", "PASSWORD_MEMORY": "64", "SECOND_FACTOR_ROLES": "none", "RATE_SESSION": "0"}


@contextmanager
def settings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CHEAP.items():
            patch.setenv(f"LONGBIEN_{name}", value)
        yield


@asynccontextmanager
async def running(url: str, people: Sequence[dict[str, Any]]) -> AsyncIterator[App]:
    app = create_app(url)
    async with app.router.lifespan_context(app):
        await Store(app.state.engine, system("test")).commit([Update(r) for r in people])
        yield app


def staff(role: str, lang: str) -> NewAccount:
    """`nv-{role}` of the hospital."""
    return NewAccount(f"t.{role}.{lang}", f"{role} {lang}", role, f"nv-{role}", HOSPITAL)


@asynccontextmanager
async def doors(app: App, account: Callable[[str, str], NewAccount] = staff) -> AsyncIterator[Browser]:
    made: dict[tuple[str, str], httpx.AsyncClient] = {}

    async def open_(role: str = "doctor", lang: str = "vi") -> httpx.AsyncClient:
        if (role, lang) not in made:
            one = account(role, lang)
            await create(app.state.engine, app.state.door.hasher, None, one, PASSWORD)
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url=BASE, headers={"Origin": BASE}, cookies={"lang": lang}
            )
            answer = await client.post("/sign-in", data={"name": one.login, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            client.token = csrf(client.cookies["longbien"])  # type: ignore[attr-defined]
            made[role, lang] = client
        return made[role, lang]

    yield open_
    for client in made.values():
        await client.aclose()
