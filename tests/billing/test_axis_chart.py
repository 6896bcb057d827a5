"""A claim that another hospital's system sent, on the chart: the doctor who cares for the patient sees the visit with its
facility; a patient's wish that it be withheld holds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from axis_house import CODE, OTHER, Hospital, claim, file, house
from starlette.applications import Starlette

from longbien.access import accounts
from longbien.access.door import Door
from longbien.access.settings import AccessSettings
from longbien.app import PAGES, guard
from longbien.billing.axis.of_visit import base_of
from longbien.fhir import systems as s
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.web import routes as web_routes

pytestmark = pytest.mark.asyncio(loop_scope="session")
PASSWORD = "cau-thep-bac-qua-song"
REQUEST: dict[str, Any] = {
    "type": "http", "method": "POST", "scheme": "http", "client": ("10.0.0.1", 5000), "path": "/",
    "headers": [(b"host", b"testserver")],
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clinic(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGBIEN_DATA", str(tmp_path_factory.mktemp("data")))
        await house(engine)
        here = {
            "resourceType": "Encounter", "id": "here", "status": "in-progress", "class": {"system": s.ACT_CODE, "code": "AMB"},
            "subject": {"reference": "Patient/p-an"}, "serviceProvider": {"reference": f"Organization/bv-{OTHER}"},
            "participant": [{"individual": {"reference": "Practitioner/bs"}}], "period": {"start": "2026-11-30T10:30:00+07:00"},
        }  # fmt: skip
        doctor = {"resourceType": "Practitioner", "id": "bs", "name": [{"text": "BS. Thử"}]}
        await Store(engine, system("test")).commit([Update(r) for r in (doctor, here)], Manner(references="trust"))
        guard(engine)
        door = Door(engine, AccessSettings(password_time=1, password_memory=64, second_factor_roles=""))
        made = accounts.NewAccount("bs.thu", "BS. Thử", "doctor", practitioner="bs", organization=f"bv-{OTHER}")
        await accounts.create(engine, door.hasher, None, made, PASSWORD)
        app = Starlette(routes=PAGES)
        app.state.door, app.state.engine = door, engine
        web_routes.set_up(app.state)
        signed = await door.sign_in(REQUEST, "bs.thu", PASSWORD)
        cookie = signed.set_cookie.split(";")[0]
        yield SimpleNamespace(engine=engine, app=app, cookie=cookie, hospital=await Hospital(engine).begin())


async def page(clinic: SimpleNamespace, path: str, lang: str) -> str:
    headers = {"cookie": f"{clinic.cookie}; lang={lang}", "origin": "http://testserver"}
    transport = httpx.ASGITransport(app=clinic.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as web:
        answer = await web.get(path)
        assert answer.status_code == 200, answer.text[:300]
        return answer.text


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_the_doctor_sees_the_visit_with_where_it_was(clinic: SimpleNamespace, lang: str) -> None:
    await clinic.hospital.post([file(claim("CT.1"))])
    await clinic.hospital.take_in()
    overview = await page(clinic, "/patients/p-an", lang)
    assert "Tăng huyết áp" in overview and "HGB" in overview and "121" in overview
    assert f"Bệnh viện {CODE}" in await page(clinic, "/patients/p-an/visits", lang)


async def test_what_is_withheld_of_it_is_not_shown(clinic: SimpleNamespace) -> None:
    """A diagnosis of a sensitive category (HIV, B20) from another facility asks for consent, whoever wrote it."""
    hiv = claim("CT.2", MA_BENH_CHINH="B20", CHAN_DOAN_RV="Bệnh HIV giả định")
    hiv["XML1"][0]["MA_BENH_KT"] = ""
    await clinic.hospital.post([file(hiv)])
    await clinic.hospital.take_in()
    row = await clinic.engine.db.fetchrow("SELECT sens FROM head WHERE id = $1", f"{base_of(CODE, 'CT.2')}-c1")
    assert row["sens"] != 0
    assert "HIV giả định" not in await page(clinic, "/patients/p-an", "vi")
