"""The card of ward."""

from __future__ import annotations

from longbien.base.department import Department, Nav, Tab, when
from longbien.base.words import mark

from . import beds, drugs, reactions, routes, stays
from .pages import at
from .second import WardSettings

WARD = Department(
    name="ward",
    title=mark("Ward"),
    routes=[
        *routes.ROUTES,
        *stays.ROUTES,
    ],
    nav=[
        Nav("/ward", mark("Ward"), at.WARD, "ward"),
        *stays.NAV,
    ],
    tabs=[Tab("stay", "stay", mark("Stay"))],
    panels=[
        *stays.PANELS,
    ],
    settings=WardSettings,
    permissions={
        **{p.code: p.title for p in at.PERMISSIONS},
        **stays.PERMISSIONS,
    },
    reactions=[when(reactions.QUERY, reactions.first_task)],
    guards={
        "Encounter": beds.one_patient_each,
        "Location": beds.beds_only,
        "MedicationAdministration": drugs.once_only,
        **stays.GUARDS,
    },
)
