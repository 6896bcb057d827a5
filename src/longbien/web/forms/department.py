"""The card of the forms: they belong to no one room, and stand on the chart as a room's sections do."""

from __future__ import annotations

from ...base.department import Department, Tab
from ...base.words import mark
from .pages import ROUTES, SIGN_RECORDS

FORMS = Department(
    name="forms",
    title=mark("Forms"),
    routes=ROUTES,
    tabs=[Tab("forms", "forms", mark("Forms"))],
    permissions={SIGN_RECORDS.code: SIGN_RECORDS.title},
)
