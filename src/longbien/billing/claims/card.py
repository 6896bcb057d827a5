"""The card of billing's claims."""

from __future__ import annotations

from longbien.base.department import Nav, when
from longbien.base.words import mark
from longbien.web.page import route

from ..card import Part
from . import pages, reactions, sending
from .permissions import CLAIMS, EVERY

CARD = Part(
    routes=[
        route("/claims", pages.listing),
        route("/claims/send", pages.send_ready, ["POST"]),
        route("/claims/results", pages.results, ["POST"]),
        route("/claims/month", pages.month),
        route("/claims/month", pages.close, ["POST"]),
        route("/claims/month/{number}.xml", pages.summary),
        route("/claims/{id}", pages.one),
        route("/claims/{id}/correct", pages.correct, ["POST"]),
        route("/claims/{id}/make", pages.make, ["POST"]),
        route("/claims/{id}/send", pages.send, ["POST"]),
        route("/claims/{id}/sent/{number}.xml", pages.version),
    ],
    nav=[Nav("/claims", mark("Insurance claims"), CLAIMS, "claims")],
    reactions=[
        when("Encounter?status=finished", reactions.claim_of_ended_visit),
        when("Encounter?status=arrived", reactions.check_in_of_arrived_visit),
    ],
    permissions={p.code: p.title for p in EVERY},
    jobs={
        reactions.MAKE: reactions.make_job,
        reactions.SWEEP: reactions.sweep_job,
        reactions.CHECK_IN: reactions.check_in_job,
        sending.QUEUE: sending.job,
    },
    always=frozenset({reactions.SWEEP, sending.QUEUE}),
)
