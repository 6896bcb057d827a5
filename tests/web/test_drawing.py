"""The pure drawing of the chart: time, sparklines, bars, marks, news."""

from __future__ import annotations

import gzip
import re
import time
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from lives import LOOK, NOW, at, crowded, heart_failure

from longbien.base.words import words
from longbien.web import render
from longbien.web.chart import axis as axes
from longbien.web.chart import bars, pins
from longbien.web.chart.measures import table
from longbien.web.chart.model import build
from longbien.web.chart.record import DrugOrder, Problem, Taken, initials, pending, pregnancy, short_place
from longbien.web.chart.spark import Limits, scale, spark, thin

VI = words("vi")
STAY = at("16/11/26 08:00")


def joined(stay: bool = True) -> axes.Axis:
    return axes.joined(NOW, at("12/03/22"), NOW, STAY if stay else None, LOOK)


def test_the_axis_gives_five_years_thirty_the_stay_forty_and_the_day_thirty_percent() -> None:
    axis = joined()
    assert [(s.left, s.right) for s in axis.segments] == [(0, 30), (30, 70), (70, 100)] and axes.monotone(axis)
    assert axis.x(STAY) == 30 and axis.x(NOW - timedelta(days=1)) == 70 and axis.x(NOW + timedelta(days=9)) == 100


def test_outside_hospital_there_are_two_speeds_and_an_old_life_is_drawn_whole() -> None:
    assert [s.kind for s in joined(stay=False).segments] == ["years", "months"]
    old = axes.joined(NOW, at("01/01/79"), at("01/01/11"), None, None)
    assert [s.kind for s in old.segments] == ["life"] and old.shows(at("01/01/79"))


@given(st.lists(st.integers(0, 5 * 365 * 24 * 60), min_size=2, max_size=50))
def test_time_never_runs_backwards_on_the_axis(minutes: list[int]) -> None:
    axis = joined()
    times = [NOW - timedelta(minutes=m) for m in sorted(minutes, reverse=True)]
    xs = axis.xs(times)
    assert xs == sorted(xs) and all(abs(axis.x(t) - x) < 0.01 for t, x in zip(times, xs, strict=True))


def test_ticks_keep_their_distance_in_every_span() -> None:
    for span in axes.SPANS:
        axis = axes.choose(span, NOW, at("12/03/22"), NOW, STAY, LOOK)
        xs = [t.x for t in axis.ticks(VI)]
        assert len(xs) >= 3 and all(b - a >= 3.5 for a, b in pairwise(xs)), span


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-1e6, 1e6)), min_size=1, max_size=3000))
@settings(max_examples=40, deadline=None)
def test_thinning_keeps_the_extremes_the_ends_and_the_order(points: list[tuple[float, float]]) -> None:
    points.sort(key=lambda p: p[0])
    kept = thin(points)
    values = [v for _, v in points]
    assert len(kept) <= 2 * 400 + 3
    assert max(v for _, v in kept) == max(values) and min(v for _, v in kept) == min(values)
    assert kept[-1] == points[-1] and [p[0] for p in kept] == sorted(p[0] for p in kept)


def test_a_limit_is_inside_the_range_and_a_critical_limit_is_critical() -> None:
    k = Limits(3.5, 5.0, 2.8, 6.2)
    assert [k.flag(v) for v in (5.0, 5.1, 6.2, 3.5, 3.4, 2.8)] == ["", "up", "cr up", "", "dn", "cr dn"]
    assert Limits(None, 5).flag(-1) == "" and Limits().flag(1e9) == ""


def test_the_catalogue_knows_sex_and_age() -> None:
    creatinine = table()["14682-9"]
    man, child = creatinine.band("male", 71 * 365), creatinine.band("female", 1000)
    assert man and (man.low, man.high, man.critical_high) == (62, 115, 450)
    assert child and child.high == 42
    unknown = creatinine.band(None, 71 * 365)
    assert unknown and (unknown.low, unknown.high) == (53, 115)


def test_a_sparkline_is_one_svg_with_html_marks_and_nothing_of_the_data_can_break_out() -> None:
    life = heart_failure()
    potassium = next(s for s in life.series if s.code == "2823-3")
    html = spark(joined(), potassium.times, potassium.values, Limits(3.5, 5, 2.8, 6.2), VI, decimals=1)
    assert html.count("<svg") == 1 and 'class="pin cr"' in html and html.count('class="pin up"') == 2
    assert spark(joined(), [], [], Limits(), VI) == ""


def test_doses_of_one_drug_join_change_and_stop_on_one_row() -> None:
    rows = bars.rows(heart_failure().drugs, NOW)
    furosemide = next(r for r in rows if r.key == "C03CA01")
    assert [c.dose for c in furosemide.courses] == ["20 mg", "40 mg tiêm × 2", "20 mg"] and furosemide.now == "20 mg"
    losartan = next(r for r in rows if r.key == "C09CA01")
    assert losartan.stopped and losartan.now == "" and rows[-1] is losartan
    drawn = bars.draw(furosemide, joined(), STAY)
    assert [b.look for b in drawn] == ["old", "", "new"]
    assert [b.look for b in bars.draw(losartan, joined(), STAY)] == ["stop"]


def test_monthly_refills_of_one_dose_are_one_bar() -> None:
    monthly = [
        DrugOrder(f"m{i}", "A", "Metformin", "500 mg", NOW - timedelta(days=30 * i), NOW - timedelta(days=30 * i - 30), "completed")
        for i in range(1, 20)
    ]
    (row,) = bars.rows(monthly, NOW)
    assert len(row.courses) == 1 and len(row.courses[0].ids) == 19


def test_crowded_marks_are_gathered_and_counted_never_lost_and_new_ones_stay_apart() -> None:
    items = [(NOW - timedelta(days=d), f"v{d}", "SN", "") for d in range(1500, 0, -2)]
    axis = joined()
    found = pins.gather(items, axis.xs, 4.4)
    assert sum(p.count for p in found) == len(items) and len(found) < 25
    new = [(LOOK - timedelta(minutes=1), "a", "", ""), (LOOK + timedelta(minutes=1), "b", "", "")]
    assert [(p.count, p.new) for p in pins.gather(new, axis.xs, 4.4, LOOK)] == [(1, False), (1, True)]


def test_what_is_new_begins_with_what_is_critical_and_names_its_change() -> None:
    chart = build(heart_failure(), VI, NOW, LOOK)
    first = chart.news[0]
    assert (
        first.level == "critical" and first.title == "Kali 6,2 mmol/L" and first.text == "tăng từ 5,8" and first.ack == "2823-3-6"
    )
    said = {n.kind for n in chart.news}
    assert {"result", "vitals", "drug", "note", "image", "pending"} <= said
    drug = next(n for n in chart.news if n.kind == "drug")
    assert drug.title == "Furosemid" and drug.text == "40 mg tiêm × 2 → 20 mg"


def test_a_critical_result_stays_until_somebody_acknowledges_it() -> None:
    life = heart_failure()
    assert any(n.ack for n in build(life, VI, NOW, NOW - timedelta(minutes=1)).news)
    life.acknowledged = {"2823-3-6": Taken("ĐD. Hà", NOW - timedelta(minutes=9))}
    news = build(life, VI, NOW, NOW - timedelta(hours=12)).news
    assert not any(n.ack for n in news)
    assert "đã nhận 08:03, ĐD. Hà" in next(n.text for n in news if n.title.startswith("Kali"))


def test_facilities_have_short_names_and_marks() -> None:
    assert short_place("Bệnh viện Đa khoa Thành phố Sông Nhị") == "Sông Nhị" and initials("Bệnh viện tim Hồ Sen") == "HS"


def test_a_chart_of_nothing_opens() -> None:
    life = heart_failure()
    life.visits, life.drugs, life.notes, life.images, life.series, life.pending = [], [], [], [], [], []
    chart = build(life, VI, NOW, None)
    assert chart.news == [] and chart.vitals == [] and [s.kind for s in chart.axis.segments] == ["life"]


def test_seven_hundred_encounters_and_ten_thousand_values_fit_the_wire() -> None:
    """150 kB over the wire is the budget of the whole page; the axis and the news are all that grows with a life."""
    chart = build(crowded(), VI, NOW, LOOK)
    html = (
        render.environment()
        .get_template("chart/axis.html")
        .render(chart=chart, w=VI, _=VI, now=NOW, person=heart_failure().person, spans=axes.SPANS, life=None)
    )
    assert len(gzip.compress(html.encode())) < 60_000
    assert re.search(r">\d+</b></span></a>", html), "crowded visits show their number"
    began = time.process_time()
    build(crowded(), VI, NOW, LOOK)
    assert time.process_time() - began < 2.0  # a guard against the quadratic; the figure is measured in bench/


def test_what_moves_within_the_range_is_seen_to_move() -> None:
    """A pulse from 66 to 92 is no flat line, though all of it is normal; one that hardly moves stays calm."""
    y = scale([66, 92, 75], Limits(60, 100), 32)
    assert y(66) - y(92) >= 12
    calm = scale([75, 76], Limits(60, 100), 32)
    assert calm(75) - calm(76) <= 2


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.lists(st.floats(0, 100), max_size=2))
@settings(max_examples=60, deadline=None)
def test_marks_never_cover_each_other(places: list[float], walls: list[float]) -> None:
    """As long as there is room: they give way to the left."""
    marks = [pins.Pin(x, "", 1, NOW, NOW, ()) for x in sorted(places)]
    spread = pins.spread(marks, 3.0, walls)
    free = [p.x for p in spread if p.x > 0]
    assert len(spread) == len(marks) and all(b - a >= 2.99 for a, b in pairwise(free))


def test_a_pregnancy_is_told_by_its_diagnosis_and_ends_by_itself() -> None:
    carried = Problem("p", "Thai 20 tuần", "Z34.9", True, "2026-08-01")
    assert pregnancy([carried], NOW) == "Thai 20 tuần"
    assert pregnancy([replace(carried, onset="2025-11-01")], NOW) == "" and pregnancy([replace(carried, active=False)], NOW) == ""
    assert pregnancy([replace(carried, code="O90.0")], NOW) == ""


def test_an_order_is_late_when_its_own_time_has_passed() -> None:
    order = {"status": "active", "intent": "order", "authoredOn": "2026-11-22T16:20:00+07:00", "code": {"text": "Cấy máu"}}
    assert (x := pending(order, "vi")) and x.due - x.ordered == timedelta(hours=24)
    order["occurrencePeriod"] = {"end": "2026-11-23T04:20:00+07:00"}  # type: ignore[assignment]
    assert (x := pending(order, "vi")) and x.due == at("23/11/26 04:20")
