"""The scores' table and NEWS2 by the chart of the Royal College of Physicians (2017)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longbien.web.forms import scores

WELL: dict[str, Any] = {
    "breaths": 16, "spo2": 98, "oxygen": False, "systolic": 120, "pulse": 70, "consciousness": "A", "temperature": Decimal("37.0"),
}  # fmt: skip


@pytest.mark.parametrize(
    "changed, total",
    [
        ({}, 0),
        ({"breaths": 8}, 3), ({"breaths": 9}, 1), ({"breaths": 11}, 1), ({"breaths": 12}, 0), ({"breaths": 20}, 0),
        ({"breaths": 21}, 2), ({"breaths": 24}, 2), ({"breaths": 25}, 3),
        ({"spo2": 91}, 3), ({"spo2": 92}, 2), ({"spo2": 93}, 2), ({"spo2": 94}, 1), ({"spo2": 95}, 1), ({"spo2": 96}, 0),
        ({"oxygen": True}, 2),
        ({"spo2": 83, "scale": 2}, 3), ({"spo2": 84, "scale": 2}, 2), ({"spo2": 86, "scale": 2}, 1), ({"spo2": 88, "scale": 2}, 0),
        ({"spo2": 92, "scale": 2}, 0), ({"spo2": 97, "scale": 2}, 0), ({"spo2": 93, "scale": 2, "oxygen": True}, 3),
        ({"spo2": 95, "scale": 2, "oxygen": True}, 4), ({"spo2": 97, "scale": 2, "oxygen": True}, 5),
        ({"systolic": 90}, 3), ({"systolic": 91}, 2), ({"systolic": 100}, 2), ({"systolic": 101}, 1), ({"systolic": 110}, 1),
        ({"systolic": 111}, 0), ({"systolic": 219}, 0), ({"systolic": 220}, 3),
        ({"pulse": 40}, 3), ({"pulse": 41}, 1), ({"pulse": 50}, 1), ({"pulse": 51}, 0), ({"pulse": 90}, 0), ({"pulse": 91}, 1),
        ({"pulse": 110}, 1), ({"pulse": 111}, 2), ({"pulse": 130}, 2), ({"pulse": 131}, 3),
        ({"consciousness": "C"}, 3), ({"consciousness": "U"}, 3),
        ({"temperature": Decimal("35.0")}, 3), ({"temperature": Decimal("35.1")}, 1), ({"temperature": Decimal("36.0")}, 1),
        ({"temperature": Decimal("36.1")}, 0), ({"temperature": Decimal("38.0")}, 0), ({"temperature": Decimal("38.1")}, 1),
        ({"temperature": Decimal("39.0")}, 1), ({"temperature": Decimal("39.1")}, 2), ({"temperature": Decimal("38.04")}, 0),
    ],
)  # fmt: skip
def test_every_edge_of_the_news2_chart(changed: dict[str, Any], total: int) -> None:
    found = scores.news2(**{**WELL, **changed})
    assert (found.total, found.complete) == (total, True)


def test_a_worked_example_adds_up_and_says_why() -> None:
    found = scores.news2(breaths=22, spo2=94, oxygen=True, systolic=105, pulse=112, consciousness="A", temperature=Decimal("38.4"))
    assert [p.points for p in found.points] == [2, 1, 2, 1, 2, 0, 1]
    assert (found.total, found.response, found.points[0].rule.vi) == (9, "high", "21-24")
    assert found.threshold.advice.en == "Critical care team at once; continuous monitoring"


def test_three_in_one_parameter_asks_for_a_doctor_even_where_the_sum_is_low() -> None:
    found = scores.news2(**{**WELL, "consciousness": "V"})
    assert (found.total, found.response, found.singles) == (3, "low-medium", ("acvpu",))
    assert scores.news2(**{**WELL, "consciousness": "V", "pulse": 112}).response == "medium"


def test_what_is_not_charted_is_named_and_the_sum_is_not_complete() -> None:
    found = scores.news2(**{**WELL, "consciousness": None, "oxygen": None})
    assert found.missing == ("o2", "acvpu") and not found.complete


numbers = st.none() | st.decimals(-10, 400, places=2) | st.integers(-10, 400)


oxygen, level = st.none() | st.booleans(), st.none() | st.sampled_from("ACVPU")


@given(numbers, numbers, oxygen, numbers, numbers, level, numbers, st.sampled_from([1, 2]))
def test_any_measures_have_a_sum_within_its_bounds(b: Any, s: Any, o: Any, y: Any, p: Any, c: Any, t: Any, scale: Any) -> None:
    found = scores.news2(breaths=b, spo2=s, oxygen=o, systolic=y, pulse=p, consciousness=c, temperature=t, scale=scale)
    assert 0 <= found.total <= 20 and found.total == sum(p.points or 0 for p in found.points)


def test_all_eighteen_scores_stand_in_both_languages() -> None:
    assert len(scores.table()) == 18
    for score in scores.table().values():
        said = [
            score.name,
            score.ages,
            score.source,
            *(i.text for i in score.items),
            *(o.text for i in score.items for o in i.options),
        ]
        said += [x for t in score.thresholds for x in (t.label, t.text)]
        assert all(s.vi and s.en for s in said), score.key
        assert not any(set(s.en.lower()) & set("ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ") for s in said), score.key


def test_every_sum_a_score_can_have_means_something() -> None:
    for score in scores.table().values():
        if not score.items or score.key in ("SOFA", "NRSPAIN"):
            continue
        low, high = (sum(f(o.points for o in i.options) for i in score.items) for f in (min, max))
        assert all(scores.threshold(score, n) for n in range(low, high + 1)), score.key
