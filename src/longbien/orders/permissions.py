"""Who may do what with orders."""

from __future__ import annotations

from ..access.roles import Permission

ORDER = Permission("order", "Order tests, images, drugs, procedures, diets and nursing", frozenset({"doctor", "head"}))
BOX = Permission(
    "order-box",
    "Use the order box; nurses for diets and nursing measures alone, as far as the hospital lets them",
    frozenset({"doctor", "head", "nurse"}),
)
LOOK_UP = Permission(
    "catalogue-look-up",
    "Look up what can be ordered",
    frozenset({"doctor", "head", "nurse", "laboratory", "imaging", "pharmacist", "clerk", "cashier", "insurance", "records", "it"}),
)
PRINT = Permission(
    "order-print", "Print order forms and specimen labels", frozenset({"doctor", "head", "nurse", "laboratory", "imaging"})
)
COLLECT = Permission(
    "order-collect", "Take specimens, and say that they were taken", frozenset({"doctor", "head", "nurse", "laboratory"})
)
ROUND = Permission("order-round", "See which specimens are to be taken at the facility", frozenset({"nurse", "laboratory"}))
CATALOGUE = Permission("catalogue", "Keep the catalogue of what can be ordered", frozenset({"it", "pharmacist"}))

PERMISSIONS = {p.code: p.title for p in (ORDER, BOX, LOOK_UP, PRINT, COLLECT, ROUND, CATALOGUE)}
