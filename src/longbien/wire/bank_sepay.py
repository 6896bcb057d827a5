"""Notifications of the aggregator SePay. Pure. https://developer.sepay.vn/vi/sepay-webhooks/tich-hop-webhook (read in 2026;
nobody has tried this against the service)."""

from __future__ import annotations

from collections.abc import Mapping

from longbien.base.errors import Invalid

from .bank_notice import Movement, loads, moment, storable, text, whole


def read(body: bytes, bins: Mapping[str, str]) -> list[Movement]:
    """bins: the bank's six digits by its short name in lower case (the payload names banks by word). Raises Invalid."""
    said = loads(body)
    if not isinstance(said, dict) or said.get("transferType") not in ("in", "out"):
        raise Invalid("This is no notification of a transfer.", code="structure")
    amount = whole(said.get("transferAmount"), "transferAmount")
    number = said.get("referenceCode") or said.get("id")
    if isinstance(number, bool) or not isinstance(number, str | int) or not str(number).strip() or not storable(str(number)):
        raise Invalid("A notification needs the number of its transfer.", code="value")
    bank = text(said, "gateway", "notification", 60)
    return [
        Movement(
            bins.get(bank.casefold(), ""),
            text(said, "accountNumber", "notification", 40),
            str(number)[:100],
            amount if said["transferType"] == "in" else -amount,
            moment(said.get("transactionDate"), "transactionDate"),
            text(said, "content", "notification", 1000, empty=True),
        )
    ]
