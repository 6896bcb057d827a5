"""longbien: the command line.

Every command is a module of longbien.commands. It is imported only when it is asked for, by name (`room`), so that
`longbien token` does not load a web server and --help is there at once; this table is all that the others cost.
"""

from __future__ import annotations

import argparse
import os
import sys
from types import ModuleType

from longbien import __version__
from longbien.base import log
from longbien.base.config import Settings, setting
from longbien.base.errors import Invalid, LongbienError
from longbien.commands import PartMissing, room

COMMANDS = {
    "up": ("up", "start everything: database, demo city when empty, web server, background work"),
    "web": ("web", "serve the record (FHIR and pages); the database is there and migrated"),
    "worker": ("worker", "do the work in the background (reactions, jobs)"),
    "migrate": ("migrate", "bring the database to this version's schema"),
    "import": ("import_", "import FHIR files, folders, NDJSON, transaction bundles (also .gz, .xz, .zst)"),
    "code-system": ("code_system", "make a FHIR CodeSystem of a table of codes (CSV), to be imported"),
    "tariff": ("tariff", "import a price list from a spreadsheet, after looking for faults"),
    "catalogue": ("catalogue", "write the starter catalogue of what can be ordered; what is there already stays"),
    "demo": ("demo", "fill the record with the demo city: invented people in invented hospitals"),
    "sender": ("sender", "let a hospital's own system send claims to the data axis; print its secret"),
    "token": ("token", "print a bearer token for the FHIR API, and nothing else"),
    "app": ("app", "register apps and backend services, list and stop them; new signing keys"),
    "access": ("access", "who may do what and why: why LOGIN PATIENT, role, strict"),
    "reindex": ("reindex", "make anew what resources are found by, while the server runs"),
    "subscriptions": ("subscriptions", "list subscriptions; see, play again or give up what could not be told"),
    "audit": ("audit", "look whether the trail was tampered with; signed checkpoints of it; go on after a restored dump"),
    "backup": ("backup", "the whole house as sealed files, while it runs"),
    "restore": ("restore", "a house out of a backup, into an empty data folder"),
    "keys": ("keys", "the keys that blobs and backups are sealed with: a new one, wrapping anew"),
    "check": ("check", "test this installation: database, rights, migrations, assets, disk, clock"),
    "bank-simulator": ("bank_simulator", "a simulated bank for tests and the demo: no money moves"),
    "payments": ("payments", "bank accounts, the end-of-day proof, statement files"),
    "db-shell": ("db_shell", "psql in the embedded database"),
    "serve": ("serve", ""),  # one web process, for `up` and `web`
}
UNUSABLE = 2  # wrong use: arguments, settings, input
FAILED = 1
MISSING = 69  # EX_UNAVAILABLE: a part of this installation is missing; starting again does not help


class LogSettings(Settings):
    level: str = setting("LONGBIEN_LOG", "INFO", "How much is logged to standard error: DEBUG, INFO, WARNING or ERROR.")


def overview() -> str:
    lines = [f"  {name:<14} {text}" for name, (_, text) in COMMANDS.items() if text]
    return "\n".join(
        [
            "usage: longbien COMMAND [...]      (longbien COMMAND --help tells more)",
            "",
            *lines,
            "",
            "Settings come from the environment: see docs/settings.md.",
        ]
    )


def main(argv: list[str] | None = None) -> int:
    given = sys.argv[1:] if argv is None else argv
    if not given or given[0] in ("-h", "--help", "help"):
        sys.stdout.write(overview() + "\n")
        return 0 if given else UNUSABLE
    if given[0] == "--version":
        sys.stdout.write(f"longbien {__version__}\n")
        return 0
    if given[0] not in COMMANDS:
        sys.stderr.write(f"longbien: there is no command {given[0]!r}\n\n{overview()}\n")
        return UNUSABLE
    try:
        log.set_up(_level())
        return _run(given[0], given[1:])
    except PartMissing as why:
        return _said(why, MISSING)
    except Invalid as why:
        return _said(why, UNUSABLE)
    except LongbienError as why:
        return _said(why, FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read us is gone: nothing more to say at exit
        return FAILED


def _run(name: str, rest: list[str]) -> int:
    module, text = COMMANDS[name]
    command = room(f"longbien.commands.{module}")
    return int(command.run(_parser(name, text, command).parse_args(rest)))


def _parser(name: str, text: str, command: ModuleType) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"longbien {name}", description=f"{text[:1].upper()}{text[1:]}.")
    command.arguments(parser)
    return parser


def _level() -> str:
    level = LogSettings.read().level.upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise Invalid(f"LONGBIEN_LOG={level!r} cannot be used: say DEBUG, INFO, WARNING or ERROR")
    return level


def _said(why: LongbienError, status: int) -> int:
    sys.stderr.write(f"longbien: {why.text}\n")
    for issue in why.issues:
        if issue.text != why.text:
            sys.stderr.write(f"  {issue.expression or '-'}: {issue.text}\n")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
