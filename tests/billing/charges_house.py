"""A hospital with prices for the charges' tests: departments, beds, staff of the till and the ward, patients, and visits as other
rooms write them. Import `house`, `own`, `client` as fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio

from longbien.access.accounts import NewAccount, create
from longbien.access.sessions import csrf
from longbien.app import App, create_app
from longbien.base import clock
from longbien.billing.charges import reactions, tariff
from longbien.billing.charges.tariff import Price
from longbien.fhir import systems as s
from longbien.record.change import Update
from longbien.record.scope import system
from longbien.record.store import Store

BASE = "http://songdao.test"
PASSWORD = "gió mùa đông bắc"
HOSPITAL = "bv-sd"
ADULT, OTHER = "vp-lua", "vp-ba"
STAFF = ("cashier", "insurance", "director", "doctor", "nurse", "clerk", "it", "head", "pharmacist")
LONG_AGO = date(2020, 1, 1)
Resource = dict[str, Any]


def price(kind: str, code: str, cost: int, group: str, **more: Any) -> Price:
    names = {"K": "Kali máu", "XQ": "X-quang ngực", "para500": "Paracetamol 500 mg", "KB01": "Khám bệnh", "PT01": "Cắt ruột thừa"}
    given: dict[str, Any] = {"name": names.get(code, code), "unit": "lần", "begins": LONG_AGO, "insured": Decimal(cost), **more}
    return Price(kind, code, price=Decimal(cost), group=group, **given)


PRICES = (
    price("lab", "K", 22_000, "1"), price("imaging", "XQ", 65_000, "2"),
    price("drug", "para500", 1_000, "4", unit="Viên"),
    price("service", "KB01", 45_000, "13"), price("service", "KB05", 45_000, "13"),
    price("service", "G03", 270_000, "15", unit="ngày"),
    price("service", "G01", 870_000, "15", unit="ngày"), price("service", "G04", 245_000, "15", unit="ngày"),
    price("service", "G07", 360_000, "15", unit="ngày"), price("service", "PT01", 3_000_000, "8"),
    price("service", "PT04", 3_400_000, "8"), price("service", "TT01", 100_000, "18"),
    price("service", "KB03", 200_000, "13", insured=Decimal(0)), price("supply", "KIM", 5_000, "10"),
)  # fmt: skip


def organization(id_: str, name: str, *, code: str = "", kind: str = "", above: str = "") -> Resource:
    out: Resource = {"resourceType": "Organization", "id": id_, "name": name, "active": True}
    if code:
        out["identifier"] = [{"system": s.FACILITY_CODE, "value": code}, {"system": s.FACILITY_MARK, "value": "SD"}]
    if kind:
        out["type"] = [{"coding": [{"system": s.DEPARTMENT_KIND, "code": kind, "display": name}]}]
    return out | ({"partOf": {"reference": f"Organization/{above}"}} if above else {})


def bed(id_: str, department: str) -> Resource:
    return {
        "resourceType": "Location", "id": id_, "status": "active", "name": f"Giường {id_}",
        "physicalType": {"coding": [{"code": "bd"}]}, "managingOrganization": {"reference": f"Organization/{department}"},
    }  # fmt: skip


def patient(id_: str, name: str) -> Resource:
    return {"resourceType": "Patient", "id": id_, "name": [{"text": name}], "gender": "female", "birthDate": "1952-03-02"}


def coverage(of: str, number: str = "DN4010123456789", network: str = "99001") -> Resource:
    return {
        "resourceType": "Coverage", "id": f"the-{of}", "status": "active", "subscriberId": number, "network": network,
        "beneficiary": {"reference": f"Patient/{of}"}, "payor": [{"display": "BHXH"}],
        "period": {"start": "2020-01-01", "end": "2030-12-31"},
    }  # fmt: skip


def visit(id_: str, of: str, kind: str, begin: datetime, *, end: datetime | None = None, where: str = "", **more: Any) -> Resource:
    """An Encounter as the reception or the ward writes it; `where`: the bed that is lain in."""
    period = {"start": clock.instant(begin)} | ({"end": clock.instant(end)} if end else {})
    out: Resource = {
        "resourceType": "Encounter", "id": id_, "status": "finished" if end else "in-progress",
        "identifier": [{"system": s.ENCOUNTER_NUMBER, "value": id_.upper()}],
        "class": {"system": s.ACT_CODE, "code": kind}, "subject": {"reference": f"Patient/{of}"}, "period": period,
        "serviceProvider": {"reference": f"Organization/{HOSPITAL}", "display": "Bệnh viện Sông Đào"}, **more,
    }  # fmt: skip
    if where:
        out["location"] = [{"location": {"reference": f"Location/{where}"}, "status": "active", "period": period}]
    return out


def about(of: str, encounter: str) -> Resource:
    return {"subject": {"reference": f"Patient/{of}"}, "encounter": {"reference": f"Encounter/{encounter}"}}


def order(
    id_: str, of: str, encounter: str, system_: str, code: str, at: datetime, status: str = "active", **more: Any
) -> Resource:
    return {
        "resourceType": "ServiceRequest", "id": id_, "status": status, "intent": "order", "authoredOn": clock.instant(at),
        "code": {"coding": [{"system": system_, "code": code}], "text": code}, **about(of, encounter), **more,
    }  # fmt: skip


def report(id_: str, order_: Resource, at: datetime, status: str = "final") -> Resource:
    return {
        "resourceType": "DiagnosticReport", "id": id_, "status": status, "code": order_["code"], "subject": order_["subject"],
        "encounter": order_["encounter"], "effectiveDateTime": clock.instant(at),
        "issued": clock.instant(at + timedelta(minutes=30)),
        "basedOn": [{"reference": f"ServiceRequest/{order_['id']}"}],
    }  # fmt: skip


def operation(
    id_: str, of: str, encounter: str, code: str, at: datetime, minutes: int = 60, by: str = "nv-doctor", **more: Any
) -> Resource:
    return {
        "resourceType": "Procedure", "id": id_, "status": "completed", "code": {"coding": [{"system": s.SERVICE, "code": code}]},
        "performedPeriod": {"start": clock.instant(at), "end": clock.instant(at + timedelta(minutes=minutes))},
        "performer": [{"actor": {"reference": f"Practitioner/{by}"}}], **about(of, encounter), **more,
    }  # fmt: skip


def dose(id_: str, of: str, encounter: str, at: datetime, amount: int = 1000, status: str = "completed") -> Resource:
    return {
        "resourceType": "MedicationAdministration", "id": id_, "status": status, "subject": {"reference": f"Patient/{of}"},
        "context": {"reference": f"Encounter/{encounter}"}, "effectiveDateTime": clock.instant(at),
        "medicationCodeableConcept": {"coding": [{"system": s.DRUG, "code": "para500"}], "text": "Paracetamol 500 mg"},
        "dosage": {"dose": {"value": amount, "unit": "mg"}},
    }  # fmt: skip


def people() -> list[Resource]:
    return [
        organization(HOSPITAL, "Bệnh viện Sông Đào", code="99001"),
        organization("sd-tm", "Khoa Nội tim mạch", kind="TM", above=HOSPITAL),
        organization("sd-hstc", "Khoa Hồi sức", kind="HSTC", above=HOSPITAL),
        organization("sd-ngoai", "Khoa Ngoại", kind="NGOAI", above=HOSPITAL),
        *(bed(f"sd-tm-{n}", "sd-tm") for n in range(1, 31)), bed("sd-hstc-1", "sd-hstc"), bed("sd-ngoai-1", "sd-ngoai"),
        *({"resourceType": "Practitioner", "id": f"nv-{r}", "name": [{"text": f"BS. {r}"}]} for r in (*STAFF, "other")),
        patient(ADULT, "Trần Thị Lụa"), patient(OTHER, "Lê Thị Ba"), coverage(ADULT),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def cheap() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("PASSWORD_TIME", "1"),
            ("PASSWORD_MEMORY", "64"),
            ("SECOND_FACTOR_ROLES", "none"),
            ("RATE_SESSION", "0"),
        ):
            patch.setenv(f"LONGBIEN_{name}", value)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(record_urls: tuple[str, str], cheap: None) -> AsyncIterator[App]:
    app = create_app(record_urls[1])
    async with app.router.lifespan_context(app):
        store = Store(app.state.engine, system("test"))
        await store.commit([Update(r) for r in people()])
        await store.commit([Update(tariff.definition(p)) for p in PRICES])
        tariff.stale(app.state.engine)
        yield app


@pytest.fixture
def own(house: App) -> Store:
    """The house's own store: sees everything."""
    return Store(house.state.engine, system("test"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(house: App) -> AsyncIterator[Any]:
    """await client("cashier", "en") -> an HTTP client signed in as that role; `.token` for its forms."""
    made: dict[tuple[str, str], httpx.AsyncClient] = {}

    async def signed_in(role: str = "cashier", lang: str = "vi") -> httpx.AsyncClient:
        if (role, lang) not in made:
            login = f"vp.{role}"
            own_record = {"patient": ADULT} if role == "patient" else {}
            staff = None if role == "patient" else f"nv-{role}"
            account = NewAccount(login, role, role, staff, HOSPITAL, **own_record)
            if not any(r == role for r, _ in made):
                await create(house.state.engine, house.state.door.hasher, None, account, PASSWORD)
            http = httpx.AsyncClient(
                transport=httpx.ASGITransport(house), base_url=BASE, headers={"Origin": BASE}, cookies={"lang": lang}
            )
            answer = await http.post("/sign-in", data={"name": login, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            http.token = csrf(http.cookies["longbien"])  # type: ignore[attr-defined]
            made[role, lang] = http
        return made[role, lang]

    yield signed_in
    for http in made.values():
        await http.aclose()


ACTS = {
    "DiagnosticReport": reactions.report, "Procedure": reactions.procedure, "MedicationAdministration": reactions.administration,
    "MedicationRequest": reactions.prescription, "MedicationDispense": reactions.dispense, "ServiceRequest": reactions.order,
    "Encounter": reactions.visit,
}  # fmt: skip


async def happened(own: Store, *resources: Resource) -> None:
    """Write these, and let the reactions of charges follow, as the worker does."""
    await own.commit([Update(r) for r in resources])
    for r in resources:
        if r["resourceType"] in ACTS:
            await ACTS[r["resourceType"]](own, r)
