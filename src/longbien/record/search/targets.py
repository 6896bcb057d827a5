"""What a resource points to through one of its reference parameters."""

from __future__ import annotations

from typing import Any

from longbien.fhir.extract import extractor

from . import registry
from .params.reference import target
from .slots import references


def references_of(resource: dict[str, Any], code: str) -> list[str]:
    """'Type/id' or urls, in the resource's order; code '*' for every reference parameter."""
    type_ = resource["resourceType"]
    wanted = references(type_) if code == "*" else (code,)
    values = extractor(type_)(resource)
    own = registry.extractor(type_)
    if own is not None:
        values = [*values, *own(resource)]
        wanted = (*wanted, *(o.param.code for o in registry.current.of(type_) if code == "*" and o.param.kind == "reference"))
    found = [target(value) for c, value, _ in values if c in wanted]
    return list(dict.fromkeys(t for t in found if t))
