"""A day of the trail made into a list, on a real database."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from at_the_door import signed_in

from longbien.access import anomalies
from longbien.access.door import Door
from longbien.base import clock
from longbien.base.errors import Forbidden, Invalid, NotFound
from longbien.base.ids import patient_key
from longbien.record import trail
from longbien.record.change import Create
from longbien.record.engine import Engine
from longbien.record.index import org_key
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")
DAY = date(2026, 5, 4)
ORG = "bv-sn"


def at(hour: int, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, 15, tzinfo=clock.HANOI)


async def looked(
    owner: Any, account: int, patient: str, hour: int = 10, *, kind: str = "page", day: date = DAY, why: str = "care"
) -> None:
    """A line as it would have been on that day: only the superuser can give a time."""
    await owner.execute(
        "INSERT INTO audit (at, actor, org, pat, action, kind, purpose, why) VALUES ($1, $2, $3, $4, 'R', $5, 1, $6)",
        at(hour, day), account, org_key(ORG), patient_key(patient), trail.KINDS.index(kind), why,
    )  # fmt: skip


async def test_a_days_list_with_its_reasons_and_what_is_said_about_it(
    door: Door, engine: Engine, record_urls: tuple[str, str]
) -> None:
    owner = await asyncpg.connect(record_urls[0])
    try:
        store = Store(engine, system("test"))
        home = [{"text": "12 Hàng Bài, Hoàn Kiếm, Hà Nội"}]
        await store.commit([
            Create({"resourceType": "Organization", "name": "BV"}, id=ORG),
            Create({"resourceType": "Practitioner", "name": [{"text": "Đặng Thu Trà"}], "address": home}, id="tra"),
            Create({"resourceType": "Practitioner", "name": [{"text": "Lê Hoàng Minh"}]}, id="minh"),
            Create({"resourceType": "Patient", "name": [{"text": "Đặng Văn Ba"}], "address": home}, id="ba"),
            Create({"resourceType": "Patient", "name": [{"text": "Nguyễn Thị Yến"}]}, id="yen"),
            Create({"resourceType": "Patient", "name": [{"text": "Trần Văn Xa"}]}, id="xa"),
            Create({"resourceType": "Encounter", "status": "in-progress", "class": {"code": "IMP"},
                    "subject": {"reference": "Patient/yen"},
                    "participant": [{"individual": {"reference": "Practitioner/minh"}}],
                    "period": {"start": "2026-05-01"}, "serviceProvider": {"reference": f"Organization/{ORG}"}}, id="e-yen"),
            Create({"resourceType": "Encounter", "status": "in-progress", "class": {"code": "IMP"},
                    "subject": {"reference": "Patient/ba"},
                    "period": {"start": "2026-05-01"}, "serviceProvider": {"reference": f"Organization/{ORG}"}}, id="e-ba"),
        ])  # fmt: skip
        tra, _ = await signed_in(door, "cashier", ORG, name="Đặng Thu Trà", practitioner="tra")
        minh, _ = await signed_in(door, "doctor", ORG, name="BS. Lê Hoàng Minh", practitioner="minh")
        head, _ = await signed_in(door, "head", ORG)
        officer, _ = await signed_in(door, "security", ORG)
        await looked(owner, tra.number, "ba")  # her own house's
        await looked(owner, minh.number, "yen", 2)  # at night, his own patient
        await looked(owner, minh.number, "xa", 2, kind="read")  # nothing to do with him
        made = await anomalies.make(engine, DAY)
        assert made == await anomalies.make(engine, DAY)  # again: the same
        listed = {(x.name, x.patient_name): x for x in await anomalies.listed(engine, officer)}
        assert set(listed["Đặng Thu Trà", "Đặng Văn Ba"].reasons) == {"family"}
        assert set(listed["BS. Lê Hoàng Minh", "Trần Văn Xa"].reasons) == {"no-relation", "night"}
        assert ("BS. Lê Hoàng Minh", "Nguyễn Thị Yến") not in listed
        entry = listed["Đặng Thu Trà", "Đặng Văn Ba"]
        waiting = await anomalies.waiting(engine, head)
        await anomalies.review(engine, head, entry.number, "explained", "Thu tiền hộ, đã hỏi.")
        assert await anomalies.waiting(engine, head) == waiting - 1
        await anomalies.make(engine, DAY)  # what was said stays
        said = await anomalies.listed(engine, head, state="explained")
        assert [(x.number, x.words, x.reviewer) for x in said] == [(entry.number, "Thu tiền hộ, đã hỏi.", head.name)]
        for state, words, error in (("done", "words", Invalid), ("open", "", Invalid)):
            with pytest.raises(error):
                await anomalies.review(engine, head, entry.number, state, words)
        elsewhere, _ = await signed_in(door, "head", "bv-other")
        with pytest.raises(NotFound):
            await anomalies.review(engine, elsewhere, entry.number, "explained", "not mine")
        for nobody in (tra, minh):
            with pytest.raises(Forbidden):
                await anomalies.listed(engine, nobody)
    finally:
        await owner.close()


async def test_nobody_reviews_what_they_did_themselves(door: Door, engine: Engine, record_urls: tuple[str, str]) -> None:
    owner = await asyncpg.connect(record_urls[0])
    try:
        head, _ = await signed_in(door, "head", ORG)
        await looked(owner, head.number, "stranger", day=DAY + timedelta(days=1))
        await anomalies.make(engine, DAY + timedelta(days=1))
        own = [x for x in await anomalies.listed(engine, head) if x.account == head.number]
        assert [set(x.reasons) for x in own] == [{"no-relation"}]
        with pytest.raises(Forbidden):
            await anomalies.review(engine, head, own[0].number, "explained", "it was me")
    finally:
        await owner.close()


async def test_a_day_without_lines_and_the_hour_of_the_next_list(engine: Engine) -> None:
    assert await anomalies.make(engine, date(2001, 1, 1)) == 0
    assert anomalies.following(at(0)) == at(1).replace(minute=30) and anomalies.following(at(2)) > at(23)
    assert anomalies.yesterday(at(2)) == DAY - timedelta(days=1)
