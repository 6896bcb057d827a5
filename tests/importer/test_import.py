"""Import of files into a real database: counted, resumable, idempotent, nothing lost silently."""

from __future__ import annotations

import asyncio
import gzip
import json
import lzma
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import zstandard

from longbien.base.errors import Invalid
from longbien.importer.run import Import, Summary
from longbien.importer.source import Source, sources, units
from longbien.importer.unit import read
from longbien.record.scope import system


def patient(n: int, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": f"p{n}", "name": [{"text": f"Nguyễn Văn {n}"}], **more}


def observation(n: int, of: str) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]}
    return {"resourceType": "Observation", "id": f"o{n}", "status": "final", "code": code, "subject": {"reference": of}}


def lines(resources: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(r, ensure_ascii=False).encode() + b"\n" for r in resources)


def run(urls: tuple[str, str], folder: Path, *paths: Path, workers: int = 1) -> Summary:
    return Import(urls[1], system("test"), folder / "rejects", workers=workers).run(list(paths))


def rows(urls: tuple[str, str], sql: str, *args: Any) -> list[asyncpg.Record]:
    async def ask() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(urls[0])
        try:
            return list(await connection.fetch(sql, *args))
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_every_packing_gives_the_same_lines(tmp_path: Path) -> None:
    data = lines([patient(n) for n in range(1200)])
    (tmp_path / "a.ndjson").write_bytes(data)
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(data))
    (tmp_path / "c.ndjson.xz").write_bytes(lzma.compress(data))
    (tmp_path / "d.ndjson.zst").write_bytes(zstandard.compress(data))
    for source in sources([tmp_path]):
        parts = list(units(source))
        assert b"".join(line for u in parts for line in u.lines) == data
        assert [u.number for u in parts] == [0, 1, 2]
        assert parts[1].line == 501


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    packed = lzma.compress(lines([patient(n) for n in range(2000)]))
    path = tmp_path / "cut.ndjson.xz"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(Invalid, match=r"cut\.ndjson\.xz is damaged after line"):
        list(units(Source(path, path.stat().st_size)))


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="does not exist"):
        sources([tmp_path / "none"])
    with pytest.raises(Invalid, match="holds no"):
        sources([tmp_path])


def test_a_transaction_keeps_its_ids_and_links() -> None:
    a, b = "urn:uuid:6f0bd92e-0d3a-4f4b-8b6f-2f3b1a3f0001", "urn:uuid:6f0bd92e-0d3a-4f4b-8b6f-2f3b1a3f0002"
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": a, "resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
            {"fullUrl": b, "resource": observation(1, a) | {"id": b[9:]}, "request": {"method": "POST", "url": "Observation"}},
        ],
    }
    groups, rejects = read(1, [json.dumps(bundle).encode()])
    assert not rejects
    p, o = (c.resource for c in groups[0].changes)  # type: ignore[union-attr]
    assert p["id"] == a[9:]
    assert o["subject"]["reference"] == f"Patient/{p['id']}"


def test_one_bad_entry_refuses_its_transaction_but_not_its_neighbours() -> None:
    bad = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": "urn:uuid:x", "resource": patient(1), "request": {"method": "PUT", "url": "Patient/p1"}},
            {"fullUrl": "urn:uuid:y", "resource": patient(2, gender="?"), "request": {"method": "PUT", "url": "Patient/p2"}},
        ],
    }
    groups, rejects = read(7, [json.dumps(bad).encode(), json.dumps(patient(3)).encode(), b"{broken\n"])
    assert [len(g.changes) for g in groups] == [1]
    assert {r.line for r in rejects} == {7, 9}
    assert len(rejects) == 3, "the bad entry, its good neighbour, the broken line"


def test_import_counts_keeps_and_repeats(record_urls: tuple[str, str], tmp_path: Path) -> None:
    good = [patient(n) for n in range(300)] + [observation(n, f"Patient/p{n}") for n in range(700)]
    path = tmp_path / "in.ndjson"
    path.write_bytes(lines(good) + b'{"resourceType": "Patient", "id": "bad", "gender": "?"}\nnot json\n')
    first = run(record_urls, tmp_path, path)
    assert (first.accepted, first.unchanged, first.rejected) == (1000, 0, 2)
    assert first.rejects
    told = [json.loads(line) for line in first.rejects.read_text().splitlines()]
    assert [t["line"] for t in told] == [1001, 1002]
    assert "gender" in told[0]["reasons"][0]["expression"]
    assert (first.rejects.stat().st_mode & 0o777) == 0o600
    again = run(record_urls, tmp_path, path)
    assert (again.accepted, again.unchanged, again.rejected) == (0, 1000, 2)
    found = rows(record_urls, "SELECT count(*), max(ver) FROM ver")
    assert tuple(found[0]) == (1000, 1)
    orphans = rows(record_urls, "SELECT count(*) FROM head WHERE pat IS NULL")
    assert orphans[0][0] == 0
    audited = rows(record_urls, "SELECT sum(n) FROM audit WHERE action = 'C'")
    assert audited[0][0] == 1000


def test_a_killed_import_goes_on_where_it_was(record_urls: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "long.ndjson"
    path.write_bytes(lines([patient(10_000 + n) for n in range(20_000)]))
    program = (
        "import sys; from pathlib import Path; from longbien.importer import run; from longbien.record.scope import system\n"
        "if __name__ == '__main__':\n"
        "    run.MARK_EVERY = 0.2\n"
        "    s = run.Import(sys.argv[1], system('test'), Path(sys.argv[2]), workers=1).run([Path(sys.argv[3])])\n"
        "    print(s.accepted, s.unchanged, s.rejected, len(s.resumed))\n"
    )
    script = tmp_path / "go.py"
    script.write_text(program)
    command = [sys.executable, str(script), record_urls[1], str(tmp_path), str(path)]
    one = subprocess.Popen(command, start_new_session=True)
    for _ in range(600):
        time.sleep(0.1)
        done = rows(record_urls, "SELECT done FROM import_source WHERE path = 'long.ndjson'")
        if done and done[0][0] >= 2:
            break
    os.killpg(one.pid, signal.SIGKILL)
    one.wait()
    assert done[0][0] >= 2, "it was killed before it had done anything"
    two = subprocess.run(command, capture_output=True, text=True, timeout=240)
    accepted, unchanged, rejected, resumed = map(int, two.stdout.split())
    assert (accepted + unchanged, rejected, resumed) == (20_000, 0, 1)
    found = rows(record_urls, "SELECT count(*), max(ver) FROM head WHERE id LIKE 'p1____' OR id LIKE 'p2____'")
    assert tuple(found[0]) == (20_000, 1)


def test_profiles_are_held_to_by_every_process_of_an_import(record_urls: tuple[str, str], tmp_path: Path) -> None:
    """A definition that the import itself brings counts from then on; a base that comes later is waited for."""
    x = "http://hanoi.example/fhir/StructureDefinition/"
    born = {
        "resourceType": "StructureDefinition", "id": "born", "url": x + "born", "name": "Born", "status": "active",
        "kind": "resource", "abstract": False, "type": "Patient", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}]},
    }  # fmt: skip
    named = {"meta": {"profile": [x + "born"]}}
    before = [patient(9000, **named)]
    (tmp_path / "a.ndjson").write_bytes(lines(before))
    (tmp_path / "b.ndjson").write_bytes(lines([born]))
    people = [patient(9001 + n, **named, **({} if n % 100 == 7 else {"birthDate": "1999"})) for n in range(1500)]
    (tmp_path / "c.ndjson").write_bytes(lines(people))
    summary = run(record_urls, tmp_path, tmp_path / "a.ndjson", tmp_path / "b.ndjson", tmp_path / "c.ndjson", workers=2)
    assert (summary.accepted, summary.rejected) == (2 + 1485, 15)
    assert summary.rejects is not None
    refused = [json.loads(line) for line in summary.rejects.read_text("utf-8").splitlines()]
    assert {r["resource"]["id"] for r in refused} == {f"p{9008 + 100 * n}" for n in range(15)}
    assert {r["reasons"][0]["text"] for r in refused} == {"birthDate is required"}
