"""longbien access: roles in sentences, why, strictness; on a real database, as the command itself answers."""

from __future__ import annotations

import argparse

import pytest
from test_relations import House, staff

from longbien import cli
from longbien.access.door import Door
from longbien.access.roles import ROLES
from longbien.access.settings import AccessSettings
from longbien.base.errors import Invalid, NotFound
from longbien.base.words import words
from longbien.commands import access


def given(*words_: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    access.arguments(parser)
    return parser.parse_args(words_)


def test_every_role_is_told_in_both_languages_by_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    for lang in ("vi", "en"):
        assert cli.main(["access", "role", "--lang", lang]) == 0
        said = capsys.readouterr().out
        assert all((role.vi if lang == "vi" else role.en) in said for role in ROLES.values())
    assert cli.main(["access", "role", "wizard"]) != 0


async def test_why_and_strict_answer_on_the_command_line(door: Door, record_urls: tuple[str, str]) -> None:
    house = await House().build(door.engine)
    doctor, _ = await staff(door, house, "doctor", "noi")
    w, settings = words("en"), AccessSettings.read()

    async def ask(*text: str) -> str:
        return "\n".join(await access._do(record_urls[1], given(*text), w, settings))

    tim = house.patient["tim"]
    assert "may see it" in await ask("why", doctor.login, tim) and f"Encounter/{tim}-e" in await ask("why", doctor.login, tim)
    assert await ask("strict", house.id) == "the whole house" and await ask("strict", house.id, "on") == "strict"
    shut = await ask("why", doctor.login, tim, "Encounter")
    assert "may not see it" in shut and "strict" in shut and "state a purpose" in shut
    assert "may not read PaymentNotice" in await ask("why", doctor.login, tim, "PaymentNotice")
    with pytest.raises(NotFound):
        await ask("why", "no.such", tim)
    for wrong in (("why", doctor.login, "../x"), ("why", doctor.login, tim, "Nothing/1")):
        with pytest.raises(Invalid):
            await ask(*wrong)
