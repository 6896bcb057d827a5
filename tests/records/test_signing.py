"""Signing with certificates of an authority: what it says at that moment decides. Real answers over HTTP, from this machine."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_asyncio
from authorities import DER, Authority, running
from house_of_papers import opened, paper
from pyhanko.pdf_utils.reader import PdfFileReader

from longbien.base import clock
from longbien.base.errors import Invalid, Unavailable
from longbien.base.outside import Outside
from longbien.record.engine import Engine
from longbien.records.signing import csc, pades
from longbien.records.signing.pades import Refused


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with running() as made:
        yield made


@pytest.fixture(autouse=True)
def settings(authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_bytes(authority.pem())
    monkeypatch.setenv("LONGBIEN_SIGNING_ROOTS", str(tmp_path / "roots.pem"))
    monkeypatch.setenv("LONGBIEN_OUTSIDE_HOSTS", "127.0.0.1")
    authority.ocsp = authority.crl = True
    authority.revoked.clear()
    authority.log.clear()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def h(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    hospital = await opened(engine)
    yield hospital
    await hospital.door.close()


async def imported(h: SimpleNamespace, authority: Authority) -> int:
    """The doctor's certificate is taken in; gives its serial number."""
    data, certificate = authority.p12("BS. Lê Hoàng Minh")
    desk = h.desk("bs.minh", demo=False)
    await desk.keys.take_in(desk.actor, data, "mk")
    return certificate.serial_number


async def test_a_good_answer_is_asked_for_and_kept_in_the_file(h: SimpleNamespace, authority: Authority) -> None:
    await imported(h, authority)
    await h.write(paper("a1", "prescription", "ended"))
    shown = await h.desk("bs.minh", demo=False).sign("a1", "doctor")
    assert "ocsp" in authority.log and "crl" not in authority.log
    assert [(s.level, s.intact, s.trusted) for s in shown.signatures] == [("B-B", True, True)]
    store = PdfFileReader(io.BytesIO(shown.file.pdf)).root["/DSS"]
    assert len(store["/OCSPs"]) >= 1 and len(store["/Certs"]) >= 2


async def test_with_a_time_stamp_service_it_is_long_term(
    h: SimpleNamespace, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGBIEN_SIGNING_TIMESTAMP", f"{authority.address}/tsa")
    await imported(h, authority)
    await h.write(paper("a2", "prescription", "ended"))
    shown = await h.desk("bs.minh", demo=False).sign("a2", "doctor")
    assert "tsa" in authority.log
    assert [(s.level, s.intact, s.trusted) for s in shown.signatures] == [("B-LT", True, True)]
    level = await h.engine.db.fetchval("SELECT level FROM paper_step WHERE code = $1 AND what = 'signed'", shown.file.code)
    assert level == "PAdES-B-LT"


async def test_a_revoked_certificate_signs_nothing(h: SimpleNamespace, authority: Authority) -> None:
    authority.revoked.add(await imported(h, authority))
    await h.write(paper("a3", "prescription", "ended"))
    with pytest.raises(Refused):
        await h.desk("bs.minh", demo=False).sign("a3", "doctor")
    assert (await h.desk("bs.minh", demo=False).look("a3")).signatures == ()


async def test_the_list_is_asked_where_the_responder_is_away_and_without_both_nothing_is_signed(
    h: SimpleNamespace, authority: Authority
) -> None:
    serial = await imported(h, authority)
    await h.write(paper("a4", "prescription", "ended"))
    authority.ocsp = authority.crl = False
    with pytest.raises(Unavailable):
        await h.desk("bs.minh", demo=False).sign("a4", "doctor")
    authority.crl = True
    authority.revoked.add(serial)
    with pytest.raises(Refused):
        await h.desk("bs.minh", demo=False).sign("a4", "doctor")
    authority.revoked.clear()
    shown = await h.desk("bs.minh", demo=False).sign("a4", "doctor")
    assert shown.signatures[0].trusted and "crl" in authority.log


async def test_what_no_authority_issued_or_has_run_out_is_not_taken_in(h: SimpleNamespace, authority: Authority) -> None:
    desk = h.desk("bs.minh", demo=False)
    data, _ = authority.p12("x")
    with pytest.raises(Invalid, match="password"):
        await desk.keys.take_in(desk.actor, data, "wrong")
    old, _ = authority.p12("x", days=-1)
    with pytest.raises(Invalid, match="run out"):
        await desk.keys.take_in(desk.actor, old, "mk")
    stranger = Authority()
    stranger.address = authority.address
    foreign, _ = stranger.p12("x")
    with pytest.raises(Invalid, match="No authority"):
        await desk.keys.take_in(desk.actor, foreign, "mk")


async def test_a_changed_byte_is_seen(h: SimpleNamespace, authority: Authority) -> None:
    await imported(h, authority)
    await h.write(paper("a5", "prescription", "ended"))
    shown = await h.desk("bs.minh", demo=False).sign("a5", "doctor")
    at = shown.file.pdf.index(b"pdfaid:part") + len(b"pdfaid:part")
    changed = shown.file.pdf[:at] + bytes([shown.file.pdf[at] ^ 1]) + shown.file.pdf[at + 1 :]
    material = pades.Material((authority.root.public_bytes(DER),))
    assert [s.intact for s in await pades.signatures(changed, material)] == [False]


async def test_a_signing_service_gets_the_hash_alone_and_the_pin_each_time(h: SimpleNamespace, authority: Authority) -> None:
    desk = h.desk("bs.minh", demo=False)
    access = csc.Access(f"{authority.address}/csc/v2", "minh", authority.token)
    outside = Outside()
    with pytest.raises(Invalid):
        await desk.keys.take_service(desk.actor, access._replace(token="other"), outside)
    key = await desk.keys.take_service(desk.actor, access, outside)
    await outside.close()
    assert key.source == "service" and key.sealed is not None and authority.token.encode() not in key.sealed
    await h.write(paper("a6", "prescription", "ended"))
    with pytest.raises(Invalid, match="PIN"):
        await desk.sign("a6", "doctor", pin="0000")
    shown = await desk.sign("a6", "doctor", pin=authority.pin)
    assert [(s.subject, s.intact, s.trusted) for s in shown.signatures] == [("BS. Lê Hoàng Minh (từ xa)", True, True)]
    assert authority.log[-3:] != [] and "signatures/signHash" in authority.log
    assert shown.signatures[0].at is not None and shown.signatures[0].at <= clock.now()
