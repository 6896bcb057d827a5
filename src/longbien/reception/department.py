"""The card of reception."""

from __future__ import annotations

from longbien.base.department import Department, Nav, when
from longbien.base.words import mark

from . import tickets
from .pages.routes import ROUTES
from .permissions import RECEIVE

RECEPTION = Department(
    name="reception",
    title=mark("Reception"),
    routes=ROUTES,
    nav=[Nav("/reception", mark("Reception"), RECEIVE, "reception")],
    reactions=[when("Task?code=https://longbien.org/fhir/CodeSystem/task|queue-ticket", tickets.remember)],
    guards={"Task": tickets.guard},
)
