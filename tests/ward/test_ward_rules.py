"""Who lies where: the history of a stay's places."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from longbien.base import clock
from longbien.ward import rules
from longbien.ward.places import Bed, Ward, laid_out


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=clock.HANOI)


BED = Bed("g01", "P.410 · 01", "01", "p410", "P.410", "w")
OTHER = Bed("g02", "P.410 · 02", "02", "p410", "P.410", "w")
FAR = Bed("x01", "P.201 · 01", "01", "p201", "P.201", "icu")
WARD = Ward("w", "Khu điều trị", "tm", "Khoa Nội tim mạch", {"text": "Khoa Nội tim mạch"})
ICU = Ward("icu", "Khu hồi sức", "hstc", "Khoa Hồi sức", {"text": "Khoa Hồi sức"})


def a_stay() -> dict[str, Any]:
    bare = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "in-progress",
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p"},
    }
    return rules.moved(bare | {"period": {"start": clock.instant(at(20, 9))}}, BED, WARD, at(20, 9))


def test_who_is_admitted_lies_in_the_bed_since_then() -> None:
    assert rules.lies(a_stay()) == ("g01", at(20, 9))
    assert list(rules.held(a_stay())) == ["g01"]


def test_a_move_ends_the_place_before_at_the_same_moment() -> None:
    moved = rules.moved(a_stay(), OTHER, WARD, at(21, 14))
    first, second = moved["location"]
    assert (first["status"], first["period"]["end"]) == ("completed", second["period"]["start"])
    assert rules.lies(moved) == ("g02", at(21, 14))
    assert list(rules.held(moved)) == ["g02"]


def test_the_department_follows_the_bed() -> None:
    assert rules.moved(a_stay(), FAR, ICU, at(21, 14))["serviceType"]["text"] == "Khoa Hồi sức"


def test_the_stay_that_was_given_is_not_touched() -> None:
    stay = a_stay()
    rules.moved(stay, OTHER, WARD, at(21, 14))
    assert stay == a_stay()


def test_nobody_moves_before_having_come() -> None:
    stay = a_stay()
    assert rules.wrong_time(stay, at(20, 8, 59), at(21, 12)) == "before"
    assert rules.wrong_time(stay, at(20, 9), at(21, 12)) == ""


def test_nobody_moves_before_the_move_that_it_follows() -> None:
    stay = rules.moved(a_stay(), OTHER, WARD, at(21, 14))
    assert rules.wrong_time(stay, at(21, 13), at(21, 15)) == "before"


def test_nobody_moves_in_the_future_but_clocks_may_differ() -> None:
    assert rules.wrong_time(a_stay(), at(21, 12, 10), at(21, 12)) == "future"
    assert rules.wrong_time(a_stay(), at(21, 12, 4), at(21, 12)) == ""


def test_a_promised_bed_is_held_and_given_up_by_lying_elsewhere() -> None:
    kept = rules.promise(a_stay(), OTHER, at(21, 10))
    assert sorted(rules.held(kept)) == ["g01", "g02"]
    assert rules.promised(kept)[0] == "g02"
    moved = rules.moved(kept, FAR, ICU, at(21, 12))
    assert list(rules.held(moved)) == ["x01"]


def test_who_has_gone_home_holds_no_bed() -> None:
    done = rules.finished(a_stay(), at(22, 10))
    assert list(rules.held(done)) == [] and done["period"]["end"] == clock.instant(at(22, 10))


def test_a_cancelled_visit_holds_no_bed() -> None:
    assert list(rules.held(a_stay() | {"status": "cancelled"})) == []


def test_a_new_day_of_the_stay_begins_at_midnight_in_hanoi() -> None:
    assert rules.day_of_stay(at(20, 23, 50), at(20, 23, 59)) == 1
    assert rules.day_of_stay(at(20, 23, 50), at(21, 0, 1)) == 2


def test_a_ward_is_laid_out_from_its_locations() -> None:
    def place(id_: str, kind: str, above: str, **more: Any) -> dict[str, Any]:
        return {"id": id_, "name": id_, "physicalType": {"coding": [{"code": kind}]}, "partOf": {"reference": f"Location/{above}"},
                "managingOrganization": {"reference": "Organization/tm"}, **more}  # fmt: skip

    located = {x["id"]: x for x in (
        place("w", "wa", "site"), place("r1", "ro", "w"),
        place("b2", "bd", "r1", alias=["02"]), place("b1", "bd", "r1", alias=["01"]),
        place("old", "bd", "r1", status="inactive"), place("corridor", "bd", "w"), place("clinic", "ro", "site"),
    )}  # fmt: skip
    found = laid_out(located, {"tm": {"name": "Khoa Nội tim mạch"}})
    assert list(found.wards) == ["w"] and found.wards["w"].title == "Khoa Nội tim mạch"
    assert {b.id for b in found.wards["w"].beds} == {"b1", "b2", "corridor"}
    assert found.beds["b1"].room == "r1" and found.beds["corridor"].ward == "w"
