"""XML12: the assessment of lasting disability. It is typed into the portal by the council, not sent by a hospital (official
letter on decision 3176); a paper of kind disability would be taken, a section a field."""

from __future__ import annotations

from .papers import EVERYBODY, sheet
from .person import DISTRICT
from .table import SIGNED

OWN = (
    "NGUOI_CHU_TRI", "CHUC_VU", "NGAY_HOP", "NGAY_CAP_CCCD", "NOI_CAP_CCCD", "NGHE_NGHIEP", "DIEN_THOAI", "MA_DOI_TUONG",
    "KHAM_GIAM_DINH", "SO_BIEN_BAN", "TYLE_TTCT_CU", "DANG_HUONG_CHE_DO", "NGAY_CHUNG_TU", "SO_GIAY_GIOI_THIEU",
    "NGAY_DE_NGHI", "MA_DONVI", "GIOI_THIEU_CUA", "KET_QUA_KHAM", "SO_VAN_BAN_CAN_CU", "TYLE_TTCT_MOI", "TONG_TYLE_TTCT",
    "DANG_KHUYETTAT", "MUC_DO_KHUYETTAT", "DE_NGHI", "DUOC_XACDINH",
)  # fmt: skip
GIVEN = (
    "HO_TEN", "NGAY_SINH", "SO_CCCD", "DIA_CHI", "MATINH_CU_TRU", "MAXA_CU_TRU", "MA_BHXH", "MA_THE_BHYT",
)  # fmt: skip
TABLE = sheet(
    "XML12", "disability", OWN, {name: EVERYBODY[name] for name in GIVEN}, {"MAHUYEN_CU_TRU": DISTRICT, "DU_PHONG": SIGNED}
)
