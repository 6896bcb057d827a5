"""Real data for the store's tests: the standard's own examples, and synthetic lives. Read from the shared folder."""

from __future__ import annotations

import itertools
import lzma
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from longbien.base.ids import FHIR_ID
from longbien.fhir import json
from longbien.record.change import Create, Manner
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.record.types import number

Resource = dict[str, Any]


def examples(shared: Path) -> list[Resource]:
    """The published R4 examples, one of each type and id."""
    found: dict[tuple[str, str], Resource] = {}
    with lzma.open(shared / "data/fhir/r4-examples.ndjson.xz", "rb") as lines:
        for line in lines:
            r = json.loads(line)["resource"]
            if number(r["resourceType"]) and FHIR_ID.match(str(r.get("id", ""))):
                found.setdefault((r["resourceType"], r["id"]), r)
    return list(found.values())


_URN = re.compile(rb'"(urn:uuid:[0-9a-f-]+)"(?=\s*[,}])')


def _literal(types: dict[str, str], m: re.Match[bytes]) -> bytes:
    urn = m[1].decode()
    return f'"{types[urn]}/{urn[9:]}"'.encode() if urn in types else m[0]


def lives(shared: Path, n: int) -> list[Resource]:
    """The resources of `n` synthetic lives, their urn:uuid references made literal."""
    found: dict[tuple[str, str], Resource] = {}
    with lzma.open(shared / "data/patients/synthea-617.ndjson.xz", "rb") as lines:
        for line in itertools.islice(lines, n):
            types = {e["fullUrl"]: e["resource"]["resourceType"] for e in json.loads(line)["entry"]}
            text = _URN.sub(partial(_literal, types), line)
            for entry in json.loads(text)["entry"]:
                r = entry["resource"]
                r["id"] = entry["fullUrl"].rsplit("/", 1)[-1].removeprefix("urn:uuid:")
                found[(r["resourceType"], r["id"])] = r
    return list(found.values())


def batches(resources: list[Resource], size: int) -> Iterator[list[Resource]]:
    for n in range(0, len(resources), size):
        yield resources[n : n + size]


async def load(engine: Engine, resources: list[Resource]) -> None:
    store = Store(engine, system("test"))
    for batch in batches(resources, 1000):
        changes = [Create(r, id=r["id"]) for r in batch]
        await store.commit(changes, Manner(references="trust", checked=True, summarise=True))
