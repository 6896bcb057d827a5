"""XML15: tuberculosis care. The programme's register is no part of the record yet: what a paper of kind tuberculosis says is
taken, a section a field."""

from __future__ import annotations

from .papers import EVERYBODY, sheet
from .table import COUNTED, SIGNED

OWN = (
    "PHANLOAI_LAO_VITRI", "PHANLOAI_LAO_TS", "PHANLOAI_LAO_HIV", "PHANLOAI_LAO_VK", "PHANLOAI_LAO_KT", "LOAI_DTRI_LAO",
    "NGAYBD_DTRI_LAO", "PHACDO_DTRI_LAO", "NGAYKT_DTRI_LAO", "KET_QUA_DTRI_LAO", "NGAYKD_HIV", "BDDT_ARV",
    "NGAY_BAT_DAU_DT_CTX",
)  # fmt: skip
GIVEN = (
    "MA_LK", "MA_BN", "HO_TEN", "SO_CCCD", "MA_CSKCB",
)  # fmt: skip
TABLE = sheet("XML15", "tuberculosis", OWN, {"STT": COUNTED, **{name: EVERYBODY[name] for name in GIVEN}}, {"DU_PHONG": SIGNED})
