"""The card of orders."""

from __future__ import annotations

from longbien.base.department import Department
from longbien.base.words import mark

ORDERS = Department(name="orders", title=mark("Orders"))
