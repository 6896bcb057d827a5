"""What the pages about security say is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "security").glob("*.md"))
_NAMED = re.compile(r"`((?:src|tests|docs|requirements)/[\w./-]+|package-lock\.json)(?:::(\w+))?`")
_LINE = re.compile(r"^\| (V\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| (yes|partly|no|n/a) \| ([^|]+) \|$", re.M)


def test_every_file_and_test_that_is_named_exists() -> None:
    assert len(PAGES) == 2
    wrong, seen = [], 0
    for page in PAGES:
        for path, name in _NAMED.findall(page.read_text("utf-8")):
            seen += 1
            file = ROOT / path
            if not file.exists() or (name and f"def {name}(" not in file.read_text("utf-8")):
                wrong.append(f"{page.name}: {path}{'::' + name if name else ''}")
    assert seen > 150
    assert not wrong, wrong


def test_every_requirement_of_level_1_and_2_is_answered_once() -> None:
    """253: 70 of level 1 and 183 of level 2, as the standard's 5.0.0 has them."""
    lines = _LINE.findall((ROOT / "docs" / "security" / "asvs.md").read_text("utf-8"))
    assert len(lines) == len({n for n, *_ in lines}) == 253
    assert sum(level == "1" for _, level, *_ in lines) == 70
    bare = [n for n, _, _, answer, shown in lines if answer == "yes" and not shown.strip()]
    assert not bare
