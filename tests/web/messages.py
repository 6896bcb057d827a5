"""Which messages the code asks for: every w("..."), _("..."), mark("...") and plural(one, many) of the sources and templates.
python tests/web/messages.py        prints the entries that vi.po lacks, ready to be filled in"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract
from jinja2.ext import babel_extract

ROOT = Path(__file__).parents[2] / "src" / "longbien"
KEYWORDS = {"w": None, "_": None, "mark": None, "self": None, "plural": (1, 2), "Permission": (2,)}
PLURAL = re.compile(r"""\.plural\('([^']+)',\s*'([^']+)'""")


def used() -> Iterator[tuple[str, str | None, str]]:
    """(message, its plural or None, file)"""
    for path in sorted([*ROOT.rglob("*.py"), *ROOT.rglob("templates/**/*.html")]):
        with path.open("rb") as f:
            if path.suffix == ".py":
                found = extract("python", f, KEYWORDS)
            else:
                found = [
                    (no, message, c, None) for no, _, message, c in babel_extract(f, tuple(KEYWORDS), (), {"encoding": "utf-8"})
                ]
                found += [(0, pair, [], None) for pair in PLURAL.findall(path.read_text("utf-8"))]
            for _, message, _, _ in found:
                one, many = (message[0], message[1]) if isinstance(message, tuple) else (message, None)
                if isinstance(one, str) and one:
                    yield one, many if isinstance(many, str) else None, str(path.relative_to(ROOT))


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    from longbien.base.words import catalogue

    have = catalogue("vi")
    seen: set[str] = set()
    for one, many, where in used():
        if ("", one) not in have and one not in seen:
            seen.add(one)
            lines = [f"#: {where}", f"msgid {quoted(one)}"]
            lines += [f"msgid_plural {quoted(many)}", 'msgstr[0] ""'] if many else ['msgstr ""']
            sys.stdout.write("\n".join(lines) + "\n\n")
