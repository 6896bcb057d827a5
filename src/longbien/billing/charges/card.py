"""The card of billing's charges."""

from __future__ import annotations

from ..card import Part

CARD = Part()
