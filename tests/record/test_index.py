"""What is kept of a resource to find it again."""

from __future__ import annotations

from longbien.base.fold import fold
from longbien.fhir import definitions
from longbien.record.search.keys import param_key


def test_fold_makes_two_spellings_one() -> None:
    assert fold("  Nguyễn  Thị THÚY ") == fold("nguyen thi thuý") == "nguyen thi thuy"
    assert fold("Đặng Văn Lương") == "dang van luong"


def test_no_two_parameters_share_a_number() -> None:
    names = [f"{t}.{code}" for t in definitions.types() for code in definitions.search_params(t)]
    names += [n + "~raw" for n in names]
    assert len({param_key(n) for n in names}) == len(set(names))
