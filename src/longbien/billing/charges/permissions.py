"""Who may do what with prices, bills and the day's clock."""

from __future__ import annotations

from longbien.access.roles import Permission

BILL = Permission("bill", "Open the bill of a patient’s visit", frozenset({"cashier", "insurance", "doctor", "nurse", "head"}))
ISSUE = Permission("bill-issue", "Issue a bill", frozenset({"cashier", "insurance"}))
CLOCK = Permission(
    "discharge-bills", "See what holds the bills of the day open, and remind", frozenset({"cashier", "insurance", "nurse", "head"})
)
REVENUE = Permission("revenue", "See revenue and what is outstanding, without names", frozenset({"director"}))
TARIFF = Permission("tariff", "Keep the price lists", frozenset({"it", "insurance"}))

TARIFF_KEEPER = Permission("tariff-keeper", "Find the price lists in the top bar", frozenset({"it"}))

PERMISSIONS = {p.code: p.title for p in (BILL, ISSUE, CLOCK, REVENUE, TARIFF, TARIFF_KEEPER)}
