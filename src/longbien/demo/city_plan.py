"""The plan of the demo city: four hospitals, their departments, the people whose names the handbook uses. Every name is invented.

The five-digit codes begin with 99, which no province has, so that no real facility can bear them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Department:
    """`ward` is (first room number, rooms, beds in a room); `clinic` the consulting room's number; either may be missing."""

    code: str
    name: str
    ward: tuple[int, int, int] | None = None
    clinic: str | None = None
    doctors: int = 0
    nurses: int = 0


@dataclass(frozen=True, slots=True)
class Facility:
    mark: str
    code: str
    name: str
    kind: str
    address: str
    ward_code: str
    phone: str
    departments: tuple[Department, ...]

    @property
    def id(self) -> str:
        return f"bv-{self.mark.lower()}"


# role -> (Vietnamese, English, prefix before the name)
ROLES: dict[str, tuple[str, str, str]] = {
    "clerk": ("Nhân viên tiếp đón", "Reception clerk", ""),
    "nurse": ("Điều dưỡng", "Nurse", "ĐD."),
    "doctor": ("Bác sĩ", "Doctor", "BS."),
    "head": ("Trưởng khoa", "Head of department", "BS."),
    "laboratory": ("Kỹ thuật viên xét nghiệm", "Laboratory technologist", "KTV."),
    "imaging": ("Bác sĩ chẩn đoán hình ảnh", "Radiologist", "BS."),
    "pharmacist": ("Dược sĩ", "Pharmacist", "DS."),
    "cashier": ("Thu ngân", "Cashier", ""),
    "insurance": ("Cán bộ bảo hiểm y tế", "Insurance officer", ""),
    "records": ("Cán bộ lưu trữ hồ sơ bệnh án", "Medical records officer", ""),
    "it": ("Kỹ sư công nghệ thông tin", "IT engineer", "KS."),
    "director": ("Giám đốc", "Director", "BS."),
    "analyst": ("Chuyên viên phân tích, cơ quan y tế thành phố", "Health department analyst", ""),
}

_SUPPORT = (
    Department("XN", "Khoa Xét nghiệm"),
    Department("CDHA", "Khoa Chẩn đoán hình ảnh"),
    Department("DUOC", "Khoa Dược"),
    Department("TCKT", "Phòng Tài chính kế toán"),
    Department("BHYT", "Phòng Bảo hiểm y tế"),
    Department("KHTH", "Phòng Kế hoạch tổng hợp"),
    Department("CNTT", "Phòng Công nghệ thông tin"),
    Department("BGD", "Ban Giám đốc"),
)

FACILITIES: tuple[Facility, ...] = (
    Facility(
        "SN",
        "99001",
        "Bệnh viện Đa khoa Thành phố Sông Nhị",
        "general",
        "Số 1 đường Cầu Sắt",
        "00145",
        "024 7100 0001",
        (
            Department("KKB", "Khoa Khám bệnh", clinic="101", doctors=3, nurses=3),
            Department("CC", "Khoa Cấp cứu", ward=(101, 3, 4), doctors=3, nurses=3),
            Department("HSTC", "Khoa Hồi sức tích cực", ward=(201, 3, 4), doctors=2, nurses=3),
            Department("TM", "Khoa Nội tim mạch", ward=(410, 10, 4), clinic="205", doctors=5, nurses=6),
            Department("NOI", "Khoa Nội tổng hợp", ward=(430, 8, 4), clinic="206", doctors=3, nurses=3),
            Department("NTIET", "Khoa Nội tiết - Đái tháo đường", ward=(450, 4, 4), clinic="207", doctors=2, nurses=2),
            Department("HH", "Khoa Hô hấp", ward=(460, 5, 4), clinic="208", doctors=2, nurses=2),
            Department("THAN", "Khoa Thận - Lọc máu", ward=(470, 4, 4), clinic="209", doctors=2, nurses=3),
            Department("TK", "Khoa Thần kinh - Đột quỵ", ward=(480, 5, 4), clinic="210", doctors=2, nurses=2),
            Department("TH", "Khoa Tiêu hóa", ward=(490, 4, 4), clinic="211", doctors=2, nurses=2),
            Department("TN", "Khoa Truyền nhiễm", ward=(510, 5, 4), clinic="110", doctors=2, nurses=2),
            Department("NGOAI", "Khoa Ngoại tổng hợp", ward=(310, 7, 4), clinic="212", doctors=2, nurses=3),
            Department("CTCH", "Khoa Chấn thương chỉnh hình", ward=(330, 5, 4), clinic="213", doctors=2, nurses=2),
            Department("SAN", "Khoa Phụ sản", ward=(340, 8, 4), clinic="214", doctors=3, nurses=3),
            Department("NHI", "Khoa Nhi", ward=(350, 8, 4), clinic="215", doctors=3, nurses=3),
            Department("CXK", "Khoa Cơ xương khớp", clinic="216", doctors=2),
            Department("MAT", "Khoa Mắt", clinic="217", doctors=1),
            Department("TMH", "Khoa Tai mũi họng", clinic="218", doctors=1),
            Department("PHCN", "Khoa Phục hồi chức năng", clinic="120", doctors=1, nurses=2),
            *_SUPPORT,
        ),
    ),
    Facility(
        "BG",
        "99002",
        "Bệnh viện Đa khoa Bãi Giữa",
        "district",
        "Số 18 đường Bến Bãi",
        "00145",
        "024 7100 0002",
        (
            Department("KKB", "Khoa Khám bệnh", clinic="1", doctors=3, nurses=2),
            Department("CC", "Khoa Cấp cứu", ward=(101, 2, 4), doctors=2, nurses=2),
            Department("NOI", "Khoa Nội", ward=(210, 8, 4), clinic="2", doctors=3, nurses=3),
            Department("NGOAI", "Khoa Ngoại", ward=(220, 5, 4), clinic="3", doctors=2, nurses=2),
            Department("SAN", "Khoa Sản", ward=(230, 5, 4), clinic="4", doctors=2, nurses=2),
            Department("NHI", "Khoa Nhi", ward=(240, 5, 4), clinic="5", doctors=2, nurses=2),
            Department("THAN", "Đơn nguyên Thận nhân tạo", clinic="6", doctors=1, nurses=2),
            *_SUPPORT,
        ),
    ),
    Facility(
        "NC",
        "99003",
        "Bệnh viện Tim Nhịp Cầu",
        "heart",
        "Số 25 phố Nhịp Cầu",
        "00091",
        "024 7100 0003",
        (
            Department("KKB", "Khoa Khám bệnh", clinic="A1", doctors=2, nurses=2),
            Department("TM", "Khoa Nội tim mạch", ward=(301, 8, 4), clinic="A2", doctors=3, nurses=3),
            Department("CTM", "Khoa Can thiệp mạch", ward=(401, 3, 4), doctors=2, nurses=2),
            Department("NGTM", "Khoa Ngoại tim mạch", ward=(501, 4, 3), doctors=2, nurses=2),
            Department("HSTC", "Khoa Hồi sức tim mạch", ward=(601, 2, 4), doctors=2, nurses=2),
            *_SUPPORT,
        ),
    ),
    Facility(
        "PS",
        "99004",
        "Trạm Y tế Bến Phù Sa",
        "clinic",
        "Thôn Bến",
        "00565",
        "024 7100 0004",
        (
            Department("KKB", "Phòng khám", ward=(1, 1, 4), clinic="1", doctors=1, nurses=2),
            Department("TC", "Phòng tiêm chủng", clinic="2", nurses=1),
            Department("DUOC", "Quầy thuốc"),
        ),
    ),
)
BY_MARK = {f.mark: f for f in FACILITIES}

CITY_HEALTH = "co-quan-y-te"
INSURER = "quy-bhyt"
OTHERS = (
    (CITY_HEALTH, "Cơ quan Y tế thành phố (dữ liệu mẫu)", "govt"),
    (INSURER, "Quỹ bảo hiểm y tế (dữ liệu mẫu)", "ins"),
)

# (login, name, sex, role, facility, department): the people whose names the handbook uses.
KNOWN: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("bs.minh", "Lê Hoàng Minh", "M", "doctor", "SN", "TM"),
    ("bs.tuan", "Phan Anh Tuấn", "M", "doctor", "SN", "TM"),
    ("bs.hien", "Đỗ Thu Hiền", "F", "head", "SN", "TM"),
    ("bs.chau", "Nguyễn Bảo Châu", "F", "doctor", "SN", "NOI"),
    ("bs.dung", "Trịnh Tiến Dũng", "M", "doctor", "SN", "CC"),
    ("dd.ha", "Phạm Thu Hà", "F", "nurse", "SN", "TM"),
    ("dd.nga", "Bùi Thị Nga", "F", "nurse", "SN", "TM"),
    ("dd.loan", "Hoàng Thị Loan", "F", "nurse", "SN", "NOI"),
    ("tn.lan", "Vũ Ngọc Lan", "F", "clerk", "SN", "KKB"),
    ("xn.son", "Ngô Trường Sơn", "M", "laboratory", "SN", "XN"),
    ("ha.quan", "Đặng Minh Quân", "M", "imaging", "SN", "CDHA"),
    ("ds.lan", "Lưu Phương Lan", "F", "pharmacist", "SN", "DUOC"),
    ("tn.thao", "Mai Thanh Thảo", "F", "cashier", "SN", "TCKT"),
    ("bh.yen", "Tô Hải Yến", "F", "insurance", "SN", "BHYT"),
    ("hs.vinh", "Chu Quang Vinh", "M", "records", "SN", "KHTH"),
    ("it.khoa", "Dương Đăng Khoa", "M", "it", "SN", "CNTT"),
    ("gd.hung", "Nguyễn Mạnh Hùng", "M", "director", "SN", "BGD"),
    ("bs.phuc", "Trần Hữu Phúc", "M", "doctor", "BG", "NOI"),
    ("dd.hue", "Lê Thị Huệ", "F", "nurse", "BG", "NOI"),
    ("tn.mai", "Phùng Thị Mai", "F", "clerk", "BG", "KKB"),
    ("gd.thang", "Cao Việt Thắng", "M", "director", "BG", "BGD"),
    ("bs.linh", "Hà Khánh Linh", "F", "doctor", "NC", "TM"),
    ("bs.long", "Vương Thành Long", "M", "head", "NC", "CTM"),
    ("gd.bach", "Kiều Xuân Bách", "M", "director", "NC", "BGD"),
    ("bs.tam", "Đào Thị Tâm", "F", "doctor", "PS", "KKB"),
    ("dd.mo", "Nghiêm Thị Mơ", "F", "nurse", "PS", "KKB"),
    ("yt.giang", "Đinh Hương Giang", "F", "analyst", "", ""),
)
SUPPORT_STAFF = {
    "XN": "laboratory",
    "CDHA": "imaging",
    "DUOC": "pharmacist",
    "TCKT": "cashier",
    "BHYT": "insurance",
    "KHTH": "records",
    "CNTT": "it",
    "BGD": "director",
}
LOGIN_PREFIX = {
    "clerk": "td",
    "nurse": "dd",
    "doctor": "bs",
    "head": "bs",
    "laboratory": "xn",
    "imaging": "ha",
    "pharmacist": "ds",
    "cashier": "tn",
    "insurance": "bh",
    "records": "hs",
    "it": "it",
    "director": "gd",
    "analyst": "yt",
}
