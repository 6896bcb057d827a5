"""The card of billing's axis."""

from __future__ import annotations

from ..card import Part
from .gateway import ROUTES
from .taking import QUEUE, job

CARD = Part(routes=ROUTES, jobs={QUEUE: job})
