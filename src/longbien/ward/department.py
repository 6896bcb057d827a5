"""The card of ward."""

from __future__ import annotations

from longbien.base.department import Department, Nav, Tab, when
from longbien.base.words import mark
from longbien.record.change import both

from . import beds, drugs, reactions, routes, stays
from .death_guard import nothing_after_death
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
        "Encounter": both(beds.one_patient_each, nothing_after_death),
        "Location": beds.beds_only,
        "MedicationAdministration": drugs.once_only,
        "ServiceRequest": nothing_after_death,
        "MedicationRequest": nothing_after_death,
        "Appointment": both(stays.GUARDS["Appointment"], nothing_after_death),
    },
)
