"""The card of records office."""

from __future__ import annotations

from longbien.base.department import Department
from longbien.base.words import mark

RECORDS = Department(name="records", title=mark("Records office"))
