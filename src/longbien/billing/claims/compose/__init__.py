"""The record of one visit as the rows of its claim (decision 3176/QĐ-BYT): `claim(store, encounter_id)`.

One reading (reading.py), one file a table (xml0.py to xml15.py); what a table cannot know is said there with the reason."""

from __future__ import annotations

from . import xml0, xml1, xml2, xml3, xml4, xml5, xml6, xml7, xml8, xml9, xml10, xml11, xml12, xml13, xml14, xml15
from .case import Case
from .reading import read
from .table import Row, Table

__all__ = ["TABLES", "Case", "Claim", "Row", "Table", "check_in", "read", "rows"]

TABLES: dict[str, Table] = {
    x.TABLE.name: x.TABLE
    for x in (xml0, xml1, xml2, xml3, xml4, xml5, xml6, xml7, xml8, xml9, xml10, xml11, xml12, xml13, xml14, xml15)
}
CHECK_IN = "XML0"
Claim = dict[str, list[Row]]


def rows(case: Case) -> Claim:
    """Every table of the claim that has a row; XML0 is sent by itself (`check_in`). Pure."""
    made = {name: table.rows(case) for name, table in TABLES.items() if name != CHECK_IN}
    return {name: found for name, found in made.items() if found}


def check_in(case: Case) -> Claim:
    """XML0: what is sent when somebody comes. Pure."""
    return {CHECK_IN: TABLES[CHECK_IN].rows(case)}
