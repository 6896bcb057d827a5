"""longbien access: who may do what, and why; and whether a facility is strict."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator

from longbien.access import explain, facility, sentences
from longbien.access.roles import ROLES
from longbien.access.settings import AccessSettings
from longbien.base import clock
from longbien.base.errors import NotFound
from longbien.base.place import Place, database
from longbien.base.words import LANGUAGES, Words, words
from longbien.record.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    why = what.add_parser("why", help="may this account see that patient's record: the rule that decides, and what would open it")
    why.add_argument("login", help="the account's login")
    why.add_argument("patient", help="the Patient's id")
    why.add_argument("resource", nargs="?", help="one resource (Type/id) or a type of that record")
    role = what.add_parser("role", help="what a role may do, in sentences (none named: all roles)")
    role.add_argument("name", nargs="?", help=f"one of {', '.join(ROLES)}")
    strict = what.add_parser("strict", help="do a facility's doctors and nurses see the whole house, or their own department only")
    strict.add_argument("organization", help="the facility's Organization id")
    strict.add_argument("to", nargs="?", choices=("on", "off"), help="change it (none: say how it is)")
    for one in (why, role, strict):
        one.add_argument("--lang", choices=LANGUAGES, default="en", help="the language of the answer")


def run(args: argparse.Namespace) -> int:
    w, settings = words(args.lang), AccessSettings.read()
    if args.what == "role":
        said = "\n\n".join("\n".join(_role(name, w, settings)) for name in ([args.name] if args.name else ROLES))
    else:
        with database(Place.read()) as urls:
            said = "\n".join(asyncio.run(_do(urls.app, args, w, settings)))
    sys.stdout.write(said + "\n")
    return 0


def _role(name: str, w: Words, settings: AccessSettings) -> Iterator[str]:
    role = ROLES.get(name)
    if role is None:
        raise NotFound(f"There is no role {name[:40]!r}. There are: {', '.join(ROLES)}.")
    yield role.vi if w.lang == "vi" else role.en
    for line in sentences.lines(sentences.of_role(role, w, settings), w):
        yield f"  {line}"


async def _do(url: str, args: argparse.Namespace, w: Words, settings: AccessSettings) -> list[str]:
    engine = await Engine.open(url, services=False)
    try:
        if args.what == "strict":
            if args.to:
                await facility.set_strict(engine, None, args.organization, args.to == "on")
            return ["strict" if await facility.strict(engine, args.organization) else "the whole house"]
        answer = await explain.why(engine, None, args.login, args.patient, args.resource, settings=settings)
        return list(_why(answer, w))
    finally:
        await engine.close()


def _why(answer: explain.Answer, w: Words) -> Iterator[str]:
    role = ROLES.get(answer.role)
    yield f"{answer.name} ({(role.vi if w.lang == 'vi' else role.en) if role else answer.role}): " + (
        w("may see it") if answer.allowed else w("may not see it")
    )
    yield from (w(message, **values) for message, values in answer.says)
    for source in answer.sources:
        span = " – ".join(f"{clock.local(t):%d/%m/%Y %H:%M}" if t else "…" for t in (source.lo, source.hi))
        yield f"  {source.what}  {span}  {source.said}".rstrip()
    if answer.opens:
        yield w("What would open it:")
        yield from (f"  {w(message, **values)}" for message, values in answer.opens)
