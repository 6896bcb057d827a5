"""Where the reception's pages lie."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ...web.page import route
from . import booking, desk, duplicates, people, queue, register

ROUTES: list[BaseRoute] = [
    route("/reception", desk.desk),
    route("/reception", desk.ask, ["POST"]),
    route("/reception/receive", desk.receive, ["POST"]),
    route("/reception/tickets/{task}.pdf", desk.paper),
    route("/reception/register", register.form),
    route("/reception/register", register.register, ["POST"]),
    route("/reception/register/begin", register.begin, ["POST"]),
    route("/reception/register/check", register.check, ["POST"]),
    route("/reception/wards", register.wards),
    route("/reception/patients/{id}", people.papers),
    route("/reception/patients/{id}/identify", people.identify, ["POST"]),
    route("/reception/patients/{id}/carers", people.add_carer, ["POST"]),
    route("/reception/patients/{id}/carers/{carer}/end", people.end_carer, ["POST"]),
    route("/reception/duplicates", duplicates.listed),
    route("/reception/duplicates/compare", duplicates.compare),
    route("/reception/duplicates/join", duplicates.join, ["POST"]),
    route("/reception/duplicates/link", duplicates.link, ["POST"]),
    route("/reception/merges/{provenance}", duplicates.merged),
    route("/reception/merges/{provenance}", duplicates.undo, ["POST"]),
    route("/rooms/{location}/queue", queue.queue),
    route("/rooms/{location}/queue", queue.act, ["POST"]),
    route("/display/{location}", queue.display),
    route("/appointments", booking.day),
    route("/appointments/book", booking.book, ["POST"]),
    route("/appointments/{appointment}/move", booking.move, ["POST"]),
    route("/appointments/{appointment}/cancel", booking.cancel, ["POST"]),
]
