"""All measurements, one after the other, each in a process and on a server of its own.

    python -m bench            everything as docs/performance.md has it: about a quarter of an hour, 4 GB of disk
    python -m bench --quick    the same with small records and short runs: two minutes, to see that nothing broke
    python -m bench read chart only these

The exit status is 1 when a measurement failed, not when a bar was missed: machines differ, and what a bar is worth on this one says
the ratio to its own limits."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PARTS: dict[str, tuple[str, list[str], list[str]]] = {  # name: (file, arguments, arguments of --quick)
    "read": ("read.py", [], ["--seconds", "3", "--resources", "4000"]),
    "audit": ("audit.py", ["3"], ["1"]),
    "access": ("access.py", [], ["--patients", "300", "--rounds", "8", "--each", "80"]),
    "import": ("import_lives.py", [], []),
    "demo": ("demo.py", [], ["--patients", "40"]),
    "search": ("search.py", [], ["--people", "3000", "--each", "10"]),
    "fhir": ("fhir.py", [], ["--seconds", "2"]),
    "growth": ("growth.py", [], ["--resources", "400000", "--times", "20", "--hot", "5000", "--pages", "500"]),
    "day": ("day.py", [], ["--users", "40", "--seconds", "10", "--people", "60"]),
    "chart": ("chart.py", [], ["--resources", "200000", "--times", "40"]),
    "payments": ("payments.py", [], ["--seconds", "6"]),
    "claims": ("claims.py", [], ["--claims", "1000", "--people", "40", "--seconds", "5"]),
    "bill": ("bill.py", [], ["--times", "10"]),
    "axis": ("axis.py", [], ["--files", "20", "--taken", "2"]),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which (all)")
    parser.add_argument("--quick", action="store_true", help="small records, short runs")
    given = parser.parse_args()
    source = str(HERE.parent / "src")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in (source, os.environ.get("PYTHONPATH")) if p)}
    failed = []
    for name in given.parts or PARTS:
        file, full, quick = PARTS[name]
        print(f"\n== {name} ==", flush=True)
        began = time.perf_counter()
        command = [sys.executable, str(HERE / file), *(quick if given.quick else full)]
        if subprocess.run(command, env=environment, check=False).returncode:
            failed.append(name)
        print(f"({time.perf_counter() - began:.0f} s)", flush=True)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
