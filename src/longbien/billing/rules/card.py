"""The card of billing's rules."""

from __future__ import annotations

from ..card import Part

CARD = Part()
