"""Migrations: numbered .sql files of longbien/migrations, applied once each, in order, each in one transaction.

`NNNN_<owner>_pre_<what>.sql` is safe while the old code still runs, `..._post_...` only after it is gone. `{app}` in a file
stands for the application's role. A file that was applied and has changed since is refused: history is not rewritten.
"""

from __future__ import annotations

import hashlib
from importlib import resources

import asyncpg

from .db import translated
from .errors import Conflict

_LOCK = 714000
_TABLE = """CREATE TABLE IF NOT EXISTS migration (
  name text PRIMARY KEY, sha256 text NOT NULL, applied timestamptz NOT NULL DEFAULT now())"""


def files() -> list[tuple[str, str]]:
    """(name, text) of every migration, in order."""
    folder = resources.files("longbien.migrations")
    return sorted((f.name, f.read_text("utf-8")) for f in folder.iterdir() if f.name.endswith(".sql"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def ensure_role(connection: asyncpg.Connection, role: str, password: str | None) -> None:
    """The application's own role: may sign in, owns nothing, may not create."""
    there = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    if not there:
        await connection.execute(f"CREATE ROLE {_quoted(role)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
    if password is not None:
        literal = await connection.fetchval("SELECT quote_literal($1::text)", password)
        await connection.execute(f"ALTER ROLE {_quoted(role)} PASSWORD {literal}")


async def pending(url: str) -> list[str]:
    """Names of the migrations that this database lacks."""
    async with translated():
        connection = await asyncpg.connect(url, timeout=10)
        try:
            if await connection.fetchval("SELECT to_regclass('public.migration')") is None:
                return [name for name, _ in files()]
            done = {r["name"] for r in await connection.fetch("SELECT name FROM migration")}
            return [name for name, _ in files() if name not in done]
        finally:
            await connection.close()


async def migrate(owner_url: str, app_role: str = "longbien_app", app_password: str | None = None) -> list[str]:
    """Bring the database to the newest schema; give the names applied. `owner_url` signs in as the owner of the tables.
    When `app_role` is the owner itself (one role for all), rights cannot protect the log; its triggers still do."""
    applied: list[str] = []
    async with translated():
        connection = await asyncpg.connect(owner_url, timeout=10)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
            owner = await connection.fetchval("SELECT current_user")
            if app_role != owner:
                await ensure_role(connection, app_role, app_password)
            await connection.execute(_TABLE)
            await connection.execute(f"GRANT SELECT ON migration TO {_quoted(app_role)}")
            done = {r["name"]: r["sha256"] for r in await connection.fetch("SELECT name, sha256 FROM migration")}
            for name, text in files():
                digest = hashlib.sha256(text.encode()).hexdigest()
                if name in done:
                    if done[name] != digest:
                        raise Conflict(f"Migration {name} was changed after it had been applied.")
                    continue
                async with connection.transaction():
                    await connection.execute(text.replace("{app}", _quoted(app_role)))
                    await connection.execute("INSERT INTO migration (name, sha256) VALUES ($1, $2)", name, digest)
                applied.append(name)
            await connection.fetchval("SELECT audit_continue()")  # after a dump was restored into another server
        finally:
            await connection.close()
    return applied
