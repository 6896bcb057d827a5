"""Another hospital's system: claims as it sends them, and a house with the axis open."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any

import httpx
from starlette.applications import Starlette

from longbien.access.door import Door
from longbien.billing.axis import senders
from longbien.billing.axis.gateway import ROUTES
from longbien.billing.axis.taking import take_file
from longbien.billing.claims import compose
from longbien.billing.claims.compose.case import Case
from longbien.fhir import systems as s
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.wire import claims_xml

DAY = date(2026, 11, 30)
CODE, OTHER = "99002", "99003"
TRUST = Manner(references="trust")
Row = dict[str, str]
Claim = dict[str, list[Row]]


def patient(
    id_: str = "p-an", name: str = "Nguyễn Thị An", citizen: str = "001158012345", card: str = "HT3010100012345"
) -> dict[str, Any]:
    return {
        "resourceType": "Patient", "id": id_, "name": [{"use": "official", "text": name}], "gender": "female",
        "birthDate": "1958-03-14",
        "identifier": [{"system": s.CITIZEN_ID, "value": citizen}, {"system": s.INSURANCE_NUMBER, "value": card}],
        "address": [{"use": "home", "text": "Số 1 phố Hàng Bột, Hà Nội", "city": "Hà Nội"}],
    }  # fmt: skip


def facilities() -> list[dict[str, Any]]:
    return [
        {"resourceType": "Organization", "id": f"bv-{code}", "name": f"Bệnh viện {code}",
         "identifier": [{"system": s.FACILITY_CODE, "value": code}]}
        for code in (CODE, OTHER, "99001")
    ]  # fmt: skip


def claim(
    link: str = "BG.0001", code: str = CODE, name: str = "Nguyễn Thị An", citizen: str = "001158012345", **more: str
) -> Claim:
    """A claim that passes the tables: an examination with two tests and a drug."""
    encounter = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
        "reasonCode": [{"text": "Đau đầu"}],
        "identifier": [{"system": s.ENCOUNTER_NUMBER, "value": link}],
        "serviceType": {"coding": [{"system": s.DEPARTMENT_KIND, "code": "KKB"}]},
        "period": {"start": "2026-11-30T08:00:00+07:00", "end": "2026-11-30T10:00:00+07:00"},
        "diagnosis": [{"condition": {"reference": f"Condition/c{n}"}, "rank": n} for n in (1, 2)],
    }  # fmt: skip
    conditions = [
        {"resourceType": "Condition", "id": f"c{n}", "code": {"coding": [{"system": s.ICD10_VN, "code": icd}], "text": text}}
        for n, icd, text in ((1, "I10", "Tăng huyết áp"), (2, "E11.9", "Đái tháo đường"))
    ]  # fmt: skip
    weight = {
        "effectiveDateTime": "2026-11-30T08:05:00+07:00",
        "code": {"coding": [{"system": s.LOINC, "code": "29463-7"}]},
        "valueQuantity": {"value": 54},
    }
    person = patient(name=name, citizen=citizen)
    made = compose.rows(Case(encounter, person, facilities()[0], {"Condition": conditions}, measured=[weight]))
    made["XML1"][0] |= {"MA_LK": link, "MA_CSKCB": code, "MA_DOITUONG_KCB": "9"} | more
    made["XML4"] = [
        {"MA_LK": link, "STT": str(n), "MA_DICH_VU": "CBC", "MA_CHI_SO": index, "TEN_CHI_SO": index,
         "GIA_TRI": value, "DON_VI_DO": unit, "MO_TA": "", "KET_LUAN": "",
         "NGAY_KQ": "202611300930", "MA_BS_DOC_KQ": "000123/HNO-CCHN", "DU_PHONG": ""}
        for n, (index, value, unit) in enumerate((("HGB", "121", "g/L"), ("WBC", "7.2", "G/L")), 1)
    ]  # fmt: skip
    return made


def file(*claims: Claim, code: str = CODE) -> bytes:
    return claims_xml.envelope(list(claims), DAY, code)


async def house(engine: Engine) -> None:
    """Facilities and one patient who is known."""
    await Store(engine, system("test")).commit([Update(r) for r in (*facilities(), patient())], TRUST)


class Hospital:
    """A hospital's own system at the axis."""

    def __init__(self, engine: Engine, code: str = CODE):
        self.engine, self.code = engine, code
        self.login, self.secret, self.token = f"his-{secrets.token_hex(4)}", "", ""
        app = Starlette(routes=ROUTES)
        app.state.door = Door(engine)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.web = httpx.AsyncClient(transport=transport, base_url="http://axis.test")

    async def begin(self, cert: bytes | None = None) -> Hospital:
        self.secret = await senders.make(self.engine, self.login, self.code, cert=cert)
        answer = await self.web.post(
            "/api/auth/token/take", json={"username": self.login, "password": self.secret, "code": self.code}
        )
        self.token = answer.json()["apiKey"]["accessToken"]
        return self

    async def post(self, files: list[bytes | str], **more: Any) -> httpx.Response:
        body: Mapping[str, Any] = {
            "loaiHoSo": "3176", "maTinh": "HN", "maCSKCB": self.code,
            "files": [f if isinstance(f, str) else base64.b64encode(f).decode() for f in files],
        } | more  # fmt: skip
        return await self.web.post("/api/kcb/xml/qd3176/guiHoSoXml", json=body, headers={"Authorization": f"Bearer {self.token}"})

    async def status(self, receipt: str) -> httpx.Response:
        return await self.web.get(f"/api/kcb/tra-cuu-trang-thai/{receipt}", headers={"Authorization": f"Bearer {self.token}"})

    async def take_in(self) -> None:
        """What the worker would do."""
        for row in await self.engine.db.fetch("SELECT number FROM axis_file WHERE state = 'received' ORDER BY number"):
            await take_file(self.engine, row["number"])
