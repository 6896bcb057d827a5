"""The card of reception."""

from __future__ import annotations

from longbien.base.department import Department, Nav, Panel, when
from longbien.base.words import mark

from . import closing, panels, reminders, tickets
from .pages.routes import ROUTES
from .permissions import FRONT, OFFICE
from .settings import ReceptionSettings

RECEPTION = Department(
    name="reception",
    title=mark("Reception"),
    routes=ROUTES,
    nav=[
        Nav("/reception", mark("Reception"), FRONT, "reception"),
        Nav("/appointments", mark("Appointments"), FRONT, "appointments"),
        Nav("/reception/duplicates", mark("Double records"), OFFICE, "reception"),
    ],
    panels=[Panel("strip", "reception/joined.html", panels.joined), Panel("me", "reception/me.html", panels.today)],
    reactions=[
        when("Task?code=https://longbien.org/fhir/CodeSystem/task|queue-ticket", tickets.remember),
        when("Appointment?status=booked", reminders.plan),
        when("Encounter?status=finished,cancelled", closing.visit_over),
    ],
    settings=ReceptionSettings,
    jobs={reminders.QUEUE: reminders.job, closing.QUEUE: closing.job},
    always=frozenset({reminders.QUEUE, closing.QUEUE}),
    guards={"Task": tickets.guard},
)
