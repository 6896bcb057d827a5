"""Operations: GET or POST [base]/[type]/[id]/$name - http://hl7.org/fhir/R4/operations.html

One operation, one file in this folder, with its definition's address on top; TABLE is the list that routing and the
CapabilityStatement read."""

from __future__ import annotations

from . import (
    bulk_import,
    document,
    everything,
    expand,
    export,
    lastn,
    lookup,
    match,
    meta,
    status,
    subscription,
    subsumes,
    summary,
    translate,
    validate,
    validate_code,
)
from .operation import Operation

TABLE: tuple[Operation, ...] = (
    *document.OPERATIONS,
    *bulk_import.OPERATIONS,
    *everything.OPERATIONS,
    *expand.OPERATIONS,
    *export.OPERATIONS,
    *lastn.OPERATIONS,
    *lookup.OPERATIONS,
    *match.OPERATIONS,
    *meta.OPERATIONS,
    *status.OPERATIONS,
    *subscription.OPERATIONS,
    *subsumes.OPERATIONS,
    *summary.OPERATIONS,
    *translate.OPERATIONS,
    *validate.OPERATIONS,
    *validate_code.OPERATIONS,
)

_BY_NAME: dict[str, tuple[Operation, ...]] = {}
for _one in TABLE:
    _BY_NAME[_one.name] = (*_BY_NAME.get(_one.name, ()), _one)


def find(name: str, type: str | None, instance: bool) -> Operation | None:
    """The operation of this name (without '$') at this level: the system (type None), a type, or one of its instances."""
    return next((o for o in _BY_NAME.get(name, ()) if o.stands_at(type, instance)), None)
