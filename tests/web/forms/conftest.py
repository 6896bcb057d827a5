"""A hospital with a doctor, a nurse and three patients, and the real application.

house      the application
browser    await browser("doctor", "vi") -> an HTTP client signed in, `.token` for its forms
own        the house's own store: sees everything"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from longbien.access.accounts import NewAccount, create
from longbien.access.sessions import csrf
from longbien.app import App, create_app
from longbien.base import clock
from longbien.fhir import systems as s
from longbien.record.change import Update
from longbien.record.scope import system
from longbien.record.store import Store

BASE = "http://sonhong.test"
PASSWORD = "mưa rào tháng bảy"
HOSPITAL = "bv-song-hong"
PEOPLE = {"nb-lua": ("Trần Thị Lụa", "female", 67), "nb-be": ("Lê Bé", "male", 4), "nb-ba": ("Hồ Văn Ba", "male", 52)}


def people() -> list[dict[str, Any]]:
    now = clock.now()
    year = clock.local(now).year
    return [
        {"resourceType": "Organization", "id": HOSPITAL, "name": "Bệnh viện Sông Hồng"},
        *({"resourceType": "Practitioner", "id": f"nv-{r}", "name": [{"text": f"BS. {r}"}]} for r in ("doctor", "nurse", "head")),
        *({"resourceType": "Patient", "id": i, "name": [{"text": n}], "gender": g, "birthDate": f"{year - a}-01-02"}
          for i, (n, g, a) in PEOPLE.items()),
        *({"resourceType": "Encounter", "id": f"lk-{i}", "status": "in-progress", "class": {"system": s.ACT_CODE, "code": "IMP"},
           "subject": {"reference": f"Patient/{i}"}, "period": {"start": clock.instant(now - timedelta(hours=3))},
           "serviceProvider": {"reference": f"Organization/{HOSPITAL}"}} for i in PEOPLE),
    ]  # fmt: skip


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
        await Store(app.state.engine, system("test")).commit([Update(r) for r in people()])
        yield app


@pytest.fixture
def own(house: App) -> Store:
    return Store(house.state.engine, system("test"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(house: App) -> AsyncIterator[Any]:
    made: dict[tuple[str, str], httpx.AsyncClient] = {}

    async def signed_in(role: str = "doctor", lang: str = "vi") -> httpx.AsyncClient:
        if (role, lang) not in made:
            login = f"t.{role}.{lang}"
            account = NewAccount(login, f"{role} {lang}", role, f"nv-{role}", HOSPITAL)
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
