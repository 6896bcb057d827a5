"""What both kinds of patch need: a copy that may be changed, and the rules for what a patch may leave behind."""

from __future__ import annotations

from typing import Any

from .errors import PatchError

_UNTOLD = frozenset({"text", "meta", "id", "implicitRules", "language"})
"""Members of which a narrative tells nothing."""


def copied(value: Any) -> Any:
    """Dicts and lists anew, everything else shared."""
    cls = value.__class__
    if cls is dict:
        return {k: copied(v) for k, v in value.items()}
    if cls is list:
        return [copied(v) for v in value]
    return value


def size(value: Any, most: int) -> int:
    """How many values there are in `value`, counting no further than `most`."""
    count = 0
    waiting = [value]
    while waiting and count <= most:
        one = waiting.pop()
        count += 1
        if one.__class__ is dict:
            waiting += one.values()
        elif one.__class__ is list:
            waiting += one
    return count


def settled(before: dict[str, Any], after: Any) -> dict[str, Any]:
    """The patched resource as it may be stored: still the same one, and with no narrative that tells what is no longer so.

    A narrative made from the data (generated, extensions) that the patch left alone while it changed the data is taken out; one
    with words of its own (additional) cannot be: PatchError, change it in the same patch.
    http://hl7.org/fhir/R4/http.html#patch ("the narrative ... is not clinically unsafe")"""
    if not isinstance(after, dict):
        raise PatchError.unfit("The patch leaves no resource behind.", "")
    for key in ("resourceType", "id"):
        if after.get(key) != before.get(key):
            raise PatchError.unfit(f"A patch cannot change {key}.", f"{before.get('resourceType')}.{key}", "business-rule")
    text = after.get("text")
    if not isinstance(text, dict) or text != before.get("text") or not _data_changed(before, after):
        return after
    if text.get("status") in ("generated", "extensions"):
        return {k: v for k, v in after.items() if k != "text"}
    if text.get("status") == "additional":
        said = "The narrative has words of its own that the patch may have made wrong: change text in the same patch."
        raise PatchError.unfit(said, f"{before.get('resourceType')}.text", "business-rule")
    return after


def _data_changed(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return any(before.get(k) != after.get(k) for k in (before.keys() | after.keys()) - _UNTOLD)
