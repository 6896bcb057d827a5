"""The addresses of the ward: board, beds, charts, drugs, handover."""

from __future__ import annotations

from longbien.web.page import route

from .pages import board, drugs, handover, move, prints, stay, vitals

ROUTES = [
    route("/ward", board.board),
    route("/ward/live", board.live),
    route("/ward/beds/{bed}", board.bed, ["POST"]),
    route("/ward/move", move.move),
    route("/ward/move", move.moved, ["POST"]),
    route("/ward/admit", move.waiting),
    route("/ward/vitals", vitals.grid),
    route("/ward/vitals", vitals.save, ["POST"]),
    route("/ward/mar", drugs.show),
    route("/ward/mar/scan", drugs.scan, ["POST"]),
    route("/ward/mar/dose", drugs.dose, ["POST"]),
    route("/ward/mar/undo", drugs.undo, ["POST"]),
    route("/ward/handover", handover.show),
    route("/ward/handover", handover.keep, ["POST"]),
    route("/ward/handover.pdf", handover.sheet),
    route("/patients/{id}/stay", stay.stay),
    route("/patients/{id}/stay/{act}", stay.act, ["POST"]),
    route("/patients/{id}/wristband.pdf", prints.wristband),
    route("/patients/{id}/labels.pdf", prints.label),
    route("/patients/{id}/admit", move.admission),
    route("/patients/{id}/admit", move.admit, ["POST"]),
]
