"""Where the money's pages lie."""

from __future__ import annotations

from starlette.routing import BaseRoute

from longbien.web.page import route

from . import books, desk, exceptional, me, refunding, visits

ROUTES: list[BaseRoute] = [
    route("/cashier", desk.board),
    route("/cashier/exceptions", exceptional.listed),
    route("/cashier/exceptions/{notice}", exceptional.resolve, ["POST"]),
    route("/cashier/statements", exceptional.statement, ["POST"]),
    route("/cashier/statements/{delivery}", exceptional.release, ["POST"]),
    route("/cashier/refunds", refunding.listed),
    route("/cashier/refunds/file", refunding.make_file, ["POST"]),
    route("/cashier/refunds/files/{file}.csv", refunding.file),
    route("/cashier/refunds/{refund}.pdf", refunding.paper),
    route("/cashier/refunds/{refund}/answer", refunding.answer, ["POST"]),
    route("/cashier/refunds/{refund}/paid", refunding.paid, ["POST"]),
    route("/cashier/shift", books.drawer),
    route("/cashier/shift", books.begin, ["POST"]),
    route("/cashier/shift/close", books.close, ["POST"]),
    route("/cashier/day", books.day),
    route("/cashier/receipts/{receipt}.pdf", desk.receipt),
    route("/cashier/visits/{encounter}", visits.visit),
    route("/cashier/visits/{encounter}/deposit", visits.deposit, ["POST"]),
    route("/cashier/visits/{encounter}/refund", visits.refund, ["POST"]),
    route("/cashier/{invoice}/cash", desk.cash, ["POST"]),
    route("/cashier/{invoice}/card", desk.card, ["POST"]),
    route("/cashier/{invoice}/live", desk.live),
    route("/cashier/{invoice}/pay.pdf", desk.slip),
    route("/me/bill/{invoice}/pay", me.pay),
    route("/me/bill/{invoice}/qr.png", me.picture),
    route("/me/bill/{invoice}/live", me.live),
    route("/me/bill/{invoice}/receipts/{receipt}.pdf", me.receipt),
]
