"""The card of billing's money."""

from __future__ import annotations

from ..card import Part
from . import bills

CARD = Part(guards={"Invoice": bills.guard})
