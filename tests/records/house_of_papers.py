"""A hospital with one patient, a stay that has ended and its papers; desks of the people who handle them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from longbien.access import accounts
from longbien.access.actor import Actor
from longbien.access.door import Door
from longbien.app import guard
from longbien.base import clock
from longbien.demo import facilities
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.records.actions import Desk
from longbien.records.papers import CODES

PLACE = {"reference": "Organization/bv-sn", "display": "Bệnh viện Đa khoa Thành phố Sông Nhị"}
WHO = {"reference": "Patient/na"}
NA = {
    "resourceType": "Patient", "id": "na", "active": True, "name": [{"use": "official", "text": "Nguyễn Thị Na"}],
    "birthDate": "1980-05-04", "gender": "female",
}  # fmt: skip


def stay(id_: str, status: str = "finished") -> dict[str, Any]:
    now = clock.instant(clock.now())
    return {
        "resourceType": "Encounter", "id": id_, "status": status, "subject": WHO, "serviceProvider": PLACE,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}, "period": {"start": now},
        "participant": [{"individual": {"reference": "Practitioner/bs-minh", "display": "BS. Lê Hoàng Minh"}}],
    }  # fmt: skip


def paper(id_: str, kind: str, visit: str, text: str = "Ổn định.") -> dict[str, Any]:
    return {
        "resourceType": "Composition", "id": id_, "status": "preliminary", "type": {"coding": [{"system": CODES, "code": kind}]},
        "subject": WHO, "encounter": {"reference": f"Encounter/{visit}"}, "date": clock.instant(clock.now()), "title": kind,
        "author": [{"reference": "Practitioner/bs-minh", "display": "BS. Lê Hoàng Minh"}], "custodian": PLACE,
        "section": [{"title": "Ghi chú", "text": {"status": "generated",
                     "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'}}],
    }  # fmt: skip


async def opened(engine: Engine) -> SimpleNamespace:
    """engine, door, house (a store of the house itself), actor(login), desk(login, demo=), write(resource)."""
    house = Store(engine, system("test"))
    manner = Manner(references="trust", checked=True, summarise=True)
    await house.commit([Update(r) for r in facilities.resources()], manner)
    guard(engine)
    door = Door(engine)
    wanted = [a for a in facilities.accounts() if a.login in ("bs.minh", "hs.vinh", "dd.ha") or a.role == "head"][:12]
    await accounts.ensure(engine, door.hasher, wanted, "cau-thep-bac-qua-song")
    known = {}
    for a in wanted:
        row = await accounts.by_login(engine.db, a.login)
        assert row is not None
        known[a.login] = Actor(
            row["number"], a.login, "person", a.display, a.role, a.practitioner_id, a.organization_id, a.department_id
        )

    def desk(login: str, *, demo: bool = True) -> Desk:
        scope = door.scope(known[login], None, reason="test")
        return Desk(door, known[login], scope, demo=demo, address="https://longbien.example")

    async def write(*resources: dict[str, Any]) -> None:
        await house.commit([Update(r) for r in resources], Manner(references="trust"))

    await write(NA, stay("ended"))
    return SimpleNamespace(engine=engine, door=door, house=house, known=known, desk=desk, write=write)
