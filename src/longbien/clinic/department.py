"""The card of clinic."""

from __future__ import annotations

from longbien.base.department import Department
from longbien.base.words import mark

CLINIC = Department(name="clinic", title=mark("Clinic"))
