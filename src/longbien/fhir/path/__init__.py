"""FHIRPath (N1, http://hl7.org/fhirpath/N1/) with R4's additions, over plain dicts. Pure: no I/O, the input never
changes.

    given = compile("Patient.name.where(use = 'official').given")
    given(patient, {})                                  # -> ["Văn", "An"]

`compile(expression, root_type=None)` -> function (value, env) -> list of plain JSON values (dates as text, computed
quantities as {"value", "unit"}). PathError at once for a wrong expression, later for an input that it cannot be
evaluated on; nothing else is raised. `root_type` names the type of the value where that is not a resource that names
itself: "Quantity", "Observation.component", "code". A value may also be a `Node(value, type, sibling)`: so a
primitive comes with its `_name` sibling.

`env` (a mapping, may be empty; nothing in it is changed):
    resource, rootResource, context, anything    %resource ..., as JSON; by default the value itself
    resolve       (reference text) -> resource dict | None, asked by resolve() after contained ones and `bundle`
    bundle        a Bundle, whose entries resolve() finds by fullUrl
    memberOf, conformsTo, subsumes, subsumedBy   (JSON value, url) -> bool | None; true where absent
    now           an aware datetime for now() and today(); by default the clock
    trace         (name, items) -> None
    budget        [steps left]: counted down by where(), select() and the like; PathError below 0. No bound where absent

`holds(expression, root_type)` -> function (value, env) -> bool, for invariants. `items_of(...)` gives Nodes with
types."""

from .closures import compile, holds, items_of, outward
from .errors import PathError
from .values import Node

__all__ = ["Node", "PathError", "compile", "holds", "items_of", "outward"]
