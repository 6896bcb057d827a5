"""The four hospitals: invented, staffed, with beds to lie in."""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from longbien.demo import facilities
from longbien.fhir import systems as s

SHARED = Path(os.environ.get("LONGBIEN_SHARED", Path(__file__).parents[3] / "shared"))
# Known hospitals of Hanoi beside the old list: the words that make their names.
REAL = (
    "bach mai",
    "viet duc",
    "thanh nhan",
    "xanh pon",
    "saint paul",
    "duc giang",
    "dong da",
    "tim ha noi",
    "ha dong",
    "son tay",
    "gia lam",
    "vinmec",
    "thu cuc",
    "hong ngoc",
    "tam anh",
    "huu nghi",
    "e hospital",
    "108",
    "103",
    "phu san",
    "nhi trung uong",
    "lao khoa",
    "k tan trieu",
    "medlatec",
    "long bien",
    "van dinh",
    "dong anh",
    "soc son",
    "thanh tri",
    "me linh",
)


def plain(text: str) -> str:
    folded = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return re.sub(r"[^a-z0-9 ]", "", folded)


def test_no_real_hospital_bears_one_of_these_names() -> None:
    for f in facilities.FACILITIES:
        assert not [w for w in REAL if re.search(rf"\b{w}\b", plain(f.name))], f.name
        assert f.code.startswith("99")


def test_no_name_or_code_is_on_the_old_list_of_hanoi() -> None:
    path = SHARED / "vietnam/codes/facilities_hanoi_bhyt_old.csv"
    if not path.exists():
        pytest.skip("the shared list of Hanoi's facilities is not here")
    with path.open(encoding="utf-8") as f:
        real = list(csv.DictReader(f))
    names, codes = {plain(r["ten_old"]) for r in real}, {r["ma_cskcb"] for r in real}
    words = {w for f in facilities.FACILITIES for w in [plain(f.name)]}
    assert not words & names
    proper = [plain(x) for x in ("Sông Nhị", "Bãi Giữa", "Nhịp Cầu", "Phù Sa")]
    assert not [n for n in names for w in proper if re.search(rf"\b{w}\b", n)]
    assert not {f.code for f in facilities.FACILITIES} & codes


def test_every_role_has_somebody_and_logins_are_unique() -> None:
    accounts = facilities.accounts()
    assert {a.role for a in accounts} == set(facilities.ROLES)
    assert len({a.login for a in accounts}) == len(accounts) > 100
    minh = next(a for a in accounts if a.login == "bs.minh")
    assert (minh.practitioner_id, minh.role, minh.organization_id, minh.department_id) == ("bs-minh", "doctor", "bv-sn", "sn-tm")
    assert minh.display == "BS. Lê Hoàng Minh"
    logins = {a.login for a in accounts}
    assert {"dd.ha", "tn.lan", "yt.giang"} <= logins
    assert all(re.fullmatch(r"[a-z]{2}\.[a-z]+\d*", x) for x in logins)


def test_accounts_point_to_resources_that_exist() -> None:
    there = {f"{r['resourceType']}/{r['id']}" for r in facilities.resources()}
    for a in facilities.accounts():
        assert {f"Practitioner/{a.practitioner_id}", f"PractitionerRole/{a.practitioner_role_id}"} <= there
        assert {f"Organization/{a.organization_id}", f"Organization/{a.department_id}"} <= there


def test_beds_hang_in_rooms_in_wards_in_sites() -> None:
    places: dict[str, dict[str, Any]] = {r["id"]: r for r in facilities.resources() if r["resourceType"] == "Location"}
    kinds = {i: r["physicalType"]["coding"][0]["code"] for i, r in places.items()}
    beds = [i for i, k in kinds.items() if k == "bd"]
    assert len(beds) > 300
    for bed in beds:
        room = places[bed]["partOf"]["reference"].split("/")[1]
        ward = places[room]["partOf"]["reference"].split("/")[1]
        site = places[ward]["partOf"]["reference"].split("/")[1]
        assert [kinds[x] for x in (room, ward, site)] == ["ro", "wa", "si"]
    assert places["sn-tm-g12"]["name"] == "P.412 · 12"


def test_facilities_carry_two_letter_marks() -> None:
    tops = [r for r in facilities.resources() if r["resourceType"] == "Organization" and r["id"].startswith("bv-")]
    assert sorted(r["extension"][0]["valueString"] for r in tops) == ["BG", "NC", "PS", "SN"]
    assert all(r["extension"][0]["url"] == s.EXT_MARK for r in tops)
