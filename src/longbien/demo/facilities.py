"""The four hospitals of the demo city: departments, wards, rooms, beds and staff. Every name is invented.

Their five-digit codes begin with 99, which no province has, so that no real facility can bear them.
Ids here are readable and fixed (`bv-sn`, `sn-tm`, `bs-minh`), independent of the seed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from longbien.demo.chance import Chance
from longbien.demo.names import full_name, human_name
from longbien.fhir import systems as s

Resource = dict[str, Any]


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


@dataclass(frozen=True, slots=True)
class Staff:
    id: str
    name: str
    sex: str
    role: str
    facility: str
    department: str
    title: str

    @property
    def role_id(self) -> str:
        return f"{self.id}-vt"

    @property
    def display(self) -> str:
        return f"{self.title} {self.name}" if self.title else self.name

    @property
    def reference(self) -> dict[str, str]:
        return {"reference": f"Practitioner/{self.id}", "display": self.display}


@dataclass(frozen=True, slots=True)
class Bed:
    id: str
    label: str
    number: str
    facility: str
    department: str


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in. `role`: one of ROLES. Ids are of Practitioner and Organization."""

    login: str
    practitioner_id: str
    role: str
    organization_id: str
    department_id: str
    display: str
    practitioner_role_id: str


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
_OTHERS = (
    (CITY_HEALTH, "Cơ quan Y tế thành phố (dữ liệu mẫu)", "govt"),
    (INSURER, "Quỹ bảo hiểm y tế (dữ liệu mẫu)", "ins"),
)

# (login, name, sex, role, facility, department): the people whose names the handbook uses.
_KNOWN: tuple[tuple[str, str, str, str, str, str], ...] = (
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
_SUPPORT_STAFF = {
    "XN": "laboratory",
    "CDHA": "imaging",
    "DUOC": "pharmacist",
    "TCKT": "cashier",
    "BHYT": "insurance",
    "KHTH": "records",
    "CNTT": "it",
    "BGD": "director",
}
_LOGIN_PREFIX = {
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


def department_id(mark: str, code: str) -> str:
    return f"{mark.lower()}-{code.lower()}"


def department(mark: str, code: str) -> Department:
    """The department, or the facility's first (its general clinic) where it has no such department."""
    found = [d for d in BY_MARK[mark].departments if d.code == code]
    return found[0] if found else BY_MARK[mark].departments[0]


def has(mark: str, code: str) -> bool:
    return any(d.code == code for d in BY_MARK[mark].departments)


def organization_reference(mark: str) -> dict[str, str]:
    f = BY_MARK[mark]
    return {"reference": f"Organization/{f.id}", "display": f.name}


def _plain(word: str) -> str:
    folded = unicodedata.normalize("NFD", word.lower().replace("đ", "d"))
    return re.sub(r"[^a-z]", "", folded)


@cache
def staff() -> tuple[Staff, ...]:
    """Everyone who works in the city. The named first, then others until each department has its number."""
    people = [
        Staff(login.replace(".", "-"), name, sex, role, mark, dept, ROLES[role][2]) for login, name, sex, role, mark, dept in _KNOWN
    ]
    logins = {p.id for p in people}
    chance = Chance("staff of the demo city")

    def hire(role: str, mark: str, dept: str) -> None:
        sex = "F" if chance.happens(0.85 if role in ("nurse", "clerk", "cashier", "pharmacist") else 0.42) else "M"
        name = full_name(chance, sex, chance.randint(1968, 1998))
        base = f"{_LOGIN_PREFIX[role]}-{_plain(name.split()[-1])}"
        login, n = base, 1
        while login in logins:
            n += 1
            login = f"{base}{n}"
        logins.add(login)
        people.append(Staff(login, name, sex, role, mark, dept, ROLES[role][2]))

    def count(role: str, mark: str, dept: str) -> int:
        return sum(p.role == role and p.facility == mark and p.department == dept for p in people)

    for f in FACILITIES:
        for d in f.departments:
            wanted = [("doctor", d.doctors), ("nurse", d.nurses)]
            if d.doctors and f.mark != "PS":
                wanted.append(("head", 1))
            if d.code == "KKB":
                wanted.append(("clerk", 3 if f.mark == "SN" else 1))
            if d.code in _SUPPORT_STAFF:
                wanted.append((_SUPPORT_STAFF[d.code], 2 if d.code in ("XN", "CDHA", "DUOC", "TCKT") else 1))
            for role, n in wanted:
                for _ in range(n - count(role, f.mark, d.code)):
                    hire(role, f.mark, d.code)
    return tuple(people)


@cache
def team(mark: str, code: str, role: str) -> tuple[Staff, ...]:
    """Staff of one role in one department; where it has none, in any department of the facility."""
    here = tuple(p for p in staff() if p.facility == mark and p.role == role and p.department == code)
    return here or tuple(p for p in staff() if p.facility == mark and p.role == role) or team("SN", code, role)


@cache
def member(login: str) -> Staff:
    return next(p for p in staff() if p.id == login.replace(".", "-"))


@cache
def beds(mark: str, code: str) -> tuple[Bed, ...]:
    """The beds of a ward, numbered from 01 through its rooms."""
    d = department(mark, code)
    if d.ward is None:
        return ()
    first, rooms, per_room = d.ward
    return tuple(
        Bed(
            f"{department_id(mark, code)}-g{n + 1:02d}",
            f"P.{first + n // per_room} · {n + 1:02d}",
            f"{n + 1:02d}",
            mark,
            code,
        )
        for n in range(rooms * per_room)
    )


def accounts() -> list[Account]:
    """Everyone who may sign in: the named ones first."""
    return [
        Account(
            login=p.id.replace("-", ".", 1),
            practitioner_id=p.id,
            role=p.role,
            organization_id=BY_MARK[p.facility].id if p.facility else CITY_HEALTH,
            department_id=department_id(p.facility, p.department) if p.facility else CITY_HEALTH,
            display=p.display,
            practitioner_role_id=p.role_id,
        )
        for p in staff()
    ]


# --- resources


def resources() -> Iterator[Resource]:
    """Organizations, Locations, Practitioners and PractitionerRoles, each after what it refers to."""
    for oid, name, kind in _OTHERS:
        yield {
            "resourceType": "Organization",
            "id": oid,
            "active": True,
            "type": [{"coding": [{"system": s.ORGANIZATION_TYPE, "code": kind}]}],
            "name": name,
        }
    for f in FACILITIES:
        yield _facility(f)
        for d in f.departments:
            yield _department(f, d)
        yield from _places(f)
    for p in staff():
        yield _practitioner(p)
        yield _role(p)


def _facility(f: Facility) -> Resource:
    return {
        "resourceType": "Organization",
        "id": f.id,
        "extension": [{"url": s.EXT_MARK, "valueString": f.mark}],
        "identifier": [
            {"use": "official", "system": s.FACILITY_CODE, "value": f.code},
            {"use": "secondary", "system": s.FACILITY_MARK, "value": f.mark},
        ],
        "active": True,
        "type": [{"coding": [{"system": s.ORGANIZATION_TYPE, "code": "prov", "display": "Healthcare Provider"}], "text": f.kind}],
        "name": f.name,
        "telecom": [{"system": "phone", "value": f.phone, "use": "work"}],
        "address": [{"text": f"{f.address}, Hà Nội", "city": "Hà Nội", "country": "VN"}],
        "partOf": {"reference": f"Organization/{CITY_HEALTH}"},
    }


def _department(f: Facility, d: Department) -> Resource:
    return {
        "resourceType": "Organization",
        "id": department_id(f.mark, d.code),
        "identifier": [{"system": s.DEPARTMENT_CODE, "value": f"{f.code}.{d.code}"}],
        "active": True,
        "type": [
            {
                "coding": [
                    {"system": s.ORGANIZATION_TYPE, "code": "dept", "display": "Hospital Department"},
                    {"system": s.DEPARTMENT_KIND, "code": d.code, "display": d.name},
                ]
            }
        ],
        "name": d.name,
        "partOf": organization_reference(f.mark),
    }


def _location(
    id_: str, name: str, physical: tuple[str, str], f: Facility, d: Department | None, part_of: str | None, **more: Any
) -> Resource:
    managed = department_id(f.mark, d.code) if d else f.id
    place: Resource = {
        "resourceType": "Location",
        "id": id_,
        "status": "active",
        "name": name,
        "mode": "instance",
        "physicalType": {"coding": [{"system": s.LOCATION_PHYSICAL, "code": physical[0], "display": physical[1]}]},
        "managingOrganization": {"reference": f"Organization/{managed}"},
    }
    if part_of:
        place["partOf"] = {"reference": f"Location/{part_of}"}
    return {**place, **more}


def clinic_id(mark: str, code: str) -> str:
    return f"{department_id(mark, code)}-pk"


def ward_id(mark: str, code: str) -> str:
    return f"{department_id(mark, code)}-buong"


def _places(f: Facility) -> Iterator[Resource]:
    site = f"{f.id}-site"
    yield _location(site, f.name, ("si", "Site"), f, None, None)
    for d in f.departments:
        if d.clinic:
            yield _location(clinic_id(f.mark, d.code), f"Phòng khám {d.clinic}", ("ro", "Room"), f, d, site)
        if d.ward:
            ward = ward_id(f.mark, d.code)
            yield _location(ward, f"Khu điều trị {d.name}", ("wa", "Ward"), f, d, site)
            rooms: set[str] = set()
            for b in beds(f.mark, d.code):
                number = b.label.split(" · ")[0]
                room = f"{ward}-{number[2:]}"
                if room not in rooms:
                    rooms.add(room)
                    yield _location(room, number, ("ro", "Room"), f, d, ward)
                yield _location(b.id, b.label, ("bd", "Bed"), f, d, room, alias=[b.number])


def _practitioner(p: Staff) -> Resource:
    chance = Chance("practitioner", p.id)
    person: Resource = {
        "resourceType": "Practitioner",
        "id": p.id,
        "identifier": [{"system": s.STAFF_LOGIN, "value": p.id.replace("-", ".", 1)}],
        "active": True,
        "name": [human_name(p.name, prefix=p.title or None)],
        "gender": "male" if p.sex == "M" else "female",
        "communication": [{"coding": [{"system": s.LANGUAGE, "code": "vi"}]}],
    }
    if p.title:
        number = f"{chance.digits(6)}/MAU-CCHN"
        person["identifier"].append({"system": s.PRACTICE_LICENCE, "value": number})
    return person


def _role(p: Staff) -> Resource:
    vi, en, _ = ROLES[p.role]
    role: Resource = {
        "resourceType": "PractitionerRole",
        "id": p.role_id,
        "active": True,
        "practitioner": p.reference,
        "organization": (organization_reference(p.facility) if p.facility else {"reference": f"Organization/{CITY_HEALTH}"}),
        "code": [{"coding": [{"system": s.STAFF_ROLE, "code": p.role, "display": vi}], "text": f"{vi} ({en})"}],
    }
    if p.facility:
        d = department(p.facility, p.department)
        role["extension"] = [
            {
                "url": s.EXT_DEPARTMENT,
                "valueReference": {
                    "reference": f"Organization/{department_id(p.facility, d.code)}",
                    "display": d.name,
                },
            }
        ]
        role["specialty"] = [{"text": d.name.removeprefix("Khoa ")}]
        places = [ward_id(p.facility, d.code)] if d.ward else []
        places += [clinic_id(p.facility, d.code)] if d.clinic else []
        if places:
            role["location"] = [{"reference": f"Location/{x}"} for x in places]
    return role
