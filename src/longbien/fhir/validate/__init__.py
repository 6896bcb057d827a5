"""Is this resource legal FHIR R4? Structure, cardinality, types and formats, choice types, required bindings, reference
targets, contained resources, extensions of the specification, bundle rules and invariants.

Built from the definitions, a type at a time when first met; never raises on bad input. What is not judged, and how it
compares with HL7's own validator: docs/validator.md."""

from __future__ import annotations

from typing import Any

from ...base.errors import Issue
from . import resources
from .context import Context, Enough, Known, nothing, type_name

__all__ = ["validate"]


def validate(
    resource: Any,
    *,
    bundle_rules: bool = True,
    best_practice: bool = False,
    strict: bool = False,
    known: Known = nothing,
    html: bool = True,
) -> list[Issue]:
    """Everything wrong with a resource (a plain dict), in document order; empty when all is well. Errors make it illegal;
    warnings and information do not. At most 500 issues. Linear in the size of the input.

    `bundle_rules` False checks a Bundle's entries but not the rules between them; `best_practice` adds dom-6 (a resource
    should have narrative); `strict` judges as HL7's validator does by default: extensions that R4 does not define (but for
    example.org and those of other FHIR versions) and malformed SNOMED CT identifiers are errors. A record should welcome the
    ones and keep the others with a warning: a life is not refused for one wrong code. `known` says which extensions besides
    have a definition (fhir.profile judges by it). `html` False refuses tags in markdown, which otherwise are text like any
    other."""
    if resource.__class__ is not dict:
        return [Issue("fatal", "structure", f"A resource must be an object, not {type_name(resource)}")]
    context = Context(resource, bundle_rules, best_practice, strict, resources.inner, resources.contained)
    context.known, context.html = known, html
    try:
        resources.resource(resource, None, context)
    except Enough:
        context.issues.append(Issue("error", "too-long", "There are more issues than these"))
    except RecursionError:
        context.issues.append(Issue("fatal", "too-costly", "The resource is nested too deep"))
    return context.issues
