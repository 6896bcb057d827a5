"""How long records are kept, and that nothing destroys them before its time."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

import pytest
from at_the_door import PASSWORD, cookie_of, request

from longbien.access.accounts import NewAccount, create
from longbien.access.door import Door
from longbien.access.rights import destroying, retention
from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

DEAD = {"dischargeDisposition": {"coding": [{"code": "exp"}]}}


def visit(end: str = "2015-03-04T10:00:00+07:00", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "status": "finished", "period": {"start": end, "end": end},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}, **more,
    }  # fmt: skip


def icd(code: str) -> dict[str, Any]:
    return {"code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]}}


@pytest.mark.parametrize(
    ("encounter", "codes", "kind", "until"),
    [
        (visit(), ("I10",), "record", "2025-12-31"),
        (visit(), ("Z00.0",), "check", "2017-12-31"),
        (visit(), ("Z00.0", "I10"), "record", "2025-12-31"),
        (visit(), ("F20.0",), "psychiatric", "2035-12-31"),
        (visit(), ("S72.0", "V29.4"), "accident", "2035-12-31"),
        (visit(), ("Z94.0", "I10"), "transplant", "2045-12-31"),
        (visit(hospitalization=DEAD), ("F20.0",), "death", "2045-12-31"),
        (visit("2015-12-31T23:30:00+07:00"), (), "record", "2025-12-31"),
        (visit("2015-12-31T17:30:00Z"), (), "record", "2026-12-31"),  # already the new year in Hanoi
    ],
)
def test_the_longest_term_counts_from_the_end_of_the_year(
    encounter: dict[str, Any], codes: tuple[str, ...], kind: str, until: str
) -> None:
    kept = retention.kept(encounter, [icd(c) for c in codes])
    assert kept is not None and (kept.term.kind, str(kept.until)) == (kind, until)
    assert not kept.over(date.fromisoformat(until)) and kept.over(date(int(until[:4]) + 1, 1, 1))


def test_what_goes_on_or_has_no_end_never_ends_and_an_adverse_event_is_kept_for_ever() -> None:
    for open_ in ({**visit(), "status": "in-progress"}, {**visit(), "period": {}}, visit("nonsense")):
        assert retention.kept(open_) is None
    kept = retention.kept(visit(), adverse=True)
    assert kept is not None and kept.until is None and not kept.over(date(2999, 1, 1))


async def officer(door: Door, role: str = "records") -> Any:
    login = f"k.{secrets.token_hex(4)}"
    await create(door.engine, door.hasher, None, NewAccount(login, f"Người {login}", role, None, "bv-k"), PASSWORD)
    came = await door.sign_in(request(method="POST"), login, PASSWORD)
    return await door.actor(request(cookie=cookie_of(came.set_cookie)))


async def test_minutes_need_two_persons_and_their_words_and_an_archived_record(door: Door, engine: Engine) -> None:
    old = {**visit(), "id": "k-old", "subject": {"reference": "Patient/k-p"}, "serviceProvider": {"reference": "Organization/bv-k"}}
    new = {**old, **visit("2024-03-04T10:00:00+07:00"), "id": "k-new"}
    made = [{"resourceType": "Organization", "id": "bv-k", "name": "K"}, {"resourceType": "Patient", "id": "k-p"}, old, new]
    await Store(engine, system("test")).commit([Update(r) for r in made])
    first, second, today = await officer(door), await officer(door), clock.local(clock.now()).date()
    assert [r.encounter for r, _ in await destroying.over(door, first, today)] == ["k-old"]
    number = await destroying.propose(door, first, today)
    for role in ("doctor", "director", "it"):
        with pytest.raises(Forbidden):
            await destroying.sign(door, await officer(door, role), number)
    with pytest.raises(Conflict):
        await destroying.sign(door, first, number)
    with pytest.raises(Conflict):
        await destroying.carry_out(door, first, number, f"{number}-x", today)
    await destroying.sign(door, second, number)
    (minutes,) = await destroying.minutes(door, first)
    assert minutes.complete and len(minutes.signed) == 2
    assert (await destroying.printed(door, first, number, "Bệnh viện K")).startswith(b"%PDF")
    with pytest.raises(Invalid):
        await destroying.carry_out(door, second, number, "", today)
    with pytest.raises(destroying.NotYet, match="archived"):
        await destroying.carry_out(door, second, number, minutes.words, today)
    with pytest.raises(NotFound):
        await destroying.carry_out(door, second, 999_999, minutes.words, today)
    assert (await Store(engine, system("test")).read("Encounter", "k-old")).version == 1
    for sql in ("DELETE FROM destruction", "UPDATE destruction SET hash = ''", "DELETE FROM destruction_sign"):
        with pytest.raises(Exception, match=r"permission|append-only|allowed|right"):
            await engine.db.execute(sql)
