"""What can go wrong with a FHIRPath expression."""

from __future__ import annotations

from longbien.base.errors import Invalid


class PathError(Invalid):
    """The expression is wrong (syntax, unknown function, wrong number of arguments), or cannot be evaluated on this
    input (several items where one is needed, text compared with a number). The only exception that
    `longbien.fhir.path` raises."""
