"""What is true of queues, cards, insurance, addresses and likeness: rules alone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longbien.base import clock
from longbien.reception import addresses, cards, cover, identity, registering, rules, tables, tickets
from longbien.reception.cover import Cover
from longbien.reception.registering import NEWBORN, UNIDENTIFIED
from longbien.reception.rules import Ticket
from longbien.record.change import Resource

TODAY = date(2026, 11, 30)
NOW = datetime(2026, 11, 30, 9, tzinfo=clock.HANOI)


def ticket(label: str, minutes: int, state: str = "waiting", called: int | None = None) -> Ticket:
    came = NOW + timedelta(minutes=minutes)
    return Ticket(
        label, label[0], int(label[1:]), state, came, came, NOW + timedelta(minutes=called) if called is not None else None
    )


def labels(line: list[Ticket]) -> list[str]:
    return [t.task for t in line]


# ---- queues


def test_two_of_those_ahead_then_one_of_the_others() -> None:
    waiting = [ticket("B1", -60), ticket("B2", -50), ticket("A1", -20), ticket("A2", -15), ticket("A3", -10)]
    assert labels(rules.line(waiting, [], NOW)) == ["A1", "A2", "B1", "A3", "B2"]
    assert labels(rules.line(waiting, ["A", "A", "B"], NOW)) == ["B1", "A1", "A2", "B2", "A3"]
    assert labels(rules.line(waiting[2:], ["A", "A", "A"], NOW)) == ["A1", "A2", "A3"]


def test_a_booked_one_whose_time_has_not_come_stands_behind() -> None:
    assert labels(rules.line([ticket("C1", 30), ticket("B1", -1), ticket("C2", -2)], [], NOW)) == ["C2", "B1", "C1"]


def test_who_comes_early_stands_as_of_the_appointment_and_who_comes_late_as_without_one() -> None:
    at = NOW + timedelta(minutes=60)
    assert rules.turn(NOW, at) == at and rules.turn(at - timedelta(minutes=10), at) == at - timedelta(minutes=10)
    assert rules.turn(at + timedelta(minutes=20), at) == at
    assert rules.turn(at + timedelta(minutes=31), at) == at + timedelta(minutes=31) and rules.turn(NOW, None) == NOW


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(-200, 60)), max_size=25), st.lists(st.sampled_from("ABC"), max_size=6)
)
def test_everybody_is_called_once_in_their_own_order(who: list[tuple[str, int]], recent: list[str]) -> None:
    waiting = [ticket(f"{letter}{n + 1}", minutes) for n, (letter, minutes) in enumerate(who)]
    line = rules.line(waiting, recent, NOW)
    assert sorted(labels(line)) == sorted(labels(waiting))
    own = [t for t in line if t.letter == "B"]
    assert own == sorted(own, key=lambda t: (t.turn, t.came, t.number))


def test_the_pace_is_that_of_the_room_and_idle_hours_do_not_count() -> None:
    start = NOW - timedelta(hours=3)
    busy = [(start, start + timedelta(minutes=12 * n)) for n in range(8)]
    assert rules.pace(busy) == timedelta(minutes=12)
    idle = [(start + timedelta(minutes=40 * n), start + timedelta(minutes=40 * n + 1)) for n in range(8)]
    assert rules.pace(idle) == rules.DEFAULT_PACE and rules.pace(idle, timedelta(minutes=5)) == timedelta(minutes=5)
    assert rules.pace([(start, start), (start, start + timedelta(hours=4)), (start, start + timedelta(hours=8))]) <= rules.LONGEST


def test_the_wait_counts_what_is_left_of_the_one_inside() -> None:
    each = timedelta(minutes=10)
    assert rules.wait(0, each, None) == 0 and rules.wait(2, each, timedelta(minutes=4)) == 26
    assert rules.wait(1, each, timedelta(minutes=30)) == 10


def test_a_number_goes_only_where_it_may() -> None:
    assert rules.may("call", "waiting") and rules.may("call", "missed") and not rules.may("call", "done")
    assert not rules.may("miss", "inside") and not rules.may("move", "done")
    assert all(to in rules.STATES for _, to in rules.MOVES.values())


@pytest.mark.parametrize(
    ("born", "code"),
    [
        ("2021-12-01", "under-6"),
        ("2020-11-30", None),
        ("1951-11-30", "from-75"),
        ("1951-12-01", None),
        ("1951", None),
        ("1950", "from-75"),
        ("", None),
    ],
)
def test_age_alone_puts_children_under_6_and_people_of_75_first(born: str, code: str | None) -> None:
    assert rules.priority_by_age(born, TODAY) == code


def test_a_ticket_task_that_is_none_is_refused() -> None:
    task: Resource = {"resourceType": "Task", "id": "t", "status": "requested", "for": {"reference": "Patient/p"}}
    for value in ("", "room.2026-11-30", "room.2026-13-30.B01", "room.2026-11-30.b1"):
        with pytest.raises(tickets.Invalid):
            tickets.row_of({**task, "identifier": [{"system": tickets.s.QUEUE_TICKET, "value": value}]})


# ---- insurance


def card(number: str = "HT3010123456789", end: date | None = date(2026, 12, 31), network: str = "99001") -> Cover:
    return Cover(number, int(number[2]) if len(number) == 15 else None, date(2026, 1, 1), end, network)


def test_the_level_says_the_share_and_the_days_say_whether_it_runs() -> None:
    assert [card(f"XX{n}010123456789").percent for n in (1, 2, 3, 4, 5)] == [100, 100, 95, 80, 100]
    assert card("0123456789").percent is None
    assert [card(end=e).state(TODAY) for e in (TODAY, date(2026, 11, 29), None)] == ["runs", "ended", "unknown"]


def test_the_line_is_proposed_and_where_it_must_be_asked_nothing_is_said() -> None:
    assert cover.line(card(), "99001", TODAY) == "1.1"
    assert cover.line(card(network="01003"), "99001", TODAY) is None
    assert cover.line(card(network="01003"), "99001", TODAY, follow_up=True) == "1.5"
    assert cover.line(card(network="01003"), "99001", TODAY, emergency=True) == "2"
    assert cover.line(card(end=date(2026, 1, 2)), "99001", TODAY) == "9" == cover.line(None, "99001", TODAY)


def test_the_share_of_an_outpatient_changed_in_july_2026() -> None:
    assert tables.lines(date(2026, 6, 30))["1.13"].percent == 0 and tables.lines(date(2026, 7, 1))["1.13"].percent == 50
    assert cover.pays(card(), "1.1", TODAY) == 95 and cover.pays(card(), "1.13", TODAY) == 47
    assert cover.pays(card(), None, TODAY) is None and cover.pays(None, "9", TODAY) == 0


def test_a_newer_card_renews_and_a_short_number_does_not_replace_a_long_one() -> None:
    old, new = card(end=date(2025, 12, 31)), card()
    assert cover.renews(new, old) and not cover.renews(new, new)
    short = Cover("0123456789", None, date(2026, 1, 1), date(2026, 12, 31), "99001")
    assert cover.merged(short, old).number == old.number and cover.merged(short, old).ends == date(2026, 12, 31)


# ---- cards, numbers, addresses


def hexed(text: str) -> str:
    return text.encode().hex()


CITIZEN = "001195123456|012345678|ĐOÀN THỊ BÍCH HẠNH|17061995|Nữ|Số 8 ngõ 2, Trúc Bạch, Ba Đình, Hà Nội|01012022"
INSURANCE = (
    f"DN4010123456789|{hexed('Đoàn Thị Bích Hạnh')}|17/06/1995|2|{hexed('Ba Đình')}|99 - 001|01/01/2026|31/12/2026|x|x|-|4|x|y|$"
)


def test_two_cards_of_one_person_lie_together_and_of_two_do_not() -> None:
    both = cards.cards(CITIZEN, "", INSURANCE)
    assert both.citizen and both.insurance and not both.note
    other = CITIZEN.replace("ĐOÀN THỊ BÍCH HẠNH", "LÊ VĂN BA")
    swapped = cards.cards("", INSURANCE, other)
    assert swapped.citizen and swapped.insurance is None and swapped.note
    rubbish = cards.cards(CITIZEN, "", "rác|rưởi")
    assert rubbish.citizen and rubbish.error


@given(st.text(max_size=300))
def test_rubbish_from_a_scanner_is_said_to_be_rubbish_and_never_breaks_the_desk(text: str) -> None:
    read = cards.cards("", "", text)
    assert bool(read) or not text or read.error


def test_the_form_is_filled_from_both_cards() -> None:
    values = registering.of_cards(cards.cards(CITIZEN, "", INSURANCE))
    assert values["name"] == "Đoàn Thị Bích Hạnh" and values["birth"] == "17/06/1995" and values["sex"] == "female"
    assert values["ward"] == "Phường Ba Đình, Thành phố Hà Nội" and values["old_address"].endswith("Ba Đình, Hà Nội")
    assert (values["card"], values["card_ends"], values["card_place"]) == ("DN 4 01 0123456789", "31/12/2026", "99001")
    draft = registering.read(values, "", "p", NOW, TODAY)
    assert draft.faults == {} and draft.cover and draft.cover.level == 4
    assert [i["value"] for i in draft.patient["identifier"]] == ["001195123456", "012345678", "DN4010123456789", "0123456789"]
    assert [a["use"] for a in draft.patient["address"]] == ["home", "old"]


def form(**more: str) -> dict[str, str]:
    return {"name": "Nguyễn Thị Na", "birth": "04/05/1980", "sex": "female", **more}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("citizen_id", "00118012345", "One digit is missing."),
        ("citizen_id", "999180123456", "province"),
        ("telephone", "0912 555 38", "One digit is missing."),
        ("birth", "31/02/1980", "passed"),
        ("birth", "01/12/2026", "passed"),
        ("birth", "1800", "passed"),
        ("birth", "", "Say the birth"),
        ("name", "", "Say the name"),
        ("name", "Na " * 100, "200 letters"),
        ("sex", "", "Say the sex"),
        ("ward", "Ba Đình", "Choose a ward"),
        ("old_citizen_id", "12345678", "9 digits"),
        ("passport", "B1", "6 to 12"),
        ("card", "HT30101234", "insurance number"),
        ("card_place", "99", "five"),
        ("carer_telephone", "0912", "missing"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(field: str, value: str, said: str) -> None:
    more = {"card": "HT3010123456789"} if field == "card_place" else {}
    assert said in registering.read(form(**more, **{field: value}), "", "p", NOW, TODAY).faults[field]


def test_a_number_that_does_not_fit_birth_and_sex_is_a_doubt_and_no_fault() -> None:
    draft = registering.read(form(citizen_id="001080123456"), "", "p", NOW, TODAY)
    assert not draft.faults and "sex" in draft.doubts["citizen_id"]


def test_a_name_of_two_hundred_letters_is_taken_and_one_more_is_not() -> None:
    long = "Nguyễn " + "A" * 193
    assert not registering.read(form(name=long), "", "p", NOW, TODAY).faults
    assert "name" in registering.read(form(name=long + "B"), "", "p", NOW, TODAY).faults


def test_a_child_needs_somebody_who_cares_for_it() -> None:
    child = form(birth="04/05/2020")
    assert "carer_name" in registering.read(child, "", "p", NOW, TODAY).faults
    draft = registering.read({**child, "carer_name": "Trần Thị Mẹ", "carer_relation": "MTH"}, "", "p", NOW, TODAY)
    assert not draft.faults and draft.others[0]["relationship"][0]["text"] == "mẹ"


def test_a_newborn_has_a_number_of_the_house_until_the_birth_is_registered() -> None:
    draft = registering.read(form(name="Con bà Hoa", birth="29/11/2026", carer_name="Lê Thị Hoa"), NEWBORN, "p", NOW, TODAY)
    assert not draft.faults and draft.patient["name"][0]["use"] == "temp"
    assert "birth" in registering.read(form(birth="01/10/2026", carer_name="x y"), NEWBORN, "p", NOW, TODAY).faults
    number = registering.temporary(NEWBORN, "SN", TODAY, 7)
    assert (number["value"], number["use"], number["period"]["end"]) == ("SSSN261130007", "temp", "2027-01-29")


def test_an_unidentified_patient_is_what_can_be_seen() -> None:
    draft = registering.read({"name": "áo xanh", "age": "40", "sex": "male"}, UNIDENTIFIED, "p", NOW, TODAY)
    assert not draft.faults and draft.patient["birthDate"] == "1986"
    assert draft.patient["name"] == [{"use": "anonymous", "text": "Chưa rõ danh tính, nam, khoảng 40 tuổi, áo xanh"}]
    assert not registering.read({}, UNIDENTIFIED, "p", NOW, TODAY).faults
    assert "age" in registering.read({"age": "bốn mươi"}, UNIDENTIFIED, "p", NOW, TODAY).faults


@pytest.mark.parametrize(
    ("text", "house", "ward", "old"),
    [
        ("Số 5 phố Cầu Gỗ, Phường Vĩnh Tuy, Thành phố Hà Nội", "Số 5 phố Cầu Gỗ", "Phường Vĩnh Tuy, Thành phố Hà Nội", False),
        ("Thôn 3, Sóc Sơn, Hà Nội", "Thôn 3", "Xã Sóc Sơn, Thành phố Hà Nội", False),
        ("Số 8 ngõ 2, Trúc Bạch, Ba Đình, Hà Nội", "Số 8 ngõ 2", "Phường Ba Đình, Thành phố Hà Nội", True),
        ("Số 9, Bồ Đề, Long Biên, Hà Nội", "Số 9", "", True),  # its old ward went to several
        ("nơi nào đó", "nơi nào đó", "", False),
        ("", "", "", False),
    ],
)
def test_an_address_is_two_levels_today_and_what_stood_before_is_kept(text: str, house: str, ward: str, old: bool) -> None:
    place = addresses.read(text)
    assert (place.house, addresses.shown(place.ward), bool(place.old)) == (house, ward, old)
    assert addresses.of_resource({"address": addresses.resource(place)}).ward == place.ward


def test_wards_are_found_without_tones_and_read_back() -> None:
    assert next(w.name for w in addresses.find("vinh tuy")) == "Phường Vĩnh Tuy"
    assert all(addresses.named(addresses.shown(w.code)) == w.code for w in list(tables.wards().values())[:400])
    assert addresses.find("x") == [] and addresses.named("Phường Không Có, Thành phố Hà Nội") == ""


def human(name: str, born: str = "1980-05-04", ward: str = "00004", **more: Any) -> dict[str, Any]:
    place = addresses.resource(addresses.Place("Số 1", ward)) if ward else []
    return {"name": [{"text": name}], "birthDate": born, "gender": "female", "address": place, **more}


@pytest.mark.parametrize(
    ("name", "born", "grade"),
    [
        ("Trần Thị Hoà", "1980-05-04", "probable"),
        ("Tran Thi Hoa", "1980-05-04", "probable"),
        ("Trần Thị Hoàn", "1980-05-04", "probable"),
        ("Trần Thị Hòa", "1980-04-05", "probable"),
        ("Trần Thị Hòa", "1980", "probable"),
        ("Trần Thị Hòa", "1955-01-01", "possible"),
        ("Lê Văn Ba", "1980-05-04", "possible"),
    ],
)
def test_near_name_birth_and_ward_make_probable(name: str, born: str, grade: str) -> None:
    assert identity.likeness(human("Trần Thị Hòa"), human(name, born)).grade == grade


def test_one_number_makes_certain_unless_name_and_birth_speak_against_it() -> None:
    number = {"identifier": [identity.identifier("citizen", "001180000001")]}
    assert identity.likeness(human("Trần Thị Hòa", **number), human("Trần Hoà", "1980", **number)).grade == "certain"
    assert identity.likeness(human("Trần Thị Hòa", **number), human("Lý Văn Ba", "1950-01-01", **number)).grade == "possible"


def test_the_history_of_numbers_is_kept_when_the_citizen_card_comes() -> None:
    baby = {
        "identifier": [
            identity.identifier("newborn", "SSSN261130001", "temp"),
            identity.identifier("patient", "SN0000001", "usual"),
        ]
    }
    read = cards.cards(CITIZEN, "").citizen
    assert read is not None
    now = identity.known_now(baby, read)
    assert [(i["value"], i["use"]) for i in now] == [
        ("001195123456", "official"),
        ("SSSN261130001", "old"),
        ("SN0000001", "usual"),
        ("012345678", "old"),
    ]
