"""The house's own forms, as data: sheets/*.json (official records, nursing, consent) and the scores. A hospital's own
Questionnaires lie in the record and are found there by id. Reads only its own files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ...base.errors import NotFound
from ...base.ids import FHIR_ID
from ...base.words import mark
from ...fhir import json
from ...record.store import Store
from . import compact, tree
from .score_sheets import sheets as scores
from .tree import Form

FOLDER = Path(__file__).parent / "sheets"
KINDS = (
    ("record", mark("Medical records")),
    ("nursing", mark("Nursing")),
    ("score", mark("Scores and scales")),
    ("consent", mark("Consent to treatment")),
    ("", mark("Other forms")),
)
"""Kinds of forms in the order of the list, and what they stand under."""
ORDER = (
    "record-internal",
    "record-surgery",
    "record-paediatrics",
    "record-obstetrics",
    "record-outpatient",
    "record-rehabilitation",
)
"""What hospitals write most, first."""
PAPERS = {"record": "record", "consent": "consent-form"}
"""Kind -> code of https://longbien.org/fhir/CodeSystem/paper: what becomes a paper when it is signed."""


@cache
def resources() -> Mapping[str, dict[str, Any]]:
    """Every packaged Questionnaire by its id, in the order of the list."""
    first = {name: n for n, name in enumerate(ORDER)}
    files = [json.loads(p.read_bytes()) for p in sorted(FOLDER.glob("*.json"))]
    drawn = [json.loads(json.dumps(s)) for s in scores()]
    own = [*files, *compact.sheets({q["id"]: q for q in files})]
    own.sort(key=lambda q: (first.get(q["id"], 99), _number(q), q["id"]))
    return {q["id"]: q for q in (*own, *drawn)}


def _number(sheet: Mapping[str, Any]) -> str:
    """Of an official form: its number; after all of them what has none."""
    return next((str(i["value"]) for i in sheet.get("identifier") or () if i.get("system") == compact.NUMBER), "~")


@cache
def packaged() -> Mapping[str, Form]:
    return {id_: tree.read(q) for id_, q in resources().items()}


async def find(store: Store, id_: str) -> Form:
    """A form by its id: the house's, else one of the record's own. Raises NotFound, Invalid (it cannot be filled)."""
    known = packaged().get(id_)
    if known is not None:
        return known
    if not FHIR_ID.match(id_):
        raise NotFound("There is no such form.")
    return _read((await store.read("Questionnaire", id_)).body)


@lru_cache(maxsize=64)
def _read(body: bytes) -> Form:
    return tree.read(json.loads(body))


async def of(store: Store, canonical: str) -> Form | None:
    """The form that a response answers, by its canonical; None where it is not known any more."""
    url = canonical.partition("|")[0]
    own = next((f for f in packaged().values() if f.url == url), None)
    if own is not None or not url:
        return own
    found = await store.search("Questionnaire", [("url", url), ("_count", "1")])
    return _read(found.matches[0].body) if found.matches else None
