"""The card of ward."""

from __future__ import annotations

from longbien.base.department import Department, Nav
from longbien.base.words import mark
from longbien.web.page import route

from . import beds
from .pages import at, board, move

ROUTES = [
    route("/ward", board.board),
    route("/ward/live", board.live),
    route("/ward/beds/{bed}", board.bed, ["POST"]),
    route("/ward/move", move.move),
    route("/ward/move", move.moved, ["POST"]),
    route("/ward/admit", move.waiting),
    route("/patients/{id}/admit", move.admission),
    route("/patients/{id}/admit", move.admit, ["POST"]),
]

WARD = Department(
    name="ward",
    title=mark("Ward"),
    routes=ROUTES,
    nav=[Nav("/ward", mark("Ward"), at.WARD, "ward")],
    permissions={p.code: p.title for p in at.PERMISSIONS},
    guards={"Encounter": beds.one_patient_each, "Location": beds.beds_only},
)
