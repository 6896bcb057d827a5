"""Papers that came in on paper: kept as they are, read by machine, and dated and named by a person."""

from __future__ import annotations

from datetime import date
from typing import Any

from longbien.access.binaries import behind
from longbien.base import clock
from longbien.base.errors import Invalid, NotFound
from longbien.base.ids import FHIR_ID, new_id
from longbien.record.change import Create, Update
from longbien.record.write import announce, commit

from . import files
from .actions import Desk, narrative
from .papers import paragraphs
from .reading_paper import KINDS, Read

SCANS = "https://longbien.org/fhir/CodeSystem/scan"
LARGEST = 8 << 20
TAKEN = ("application/pdf", "image/jpeg", "image/png")


def is_scan(document: dict[str, Any]) -> bool:
    return any(c.get("system") == SCANS for x in document.get("category") or () for c in x.get("coding") or ())


async def keep(desk: Desk, patient: str, kind: str, data: bytes, found: Read, once: str) -> str:
    """A new paper, not looked at by a person yet; gives the id of its DocumentReference."""
    id_ = once if FHIR_ID.match(once) and len(once) <= 48 else new_id()
    at = clock.instant(clock.now())
    document: dict[str, Any] = {
        "resourceType": "DocumentReference", "id": id_, "status": "current", "docStatus": "preliminary", "date": at,
        "category": [{"coding": [{"system": SCANS, "code": "scan", "display": "Giấy quét"}]}],
        "type": {"text": KINDS["other"][0]}, "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": files.attachment(f"{id_}-file", kind, data, "Giấy quét", at)}],
    }  # fmt: skip
    if found.text:
        document["text"] = narrative(found.text.split("\n"))
    if desk.actor.organization:
        document["custodian"] = {"reference": f"Organization/{desk.actor.organization}"}
    binary = files.binary(f"{id_}-file", kind, data, id_)
    async with desk.engine.db.transaction() as connection:
        made = await commit(desk.engine, desk.store.scope, [Create(document, id=id_)], connection=connection)
        await commit(desk.engine, behind(desk.store).scope, [Create(binary, id=binary["id"])], connection=connection)
    announce(desk.engine, made)
    return id_


async def opened(desk: Desk, id_: str) -> tuple[dict[str, Any], int, files.File]:
    """Raises NotFound."""
    file = await files.opened(desk.store, id_)
    if not is_scan(file.document):
        raise NotFound("There is no such paper.")
    return file.document, file.version, file


async def name(desk: Desk, id_: str, version: int, kind: str, dated: str, text: str, today: date) -> None:
    """A person says what it is and of which day. Raises Invalid, PreconditionFailed (somebody else did)."""
    document, _, _ = await opened(desk, id_)
    if kind not in KINDS:
        raise Invalid("Say what kind of paper it is.", status=422)
    try:
        day = date.fromisoformat(dated)
    except ValueError:
        raise Invalid("Say of which day the paper is.", status=422) from None
    if not day.year >= 1900 or day > today:
        raise Invalid("Say of which day the paper is.", status=422)
    document = {k: v for k, v in document.items() if k not in ("text", "meta")}
    document["docStatus"] = "final"
    document["type"] = {"coding": [{"system": SCANS, "code": kind, "display": KINDS[kind][0]}], "text": KINDS[kind][0]}
    document["context"] = {**(document.get("context") or {}), "period": {"start": day.isoformat(), "end": day.isoformat()}}
    if desk.actor.practitioner:
        document["authenticator"] = {"reference": f"Practitioner/{desk.actor.practitioner}", "display": desk.actor.name}
    if text.strip():
        document["text"] = narrative(text.strip().split("\n"))
    await desk.store.commit([Update(document, if_match=version)])


async def error(desk: Desk, id_: str, version: int) -> None:
    """It was put into the wrong record: it is kept and says so."""
    document, _, _ = await opened(desk, id_)
    await desk.store.commit([Update({**document, "status": "entered-in-error"}, if_match=version)])


def text_of(document: dict[str, Any]) -> str:
    """What was read of it, or typed."""
    return "\n".join(paragraphs(str((document.get("text") or {}).get("div") or "")))
