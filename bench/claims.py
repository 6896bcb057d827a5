"""A month's claims turned from rows into signed, validated XML: claims a second on so many processes, memory from first to last,
and how that stands to the bar (100,000 in 30 minutes on 2 cores). Rows are of realistic size: five visits of six out-patients
(4 drugs, 5 services), one a stay of six days (25 drugs, 40 services, notes). Composing the rows from the record is not in it."""

from __future__ import annotations

import argparse
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

from claim_rows import DAY, a_claim
from longbien.wire.claims_xml import Claim, check, read, write
from longbien.wire.claims_xml.signature import sign, verify
from place import machine, say

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


def main() -> None:
    parser = argparse.ArgumentParser()
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


if __name__ == "__main__":
    main()
