"""The card of billing's money."""

from __future__ import annotations

from ..card import Part

CARD = Part()
