"""The card of billing's axis."""

from __future__ import annotations

from ..card import Part

CARD = Part()
