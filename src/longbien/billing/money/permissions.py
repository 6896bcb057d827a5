"""What may be done with money, and by whom."""

from __future__ import annotations

from longbien.access.roles import Permission

TAKE = Permission("cashier", "Take payments and deposits, give refunds, count the drawer", frozenset({"cashier"}))
BOOKS = Permission("cash-books", "See the proof at the end of a day", frozenset({"cashier", "director"}))
