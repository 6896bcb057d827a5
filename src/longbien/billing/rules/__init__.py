"""Rules of the insurance asked before an order is signed, and again over a closed visit.

audit(store, encounter) -> [Found]       what the rules find in a visit
"""

from __future__ import annotations

from .audit import audit

__all__ = ["audit"]
