"""A paper on paper becomes text: Tesseract (with Vietnamese, where it is installed) turns the page upright, straightens its lines
and reads them; of a PDF its own text layer first. Without these programs the paper is kept and the page says that nothing was
read."""

from __future__ import annotations

import asyncio
import csv
import re
import shutil
import tempfile
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

from longbien.base import log
from longbien.base.fold import fold

_log = log.get(__name__)
PATIENCE = 90.0
"""Seconds that reading one file may take."""
PAGES = 10
MOST = 60_000
"""Letters of text that are kept."""
ENOUGH = 40
"""Letters in a PDF's text layer that make reading its pictures needless."""
_turn = asyncio.Semaphore(1)


class Read(NamedTuple):
    """how: tesseract, text-layer, or missing: what would read it is not installed; failed: it could not."""

    text: str
    how: str
    vietnamese: bool = False


def installed() -> bool:
    return shutil.which("tesseract") is not None


async def read(kind: str, data: bytes) -> Read:
    """The text of a picture or a PDF. Never raises for what cannot be read: the paper is kept all the same."""
    async with _turn:
        try:
            async with asyncio.timeout(PATIENCE):
                return await (_pdf(data) if kind == "application/pdf" else _picture(data))
        except TimeoutError:
            return Read("", "failed")


async def _run(*command: str, data: bytes = b"") -> bytes | None:
    """What a program gives; None when it fails. It gets the bytes and nothing of this process's surroundings."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    try:
        out, _ = await process.communicate(data)
    except (asyncio.CancelledError, BrokenPipeError):
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        _log.warning("%s ended with %s", Path(command[0]).name, process.returncode)
        return None
    return out


async def languages() -> frozenset[str]:
    """What Tesseract can read here."""
    said = await _run("tesseract", "--list-langs") if installed() else None
    return frozenset((said or b"").decode("utf-8", "replace").split()[1:])


async def _picture(data: bytes) -> Read:
    if not installed():
        return Read("", "missing")
    known = await languages()
    vietnamese = "vie" in known
    page = "1" if "osd" in known else "3"  # 1: turn the page upright first
    wanted = "vie" if vietnamese else "eng"
    said = await _run("tesseract", "stdin", "stdout", "-l", wanted, "--psm", page, data=data)
    if said is None and page == "1":  # too few letters to tell which way is up
        said = await _run("tesseract", "stdin", "stdout", "-l", wanted, "--psm", "3", data=data)
    if said is None:
        return Read("", "failed", vietnamese)
    return Read(tidied(said.decode("utf-8", "replace")), "tesseract", vietnamese)


async def _pdf(data: bytes) -> Read:
    if shutil.which("pdftotext") is None:
        return Read("", "missing")
    layer = await _run("pdftotext", "-l", str(PAGES), "-layout", "-", "-", data=data)
    text = tidied((layer or b"").decode("utf-8", "replace"))
    if len(text) >= ENOUGH or not installed():
        return Read(text, "text-layer" if text else "missing", True)
    with tempfile.TemporaryDirectory() as folder:
        await _run("pdftoppm", "-l", str(PAGES), "-r", "200", "-gray", "-png", "-", f"{folder}/p", data=data)
        pages = [await _picture(p.read_bytes()) for p in sorted(Path(folder).glob("*.png"))]
    if not pages:
        return Read(text, "failed")
    return Read("\n\n".join(p.text for p in pages if p.text)[:MOST], pages[0].how, pages[0].vietnamese)


def tidied(text: str) -> str:
    """Without what is no letter of a page, and without empty lines in a row."""
    plain = "".join(c for c in text if c in "\n\t" or ord(c) >= 0x20)
    return re.sub(r"\n\s*\n+", "\n\n", "\n".join(line.rstrip() for line in plain.split("\n"))).strip()[:MOST]


# ---- suggestions ----------------------------------------------------------------------------------------------------


def _kinds() -> dict[str, tuple[str, str, tuple[str, ...]]]:
    with (Path(__file__).parent / "tables" / "scans.csv").open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    return {r["code"]: (r["title"], r["title_en"], tuple(w for w in r["words"].split(";") if w)) for r in rows}


KINDS = _kinds()
"""code -> (title, in English, the folded words that name it on its first lines)."""


@cache
def _words() -> tuple[tuple[str, str], ...]:
    return tuple((word, code) for code, (_, _, listed) in KINDS.items() for word in listed)


def suggested_kind(text: str) -> str:
    """Which kind the first lines speak of; "" where none is named."""
    head = " ".join(fold(text[:1500]).split())
    found = [(head.find(word), n, code) for n, (word, code) in enumerate(_words()) if word in head]
    return min(found)[2] if found else ""


_LONG = re.compile(r"ng[aàáảãạ]y\s*(\d{1,2})\s*th[aáàảãạ]ng\s*(\d{1,2})\s*n[aăâ]m\s*(\d{4})", re.IGNORECASE)
_SHORT = re.compile(r"\b(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\b")


def suggested_dates(text: str, today: date) -> list[date]:
    """The days that a paper names, as it may have been written on them: not after today, not before 1950; those written out
    first, the last of the page before earlier ones (a paper is dated at its end)."""
    out: list[date] = []
    for pattern in (_LONG, _SHORT):
        for m in reversed(list(pattern.finditer(text))):
            try:
                day = date(int(m[3]), int(m[2]), int(m[1]))
            except ValueError:
                continue
            if day.year >= 1950 and day <= today and day not in out:
                out.append(day)
    return out[:5]
