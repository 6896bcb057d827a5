"""Rules that the standard says in words rather than as invariants: `PROSE["Type"]` or `PROSE["Type.path"]` is run on every
value of that type or element, after its structure. It sees whatever came: a wrong shape has been reported already, and a
check that trips over it is passed by."""

from __future__ import annotations

from . import attachments, conformance, questionnaires, references, terminology, vitals
from .check import Check

PROSE: dict[str, Check] = {
    **attachments.PROSE,
    **conformance.PROSE,
    **questionnaires.PROSE,
    **references.PROSE,
    **terminology.PROSE,
    **vitals.PROSE,
}

__all__ = ["PROSE", "Check"]
