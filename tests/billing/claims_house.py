"""A hospital whose visits have claims written by hand (the record behind them is small), with the doubles of both gateways as a
process of their own. Import `cheap`, `double`, `app`, `house` and `enter` as fixtures."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID
from doubles import Running, gateways
from gateways import NAME
from gateways import PASSWORD as GATE

from claim_rows import a_claim
from longbien.access import accounts
from longbien.app import App, create_app
from longbien.base import clock
from longbien.base.outside import Outside, OutsideSettings
from longbien.billing.claims import making, reactions
from longbien.billing.claims.sending import Places, Sender
from longbien.billing.claims.settings import ClaimsSettings
from longbien.demo import facilities
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.wire.claims_xml import Claim

BASE = "http://claims.test"
PASSWORD = "mưa rào tháng bảy"
KEY_PASSWORD = "khoá của bệnh viện"
ROWS: dict[str, Claim] = {}
"""What the record of a visit composes to, by the visit's id."""
_number = itertools.count(1)


def key_file(path: Path) -> None:
    """A facility's key and certificate as PKCS#12."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "BỆNH VIỆN THỬ")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    now = datetime.now(UTC)
    signed = made.not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=9)).sign(key, hashes.SHA256())
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"bv", key, signed, None, BestAvailableEncryption(KEY_PASSWORD.encode()))
    )


def accounts_file(folder: Path, code: str) -> Path:
    key_file(folder / "key.p12")
    who = {"name": NAME, "password": GATE}
    path = folder / "accounts.json"
    path.write_text(json.dumps({code: {"portal": who, "axis": who, "key": "key.p12", "key_password": KEY_PASSWORD}}))
    return path


@pytest.fixture(scope="module")
def double() -> Iterator[Running]:
    with gateways() as running:
        yield running


@pytest.fixture(scope="module")
def cheap(tmp_path_factory: pytest.TempPathFactory, double: Running) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("claims")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGBIEN_PASSWORD_TIME", "1")
        patch.setenv("LONGBIEN_PASSWORD_MEMORY", "64")
        patch.setenv("LONGBIEN_SECOND_FACTOR_ROLES", "none")
        patch.setenv("LONGBIEN_RATE_SESSION", "0")
        patch.setenv("LONGBIEN_DATA", str(folder))
        patch.setenv("LONGBIEN_CLAIMS_ACCOUNTS", str(accounts_file(folder, facility_code())))
        for name in ("PORTAL", "AXIS", "AXIS_LOGIN"):
            patch.setenv(f"LONGBIEN_CLAIMS_{name}", double.address)
        patch.setenv("LONGBIEN_OUTSIDE_HOSTS", f"127.0.0.1:{double.port}")
        patch.setattr(reactions, "composed", composed)
        yield


async def composed(store: Store, encounter: str) -> Claim:
    return ROWS[encounter]


def facility_code() -> str:
    resource = next(r for r in facilities.resources() if r["id"] == "bv-sn")
    return next(str(i["value"]) for i in resource["identifier"] if str(i["value"]).isdigit() and len(str(i["value"])) == 5)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(record_urls: tuple[str, str], cheap: None) -> AsyncIterator[App]:
    made = create_app(record_urls[1])
    async with made.router.lifespan_context(made):
        engine: Engine = made.state.engine
        manner = Manner(references="trust", checked=True, summarise=True)
        await Store(engine, system("test")).commit([Update(r) for r in facilities.resources()], manner)
        some = [a for a in facilities.accounts() if a.login in ("bh.yen", "bs.minh")]
        await accounts.ensure(engine, made.state.door.hasher, some, PASSWORD)
        yield made


@pytest.fixture
def house(app: App) -> Store:
    return Store(app.state.engine, system("test"))


@pytest_asyncio.fixture
async def sender(app: App, double: Running) -> AsyncIterator[Sender]:
    outside = Outside(OutsideSettings(hosts=f"127.0.0.1:{double.port}"))
    settings = ClaimsSettings.read()
    engine = app.state.engine
    yield Sender(engine, Places(ClaimsSettings(**{**vars(settings), "seconds": 1.0}), outside), making.house(engine))
    await outside.close()


class Browser:
    def __init__(self, client: httpx.AsyncClient):
        self.client = client

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def post(self, path: str, files: Any = None, **fields: str) -> httpx.Response:
        page = (await self.client.get("/claims")).text
        token = page.split('data-csrf="')[1].split('"')[0]
        return await self.client.post(path, data={"csrf": token, **fields}, files=files)


@pytest_asyncio.fixture
async def enter(app: App) -> AsyncIterator[Callable[..., Awaitable[Browser]]]:
    made: list[httpx.AsyncClient] = []

    async def signed_in(login: str = "bh.yen", lang: str = "vi") -> Browser:
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


async def visit(house: Store, claim: Claim | None = None, *, insured: bool = True, stay: int = 0) -> str:
    """A visit that has ended at the hospital, whose claim is `claim`; gives its id."""
    id_ = f"ce{next(_number)}"
    now = clock.now()
    made = claim or a_claim(f"{facility_code()}.{id_}", insured=insured, stay=stay)
    made["XML1"][0]["MA_CSKCB"] = facility_code()
    ROWS[id_] = made
    who = {"name": [{"text": "Trần Thị Lụa"}], "gender": "female", "birthDate": "1958-03-02"}
    await house.commit([
        Update({"resourceType": "Patient", "id": f"p-{id_}", **who}),
        Update({
            "resourceType": "Encounter", "id": id_, "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": f"Patient/p-{id_}"}, "serviceProvider": {"reference": "Organization/bv-sn"},
            "period": {"start": clock.instant(now - timedelta(hours=2)), "end": clock.instant(now - timedelta(hours=1))},
        }),
    ])  # fmt: skip
    return id_
