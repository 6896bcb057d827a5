"""The card of billing's rules."""

from __future__ import annotations

from longbien.base.department import Nav, when
from longbien.base.words import mark
from longbien.web.page import route

from ..card import Part
from . import pages, work
from .advice import ADVICE
from .permissions import PERMISSIONS, RULES

CARD = Part(
    routes=[
        route("/billing/rules", pages.rules),
        route("/billing/findings", pages.findings),
        route("/billing/findings/{task}", pages.settle, ["POST"]),
        route("/patients/{id}/times/{visit}", pages.written),
    ],
    nav=[Nav("/billing/findings", mark("Insurance checks"), RULES, "findings")],
    reactions=[when("Encounter?status=finished", work.visit_over)],
    advice=ADVICE,
    permissions=PERMISSIONS,
)
