"""Where imported data comes from: files and folders, plain or packed, cut into units of work without reading them whole."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import zstandard

from longbien.base.errors import Invalid

PACKED = {".gz": gzip.open, ".xz": lzma.open, ".zst": zstandard.open}
LINES = (".ndjson", ".jsonl")
UNIT_BYTES = 256 * 1024
UNIT_LINES = 500
LARGEST = 512 * 1024 * 1024
"""One line or one plain .json file may not be larger: it is parsed whole."""


class Unit(NamedTuple):
    """Some whole lines of a source. `number` counts units from 0, `line` the first line from 1, `position` the bytes of the
    file (as it lies, packed) read so far."""

    number: int
    line: int
    lines: list[bytes]
    position: int


@dataclass(frozen=True)
class Source:
    path: Path
    size: int

    @property
    def is_lines(self) -> bool:
        name = self.path.name.lower()
        for ending in PACKED:
            name = name.removesuffix(ending)
        return name.endswith(LINES)

    def fingerprint(self) -> str:
        """Of name, size, first and last 64 kB: the same file again, wherever it lies."""
        h = hashlib.sha256(f"{self.path.name}|{self.size}|".encode())
        with self.path.open("rb") as f:
            h.update(f.read(65536))
            f.seek(max(0, self.size - 65536))
            h.update(f.read())
        return h.hexdigest()


def sources(paths: list[Path]) -> list[Source]:
    """Every importable file under `paths`, in order of name. Raises Invalid for a path that is not there or holds nothing."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and _importable(p))
            if not inside:
                raise Invalid(f"{path} holds no .json or .ndjson file (plain, .gz, .xz or .zst).")
            found += inside
        elif path.is_file():
            if not _importable(path):
                raise Invalid(f"{path} is not a .json or .ndjson file (plain, .gz, .xz or .zst).")
            found.append(path)
        else:
            raise Invalid(f"{path} does not exist.")
    return [Source(p, p.stat().st_size) for p in dict.fromkeys(found)]


def _importable(path: Path) -> bool:
    name = path.name.lower()
    for ending in PACKED:
        name = name.removesuffix(ending)
    return name.endswith((".json", *LINES))


def units(source: Source) -> Iterator[Unit]:
    """The source's units in order. Raises Invalid when the file is damaged or ends in the middle of its packing."""
    with source.path.open("rb") as raw:
        unpack = PACKED.get(source.path.suffix.lower())
        stream: IO[bytes] = unpack(raw, "rb") if unpack else raw  # type: ignore[operator]
        line = 0
        try:
            for number, lines in enumerate(_batches(stream) if source.is_lines else [_whole(stream)]):
                yield Unit(number, line + 1, lines, raw.tell())
                line += len(lines)
        except (lzma.LZMAError, gzip.BadGzipFile, zstandard.ZstdError, EOFError) as why:
            raise Invalid(f"{source.path} is damaged after line {line}: {why}.", code="incomplete") from why


def _whole(stream: IO[bytes]) -> list[bytes]:
    content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Invalid(
            f"A single JSON file may not be larger than {LARGEST >> 20} MB: make it NDJSON, one resource or bundle a line."
        )
    return [content]


def _batches(stream: IO[bytes]) -> Iterator[list[bytes]]:
    """Lines in batches of about UNIT_BYTES; empty lines stay, so that line numbers are true."""
    buffered: IO[bytes] = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream, 1 << 20)  # type: ignore[type-var]
    batch: list[bytes] = []
    size = 0
    while line := buffered.readline(LARGEST + 1):
        if len(line) > LARGEST:
            raise Invalid(f"A line is longer than {LARGEST >> 20} MB.")
        batch.append(line)
        size += len(line)
        if size >= UNIT_BYTES or len(batch) >= UNIT_LINES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
