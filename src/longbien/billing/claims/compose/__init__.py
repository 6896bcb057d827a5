"""The record of one visit as the rows of its claim (decision 3176/QĐ-BYT): `claim(store, encounter_id)`.

One reading (reading.py), one file a table (xml0.py to xml15.py); what a table cannot know is said there with the reason."""

from __future__ import annotations

from dataclasses import replace

from longbien.record.store import Store

from ...charges import bills
from . import xml0, xml1, xml2, xml3, xml4, xml5, xml6, xml7, xml8, xml9, xml10, xml11, xml12, xml13, xml14, xml15
from .case import Case
from .reading import drugs, read
from .table import Row, Table

__all__ = ["TABLES", "Case", "Claim", "Row", "Table", "case_of", "check_in", "claim", "read", "rows"]

TABLES: dict[str, Table] = {
    x.TABLE.name: x.TABLE
    for x in (xml0, xml1, xml2, xml3, xml4, xml5, xml6, xml7, xml8, xml9, xml10, xml11, xml12, xml13, xml14, xml15)
}
CHECK_IN = "XML0"
Claim = dict[str, list[Row]]


async def case_of(store: Store, encounter_id: str) -> Case:
    """The visit with its bill, and what the pharmacy says of its drugs. Raises NotFound."""
    case = await read(store, encounter_id)
    bill = await bills.bill(store, encounter_id)
    codes = [x.line.own for x in bill.shares if x.line.more.get("kind") == "drug"]
    return replace(case, bill=bill, drugs=await drugs(store.engine, codes))


async def claim(store: Store, encounter_id: str) -> Claim:
    """The claim of a visit: its rows by table. Raises NotFound, also for what the scope hides."""
    return rows(await case_of(store, encounter_id))


def rows(case: Case) -> Claim:
    """Every table of the claim that has a row; XML0 is sent by itself (`check_in`). Pure."""
    made = {name: table.rows(case) for name, table in TABLES.items() if name != CHECK_IN}
    return {name: found for name, found in made.items() if found}


def check_in(case: Case) -> Claim:
    """XML0: what is sent when somebody comes. Pure."""
    return {CHECK_IN: TABLES[CHECK_IN].rows(case)}
