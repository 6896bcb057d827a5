"""What the ends and beginnings of stays bring to the ward's card: discharge, theatre, newborn, death."""

from __future__ import annotations

from longbien.base.department import Nav, Panel
from longbien.base.words import mark

from . import death_pages, discharge_follow, discharge_pages, newborn_pages, theatre_actions, theatre_pages

ROUTES = [*discharge_pages.ROUTES, *discharge_follow.ROUTES, *death_pages.ROUTES, *newborn_pages.ROUTES, *theatre_pages.ROUTES]
NAV = [Nav("/theatre", mark("Theatre"), theatre_pages.THEATRE, "theatre")]
GUARDS = {"Appointment": theatre_actions.one_at_a_time}
PANELS = [
    Panel("rail", "ward/discharge-rail.html", discharge_pages.rail),
    Panel("strip", "ward/newborn-strip.html", newborn_pages.family),
    Panel("strip", "ward/theatre-strip.html", theatre_pages.ahead),
    Panel("today", "ward/discharge-follow.html", discharge_follow.promised),
]
PERMISSIONS = {
    **discharge_pages.PERMISSIONS,
    death_pages.DEATH.code: death_pages.DEATH.title,
    newborn_pages.BIRTH.code: newborn_pages.BIRTH.title,
    theatre_pages.THEATRE.code: theatre_pages.THEATRE.title,
    theatre_pages.OPERATE.code: theatre_pages.OPERATE.title,
}
