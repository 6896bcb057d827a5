import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import used

from longbien.base.fold import fold
from longbien.base.words import LOCALE, catalogue, choose, given_first, parse_instant, read_po, toned, underline, words

VI, EN = words("vi"), words("en")


def test_every_message_has_vietnamese() -> None:
    have = catalogue("vi")
    assert sorted({one for one, _, _ in used() if ("", one) not in have}) == []


def test_vietnamese_keeps_every_placeholder() -> None:
    def holes(text: str) -> set[str]:
        return set(re.findall(r"%\((\w+)\)s", text))

    wrong = {key: forms for (_, key), forms in catalogue("vi").items() if any(holes(f) != holes(key) for f in forms)}
    assert wrong == {}


def test_no_message_of_the_catalogue_is_unused() -> None:
    asked = {one for one, _, _ in used()}
    assert sorted(key for _, key in catalogue("vi") if key not in asked) == []


def test_a_message_means_the_same_in_every_room() -> None:
    """The rooms' words are one catalogue: of two translations of one message the later file's would win silently."""
    said: dict[str, set[tuple[str, ...]]] = {}
    for path in LOCALE.glob("vi*.po"):
        for (context, message), forms in read_po(path.read_text("utf-8")).items():
            if not context:
                said.setdefault(message, set()).add(tuple(forms))
    assert {m: forms for m, forms in said.items() if len(forms) > 1} == {}


def test_numbers_flip_their_separators() -> None:
    assert VI.number(1234.5) == "1.234,5" and EN.number(1234.5) == "1,234.5"
    assert VI.number(Decimal("6.20")) == "6,20" and VI.number(142.0) == "142" and VI.number(0.25, 3) == "0,250"
    assert VI.number(-0.3) == "−0,3" and VI.signed(0.4, 1) == "+0,4"
    assert VI.money(1234567) == "1.234.567\u00a0đ" and EN.money(923100) == "923,100\u00a0đ"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_a_number_reads_back_the_same_in_both_languages(value: float) -> None:
    vi = VI.number(value, 2).replace(".", "").replace(",", ".").replace("−", "-")
    assert float(vi) == pytest.approx(float(EN.number(value, 2).replace(",", "").replace("−", "-")))
    assert float(vi) == pytest.approx(value, abs=0.006)


def test_dates_are_day_month_year_on_hanois_clock() -> None:
    assert VI.date(datetime(2026, 11, 22, 23, 30, tzinfo=UTC)) == "23/11/2026"
    assert VI.date("1953") == "1953" and VI.date("1953-02") == "02/1953" and EN.date("1953-02-04") == "04/02/1953"
    assert VI.time(datetime(2026, 11, 23, 1, 24, tzinfo=UTC)) == "08:24"


def test_a_moment_says_as_much_of_the_day_as_is_needed() -> None:
    now = datetime(2026, 11, 23, 1, 12, tzinfo=UTC)
    assert VI.moment(now - timedelta(hours=2), now) == "06:12"
    assert VI.moment(now - timedelta(hours=10), now) == "22:12 hôm qua"
    assert EN.moment(now - timedelta(hours=10), now) == "22:12 yesterday"
    assert VI.moment(now - timedelta(days=7), now) == "16/11 08:12"
    assert VI.moment(now - timedelta(days=400), now) == "19/10/2025"


def test_ages_are_said_as_hospitals_here_say_them() -> None:
    today = date(2026, 11, 23)
    assert VI.age("1955-03-14", today) == "71 tuổi"
    assert VI.age("2020-12-01", today) == "71 tháng" and VI.age("2020-11-23", today) == "6 tuổi"
    assert VI.age("2026-11-20", today) == "3 ngày" and EN.age("2026-11-22", today) == "1 day"
    assert VI.age("1953", today) == "73 tuổi" and VI.age(None, today) == "" and VI.age("2027-01-01", today) == ""


def test_the_given_name_is_strong_and_everything_is_escaped() -> None:
    assert VI.name("Nguyễn Văn Thưởng") == '<span class="name">Nguyễn Văn <b>Thưởng</b></span>'
    assert "<script>" not in VI.name("Trần <script>") and VI.name("") == ""
    assert sorted(["Trần Bình", "Lê An", "Nguyễn An"], key=given_first) == ["Lê An", "Nguyễn An", "Trần Bình"]


def test_folding_forgets_tones_and_where_they_stand() -> None:
    assert fold("Đỗ Thị  HOÀ") == fold("do thi hòa") == "do thi hoa"
    assert toned("Hòa") == toned("Hoà") != toned("Hoá") and toned("Thuỷ") == toned("Thủy") != toned("Thúy")


def test_matched_syllables_are_marked_and_the_rest_is_escaped() -> None:
    assert underline("Nguyễn Thị <i>", ["thi"]) == "Nguyễn <mark>Thị</mark> &lt;i&gt;"


def test_a_language_is_chosen_by_wish_then_browser_then_vietnamese() -> None:
    assert choose("en") == "en" and choose("xx") == "vi" and choose(None, "fr, en;q=0.8") == "en" and choose(None, ";q=x") == "vi"


def test_a_po_file_is_read_with_its_plurals_and_continued_lines() -> None:
    text = 'msgid ""\nmsgstr "x"\n\n#, fuzzy\nmsgid "a"\nmsgstr "b"\n\nmsgid "c"\nmsgid_plural "cs"\nmsgstr[0] "d"\n"e"\n'
    assert read_po(text) == {("", "c"): ["de"]}
    with pytest.raises(ValueError, match="line 1"):
        read_po("nonsense")


def test_a_date_without_a_zone_begins_at_midnight_in_hanoi() -> None:
    for text in ("2027-01-31", "2027-01-31T00:00:00", "2027-01-31T00:00:00+07:00"):
        assert parse_instant(text) == datetime(2027, 1, 30, 17, tzinfo=UTC), text
    assert parse_instant("2027") == datetime(2026, 12, 31, 17, tzinfo=UTC)
