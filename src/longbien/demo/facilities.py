"""The hospitals of the demo city as resources: departments, wards, rooms, beds and staff, from `city_plan`.

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
from longbien.demo.city_plan import BY_MARK as BY_MARK
from longbien.demo.city_plan import CITY_HEALTH, KNOWN, LOGIN_PREFIX, OTHERS, SUPPORT_STAFF, Department, Facility
from longbien.demo.city_plan import FACILITIES as FACILITIES
from longbien.demo.city_plan import INSURER as INSURER
from longbien.demo.city_plan import ROLES as ROLES
from longbien.demo.names import full_name, human_name
from longbien.fhir import systems as s

Resource = dict[str, Any]


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
    patient_id: str = ""


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
        Staff(login.replace(".", "-"), name, sex, role, mark, dept, ROLES[role][2]) for login, name, sex, role, mark, dept in KNOWN
    ]
    logins = {p.id for p in people}
    chance = Chance("staff of the demo city")

    def hire(role: str, mark: str, dept: str) -> None:
        sex = "F" if chance.happens(0.85 if role in ("nurse", "clerk", "cashier", "pharmacist") else 0.42) else "M"
        name = full_name(chance, sex, chance.randint(1968, 1998))
        base = f"{LOGIN_PREFIX[role]}-{_plain(name.split()[-1])}"
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
            if d.code in SUPPORT_STAFF:
                wanted.append((SUPPORT_STAFF[d.code], 2 if d.code in ("XN", "CDHA", "DUOC", "TCKT") else 1))
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
    for oid, name, kind in OTHERS:
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


THEATRES = {"SN": 3, "BG": 2, "NC": 2}
"""How many theatres a hospital has."""


def theatre_id(mark: str, n: int) -> str:
    return f"{BY_MARK[mark].id}-mo-{n}"


HOURS = [
    {"daysOfWeek": ["mon", "tue", "wed", "thu", "fri"], "openingTime": opens, "closingTime": closes}
    for opens, closes in (("07:30:00", "11:30:00"), ("13:30:00", "16:30:00"))
]
"""When the consulting rooms are open."""


def _places(f: Facility) -> Iterator[Resource]:
    site = f"{f.id}-site"
    yield _location(site, f.name, ("si", "Site"), f, None, None)
    kind = [{"coding": [{"system": s.PLACE_KIND, "code": "theatre", "display": "Phòng mổ"}]}]
    for n in range(1, THEATRES.get(f.mark, 0) + 1):
        yield _location(theatre_id(f.mark, n), f"Phòng mổ {n}", ("ro", "Room"), f, None, site, type=kind)
    for d in f.departments:
        if d.clinic:
            yield _location(clinic_id(f.mark, d.code), f"Phòng khám {d.clinic}", ("ro", "Room"), f, d, site, hoursOfOperation=HOURS)
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
