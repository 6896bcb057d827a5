"""Where the reception's pages lie."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ...web.page import route
from . import desk, queue, register

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
    route("/rooms/{location}/queue", queue.queue),
    route("/rooms/{location}/queue", queue.act, ["POST"]),
    route("/display/{location}", queue.display),
]
