"""Asks for known faults of what is pinned: pip-audit for requirements/main.txt, npm audit for package-lock.json. Once a day, as it
goes over the network; .venv/audit.stamp says when. A fault that is known fails; a service that cannot be reached is said, and fails
nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAMP = ROOT / ".venv" / "audit.stamp"
DAY, PATIENCE = 86400, 90


def ran(*command: str) -> tuple[str, str] | None:
    """(stdout, stderr); None where there was no answer in time."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout, done.stderr


def python() -> tuple[list[str], str]:
    """(known faults, what could not be asked)."""
    tool = Path(sys.executable).with_name("pip-audit")
    more = ("--disable-pip", "--no-deps", "--require-hashes", "--progress-spinner", "off", "--timeout", "10", "-f", "json")
    got = ran(str(tool), "-r", "requirements/main.txt", *more)
    try:
        found = json.loads(got[0])["dependencies"] if got else None
    except (ValueError, KeyError):
        found = None
    if found is None:
        return [], "pip-audit: its service could not be reached, so no Python package was looked at"
    faults = [f"{d['name']} {d['version']}: {v['id']}" for d in found for v in d.get("vulns", ())]
    unasked = [d["name"] for d in found if "skip_reason" in d]
    return (
        faults,
        f"pip-audit: its service does not know {len(unasked)} of {len(found)} packages, which were not looked at"
        if unasked
        else "",
    )


def node() -> tuple[list[str], str]:
    got = ran("npm", "audit", "--omit=dev", "--audit-level=high", "--json")
    try:
        found = json.loads(got[0])["vulnerabilities"] if got else None
    except (ValueError, KeyError):
        found = None
    if found is None:
        return [], "npm audit: its service could not be reached, so no npm package was looked at"
    return [f"{n}: {v['severity']}" for n, v in found.items() if v["severity"] in ("high", "critical")], ""


def main() -> int:
    if STAMP.exists() and time.time() - STAMP.stat().st_mtime < DAY:
        sys.stdout.write(STAMP.read_text())
        return 0
    faults, said = [], []
    for ask in (python, node):
        found, missing = ask()
        faults += found
        said += [f"dependencies NOT audited: {missing}\n"] if missing else []
    text = "".join(said) or "dependencies audited: no known fault\n"
    sys.stdout.write("".join(f"known fault: {f}\n" for f in faults) or text)
    if not faults:
        STAMP.write_text(text)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
