"""Questionnaire: what its questions say of each other. https://hl7.org/fhir/R4/questionnaire.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..context import Context, Place, shown
from .check import Check, objects


def item(v: dict[str, Any], place: Place, c: Context) -> None:
    """Whether an item is shown cannot hang on a question inside it: that is asked only when it is shown."""
    inside: set[Any] | None = None
    for when, here in objects(v, "enableWhen", place):
        inside = set(_questions(v)) if inside is None else inside
        if when.get("question") in inside:
            c.error("business-rule", f"It is enabled by the question {shown(when['question'])}, which is inside it", here)


def _questions(v: dict[str, Any]) -> Iterator[str]:
    """The linkIds of all items below this one."""
    stack = [inner for inner, _ in objects(v, "item", None)]
    while stack:
        one = stack.pop()
        if one.get("linkId").__class__ is str:
            yield one["linkId"]
        stack.extend(inner for inner, _ in objects(one, "item", None))


PROSE: dict[str, Check] = {"Questionnaire.item": item}
