"""Patches of a resource: JSON Patch and FHIRPath Patch. Pure: the resource given stays as it was.

    changed = json_patch.apply(resource, [{"op": "replace", "path": "/gender", "value": "female"}])
    changed = fhirpath_patch.apply(resource, {"resourceType": "Parameters", "parameter": [...]})

Whether the outcome is a valid resource is for the validator to say, not for a patch."""

from .errors import PatchError
from .shapes import settled

__all__ = ["PatchError", "settled"]
