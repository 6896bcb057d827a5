"""Writes docs/settings.md from the settings that the code declares.

python scripts/settings_page.py [--check]        --check: change nothing, fail when the page is out of date
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import longbien
from longbien.base.config import REGISTRY, Declared

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
_DECLARES = re.compile(r"^\s+\w+: [^=]+= setting\(", re.M)
HEAD = """# Settings

Every setting is an environment variable. This page is written by `make settings` from the code, where each is declared beside
what it governs; a test holds the two together.

| variable | default | what it does | declared in |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The page's text. Imports every module that declares a setting."""
    source = Path(longbien.__file__).parent
    for path in sorted(source.rglob("*.py")):
        if _DECLARES.search(path.read_text("utf-8")):
            importlib.import_module(".".join(("longbien", *path.relative_to(source).with_suffix("").parts)))
    return HEAD + "".join(_row(d) for d in sorted(REGISTRY.values(), key=lambda d: d.env))


def _row(d: Declared) -> str:
    default = "" if d.default in (None, "") else f"`{d.default}`"
    return f"| `{d.env}` | {default} | {d.help.replace('|', chr(92) + '|')} | {d.owner} |\n"


def main() -> int:
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text("utf-8") != text:
            sys.stderr.write("docs/settings.md is out of date: run `make settings`\n")
            return 1
        return 0
    PAGE.write_text(text, "utf-8")
    sys.stdout.write(f"{len(REGISTRY)} settings in {PAGE.name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
