"""python -m longbien.fhir.compile FOLDER [OUT]"""

from __future__ import annotations

import sys
from pathlib import Path

from ...base.errors import LongbienError
from . import OUT, compile_all


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        out = Path(arguments[1]) if len(arguments) == 2 else OUT
        compile_all(Path(arguments[0]), out, say)
    except LongbienError as why:
        sys.stderr.write(f"{why}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
