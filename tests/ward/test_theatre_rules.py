"""The theatre's rules as sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from longbien.base.words import words
from longbien.ward.theatre_rules import BY_KEY, STEPS, next_step, overlaps, parse_booking, parse_note, step_errors

NOW = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)  # 08:00 in Hanoi
W = words("vi")
HOUR = timedelta(hours=1)


def yes(step: str) -> dict[str, str]:
    return {a.key: "yes" for a in BY_KEY[step].asks}


def test_one_may_begin_when_the_other_ends() -> None:
    assert not overlaps((NOW, NOW + HOUR), (NOW + HOUR, NOW + 2 * HOUR))
    assert overlaps((NOW, NOW + HOUR), (NOW + HOUR - timedelta(minutes=1), NOW + 2 * HOUR))


def test_the_pauses_come_in_their_order() -> None:
    assert [next_step(set()), next_step({"sign-in"}), next_step({"sign-in", "time-out"})] == ["sign-in", "time-out", "sign-out"]
    assert next_step({s.key for s in STEPS}) == ""
    assert "step" in step_errors(BY_KEY["time-out"], yes("time-out"), {}, set())
    assert step_errors(BY_KEY["time-out"], yes("time-out"), {}, {"sign-in"}) == {}


def test_every_item_is_answered() -> None:
    assert set(step_errors(BY_KEY["sign-in"], {}, {}, set())) == {a.key for a in BY_KEY["sign-in"].asks}


def test_a_no_is_explained_and_some_stop_the_operation() -> None:
    step, said = BY_KEY["sign-in"], yes("sign-in") | {"airway": "no"}
    assert list(step_errors(step, said, {}, set())) == ["airway"]
    assert step_errors(step, said, {"airway": "Đã gọi người hỗ trợ"}, set()) == {}
    stopped = yes("sign-in") | {"identity": "no"}
    assert "identity" in step_errors(step, stopped, {"identity": "không rõ"}, set())


def test_only_some_items_may_not_apply() -> None:
    assert step_errors(BY_KEY["sign-in"], yes("sign-in") | {"site": "na"}, {}, set()) == {}
    assert "oximeter" in step_errors(BY_KEY["sign-in"], yes("sign-in") | {"oximeter": "na"}, {}, set())


def test_nineteen_items_as_the_world_health_organization_has_them() -> None:
    assert [len(s.asks) for s in STEPS] == [7, 7, 5]


def test_a_booking_names_what_where_when_and_who() -> None:
    _, errors = parse_booking({}, NOW, {"t1"}, W)
    assert set(errors) == {"what", "theatre", "when", "minutes", "surgeon"}
    good = {"what": "Cắt ruột thừa", "theatre": "t1", "day": "30/11/2026", "time": "23:30", "minutes": "60", "surgeon": "bs"}
    b, errors = parse_booking(good, NOW, {"t1"}, W)
    assert errors == {} and b.end.astimezone(UTC) == datetime(2026, 11, 30, 17, 30, tzinfo=UTC), "it goes over midnight"
    assert "when" in parse_booking(good | {"day": "28/11/2026"}, NOW, {"t1"}, W)[1]


def test_a_note_without_the_checklist_says_why() -> None:
    typed = {"start_day": "30/11/2026", "start_time": "06:00", "end_day": "30/11/2026", "end_time": "07:10", "grade": "2",
             "after": "Viêm ruột thừa", "method": "Nội soi", "steps": "Vào bụng"}  # fmt: skip
    assert list(parse_note(typed, NOW, {"sign-in"}, W)[1]) == ["without"]
    assert parse_note(typed, NOW, {s.key for s in STEPS}, W)[1] == {}
    assert "end" in parse_note(typed | {"end_time": "05:00"}, NOW, {s.key for s in STEPS}, W)[1]
    assert "end" in parse_note(typed | {"end_time": "09:00"}, NOW, {s.key for s in STEPS}, W)[1], "it has not ended yet"
