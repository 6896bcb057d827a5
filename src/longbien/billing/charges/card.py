"""The card of billing's charges."""

from __future__ import annotations

from longbien.base.department import when

from ..card import Part
from . import guards, reactions

CARD = Part(
    reactions=[
        when("DiagnosticReport?status=final,amended,corrected,appended,cancelled,entered-in-error", reactions.report),
        when("Procedure?status=completed,entered-in-error,not-done", reactions.procedure),
        when("MedicationAdministration?status=completed,entered-in-error,not-done", reactions.administration),
        when("MedicationRequest?status=active,completed,cancelled,stopped,entered-in-error", reactions.prescription),
        when("MedicationDispense?status=completed,entered-in-error,cancelled,stopped", reactions.dispense),
        when("ServiceRequest?status=completed,entered-in-error", reactions.order),
        when("Encounter?status=in-progress,finished,cancelled,entered-in-error", reactions.visit),
    ],
    guards={"Invoice": guards.guard},
)
