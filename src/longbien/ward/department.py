"""The card of ward."""

from __future__ import annotations

from longbien.base.department import Department, Nav, Panel
from longbien.base.words import mark

from . import beds, discharge_pages, drugs, routes
from .pages import at

WARD = Department(
    name="ward",
    title=mark("Ward"),
    routes=[
        *routes.ROUTES,
        *discharge_pages.ROUTES,
    ],
    nav=[Nav("/ward", mark("Ward"), at.WARD, "ward")],
    panels=[
        Panel("rail", "ward/discharge-rail.html", discharge_pages.rail),
    ],
    permissions={
        **{p.code: p.title for p in at.PERMISSIONS},
        **discharge_pages.PERMISSIONS,
    },
    guards={
        "Encounter": beds.one_patient_each,
        "Location": beds.beds_only,
        "MedicationAdministration": drugs.once_only,
    },
)
