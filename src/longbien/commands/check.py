"""longbien check: does this installation work? One line a question; exit status 1 when any answer is no."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from longbien.base.errors import LongbienError, Unavailable
from longbien.base.migrate import pending
from longbien.base.place import Place, Urls, database
from longbien.base.probe import ask

BUILT = Path(__file__).resolve().parents[1] / "_built"
OLDEST = 150000  # server_version_num
DISK_BYTES = 1024**3
CLOCK_SECONDS = 5.0
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)  # an earlier clock is surely wrong

_RIGHTS = """SELECT coalesce(string_agg(p.privilege || ' on ' || t.name, ', '), '')
  FROM (VALUES ('ver'), ('audit')) AS t(name), (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p(privilege)
 WHERE has_table_privilege(to_regclass(t.name), p.privilege)"""


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    place = Place.read()
    good = _all([("built files", _built), ("disk", lambda: _disk(place)), ("clock", _clock)])
    try:
        with database(place) as urls:
            good &= _all(
                [
                    ("database", lambda: _server(urls)),
                    ("migrations", lambda: _migrations(urls)),
                    ("rights", lambda: _rights(urls)),
                    ("database's clock", lambda: _server_clock(urls)),
                ]
            )
    except LongbienError as why:
        good = _line(False, "database", why.text)
    return 0 if good else 1


def _all(questions: list[tuple[str, Callable[[], str]]]) -> bool:
    """Ask every one of them; each gives what it found, or raises saying what is wrong."""
    good = True
    for name, question in questions:
        try:
            _line(True, name, question())
        except (LongbienError, OSError) as why:
            good = _line(False, name, str(why))
    return good


def _line(good: bool, name: str, text: str) -> bool:
    sys.stdout.write(f"{'✓' if good else '✕'} {name}: {text}\n")
    return good


def _built() -> str:
    for part, sign in (("FHIR definitions", "fhir/*"), ("browser assets", "static/*.woff2")):
        if not any(BUILT.glob(sign)):
            raise Unavailable(f"the {part} are missing: run `make build`")
    return "FHIR definitions and browser assets are there"


def _disk(place: Place) -> str:
    folder = place.folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < DISK_BYTES:
        raise Unavailable(f"only {free / 1024**2:,.0f} MB are free where {place.folder} lies; keep at least 1 GB")
    return f"{free / 1024**3:,.1f} GB free where {place.folder} lies"


def _clock() -> str:
    now = datetime.now(UTC)
    if now < RELEASED:
        raise Unavailable(f"this machine's clock says {now:%Y-%m-%d}: set it right before anything is written")
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"


def _server(urls: Urls) -> str:
    number = int(ask(urls.app, "SHOW server_version_num"))
    if number < OLDEST:
        raise Unavailable(f"PostgreSQL {number // 10000} is too old: 15 or newer is needed")
    if ask(urls.app, "SHOW fsync") != "on":
        raise Unavailable("fsync is off: a power cut would lose acknowledged writes")
    return f"PostgreSQL {ask(urls.app, 'SHOW server_version')}, {'embedded' if urls.embedded else 'by URL'}"


def _migrations(urls: Urls) -> str:
    missing = asyncio.run(pending(urls.owner))
    if missing:
        raise Unavailable(f"{len(missing)} not applied ({', '.join(missing)}): run `longbien migrate`")
    return "the schema is this version's"


def _rights(urls: Urls) -> str:
    too_much = ask(urls.app, _RIGHTS)
    if too_much is None or ask(urls.app, "SELECT to_regclass('ver') IS NULL OR to_regclass('audit') IS NULL"):
        raise Unavailable("the record's tables are not there")
    if too_much:
        raise Unavailable(f"the application's role may {too_much}: give it a role that owns nothing (LONGBIEN_OWNER_URL)")
    return "the application may add versions and audit lines, never change or remove them"


def _server_clock(urls: Urls) -> str:
    away = abs(float(ask(urls.app, "SELECT extract(epoch FROM clock_timestamp())")) - time.time())
    if away > CLOCK_SECONDS:
        raise Unavailable(f"it is {away:.0f} s away from this machine's")
    return f"within {away:.1f} s of this machine's"
