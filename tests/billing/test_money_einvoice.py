"""Electronic invoices: laid out by the table, signed so that another tool agrees, handed in until taken and never taken twice. The
provider is a double with recorded answers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from money_house import FACILITY, billed, hospital

from longbien.base import clock, ids
from longbien.base.errors import Invalid, Unavailable
from longbien.billing.money import desk, einvoice, shifts
from longbien.billing.money.einvoice import Answer
from longbien.billing.money.settings import EInvoiceSettings

pytestmark = pytest.mark.asyncio(loop_scope="session")
__all__ = ["hospital"]


@pytest.fixture(scope="module")
def settings() -> Iterator[EInvoiceSettings]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "BENH VIEN SONG NHI")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    made = made.not_valid_before(clock.now() - timedelta(days=1)).not_valid_after(clock.now() + timedelta(days=30))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    yield EInvoiceSettings.read({}, url="x", key=secret.decode(), certificate=pem.decode(), series="C26TSN", tax_code="0100000001")


class Recorded:
    """Recorded answers, one after another; None: no answer."""

    def __init__(self, *answers: Answer | None):
        self.answers, self.got = list(answers), []  # type: ignore[var-annotated]

    async def submit(self, key: str, xml: bytes) -> Answer:
        self.got.append((key, xml))
        answer = self.answers.pop(0)
        if answer is None:
            raise Unavailable("No answer within 20 seconds.")
        return answer


async def paid(h: SimpleNamespace, amount: int) -> SimpleNamespace:
    b = await billed(h.house, amount)
    if await shifts.current(h.db, h.one.number) is None:
        await shifts.begin(h.engine, FACILITY, h.one.number, "", 0, clock.now())
    drawer = await shifts.current(h.db, h.one.number)
    assert drawer is not None
    await desk.cash(h.engine, b.invoice, amount, drawer, ids.new_id(), clock.now())
    return b


async def test_it_says_what_was_paid_and_a_second_tool_agrees_with_the_signature(
    hospital: SimpleNamespace, settings: EInvoiceSettings, tmp_path: Path
) -> None:
    b = await paid(hospital, 1_284_500)
    xml = await einvoice.make(hospital.engine, b.invoice, settings)
    root = etree.fromstring(xml)
    assert root.findtext("DLHDon/NDHDon/TToan/TgTTTBSo") == "1284500" and root.findtext(".//HVTNMHang") == "Nguyễn Thị Na"
    assert b.number in (root.findtext(".//THHDVu") or "")
    (tmp_path / "c.pem").write_text(settings.certificate)
    for name, body, good in (("good", xml, True), ("bad", xml.replace(b">1284500<", b">1284501<"), False)):
        (tmp_path / f"{name}.xml").write_bytes(body)
        command = ["xmlsec1", "--verify", "--id-attr:Id", "DLHDon", "--pubkey-cert-pem", "c.pem", f"{name}.xml"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode == 0) is good, done.stderr


async def test_it_is_handed_in_until_taken_letter_for_letter_and_taken_once(
    hospital: SimpleNamespace, settings: EInvoiceSettings
) -> None:
    h = hospital
    b = await paid(h, 90_000)
    provider = Recorded(None, Answer(False, "status 500"), Answer(True, "HD0001"))
    with pytest.raises(Unavailable):
        await einvoice.hand_in(h.engine, b.invoice, provider, settings)
    assert not (await einvoice.hand_in(h.engine, b.invoice, provider, settings)).taken
    assert (await einvoice.hand_in(h.engine, b.invoice, provider, settings)) == Answer(True, "HD0001")
    assert (await einvoice.hand_in(h.engine, b.invoice, provider, settings)) == Answer(True, "HD0001")
    assert len(provider.got) == 3 and len(set(provider.got)) == 1
    waiting = await h.db.fetch(einvoice.Q.waiting, clock.now() - timedelta(days=1), 100)
    assert b.invoice not in [r["invoice"] for r in waiting]


async def test_a_bill_that_is_not_paid_gets_none_and_what_is_missing_is_named(
    hospital: SimpleNamespace, settings: EInvoiceSettings
) -> None:
    b = await billed(hospital.house, 5_000)
    with pytest.raises(Invalid):
        await einvoice.make(hospital.engine, b.invoice, settings)
    c = await paid(hospital, 6_000)
    bare = EInvoiceSettings.read({}, url="x", key=settings.key, certificate=settings.certificate, series="C26TSN")
    with pytest.raises(Invalid, match="tax_code"):
        await einvoice.make(hospital.engine, c.invoice, bare)
