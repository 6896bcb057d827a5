"""A copy of one's whole record: made in the background, fetched once, then gone.

What is in it comes through the asker's own scope, made anew when the work is done, so it holds what they may see and nothing else.
The file is enciphered with a key that only the asker's browser keeps (the job carries it until the file is made): who reads the
disk or the database later reads nothing."""

from __future__ import annotations

import asyncio
import io
import secrets
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from longbien.base import clock, jobs, paper
from longbien.base.errors import Forbidden, LongbienError, NotFound, TooMany
from longbien.base.ids import FHIR_ID, new_id, patient_key
from longbien.base.place import Place
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.record import trail
from longbien.record.everything import Asked
from longbien.record.store import Store

from .. import later
from ..actor import Actor
from ..door import Door
from ..roles import ME
from . import reading

Q = queries(__file__, "../sql/rights.sql")
QUEUE = "rights.copy"
TEMPLATE = Path(__file__).parent / "paper" / "record.typ"
KEPT = timedelta(hours=24)
A_DAY = 5
"""Copies that one account may ask for in 24 hours."""
README = (
    "Tệp ho-so.pdf để đọc và in. Thư mục fhir giữ toàn bộ dữ liệu gốc (chuẩn FHIR R4), để đưa cho bệnh viện hoặc ứng dụng khác. "
    "Đây là dữ liệu sức khoẻ: hãy giữ kín."
)
_WITHOUT = (
    "Ảnh chụp chiếu gốc và tệp đính kèm (xin tại bệnh viện đã chụp).",
    "Nhật ký ai đã xem hồ sơ (xem trên điện thoại, mục Hồ sơ).",
)


class Copy(NamedTuple):
    id: str
    patient: str
    state: str
    size: int | None
    counted: int | None
    made: datetime
    ready: datetime | None


def folder() -> Path:
    return Place.read().folder / "copies"


async def ask(door: Door, actor: Actor, patient: str, lang: str) -> tuple[str, str]:
    """Put a copy in line; gives (its id, the key to it). Raises NotFound, Forbidden, TooMany."""
    if not actor.may(ME):
        raise Forbidden(f"{actor.name} is no patient.")
    reason = await door.why(actor, patient) if FHIR_ID.match(patient) else None
    if reason is None:
        raise NotFound("This record is not open to you.")
    if await door.engine.db.fetchval(Q.copies_lately, actor.number) >= A_DAY:
        raise TooMany(f"{A_DAY} copies in a day are enough: use one that is there, or wait.", 3600)
    id_, key = new_id(), secrets.token_hex(32)
    scope = door.scope(actor, "PATRQT", reason=reason)
    await door.engine.trail.write([trail.line(scope, "export", pat=patient_key(patient), n=0, why=f"asked for a copy {id_}")])
    async with door.engine.db.transaction() as connection:
        await connection.execute(Q.copy_new, id_, actor.number, patient, lang)
        await jobs.enqueue(connection, QUEUE, {"id": id_, "key": key}, key=id_)
    return id_, key


async def of(door: Door, actor: Actor, patient: str) -> list[Copy]:
    """This account's copies of this record, newest first."""
    return [Copy(*r.values()) for r in await door.engine.db.fetch(Q.copies, actor.number, patient)]


def job(door: Door) -> jobs.Handler:
    async def make(payload: Mapping[str, Any]) -> datetime | None:
        row = await door.engine.db.fetchrow(Q.copy, payload["id"])
        if row is None or row["state"] != "waiting":
            return None
        try:
            packed, counted = await _gathered(door, row)
        except LongbienError as error:
            if error.status in (403, 404, 410):  # the right is gone since it was asked for
                await door.engine.db.execute(Q.copy_failed, row["id"], "the record is not open any more")
                return None
            raise
        await asyncio.to_thread(_keep, row["id"], bytes.fromhex(payload["key"]), packed)
        await door.engine.db.execute(Q.copy_ready, row["id"], len(packed), counted)
        return None

    return make


async def _gathered(door: Door, row: Any) -> tuple[bytes, int]:
    """(the zip, how many resources are in it), within what the asker may see now."""
    said = {"actor": row["account"], "token": None, "purpose": "PATRQT"}
    scope = await later.again(door, said, f"a copy of the whole record {row['id']}")
    store = Store(door.engine, scope)
    bodies: dict[str, list[bytes]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    after = -1
    while True:
        page, following = await store.everything("Patient", row["patient"], Asked(after=after), "", [])
        for e in page.entries:
            if (e.type, e.id) not in seen:
                seen.add((e.type, e.id))
                bodies[e.type].append(e.body)
        if following is None:
            break
        after = following
    now = clock.local(clock.now())
    resources = [json.loads(b, strict=False) for found in bodies.values() for b in found]
    data = reading.lines(resources) | {
        "made": f"Làm lúc {now:%H:%M ngày %d/%m/%Y} từ hồ sơ sức khoẻ điện tử, theo yêu cầu của người có hồ sơ.",
        "foot": f"Bản sao {row['id'][:13]} · {now:%d/%m/%Y %H:%M} · Bản in chuyển đổi từ hồ sơ bệnh án điện tử",
        "readme": README,
        "missing": list(_WITHOUT),
    }
    pdf = await paper.printed(TEMPLATE, data)
    return await asyncio.to_thread(_zipped, bodies, pdf), len(seen)


def _zipped(bodies: Mapping[str, list[bytes]], pdf: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("DOC-TRUOC.txt", README + "\n\nKhông có trong bản sao:\n" + "\n".join(f"- {x}" for x in _WITHOUT) + "\n")
        z.writestr("ho-so.pdf", pdf)
        for type_ in sorted(bodies):
            z.writestr(f"fhir/{type_}.ndjson", b"\n".join(bodies[type_]) + b"\n")
        entries = b",".join(b'{"resource":' + b + b"}" for type_ in sorted(bodies) for b in bodies[type_])
        z.writestr("fhir/bundle.json", b'{"resourceType":"Bundle","type":"collection","entry":[' + entries + b"]}")
    return out.getvalue()


def _keep(id_: str, key: bytes, packed: bytes) -> None:
    place = folder()
    place.mkdir(0o700, True, True)
    nonce = secrets.token_bytes(12)
    aside = place / f".{id_}"
    with aside.open("wb") as out:
        aside.chmod(0o600)
        out.write(nonce + AESGCM(key).encrypt(nonce, packed, id_.encode()))
    aside.rename(place / id_)


async def fetch(door: Door, actor: Actor, id_: str, key: str) -> bytes:
    """The zip, once: whoever comes second finds nothing. Raises NotFound (not theirs, not ready, fetched already, a wrong key)."""
    gone = NotFound("This copy is not there, or was fetched already.")
    row = await door.engine.db.fetchrow(Q.copy, id_) if FHIR_ID.match(id_) else None
    if row is None or row["account"] != actor.number or row["state"] != "ready":
        raise gone
    reason = await door.why(actor, row["patient"])
    if reason is None:
        raise gone
    packed = await asyncio.to_thread(_opened, id_, key)
    if packed is None or await door.engine.db.fetchval(Q.copy_fetched, id_) is None:
        raise gone
    scope = door.scope(actor, "PATRQT", reason=reason)
    line = trail.line(scope, "export", pat=patient_key(row["patient"]), n=row["counted"] or 0, why=f"fetched the copy {id_}")
    await door.engine.trail.write([line])
    await asyncio.to_thread(_forget, id_)
    return packed


def _opened(id_: str, key: str) -> bytes | None:
    try:
        kept = (folder() / id_).read_bytes()
        return AESGCM(bytes.fromhex(key)).decrypt(kept[:12], kept[12:], id_.encode())
    except (OSError, ValueError, InvalidTag):
        return None


def _forget(id_: str) -> None:
    (folder() / id_).unlink(missing_ok=True)


async def clean(door: Door) -> None:
    """Forget what nobody fetched within a day."""
    for row in await door.engine.db.fetch(Q.copies_old, KEPT):
        await asyncio.to_thread(_forget, row["id"])
