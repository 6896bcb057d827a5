"""What the house calls the codes of a claim: the catalogue's own coding beside the sent one, where the two are the same code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from longbien.fhir import json
from longbien.record.engine import Engine
from longbien.record.life import named

from .shape import Resource, Row

KINDS = ("drug", "lab", "imaging", "procedure", "consult", "service")
ASKED = {"MA_THUOC": ("drug",), "MA_CHI_SO": ("lab", "imaging"), "MA_DICH_VU": ("lab", "imaging", "procedure", "service")}
SERVICES = frozenset(("procedure", "consult", "service"))


def definition_id(kind: str, code: str) -> str:
    """The id of the catalogue's definition (docs/house.md, orders)."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c == ".") else "-" for c in code)
    return f"cd-{kind}-{safe}".lower()[:64]


async def known(engine: Engine, claims: Iterable[Mapping[str, Sequence[Row]]]) -> dict[tuple[str, str], Resource]:
    """(kind, code) -> CodeableConcept of every code of these claims that the catalogue has. About no patient."""
    asked: dict[str, tuple[str, str]] = {}
    for claim in claims:
        for rows in claim.values():
            for row in rows:
                for field, kinds in ASKED.items():
                    if code := row.get(field, "").strip():
                        asked |= {definition_id(kind, code): (kind, code) for kind in kinds}
    found = await named(engine, "ActivityDefinition", list(asked))
    out: dict[tuple[str, str], Resource] = {}
    for id_, body in found.items():
        kind, code = asked[id_]
        concept = json.loads(body, strict=False).get("code") or {}
        if any(c.get("code") == code for c in concept.get("coding") or ()):
            out["service" if kind in SERVICES else kind, code] = concept
    return out
