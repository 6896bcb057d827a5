"""The receiving side of the city's data axis: claims (decision 3176) of any hospital become resources of that patient's record."""

from __future__ import annotations

from .building import resources
from .of_visit import Origin

__all__ = ["Origin", "resources"]
