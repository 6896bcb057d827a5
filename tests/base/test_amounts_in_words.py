"""Amounts of dong as a receipt says them."""

from __future__ import annotations

import pytest

from longbien.base.words import in_words


@pytest.mark.parametrize(
    ("dong", "said"),
    [
        (0, "Không đồng"),
        (5, "Năm đồng"),
        (15, "Mười lăm đồng"),
        (21, "Hai mươi mốt đồng"),
        (105, "Một trăm linh năm đồng"),
        (1_000, "Một nghìn đồng"),
        (166_800, "Một trăm sáu mươi sáu nghìn tám trăm đồng"),
        (1_005_000, "Một triệu không trăm linh năm nghìn đồng"),
        (1_234_005, "Một triệu hai trăm ba mươi bốn nghìn không trăm linh năm đồng"),
        (1_000_000_000, "Một tỷ đồng"),
        (2_015_000_001, "Hai tỷ không trăm mười lăm triệu không trăm linh một đồng"),
        (-45_000, "Âm bốn mươi lăm nghìn đồng"),
    ],
)
def test_an_amount_in_words(dong: int, said: str) -> None:
    assert in_words(dong) == said
