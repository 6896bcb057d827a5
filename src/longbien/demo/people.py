"""Who a person of the demo city is: name, birth, citizen ID, insurance card, phone, address, carers.

Rules: citizen ID of 12 digits (province, century and sex, year, six digits), insurance card of 15 characters (object, level,
province, social-insurance number), two-level addresses of 1 July 2025. No number here belongs to anyone: they are made by counting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Any

from longbien.demo import facilities
from longbien.demo.chance import Chance, stable_id
from longbien.demo.names import full_name, human_name
from longbien.demo.starter import by, rows, weights
from longbien.fhir import systems as s

Resource = dict[str, Any]

STREETS = (
    "phố Cầu Gỗ",
    "phố Hàng Bột",
    "đường Bạch Đằng",
    "phố Lò Đúc",
    "phố Ngọc Khánh",
    "đường Hồng Hà",
    "phố Khâm Thiên",
    "đường Láng",
    "phố Thái Hà",
    "đường Nguyễn Trãi",
    "phố Minh Khai",
    "đường Trường Chinh",
    "phố Kim Ngưu",
    "đường Lạc Long Quân",
    "phố Đội Cấn",
    "phố Thụy Khuê",
    "đường Ngô Gia Tự",
    "phố Bồ Đề",
    "đường Quang Trung",
    "phố Vạn Phúc",
    "đường Cầu Giấy",
    "phố Tô Hiệu",
    "phố Nguyễn Văn Cừ",
    "phố Hàng Bông",
)
# Before 1 July 2025: ward or commune, district. Cards issued earlier still carry these.
OLD_PLACES = (
    ("phường Trúc Bạch", "quận Ba Đình"),
    ("phường Quán Thánh", "quận Ba Đình"),
    ("phường Hàng Bạc", "quận Hoàn Kiếm"),
    ("phường Bưởi", "quận Tây Hồ"),
    ("phường Ngọc Lâm", "quận Long Biên"),
    ("phường Gia Thụy", "quận Long Biên"),
    ("phường Dịch Vọng", "quận Cầu Giấy"),
    ("phường Trung Liệt", "quận Đống Đa"),
    ("phường Bạch Mai", "quận Hai Bà Trưng"),
    ("phường Hoàng Văn Thụ", "quận Hoàng Mai"),
    ("phường Nhân Chính", "quận Thanh Xuân"),
    ("phường Văn Quán", "quận Hà Đông"),
    ("xã Đông Hội", "huyện Đông Anh"),
    ("xã Đa Tốn", "huyện Gia Lâm"),
    ("xã Tả Thanh Oai", "huyện Thanh Trì"),
)
JOBS = ("công nhân", "giáo viên", "buôn bán", "lái xe", "kế toán", "nông dân", "kỹ sư", "nội trợ", "nhân viên văn phòng")


@dataclass(frozen=True, slots=True)
class Person:
    """`sex` 'M'/'F'; `birth` is exact even where only the year is known to the record (`year_only`)."""

    i: int
    seed: int
    id: str
    name: str
    sex: str
    birth: date
    year_only: bool
    citizen_id: str | None
    insurance: str | None
    phone: str | None
    ethnicity: str
    home: str  # mark of the facility where the person is registered

    def age(self, on: date) -> int:
        return on.year - self.birth.year - ((on.month, on.day) < (self.birth.month, self.birth.day))

    @property
    def reference(self) -> dict[str, str]:
        return {"reference": f"Patient/{self.id}"}


@cache
def _pyramid() -> tuple[tuple[tuple[str, float], float], ...]:
    male = {k: v for k, _, _, v in weights("pyramid_male_share")}
    return tuple(((k, male[k]), v) for k, _, _, v in weights("pyramid"))


def _birth(chance: Chance, today: date, low: int, high: int) -> date:
    """A birth date for an age in completed years from low to high."""
    latest = today.replace(year=today.year - low, day=min(today.day, 28))
    earliest = today.replace(year=today.year - high - 1, day=min(today.day, 28)) + timedelta(days=1)
    return earliest + timedelta(days=chance.randrange((latest - earliest).days + 1))


def citizen_id(province: str, sex: str, birth: date, six: int) -> str:
    """PPP + century and sex + YY + six digits; the third digit counts centuries from 1900 in steps of two."""
    century = (birth.year // 100 - 19) * 2 + (sex == "F")
    return f"{province}{century}{birth.year % 100:02d}{six:06d}"


def _insurance_object(chance: Chance, age: int, sex: str) -> str:
    if age < 6:
        return "TE"
    if age < 18:
        return chance.weighted((("HS", 95), ("CN", 3), ("HN", 2)))
    if age < 22:
        return chance.weighted((("SV", 70), ("DN", 20), ("GD", 10)))
    if age >= (61 if sex == "M" else 57):
        return chance.weighted((("HT", 48), ("GD", 28), ("CB", 8), ("BT", 6 + (age >= 80) * 20), ("CC", 2), ("TC", 4)))
    return chance.weighted((("DN", 55), ("GD", 24), ("HC", 10), ("TN", 2), ("CN", 3), ("HN", 2), ("TQ", 4)))


def make(i: int, seed: int, today: date, **fixed: Any) -> Person:
    """Person `i`. `fixed` may give name, sex, age (years), birth, insurance object: for the people whose story is written."""
    chance = Chance(seed, "who", i)
    (span, male), _ = chance.weighted([((k, w), w) for k, w in _pyramid()])
    low, high = (80, 97) if span == "80+" else map(int, span.split("-"))
    sex = fixed.get("sex") or ("M" if chance.happens(male) else "F")
    if "age" in fixed:
        low = high = fixed["age"]
    birth = fixed.get("birth") or _birth(chance, today, low, high)
    drawn = full_name(chance, sex, birth.year)
    age = today.year - birth.year
    six = (i * 618_033 + seed * 7_919) % 1_000_000
    social = (i * 61_803_399 + seed * 104_729) % 100_000_000
    province = chance.weighted((("001", 74), (chance.choice(rows("birth_provinces"))["code3"], 26)))
    has_id = chance.happens(0.97 if age >= 14 else 0.99)
    obj = fixed.get("object") or _insurance_object(chance, age, sex)
    insured = "object" in fixed or chance.happens(0.95) or age < 6
    level = by("insurance_objects")[obj]["usual_benefit_level"]
    phone = f"{chance.choice(rows('mobile_prefixes'))['prefix']}{chance.digits(7)}"
    return Person(
        i=i,
        seed=seed,
        id=stable_id("longbien-demo", seed, "Patient", i),
        name=fixed.get("name") or drawn,
        sex=sex,
        birth=birth,
        year_only=fixed.get("name") is None and chance.happens(0.4 if age > 84 else 0.05 if age > 64 else 0.0),
        citizen_id=citizen_id(province, sex, birth, six) if has_id else None,
        insurance=f"{obj}{level}01{'01'}{social:08d}" if insured else None,
        phone=phone if age >= 12 and chance.happens(0.93) else None,
        ethnicity=chance.weighted((("01", 98.5), ("06", 0.6), ("02", 0.4), ("07", 0.2), ("09", 0.1), ("03", 0.2))),
        home=chance.weighted((("SN", 38), ("BG", 47), ("PS", 15))),
    )


# Pairs that a reader confuses: tones moved or changed, one letter more.
_NEAR = {"Hòa": "Hoà", "Thúy": "Thuý", "Thủy": "Thúy", "Hoa": "Hòa", "Lan": "Lân", "Hùng": "Hưng", "Mai": "Mái", "Anh": "Ánh"}


def twin(person: Person, original: Person) -> Person:
    """`person` made into the namesake of `original`: same name (at times with another tone) and near birth date."""
    chance = Chance(person.seed, "twin", person.i)
    words = original.name.split()
    if chance.happens(0.6):
        words[-1] = _NEAR.get(words[-1], words[-1])
    birth = original.birth
    if chance.happens(0.5):
        birth = birth.replace(day=birth.day % 28 + 1)
    elif birth.day <= 12:
        birth = birth.replace(month=birth.day, day=min(birth.month, 28))
    cid = citizen_id(person.citizen_id[:3], original.sex, birth, int(person.citizen_id[-6:])) if person.citizen_id else None
    return replace(person, name=" ".join(words), sex=original.sex, birth=birth, citizen_id=cid, year_only=False)


# --- resources


def resources(p: Person, today: date) -> Iterator[Resource]:
    """Patient, Coverage and, for children, the RelatedPersons who care for them."""
    chance = Chance(p.seed, "papers", p.i)
    yield _patient(p, today, chance)
    if p.insurance:
        yield _coverage(p, today)
    if p.age(today) < 16:
        yield from _carers(p, chance)


def _identifier(use: str, kind: tuple[str, str], system: str, value: str) -> Resource:
    code, text = kind
    return {
        "use": use,
        "type": {"coding": [{"system": s.IDENTIFIER_TYPE, "code": code}], "text": text},
        "system": system,
        "value": value,
    }


def _address(chance: Chance) -> list[Resource]:
    ward = chance.choice(rows("wards_hanoi"))
    if ward["type"] == "Xã":
        line = f"Thôn {chance.randint(1, 9)}, số nhà {chance.randint(1, 180)}"
    else:
        house = f"Số {chance.randint(1, 320)}"
        line = f"{house} ngõ {chance.randint(2, 400)} {chance.choice(STREETS)}" if chance.happens(0.6) else ""
        line = line or f"{house} {chance.choice(STREETS)}"
    home: Resource = {
        "extension": [{"url": s.EXT_WARD, "valueCoding": {"system": s.WARD, "code": ward["code"], "display": ward["name"]}}],
        "use": "home",
        "text": f"{line}, {ward['name']}, Hà Nội",
        "line": [line],
        "district": ward["name"],
        "city": "Hà Nội",
        "country": "VN",
    }
    if not chance.happens(0.18):
        return [home]
    place, district = chance.choice(OLD_PLACES)
    text = f"{line}, {place}, {district}, Hà Nội"
    return [home, {"use": "old", "text": text, "period": {"end": "2025-06-30"}}]


def _patient(p: Person, today: date, chance: Chance) -> Resource:
    ids = []
    if p.citizen_id:
        ids.append(_identifier("official", ("NI", "Số định danh cá nhân"), s.CITIZEN_ID, p.citizen_id))
    if p.insurance:
        ids.append(_identifier("official", ("HC", "Thẻ BHYT"), s.INSURANCE_NUMBER, p.insurance))
        ids.append(_identifier("secondary", ("SS", "Mã số BHXH"), s.SOCIAL_INSURANCE_NUMBER, p.insurance[5:]))
    ids.append(_identifier("usual", ("MR", "Mã người bệnh"), s.PATIENT_NUMBER, f"{p.seed % 100:02d}{p.i:07d}"))
    names = [human_name(p.name)]
    age = p.age(today)
    if age >= 50 and chance.happens(0.08):
        call = ("Ông" if p.sex == "M" else "Bà") + " " + chance.choice(("Cả", "Hai", "Ba", "Tư", "Năm", "Út", "Tý", "Mão"))
        names.append({"use": "nickname", "text": call})
    group = by("ethnic_groups")[p.ethnicity]["name_vi"]
    patient: Resource = {
        "resourceType": "Patient",
        "id": p.id,
        "extension": [{"url": s.EXT_ETHNICITY, "valueCoding": {"system": s.ETHNICITY, "code": p.ethnicity, "display": group}}],
        "identifier": ids,
        "active": True,
        "name": names,
        "gender": "male" if p.sex == "M" else "female",
        "birthDate": str(p.birth.year) if p.year_only else p.birth.isoformat(),
        "address": _address(chance),
    }
    if p.phone:
        patient["telecom"] = [{"system": "phone", "value": p.phone, "use": "mobile", "rank": 1}]
    if age >= 60 and chance.happens(0.8):
        child = full_name(chance, chance.choice("MF"), p.birth.year + 28)
        patient["contact"] = [
            {
                "relationship": [{"coding": [{"system": s.ROLE_CODE, "code": "CHILD"}], "text": "con"}],
                "name": {"text": child},
                "telecom": [{"system": "phone", "value": f"09{chance.choice('123678')}{chance.digits(7)}"}],
            }
        ]
    patient["communication"] = [{"language": {"coding": [{"system": s.LANGUAGE, "code": "vi"}]}, "preferred": True}]
    patient["managingOrganization"] = facilities.organization_reference(p.home)
    return patient


def _coverage(p: Person, today: date) -> Resource:
    card = p.insurance or ""
    obj = by("insurance_objects")[card[:2]]
    until = date(today.year, 12, 31) if p.age(today) >= 6 else p.birth + timedelta(days=6 * 365 + 30)
    return {
        "resourceType": "Coverage",
        "id": stable_id(p.id, "Coverage"),
        "extension": [{"url": s.EXT_BENEFIT_LEVEL, "valueInteger": int(card[2])}],
        "identifier": [{"system": s.INSURANCE_NUMBER, "value": card}],
        "status": "active",
        "type": {"coding": [{"system": s.ACT_CODE, "code": "PUBLICPOL"}], "text": "Bảo hiểm y tế"},
        "subscriberId": card,
        "beneficiary": p.reference,
        "relationship": {"coding": [{"system": s.HL7 + "subscriber-relationship", "code": "self"}]},
        "period": {"start": f"{today.year}-01-01", "end": until.isoformat()},
        "payor": [{"reference": f"Organization/{facilities.INSURER}"}],
        "class": [
            {
                "type": {"coding": [{"system": s.HL7 + "coverage-class", "code": "group"}]},
                "value": card[:3],
                "name": f"{obj['name_short']}, mức {card[2]}, quỹ trả {obj['basic_rate_percent']}%",
            }
        ],
        "network": facilities.BY_MARK[p.home].code,
    }


def _carers(p: Person, chance: Chance) -> Iterator[Resource]:
    for kind, text, sex, share in (("MTH", "mẹ", "F", 0.97), ("FTH", "bố", "M", 0.45)):
        if not chance.happens(share):
            continue
        year = p.birth.year - chance.randint(22, 36)
        name = full_name(chance, sex, year)
        if kind == "FTH":
            name = " ".join([p.name.split()[0], *name.split()[1:]])
        yield {
            "resourceType": "RelatedPerson",
            "id": stable_id(p.id, "RelatedPerson", kind),
            "active": True,
            "patient": p.reference,
            "relationship": [{"coding": [{"system": s.ROLE_CODE, "code": kind}], "text": text}],
            "name": [human_name(name)],
            "telecom": [{"system": "phone", "value": f"09{chance.choice('0134678')}{chance.digits(7)}", "use": "mobile"}],
            "gender": "male" if sex == "M" else "female",
            "birthDate": str(year),
        }
