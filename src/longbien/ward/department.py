"""The card of ward."""

from __future__ import annotations

from longbien.base.department import Department
from longbien.base.words import mark

from . import stays

WARD = Department(
    name="ward",
    title=mark("Ward"),
    routes=[*stays.ROUTES],
    nav=[*stays.NAV],
    panels=[*stays.PANELS],
    guards={**stays.GUARDS},
    permissions={**stays.PERMISSIONS},
)
