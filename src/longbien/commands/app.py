"""longbien app: register an app (SMART App Launch) or a backend service, list them, stop them; rotate the keys of id_tokens."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from longbien.access.apps import keys, registry
from longbien.access.sealed import Seal
from longbien.access.settings import AccessSettings
from longbien.base.errors import Invalid
from longbien.base.place import Place, database
from longbien.record.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    todo = parser.add_subparsers(dest="todo", required=True)
    new = todo.add_parser("register", help="register one; prints client_id, and client_secret where there is one, as JSON")
    new.add_argument("--name", required=True, help="as people will read it")
    new.add_argument("--scope", required=True, help='the most it may ask for, e.g. "launch/patient patient/*.rs" or "system/*.rs"')
    new.add_argument("--auth", default="none", choices=registry.AUTHS, help="how it shows who it is (none: a public app)")
    new.add_argument("--redirect", action="append", default=[], metavar="URL", help="where it may be sent back to; may be repeated")
    new.add_argument("--launch", metavar="URL", help="where it begins when opened from a patient's page")
    new.add_argument("--jwks", metavar="FILE", help="its public keys (JWK set)")
    new.add_argument("--jwks-uri", metavar="URL", help="where its public keys are")
    new.add_argument("--cert", metavar="FILE", help="its certificate (PEM), for tls_client_auth")
    new.add_argument("--bound", action="store_true", help="its tokens are good only over its certificate (RFC 8705)")
    new.add_argument("--client-id", metavar="ID", help="made when it is not given")
    new.add_argument("--facility", metavar="ID", help="the facility whose app it is (all)")
    todo.add_parser("list", help="all of them")
    todo.add_parser("rotate-keys", help="a new key signs id_tokens; the old one stays published for a day; prints the new kid")
    for name, text in (("stop", "its tokens end within a second"), ("start", "let it in again"), ("secret", "print a new secret")):
        todo.add_parser(name, help=text).add_argument("client_id")


def run(args: argparse.Namespace) -> int:
    with database(Place.read()) as urls:
        sys.stdout.write(asyncio.run(_done(urls.app, args)))
    return 0


async def _done(url: str, args: argparse.Namespace) -> str:
    engine = await Engine.open(url, services=False)
    try:
        if args.todo == "register":
            client_id, secret = await registry.register(engine, _new(args), client_id=args.client_id)
            return json.dumps({"client_id": client_id} | ({"client_secret": secret} if secret else {})) + "\n"
        if args.todo == "list":
            rows = await registry.listed(engine.db, None)
            return "".join(
                f"{r['client_id']}\t{'stopped' if r['disabled'] else r['auth']}\t{r['name']}\t{r['scope']}\n" for r in rows
            )
        if args.todo == "rotate-keys":
            return await keys.rotate(engine, Seal(AccessSettings.read())) + "\n"
        if args.todo == "secret":
            return await registry.new_secret(engine, args.client_id) + "\n"
        await (registry.disable if args.todo == "stop" else registry.enable)(engine, args.client_id)
        return ""
    finally:
        await engine.close()


def _new(args: argparse.Namespace) -> registry.NewApp:
    return registry.NewApp(
        args.name, args.scope, args.auth, tuple(args.redirect), args.launch, _text(args.jwks), args.jwks_uri, _text(args.cert),
        args.bound, args.facility,
    )  # fmt: skip


def _text(path: str | None) -> str | None:
    try:
        return None if path is None else Path(path).read_text("utf-8")
    except (OSError, UnicodeError) as why:
        raise Invalid(f"{path} cannot be read: {why}") from None
