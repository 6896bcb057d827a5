"""Signatures that stay good for as long as records are kept. A paper gets an archive time stamp (PAdES B-LTA) a day after its
last signature, with what the authorities say by then, and a new one before the certificate of the last runs out. A job, once a day;
without a time stamp service it does nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from longbien.access import housework
from longbien.access.binaries import binaries
from longbien.access.door import Door
from longbien.base import clock, log
from longbien.base.errors import LongbienError
from longbien.base.ids import new_id
from longbien.base.outside import Outside
from longbien.base.sql import queries
from longbien.record.change import Create, Update
from longbien.record.engine import Engine
from longbien.record.store import Store
from longbien.record.write import announce, commit

from . import files
from .reading import reference_id
from .signing import pades
from .signing.keys import Keys

Q = queries(__file__, "sql/records.sql")
QUEUE = "records.stamp"
EARLY = timedelta(days=90)
"""How long before its certificate runs out a stamp is renewed."""
GRACE = timedelta(days=1)
"""How long after its last signature a paper gets its first: an authority's answer must be younger than the signature."""
MOST = 200
"""Papers of one round; the next follows at once."""
_log = log.get(__name__)


async def renew(engine: Engine, keys: Keys, now: datetime) -> tuple[int, int]:
    """(papers stamped, papers that could not be). Each is a transaction of its own; one that fails holds no other up."""
    outside = Outside()
    try:
        stamper = keys.stamper(outside)
        if stamper is None:
            return 0, 0
        done = failed = 0
        for row in await engine.db.fetch(Q.stamps_due, now + EARLY, now - GRACE, MOST):
            try:
                await _one(engine, keys, outside, stamper, row["code"], row["document"])
                done += 1
            except LongbienError as why:
                _log.warning("the paper %s was not stamped anew: %s", row["code"], why.text)
                failed += 1
        return done, failed
    finally:
        await outside.close()


def _house(engine: Engine) -> Store:
    return housework.store(
        engine, "archive time stamps", reads=frozenset({"DocumentReference"}), creates=frozenset({"Provenance"}),
        updates=frozenset({"DocumentReference"}),
    )  # fmt: skip


async def _one(engine: Engine, keys: Keys, outside: Outside, stamper: pades.Stamper, code: str, document: str) -> None:
    store = _house(engine)
    file = await files.opened(store, document)
    material = await keys.for_archive(file.pdf, outside, stamper)
    made = await pades.restamp(file.pdf, stamper, material)
    until = pades.holds_until(made)
    held = files.binary(file.binary, files.PDF, made, file.id)
    changed, instant = dict(file.document), clock.instant(clock.now())
    title = str((changed.get("type") or {}).get("text") or "")
    attachment = files.attachment(file.binary, files.PDF, base64.b64decode(held["data"]), title, instant)
    changed["content"] = [{"attachment": attachment}, *changed["content"][1:]]
    async with engine.db.transaction() as connection:
        await commit(engine, binaries(store.scope), [Update(held, if_match=file.held)], connection=connection)
        own = await commit(
            engine, store.scope, [Update(changed, if_match=file.version), Create(_said(file, instant))], connection=connection
        )  # fmt: skip
        await connection.execute(Q.paper_step, code, "stamped", None, None, "PAdES-B-LTA", files.digest(made))
        await connection.execute(Q.stamp_new, code, until)
    announce(engine, own)


def _said(file: files.File, instant: str) -> dict[str, Any]:
    patient = reference_id(file.document["subject"])
    return {
        "resourceType": "Provenance", "id": new_id(),
        "target": [{"reference": f"DocumentReference/{file.id}"}, {"reference": f"Patient/{patient}"}],
        "occurredDateTime": instant, "recorded": instant,
        "activity": {"coding": [{"system": files.ACT, "code": "stamp", "display": "Dấu thời gian lưu trữ"}]},
        "agent": [{"who": {"display": "Longbien"}}],
    }  # fmt: skip


def job(engine: Engine) -> Any:
    async def stamp(payload: Mapping[str, Any]) -> datetime:
        door = Door(engine)
        try:
            done, failed = await renew(engine, Keys(door, demo=False), clock.now())
        finally:
            await door.close()
        if done or failed:
            _log.info("archive time stamps: %s renewed, %s not", done, failed)
        return clock.now() + (timedelta(minutes=1) if done == MOST else timedelta(days=1))

    return stamp
