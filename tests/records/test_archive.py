"""Signatures that outlive their certificates: the archive time stamp, its renewal, and what two judges say of the file years later.

The authority's services run on this machine. The papers are signed a while ago (the clock is put back), with certificates that have
run out by today."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_asyncio
from authorities import Authority, running
from house_of_papers import opened, paper
from pyhanko.pdf_utils.reader import PdfFileReader

from longbien.base import clock
from longbien.record.engine import Engine
from longbien.records import archive
from longbien.records.signing import pades
from longbien.records.signing.keys import Keys

STEPS = "SELECT what || coalesce(' ' || level, '') AS said FROM paper_step WHERE code = $1 ORDER BY number"


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with running() as made:
        yield made


AGO = 160


class Time:
    """days: how many have gone by since the signing, which was 160 days ago."""

    def __init__(self) -> None:
        self.days = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days - AGO)


@pytest.fixture
def time(authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Time:
    (tmp_path / "roots.pem").write_bytes(authority.pem())
    monkeypatch.setenv("LONGBIEN_SIGNING_ROOTS", str(tmp_path / "roots.pem"))
    monkeypatch.setenv("LONGBIEN_SIGNING_TIMESTAMP", f"{authority.address}/tsa")
    monkeypatch.setenv("LONGBIEN_OUTSIDE_HOSTS", "127.0.0.1")
    authority.ocsp = authority.crl = True
    authority.revoked.clear()
    made = Time()
    monkeypatch.setattr(clock, "now", made.now)
    authority.now = made.now()
    authority.tsa = authority.issue("Test TSA", stamps=True)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def h(engine: Engine) -> AsyncIterator[SimpleNamespace]:
    hospital = await opened(engine)
    yield hospital
    await hospital.door.close()


async def signed(h: SimpleNamespace, authority: Authority, id_: str) -> bytes:
    desk = h.desk("bs.minh", demo=False)
    data, _ = authority.p12("BS. Lê Hoàng Minh")
    await desk.keys.take_in(desk.actor, data, "mk")
    await h.write(paper(id_, "prescription", "ended"))
    return (await desk.sign(id_, "doctor")).file.pdf


async def renewed(h: SimpleNamespace, time: Time) -> tuple[int, int]:
    """The job's round. The database's own clock is not put back: what is due is asked as of that many days after today."""
    return await archive.renew(h.engine, Keys(h.door, demo=False), datetime.now(UTC) + timedelta(days=time.days))


async def file(h: SimpleNamespace, id_: str) -> tuple[bytes, str]:
    shown = await h.desk("bs.minh", demo=False).look(id_)
    return shown.file.pdf, shown.file.code


async def judged(h: SimpleNamespace, pdf: bytes) -> list[tuple[str, bool, bool]]:
    material = pades.Material(await Keys(h.door, demo=False).trusted())
    return [(s.level, s.intact, s.trusted) for s in await pades.signatures(pdf, material)]


async def test_a_day_after_its_signature_a_paper_is_stamped(h: SimpleNamespace, authority: Authority, time: Time) -> None:
    pdf = await signed(h, authority, "ar1")
    assert await renewed(h, time) == (0, 0)  # an authority's answer is not younger than the signature yet
    time.days = 1.5
    assert await renewed(h, time) == (1, 0)
    stamped, code = await file(h, "ar1")
    assert stamped.startswith(pdf)  # nothing that was signed is touched
    assert await judged(h, stamped) == [("B-LTA", True, True)]
    said = [r["said"] for r in await h.engine.db.fetch(STEPS, code)]
    assert said == ["prepared", "signed PAdES-B-LT", "stamped PAdES-B-LTA"]


async def test_renewed_in_time_it_holds_after_every_certificate_of_its_day_has_run_out(
    h: SimpleNamespace, authority: Authority, time: Time
) -> None:
    await signed(h, authority, "ar2")
    time.days = 1.5
    await renewed(h, time)
    first, _ = await file(h, "ar2")
    time.days = 15  # within 90 days of its end: renewed, by a service whose certificate lasts longer
    authority.tsa = authority.issue("Test TSA 2", stamps=True, days=400)
    await renewed(h, time)
    second, _ = await file(h, "ar2")
    assert second.startswith(first) and len(PdfFileReader(io.BytesIO(second)).embedded_timestamp_signatures) == 2
    time.days = AGO  # today: signer, first stamp and signature stamp ran out 140 days ago
    assert await judged(h, second) == [("B-LTA", True, True)]
    assert await judged(h, first) == [("B-LTA", True, False)]  # not renewed: it holds no more
    changed = second.replace(b"pdfaid:part", b"pdfaid:pbrt", 1)
    assert [x[1:] for x in await judged(h, changed)] == [(False, False)]


async def test_where_the_service_is_away_the_paper_waits(h: SimpleNamespace, authority: Authority, time: Time) -> None:
    pdf = await signed(h, authority, "ar4")
    time.days = 1.5
    authority.ocsp = authority.crl = False
    done, failed = await renewed(h, time)
    assert done == 0 and failed >= 1
    assert (await file(h, "ar4"))[0] == pdf
    authority.ocsp = True
    assert (await renewed(h, time))[1] == 0
    assert (await file(h, "ar4"))[0] != pdf


async def test_pdfsig_agrees_that_nothing_was_changed(h: SimpleNamespace, authority: Authority, time: Time, tmp_path: Path) -> None:
    await signed(h, authority, "ar5")
    time.days = 1.5
    await renewed(h, time)
    stamped, _ = await file(h, "ar5")
    (tmp_path / "a.pdf").write_bytes(stamped)
    said = subprocess.run(["pdfsig", "-nocert", str(tmp_path / "a.pdf")], capture_output=True, text=True).stdout
    assert said.count("Signature is Valid") >= 1 and "Digest Mismatch" not in said
    assert re.search(r"Signature Type: ETSI\.CAdES\.detached", said)
    (tmp_path / "b.pdf").write_bytes(stamped.replace(b"pdfaid:part", b"pdfaid:pbrt", 1))
    said = subprocess.run(["pdfsig", "-nocert", str(tmp_path / "b.pdf")], capture_output=True, text=True).stdout
    assert "Signature is Valid" not in said
