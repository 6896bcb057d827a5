"""The card of billing's claims."""

from __future__ import annotations

from ..card import Part

CARD = Part()
