"""longbien payments: bank accounts of a facility, the proof at the end of a day, a statement file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import date
from pathlib import Path
from typing import Any

from longbien.access.lines import commanded
from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.place import Place, database
from longbien.base.words import LANGUAGES, Words, words
from longbien.billing.money import accounts, bills, notices, proof
from longbien.record.engine import Engine
from longbien.wire.vietqr import Transfer, build


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    account = what.add_parser("account", help="the account that a facility's codes name from now on")
    account.add_argument("organization", help="the facility's Organization id")
    account.add_argument("bin", nargs="?", help="the bank's six digits (NAPAS); none: list the accounts")
    account.add_argument("number", nargs="?", help="the account's number")
    account.add_argument("holder", nargs="?", help="whose account it is, as the bank writes it")
    shown = what.add_parser("proof", help="do money, bills and ledger agree to the dong? Exit status 1 where they do not")
    shown.add_argument("organization", nargs="?", help="the facility's Organization id (none: all)")
    shown.add_argument("--day", help="YYYY-MM-DD, by default today")
    shown.add_argument("--lang", choices=LANGUAGES, default="vi", help="the language of the answer")
    file = what.add_parser("statement", help="read a statement file of a bank")
    file.add_argument("kind", choices=("csv", "mt940", "camt053"))
    file.add_argument("bin")
    file.add_argument("account")
    file.add_argument("file", type=Path)
    file.add_argument("--layout", default="plain", help="layout of a CSV")


def run(args: argparse.Namespace) -> int:
    with database(Place.read()) as urls:
        return asyncio.run(_do(urls.app, args))


async def _do(url: str, args: argparse.Namespace) -> int:
    engine = await Engine.open(url, services=False)
    try:
        if args.what == "account":
            return await _account(engine, args)
        if args.what == "statement":
            return await _statement(engine, args)
        return await _proof(engine, args, words(args.lang))
    finally:
        await engine.close()


async def _account(engine: Engine, args: argparse.Namespace) -> int:
    if args.bin:
        holder = args.holder or ""
        if args.bin not in accounts.banks():
            raise Invalid(f"No bank has the number {args.bin[:20]!r}.")
        build(Transfer(args.bin, args.number or "", 1))
        if not holder:
            raise Invalid("Say whose account it is, as the bank writes it.")
        if await engine.db.fetchval(bills.Q.new_account, args.organization, args.bin, args.number, holder) is None:
            raise Conflict("This account is on the list already; an account is never changed.")
        await commanded(engine.db, f"payments account {args.organization}")
    for r in await engine.db.fetch(bills.Q.accounts, args.organization):
        bank = accounts.banks().get(r["bin"])
        ended = " (ended)" if r["ended"] else ""
        sys.stdout.write(f"{r['number']}  {bank.short if bank else r['bin']}  {r['account']}  {r['holder']}{ended}\n")
    return 0


async def _statement(engine: Engine, args: argparse.Namespace) -> int:
    form = notices.statement_form(args.kind, args.bin, args.account, args.layout if args.kind == "csv" else "")
    body = args.file.read_bytes()
    found = notices.parse(form, body)
    number = await notices.deliver(engine, f"file {args.account}", "poll", form, body)
    await commanded(engine.db, "payments statement")
    if number is not None:
        await notices.work(engine, number)
    sys.stdout.write(f"{len(found)} movements{'' if number is not None else ', all known already'}\n")
    return 0


async def _proof(engine: Engine, args: argparse.Namespace, w: Words) -> int:
    day = date.fromisoformat(args.day) if args.day else clock.local(clock.now()).date()
    places = [args.organization] if args.organization else [r["facility"] for r in await engine.db.fetch(proof.Q.facilities)]
    if not places:
        raise NotFound("Nothing was booked yet.")
    good = True
    for place in places:
        made = await proof.proof(engine, place, day)
        good &= made.holds
        sys.stdout.write("\n".join(_said(made, w)) + "\n")
    return 0 if good else 1


def _said(made: proof.Proof, w: Words) -> list[str]:
    def figure(line: proof.Line, value: Any) -> str:
        return w.number(value) if line.count else w.money(value)

    out = [f"{made.facility}  {w.date(made.day)}"]
    for x in made.lines:
        sign = "✓" if x.holds else "✕"
        out.append(f"  {sign} {w(x.title)}: {figure(x, x.one)} | {figure(x, x.other)}")
    return out
