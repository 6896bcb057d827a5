"""Content that stands in a resource (Binary, Attachment) is what it says it is, or is not kept: a program that calls itself a
picture would be opened as one by somebody. Engine.guards of the types that hold any."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from longbien.base.errors import Invalid, Issue
from longbien.record.change import Guarded
from longbien.wire import media

TYPES = ("Binary", "DocumentReference", "Media", "DiagnosticReport", "Patient", "Person", "Practitioner", "RelatedPerson",
         "Communication", "CommunicationRequest", "Contract", "Observation", "QuestionnaireResponse")  # fmt: skip
_LETTERS = -(-media.NEEDED // 3) * 4


async def guard(engine: Any, scope: Any, change: Guarded, connection: Any) -> dict[str, Any] | None:
    """Raises Invalid (422) naming the element."""
    resource = change.resource
    if resource is None:
        return None
    wrong = [Issue("error", "value", f"The content {said}.", place) for place, said in _faults(resource, change.type)]
    if wrong:
        raise Invalid(wrong[0].text, issues=wrong, status=422)
    return resource


def _faults(element: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(element, list):
        for n, each in enumerate(element):
            yield from _faults(each, f"{place}[{n}]")
        return
    if not isinstance(element, dict):
        return
    kind, data = element.get("contentType"), element.get("data")
    if isinstance(kind, str) and isinstance(data, str) and (said := media.contradicts(kind, _beginning(data))):
        yield f"{place}.data", said
    for name, value in element.items():
        if isinstance(value, dict | list):
            yield from _faults(value, f"{place}.{name}")


def _beginning(data: str) -> bytes:
    """The first bytes of base64, which may hold white space. What is no base64 is the validator's matter."""
    letters = "".join(data[: 2 * _LETTERS].split())[:_LETTERS]
    try:
        return base64.b64decode(letters[: len(letters) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""
