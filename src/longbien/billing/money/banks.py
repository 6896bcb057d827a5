"""Who may tell us of money, and how each proves that it is they: an adapter per bank or aggregator.

A new one is a class with these three methods and its line in `adapters`. `form` names what reads its bytes (notices.FORMS)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from longbien.base.errors import Unauthenticated
from longbien.wire import bank_notice, bank_sepay
from longbien.wire.bank_notice import Movement

from . import accounts, notices
from .settings import MoneySettings


class Bank(Protocol):
    """form: how its deliveries are read. check raises Unauthenticated. answer: what it wants to hear when its delivery is kept."""

    form: str

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None: ...

    def answer(self) -> dict[str, Any]: ...


class Longbien:
    """Our own protocol: wire/bank_notice.py. The bank simulator speaks it, and any bank or gateway that is set up to."""

    form = "longbien"

    def __init__(self, settings: MoneySettings):
        self.secret, self.window = settings.secret, settings.window

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        stamp, given = headers.get("x-bank-timestamp", ""), headers.get("x-bank-signature", "")
        bank_notice.check(self.secret, stamp, given, body, now, self.window)

    def answer(self) -> dict[str, Any]:
        return {"status": "kept"}


class SePay:
    """The aggregator SePay, by its published documentation (webhooks with an API key). Never tried against the service itself."""

    form = "sepay"

    def __init__(self, settings: MoneySettings):
        self.key = settings.sepay_key

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        given = headers.get("authorization", "")
        if len(self.key) < 16 or not hmac.compare_digest(given.encode(), f"Apikey {self.key}".encode()):
            raise Unauthenticated("The key of this notification is wrong.")

    def answer(self) -> dict[str, Any]:
        return {"success": True}


def adapters(settings: MoneySettings) -> dict[str, Bank]:
    return {"longbien": Longbien(settings), "sepay": SePay(settings)}


def _sepay(body: bytes) -> list[Movement]:
    bins = {b.short.casefold(): b.bin for b in accounts.banks().values()}
    return bank_sepay.read(body, bins)


notices.FORMS["sepay"] = _sepay
