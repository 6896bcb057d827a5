"""The card of billing's charges."""

from __future__ import annotations

from longbien.base.department import Nav, Panel, when
from longbien.base.words import mark
from longbien.web.page import route

from ..card import Part
from . import guards, mine, pages, pages_board, pages_revenue, pages_tariff, panels, reactions
from .permissions import CLOCK, PERMISSIONS, REVENUE, TARIFF_KEEPER

CARD = Part(
    routes=[
        route("/patients/{id}/bill", pages.bill),
        route("/patients/{id}/bill.pdf", pages.paper),
        route("/patients/{id}/bill/issue", pages.issue, ["POST"]),
        route("/me/bill", mine.bill),
        route("/discharge-bills", pages_board.clock_board),
        route("/discharge-bills/nudge", pages_board.nudge, ["POST"]),
        route("/revenue", pages_revenue.revenue),
        route("/tariff", pages_tariff.listed),
        route("/tariff", pages_tariff.write, ["POST"]),
        route("/tariff/preview", pages_tariff.look, ["POST"]),
    ],
    nav=[
        Nav("/discharge-bills", mark("Leaving today"), CLOCK, "discharge-bills"),
        Nav("/revenue", mark("Revenue"), REVENUE, "revenue"),
        Nav("/tariff", mark("Price list"), TARIFF_KEEPER, "tariff"),
    ],
    panels=[
        Panel("strip", "billing/charges/strip.html", panels.strip),
        Panel("me", "billing/charges/me.html", panels.me),
        Panel("preview", "billing/charges/found.html", panels.found),
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
