"""The card of reception."""

from __future__ import annotations

from longbien.base.department import Department
from longbien.base.words import mark

RECEPTION = Department(name="reception", title=mark("Reception"))
