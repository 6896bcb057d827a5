"""A copy of one's whole record: everything of one's own, nothing of anybody else's, fetched once by who asked."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from at_the_door import PASSWORD, cookie_of, request

from longbien.access.accounts import NewAccount, create, disable
from longbien.access.door import Door
from longbien.access.rights import copying, reading
from longbien.base.errors import Forbidden, NotFound, TooMany
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("copies")
        patch.setenv("LONGBIEN_DATA", str(folder))
        yield folder


async def lives(engine: Engine, id_: str) -> None:
    about = {"reference": f"Patient/{id_}"}
    made: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": id_, "name": [{"text": f"Người {id_}"}], "birthDate": "1952-03-14"},
        {"resourceType": "Condition", "id": f"{id_}-c", "subject": about, "code": {"text": f"#set text(red) *{id_}* ]"}},
    ]
    made += [
        {"resourceType": "Observation", "id": f"{id_}-o{n}", "status": "final", "subject": about, "code": {"text": "Đường máu"},
         "effectiveDateTime": "2026-11-30T06:20:00+07:00", "valueQuantity": {"value": 7, "unit": "mmol/L"}}
        for n in range(700)
    ]  # fmt: skip
    await Store(engine, system("test")).commit([Update(r) for r in made])


async def arrives(door: Door, role: str, patient: str | None = None) -> Any:
    login = f"c.{secrets.token_hex(4)}"
    await create(door.engine, door.hasher, None, NewAccount(login, "Ai đó", role, None, None, patient=patient), PASSWORD)
    came = await door.sign_in(request(method="POST"), login, PASSWORD)
    return await door.actor(request(cookie=cookie_of(came.set_cookie)))


async def made(door: Door, actor: Any, patient: str) -> tuple[str, str]:
    id_, key = await copying.ask(door, actor, patient, "vi")
    assert await copying.job(door)({"id": id_, "key": key}) is None
    return id_, key


async def test_a_copy_holds_everything_of_ones_own_and_is_fetched_once(door: Door, engine: Engine, place: Path) -> None:
    await lives(engine, "cp-a")
    await lives(engine, "cp-b")
    lua, other = await arrives(door, "patient", "cp-a"), await arrives(door, "patient", "cp-b")
    id_, key = await made(door, lua, "cp-a")
    (newest,) = await copying.of(door, lua, "cp-a")
    assert (newest.state, newest.counted) == ("ready", 702)
    kept = (place / "copies" / id_).read_bytes()
    assert b"cp-a" not in kept and not kept.startswith(b"PK") and (place / "copies" / id_).stat().st_mode & 0o077 == 0
    for who, with_key in ((other, key), (lua, "00" * 32), (lua, "nonsense"), (lua, "")):
        with pytest.raises(NotFound):
            await copying.fetch(door, who, id_, with_key)
    packed = zipfile.ZipFile(io.BytesIO(await copying.fetch(door, lua, id_, key)))
    bundle = json.loads(packed.read("fhir/bundle.json"))
    ids = {e["resource"]["id"] for e in bundle["entry"]}
    assert len(ids) == 702 and not any(i.startswith("cp-b") for i in ids)
    assert len(packed.read("fhir/Observation.ndjson").splitlines()) == 700
    assert packed.read("ho-so.pdf").startswith(b"%PDF") and "Không có trong bản sao" in packed.read("DOC-TRUOC.txt").decode()
    with pytest.raises(NotFound):
        await copying.fetch(door, lua, id_, key)
    assert not (place / "copies" / id_).exists()
    lines = await engine.db.fetch("SELECT why, n FROM audit WHERE actor = $1 AND why LIKE '%copy%' ORDER BY seq", lua.number)
    assert any(x["why"].startswith("fetched") and x["n"] == 702 for x in lines)


async def test_nobody_copies_what_is_not_open_to_them(door: Door, engine: Engine) -> None:
    await lives(engine, "cp-c")
    with pytest.raises(NotFound):
        await copying.ask(door, await arrives(door, "patient", "cp-d"), "cp-c", "vi")
    with pytest.raises(Forbidden):
        await copying.ask(door, await arrives(door, "records"), "cp-c", "vi")


async def test_a_right_that_ended_since_it_was_asked_for_ends_the_copy(door: Door, engine: Engine) -> None:
    await lives(engine, "cp-e")
    lua = await arrives(door, "patient", "cp-e")
    id_, key = await copying.ask(door, lua, "cp-e", "vi")
    await disable(engine, None, lua.number)
    await copying.job(door)({"id": id_, "key": key})
    assert await engine.db.fetchval("SELECT state FROM record_copy WHERE id = $1", id_) == "failed"


async def test_copies_of_a_day_are_bounded_and_what_nobody_fetches_goes(
    door: Door, engine: Engine, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lives(engine, "cp-f")
    lua = await arrives(door, "patient", "cp-f")
    id_, key = await made(door, lua, "cp-f")
    for _ in range(copying.A_DAY - 1):
        await copying.ask(door, lua, "cp-f", "vi")
    with pytest.raises(TooMany):
        await copying.ask(door, lua, "cp-f", "vi")
    monkeypatch.setattr(copying, "KEPT", timedelta(0))
    await copying.clean(door)
    assert not (place / "copies" / id_).exists()
    with pytest.raises(NotFound):
        await copying.fetch(door, lua, id_, key)


def test_odd_resources_are_read_without_a_fault() -> None:
    odd: list[dict[str, Any]] = [{"resourceType": t} for t in reading.NAMES]
    odd.append({"resourceType": "Observation", "status": "final", "effectiveDateTime": "nonsense", "valueString": "x"})
    odd.append({"resourceType": "Observation", "effectiveDateTime": "2026", "valueString": "x", "code": {}})
    found = reading.lines(odd)
    assert found["allergies"] == [] and found["days"][0]["day"] == "2026"
