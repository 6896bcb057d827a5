"""Secrets by file, and a database elsewhere by TLS."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from longbien.base.db import Database
from longbien.base.errors import Invalid, LongbienError
from longbien.base.place import Place, checked
from longbien.base.postgres import Embedded


def test_a_setting_may_stand_in_a_file_and_the_setting_itself_wins(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://a:geheim@db/x\n")
    env = {"LONGBIEN_DATABASE_URL_FILE": str(secret)}
    assert Place.read(env).database_url == "postgresql://a:geheim@db/x"
    assert Place.read({**env, "LONGBIEN_DATABASE_URL": "postgresql://b:c@d/e"}).database_url == "postgresql://b:c@d/e"


def test_a_file_that_cannot_be_read_is_said_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="LONGBIEN_DATABASE_URL_FILE"):
        Place.read({"LONGBIEN_DATABASE_URL_FILE": str(tmp_path / "none")})


def test_a_wrong_url_is_said_without_its_password() -> None:
    with pytest.raises(Invalid) as why:
        checked("mysql://a:geheim@db/x")
    assert "geheim" not in why.value.text


@pytest.mark.parametrize("host", ["db.example", "10.0.0.5", "[2001:db8::1]:5433"])
def test_a_database_elsewhere_is_reached_by_tls_that_checks_its_name(host: str) -> None:
    asked = dict(parse_qsl(urlsplit(checked(f"postgresql://a:b@{host}/x")).query))
    assert asked["sslmode"] == "verify-full"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a:b@localhost/x",
        "postgresql://a:b@127.0.0.1:5433/x",
        "postgresql://a:b@/x?host=%2Ftmp",
        "postgresql://a:b@db/x?sslmode=require",
    ],
)
def test_one_on_this_machine_or_whose_url_says_otherwise_is_left_as_it_is(url: str) -> None:
    assert checked(url) == url


async def test_a_server_whose_certificate_nobody_vouches_for_is_not_spoken_to(
    pg: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real TLS server in front of a real database, by name: refused while its certificate is unknown, open once it is trusted."""
    key, cert = tmp_path / "k.pem", tmp_path / "c.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=db.test", "-addext",
         "subjectAltName=DNS:db.test",
         "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    direct = pg.url("postgres", "postgres")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readexactly(8) == b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # SSLRequest
            writer.write(b"S")
            await writer.start_tls(context)
            behind = await _behind(direct)
            await asyncio.gather(_pump(reader, behind[1]), _pump(behind[0], writer), return_exceptions=True)
        except (OSError, ssl.SSLError, AssertionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def named(host: object, *args: object, **more: object) -> object:
        return await real("127.0.0.1" if host == "db.test" else host, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "getaddrinfo", named)
    parts = urlsplit(direct)
    url = f"postgresql://{parts.username}:{parts.password}@db.test:{port}/postgres"
    try:
        with pytest.raises((LongbienError, ssl.SSLError)):
            await Database.open(checked(url))
        monkeypatch.setenv("LONGBIEN_DATABASE_CA", str(cert))
        db = await Database.open(checked(url))
        assert await db.fetchval("SELECT 1") == 1
        await db.close()
    finally:
        server.close()


async def _behind(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    where = dict(parse_qsl(parts.query))
    if "host" in where:
        return await asyncio.open_unix_connection(f"{where['host']}/.s.PGSQL.{where.get('port', parts.port or 5432)}")
    return await asyncio.open_connection("127.0.0.1", parts.port)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
