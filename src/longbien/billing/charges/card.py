"""The card of billing's charges."""

from __future__ import annotations

from longbien.base.department import when
from longbien.web.page import route

from ..card import Part
from . import guards, pages, reactions
from .permissions import PERMISSIONS

CARD = Part(
    routes=[
        route("/patients/{id}/bill", pages.bill),
        route("/patients/{id}/bill.pdf", pages.paper),
        route("/patients/{id}/bill/issue", pages.issue, ["POST"]),
    ],
    permissions=PERMISSIONS,
    reactions=[
        when("DiagnosticReport?status=final,amended,corrected,appended,cancelled,entered-in-error", reactions.report),
        when("Procedure?status=completed,entered-in-error,not-done", reactions.procedure),
        when("MedicationAdministration?status=completed,entered-in-error,not-done", reactions.administration),
        when("MedicationRequest?status=active,completed,cancelled,stopped,entered-in-error", reactions.prescription),
        when("MedicationDispense?status=completed,entered-in-error,cancelled,stopped", reactions.dispense),
        when("ServiceRequest?status=completed,entered-in-error", reactions.order),
        when("Encounter?status=in-progress,finished,cancelled,entered-in-error", reactions.visit),
    ],
    guards={"Invoice": guards.guard, "Encounter": guards.stays},
)
