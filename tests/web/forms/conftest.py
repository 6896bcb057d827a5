"""A hospital with a doctor, a nurse and three patients, and the real application.

house      the application
browser    await browser("doctor", "vi") -> an HTTP client signed in, `.token` for its forms
own        the house's own store: sees everything"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from hospital_app import HOSPITAL, Browser, doors, running, settings
from longbien.app import App
from longbien.base import clock
from longbien.fhir import systems as s
from longbien.record.scope import system
from longbien.record.store import Store

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
