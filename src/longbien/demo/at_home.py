"""Two people of the demo city who look at the record from home: a patient of 74 and the mother of a child in hospital."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from longbien.access import accounts, carers
from longbien.access.passwords import Hasher
from longbien.demo import facilities, people, slots
from longbien.demo.chance import stable_id
from longbien.demo.life import Life
from longbien.demo.shapes import at, stamp
from longbien.fhir.systems import NOTICE
from longbien.record.engine import Engine
from longbien.record.scope import Scope

LUA = (slots.CLINIC, 2)
BAO = (slots.INPATIENT, 1)
"""Which parts they play: she was seen in the cardiology clinic this morning; he lies in the children's ward."""
KNOWN: dict[tuple[str, int], dict[str, Any]] = {
    LUA: {"name": "Đinh Thị Lụa", "sex": "F", "age": 74, "object": "HT"},
    BAO: {"name": "Phạm Gia Bảo", "sex": "M", "age": 6},
}


def lua(life: Life) -> None:
    """This morning's blood and urine, the next visit, and what the hospital has told her."""
    today = life.today
    visit = life.visit("SN", "TM", at(today, 6, 10), "Xét nghiệm trước khám", minutes=60, doctor=facilities.member("bs.minh"))
    given = {"HBA1C": 7.8, "GLU": 7.9, "CREA": 78.0, "LDL": 1.9, "K": 4.2, "ALT": 24.0}
    life.labs(visit, at(today, 6, 20), ("CBC", "GLU", "HBA1C", "CREA", "LYTES", "LIPID", "ALT"), given, minutes=80)
    back = at(life.weekday(today + timedelta(days=17)), 8, 30)
    doctor = facilities.member("bs.minh")
    life.new(
        "Appointment",
        status="booked",
        serviceType=[{"text": "Khoa Nội tim mạch"}],
        reasonCode=[{"text": "Tái khám tăng huyết áp, đái tháo đường"}],
        start=stamp(back),
        end=stamp(back + timedelta(minutes=10)),
        minutesDuration=10,
        created=today.isoformat(),
        patientInstruction="Không cần mang giấy tờ. Nhịn ăn sáng để lấy máu.",
        participant=[
            {"actor": life.subject, "status": "accepted"},
            {"actor": doctor.reference, "status": "accepted"},
            {
                "actor": {"reference": f"Location/{facilities.clinic_id('SN', 'TM')}", "display": "Phòng khám 205"},
                "status": "accepted",
            },
        ],
    )
    for days, text in (
        (0, "Kết quả máu và nước tiểu sáng nay đã có. Bác sĩ Minh đã xem."),
        (9, "Bệnh viện đổi số điện thoại đặt khám: 1900 0000, bấm số 2."),
    ):
        life.new(
            "Communication",
            status="completed",
            category=[{"coding": [NOTICE], "text": "Thông báo"}],
            subject=life.subject,
            recipient=[life.subject],
            sent=stamp(at(today - timedelta(days=days), 8, 5)),
            sender=facilities.organization_reference("SN"),
            payload=[{"contentString": text}],
        )


def _account(login: str, role: str, display: str, patient_id: str = "") -> facilities.Account:
    return facilities.Account(login, "", role, "", "", display, "", patient_id)


async def sign_ups(engine: Engine, hasher: Hasher, scope: Scope, seed: int, day: date, made: int, password: str) -> None:
    """Their accounts, of those among the first `made` people. She sees her own record, the mother her child’s."""
    i, child = slots.person(*LUA), slots.person(*BAO)
    if i < made:
        her = people.make(i, seed, day, **KNOWN[LUA])
        await accounts.ensure(engine, hasher, [_account("nb.lua", "patient", her.name, her.id)], password)
    if child < made:
        his = people.make(child, seed, day, **KNOWN[BAO])
        mother = stable_id(his.id, "RelatedPerson", "MTH")
        name = next((r["name"][0]["text"] for r in people.resources(his, day) if r["id"] == mother), "")
        if name:
            await accounts.ensure(engine, hasher, [_account("nn.bao", "carer", name)], password)
            row = await accounts.by_login(engine.db, "nn.bao")
            if row and not await engine.db.fetchval("SELECT 1 FROM carer_grant WHERE account = $1", row["number"]):
                await carers.grant(engine, scope, None, row["number"], "RelatedPerson", mother)
