"""The card of clinic."""

from __future__ import annotations

from longbien.base.department import Department, Nav, Tab
from longbien.base.words import mark
from longbien.web.page import route

from .pages import listing, papers, phrases, prescribe, visit
from .permissions import CLINIC as SEE
from .permissions import PERMISSIONS, VISIT

ROUTES = [
    route("/clinic", listing.listing),
    route("/clinic/live", listing.live),
    route("/clinic/next", listing.call_next, ["POST"]),
    route("/clinic/phrases", phrases.listed),
    route("/clinic/phrases", phrases.add, ["POST"]),
    route("/clinic/phrases/drop", phrases.drop, ["POST"]),
    route("/patients/{id}/visit", visit.visit),
    route("/patients/{id}/visit", visit.sign, ["POST"]),
    route("/patients/{id}/visit/draft", visit.draft, ["POST"]),
    route("/patients/{id}/visit/act", visit.act, ["POST"]),
    route("/patients/{id}/visit/add", visit.add, ["POST"]),
    route("/patients/{id}/visit/start", visit.start, ["POST"]),
    route("/patients/{id}/visit/call", visit.call_in, ["POST"]),
    route("/patients/{id}/visit/sick-leave", papers.leave_form),
    route("/patients/{id}/visit/sick-leave", papers.write_leave, ["POST"]),
    route("/patients/{id}/visit/referral", papers.referral_form),
    route("/patients/{id}/visit/referral", papers.write_referral, ["POST"]),
    route("/patients/{id}/visit/papers/{composition}.pdf", papers.paper_pdf),
    route("/patients/{id}/prescribe", prescribe.prescribe),
    route("/patients/{id}/prescribe", prescribe.sign, ["POST"]),
]

CLINIC = Department(
    name="clinic",
    title=mark("Clinic"),
    routes=ROUTES,
    nav=[Nav("/clinic", mark("Outpatients"), SEE, "clinic")],
    tabs=[Tab("visit", "visit", mark("Visit"), VISIT)],
    permissions=PERMISSIONS,
)
