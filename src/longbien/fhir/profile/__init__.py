"""Profiles: StructureDefinitions that constrain R4, compiled to functions that check resources against them.

    library = Library(find, codes_of)         # beside R4's own: find(url) -> StructureDefinition | None
    judge(resource, library) -> [Issue ...]   # by meta.profile, and its extensions by their definitions
    check_definition(sd, library)             # raises Unusable where nothing could be validated against it
    snapshot(sd, library) -> [ElementDefinition ...]

Pure; never raises on a bad resource; bounded (elements, steps, depth). What is not judged: docs/validator.md.

https://hl7.org/fhir/R4/profiling.html"""

from __future__ import annotations

from .faults import Unusable
from .judge import Unknown, claims, judge
from .library import Library, check_definition, snapshot

__all__ = ["Library", "Unknown", "Unusable", "check_definition", "claims", "judge", "snapshot"]
