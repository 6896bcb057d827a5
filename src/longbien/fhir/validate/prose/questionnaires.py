"""Questionnaires: what a question may depend on. https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen"""

from __future__ import annotations

from typing import Any

from ..context import Context, Place, shown
from .check import Check, objects


def item(v: dict[str, Any], place: Place, c: Context) -> None:
    """An item cannot wait for the answer to a question inside it: that is not asked before the item is enabled."""
    asked = {w.get("question"): here for w, here in objects(v, "enableWhen", place)}
    stack = [x for x, _ in objects(v, "item", place)] if asked else []
    while stack:
        inner = stack.pop()
        here = asked.get(inner.get("linkId")) if inner.get("linkId").__class__ is str else None
        if here is not None:
            c.error("business-rule", f"enableWhen refers to {shown(inner['linkId'])}, a question inside the item itself", here)
        stack += [x for x, _ in objects(inner, "item", place)]


PROSE: dict[str, Check] = {"Questionnaire.item": item}
