"""The card of ward."""

from __future__ import annotations

from longbien.base.department import Department, Panel
from longbien.base.words import mark

from . import discharge_pages

WARD = Department(
    name="ward",
    title=mark("Ward"),
    routes=discharge_pages.ROUTES,
    panels=[Panel("rail", "ward/discharge-rail.html", discharge_pages.rail)],
    permissions=discharge_pages.PERMISSIONS,
)
