"""What is wrong with a StructureDefinition itself."""

from __future__ import annotations

from ...base.errors import Invalid, Issue

LONGEST = 600
"""Characters of what is said: paths and names come from outside."""


class Unusable(Invalid):
    """A StructureDefinition that nothing can be validated against; `expression` is the place in it. `missing` names a definition
    that has to be loaded first: then it is not the definition's own fault."""

    status = 422
    code = "structure"

    def __init__(self, text: str, expression: str = "StructureDefinition", *, code: str = "structure", missing: str = ""):
        text = text if len(text) <= LONGEST else text[:LONGEST] + "..."
        super().__init__(text, issues=[Issue("error", code, text, expression)], code=code)
        self.missing = missing
