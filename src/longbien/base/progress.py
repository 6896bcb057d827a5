"""A progress bar for whoever waits: what, how far, how fast, how long still. On a terminal one line that is redrawn; elsewhere a
plain line every ten seconds, and one at the end.

    with Progress("patients", total=300) as bar:
        for patient in patients:
            ...
            bar.add(1)
"""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import Self, TextIO

_REDRAW, _LINE = 0.1, 10.0  # seconds


class Progress:
    """`total` None: the end is not known, so neither share nor time left is shown."""

    def __init__(self, what: str, total: float | None = None, out: TextIO | None = None, unit: str = ""):
        self.what, self.total, self.unit = what, total, unit
        self.done = 0.0
        self.note = ""
        self._out = out or sys.stderr
        self._tty = self._out.isatty()
        self._begun = self._said = time.monotonic()

    def add(self, n: float = 1, note: str | None = None) -> None:
        self.set(self.done + n, note)

    def set(self, done: float, note: str | None = None) -> None:
        self.done = done
        if note is not None:
            self.note = note
        now = time.monotonic()
        if now - self._said >= (_REDRAW if self._tty else _LINE):
            self._said = now
            self._say(self.line(now - self._begun))

    def line(self, seconds: float) -> str:
        """The text after `seconds` of work."""
        rate = self.done / seconds if seconds > 0 else 0.0
        parts = [f"{self.what}: {self.done:,.0f}"]
        if self.total:
            share = min(1.0, self.done / self.total)
            bar = "━" * round(share * 20)
            parts = [f"{self.what} {bar:╌<20} {share:4.0%}", f"{self.done:,.0f}/{self.total:,.0f}{self.unit}"]
        parts.append(f"{rate:,.0f}{self.unit}/s")
        if self.total and rate and self.done < self.total:
            parts.append(f"{duration((self.total - self.done) / rate)} left")
        return "  ".join([*parts, self.note] if self.note else parts)

    def _say(self, text: str) -> None:
        if self._tty:
            width = shutil.get_terminal_size().columns - 1
            self._out.write("\r\x1b[K" + text[:width])
        else:
            self._out.write(text + "\n")
        self._out.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        seconds = time.monotonic() - self._begun
        self._say(f"{self.line(seconds)}  in {duration(seconds)}")
        if self._tty:
            self._out.write("\n")


def duration(seconds: float) -> str:
    """0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
