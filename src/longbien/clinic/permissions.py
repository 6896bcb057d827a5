"""Who may do what in the clinic."""

from __future__ import annotations

from ..access.roles import Permission

VISIT = Permission("visit", "Write and sign outpatient visits, prescriptions and their papers", frozenset({"doctor", "head"}))
CLINIC = Permission("clinic", "See the outpatients of the day and call the next", frozenset({"doctor", "head", "nurse"}))
PRINT = Permission("visit-print", "Print the papers of a visit", frozenset({"doctor", "head", "nurse", "records"}))

PERMISSIONS = {p.code: p.title for p in (VISIT, CLINIC, PRINT)}
