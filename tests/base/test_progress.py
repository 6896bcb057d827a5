from __future__ import annotations

import io

from longbien.base.progress import Progress, duration


def test_the_line_tells_share_rate_and_time_left() -> None:
    bar = Progress("patients", total=300)
    bar.done = 75
    assert bar.line(5.0) == "patients ━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌  25%  75/300  15/s  15 s left"
    bar.done = 300
    assert bar.line(20.0) == "patients ━━━━━━━━━━━━━━━━━━━━ 100%  300/300  15/s"


def test_without_a_total_there_is_no_share() -> None:
    bar = Progress("resources")
    bar.done, bar.note = 12_000, "a.ndjson"
    assert bar.line(4.0) == "resources: 12,000  3,000/s  a.ndjson"
    assert Progress("nothing", total=0).line(0.0) == "nothing: 0  0/s"


def test_away_from_a_terminal_quick_work_is_one_line() -> None:
    out = io.StringIO()
    with Progress("patients", total=3, out=out) as bar:
        for _ in range(3):
            bar.add()
    assert out.getvalue().count("\n") == 1
    assert "3/3" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_durations_as_people_say_them() -> None:
    assert [duration(s) for s in (0.44, 12, 59.6, 200, 7500)] == ["0.4 s", "12 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"]
