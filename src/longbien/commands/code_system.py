"""longbien code-system: a FHIR CodeSystem out of a table of codes (CSV), to be imported.

A new edition of ICD-10 is loaded so, beside the old one:
    longbien code-system icd10_2026.csv --url ... --version 2026 --name ICD10VN > icd10.json && longbien import icd10.json"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from longbien.base.errors import Invalid
from longbien.fhir import json, validate

Row = dict[str, str]


class Level(NamedTuple):
    """A column with the code of something above, and the column with its name."""

    code: str
    display: str


class Table(NamedTuple):
    """Which column is what. designations: (language, column). properties: (name, column). strip: characters that are no part of a
    code (the printed † and *); they become the property 'mark'."""

    code: str
    display: str
    parent: str | None
    levels: tuple[Level, ...]
    designations: tuple[tuple[str, str], ...]
    properties: tuple[tuple[str, str], ...]
    strip: str


def arguments(parser: argparse.ArgumentParser) -> None:
    def many(name: str, metavar: str, help: str) -> None:
        parser.add_argument(name, action="append", default=[], metavar=metavar, help=help)

    parser.add_argument("table", type=Path, metavar="FILE.csv", help="UTF-8, comma separated, names of columns in the first line")
    parser.add_argument("--url", required=True, help="the code system's address, the same for every edition")
    parser.add_argument("--version", required=True, help="the edition")
    parser.add_argument("--name", required=True, help="a name for machines, e.g. ICD10VN")
    parser.add_argument("--title", help="a name for people")
    parser.add_argument("--id", help="the resource's id (from url and version)")
    parser.add_argument("--language", default="vi", help="of the display (vi)")
    parser.add_argument("--status", default="active", choices=("draft", "active", "retired"), help="(active)")
    parser.add_argument("--fragment", action="store_true", help="the table is only a part of the code system")
    parser.add_argument("--code", default="code", metavar="COLUMN", help="(code)")
    parser.add_argument("--display", default="display", metavar="COLUMN", help="(display)")
    parser.add_argument("--parent", metavar="COLUMN", help="the code above; or with --level what is above is in the same line")
    many("--level", "COLUMN=COLUMN", "code and name of something above, from the highest down; may be repeated")
    many("--designation", "LANGUAGE=COLUMN", "the name in another language; may be repeated")
    many("--property", "NAME=COLUMN", "a fact about the code; may be repeated")
    parser.add_argument("--strip", default="", metavar="CHARACTERS", help="marks that are no part of a code, e.g. †*")


def run(args: argparse.Namespace) -> int:
    table = Table(
        args.code, args.display, args.parent, tuple(Level(*p) for p in _pairs(args.level)), _pairs(args.designation),
        _pairs(args.property), args.strip,
    )  # fmt: skip
    made = code_system(table, list(_rows(args.table, table)), args)
    wrong = [i for i in validate.validate(made) if i.severity in ("error", "fatal")]
    if wrong:
        raise Invalid(f"The code system would not be valid: {wrong[0].text} ({wrong[0].expression})")
    sys.stdout.buffer.write(json.dumps(made) + b"\n")
    return 0


def _pairs(given: list[str]) -> tuple[tuple[str, str], ...]:
    found = [tuple(g.split("=", 1)) for g in given]
    if any(len(p) != 2 or not all(p) for p in found):
        raise Invalid("--level, --designation and --property take two names with '=' between them")
    return tuple((a, b) for a, b in found)


def _rows(path: Path, table: Table) -> Iterator[Row]:
    if not path.is_file():
        raise Invalid(f"There is no {path}")
    named = [table.code, table.display, *([table.parent] if table.parent else []), *(c for level in table.levels for c in level)]
    named += [c for _, c in (*table.designations, *table.properties)]
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            reader = csv.DictReader(f)
            missing = sorted(set(named) - set(reader.fieldnames or ()))
            if missing:
                raise Invalid(f"{path.name} has no column {', '.join(missing)}; it has {', '.join(reader.fieldnames or ())}")
            yield from ({k: (v or "").strip() for k, v in row.items() if isinstance(k, str)} for row in reader)
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise Invalid(f"{path.name} cannot be read as CSV in UTF-8: {wrong}") from None


def code_system(table: Table, rows: list[Row], said: argparse.Namespace) -> dict[str, Any]:
    """The resource. A code that stands twice in the same words is taken once. Raises Invalid for two that differ, and for none."""
    concepts: dict[str, dict[str, Any]] = {}
    for line, row in enumerate(rows, 2):
        for concept in _concepts(table, row):
            there = concepts.setdefault(concept["code"], concept)
            if there["display"] != concept["display"] and concept.get("property") == there.get("property"):
                raise Invalid(f"Line {line}: {concept['code']} is called {concept['display']!r}, and {there['display']!r} before")
    if not concepts:
        raise Invalid("The table holds no codes")
    names = sorted({p["code"] for c in concepts.values() for p in c.get("property", ())} - {"parent"})
    return {
        "resourceType": "CodeSystem",
        "id": said.id or _id(said.url, said.version),
        "language": said.language,
        "url": said.url,
        "version": said.version,
        "name": said.name,
        "title": said.title or said.name,
        "status": said.status,
        "caseSensitive": True,
        "hierarchyMeaning": "is-a",
        "content": "fragment" if said.fragment else "complete",
        "count": len(concepts),
        "property": [
            {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"},
            *({"code": n, "type": "string"} for n in names),
        ],
        "concept": list(concepts.values()),
    }


def _id(url: str, version: str) -> str:
    text = f"{url.rstrip('/').rpartition('/')[2]}-{version}"
    return "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" for c in text)[:64].lower()


def _concepts(table: Table, row: Row) -> Iterator[dict[str, Any]]:
    """What is above, from the highest down, then the code itself."""
    code = _bare(row[table.code], table.strip)
    if not code:
        return
    parent = None
    for level in table.levels:
        above = _bare(row[level.code], table.strip)
        if not above or above == code:
            continue
        yield _concept(above, row[level.display], parent)
        parent = above
    facts = [(name, row[column]) for name, column in table.properties]
    facts.append(("mark", "".join(c for c in row[table.code] if c in table.strip)))
    own = _concept(code, row[table.display], row[table.parent] if table.parent else parent, facts)
    names = [{"language": language, "value": row[column]} for language, column in table.designations if row[column]]
    yield own | ({"designation": names} if names else {})


def _bare(code: str, strip: str) -> str:
    return "".join(c for c in code if c not in strip).strip()


def _concept(code: str, display: str, parent: str | None, facts: list[tuple[str, str]] | None = None) -> dict[str, Any]:
    properties: list[dict[str, Any]] = [{"code": "parent", "valueCode": parent}] if parent else []
    properties += [{"code": name, "valueString": value} for name, value in facts or () if value]
    return {"code": code, "display": display or code, **({"property": properties} if properties else {})}
