"""The card of reception."""

from __future__ import annotations

from longbien.base.department import Department, Nav, when
from longbien.base.words import mark

from . import reminders, tickets
from .pages.routes import ROUTES
from .permissions import APPOINT, OFFICE, RECEIVE
from .settings import ReceptionSettings

RECEPTION = Department(
    name="reception",
    title=mark("Reception"),
    routes=ROUTES,
    nav=[
        Nav("/reception", mark("Reception"), RECEIVE, "reception"),
        Nav("/appointments", mark("Appointments"), APPOINT, "appointments"),
        Nav("/reception/duplicates", mark("Double records"), OFFICE, "reception"),
    ],
    reactions=[
        when("Task?code=https://longbien.org/fhir/CodeSystem/task|queue-ticket", tickets.remember),
        when("Appointment?status=booked", reminders.plan),
    ],
    settings=ReceptionSettings,
    jobs={reminders.QUEUE: reminders.job},
    always=frozenset({reminders.QUEUE}),
    guards={"Task": tickets.guard},
)
