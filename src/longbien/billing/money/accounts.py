"""How a visit stands, in whole dong, and the accounts of the ledger."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from longbien.record.store import Store

from .ledger import Q

TABLES = Path(__file__).parent / "tables"


class Standing(NamedTuple):
    """to_pay: what the visit's bills ask of the patient; paid: how much of that came in (deposits that were set against it too);
    deposits: what is kept and not used yet; refunds: given back or approved to be; owed: what is still to come in."""

    to_pay: int
    paid: int
    deposits: int
    refunds: int
    owed: int


async def standing(store: Store, patient_id: str, encounter_id: str) -> Standing:
    """How a visit stands. The visit is read first: who may not see it learns nothing of its money. Raises NotFound, Forbidden."""
    await store.read("Encounter", encounter_id)
    row: Any = await store.engine.db.fetchrow(Q.standing, encounter_id)
    return Standing(row["to_pay"], row["to_pay"] - row["owed"], row["deposits"], row["refunds"], row["owed"])


class Account(NamedTuple):
    """code, kind and subject as table money_account has them; number: of the ministry's chart of accounts where one is known."""

    code: str
    kind: str
    subject: str
    sign: int
    vi: str
    en: str


@cache
def accounts() -> dict[str, Account]:
    with (TABLES / "accounts.csv").open(encoding="utf-8", newline="") as file:
        return {
            r["code"]: Account(r["code"], r["kind"], r["subject"], int(r["sign"]), r["vi"], r["en"]) for r in csv.DictReader(file)
        }


class Bank(NamedTuple):
    bin: str
    short: str
    name: str


@cache
def banks() -> dict[str, Bank]:
    """Banks by their NAPAS number; of two that share one, the one that goes on."""
    found: dict[str, Bank] = {}
    with (TABLES / "banks.csv").open(encoding="utf-8", newline="") as file:
        for r in csv.DictReader(file):
            if r["bin"] and (r["bin"] not in found or not r["deprecated"]):
                found[r["bin"]] = Bank(r["bin"], r["short_name"], r["name"])
    return found
