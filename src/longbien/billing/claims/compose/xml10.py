"""XML10: the certificate of rest during pregnancy, from a paper of kind pregnancy-rest, a section a field."""

from __future__ import annotations

from .papers import EVERYBODY, sheet
from .table import SIGNED

OWN = (
    "SO_SERI", "SO_CT", "SO_NGAY", "DON_VI", "TU_NGAY", "DEN_NGAY",
)  # fmt: skip
GIVEN = (
    "MA_LK", "CHAN_DOAN_RV", "MA_TTDV", "TEN_BS", "MA_BS", "NGAY_CT",
)  # fmt: skip
TABLE = sheet("XML10", "pregnancy-rest", OWN, {name: EVERYBODY[name] for name in GIVEN}, {"DU_PHONG": SIGNED})
