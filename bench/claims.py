"""A month's claims turned from rows into signed, validated XML: claims a second on so many processes, memory from first to last,
and how that stands to the bar (100,000 in 30 minutes on 2 cores). Rows are of realistic size: five visits of six out-patients
(4 drugs, 5 services), one a stay of six days (25 drugs, 40 services, notes).

Then the same from the record: visits of the demo city in a real database, composed, judged, checked, written, signed."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import multiprocessing
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from cryptography.x509.oid import NameOID

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import psutil

from claim_rows import DAY, a_claim
from longbien.base import clock
from longbien.billing.claims import making, reactions
from longbien.demo import catalogues, facilities, population, prices
from longbien.demo.charging import charging
from longbien.record.change import Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.wire.claims_xml import Claim, check, read, write
from longbien.wire.claims_xml.signature import sign, verify
from place import Place, machine, place, say

BAR = 100_000 / (30 * 60)
NOW = datetime.now(UTC)


def pair() -> tuple[bytes, bytes]:
    """A facility's key (PKCS#8) and certificate, DER."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bench")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return private, made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def visit(n: int) -> Claim:
    link = f"01901.SN{n:012}"
    return a_claim(link, drugs=25, services=40, stay=6) if n % 6 == 0 else a_claim(link, drugs=4, services=5)


def work(given: tuple[int, int, bytes, bytes]) -> tuple[int, int, float, int]:
    """(claims, bytes, seconds without making rows up, kB of memory at most)"""
    first, count, private, certificate = given
    key = load_der_private_key(private, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    size, spent = 0, 0.0
    for n in range(first, first + count):
        claim = visit(n)
        began = time.process_time()
        assert not [f for f in check(claim, DAY) if f.level == "stop"]
        data = sign(write(claim, DAY), key, certificate)
        if n % 50 == 0:  # what went out is read back and verified
            assert read(data).claims[0] == claim and verify(data, [certificate], NOW) is not None
        spent += time.process_time() - began
        size += len(data)
    return count, size, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def fill(url: str, people: int) -> None:
    engine = await Engine.open(url)
    house, manner = Store(engine, system("bench")), Manner(references="trust", checked=True, summarise=True)
    drugs = [r for r in catalogues.resources() if r["resourceType"] in ("Medication", "ActivityDefinition")]
    await house.commit([Update(r) for r in [*facilities.resources(), *prices.resources(), *drugs]], manner)
    day = population.demo_day(clock.now())
    for n in range(people):
        life = population.person(n, 20261123, day)
        await house.commit([Update(r) for r in [*life, *charging(life, day)]], manner)
    await engine.close()


def from_record(given: tuple[str, int, float, bytes, bytes]) -> tuple[int, int, float, int]:
    return asyncio.run(_from_record(*given))


async def _from_record(url: str, part: int, seconds: float, private: bytes, certificate: bytes) -> tuple[int, int, float, int]:
    """As `work`, for so many seconds; several visits at a time, as one waits for the database."""
    key = load_der_private_key(private, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    engine = await Engine.open(url)
    store = making.house(engine)
    visits = await reactions.missing(store, clock.now() - timedelta(days=40))
    done, size, until, today = 0, 0, time.perf_counter() + seconds, clock.local(clock.now()).date()
    turn = itertools.cycle(visits[part:] + visits[:part])

    async def one_after_the_other() -> None:
        nonlocal done, size
        while time.perf_counter() < until:
            claim = await reactions.composed(store, next(turn))
            assert not [f for f in check(claim, today) if f.level == "stop"]
            size += len(sign(write(claim, today), key, certificate))
            done += 1

    began = time.process_time()
    await asyncio.gather(*(one_after_the_other() for _ in range(4)))
    spent = time.process_time() - began
    await engine.close()
    return done, size, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def record(people: int, seconds: float, processes: int, private: bytes, certificate: bytes) -> None:
    with place() as here:
        asyncio.run(fill(here.app, people))
        before = _busy(here)
        began = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            done = pool.map(from_record, [(here.app, n, seconds, private, certificate) for n in range(processes)], 1)
        wall, database = time.perf_counter() - began, _busy(here) - before
    claims = sum(d[0] for d in done)
    spent = 1000 * sum(d[2] for d in done) / claims
    size, memory = sum(d[1] for d in done) / claims / 1000, max(d[3] for d in done) >> 10
    print(f"from the record: {claims:,} claims of {size:.0f} kB in {wall:.0f} s of {processes} processes")
    print(f"processor a claim: {spent:.1f} ms here, {1000 * database / claims:.1f} ms in the database; memory {memory} MB")
    both = spent + 1000 * database / claims
    print(f"on two cores that nobody else uses: 100,000 in {100_000 * both / 1000 / 2 / 60:.0f} minutes")
    say("record to signed, validated claims", claims / seconds, "a second", BAR)


def _busy(here: Place) -> float:
    """Seconds of processor that the database's processes have used; those that ended meanwhile are counted by their parent."""
    mother = psutil.Process(int(next(here.folder.rglob("postmaster.pid")).read_text().split()[0]))
    times = mother.cpu_times()
    own = times.user + times.system + times.children_user + times.children_system
    return own + sum(sum(c.cpu_times()[:2]) for c in mother.children(recursive=True))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=200, help="of the demo city, for the second part; 0: without")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--claims", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    private, certificate = pair()
    step = max(1, min(250, given.claims // given.processes))
    parts = [(n, min(step, given.claims - n), private, certificate) for n in range(0, given.claims, step)]
    began = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        done = list(pool.imap(work, parts))
    wall = time.perf_counter() - began
    claims, spent = sum(d[0] for d in done), sum(d[2] for d in done)
    half = len(done) // 2 or 1
    first, last = max(d[3] for d in done[:half]) >> 10, max(d[3] for d in done) >> 10
    print(machine())
    print(f"{claims:,} claims, {sum(d[1] for d in done) / claims / 1000:.0f} kB each signed, {given.processes} processes")
    print(f"wall {wall:.0f} s, made-up rows included; the work alone {1000 * spent / claims:.1f} ms of processor a claim")
    print(f"memory of a process: {first} MB in the first half, {last} MB at the end")
    print(f"100,000 claims in {100_000 * wall / claims / 60:.1f} minutes")
    say("rows to signed, validated claims", claims / wall, "a second", BAR)
    if given.people:
        record(given.people, given.seconds, given.processes, private, certificate)


if __name__ == "__main__":
    main()
