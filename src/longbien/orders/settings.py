"""What a hospital decides of ordering."""

from __future__ import annotations

from ..access.actor import Actor
from ..base.config import Settings, setting
from .kinds import OFFERED
from .permissions import ORDER

CARE = ("diet", "nursing")
"""Kinds that nurses may order by themselves: nursing care, nutrition with it, is theirs to plan within the levels of care (circular
31/2021/TT-BYT on nursing in hospitals)."""


class OrderSettings(Settings):
    nurses: str = setting(
        "LONGBIEN_NURSES_ORDER",
        "diet,nursing",
        "What nurses may order by themselves: diet, nursing, or both with a comma between; none: doctors order everything.",
    )


def may_order(actor: Actor, kind: str) -> bool:
    """Doctors also what a set brings along and the box does not offer (a bed day)."""
    return actor.may(ORDER) or kind in kinds(actor)


def kinds(actor: Actor) -> tuple[str, ...]:
    """The kinds that this person may order; () for nobody's."""
    if actor.may(ORDER):
        return OFFERED
    asked = {k.strip() for k in OrderSettings.read().nurses.split(",")}
    return tuple(k for k in CARE if k in asked)
