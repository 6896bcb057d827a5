# ruff: noqa: E501 - rows of resources
"""A clinic of the demo city: two doctors and a nurse at their doors, drugs, ICD-10, and patients who have come."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from clinic_browser import Browser, Came

from longbien.access import accounts
from longbien.app import App, create_app
from longbien.base import clock
from longbien.demo import catalogues, facilities
from longbien.fhir import systems as s
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

BASE = "http://hanoi.test"
PASSWORD = "mưa rào tháng bảy"
WANTED = {"amlo5", "telmi40", "para500", "morph10v", "metf500", "salbu"}
ROOM = {"reference": f"Location/{facilities.clinic_id('SN', 'TM')}", "display": "Phòng khám 205"}
_number = itertools.count(1)


@pytest.fixture(scope="module")
def cheap() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGBIEN_PASSWORD_TIME", "1")
        patch.setenv("LONGBIEN_PASSWORD_MEMORY", "64")
        patch.setenv("LONGBIEN_SECOND_FACTOR_ROLES", "none")
        patch.setenv("LONGBIEN_RATE_SESSION", "0")
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(record_urls: tuple[str, str], cheap: None) -> AsyncIterator[App]:
    made = create_app(record_urls[1])
    async with made.router.lifespan_context(made):
        engine: Engine = made.state.engine
        house = Store(engine, system("test"))
        manner = Manner(references="trust", checked=True, summarise=True)
        await house.commit([Update(r) for r in facilities.resources()], manner)
        await house.commit([Update(r) for r in catalogues.code_systems() if r["url"] in (s.ICD10_VN, s.DRUG)], manner)
        await house.commit([Update(r) for r in catalogues.medications()], manner)
        some = [a for a in facilities.accounts() if a.login in ("bs.minh", "bs.tuan", "dd.ha")]
        await accounts.ensure(engine, made.state.door.hasher, some, PASSWORD)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def enter(app: App) -> AsyncIterator[Callable[..., Awaitable[Browser]]]:
    made: list[httpx.AsyncClient] = []

    async def signed_in(login: str = "bs.minh", lang: str = "vi") -> Browser:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE, headers={"Origin": BASE},
            cookies={"lang": lang} if lang != "vi" else None,
        )  # fmt: skip
        made.append(client)
        answer = await client.post("/sign-in", data={"name": login, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return Browser(client)

    yield signed_in
    for client in made:
        await client.aclose()


@pytest.fixture
def house(app: App) -> Store:
    return Store(app.state.engine, system("test"))


@pytest.fixture
def came(house: Store) -> Came:
    """came(born=..., sex=..., status=...) -> (patient, encounter) of somebody who has come to room 205 today."""

    async def arrive(
        born: str = "1960-04-30", sex: str = "male", status: str = "arrived", minutes: int = 5, kind: str = "AMB"
    ) -> tuple[str, str]:
        n = next(_number)
        patient, encounter = f"cl-p{n}", f"cl-e{n}"
        start = clock.now() - timedelta(minutes=minutes)
        if clock.local(start).date() != clock.local(clock.now()).date():
            start = clock.now()
        await house.commit([
            Update({"resourceType": "Patient", "id": patient, "name": [{"text": f"Trần Văn Thứ {n}"}], "gender": sex, "birthDate": born}),
            Update({
                "resourceType": "Encounter", "id": encounter, "status": status,
                "class": {"system": s.ACT_CODE, "code": kind, "display": "ambulatory"},
                "subject": {"reference": f"Patient/{patient}"}, "period": {"start": clock.instant(start)},
                "reasonCode": [{"text": "Tái khám tăng huyết áp"}], "location": [{"location": ROOM, "status": "active"}],
                "serviceType": {"text": "Khoa Nội tim mạch"},
                "serviceProvider": {"reference": "Organization/bv-sn", "display": "Bệnh viện"},
            }),
        ])  # fmt: skip
        return patient, encounter

    return arrive
