"""The card of ward."""

from __future__ import annotations

from longbien.base.department import Department
from longbien.base.words import mark

WARD = Department(name="ward", title=mark("Ward"))
