"""A small hospital for the ward's tests: two wards, staff, patients; the house's guards in place."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest_asyncio
from starlette.applications import Starlette

from longbien.access import accounts
from longbien.access.door import Door
from longbien.access.settings import AccessSettings
from longbien.app import PAGES, guard
from longbien.base import clock
from longbien.base.ids import new_id
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.ward import places, rules
from longbien.web import routes as web_routes

PASSWORD = "cau-thep-bac-qua-song"


def _request() -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "client": ("10.0.0.1", 5000),
        "headers": [(b"host", b"testserver")],
        "path": "/",
    }


class Client:
    """Somebody at a browser: get and post with the session's cookie and the page's own token."""

    def __init__(self, app: Starlette, cookie: str, lang: str):
        headers = {"cookie": f"{cookie}; lang={lang}", "origin": "http://testserver"}
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver", headers=headers)
        self.csrf = ""

    async def get(self, path: str) -> httpx.Response:
        answer = await self.http.get(path)
        if found := re.search(r'data-csrf="([^"]+)"', answer.text):
            self.csrf = found[1]
        return answer

    async def post(self, path: str, **fields: str) -> httpx.Response:
        if not self.csrf:
            await self.get("/today")
        return await self.http.post(path, data={"csrf": self.csrf, **fields})


def _place(id_: str, kind: str, above: str | None, department: str, **more: Any) -> dict[str, Any]:
    out = {"resourceType": "Location", "id": id_, "status": "active", "name": id_, "physicalType": {"coding": [{"code": kind}]},
           "managingOrganization": {"reference": f"Organization/{department}"}, **more}  # fmt: skip
    return out | ({"partOf": {"reference": f"Location/{above}"}} if above else {})


def hospital() -> list[dict[str, Any]]:
    """Hospital h with departments tm (rooms of four beds and of two) and hstc (one bed), staff, and a second hospital."""
    out: list[dict[str, Any]] = []
    for org, name, above in (("h", "Bệnh viện Thử", None), ("other", "Bệnh viện Khác", None), ("tm", "Khoa Nội tim mạch", "h"),
                             ("hstc", "Khoa Hồi sức", "h"), ("far", "Khoa Xa", "other")):  # fmt: skip
        one: dict[str, Any] = {"resourceType": "Organization", "id": org, "name": name, "active": True}
        out.append(one | ({"partOf": {"reference": f"Organization/{above}"}} if above else {}))
    out += [_place("tm-w", "wa", None, "tm"), _place("tm-1", "ro", "tm-w", "tm"), _place("tm-2", "ro", "tm-w", "tm")]
    out += [_place(f"tm-b{n}", "bd", "tm-1" if n < 5 else "tm-2", "tm", alias=[f"0{n}"]) for n in range(1, 7)]
    out += [_place("hstc-w", "wa", None, "hstc"), _place("hstc-b1", "bd", "hstc-w", "hstc", alias=["01"])]
    out += [_place("far-w", "wa", None, "far"), _place("far-b1", "bd", "far-w", "far", alias=["01"])]
    for who, role in (("ha", "nurse"), ("nga", "nurse"), ("minh", "doctor"), ("lan", "clerk")):
        out.append({"resourceType": "Practitioner", "id": who, "name": [{"text": f"Nhân viên {who}"}]})
        out.append({"resourceType": "PractitionerRole", "id": f"{who}-r", "active": True,
                    "practitioner": {"reference": f"Practitioner/{who}", "display": f"Nhân viên {who}"},
                    "organization": {"reference": "Organization/h"}, "code": [{"coding": [{"code": role}]}],
                    "location": [{"reference": "Location/tm-w"}]})  # fmt: skip
    return out


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    """engine, door, store (the system's), actors by login, a_patient(...) -> (patient id, stay id)."""
    guard(engine)
    places.forget()
    system_store = Store(engine, system("test"))
    await system_store.commit([Update(x) for x in hospital()])
    door = Door(engine, AccessSettings(password_time=1, password_memory=64, second_factor_roles=""))
    for login, role in (("ha", "nurse"), ("nga", "nurse"), ("minh", "doctor"), ("lan", "clerk")):
        new = accounts.NewAccount(f"dd.{login}", f"Nhân viên {login}", role, organization="h", practitioner=login)
        await accounts.create(engine, door.hasher, None, new, PASSWORD)
    made = SimpleNamespace(engine=engine, door=door, store=system_store, actors={})
    for login in ("ha", "nga", "minh", "lan"):
        found = await door.sign_in(_request(), f"dd.{login}", PASSWORD)
        made.actors[login] = (found.actor, found.set_cookie.split(";")[0])
    made.as_ = lambda login: Store(engine, door.scope(made.actors[login][0], None, reason="care"))
    app = Starlette(routes=PAGES)
    app.state.door, app.state.engine = door, engine
    web_routes.set_up(app.state)
    made.client = lambda login, lang="vi": Client(app, made.actors[login][1], lang)
    made.a_patient = _maker(system_store)
    made.places = await places.places(engine, "h")
    yield made
    await door.close()


def _maker(store: Store) -> Callable[..., Any]:
    async def a_patient(
        bed: str = "", *, hours: float = 20, sex: str = "male", birth: str = "1955-03-14", **more: Any
    ) -> tuple[str, str]:
        """Somebody who came so many hours ago and lies in a bed ("": waits in the emergency room)."""
        known = await places.places(store.engine, "h")
        patient, stay = new_id(), new_id()
        start = clock.now() - timedelta(hours=hours)
        encounter: dict[str, Any] = {
            "resourceType": "Encounter", "id": stay, "status": "in-progress", "class": {"code": "IMP" if bed else "EMER"},
            "subject": {"reference": f"Patient/{patient}"}, "serviceProvider": {"reference": "Organization/h"},
            "period": {"start": clock.instant(start)}, "reasonCode": [{"text": "Khó thở"}],
        }  # fmt: skip
        if bed:
            encounter = rules.moved(encounter, known.beds[bed], known.wards[known.beds[bed].ward], start)
        person = {"resourceType": "Patient", "id": patient, "name": [{"text": more.get("name", "Nguyễn Văn Thử")}], "gender": sex,
                  "birthDate": birth}  # fmt: skip
        await store.commit([Update(person), Update(encounter)])
        return patient, stay

    return a_patient
