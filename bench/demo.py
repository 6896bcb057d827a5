"""The demo city of `longbien up`: how long 300 people take, catalogues, hospitals and logins included."""

from __future__ import annotations

import time

from longbien.demo import city
from place import machine, options, place, say

BAR = 60.0


def main() -> None:
    given = options(patients=(int, 300, "people"))
    print(machine())
    with place() as here:
        began = time.perf_counter()
        n = city.fill(here.app, patients=given.patients, seed=1)
        took = time.perf_counter() - began
    say(f"demo of {given.patients} people ({n:,} resources)", took, "s", BAR, at_most=True)


if __name__ == "__main__":
    main()
