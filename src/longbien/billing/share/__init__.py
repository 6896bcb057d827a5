"""Who pays what: the insurer's share by dated parameters. Pure.

judge(visit, lines) -> Bill              every line's share, what the patient pays, and why
decide(visit) -> (code, why)             MA_DOITUONG_KCB of decision 3276
told(why, words) -> list of sentences    in the reader's language
"""

from __future__ import annotations

from .judge import judge
from .objects import decide
from .why import told

__all__ = ["decide", "judge", "told"]
