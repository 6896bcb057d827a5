"""The card of orders."""

from __future__ import annotations

from longbien.base.department import Department
from longbien.base.words import mark
from longbien.web.page import route

from . import pages
from .permissions import PERMISSIONS

ORDERS = Department(
    name="orders",
    title=mark("Orders"),
    routes=[route("/orders/search", pages.search)],
    permissions=PERMISSIONS,
)
