"""The card of orders."""

from __future__ import annotations

from longbien.base.department import Department, Sheet
from longbien.base.words import mark
from longbien.web.page import route

from . import pages, pages_order
from .advice import ADVICE
from .permissions import ORDER, PERMISSIONS

ORDERS = Department(
    name="orders",
    title=mark("Orders"),
    routes=[
        route("/orders/search", pages.search),
        route("/patients/{id}/order", pages_order.order, ["POST"]),
        route("/patients/{id}/order/hints", pages_order.hints),
    ],
    sheets=[Sheet("order", mark("Order"), "O", "orders/panel.html", pages_order.build, ORDER)],
    advice=ADVICE,
    permissions=PERMISSIONS,
)
