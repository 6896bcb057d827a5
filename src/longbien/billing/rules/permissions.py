"""Who may see the insurance's rules and what they found."""

from __future__ import annotations

from longbien.access.roles import Permission

RULES = Permission("insurance-rules", "See the insurance's rules, what they found, and settle it", frozenset({"insurance"}))
PERMISSIONS = {RULES.code: RULES.title}
