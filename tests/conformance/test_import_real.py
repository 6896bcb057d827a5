"""Real data through the real import: every life and every official example comes back equal, and what is refused is named."""

from __future__ import annotations

import asyncio
import lzma
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longbien.fhir import json as fhir_json
from longbien.fhir import references
from longbien.importer.run import Import
from longbien.importer.unit import read
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.scope import system

AT_FAULT = Path(__file__).parents[2] / "docs" / "validator.md"


async def _kept(url: str, wanted: list[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
    """Bodies as they lie in the record."""
    engine = await Engine.open(url, services=False)
    try:
        sql = """SELECT h.id, h.type, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
                 WHERE h.id = ANY($1::text[]) AND NOT h.deleted"""
        rows = await engine.db.fetch(sql, list({id for _, id in wanted}))
        bodies = await engine.unpack_all([r["body"] for r in rows])
    finally:
        await engine.close()
    found = [fhir_json.loads(b) for b in bodies]
    return {(r["resourceType"], r["id"]): b for r, b in zip(found, bodies, strict=True)}


def equal(kept: bytes, given: dict[str, Any]) -> bool:
    """All but the two members that the store sets. Text against text: 1.10 is not 1.1."""
    there = fhir_json.loads(kept)
    for resource in (there, given := dict(given)):
        meta = {k: v for k, v in resource.pop("meta", {}).items() if k not in ("versionId", "lastUpdated")}
        if meta:
            resource["meta"] = meta
    return _sorted(there) == _sorted(given)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _sorted(v) for k, v in sorted(value.items())}
    if isinstance(value, list):
        return [_sorted(v) for v in value]
    return str(value) if not isinstance(value, bool | None.__class__ | str) else (type(value), value)


@pytest.fixture(scope="module")
def lives(shared: Path) -> Path:
    return shared / "data" / "patients" / "synthea-617.ndjson.xz"


def test_every_life_is_taken_and_comes_back_equal(record_urls: tuple[str, str], lives: Path, tmp_path: Path) -> None:
    summary = Import(record_urls[1], system("test"), tmp_path).run([lives])
    assert summary.rejected == 0
    assert summary.accepted + summary.unchanged > 190_000
    chosen = set(random.Random(7).sample(range(617), 40))
    with lzma.open(lives) as f:
        lines = [line for n, line in enumerate(f) if n in chosen]
    given = {(r["resourceType"], r["id"]): r for line in lines for r in _resources(line)}
    kept = asyncio.run(_kept(record_urls[1], list(given)))
    assert kept.keys() >= given.keys()
    shared_by_lives = ("Organization", "Practitioner", "Location")  # a later life's wording of them is the current one
    different = [k for k, r in given.items() if k[0] not in shared_by_lives and not equal(kept[k], r)]
    assert different == []
    assert len(given) > 5_000


def _resources(line: bytes) -> Iterator[dict[str, Any]]:
    """What a transaction means: each entry under its own id, links to urn:uuid as links to Type/id."""
    entries = fhir_json.loads(line)["entry"]
    names = {e["fullUrl"]: f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in entries}
    for e in entries:
        yield references.rewrite(e["resource"], names)


def test_the_official_examples_come_back_equal(record_urls: tuple[str, str], shared: Path, tmp_path: Path) -> None:
    examples = shared / "data" / "fhir" / "r4-examples.ndjson.xz"
    summary = Import(record_urls[1], system("test"), tmp_path).run([examples])
    told = AT_FAULT.read_text("utf-8")
    refused: set[tuple[str, str]] = set()
    if summary.rejects:
        for line in summary.rejects.read_bytes().splitlines():
            resource = fhir_json.loads(line)["resource"]
            refused.add((resource["resourceType"], resource["id"]))
    with lzma.open(examples) as f:
        given = {}
        for line in f:
            example = fhir_json.loads(line)
            key = (example["resource"]["resourceType"], example["resource"]["id"])
            given[key] = example["resource"]
            if key in refused:
                assert f"| `{example['file']}` |" in told, f"{example['file']} is refused and docs/validator.md does not say why"
    kept = asyncio.run(_kept(record_urls[1], list(given)))
    assert given.keys() - kept.keys() == refused
    assert [k for k, r in given.items() if k in kept and not equal(kept[k], r)] == []
    assert len(refused) < 20


def test_a_batch_of_questions_is_kept_and_a_wrapping_is_unpacked() -> None:
    patient = {"resourceType": "Patient", "id": "p"}
    questions = {
        "resourceType": "Bundle",
        "id": "q",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": "Patient/p"}}],
    }
    wrapping = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": "http://x.vn/Patient/p", "resource": patient}],
    }
    (first, second), rejects = read(1, [fhir_json.dumps(questions), fhir_json.dumps(wrapping)])
    assert rejects == []
    changes = [c for g in (first, second) for c in g.changes if isinstance(c, Update)]
    assert sorted(c.resource["resourceType"] for c in changes) == ["Bundle", "Patient"]
