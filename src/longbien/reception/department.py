"""The card of reception."""

from __future__ import annotations

from longbien.base.department import Department, when
from longbien.base.words import mark

from . import tickets

RECEPTION = Department(
    name="reception",
    title=mark("Reception"),
    reactions=[when("Task?code=https://longbien.org/fhir/CodeSystem/task|queue-ticket", tickets.remember)],
    guards={"Task": tickets.guard},
)
