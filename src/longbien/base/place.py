"""Where this Longbien keeps things, and how its database is reached: the embedded server of the data folder, or any
PostgreSQL by its URL."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from .config import Settings, setting
from .errors import Invalid
from .postgres import Embedded

DATABASE = "longbien"
OWNER = "longbien_owner"
APP = "longbien_app"
_SYSTEM = "/etc/ssl/certs/ca-certificates.crt"


def default_data() -> Path:
    """`.data` in the folder of a source checkout, whatever the present folder; else `~/.local/share/longbien`."""
    root = Path(__file__).resolve().parents[3]
    if (root / "pyproject.toml").is_file() and (root / "src" / "longbien").is_dir():
        return root / ".data"
    return Path("~/.local/share/longbien").expanduser()


class Place(Settings):
    data: Path | None = setting(
        "LONGBIEN_DATA",
        None,
        "The folder of everything that is kept: database, blobs, secrets, logs. "
        "Empty: `.data` in a source checkout, else `~/.local/share/longbien`.",
    )
    database_url: str = setting(
        "LONGBIEN_DATABASE_URL",
        "",
        "Any PostgreSQL from version 15 on, instead of the embedded one: `postgresql://role:password@host/database`. "
        "The application signs in by it; give it a role of its own, which owns nothing.",
    )
    owner_url: str = setting(
        "LONGBIEN_OWNER_URL",
        "",
        "With LONGBIEN_DATABASE_URL: the URL of the role that owns the tables and migrates. "
        "Empty: the same; then triggers alone, and not rights, keep the log from being changed.",
    )

    database_ca: Path | None = setting(
        "LONGBIEN_DATABASE_CA",
        None,
        "The certificates (PEM) that a database elsewhere is trusted by. Empty: those that this system trusts. Unless the URL has "
        "an sslmode, a database that is not on this machine is reached by TLS only, and its certificate must be good for its name.",
    )

    database_disk: Path | None = setting(
        "LONGBIEN_DATABASE_DISK",
        None,
        "With LONGBIEN_DATABASE_URL: a folder on the disk that the database fills, where that is a disk of this machine; its free "
        "room is watched. `up` and the others set it for the embedded database.",
    )

    @property
    def folder(self) -> Path:
        return (self.data or default_data()).expanduser().absolute()

    @property
    def disk(self) -> Path | None:
        """The folder whose free room is the database's; None where that is not ours to know."""
        return self.database_disk or (None if self.database_url else self.folder)


class Urls(NamedTuple):
    """How to sign in: as the application, and as the owner of the tables."""

    app: str
    owner: str
    app_role: str
    embedded: Embedded | None


@contextlib.contextmanager
def database(place: Place, *, prepare: bool = False) -> Iterator[Urls]:
    """The database while the block runs: the embedded server is joined or started, and left afterwards. `prepare` sets
    its roles and their passwords anew; a database that is not there yet is always made."""
    if place.database_url:
        app, owner = checked(place.database_url), checked(place.owner_url or place.database_url)
        yield Urls(app, owner, unquote(urlsplit(app).username or ""), None)
        return
    with Embedded(place.folder) as server:
        if prepare or not server.psql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):  # noqa: S608
            server.create_role(OWNER, "LOGIN NOSUPERUSER NOCREATEDB CREATEROLE")
            server.create_role(APP, "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
            server.create_database(DATABASE, OWNER)
        yield Urls(server.url(APP, DATABASE), server.url(OWNER, DATABASE), APP, server)


def checked(url: str) -> str:
    """The URL, or Invalid saying what is wrong with it (without its password)."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("postgresql", "postgres") and parts.username and parts.path.strip("/")
    except ValueError:
        good = False
    if not good:
        raise Invalid("LONGBIEN_DATABASE_URL must look like postgresql://role:password@host:5432/database")
    return _by_tls(url)


def _by_tls(url: str) -> str:
    """What leaves this machine goes by TLS, and only to a server whose certificate is good for its name, unless the URL says
    otherwise (sslmode). Certificates: LONGBIEN_DATABASE_CA, else those that this system trusts."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query))
    host = asked.get("host") or parts.hostname or ""
    if "sslmode" in asked or not host or host.startswith("/") or host in ("localhost", "127.0.0.1", "::1"):
        return url
    asked["sslmode"] = "verify-full"
    trusted = Place.read().database_ca or ssl.get_default_verify_paths().cafile or _SYSTEM
    if "sslrootcert" not in asked and Path(trusted).is_file():
        asked["sslrootcert"] = str(trusted)
    return urlunsplit(parts._replace(query=urlencode(asked, quote_via=quote)))
