"""The card of orders."""

from __future__ import annotations

from longbien.base.department import Department, Nav, Panel, Sheet, Tab, when
from longbien.base.words import mark
from longbien.web.page import route

from . import pages, pages_catalogue, pages_collect, pages_list, pages_order, reactions
from .advice import ADVICE
from .permissions import BOX, CATALOGUE, PERMISSIONS, ROUND
from .settings import OrderSettings

ORDERS = Department(
    name="orders",
    title=mark("Orders"),
    routes=[
        route("/orders/search", pages.search),
        route("/orders/collect", pages_collect.listed),
        route("/orders/collect", pages_collect.scan, ["POST"]),
        route("/patients/{id}/orders/{form}/collected", pages_collect.form, ["POST"]),
        route("/patients/{id}/order", pages_order.order, ["POST"]),
        route("/patients/{id}/order/hints", pages_order.hints),
        route("/patients/{id}/orders", pages_list.orders),
        route("/patients/{id}/orders/cancel", pages_list.cancel, ["POST"]),
        route("/patients/{id}/orders/{form}/labels.pdf", pages_list.labels),
        route("/patients/{id}/orders/{form}.pdf", pages_list.form),
        route("/catalogue", pages_catalogue.listed),
        route("/catalogue/{id}", pages_catalogue.one),
        route("/catalogue/{id}", pages_catalogue.change, ["POST"]),
    ],
    nav=[
        Nav("/orders/collect", mark("Specimens"), ROUND, "collect"),
        Nav("/catalogue", mark("Catalogue"), CATALOGUE, "catalogue"),
    ],
    tabs=[Tab("orders", "orders", mark("Orders"))],
    panels=[Panel("me", "orders/me.html", pages_list.mine)],
    sheets=[Sheet("order", mark("Order"), "O", "orders/panel.html", pages_order.build, BOX)],
    reactions=[
        when("DiagnosticReport?status=final,amended,corrected,appended", reactions.close),
        when("Procedure?status=completed", reactions.close),
    ],
    advice=ADVICE,
    settings=OrderSettings,
    permissions=PERMISSIONS,
)
