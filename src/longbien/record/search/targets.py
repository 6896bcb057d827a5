"""What a resource points to through one of its reference parameters."""

from __future__ import annotations

from typing import Any

from longbien.fhir.extract import extractor

from .params.reference import target
from .slots import references


def references_of(resource: dict[str, Any], code: str) -> list[str]:
    """'Type/id' or urls, in the resource's order; code '*' for every reference parameter."""
    type_ = resource["resourceType"]
    wanted = references(type_) if code == "*" else (code,)
    found = [target(value) for c, value, _ in extractor(type_)(resource) if c in wanted]
    return list(dict.fromkeys(t for t in found if t))
