"""Who works with claims."""

from __future__ import annotations

from longbien.access.roles import Permission

CLAIMS = Permission("claims", "Look after insurance claims: correct, send, close the month", frozenset({"insurance"}))
EVERY = (CLAIMS,)
